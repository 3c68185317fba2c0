// SPDX-License-Identifier: Apache-2.0
//! What an entry of the journal is.
//!
//! ```text
//! entry     kind (1) · id of the message (8) · what the kind has
//! kept      queue (8) · sent (8) · due (8) · receives (4) · first received (8) · length of head (4) · head · body
//! received  receives (4) · first received (8)
//! deleted   nothing
//! moved     queue (8) · sent (8) · receives (4) · ARN of the queue that it was moved from
//! purged    queue (8): what it has up to this id
//! ```
//!
//! Numbers are little-endian, times are milliseconds since 1970. The format is one of the data directory's.

use bytes::Bytes;
use journal::fields::{take, take_u32, take_u64};
use journal::{Format, Frame};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const FORMAT: Format = Format { magic: *b"TBXSQS01", suffix: "messages" };

/// The changing part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    pub(crate) sent: u64,
    /// Hidden before this.
    pub(crate) due: u64,
    pub(crate) receives: u32,
    /// 0: never.
    pub(crate) first_received: u64,
}

/// What does not change of a message, beside its body. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) message_id: String,
    pub(crate) sender: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deduplication: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) attributes: api::sqs::MessageAttributes,
    /// The ARN of the queue that it was moved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) head: Head,
    pub(crate) body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A message, whole. One that is there already is replaced: its place was moved.
    Kept {
        queue: u64,
        progress: Progress,
        content: Content,
    },
    Received {
        receives: u32,
        first_received: u64,
    },
    Deleted,
    Moved {
        queue: u64,
        sent: u64,
        receives: u32,
        source: String,
    },
    Purged {
        queue: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) change: Change,
}

impl Entry {
    pub(crate) const fn deleted(id: u64) -> Self {
        Self { id, change: Change::Deleted }
    }

    /// `None` if it is longer than an entry may be.
    pub(crate) fn encode(&self) -> Option<Frame> {
        match &self.change {
            Change::Kept { queue, progress, content } => kept(self.id, *queue, *progress, content),
            Change::Received { receives, first_received } => Frame::of(|to| {
                start(to, 2, self.id);
                to.extend(receives.to_le_bytes());
                to.extend(first_received.to_le_bytes());
                Some(())
            }),
            Change::Deleted => Frame::of(|to| {
                start(to, 3, self.id);
                Some(())
            }),
            Change::Moved { queue, sent, receives, source } => Frame::of(|to| {
                start(to, 4, self.id);
                to.extend(queue.to_le_bytes());
                to.extend(sent.to_le_bytes());
                to.extend(receives.to_le_bytes());
                to.extend(source.as_bytes());
                Some(())
            }),
            Change::Purged { queue } => Frame::of(|to| {
                start(to, 5, self.id);
                to.extend(queue.to_le_bytes());
                Some(())
            }),
        }
    }

    /// What was written, if this build knows what it is.
    pub(crate) fn decode(mut entry: Bytes) -> Option<Self> {
        let kind = take(&mut entry, 1)?.first().copied()?;
        let id = take_u64(&mut entry)?;
        let change = match kind {
            1 => {
                let queue = take_u64(&mut entry)?;
                let progress = Progress {
                    sent: take_u64(&mut entry)?,
                    due: take_u64(&mut entry)?,
                    receives: take_u32(&mut entry)?,
                    first_received: take_u64(&mut entry)?,
                };
                let length = usize::try_from(take_u32(&mut entry)?).ok()?;
                let head = serde_json::from_slice(&take(&mut entry, length)?).ok()?;
                let body = String::from_utf8(entry.to_vec()).ok()?;
                Change::Kept { queue, progress, content: Content { head, body } }
            }
            2 => Change::Received {
                receives: take_u32(&mut entry)?,
                first_received: take_u64(&mut entry)?,
            },
            3 => Change::Deleted,
            4 => Change::Moved {
                queue: take_u64(&mut entry)?,
                sent: take_u64(&mut entry)?,
                receives: take_u32(&mut entry)?,
                source: String::from_utf8(entry.to_vec()).ok()?,
            },
            5 => Change::Purged { queue: take_u64(&mut entry)? },
            _ => return None,
        };
        Some(Self { id, change })
    }
}

/// The entry of a message, without a copy of it before it is written.
pub(crate) fn kept(id: u64, queue: u64, progress: Progress, content: &Content) -> Option<Frame> {
    let head = serde_json::to_vec(&content.head).ok()?;
    Frame::of(|to| {
        to.reserve(head.len() + content.body.len() + 64);
        start(to, 1, id);
        to.extend(queue.to_le_bytes());
        to.extend(progress.sent.to_le_bytes());
        to.extend(progress.due.to_le_bytes());
        to.extend(progress.receives.to_le_bytes());
        to.extend(progress.first_received.to_le_bytes());
        to.extend(u32::try_from(head.len()).ok()?.to_le_bytes());
        to.extend(&head);
        to.extend(content.body.as_bytes());
        Some(())
    })
}

fn start(to: &mut Vec<u8>, kind: u8, id: u64) {
    to.push(kind);
    to.extend(id.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn changes() -> impl Strategy<Value = Change> {
        let progress =
            any::<(u64, u64, u32, u64)>().prop_map(|(sent, due, receives, first_received)| {
                Progress { sent, due, receives, first_received }
            });
        let kept = (any::<u64>(), progress, "\\PC{0,40}", "\\PC{0,9}").prop_map(
            |(queue, progress, body, text)| {
                let head = Head { message_id: text.clone(), group: Some(text), ..Head::default() };
                Change::Kept { queue, progress, content: Content { head, body } }
            },
        );
        let moved = (any::<(u64, u64, u32)>(), "\\PC{0,9}").prop_map(
            |((queue, sent, receives), source)| Change::Moved { queue, sent, receives, source },
        );
        prop_oneof![
            kept,
            moved,
            any::<(u32, u64)>().prop_map(|(receives, first_received)| Change::Received {
                receives,
                first_received
            }),
            Just(Change::Deleted),
            any::<u64>().prop_map(|queue| Change::Purged { queue }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(id: u64, change in changes()) {
            let entry = Entry { id, change };
            let bytes = Bytes::copy_from_slice(entry.encode().unwrap().entry());
            prop_assert_eq!(Entry::decode(bytes), Some(entry));
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Entry::decode(bytes.into()));
        }
    }
}
