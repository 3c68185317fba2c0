// SPDX-License-Identifier: Apache-2.0
//! The metrics of rules and of accounts: what was put, which rules ran, and how their targets were reached.
//!
//! A rule of a default bus is told by its name, and of others with its bus, as on AWS. Each bus and each account has them too.

use crate::bus::Bus;
use crate::clock;
use crate::event::Accepted;
use crate::rule::Rule;
use crate::service::Service;
use meter::{Measure, Resource, Tally};
use names::{AccountId, Region};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wire::Context;

const NAMESPACE: &str = "AWS/Events";

const CALLS: Measure = Measure::count("PutEventsApproximateCallCount");
const CALLS_DONE: Measure = Measure::count("PutEventsApproximateSuccessCount");
const CALLS_FAILED: Measure = Measure::count("PutEventsApproximateFailedCount");
const ENTRIES: Measure = Measure::count("PutEventsEntriesCount");
const ENTRIES_FAILED: Measure = Measure::count("PutEventsFailedEntriesCount");
const REQUEST_SIZE: Measure = Measure::bytes("PutEventsRequestSize");
const MATCHED: Measure = Measure::count("MatchedEvents");
const TRIGGERED: Measure = Measure::count("TriggeredRules");
const THROTTLED: Measure = Measure::count("ThrottledRules");
const CREATED: Measure = Measure::count("InvocationsCreated");
const ATTEMPTS: Measure = Measure::count("InvocationAttempts");
const RETRIES: Measure = Measure::count("RetryInvocationAttempts");
const SUCCESSES: Measure = Measure::count("SuccessfulInvocationAttempts");
const INVOCATIONS: Measure = Measure::count("Invocations");
const FAILED: Measure = Measure::count("FailedInvocations");
/// What was not sent, because it would have come back.
const LOOPS: Measure = Measure::count("DeadLetterInvocations");
const TO_DEAD_LETTERS: Measure = Measure::count("InvocationsSentToDlq");
const NOT_TO_DEAD_LETTERS: Measure = Measure::count("InvocationsFailedToBeSentToDlq");
const STARTED_AFTER: Measure = Measure::milliseconds("IngestionToInvocationStartLatency");
const COMPLETED_AFTER: Measure = Measure::milliseconds("IngestionToInvocationCompleteLatency");

/// Accounts and regions whose tallies are kept: callers name regions as they like.
const ACCOUNTS_MAX: usize = 1_000;

/// What counts for a whole account in a region.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<HashMap<(AccountId, Region), Tally>>);

/// What a request to put events came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Put {
    pub(crate) entries: usize,
    pub(crate) failed: usize,
    pub(crate) bytes: usize,
}

/// What becomes of an event that a target did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Dropped,
    IsDeadLetter,
    /// The dead-letter queue did not take it.
    IsNoDeadLetter,
}

impl Accounts {
    fn count(&self, account: &AccountId, region: &Region, values: &[(Measure, f64)]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > ACCOUNTS_MAX {
            all.clear();
        }
        let resource = || Resource {
            account: account.clone(),
            region: region.clone(),
            namespace: NAMESPACE,
            dimensions: vec![Vec::new()],
        };
        all.entry((account.clone(), region.clone())).or_default().add(resource, values);
    }
}

impl Rule {
    fn count(&self, values: &[(Measure, f64)]) {
        let resource = || {
            let bus = &self.key.bus;
            let of_bus = ("EventBusName", bus.name.clone());
            let of_rule = ("RuleName", self.key.name.clone());
            let by_rule = match bus.is_default() {
                true => vec![of_rule],
                false => vec![of_bus.clone(), of_rule],
            };
            Resource {
                account: bus.account.clone(),
                region: bus.region.clone(),
                namespace: NAMESPACE,
                dimensions: vec![vec![of_bus], by_rule],
            }
        };
        self.tally.add(resource, values);
    }
}

impl Service {
    pub(crate) fn count_put(&self, cx: &Context, put: Put) {
        let Put { entries, failed, bytes } = put;
        let end = if failed == entries { CALLS_FAILED } else { CALLS_DONE };
        let mut values =
            vec![(CALLS, 1.0), (end, 1.0), (ENTRIES, float(entries)), (REQUEST_SIZE, float(bytes))];
        if failed > 0 {
            values.push((ENTRIES_FAILED, float(failed)));
        }
        self.accounts.count(&cx.account, &cx.region, &values);
    }

    /// Rules of a bus have these events, each those that want it.
    pub(crate) fn count_triggered(&self, bus: &Bus, all: &[Accepted]) {
        let triggered = of_rules(bus, all, &[(MATCHED, 1.0), (TRIGGERED, 1.0)]);
        // For the account each event counts once, and each rule.
        let of_account = [(MATCHED, float(all.len())), (TRIGGERED, float(triggered))];
        self.accounts.count(&bus.key.account, &bus.key.region, &of_account);
    }

    /// Too much waits for them to have these events.
    pub(crate) fn count_throttled(&self, bus: &Bus, all: &[Accepted]) {
        let throttled = of_rules(bus, all, &[(THROTTLED, 1.0)]);
        let of_account = [(THROTTLED, float(throttled))];
        self.accounts.count(&bus.key.account, &bus.key.region, &of_account);
    }

    /// A target is tried, the first time if nothing failed before.
    pub(crate) fn count_attempt(&self, rule: &Rule, accepted: &Accepted, failures: u32) {
        match failures {
            0 => self
                .count(rule, &[(CREATED, 1.0), (ATTEMPTS, 1.0), (STARTED_AFTER, since(accepted))]),
            _ => self.count(rule, &[(ATTEMPTS, 1.0), (RETRIES, 1.0)]),
        }
    }

    pub(crate) fn count_success(&self, rule: &Rule, accepted: &Accepted) {
        let after = since(accepted);
        self.count(rule, &[(SUCCESSES, 1.0), (INVOCATIONS, 1.0), (COMPLETED_AFTER, after)]);
    }

    /// A target does not get an event.
    pub(crate) fn count_failure(&self, rule: &Rule, is_loop: bool, fate: Fate) {
        let mut values = match is_loop {
            true => vec![(LOOPS, 1.0)],
            false => vec![(INVOCATIONS, 1.0), (FAILED, 1.0)],
        };
        match fate {
            Fate::Dropped => {}
            Fate::IsDeadLetter => values.push((TO_DEAD_LETTERS, 1.0)),
            Fate::IsNoDeadLetter => values.push((NOT_TO_DEAD_LETTERS, 1.0)),
        }
        self.count(rule, &values);
    }

    fn count(&self, rule: &Rule, values: &[(Measure, f64)]) {
        rule.count(values);
        self.accounts.count(&rule.key.bus.account, &rule.key.bus.region, values);
    }
}

/// Counts for each rule that wants one of the events. How many that are is answered.
fn of_rules(bus: &Bus, all: &[Accepted], values: &[(Measure, f64)]) -> usize {
    let names = all.iter().flat_map(|accepted| &accepted.wanted);
    let rules = names.filter_map(|name| bus.rules.get(name));
    rules.inspect(|rule| rule.count(values)).count()
}

/// Milliseconds since an event was put.
fn since(accepted: &Accepted) -> f64 {
    let elapsed = clock::now().epoch_ms().saturating_sub(accepted.ingested_ms);
    f64::from(i32::try_from(elapsed.max(0)).unwrap_or(i32::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn float(count: usize) -> f64 {
    count as f64
}
