// SPDX-License-Identifier: Apache-2.0
//! The way of recordings to the disk: a queue with a limit, and a thread that writes what has gathered.
//!
//! Invariant: to add takes a lock for a moment, and nothing else that an invocation could wait for.

use crate::record::Recorded;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the thread lets recordings gather after the first one.
const GATHER: Duration = Duration::from_millis(50);
/// Functions of which it is told how many of their invocations were not recorded. Of the others, how many in all.
const DROPPED_MAX: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Queue {
    bytes_max: usize,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    recorded: Vec<Recorded>,
    /// Of those here and of those that are being written.
    bytes: usize,
    /// Recordings that were ever queued, and written.
    queued: u64,
    done: u64,
    /// By the function's name: what was too much.
    dropped: BTreeMap<String, u64>,
    /// Somebody waits for the disk: gather no longer.
    is_hurried: bool,
    is_stopping: bool,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (waiting, arrived, written) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self { bytes_max, waiting, arrived, written }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` when there is no room for it.
    pub(crate) fn add(&self, recorded: Recorded) -> bool {
        let bytes = recorded.bytes();
        let mut waiting = self.lock();
        if waiting.bytes + bytes > self.bytes_max {
            waiting.count_dropped(&recorded.function.name);
            return false;
        }
        waiting.bytes += bytes;
        waiting.queued += 1;
        waiting.recorded.push(recorded);
        if waiting.recorded.len() == 1 {
            self.arrived.notify_one();
        }
        true
    }

    /// What is there to write, as soon as there is something. `None`: never again.
    pub(crate) fn take(&self) -> Option<Vec<Recorded>> {
        let is_idle = |waiting: &mut Waiting| waiting.recorded.is_empty() && !waiting.is_stopping;
        let found = self.arrived.wait_while(self.lock(), is_idle);
        let waiting = found.unwrap_or_else(PoisonError::into_inner);
        let goes_on = |waiting: &mut Waiting| !waiting.is_stopping && !waiting.is_hurried;
        let gathered = self.arrived.wait_timeout_while(waiting, GATHER, goes_on);
        let mut waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        waiting.is_hurried = false;
        let recorded = std::mem::take(&mut waiting.recorded);
        (!recorded.is_empty()).then_some(recorded)
    }

    /// What `take` gave is written: so many, of so many bytes.
    pub(crate) fn done(&self, count: usize, bytes: usize) {
        let mut waiting = self.lock();
        waiting.done += u64::try_from(count).unwrap_or(u64::MAX);
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        drop(waiting);
        self.written.notify_all();
    }

    /// Waits until everything that was added before is written. Blocks the thread.
    pub(crate) fn flush(&self) {
        let mut waiting = self.lock();
        let wanted = waiting.queued;
        while waiting.done < wanted {
            waiting.is_hurried = true;
            self.arrived.notify_one();
            waiting = self.written.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn stop(&self) {
        self.lock().is_stopping = true;
        self.arrived.notify_one();
    }

    /// How many invocations were not recorded since the start, by the name of their function.
    pub(crate) fn dropped(&self) -> BTreeMap<String, u64> {
        self.lock().dropped.clone()
    }
}

impl Waiting {
    fn count_dropped(&mut self, function: &str) {
        let is_known = self.dropped.contains_key(function);
        let name = if is_known || self.dropped.len() < DROPPED_MAX { function } else { "others" };
        let count = self.dropped.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            tracing::warn!(function = name, "invocations not recorded: too many at once");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::recorded;

    #[test]
    fn what_is_too_much_is_counted_and_never_waits() {
        let one = recorded("f", 1, "12345", "1");
        let queue = Queue::new(2 * one.bytes());
        let added: Vec<bool> = (0..4).map(|_| queue.add(one.clone())).collect();
        assert_eq!(added, [true, true, false, false]);
        assert_eq!(queue.dropped(), [("f".to_owned(), 2)].into());
        let taken = queue.take().unwrap();
        assert!(!queue.add(one.clone()), "what is being written takes its room");
        queue.done(taken.len(), 2 * one.bytes());
        assert!(queue.add(one));
    }

    #[test]
    fn what_waits_when_it_stops_is_taken() {
        let queue = Queue::new(1 << 20);
        queue.add(recorded("f", 1, "1", "1"));
        queue.stop();
        assert_eq!(queue.take().map(|recorded| recorded.len()), Some(1));
        assert_eq!(queue.take().map(|recorded| recorded.len()), None);
    }
}
