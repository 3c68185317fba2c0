// SPDX-License-Identifier: Apache-2.0
//! The one timer of all schedules: fires what is due, sleeps until the next is, and looks at the clock once a minute in between,
//! because a clock can be changed.
//!
//! ```text
//! waking ──due──> written to the queue ──on disk──> noted as fired ──> waking for the next
//! ```
//!
//! Invariant: nothing is noted as fired that is not on the disk. Killed in between, it fires again.

use crate::clock;
use crate::firing::Firing;
use crate::schedule::{Due, Schedule};
use crate::service::{Fired, Service};
use api::scheduler::ActionAfterCompletion;
use events::Queue;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// Schedules that are fired in one go.
const AT_ONCE: usize = 256;
const LOOK_AT_CLOCK: Duration = Duration::from_secs(60);
/// How long nothing fires when the queue took something not.
const PRESSED: Duration = Duration::from_secs(1);

pub(crate) fn start(service: &Arc<Service>, queue: &Arc<Queue>) {
    let task = run(Arc::downgrade(service), Arc::clone(queue));
    #[expect(clippy::disallowed_methods, reason = "it ends when the service stops or is gone")]
    drop(tokio::spawn(task));
}

async fn run(service: Weak<Service>, queue: Arc<Queue>) {
    let mut last = 0;
    loop {
        let Some(service) = service.upgrade().filter(|service| !service.is_stopping()) else {
            return;
        };
        let now = clock::now_ms();
        if now < last {
            service.table.believe(now.div_euclid(1_000));
        }
        last = now;
        let pause = service.fire(&queue, now).await;
        let changed = Arc::clone(&service.changed);
        drop(service);
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Service {
    /// Fires what is due, and says how long nothing is to be done.
    async fn fire(&self, queue: &Arc<Queue>, now_ms: i64) -> Duration {
        let now = now_ms.div_euclid(1_000);
        let changing = self.changing().await;
        let awake = self.table.awake(now, AT_ONCE);
        if awake.is_empty() {
            return pause(self.table.next_wake(), now_ms);
        }
        let mut firing = JoinSet::new();
        for schedule in awake {
            let due = schedule.due(now);
            firing.spawn(fire_one(Arc::clone(queue), schedule, due, now));
        }
        let mut is_pressed = false;
        let mut fired = Vec::new();
        while let Some(result) = firing.join_next().await {
            let Ok((schedule, until)) = result else { continue };
            is_pressed |= until.is_none_or(|(_, is_whole)| !is_whole);
            let Some((until, _)) = until else { continue };
            let is_last = schedule.is_complete(until);
            let definition = &schedule.record.definition;
            let is_deleted = definition.after_completion == ActionAfterCompletion::Delete;
            let outcome =
                if is_last && is_deleted { Fired::ForTheLastTime } else { Fired::Until(until) };
            fired.push((schedule, outcome));
        }
        if !fired.is_empty() {
            self.note_fired(&changing, fired).await;
        }
        if is_pressed { PRESSED } else { Duration::ZERO }
    }
}

/// Writes what is due of a schedule, and says until when that was, and whether it was all.
async fn fire_one(
    queue: Arc<Queue>,
    schedule: Schedule,
    due: Due,
    now: i64,
) -> (Schedule, Option<(i64, bool)>) {
    let mut until = None;
    for instant in due.instants {
        if let Err(error) = queue.keep(Firing::new(&schedule, instant, now).item()).await {
            tracing::error!(schedule = %schedule.key.arn(), error = &error as &dyn std::error::Error, "firing not kept");
            return (schedule, until.map(|until| (until, false)));
        }
        until = Some(instant);
    }
    // Also what is passed over.
    (schedule, Some((due.after, true)))
}

fn pause(wake: Option<i64>, now_ms: i64) -> Duration {
    let Some(wake) = wake else { return LOOK_AT_CLOCK };
    let ms = wake.saturating_mul(1_000).saturating_sub(now_ms);
    Duration::from_millis(u64::try_from(ms).unwrap_or_default()).min(LOOK_AT_CLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timer_sleeps_until_the_next_wakes_and_looks_at_the_clock_meanwhile() {
        assert_eq!(pause(Some(100), 99_250), Duration::from_millis(750));
        assert_eq!(pause(Some(100), 100_001), Duration::ZERO);
        assert_eq!(pause(Some(1_000_000), 0), LOOK_AT_CLOCK);
        assert_eq!(pause(None, 0), LOOK_AT_CLOCK);
    }
}
