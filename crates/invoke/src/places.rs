// SPDX-License-Identifier: Apache-2.0
//! Places for environments: how many there may be, and how much memory they may take together.
//!
//! An environment counts with the most memory that it was seen to use: what it used once, it may use again. Pure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[derive(Debug)]
pub(crate) struct Places {
    count_max: usize,
    memory_bytes_max: u64,
    count: AtomicUsize,
    memory_bytes: AtomicU64,
}

/// One environment's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    memory_bytes: u64,
}

impl Places {
    pub(crate) fn new(count_max: usize, memory_bytes_max: u64) -> Arc<Self> {
        let (count, memory_bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { count_max, memory_bytes_max, count, memory_bytes })
    }

    /// A place for an environment that is expected to use `memory_bytes`. One there is always, however little memory.
    pub(crate) fn take(self: &Arc<Self>, memory_bytes: u64) -> Option<Place> {
        let more = |count: usize| (count < self.count_max).then_some(count + 1);
        let before = self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        let place = Place { places: Arc::clone(self), memory_bytes };
        let used = self.memory_bytes.fetch_add(memory_bytes, Ordering::AcqRel);
        (before == 0 || used.saturating_add(memory_bytes) <= self.memory_bytes_max).then_some(place)
    }

    /// Whether environments were seen to use more than they may.
    pub(crate) fn is_over(&self) -> bool {
        self.memory_bytes.load(Ordering::Acquire) > self.memory_bytes_max
            && self.count.load(Ordering::Acquire) > 1
    }
}

impl Place {
    /// Its environment was seen to use this much. Whether that is more than was known.
    pub(crate) fn measured(&mut self, memory_bytes: u64) -> bool {
        let is_more = memory_bytes > self.memory_bytes;
        if is_more {
            let more = memory_bytes - self.memory_bytes;
            self.places.memory_bytes.fetch_add(more, Ordering::AcqRel);
            self.memory_bytes = memory_bytes;
        }
        is_more
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.memory_bytes.fetch_sub(self.memory_bytes, Ordering::AcqRel);
        self.places.count.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_always_has_one() {
        let places = Places::new(2, 10);
        let first = places.take(100).unwrap();
        assert!(places.take(1).is_none());
        assert!(!places.is_over(), "nothing could be stopped for it");
        drop(first);
        let mut small = places.take(5).unwrap();
        let other = places.take(5).unwrap();
        assert!(places.take(0).is_none(), "two may be");
        assert!(small.measured(6) && !small.measured(3));
        assert!(places.is_over());
        drop(other);
        assert!(!places.is_over());
    }

    proptest! {
        #[test]
        fn what_is_taken_comes_back(steps in prop::collection::vec((0..3_u8, 0..60_u64), 0..100)) {
            let places = Places::new(5, 100);
            let mut taken: Vec<Place> = Vec::new();
            for (step, bytes) in steps {
                let used: u64 = taken.iter().map(|place| place.memory_bytes).sum();
                match step {
                    0 => {
                        let fits = taken.is_empty() || (taken.len() < 5 && used + bytes <= 100);
                        let place = places.take(bytes);
                        prop_assert_eq!(place.is_some(), fits);
                        taken.extend(place);
                    }
                    1 => if let Some(place) = taken.first_mut() {
                        let known = place.memory_bytes;
                        prop_assert_eq!(place.measured(bytes), bytes > known);
                    },
                    _ => drop(taken.pop()),
                }
            }
            drop(taken);
            prop_assert_eq!((places.count.load(Ordering::Relaxed), places.memory_bytes.load(Ordering::Relaxed)), (0, 0));
        }
    }
}
