// SPDX-License-Identifier: Apache-2.0
//! How replays go on: page by page, from the archive to the queue that all events wait in.
//!
//! Events go in the order of their times, minute by minute and within it, as AWS promises no more. A page is in the queue before it
//! is noted as replayed: a server that is killed replays at most the last one again.
//!
//! Invariant: a replay takes no room from what is put: it waits while much of it waits.

use crate::address::{ReplayKey, RuleKey};
use crate::archive::REPLAY_NAME;
use crate::bus::Bus;
use crate::clock;
use crate::event::Accepted;
use crate::replay::{Phase, Replay, ReplayRecord};
use crate::service::{Service, failed};
use names::{AccountId, Region, TraceHeader};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use store::{Batch, Expectation};
use wire::Result;

/// Deliveries that may wait before a replay adds to them.
const WAITING_MAX: usize = 1_000;
/// How long a replay waits for room, and where something failed.
const PAUSE: Duration = Duration::from_millis(200);
/// How long replays that have ended are known, as on AWS.
const KNOWN_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// All replays, in memory.
#[derive(Debug, Default)]
pub(crate) struct Replays(Mutex<BTreeMap<ReplayKey, Arc<Replay>>>);

impl Replays {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ReplayKey, Arc<Replay>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, key: &ReplayKey) -> Option<Arc<Replay>> {
        self.lock().get(key).cloned()
    }

    pub(crate) fn put(&self, replay: Arc<Replay>) {
        self.lock().insert(replay.key.clone(), replay);
    }

    /// Those of an account and a region, in the order of their names.
    pub(crate) fn of_region(&self, account: &AccountId, region: &Region) -> Vec<Arc<Replay>> {
        let all = self.lock();
        let own = all.values().filter(|it| it.key.account == *account && it.key.region == *region);
        own.cloned().collect()
    }
}

impl Service {
    /// Has a replay go on, beside everything else.
    pub(crate) fn replay(self: &Arc<Self>, replay: Arc<Replay>) {
        let service = Arc::downgrade(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with its replay, or the service: which it does not hold while it waits"
        )]
        tokio::spawn(run(service, replay));
    }

    pub(crate) async fn keep_replay(&self, replay: &Replay, record: ReplayRecord) -> Result<()> {
        let batch = Batch::new();
        let batch =
            batch.put_json(self.replay_records(), replay.key.text(), &record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        replay.set(record);
        Ok(())
    }

    pub(crate) async fn change_replay(
        &self,
        replay: &Replay,
        change: impl FnOnce(&mut ReplayRecord) -> Result<()>,
    ) -> Result<()> {
        let _changing = replay.changes.lock().await;
        let mut record = ReplayRecord::clone(&replay.record());
        change(&mut record)?;
        self.keep_replay(replay, record).await
    }

    /// Forgets those that ended long ago.
    pub(crate) async fn forget_old_replays(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Result<()> {
        let known_from = clock::now().epoch_ms().saturating_sub(KNOWN_MS);
        for replay in self.replays.of_region(account, region) {
            if replay.record().ended_ms.is_some_and(|ended| ended < known_from) {
                let batch = Batch::new();
                let key = replay.key.text();
                self.commit(batch.delete(self.replay_records(), key, Expectation::Any)).await?;
                self.replays.lock().remove(&replay.key);
            }
        }
        Ok(())
    }

    /// Replays a page. `false`: it has ended.
    async fn replay_page(self: &Arc<Self>, replay: &Replay) -> Result<bool> {
        let record = replay.record();
        if record.phase == Phase::Cancelling {
            self.end_replay(replay, Phase::Cancelled, None).await?;
            return Ok(false);
        }
        let archive = replay.key.archive(&record.archive);
        let times = record.from_ms..record.until_ms;
        let page = self.shelf.read(&archive, times, record.after).await;
        let (Some(page), Some(bus)) =
            (page.map_err(|error| failed(&error))?, self.table.bus(&replay.bus(&record)))
        else {
            let reason = Some("The archive or its event bus was deleted.".to_owned());
            self.end_replay(replay, Phase::Failed, reason).await?;
            return Ok(false);
        };
        let wanted: Vec<Accepted> = page
            .events
            .iter()
            .filter_map(|(_, event)| replayed(event, &replay.key.name, &bus, &record.filters))
            .collect();
        if !wanted.is_empty()
            && let Err(refused) = self.keep(&bus, wanted).await
        {
            tracing::warn!(replay = replay.key.name, code = refused.code, "replay waits");
            tokio::time::sleep(PAUSE).await;
            return Ok(true);
        }
        let last = page.events.last().map(|(time, _)| *time);
        let go_on = |record: &mut ReplayRecord| {
            record.last_ms = last.or(record.last_ms);
            record.after = page.next.or(record.after);
            // One that is cancelled meanwhile ends as such.
            if record.phase != Phase::Cancelling {
                let is_last = page.next.is_none();
                record.phase = if is_last { Phase::Completed } else { Phase::Running };
                record.ended_ms = is_last.then(|| clock::now().epoch_ms());
            }
            Ok(())
        };
        self.change_replay(replay, go_on).await?;
        Ok(!replay.record().phase.has_ended())
    }

    async fn end_replay(
        &self,
        replay: &Replay,
        phase: Phase,
        reason: Option<String>,
    ) -> Result<()> {
        let end = |record: &mut ReplayRecord| {
            record.phase = phase;
            record.reason = reason;
            record.ended_ms = Some(clock::now().epoch_ms());
            Ok(())
        };
        self.change_replay(replay, end).await
    }
}

async fn run(service: Weak<Service>, replay: Arc<Replay>) {
    loop {
        let Some(service) = service.upgrade().filter(|service| !service.is_stopping()) else {
            return;
        };
        // More waits than it should add to.
        if service.waiting() > WAITING_MAX && replay.record().phase != Phase::Cancelling {
            drop(service);
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match service.replay_page(&replay).await {
            Ok(true) => {}
            Ok(false) => return,
            // It is in the log, and tried again.
            Err(_) => {
                drop(service);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// An event as it comes the second time, if a rule wants it that may have it.
fn replayed(event: &str, name: &str, bus: &Bus, filters: &[String]) -> Option<Accepted> {
    let text = event.strip_suffix('}')?;
    // Names have nothing in them that JSON would write in another way.
    let text = format!(r#"{text},"{REPLAY_NAME}":"{name}"}}"#);
    let event: Value = serde_json::from_str(&text).ok()?;
    let may_have = |key: &RuleKey| filters.is_empty() || filters.contains(&key.arn());
    let rules = bus.rules.values().filter(|rule| may_have(&rule.key) && rule.wants(&event));
    let wanted: Vec<String> = rules.map(|rule| rule.key.name.clone()).collect();
    let now = clock::now().epoch_ms();
    let trace = TraceHeader::start(u64::try_from(now.div_euclid(1_000)).unwrap_or_default());
    (!wanted.is_empty()).then(|| Accepted {
        event: text,
        trace: trace.to_string(),
        ingested_ms: now,
        wanted,
        ..Accepted::default()
    })
}
