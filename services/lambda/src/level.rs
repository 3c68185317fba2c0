// SPDX-License-Identifier: Apache-2.0
//! How many invocations run of three parts, and the most that ran at once since somebody last asked.
//!
//! One word holds the three counts: an invocation comes in with one write, as if there were one count. That a level is none
//! that is new costs it a comparison, so the shortest peak is seen and nobody samples.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const BITS: u32 = 21;
const MASK: u64 = (1 << BITS) - 1;

/// What an invocation is a part of. Each runs on demand or on a provisioned environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// On demand: of an account, without a reservation; of a function, called without a qualifier.
    Plain,
    /// On demand: of an account, with a reservation; of a function, called by a qualifier.
    Special,
    Provisioned,
}

#[derive(Debug, Default)]
pub(crate) struct Levels {
    now: AtomicU64,
    most: AtomicU32,
    most_plain: AtomicU32,
    most_provisioned: AtomicU32,
}

/// How many run at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts(u64);

/// The most that ran at once: of all, of those that are plain, of those that are provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Most {
    pub(crate) all: u32,
    pub(crate) plain: u32,
    pub(crate) provisioned: u32,
}

impl Part {
    const fn one(self) -> u64 {
        match self {
            Self::Plain => 1,
            Self::Special => 1 << BITS,
            Self::Provisioned => 1 << (2 * BITS),
        }
    }
}

impl Counts {
    pub(crate) fn all(self) -> u32 {
        self.on_demand() + self.provisioned()
    }

    pub(crate) fn on_demand(self) -> u32 {
        self.plain() + field(self.0 >> BITS)
    }

    pub(crate) fn plain(self) -> u32 {
        field(self.0)
    }

    fn provisioned(self) -> u32 {
        field(self.0 >> (2 * BITS))
    }
}

fn field(word: u64) -> u32 {
    u32::try_from(word & MASK).unwrap_or(u32::MAX)
}

impl Levels {
    /// Counts one more, and says how many there were before. It is no level until it is `noted`: it may be turned away.
    pub(crate) fn enter(&self, part: Part) -> Counts {
        Counts(self.now.fetch_add(part.one(), Ordering::SeqCst))
    }

    pub(crate) fn leave(&self, part: Part) {
        self.now.fetch_sub(part.one(), Ordering::AcqRel);
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts(self.now.load(Ordering::SeqCst))
    }

    /// Whether there is anything to tell of it.
    pub(crate) fn is_used(&self) -> bool {
        self.most.load(Ordering::SeqCst) > 0 || self.counts().all() > 0
    }

    /// One that came in stays.
    pub(crate) fn note(&self) {
        let counts = self.counts();
        raise(&self.most, counts.all());
        raise(&self.most_plain, counts.plain());
        raise(&self.most_provisioned, counts.provisioned());
    }

    /// The most since the last time. What runs now counts for the next time, too.
    pub(crate) fn take(&self) -> Most {
        Most {
            all: self.take_one(&self.most, Counts::all),
            plain: self.take_one(&self.most_plain, Counts::plain),
            provisioned: self.take_one(&self.most_provisioned, Counts::provisioned),
        }
    }

    fn take_one(&self, most: &AtomicU32, level: fn(Counts) -> u32) -> u32 {
        // In this order: who comes in between the two is counted here, or finds nothing and raises it himself.
        let taken = most.swap(0, Ordering::SeqCst);
        // Who is being turned away is counted for a moment, and no level.
        raise(most, level(self.counts()).min(taken));
        taken
    }
}

fn raise(most: &AtomicU32, level: u32) {
    if level > most.load(Ordering::SeqCst) {
        most.fetch_max(level, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(levels: &Levels, all: u32, plain: u32, provisioned: u32) {
        assert_eq!(levels.take(), Most { all, plain, provisioned });
    }

    #[test]
    fn a_peak_is_told_once_and_what_goes_on_again() {
        let levels = Levels::default();
        for part in [Part::Plain, Part::Plain, Part::Special, Part::Provisioned] {
            levels.enter(part);
            levels.note();
        }
        levels.leave(Part::Plain);
        levels.leave(Part::Special);
        check(&levels, 4, 2, 1);
        check(&levels, 2, 1, 1);
        levels.leave(Part::Provisioned);
        check(&levels, 2, 1, 1);
        levels.leave(Part::Plain);
        check(&levels, 1, 1, 0);
        check(&levels, 0, 0, 0);
    }

    #[test]
    fn who_is_turned_away_is_no_level() {
        let levels = Levels::default();
        levels.enter(Part::Plain);
        levels.note();
        assert_eq!(levels.enter(Part::Plain).on_demand(), 1);
        check(&levels, 1, 1, 0);
        levels.leave(Part::Plain);
        check(&levels, 1, 1, 0);
    }

    #[test]
    fn no_peak_is_lost_however_many_come_and_go() {
        let levels = Levels::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        levels.enter(Part::Plain);
                        levels.note();
                        levels.leave(Part::Plain);
                    }
                });
            }
            scope.spawn(|| (0..1_000).for_each(|_| assert!(levels.take().all <= 4)));
        });
        levels.enter(Part::Special);
        levels.note();
        assert!((1..=4).contains(&levels.take().all));
        check(&levels, 1, 0, 0);
        assert_eq!(levels.counts().all(), 1);
    }
}
