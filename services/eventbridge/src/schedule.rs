// SPDX-License-Identifier: Apache-2.0
//! Rules that are due at times: each puts an event for its own targets then.
//!
//! What was due while no server ran is not made up for, nor is what this machine slept through.
//!
//! Invariant: who has no such rule pays for none of it.

use crate::EventBridge;
use crate::address::RuleKey;
use crate::bus::Bus;
use crate::clock;
use crate::event::{self, Accepted, Scheduled};
use crate::rule::Rule;
use crate::service::Service;
use names::TraceHeader;
use std::sync::Arc;
use std::time::Duration;
use wire::Timestamp;

/// The wall clock may be changed while nobody looks: so it is looked at so often, as long as something is to come.
const LOOK: Duration = Duration::from_secs(30);
/// What is due longer than that was missed.
const LATE_SECONDS_MAX: i64 = 60;

impl EventBridge {
    /// Puts what rules are due with. It does not end.
    pub async fn run(&self) {
        self.service.run_schedules().await;
    }
}

impl Service {
    async fn run_schedules(self: &Arc<Self>) {
        let mut after = now_seconds();
        loop {
            // Before the rules are looked at: a change that comes later is not slept through.
            let changed = self.schedules_changed.notified();
            let Some(due) = self.next_due(after) else {
                changed.await;
                continue;
            };
            let now = now_seconds();
            if due <= now {
                if now - due > LATE_SECONDS_MAX {
                    tracing::warn!("rules that were due while the machine slept are passed over");
                    after = now - 1;
                    continue;
                }
                self.fire(after, due).await;
                after = due;
                continue;
            }
            let wait = Duration::from_secs((due - now).unsigned_abs()).min(LOOK);
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn next_due(&self, after: i64) -> Option<i64> {
        let scheduled = self.table.scheduled();
        scheduled.iter().filter_map(|(_, rule)| rule.due_after(after)).min()
    }

    async fn fire(self: &Arc<Self>, after: i64, due: i64) {
        for (bus, rule) in self.table.scheduled() {
            if rule.due_after(after) != Some(due) || rule.record.targets.is_empty() {
                continue;
            }
            let scheduled = scheduled(&bus, &rule, due);
            if let Err(refused) = self.keep(&bus, vec![scheduled]).await {
                tracing::error!(rule = rule.key.arn(), code = refused.code, "scheduled event lost");
            }
        }
    }
}

fn scheduled(bus: &Bus, rule: &Rule, due: i64) -> Accepted {
    let RuleKey { name, .. } = &rule.key;
    let event = event::write_scheduled(&Scheduled {
        id: &uuid::Uuid::new_v4().to_string(),
        rule_arn: &rule.key.arn(),
        account: &bus.key.account,
        region: &bus.key.region,
        time: Timestamp::from_epoch_ms(due.saturating_mul(1_000)),
    });
    let trace = TraceHeader::start(u64::try_from(due).unwrap_or_default()).to_string();
    let ingested_ms = clock::now().epoch_ms();
    Accepted { event, trace, ingested_ms, wanted: vec![name.clone()], ..Accepted::default() }
}

fn now_seconds() -> i64 {
    clock::now().epoch_ms().div_euclid(1_000)
}
