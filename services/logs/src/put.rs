// SPDX-License-Identifier: Apache-2.0
//! Putting events.

use crate::service::Service;
use crate::{address, clock, error, streams};
use api::logs::{InputLogEvent, PutLogEventsInput, PutLogEventsOutput, RejectedLogEvents, fault};
use bytes::BytesMut;
use log_store::{AppendError, Batch};
use names::TraceHeader;
use wire::{Context, Fault, Result};

/// Bytes of the messages together, and of what each costs beside its message.
const BATCH_BYTES_MAX: usize = 1_048_576;
const EVENT_COST_BYTES: usize = 26;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far before and behind the present the time of an event may be.
const PAST_MAX_MS: i64 = 14 * DAY_MS;
const FUTURE_MAX_MS: i64 = 2 * 60 * 60 * 1000;

pub(crate) fn put(
    service: &Service,
    cx: &Context,
    input: PutLogEventsInput,
) -> Result<PutLogEventsOutput> {
    let key = address::key(cx, input.log_group_name);
    let group = service.group(&key)?;
    check(&input.log_events)?;
    let now = clock::epoch_ms();
    let oldest = group.settings().oldest(now);
    let kept = kept(&input.log_events, now, oldest);
    let mut batch = BytesMut::new();
    for event in input.log_events.get(kept.range.clone()).unwrap_or_default() {
        log_store::put_event(&mut batch, event.timestamp, event.message.as_bytes(), b"");
    }
    let trace = cx.trace.to_string();
    let cause = TraceHeader::is_chained(&trace).then(|| trace.into());
    // Also with nothing in it, so that a stream that is not there is told.
    let batch = Batch { events: batch.freeze(), cause };
    group.put(&input.log_stream_name, &batch).map_err(|error| match error {
        AppendError::GroupDeleted => error::no_group(),
        AppendError::NoStream => error::no_stream(),
        AppendError::Write(_) => error::internal(&error),
    })?;
    service.logs.show(&key, &batch.events);
    Ok(PutLogEventsOutput {
        next_sequence_token: Some(streams::sequence_token(now)),
        rejected_log_events_info: kept.rejected,
        rejected_entity_info: None,
    })
}

/// What is wrong with a batch as a whole.
fn check(events: &[InputLogEvent]) -> Result<(), Fault> {
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_COST_BYTES).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(fault::invalid_parameter(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(fault::invalid_parameter(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    let times = events.first().zip(events.last());
    let span = times.map_or(0, |(first, last)| last.timestamp.saturating_sub(first.timestamp));
    if span > DAY_MS {
        return Err(fault::invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

/// Which events are kept, and what is told of the others.
#[derive(Debug, PartialEq)]
struct Kept {
    range: std::ops::Range<usize>,
    rejected: Option<RejectedLogEvents>,
}

/// `oldest`: what is older has expired.
fn kept(events: &[InputLogEvent], now: i64, oldest: Option<i64>) -> Kept {
    let index = |place: usize| Some(i32::try_from(place).unwrap_or(i32::MAX));
    let before = |time: i64| events.partition_point(|event| event.timestamp < time);
    let too_old = before(now - PAST_MAX_MS);
    let expired = oldest.map_or(0, before);
    let too_new = events.partition_point(|event| event.timestamp <= now + FUTURE_MAX_MS);
    let first = too_old.max(expired);
    let rejected = RejectedLogEvents {
        too_new_log_event_start_index: index(too_new).filter(|_| too_new < events.len()),
        // The first that is not too old.
        too_old_log_event_end_index: index(too_old).filter(|_| too_old > 0),
        expired_log_event_end_index: index(expired).filter(|_| expired > 0),
    };
    let is_whole = rejected == RejectedLogEvents::default();
    Kept { range: first..too_new.max(first), rejected: (!is_whole).then_some(rejected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000 * DAY_MS;

    fn events(times: &[i64]) -> Vec<InputLogEvent> {
        let event = |time: &i64| InputLogEvent { timestamp: NOW + time, message: "x".to_owned() };
        times.iter().map(event).collect()
    }

    #[test]
    fn what_is_too_old_or_too_new_is_told_and_left_out() {
        let all = events(&[-15 * DAY_MS, -13 * DAY_MS, 0, FUTURE_MAX_MS, FUTURE_MAX_MS + 1]);
        let kept_all = kept(&all, NOW, None);
        assert_eq!(kept_all.range, 1..4);
        let rejected = kept_all.rejected.unwrap();
        assert_eq!(rejected.too_old_log_event_end_index, Some(1));
        assert_eq!(rejected.too_new_log_event_start_index, Some(4));
        assert_eq!(rejected.expired_log_event_end_index, None);

        let expired = kept(&all, NOW, Some(NOW - DAY_MS));
        assert_eq!(expired.range, 2..4);
        assert_eq!(expired.rejected.unwrap().expired_log_event_end_index, Some(2));
        assert_eq!(kept(&events(&[0]), NOW, None).rejected, None);
        assert_eq!(kept(&events(&[-15 * DAY_MS]), NOW, None).range, 1..1);
    }

    #[test]
    fn a_batch_has_an_order_a_span_and_a_size() {
        let message = |events: &[InputLogEvent]| check(events).unwrap_err().message;
        assert!(message(&events(&[1, 0])).contains("chronological order"));
        assert!(message(&events(&[0, DAY_MS + 1])).contains("24 hours"));
        assert_eq!(check(&events(&[0, 0, DAY_MS])), Ok(()));
        let sized = |bytes: usize| {
            [InputLogEvent { timestamp: NOW, message: "x".repeat(bytes - EVENT_COST_BYTES) }]
        };
        assert_eq!(check(&sized(BATCH_BYTES_MAX)), Ok(()));
        assert_eq!(
            message(&sized(BATCH_BYTES_MAX + 1)),
            "Upload too large: 1048577 bytes exceeds limit of 1048576"
        );
    }
}
