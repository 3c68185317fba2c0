// SPDX-License-Identifier: Apache-2.0
//! Who has computed long enough to let others go first. Pure.
//!
//! A thread that wakes while others compute waits for the end of their turn, up to four milliseconds, and an event wakes four
//! threads, one after the other. The kernel lets it go first where it is told that the others need not be fast (`cpu.idle`). So a
//! sandbox that has used the CPU time that belongs to its memory size, and a moment more, stands back: it goes on with what
//! nobody else wants, which on a machine with time to spare is everything.
//!
//! Invariant: what belongs to its memory size a sandbox gets with the same right as all others. Whoever is kept from computing
//! earns it again, and owes a moment at the most.

use crate::cpu::VCPU_MEMORY_MB;
use std::time::Duration;
use tokio::time::Instant;

/// What may be computed at once, and owed: longer than most events take, so that their functions are never looked at.
const MOMENT: Duration = Duration::from_millis(10);
/// Between two looks at what does not compute.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// Where nobody counts.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// The CPU time that a sandbox may use without standing back.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// What is left of it, in microseconds; below zero what is owed.
    left_us: i64,
    /// When it was looked at, and what the sandbox had used by then.
    at: Instant,
    used: Duration,
    /// Until the next look.
    pause: Duration,
}

impl Allowance {
    pub(crate) const fn new(at: Instant, used: Duration) -> Self {
        Self { left_us: 0, at, used, pause: MOMENT }
    }

    /// Takes account of what was used until `now`.
    pub(crate) fn look(&mut self, now: Instant, used: Duration, memory_bytes: u64) {
        let elapsed = micros(now.saturating_duration_since(self.at));
        let spent = micros(used.saturating_sub(self.used));
        let memory_mb = i64::try_from(memory_bytes >> 20).unwrap_or(i64::MAX);
        let vcpu_mb = i64::try_from(VCPU_MEMORY_MB).unwrap_or(i64::MAX);
        let earned = elapsed.saturating_mul(memory_mb) / vcpu_mb;
        let moment = micros(MOMENT);
        let left = self.left_us.saturating_add(earned).saturating_sub(spent);
        self.left_us = left.clamp(-moment, moment);
        // Whoever waits for something else is looked at ever less.
        let computes = spent > earned || self.is_spent();
        self.pause = if computes { MOMENT } else { (self.pause * 2).min(LOOK_MAX) };
        (self.at, self.used) = (now, used);
    }

    /// Whether it should stand back.
    pub(crate) const fn is_spent(&self) -> bool {
        self.left_us < 0
    }

    /// When to look again, as long as it runs.
    pub(crate) const fn pause(&self) -> Duration {
        self.pause
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    /// A sandbox that uses `used_ms` in each ten milliseconds: after how many of them it stands back.
    fn stands_back_after(used_ms: u64, memory_mb: u64) -> Option<usize> {
        let (mut now, mut used) = (Instant::now(), Duration::ZERO);
        let mut allowance = Allowance::new(now, used);
        (1..1000).find(|_| {
            now += MOMENT;
            used += Duration::from_millis(used_ms);
            allowance.look(now, used, memory_mb * MB);
            allowance.is_spent()
        })
    }

    #[test]
    fn who_computes_more_than_belongs_to_its_memory_stands_back() {
        assert_eq!(stands_back_after(10, 256), Some(1));
        assert_eq!(stands_back_after(10, 1769), None, "one vCPU is what it has");
        assert_eq!(stands_back_after(20, 1769), Some(1));
        assert_eq!(stands_back_after(1, 256), None);
        assert_eq!(stands_back_after(0, 128), None);
    }

    #[test]
    fn a_debt_is_small_and_is_earned_back() {
        let (begin, moment) = (Instant::now(), MOMENT);
        let mut allowance = Allowance::new(begin, Duration::ZERO);
        let later = begin + Duration::from_secs(60);
        allowance.look(later, Duration::from_secs(120), 1769 * MB);
        assert!(allowance.is_spent());
        allowance.look(later + moment, Duration::from_secs(120), 1769 * MB);
        assert!(!allowance.is_spent(), "one vCPU earns a moment in a moment");
    }

    #[test]
    fn who_waits_is_looked_at_ever_less() {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(now, Duration::ZERO);
        for _ in 0..20 {
            now += allowance.pause();
            allowance.look(now, Duration::ZERO, 128 * MB);
        }
        assert_eq!(allowance.pause(), LOOK_MAX);
        allowance.look(now + LOOK_MAX, Duration::from_millis(500), 128 * MB);
        assert_eq!(allowance.pause(), MOMENT);
    }
}
