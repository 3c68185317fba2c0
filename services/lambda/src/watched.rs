// SPDX-License-Identifier: Apache-2.0
//! What is told of asynchronous invocations to whoever watches them: `tinderbox events tail`.

use crate::asynchronous::EventHead;
use crate::destinations::{DeliveryHead, Ended, How};
use crate::error::Error;
use crate::read::Found;
use ::invoke::InvokeError;
use events::Work;
use flow::{API, EVENTS, Fact, Outcome, tell};
use names::TraceHeader;
use std::time::Duration;
use wire::Context;

/// A call had an event accepted. What a service of this server hands over, its sender tells.
pub(crate) fn accepted(cx: &Context, found: &Found, head: &EventHead) {
    if cx.caller.arn.ends_with(".amazonaws.com") {
        return;
    }
    tell(|| {
        let fact = Fact::new(API, found.address.arn(), Outcome::Accepted);
        let fact = fact.of(&cx.account).in_request(&head.request_id);
        in_trace(fact, &head.trace)
    });
}

/// It did not come to its function.
pub(crate) fn put_off(work: &Work, head: &EventHead, error: &Error) {
    tell(|| {
        let outcome = if is_throttle(error) { Outcome::Throttled } else { Outcome::Retried };
        of_event(work, head, outcome).because(reason(error))
    });
}

pub(crate) fn retried(work: &Work, head: &EventHead, attempts: u32, after: Duration) {
    tell(|| {
        let reason =
            format!("function error in attempt {attempts}, again in {} s", after.as_secs());
        of_event(work, head, Outcome::Retried).because(reason)
    });
}

/// Its function is no more.
pub(crate) fn gone(work: &Work, head: &EventHead) {
    tell(|| of_event(work, head, Outcome::Dropped).because("the function does not exist"));
}

/// `is_told`: there is a destination or a dead-letter queue that its failure goes to.
pub(crate) fn ended(ended: &Ended<'_>, is_told: bool) {
    tell(|| {
        let for_good = if is_told { Outcome::Failed } else { Outcome::Dropped };
        let (outcome, reason) = match &ended.how {
            How::Succeeded { .. } => (Outcome::Delivered, None),
            How::Failed { .. } => {
                (for_good, Some(format!("function error in attempt {}", ended.attempts)))
            }
            How::TooOld => {
                (Outcome::TooOld, Some(format!("waited {} s", ended.work.age.as_secs())))
            }
            How::SwitchedOff => (for_good, Some("its reserved concurrency is 0".to_owned())),
            How::Recursive => (for_good, Some("recursive loop".to_owned())),
        };
        let fact = of_event(ended.work, ended.head, outcome);
        reason.into_iter().fold(fact, Fact::because)
    });
}

/// A record is where it was to go.
pub(crate) fn delivered(work: &Work, head: &DeliveryHead) {
    tell(|| {
        let outcome = if head.is_dead_letter() { Outcome::DeadLetter } else { Outcome::Delivered };
        of_record(work, head, outcome)
    });
}

pub(crate) fn undelivered(
    work: &Work,
    head: &DeliveryHead,
    error: &(dyn std::error::Error + 'static),
    is_dropped: bool,
) {
    tell(|| {
        let outcome = if is_dropped { Outcome::Dropped } else { Outcome::Retried };
        of_record(work, head, outcome).because(reason(error))
    });
}

fn of_event(work: &Work, head: &EventHead, outcome: Outcome) -> Fact {
    let function = match &head.qualifier {
        Some(qualifier) => format!("{}:{qualifier}", work.line),
        None => work.line.to_string(),
    };
    in_trace(Fact::new(EVENTS, function, outcome).in_request(&head.request_id), &head.trace)
}

fn of_record(work: &Work, head: &DeliveryHead, outcome: Outcome) -> Fact {
    let fact = Fact::new(&*work.line, &head.destination, outcome).in_request(&head.request_id);
    in_trace(fact, head.trace_text())
}

fn in_trace(fact: Fact, header: &str) -> Fact {
    match TraceHeader::parse(header) {
        Some(trace) => fact.in_trace(trace.root()),
        None => fact,
    }
}

pub(crate) const fn is_throttle(error: &Error) -> bool {
    matches!(error, Error::Invoke(InvokeError::Throttled { .. }))
}

/// The cause, which has AWS's words as far as it has some.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
