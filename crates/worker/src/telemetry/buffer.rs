// SPDX-License-Identifier: Apache-2.0
//! What waits for one subscriber. Pure: the clock is an argument.
//!
//! Invariants:
//! - records leave in the order in which they came;
//! - never more than twice of what the subscriber asked to have buffered is held. What does not fit is counted and lost.

use super::subscription::Buffering;
use bytes::Bytes;
use std::collections::VecDeque;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Buffer {
    limits: Buffering,
    records: VecDeque<Bytes>,
    bytes: usize,
    /// When the oldest record came.
    since: Option<Instant>,
    dropped: Dropped,
}

/// What was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// When a batch is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Now,
    At(Instant),
    Never,
}

impl Buffer {
    pub(crate) fn new(limits: Buffering) -> Self {
        Self {
            limits,
            records: VecDeque::new(),
            bytes: 0,
            since: None,
            dropped: Dropped::default(),
        }
    }

    pub(crate) fn push(&mut self, record: Bytes, now: Instant) {
        let Buffering { records_max, bytes_max, .. } = self.limits;
        let has_room = self.records.len() < 2 * records_max
            && self.bytes.saturating_add(record.len()) <= 2 * bytes_max;
        if has_room {
            self.bytes += record.len();
            self.since.get_or_insert(now);
            self.records.push_back(record);
        } else {
            self.dropped.records += 1;
            self.dropped.bytes += u64::try_from(record.len()).unwrap_or(u64::MAX);
        }
    }

    pub(crate) fn due(&self) -> Due {
        match self.since {
            None => Due::Never,
            Some(_) if self.is_full() => Due::Now,
            Some(since) => Due::At(since + self.limits.timeout),
        }
    }

    fn is_full(&self) -> bool {
        self.records.len() >= self.limits.records_max || self.bytes >= self.limits.bytes_max
    }

    /// The next batch, and what was lost before it. What is left waits for a timeout of its own.
    pub(crate) fn take(&mut self, now: Instant) -> (Vec<Bytes>, Dropped) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(record) = self.records.front() {
            let is_too_much = bytes + record.len() > self.limits.bytes_max && !batch.is_empty();
            if is_too_much || batch.len() >= self.limits.records_max {
                break;
            }
            bytes += record.len();
            batch.extend(self.records.pop_front());
        }
        self.bytes -= bytes;
        self.since = (!self.records.is_empty()).then_some(now);
        (batch, std::mem::take(&mut self.dropped))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const LIMITS: Buffering =
        Buffering { records_max: 3, bytes_max: 10, timeout: Duration::from_millis(100) };

    fn push(buffer: &mut Buffer, text: &'static str, now: Instant) {
        buffer.push(Bytes::from_static(text.as_bytes()), now);
    }

    #[test]
    fn a_batch_leaves_when_it_is_full_or_old() {
        let (mut buffer, now) = (Buffer::new(LIMITS), Instant::now());
        assert_eq!(buffer.due(), Due::Never);
        push(&mut buffer, "a", now);
        push(&mut buffer, "b", now + Duration::from_millis(50));
        assert_eq!(buffer.due(), Due::At(now + LIMITS.timeout));
        push(&mut buffer, "c", now);
        assert_eq!(buffer.due(), Due::Now);
        assert_eq!(
            buffer.take(now),
            (vec!["a".into(), "b".into(), "c".into()], Dropped::default())
        );
        assert_eq!(buffer.due(), Due::Never);
        push(&mut buffer, "0123456789", now);
        assert_eq!(buffer.due(), Due::Now);
    }

    #[test]
    fn what_does_not_fit_is_counted_once() {
        let (mut buffer, now) = (Buffer::new(LIMITS), Instant::now());
        for _ in 0..3 {
            push(&mut buffer, "0123456", now);
        }
        assert_eq!(buffer.take(now).1, Dropped { records: 1, bytes: 7 });
        assert_eq!(buffer.take(now), (vec!["0123456".into()], Dropped::default()));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_uncounted(steps in proptest::collection::vec(proptest::option::of("[a-z]{0,12}"), 0..60)) {
            let (mut buffer, now) = (Buffer::new(LIMITS), Instant::now());
            let (mut pushed, mut taken, mut dropped) = (Vec::new(), Vec::new(), 0);
            for step in steps.into_iter().chain([None, None, None, None, None, None, None]) {
                match step {
                    Some(text) => {
                        pushed.push(text.clone());
                        buffer.push(text.into(), now);
                    }
                    None => {
                        let (batch, lost) = buffer.take(now);
                        prop_assert!(batch.len() <= 3);
                        taken.extend(batch);
                        dropped += lost.records;
                    }
                }
                prop_assert!(buffer.bytes <= 20 && buffer.records.len() <= 6);
            }
            prop_assert!(buffer.is_empty());
            prop_assert_eq!(pushed.len(), taken.len() + usize::try_from(dropped).unwrap());
            let mut rest = pushed.iter();
            prop_assert!(taken.iter().all(|record| rest.any(|text| text.as_bytes() == &record[..])), "in order");
        }
    }
}
