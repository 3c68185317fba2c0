// SPDX-License-Identifier: Apache-2.0
//! What an entry of the journal is.
//!
//! ```text
//! entry   kind (1) · queue time (8) · id of the item (8) · what the kind has
//! kept    attempts (4) · delays (4) · due (8) · accepted (8) · class (1) · lengths of line (4) and head (4) · line · head · body
//! again   attempts (4) · delays (4) · due (8)
//! ended   nothing
//! time    nothing; the id is 0
//! ```
//!
//! Numbers are little-endian. The format is one of the data directory's: what is read here was written by this build
//! or an older one.

use bytes::Bytes;
use journal::fields::{take, take_u32, take_u64};
use journal::{Format, Frame};

pub(crate) const FORMAT: Format = Format { magic: *b"TBXEVT01", suffix: "events" };

/// What an item is: an event for its function, or something to be delivered elsewhere on its behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    Event,
    Delivery,
}

/// The changing part of an item. Times are queue times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    /// Runs that came to an end and failed.
    pub(crate) attempts: u32,
    /// Runs that were put off since the last attempt, and are not counted as one.
    pub(crate) delays: u32,
    /// Not before this.
    pub(crate) due: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) progress: Progress,
    pub(crate) accepted: u64,
    pub(crate) class: Class,
    pub(crate) line: Bytes,
    pub(crate) head: Bytes,
    pub(crate) body: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// An item, whole. One that is there already is replaced: it was moved.
    Kept(Kept),
    Again(Progress),
    Ended,
    /// Nothing happened, and time passed.
    Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: u64,
    pub(crate) id: u64,
    pub(crate) change: Change,
}

impl Entry {
    /// The entry as a frame. `None` if it is longer than a frame may be.
    pub(crate) fn encode(&self) -> Option<Frame> {
        Frame::of(|bytes| {
            bytes.push(self.kind());
            bytes.extend(self.at.to_le_bytes());
            bytes.extend(self.id.to_le_bytes());
            match &self.change {
                Change::Kept(kept) => kept.encode(bytes)?,
                Change::Again(progress) => progress.encode(bytes),
                Change::Ended | Change::Time => {}
            }
            Some(())
        })
    }

    const fn kind(&self) -> u8 {
        match self.change {
            Change::Kept(_) => 1,
            Change::Again(_) => 2,
            Change::Ended => 3,
            Change::Time => 4,
        }
    }

    /// What was written, if this build knows what it is.
    pub(crate) fn decode(mut entry: Bytes) -> Option<Self> {
        let kind = take(&mut entry, 1)?.first().copied()?;
        let (at, id) = (take_u64(&mut entry)?, take_u64(&mut entry)?);
        let change = match kind {
            1 => Change::Kept(Kept::decode(entry)?),
            2 => Change::Again(Progress::decode(&mut entry)?),
            3 => Change::Ended,
            4 => Change::Time,
            _ => return None,
        };
        Some(Self { at, id, change })
    }
}

impl Progress {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.attempts.to_le_bytes());
        to.extend(self.delays.to_le_bytes());
        to.extend(self.due.to_le_bytes());
    }

    fn decode(from: &mut Bytes) -> Option<Self> {
        let (attempts, delays) = (take_u32(from)?, take_u32(from)?);
        Some(Self { attempts, delays, due: take_u64(from)? })
    }
}

impl Kept {
    fn encode(&self, to: &mut Vec<u8>) -> Option<()> {
        let length = |part: &Bytes| Some(u32::try_from(part.len()).ok()?.to_le_bytes());
        to.reserve(self.line.len() + self.head.len() + self.body.len() + 33);
        self.progress.encode(to);
        to.extend(self.accepted.to_le_bytes());
        to.push(match self.class {
            Class::Event => 0,
            Class::Delivery => 1,
        });
        to.extend(length(&self.line)?);
        to.extend(length(&self.head)?);
        for part in [&self.line, &self.head, &self.body] {
            to.extend_from_slice(part);
        }
        Some(())
    }

    fn decode(mut from: Bytes) -> Option<Self> {
        let progress = Progress::decode(&mut from)?;
        let accepted = take_u64(&mut from)?;
        let class = match take(&mut from, 1)?.first()? {
            0 => Class::Event,
            1 => Class::Delivery,
            _ => return None,
        };
        let (line, head) = (take_u32(&mut from)?, take_u32(&mut from)?);
        let line = take(&mut from, usize::try_from(line).ok()?)?;
        let head = take(&mut from, usize::try_from(head).ok()?)?;
        Some(Self { progress, accepted, class, line, head, body: from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Entry> {
        let progress = (any::<u32>(), any::<u32>(), any::<u64>())
            .prop_map(|(attempts, delays, due)| Progress { attempts, delays, due });
        let part = || prop::collection::vec(any::<u8>(), 0..50).prop_map(Bytes::from);
        let kept = (progress.clone(), any::<u64>(), any::<bool>(), part(), part(), part())
            .prop_map(|(progress, accepted, is_event, line, head, body)| {
                let class = if is_event { Class::Event } else { Class::Delivery };
                Change::Kept(Kept { progress, accepted, class, line, head, body })
            });
        let change = prop_oneof![
            kept,
            progress.prop_map(Change::Again),
            Just(Change::Ended),
            Just(Change::Time)
        ];
        (any::<u64>(), any::<u64>(), change).prop_map(|(at, id, change)| Entry { at, id, change })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(entry in entries()) {
            let bytes = Bytes::copy_from_slice(entry.encode().unwrap().entry());
            prop_assert_eq!(Entry::decode(bytes), Some(entry));
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Entry::decode(bytes.into()));
        }
    }
}
