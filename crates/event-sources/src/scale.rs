// SPDX-License-Identifier: Apache-2.0
//! How many batches of one mapping may run at once. Pure.
//!
//! It begins with a few. While all that may run do, some more may with every moment, as AWS has it. A batch that failed takes
//! one away, one that was throttled half of them; each that comes through gives one back. A queue that is empty begins anew.

use crate::mapping::{POLLER_BATCHES, Scaling};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Scale {
    scaling: Scaling,
    limit: usize,
    /// Since when all that may run do, less what was earned for it.
    full_since: Option<Instant>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Through,
    Failed,
    /// It did not come to the function.
    NotInvoked,
}

impl Scale {
    pub(crate) fn new(scaling: Scaling) -> Self {
        Self { scaling, limit: scaling.first, full_since: None }
    }

    /// The same mapping may say something else now.
    pub(crate) fn set(&mut self, scaling: Scaling) {
        if self.scaling != scaling {
            *self = Self::new(scaling);
        }
    }

    /// Whether no more may run than `running` do.
    pub(crate) fn is_full(&mut self, running: usize, now: Instant) -> bool {
        if running < self.limit {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert(now);
        let earned = now.saturating_duration_since(since).as_millis() / self.pace().as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.full_since = Some(since + self.pace() * earned);
        let limit = self.limit.saturating_add(usize::try_from(earned).unwrap_or(usize::MAX));
        self.limit = limit.min(self.scaling.max);
        running >= self.limit
    }

    /// When one more may run, if nothing ends before.
    pub(crate) fn next(&self) -> Option<Instant> {
        let since = self.full_since.filter(|_| self.limit < self.scaling.max)?;
        Some(since + self.pace())
    }

    pub(crate) fn ended(&mut self, end: End) {
        let (first, max) = (self.scaling.first, self.scaling.max);
        self.limit = match end {
            End::Through if self.limit < first => (self.limit + 1).min(max),
            End::Through => self.limit,
            End::Failed => (self.limit - 1).max(1),
            End::NotInvoked => (self.limit / 2).max(1),
        };
    }

    /// How many provisioned pollers there are at this moment: more with the backlog, and never less than asked for.
    pub(crate) fn pollers(&self) -> Option<usize> {
        let Scaling { first, is_provisioned, .. } = self.scaling;
        is_provisioned.then(|| self.limit.max(first).div_ceil(POLLER_BATCHES))
    }

    /// There is no backlog.
    pub(crate) fn idle(&mut self) {
        self.limit = self.limit.min(self.scaling.first);
        self.full_since = None;
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(60_000 / u64::from(self.scaling.per_minute.clamp(1, 60_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[tokio::test]
    async fn it_grows_with_the_backlog_and_shrinks_without() {
        let (mut scale, now) = (Scale::new(Scaling::on_demand(None)), Instant::now());
        let after = |ms| now + Duration::from_millis(ms);
        assert!(!scale.is_full(4, now));
        assert!(scale.is_full(5, now));
        assert_eq!(scale.next(), Some(after(200)));
        assert!(scale.is_full(5, after(199)));
        assert!(!scale.is_full(5, after(200)));
        // A minute of a backlog are 300 more.
        let mut running = 6;
        for ms in 400..60_400 {
            while !scale.is_full(running, after(ms)) {
                running += 1;
            }
        }
        assert_eq!(running, 306);
        scale.idle();
        assert!(scale.is_full(5, after(70_000)));
    }

    #[tokio::test]
    async fn failures_and_throttles_take_away_and_successes_give_back() {
        let (mut scale, now) = (Scale::new(Scaling::on_demand(Some(4))), Instant::now());
        assert!(scale.is_full(4, now) && scale.next().is_none());
        scale.ended(End::Failed);
        assert!(scale.is_full(3, now));
        scale.ended(End::NotInvoked);
        scale.ended(End::NotInvoked);
        assert!(!scale.is_full(0, now) && scale.is_full(1, now));
        for _ in 0..10 {
            scale.ended(End::Through);
        }
        assert!(!scale.is_full(3, now) && scale.is_full(4, now));
        scale.set(Scaling::provisioned(2, 200));
        assert!(!scale.is_full(19, now) && scale.is_full(20, now));
    }

    #[tokio::test]
    async fn provisioned_pollers_are_as_many_as_the_backlog_needs() {
        let (mut scale, now) = (Scale::new(Scaling::provisioned(2, 3)), Instant::now());
        assert_eq!(scale.pollers(), Some(2));
        assert!(scale.is_full(20, now));
        // A thousand batches a minute more: ten of them are a poller.
        assert!(!scale.is_full(20, now + Duration::from_millis(60)));
        assert_eq!(scale.pollers(), Some(3));
        assert!(scale.is_full(30, now + Duration::from_secs(3_600)));
        assert_eq!(scale.pollers(), Some(3));
        scale.ended(End::NotInvoked);
        scale.ended(End::NotInvoked);
        assert_eq!(scale.pollers(), Some(2));
        scale.idle();
        assert_eq!(scale.pollers(), Some(2));
        assert_eq!(Scale::new(Scaling::on_demand(None)).pollers(), None);
    }

    proptest! {
        /// Whatever happens, one may run, and never more than there may be.
        #[test]
        fn it_stays_within_its_bounds(max in 1_usize..50, steps in prop::collection::vec((0..5_u8, 0..60_usize), 0..100)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _entered = runtime.enter();
            let mut now = Instant::now();
            let mut scale = Scale::new(Scaling::on_demand(Some(max)));
            for (step, running) in steps {
                now += Duration::from_millis(3_000);
                match step {
                    0 => scale.ended(End::Through),
                    1 => scale.ended(End::Failed),
                    2 => scale.ended(End::NotInvoked),
                    3 => scale.idle(),
                    _ => drop(scale.is_full(running, now)),
                }
                prop_assert!(!scale.is_full(0, now));
                prop_assert!(scale.is_full(max, now));
            }
        }
    }
}
