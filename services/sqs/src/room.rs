// SPDX-License-Identifier: Apache-2.0
//! How much waits, in all queues, and which files of the journal are needed for it.
//!
//! Invariant: what holds a [`Reserved`] or a [`Stored`] is counted until it is dropped, and no longer.

use journal::Place;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Messages that all queues may have together. Each takes some hundred bytes of memory. Default: 1000000.
    pub messages_max: usize,
    /// Bytes of all messages together. The files on the disk take at most about twice as many. Default: 8 GiB.
    pub bytes_max: u64,
    /// Bytes of messages that are kept in memory too; the others are read from the disk. Default: 64 MiB.
    pub memory_bytes_max: u64,
    /// Queues of one account in one region. Default: 10000.
    pub queues_max: usize,
    /// Requests that may wait for messages at once. Further ones do not wait. Default: 10000.
    pub waiting_max: usize,
    /// Bytes of one file of the journal. Default: 64 MiB.
    pub file_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            messages_max: 1_000_000,
            bytes_max: 8 << 30,
            memory_bytes_max: 64 << 20,
            queues_max: 10_000,
            waiting_max: 10_000,
            file_bytes: 64 << 20,
        }
    }
}

/// The room for messages.
#[derive(Debug)]
pub(crate) struct Room {
    options: Options,
    messages: AtomicUsize,
    bytes: AtomicU64,
    in_memory: AtomicU64,
    segments: Mutex<BTreeMap<u64, Arc<Segment>>>,
}

/// What of one file is needed.
#[derive(Debug, Default)]
struct Segment {
    messages: AtomicUsize,
    bytes: AtomicU64,
    /// Until when ids for deduplication in it count.
    deduplicates_until: AtomicU64,
}

/// Room for one message.
#[derive(Debug)]
pub(crate) struct Reserved {
    room: Arc<Room>,
    bytes: u64,
    is_in_memory: bool,
}

/// A message's place on the disk, and its room.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) place: Place,
    segment: Arc<Segment>,
    reserved: Reserved,
}

impl Room {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        Arc::new(Self {
            options,
            messages: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            in_memory: AtomicU64::new(0),
            segments: Mutex::default(),
        })
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// Room for a message, if there is some.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reserved> {
        let reserved = self.reserve_always(bytes, true);
        let is_within = self.messages.load(Ordering::Relaxed) <= self.options.messages_max
            && self.bytes.load(Ordering::Relaxed) <= self.options.bytes_max;
        is_within.then_some(reserved)
    }

    /// Room for a message that is there already.
    pub(crate) fn reserve_always(self: &Arc<Self>, bytes: u64, wants_memory: bool) -> Reserved {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_in_memory = wants_memory
            && self.in_memory.fetch_add(bytes, Ordering::Relaxed) + bytes
                <= self.options.memory_bytes_max;
        if wants_memory && !is_in_memory {
            self.in_memory.fetch_sub(bytes, Ordering::Relaxed);
        }
        Reserved { room: Arc::clone(self), bytes, is_in_memory }
    }

    fn segment(&self, number: u64) -> Arc<Segment> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(segments.entry(number).or_default())
    }

    /// Ids for deduplication that are in this file count until then.
    pub(crate) fn deduplicates(&self, segment: u64, until: u64) {
        self.segment(segment).deduplicates_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Whether messages of this file are needed, and whether ids for deduplication are.
    pub(crate) fn needs(&self, segment: u64, now: u64) -> (bool, bool) {
        let segment = self.segment(segment);
        let deduplicates = segment.deduplicates_until.load(Ordering::Relaxed) > now;
        (segment.messages.load(Ordering::Acquire) > 0, deduplicates)
    }

    pub(crate) fn forget(&self, segment: u64) {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).remove(&segment);
    }

    /// Bytes on the disk that are still needed.
    pub(crate) fn used_bytes(&self) -> u64 {
        let segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.values().map(|segment| segment.bytes.load(Ordering::Relaxed)).sum()
    }
}

impl Reserved {
    pub(crate) const fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }

    /// It is on the disk now.
    pub(crate) fn stored(self, place: Place) -> Stored {
        let segment = self.room.segment(place.segment);
        segment.add(place);
        Stored { place, segment, reserved: self }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.messages.fetch_sub(1, Ordering::Relaxed);
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.is_in_memory {
            self.room.in_memory.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Stored {
    /// It stands somewhere else now.
    pub(crate) fn move_to(&mut self, place: Place) {
        let segment = self.reserved.room.segment(place.segment);
        segment.add(place);
        std::mem::replace(&mut self.segment, segment).take_off(self.place);
        self.place = place;
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.segment.take_off(self.place);
    }
}

impl Segment {
    fn add(&self, place: Place) {
        self.messages.fetch_add(1, Ordering::AcqRel);
        self.bytes.fetch_add(u64::from(place.bytes), Ordering::Relaxed);
    }

    fn take_off(&self, place: Place) {
        self.bytes.fetch_sub(u64::from(place.bytes), Ordering::Relaxed);
        self.messages.fetch_sub(1, Ordering::AcqRel);
    }
}
