// SPDX-License-Identifier: Apache-2.0
//! The order of a FIFO topic: what was published already, and the lines in which messages wait for their turn.
//!
//! A line is a group's: one of the topic, where what was published waits to be shared out, and one of each subscription. They
//! run in order. What was published is remembered for five minutes, in memory and as an item of the queue of deliveries,
//! which waits in the topic's own line until it does not count any more.
//!
//! Invariant: a message is answered as a duplicate only when the one that was first is on the disk.

use crate::topic::TopicKey;
use fifo::{Deduplication, First, Key, WINDOW_MS};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync;

/// A sequence number begins with the time at which it was given.
const SEQUENCE_BITS: u32 = 20;

/// That a message was published. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// The group where that is the scope, and the id.
    pub(crate) key: Key,
    pub(crate) message_id: String,
    pub(crate) sequence: u64,
    /// Milliseconds since 1970.
    pub(crate) until_ms: u64,
}

/// Who wanted a message when it was published to a FIFO topic. In the data directory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) wanting: Vec<String>,
    pub(crate) sent: Sent,
}

#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The sequence number that was given last. Whoever holds it gives the next, and the message its place.
    pub(crate) last: sync::Mutex<u64>,
    known: Mutex<Deduplication>,
}

/// A message on its way to the disk. Dropped before it is there, it was not published.
#[derive(Debug)]
pub(crate) struct Entered {
    order: Arc<Order>,
    key: Key,
    first: First,
}

impl Sent {
    pub(crate) fn new(key: Key, message_id: String, sequence: u64, now_ms: u64) -> Self {
        Self { key, message_id, sequence, until_ms: now_ms.saturating_add(WINDOW_MS) }
    }

    fn first(&self) -> First {
        First { id: self.sequence, message_id: self.message_id.clone(), is_kept: Arc::default() }
    }
}

impl Order {
    /// What was published is first with its key from here on, or another was, which is the error.
    pub(crate) fn enter(self: &Arc<Self>, sent: &Sent, now_ms: u64) -> Result<Entered, First> {
        let (key, first) = (sent.key.clone(), sent.first());
        match self.known().enter(key.clone(), first.clone(), now_ms, sent.until_ms) {
            Some(known) => Err(known),
            None => Ok(Entered { order: Arc::clone(self), key, first }),
        }
    }

    /// Something that an earlier process left.
    pub(crate) async fn remember(self: &Arc<Self>, sent: &Sent, now_ms: u64) {
        let mut last = self.last.lock().await;
        *last = sent.sequence.max(*last);
        if let Ok(entered) = self.enter(sent, now_ms) {
            entered.kept();
        }
    }

    fn known(&self) -> MutexGuard<'_, Deduplication> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    pub(crate) fn kept(self) {
        drop(self.first.is_kept.set(true));
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.first.is_kept.set(false).is_ok() {
            self.order.known().leave(&self.key, self.first.id);
        }
    }
}

pub(crate) fn next_sequence(last: u64, now_ms: u64) -> u64 {
    (now_ms << SEQUENCE_BITS).max(last + 1)
}

/// The line of a group: of a topic, or of a subscription. Neither has a slash in its ARN.
pub(crate) fn line_of(arn: &str, group: &str) -> String {
    format!("{arn}/{group}")
}

pub(crate) fn is_in_order(line: &str) -> bool {
    line.contains('/')
}

/// The ARN of whose line it is.
pub(crate) fn owner(line: &str) -> &str {
    line.split_once('/').map_or(line, |(arn, _)| arn)
}

/// The FIFO topic in whose own line this is what was published.
pub(crate) fn remembering(line: &str) -> Option<TopicKey> {
    match TopicKey::split(line) {
        Some((key, None)) if key.is_fifo() && !is_in_order(line) => Some(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sequence: u64) -> Sent {
        Sent::new((None, "id".to_owned()), format!("m{sequence}"), sequence, 0)
    }

    #[test]
    fn a_message_that_was_not_kept_may_be_published_again() {
        let order = Arc::new(Order::default());
        let entered = order.enter(&sent(1), 0).unwrap();
        let known = order.enter(&sent(2), 1).unwrap_err();
        assert_eq!((known.message_id.as_str(), known.is_kept.get()), ("m1", None));
        drop(entered);
        assert_eq!(known.is_kept.get(), Some(&false));
        order.enter(&sent(3), 2).unwrap().kept();
        assert_eq!(order.enter(&sent(4), WINDOW_MS - 1).unwrap_err().is_kept.get(), Some(&true));
        assert!(order.enter(&sent(5), WINDOW_MS).is_ok());
    }

    #[test]
    fn sequence_numbers_grow_whatever_the_clock_does() {
        let first = next_sequence(0, 1_000);
        assert!(next_sequence(first, 1_000) > first);
        assert!(next_sequence(first, 1) > first);
        assert!(next_sequence(first, 1_001) > next_sequence(first, 1_000));
    }

    #[test]
    fn lines_say_whose_they_are() {
        let topic = "arn:aws:sns:us-east-1:000000000000:t.fifo";
        let line = line_of(topic, "a:b/c");
        assert!(is_in_order(&line) && owner(&line) == topic);
        assert!(remembering(topic).is_some());
        for other in [&*line, "arn:aws:sns:us-east-1:000000000000:t", &line_of(topic, "g")] {
            assert!(remembering(other).is_none(), "{other}");
        }
    }
}
