// SPDX-License-Identifier: Apache-2.0
//! A batch on its way through a function, and what becomes of its messages.
//!
//! What failed is not deleted: it is visible again after its time, or among the dead letters of its queue. What does not come
//! to its function, because that is throttled or can not run, is tried again as long as nobody else gets the messages.

use crate::event::{Received, event, parts};
use crate::mapping::Mapping;
use crate::pending::Gathered;
use crate::poller::Shared;
use crate::queue::Reach;
use crate::response::failures;
use crate::room::Held;
use crate::scale::End;
use crate::seams::{Answer, Counted, NotInvoked};
use flow::{Fact, Outcome};
use names::TraceHeader;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// From one try to the next, each time twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Batch {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) reach: Arc<Reach>,
    /// Says no once the mapping is not to be polled any more.
    pub(crate) goes_on: watch::Receiver<bool>,
    pub(crate) held: Held,
}

impl Batch {
    pub(crate) async fn run(self, gathered: Gathered) {
        let mut parts = parts(gathered.received).into_iter();
        for part in parts.by_ref() {
            let end = self.run_part(&part, gathered.tries_until).await;
            // Of a FIFO queue nothing overtakes what failed.
            if end != End::Through && self.mapping.is_fifo() {
                break;
            }
        }
        let rest: Vec<String> = parts.flatten().map(|received| received.handle).collect();
        self.reach.give_back(&rest).await;
        drop(self.held);
    }

    async fn run_part(&self, part: &[Received], tries_until: Instant) -> End {
        let event = event(part);
        let traces: Vec<TraceHeader> =
            part.iter().filter_map(|received| received.trace.clone()).collect();
        let (shared, mapping) = (&self.shared, &*self.mapping);
        let mut goes_on = self.goes_on.clone();
        let mut pause = PAUSE_FIRST;
        loop {
            let invoked = shared.functions.invoke(&mapping.function, event.clone(), &traces).await;
            let not_invoked = match invoked {
                Ok(answer) => {
                    let end = self.settle(part, &answer).await;
                    shared.scale().ended(end);
                    return end;
                }
                Err(not_invoked) => not_invoked,
            };
            tracing::info!(
                mapping = mapping.id,
                messages = part.len(),
                reason = not_invoked.reason,
                "batch not invoked"
            );
            shared.tell(format!("PROBLEM: {}", not_invoked.reason));
            self.tell_not_invoked(part, &not_invoked);
            shared.scale().ended(End::NotInvoked);
            let is_stopped = !*goes_on.borrow_and_update();
            if is_stopped || Instant::now() + pause > tries_until {
                shared.functions.count(mapping, Counted::FailedInvoke, part.len());
                if is_stopped {
                    self.reach.give_back(&handles(part, |_| true)).await;
                }
                return End::NotInvoked;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = goes_on.wait_for(|goes_on| !goes_on) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Deletes what the function is done with.
    async fn settle(&self, part: &[Received], answer: &Answer) -> End {
        let (shared, mapping) = (&self.shared, &*self.mapping);
        let failed = match (answer.is_function_error, mapping.reports_failures) {
            (true, _) => None,
            (false, false) => Some(vec![false; part.len()]),
            (false, true) => failures(&answer.payload, part),
        };
        let all_failed = failed.is_none();
        let failed = failed.unwrap_or_else(|| vec![true; part.len()]);
        let done = handles(part, |place| failed.get(place) == Some(&false));
        let failures = part.len() - done.len();
        shared.functions.count(mapping, Counted::Invoked, part.len());
        shared.functions.count(mapping, Counted::FailedInvoke, failures);
        let deleted = self.reach.delete(done).await;
        shared.functions.count(mapping, Counted::Deleted, deleted);
        self.tell(answer, part.len(), failures, deleted);
        if failures == 0 {
            shared.tell("OK");
            return End::Through;
        }
        tracing::info!(mapping = mapping.id, messages = part.len(), failures, "batch failed");
        shared.tell(match all_failed {
            true => "PROBLEM: Function call failed",
            false => "PROBLEM: Function reported batch item failures",
        });
        End::Failed
    }
}

impl Batch {
    fn tell_not_invoked(&self, part: &[Received], not_invoked: &NotInvoked) {
        flow::tell(|| {
            let outcome =
                if not_invoked.is_throttled { Outcome::Throttled } else { Outcome::Retried };
            let fact = self.mapping.fact(outcome, part.len()).because(&not_invoked.reason);
            let trace = part.iter().find_map(|received| received.trace.as_ref());
            trace.into_iter().fold(fact, |fact, trace| fact.in_trace(trace.root()))
        });
    }

    /// What the function had, what of that failed, and what its queue has no more.
    fn tell(&self, answer: &Answer, count: usize, failures: usize, deleted: usize) {
        let tell = |outcome, count, reason: Option<&str>| {
            if count > 0 {
                flow::tell(|| {
                    let fact = self.mapping.fact(outcome, count);
                    let fact = fact.in_request(answer.request_id).in_trace(&answer.trace);
                    reason.into_iter().fold(fact, Fact::because)
                });
            }
        };
        let reason = match answer.is_function_error {
            true => "function error",
            false => "reported by the function",
        };
        tell(Outcome::Delivered, count - failures, None);
        tell(Outcome::Retried, failures, Some(reason));
        tell(Outcome::Deleted, deleted, None);
    }
}

/// The handles of those whose places are asked for.
fn handles(part: &[Received], is_asked_for: impl Fn(usize) -> bool) -> Vec<String> {
    let asked_for = part.iter().enumerate().filter(|(place, _)| is_asked_for(*place));
    asked_for.map(|(_, received)| received.handle.clone()).collect()
}
