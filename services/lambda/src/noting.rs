// SPDX-License-Identifier: Apache-2.0
//! What happens to functions beside invocations that end with a report: noted for the metrics of the namespace `AWS/Lambda`.
//!
//! Invocations themselves are counted by `worker`, where they are reported. Nothing here is on the way of one that runs, but that
//! the first of a function in a second has it noticed: levels are told of functions that are noticed, and of no others.

use crate::Invoke;
use crate::concurrency::{Gate, to_usize};
use crate::function::{Function, Key};
use crate::level::Most;
use crate::service::Service;
use ::invoke::InvokeError;
use http::StatusCode;
use meter::{Metric, Scope, Subject};
use names::{AccountId, Qualifier, Region};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Functions that run since levels were last told.
#[derive(Debug, Default)]
pub(crate) struct Noticed(Mutex<Functions>);

type Functions = Vec<(Key, Arc<Gate>)>;

/// Levels of a function or of one of its qualifiers, and what is provisioned for it.
struct Level {
    scope: Scope,
    all: u32,
    provisioned: u32,
    provisioned_for: usize,
}

impl Noticed {
    pub(crate) fn add(&self, key: &Key, gate: &Arc<Gate>) {
        if gate.notice() {
            self.lock().push((key.clone(), Arc::clone(gate)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Functions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I: Invoke> Service<I> {
    /// Notes that something happened once to a function that was called by this qualifier.
    pub(crate) fn note(&self, key: &Key, qualifier: Option<&Qualifier>, metric: Metric) {
        self.note_value(key, qualifier, metric, 1.0);
    }

    pub(crate) fn note_age(&self, key: &Key, qualifier: Option<&Qualifier>, age: Duration) {
        self.note_value(key, qualifier, Metric::AsyncEventAge, age.as_secs_f64() * 1_000.0);
    }

    /// Notes a request to a function URL that was answered.
    pub(crate) fn note_url_request(
        &self,
        key: &Key,
        alias: Option<&Qualifier>,
        status: StatusCode,
        latency: Duration,
    ) {
        self.note(key, alias, Metric::UrlRequestCount);
        self.note_value(key, alias, Metric::UrlRequestLatency, latency.as_secs_f64() * 1_000.0);
        if status.is_client_error() {
            self.note(key, alias, Metric::Url4xxCount);
        }
        if status.is_server_error() {
            self.note(key, alias, Metric::Url5xxCount);
        }
    }

    /// Notes a throttle, if it was one.
    pub(crate) fn note_throttle(
        &self,
        key: &Key,
        qualifier: Option<&Qualifier>,
        error: &InvokeError,
    ) {
        if matches!(error, InvokeError::Throttled { .. }) {
            self.note(key, qualifier, Metric::Throttles);
        }
    }

    /// Notes the most that ran at once since the last time: of accounts, functions and qualifiers of which any did. Of mappings with
    /// provisioned pollers, how many these are.
    pub(crate) fn note_levels(&self) {
        for (mapping, pollers) in self.pollers.iter().flat_map(event_sources::Pollers::provisioned)
        {
            self.note_events(&mapping, Metric::ProvisionedPollers, pollers);
        }
        let noticed = std::mem::take(&mut *self.noticed.lock());
        let mut by_place: HashMap<(AccountId, Region), Functions> = HashMap::new();
        for (key, gate) in noticed {
            let place = (key.account.clone(), key.region.clone());
            by_place.entry(place).or_default().push((key, gate));
        }
        for ((account, region), functions) in by_place {
            self.note_levels_of_account(&account, &region);
            for (key, gate) in functions {
                gate.overlook();
                for level in levels(&gate, &key, self.table.get(&key).as_deref()) {
                    self.note_level(&account, &region, level);
                }
                // Who is still there is told again.
                if gate.levels.counts().all() > 0 {
                    self.noticed.add(&key, &gate);
                }
            }
        }
    }

    fn note_levels_of_account(&self, account: &AccountId, region: &Region) {
        let of_account = self.accounts.of(account, region);
        let Most { all, plain, provisioned } = of_account.levels.take();
        let level = Level { scope: Scope::Account, all, provisioned, provisioned_for: 0 };
        self.note_level(account, region, level);
        let subject = subject(account, region, Scope::Account);
        self.note_of(&subject, Metric::UnreservedConcurrentExecutions, plain.into());
        let claimed = of_account.held().saturating_add(to_usize(plain));
        self.note_of(&subject, Metric::ClaimedAccountConcurrency, float(claimed));
    }

    fn note_level(&self, account: &AccountId, region: &Region, level: Level) {
        let subject = subject(account, region, level.scope);
        if level.all > 0 {
            self.note_of(&subject, Metric::ConcurrentExecutions, level.all.into());
        }
        if level.provisioned > 0 {
            let provisioned = f64::from(level.provisioned);
            self.note_of(&subject, Metric::ProvisionedConcurrentExecutions, provisioned);
            if level.provisioned_for > 0 {
                let share = provisioned / float(level.provisioned_for);
                self.note_of(&subject, Metric::ProvisionedConcurrencyUtilization, share);
            }
        }
    }

    fn note_value(&self, key: &Key, qualifier: Option<&Qualifier>, metric: Metric, value: f64) {
        let scope = resource(key, qualifier);
        self.note_of(&subject(&key.account, &key.region, scope), metric, value);
    }

    /// Notes what happened to so many events of an event source mapping.
    pub(crate) fn note_events(
        &self,
        mapping: &event_sources::Mapping,
        metric: Metric,
        events: usize,
    ) {
        let event_sources::Mapping { id, queue, .. } = mapping;
        let scope = Scope::Mapping(id.as_str().into());
        self.note_of(&subject(&queue.account, &queue.region, scope), metric, float(events));
    }

    fn note_of(&self, subject: &Subject, metric: Metric, value: f64) {
        let now_ms = u64::try_from((self.options.clock)().epoch_ms()).unwrap_or_default();
        self.options.meters.note(subject, metric, now_ms, value);
    }
}

/// `function` is the one behind the gate, if it is still there.
fn levels(gate: &Gate, key: &Key, function: Option<&Function>) -> Vec<Level> {
    let Most { all, plain, provisioned } = gate.levels.take();
    let provisioned_for = function.map_or(0, |function| function.holding().provisioned);
    let scope = Scope::Function(key.name.as_str().into());
    let unqualified =
        Level { scope: resource(key, None), all: plain, provisioned: 0, provisioned_for: 0 };
    let mut levels = vec![Level { scope, all, provisioned, provisioned_for }, unqualified];
    for (qualifier, of_qualifier) in gate.all_qualified() {
        let Most { all, provisioned, .. } = of_qualifier.take();
        let config = function.and_then(|found| found.provisioned.get(&qualifier.to_string()));
        let provisioned_for = config.map_or(0, |config| to_usize(config.requested));
        let scope = resource(key, Some(&qualifier));
        levels.push(Level { scope, all, provisioned, provisioned_for });
    }
    levels
}

fn subject(account: &AccountId, region: &Region, scope: Scope) -> Subject {
    Subject { account: account.clone(), region: region.clone(), scope }
}

fn resource(key: &Key, qualifier: Option<&Qualifier>) -> Scope {
    Scope::Resource {
        function: key.name.as_str().into(),
        qualifier: qualifier.map(|qualifier| qualifier.to_string().into()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn float(count: usize) -> f64 {
    count as f64
}
