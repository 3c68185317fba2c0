// SPDX-License-Identifier: Apache-2.0
//! The way of a firing from the disk to its target.
//!
//! ```text
//! firing ──run──> delivered
//!            │ not now: again, later each time, as the retry policy lets it
//!            └ never, too often or too old ──> a dead letter ──run──> the queue for those
//! ```
//!
//! What can not be taken, as of a target that is gone or a role that may not, is not tried again: EventBridge's documentation says so
//! of its rules, Scheduler's does not say. A dead letter that the queue refuses is dropped, as on AWS, and the log says so.
//!
//! Invariant: an item of the queue ends after what follows from it is on the disk, or was taken.

use crate::firing::{Condition, DeadLetter, Firing};
use crate::schedule::patience;
use crate::service::Service;
use crate::target::{Attempt, execution_id};
use crate::{Options, clock, metrics};
use events::{Class, Next, Queue, Work};
use flow::{Fact, NOBODY, Outcome};
use names::TraceHeader;
use std::sync::Arc;
use std::time::Duration;
use targets::{NotTaken, Parcel, Sender};

/// Where doubling ends: so the 185 retries that AWS has by default take about the day that it gives them.
const RETRY_AFTER_MAX: u64 = 480;

pub(crate) fn queue_options(options: &Options) -> events::Options {
    events::Options {
        events_max: options.waiting_max,
        bytes_max: options.waiting_bytes_max,
        function_events_max: options.waiting_max,
        function_bytes_max: options.waiting_bytes_max,
        ..events::Options::default()
    }
}

/// Has what waits run, until the service is gone or the queue is stopped.
pub(crate) fn run(service: &Arc<Service>, queue: &Queue) {
    let service = Arc::downgrade(service);
    queue.start(move |work| {
        let service = service.upgrade();
        async move {
            match service {
                Some(service) => service.run_work(&work).await,
                None => Next::PutOff { at_most: Duration::MAX },
            }
        }
    });
}

impl Service {
    async fn run_work(&self, work: &Work) -> Next {
        match work.class {
            Class::Event => match serde_json::from_slice(&work.body) {
                Ok(firing) => self.deliver(firing, work).await,
                Err(_) => dropped(work),
            },
            Class::Delivery => match serde_json::from_slice(&work.body) {
                Ok(letter) => self.bury(&letter).await,
                Err(_) => dropped(work),
            },
        }
    }

    async fn deliver(&self, firing: Firing, work: &Work) -> Next {
        let execution_id = execution_id();
        let (age_max, _) = patience(&firing.target);
        if work.attempts == 0 && firing.age(work.age) > age_max {
            return ended(DeadLetter {
                firing,
                execution_id,
                attempts: 0,
                code: "EventAgeExceeded".to_owned(),
                message: "The event was older than MaximumEventAgeInSeconds before it could be delivered."
                    .to_owned(),
                condition: Some(Condition::MaximumEventAgeInSeconds),
            });
        }
        let attempt = Attempt {
            schedule_arn: &firing.schedule_arn,
            instant: firing.instant,
            execution_id: &execution_id,
            number: work.attempts.saturating_add(1),
        };
        let sent = match attempt.parcel(&firing.target) {
            Ok(parcel) => self.send(&firing, &execution_id, parcel).await,
            Err(fault) => Err(fault.into()),
        };
        metrics::count_attempt(&firing.schedule_arn, &sent);
        let Err(reason) = sent else { return Next::End(Vec::new()) };
        match again(&firing, work, &reason) {
            Again::After(after) => {
                tracing::info!(schedule = %work.line, %reason, attempt = attempt.number, "firing not delivered yet");
                Next::Retry { after }
            }
            Again::Never(condition) => {
                let (NotTaken::Never { code, message } | NotTaken::NotNow { code, message }) =
                    reason;
                let attempts = attempt.number;
                ended(DeadLetter { firing, execution_id, attempts, code, message, condition })
            }
        }
    }

    /// Sends a dead letter to its queue.
    async fn bury(&self, letter: &DeadLetter) -> Next {
        let sent = match letter.parcel() {
            Ok(parcel) => self.send(&letter.firing, &letter.execution_id, parcel).await,
            Err(reason) => Err(reason),
        };
        let schedule = &letter.firing.schedule_arn;
        match sent {
            Ok(()) => {
                metrics::count_dead_letter(schedule, true);
                let queue = letter.firing.dead_letter_queue().unwrap_or(NOBODY);
                tell(letter, queue, Outcome::DeadLetter);
                Next::End(Vec::new())
            }
            Err(NotTaken::NotNow { code, message }) => {
                tracing::warn!(schedule, code, message, "dead letter not taken yet");
                Next::PutOff { at_most: Duration::MAX }
            }
            Err(NotTaken::Never { code, message }) => {
                tracing::error!(schedule, code, message, "dead letter dropped");
                metrics::count_dead_letter(schedule, false);
                tell(letter, NOBODY, Outcome::Dropped);
                Next::End(Vec::new())
            }
        }
    }

    async fn send(
        &self,
        firing: &Firing,
        execution_id: &str,
        parcel: Parcel,
    ) -> Result<(), NotTaken> {
        let sender = Sender::Role {
            arn: firing.target.role_arn.clone(),
            session: execution_id.to_owned(),
            source_arn: firing.schedule_arn.clone(),
        };
        let seconds = u64::try_from(clock::now_ms() / 1_000).unwrap_or_default();
        self.targets.deliver(&sender, TraceHeader::start(seconds), parcel).await
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Again {
    After(Duration),
    Never(Option<Condition>),
}

/// Whether what was not delivered is tried again.
fn again(firing: &Firing, work: &Work, reason: &NotTaken) -> Again {
    let (age_max, retries_max) = patience(&firing.target);
    if matches!(reason, NotTaken::Never { .. }) {
        return Again::Never(None);
    }
    if work.attempts >= retries_max {
        return Again::Never(Some(Condition::MaximumRetryAttempts));
    }
    let after = retry_after(work.attempts);
    if firing.age(work.age).saturating_add(after) > age_max {
        return Again::Never(Some(Condition::MaximumEventAgeInSeconds));
    }
    Again::After(Duration::from_secs(after))
}

/// Seconds until the next attempt: they double.
fn retry_after(failures: u32) -> u64 {
    1_u64.checked_shl(failures).unwrap_or(u64::MAX).min(RETRY_AFTER_MAX)
}

fn ended(letter: DeadLetter) -> Next {
    let DeadLetter { firing, attempts, code, message, .. } = &letter;
    let schedule = &firing.schedule_arn;
    tracing::warn!(schedule, attempts, code, message, "firing not delivered");
    metrics::count_dropped(schedule);
    if letter.condition == Some(Condition::MaximumEventAgeInSeconds) {
        tell(&letter, &firing.target.arn, Outcome::TooOld);
    }
    match firing.dead_letter_queue() {
        Some(_) => Next::End(vec![letter.item()]),
        None => {
            tell(&letter, NOBODY, Outcome::Dropped);
            Next::End(Vec::new())
        }
    }
}

/// Tells who watches what became of a firing, beside what the seam of targets tells of each attempt.
fn tell(letter: &DeadLetter, target: &str, outcome: Outcome) {
    let DeadLetter { firing, code, message, .. } = letter;
    let reason = || format!("{message} ({code})");
    flow::tell(|| Fact::new(&firing.schedule_arn, target, outcome).because(reason()));
}

fn dropped(work: &Work) -> Next {
    tracing::error!(schedule = %work.line, "firing of another build dropped");
    Next::End(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{NOON, schedule};
    use api::scheduler::RetryPolicy;

    fn not_now() -> NotTaken {
        NotTaken::NotNow { code: "c".to_owned(), message: "m".to_owned() }
    }

    fn tried(attempts: u32, age: u64, policy: Option<(i32, i32)>, reason: &NotTaken) -> Again {
        let mut firing = Firing::new(&schedule("rate(5 minutes)"), NOON, NOON);
        firing.target.retry_policy = policy.map(|(age, attempts)| RetryPolicy {
            maximum_event_age_in_seconds: Some(age),
            maximum_retry_attempts: Some(attempts),
        });
        let New { line, class, head, body } = firing.item();
        let age = Duration::from_secs(age);
        again(&firing, &Work { line: line.into(), class, head, body, attempts, age }, reason)
    }

    use events::New;

    #[test]
    fn a_firing_is_tried_as_its_policy_says() {
        assert_eq!(tried(0, 0, None, &not_now()), Again::After(Duration::from_secs(1)));
        assert_eq!(tried(4, 0, None, &not_now()), Again::After(Duration::from_secs(16)));
        assert_eq!(tried(50, 0, None, &not_now()), Again::After(Duration::from_secs(480)));
        let exhausted = Again::Never(Some(Condition::MaximumRetryAttempts));
        assert_eq!(tried(0, 0, Some((60, 0)), &not_now()), exhausted);
        assert_eq!(tried(185, 0, None, &not_now()), exhausted);
        let too_old = Again::Never(Some(Condition::MaximumEventAgeInSeconds));
        assert_eq!(tried(5, 40, Some((60, 185)), &not_now()), too_old);
        assert_eq!(tried(0, 86_400, None, &not_now()), too_old);
        let denied = NotTaken::denied("no".to_owned());
        assert_eq!(tried(0, 0, None, &denied), Again::Never(None));
    }

    #[test]
    fn the_retries_of_a_day_fit_into_a_day() {
        let seconds: u64 = (0..185).map(retry_after).sum();
        assert!((80_000..90_000).contains(&seconds), "{seconds}");
    }
}
