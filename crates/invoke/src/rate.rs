// SPDX-License-Identifier: Apache-2.0
//! Rates: token buckets that fill continuously. Pure: the time comes from the caller.
//!
//! A bucket is one number, the time at which it will be full again, so that taking from it is one atomic operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;

/// How many may come in a second, and how many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

/// A bucket that is full at first. The rate is the taker's: it may change from one taking to the next.
#[derive(Debug, Default)]
pub struct Bucket {
    /// Nanoseconds since the same start that the taker counts from.
    full_at: AtomicU64,
}

impl Bucket {
    /// Takes one, if there is one at `now`, which is told since some start that stays the same.
    pub fn take(&self, rate: Rate, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let take = |full_at| taken(full_at, rate, now);
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Whether nothing has been taken that has not come back by `now`.
    pub(crate) fn is_full(&self, now: Duration) -> bool {
        u128::from(self.full_at.load(Ordering::Relaxed)) <= now.as_nanos()
    }
}

/// When the bucket is full again after one more was taken, if there is one.
fn taken(full_at: u64, rate: Rate, now: u64) -> Option<u64> {
    let one = SECOND_NS.checked_div(rate.per_second.into())?;
    let all = one.saturating_mul(rate.burst.into());
    let full_at = full_at.max(now).checked_add(one)?;
    (full_at - now <= all).then_some(full_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn takes(bucket: &Bucket, rate: Rate, now: Duration, tries: usize) -> usize {
        (0..tries).filter(|_| bucket.take(rate, now)).count()
    }

    #[test]
    fn a_full_bucket_gives_a_burst_and_then_what_comes_in() {
        let (bucket, rate) = (Bucket::default(), Rate { per_second: 100, burst: 1_000 });
        assert_eq!(takes(&bucket, rate, MS, 2_000), 1_000);
        assert!(!bucket.is_full(MS));
        assert_eq!(takes(&bucket, rate, 1_001 * MS, 2_000), 100, "a second later");
        assert_eq!(takes(&bucket, rate, 3_600_000 * MS, 2_000), 1_000, "and never more at once");
        assert!(bucket.is_full(3_700_000 * MS));
    }

    #[test]
    fn no_rate_is_nothing() {
        assert!(!Bucket::default().take(Rate { per_second: 0, burst: 0 }, MS));
        assert!(!Bucket::default().take(Rate { per_second: 1, burst: 0 }, MS));
    }

    proptest! {
        /// The obvious bucket: a number of tokens, counted in nanoseconds' worth.
        #[test]
        fn it_is_a_token_bucket(
            per_second in 1_u32..2_000,
            burst in 1_u32..50,
            pauses in prop::collection::vec(0_u64..40_000_000, 1..200),
        ) {
            let (bucket, rate) = (Bucket::default(), Rate { per_second, burst });
            let one = SECOND_NS / u64::from(per_second);
            let all = one * u64::from(burst);
            let (mut now, mut left) = (0, all);
            for pause in pauses {
                now += pause;
                left = all.min(left + pause);
                let is_there = left >= one;
                if is_there { left -= one; }
                prop_assert_eq!(bucket.take(rate, Duration::from_nanos(now)), is_there);
            }
        }
    }
}
