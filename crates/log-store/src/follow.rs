// SPDX-License-Identifier: Apache-2.0
//! Reading a group in the order in which its events arrived, from where a reader stopped: so it is followed by what sends
//! events on.
//!
//! A reader keeps its place beside the group's settings. What it has not read waits in the group, and nowhere else: a
//! reader that is slow costs nobody memory, and one whose server was killed goes on.
//!
//! Invariants:
//! - what arrives later has a greater place;
//! - a reader sees each event that is still there, in streams that are still there, and is told that some are gone.

use crate::block::Block;
use crate::frame::{Body, Events, StreamId};
use crate::group::{Group, Open};
use crate::query::Position;
use crate::segment::Form;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A place in the order of arrival: the segment, and the place in it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Place(u64);

impl Place {
    /// Behind everything.
    pub const MAX: Self = Self(u64::MAX);

    fn new(segment: u32, at: usize) -> Self {
        Self(Position::new(0, segment, at).place)
    }

    fn segment(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }
}

/// Events of one stream that arrived together.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub stream: Arc<str>,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The trace header of the call that made them, where that was one of a chain.
    pub cause: Option<Arc<str>>,
    segment: u32,
    /// Of the body, in the segment.
    at: usize,
    body: Bytes,
    /// Where the events begin in the body.
    events_at: usize,
}

impl Arrived {
    /// Where it is in the order of arrival.
    pub fn place(&self) -> Place {
        Place::new(self.segment, self.at)
    }

    /// Position, time and text of each.
    pub fn events(&self) -> impl Iterator<Item = (Position, i64, &[u8])> {
        Events::within(&self.body, self.events_at)
            .map(|(at, time, text)| (Position::new(time, self.segment, self.at + at), time, text))
    }
}

/// What arrived from some place on.
#[derive(Debug, Default)]
pub struct Followed {
    pub arrived: Vec<Arrived>,
    /// Where to go on.
    pub next: Place,
    /// Events were removed before they were read.
    pub has_gap: bool,
}

/// What is to be read.
#[derive(Default)]
struct Ahead {
    blocks: Vec<(u32, Form, Block)>,
    names: HashMap<StreamId, Arc<str>>,
    next: Place,
    has_gap: bool,
}

impl Group {
    /// Where the next events will be.
    pub fn end(&self) -> io::Result<Place> {
        let end = |open: &mut Open| {
            open.segments.last().map_or(Place::default(), |it| Place::new(it.number, it.raw_bytes))
        };
        self.with(|open| Ok(end(open)))
    }

    /// What arrived from `from` on, and before `until`: so many bytes, and at least one block where there is one.
    pub fn follow(&self, from: Place, until: Place, bytes_max: usize) -> io::Result<Followed> {
        let ahead = self.with(|open| Ok(open.ahead(from, bytes_max)))?;
        let Ahead { blocks, names, next, has_gap } = ahead;
        let mut followed = Followed { arrived: Vec::new(), next: next.min(until), has_gap };
        for (segment, form, block) in blocks {
            let Some(bytes) = self.read_block(segment, form, &block)? else {
                followed.has_gap = true;
                continue;
            };
            let bytes = Bytes::from(bytes);
            for (at, frame) in block.frames(&bytes) {
                let is_wanted = (from..until).contains(&Place::new(segment, at));
                let (Body::Events(events), true) = (&frame.body, is_wanted) else { continue };
                let Some(stream) = names.get(&frame.stream) else { continue };
                followed.arrived.push(Arrived {
                    stream: Arc::clone(stream),
                    time: frame.arrived,
                    cause: events.cause.map(Arc::from),
                    segment,
                    at: at + crate::frame::BODY_AT,
                    body: bytes.slice_ref(events.bytes()),
                    events_at: events.at(),
                });
            }
        }
        Ok(followed)
    }

    /// Where the reader of this name stopped.
    pub fn bookmark(&self, reader: &str) -> Option<Place> {
        self.bookmarks.with(|places| places.get(reader).copied())
    }

    /// Keeps where a reader stopped; `None` forgets it. Not before the events that it has read are written: what a kill
    /// leaves of both is in order.
    pub fn set_bookmark(&self, reader: &str, place: Option<Place>) -> io::Result<()> {
        if self.is_deleted() {
            return Ok(());
        }
        self.bookmarks.change(|places| match place {
            Some(place) => places.insert(reader.to_owned(), place),
            None => places.remove(reader),
        })
    }
}

impl Open {
    fn ahead(&self, from: Place, bytes_max: usize) -> Ahead {
        let first = self.segments.first().map_or(0, |segment| segment.number);
        let mut ahead = Ahead { next: from, has_gap: from.segment() < first, ..Ahead::default() };
        let mut bytes = 0;
        for segment in self.segments.iter().filter(|it| it.number >= from.segment()) {
            ahead.next = ahead.next.max(Place::new(segment.number, 0));
            for block in &segment.blocks {
                let end = Place::new(segment.number, block.range().end);
                if end <= from {
                    continue;
                }
                if bytes >= bytes_max {
                    return ahead;
                }
                bytes += block.range().len();
                for id in &block.streams {
                    let state = self.streams.get(*id);
                    ahead.names.extend(state.map(|state| (*id, Arc::clone(&state.name))));
                }
                ahead.blocks.push((segment.number, segment.form, block.clone()));
                ahead.next = end;
            }
        }
        // A loss of power may have taken what was behind: what comes now is new.
        let end = self.segments.last().map(|it| Place::new(it.number, it.raw_bytes));
        ahead.next = ahead.next.min(end.unwrap_or_default());
        ahead
    }
}

/// Where readers stopped: a small file that is replaced whole, and is read when it is first needed.
#[derive(Debug)]
pub(crate) struct Bookmarks {
    dir: PathBuf,
    places: Mutex<Option<Places>>,
}

type Places = BTreeMap<String, Place>;

const NAME: &str = "bookmarks.json";
const PARTIAL: &str = "bookmarks.new";

impl Bookmarks {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), places: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Places) -> T) -> T {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let text = std::fs::read(self.dir.join(NAME)).ok();
            text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
        };
        work(places.get_or_insert_with(read))
    }

    fn change(&self, change: impl FnOnce(&mut Places) -> Option<Place>) -> io::Result<()> {
        self.with(|places| {
            change(places);
            let partial = self.dir.join(PARTIAL);
            std::fs::write(&partial, serde_json::to_vec(places)?)?;
            std::fs::rename(partial, self.dir.join(NAME))
        })
    }
}
