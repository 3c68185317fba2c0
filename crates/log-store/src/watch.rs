// SPDX-License-Identifier: Apache-2.0
//! Whoever wants to see events as they arrive.
//!
//! Invariant: a watcher holds so many bytes; what it does not take in time is counted and gone. The writer never waits.

use crate::frame::Events;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Bytes of events that may wait for one watcher.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Events of one stream that arrived together, and are on their way to the disk or there.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub group: Arc<str>,
    pub stream: Arc<str>,
    /// Milliseconds since 1970.
    pub arrived: i64,
    /// In which segment, and where the first event is there.
    pub(crate) segment: u32,
    pub(crate) at: usize,
    pub(crate) batch: Bytes,
}

impl Arrived {
    /// Position, time and text of each.
    pub fn events(&self) -> impl Iterator<Item = (crate::Position, i64, &[u8])> {
        Events::of(&self.batch).map(|(at, time, text)| {
            (crate::Position::new(time, self.segment, self.at + at), time, text)
        })
    }
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// Sees the events of the groups that it was added to, for as long as it lives.
#[derive(Debug)]
pub struct Watcher {
    receive: mpsc::UnboundedReceiver<Arrived>,
    send: mpsc::UnboundedSender<Arrived>,
    waiting: Arc<Waiting>,
}

/// The end that a group has.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    send: mpsc::UnboundedSender<Arrived>,
    waiting: Arc<Waiting>,
}

impl Default for Watcher {
    fn default() -> Self {
        let (send, receive) = mpsc::unbounded_channel();
        Self { receive, send, waiting: Arc::default() }
    }
}

impl Watcher {
    pub(crate) fn watch(&self) -> Watch {
        Watch { send: self.send.clone(), waiting: Arc::clone(&self.waiting) }
    }

    /// The next events.
    pub async fn next(&mut self) -> Option<Arrived> {
        let arrived = self.receive.recv().await?;
        self.waiting.bytes.fetch_sub(arrived.batch.len(), Ordering::Relaxed);
        Some(arrived)
    }

    /// Those that are there already.
    pub fn try_next(&mut self) -> Option<Arrived> {
        let arrived = self.receive.try_recv().ok()?;
        self.waiting.bytes.fetch_sub(arrived.batch.len(), Ordering::Relaxed);
        Some(arrived)
    }

    /// How many batches of events were too much since the last time.
    pub fn take_dropped(&self) -> u64 {
        self.waiting.dropped.swap(0, Ordering::Relaxed)
    }
}

impl Watch {
    /// `false` when nobody looks any more.
    pub(crate) fn tell(&self, arrived: &Arrived) -> bool {
        let length = arrived.batch.len();
        let before = self.waiting.bytes.fetch_add(length, Ordering::Relaxed);
        if before + length > WAITING_BYTES_MAX {
            self.waiting.bytes.fetch_sub(length, Ordering::Relaxed);
            self.waiting.dropped.fetch_add(1, Ordering::Relaxed);
            return !self.send.is_closed();
        }
        self.send.send(arrived.clone()).is_ok()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.send.is_closed()
    }
}
