// SPDX-License-Identifier: Apache-2.0
//! Which events a reader wants, and how the first of them are found among blocks that overlap in time. Pure.
//!
//! Events are read in the order of their time, and those of one time in the order of their arrival, or backwards. Blocks
//! are looked at in the order of the first event that they may have; once so many were found that no later block can have
//! an earlier one, the rest is not read.

use crate::block::Block;
use crate::frame::{Body, StreamId};
use crate::stream::StreamState;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// A page that reads more than this ends where it is, however little it has.
const PAGE_RAW_BYTES_MAX: usize = 128 << 20;

/// Where an event is. It does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Of the event, in milliseconds since 1970.
    pub time: i64,
    /// The segment and the place in it, as one number.
    pub place: u64,
}

impl Position {
    pub(crate) fn new(time: i64, segment: u32, at: usize) -> Self {
        let at = u64::try_from(at).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        Self { time, place: u64::from(segment) << 32 | at }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub position: Position,
    pub stream: Arc<str>,
    /// When it arrived here, in milliseconds since 1970.
    pub arrived: i64,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// Which events to read.
#[derive(Debug, Clone)]
pub struct Query {
    /// The first time,
    pub from: i64,
    /// and the first time after.
    pub until: i64,
    /// Only what comes behind, in the direction of the reading.
    pub after: Option<Position>,
    pub direction: Direction,
    pub events_max: usize,
    /// Bytes of their texts. One event is answered however long it is.
    pub bytes_max: usize,
}

/// Events in the direction of the reading.
#[derive(Debug, Default)]
pub struct Page {
    pub events: Vec<Event>,
    /// Where to go on. `None`: there are no more.
    pub next: Option<Position>,
}

/// What a position is compared by: smaller comes first in the direction of the reading.
type Key = (i64, u64);

impl Query {
    fn key(&self, position: Position) -> Key {
        match self.direction {
            Direction::Forward => (position.time, position.place),
            Direction::Backward => (position.time.saturating_neg(), !position.place),
        }
    }

    /// The first key that an event of the block may have.
    pub(crate) fn first_key(&self, block: &Block) -> i64 {
        match self.direction {
            Direction::Forward => block.first,
            Direction::Backward => block.last.saturating_neg(),
        }
    }

    /// Whether some event of the block may be wanted.
    pub(crate) fn wants(&self, block: &Block) -> bool {
        let is_behind = match (self.after, self.direction) {
            (None, _) => true,
            (Some(after), Direction::Forward) => block.last >= after.time,
            (Some(after), Direction::Backward) => block.first <= after.time,
        };
        is_behind && block.last >= self.from && block.first < self.until
    }

    fn has(&self, position: Position) -> bool {
        (self.from..self.until).contains(&position.time)
            && self.after.is_none_or(|after| self.key(position) > self.key(after))
    }
}

/// The first events found so far.
pub(crate) struct Found<'q> {
    query: &'q Query,
    /// The one that comes last on top.
    events: BinaryHeap<Keyed>,
    bytes: usize,
    /// Some did not fit.
    has_more: bool,
    read_bytes: usize,
}

struct Keyed {
    key: Key,
    event: Event,
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Keyed {}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<'q> Found<'q> {
    pub(crate) fn new(query: &'q Query) -> Self {
        Self { query, events: BinaryHeap::new(), bytes: 0, has_more: false, read_bytes: 0 }
    }

    /// Whether a block that begins at `first_key` can not add anything.
    pub(crate) fn is_complete(&self, first_key: i64) -> bool {
        self.has_more && self.events.peek().is_some_and(|last| first_key > last.key.0)
    }

    /// Whether so much was read that the page should end, if it can end before a block that begins at `first_key`.
    pub(crate) fn is_tired(&self, first_key: i64) -> bool {
        let goes_on_from = self.query.after.map(|after| self.query.key(after).0);
        self.read_bytes > PAGE_RAW_BYTES_MAX
            && goes_on_from.is_none_or(|before| first_key > before.saturating_add(1))
    }

    /// Looks at the bytes of a block. `is_wanted` sees the text.
    pub(crate) fn take(
        &mut self,
        segment: u32,
        block: &Block,
        bytes: &[u8],
        streams: &HashMap<StreamId, Arc<str>>,
        is_wanted: &dyn Fn(&[u8]) -> bool,
    ) {
        self.read_bytes += bytes.len();
        for (frame_at, frame) in block.frames(bytes) {
            let Body::Events(events) = frame.body else { continue };
            let Some(stream) = streams.get(&frame.stream) else { continue };
            for (at, time, text) in events {
                let position = Position::new(time, segment, frame_at + crate::frame::BODY_AT + at);
                let key = self.query.key(position);
                let comes_too_late =
                    self.has_more && self.events.peek().is_some_and(|last| key > last.key);
                if comes_too_late || !self.query.has(position) || !is_wanted(text) {
                    continue;
                }
                let text = String::from_utf8_lossy(text).into_owned();
                self.bytes += text.len();
                let (stream, arrived) = (Arc::clone(stream), frame.arrived);
                self.events.push(Keyed { key, event: Event { position, stream, arrived, text } });
                self.drop_surplus();
            }
        }
    }

    fn drop_surplus(&mut self) {
        let is_surplus = |found: &Self| {
            found.events.len() > found.query.events_max
                || (found.bytes > found.query.bytes_max && found.events.len() > 1)
        };
        while is_surplus(self) {
            let Some(last) = self.events.pop() else { return };
            self.bytes -= last.event.text.len();
            self.has_more = true;
        }
    }

    /// `stopped_at`: the first key of the first block that was not looked at although it might have something.
    pub(crate) fn finish(self, stopped_at: Option<i64>) -> Page {
        let mut events: Vec<Keyed> = self.events.into_sorted_vec();
        if let Some(stopped_at) = stopped_at {
            events.retain(|found| found.key.0 < stopped_at);
            let next = match self.query.direction {
                Direction::Forward => Position { time: stopped_at - 1, place: u64::MAX },
                Direction::Backward => Position { time: stopped_at.saturating_neg() + 1, place: 0 },
            };
            let events = events.into_iter().map(|found| found.event).collect();
            return Page { events, next: Some(next) };
        }
        let events: Vec<Event> = events.into_iter().map(|found| found.event).collect();
        let next = events.last().filter(|_| self.has_more).map(|event| event.position);
        Page { events, next }
    }
}

/// The names of those streams that are there and wanted.
pub(crate) fn names<'s>(
    streams: impl Iterator<Item = (StreamId, &'s StreamState)>,
    is_wanted: &dyn Fn(&str) -> bool,
) -> HashMap<StreamId, Arc<str>> {
    streams
        .filter(|(_, state)| is_wanted(&state.name))
        .map(|(id, state)| (id, Arc::clone(&state.name)))
        .collect()
}
