// SPDX-License-Identifier: Apache-2.0
//! Warm pools: execution environments of one deployment that are initialised and idle, and who waits for one.
//!
//! A pool hands out the most recently used environment first, so that the least used ones grow old and are reaped.
//! It starts an environment only when more callers wait than starts are under way: whoever is free first serves the
//! caller that waited longest, be it a new environment or one that came back. Who comes while those that are leased are
//! bound to be back sooner than another could start has some patience first: a function of one millisecond is not served
//! better by twice as many environments than there are processors.
//!
//! Invariants:
//! - an environment is idle in the pool or leased, never both;
//! - nobody waits while an environment is idle;
//! - nothing here starts or stops a process: the pool says what should happen, `Invoker` does it.

use crate::states::States;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// `E` is an environment, `W` somebody who waits for one.
#[derive(Debug)]
pub(crate) struct Pool<E, W> {
    /// The oldest in front, the most recently used at the back.
    idle: Vec<(Instant, E)>,
    waiting: VecDeque<W>,
    /// Starts under way.
    starting: usize,
    leased: usize,
    is_retired: bool,
    /// Somebody will look whether those that are idle can be frozen.
    is_watched: bool,
    /// How long an environment is busy with an event, lately. Zero before the first came back.
    usual: Duration,
}

/// Who is busy longer is not waited for: a start takes as long.
const USUAL_MAX: Duration = Duration::from_millis(3);
/// What is waited for who is bound to be back: several times what is usual, within bounds.
const PATIENCE_TIMES: u32 = 4;
const PATIENCE_MIN: Duration = Duration::from_millis(1);
const PATIENCE_MAX: Duration = Duration::from_millis(8);

/// What becomes of an environment that came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GivenBack<E, W> {
    /// It goes to this caller.
    Hand(W, E),
    /// It waits in the pool.
    Kept,
    /// Its deployment is retired and nobody waits.
    Stop(E),
}

impl<E, W> Default for Pool<E, W> {
    fn default() -> Self {
        Self {
            idle: Vec::new(),
            waiting: VecDeque::new(),
            starting: 0,
            leased: 0,
            is_retired: false,
            is_watched: false,
            usual: Duration::ZERO,
        }
    }
}

impl<E, W> Pool<E, W> {
    pub(crate) fn states(&self) -> States {
        States { idle: self.idle.len(), busy: self.leased, starting: self.starting }
    }

    /// The most recently used environment that is idle.
    pub(crate) fn lease(&mut self) -> Option<E> {
        let (_, environment) = self.idle.pop()?;
        self.leased += 1;
        Some(environment)
    }

    /// Queues a caller.
    pub(crate) fn wait(&mut self, caller: W) {
        self.waiting.push_back(caller);
    }

    /// How long the caller that was queued last should wait before a start is made for it, if at all. There must be an
    /// environment for each who waits, of which all are bound to be back soon.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let is_near = !self.usual.is_zero() && self.usual <= USUAL_MAX;
        let is_one_each = self.waiting.len() <= self.leased;
        let patience = (self.usual * PATIENCE_TIMES).clamp(PATIENCE_MIN, PATIENCE_MAX);
        (is_near && is_one_each).then_some(patience)
    }

    /// An environment was busy with an event for so long.
    pub(crate) fn note_busy(&mut self, busy: Duration) {
        self.usual = if self.usual.is_zero() { busy } else { (self.usual * 7 + busy) / 8 };
    }

    /// Whether another start is needed. If so it counts as under way, until `started` or `start_ended`.
    pub(crate) fn should_start(&mut self) -> bool {
        let is_needed = self.waiting.len() > self.starting;
        self.starting += usize::from(is_needed);
        is_needed
    }

    /// Whether a start that is under way is no longer needed, because others served those who waited. If so it
    /// counts no more.
    pub(crate) fn give_up_start(&mut self) -> bool {
        let is_surplus = self.waiting.len() < self.starting;
        self.starting -= usize::from(is_surplus);
        is_surplus
    }

    /// A start came to its end without an environment: who waited longest learns why.
    pub(crate) fn start_ended(&mut self) -> Option<W> {
        self.starting = self.starting.saturating_sub(1);
        self.waiting.pop_front()
    }

    /// A new environment is ready.
    pub(crate) fn started(&mut self, environment: E, now: Instant) -> GivenBack<E, W> {
        self.starting = self.starting.saturating_sub(1);
        self.adopt(environment, now)
    }

    /// An environment that was made outside of the pool joins it.
    pub(crate) fn adopt(&mut self, environment: E, now: Instant) -> GivenBack<E, W> {
        self.leased += 1;
        self.give_back(environment, now)
    }

    /// A start that was counted cannot be made. If nobody is bound to come back, who waited last is turned away.
    pub(crate) fn start_refused(&mut self) -> Option<W> {
        self.starting = self.starting.saturating_sub(1);
        if self.starting > 0 || self.leased > 0 { None } else { self.waiting.pop_back() }
    }

    /// A start that was counted may not be made now. Who waited last is turned away.
    pub(crate) fn start_throttled(&mut self) -> Option<W> {
        self.starting = self.starting.saturating_sub(1);
        self.waiting.pop_back()
    }

    /// A leased environment is free again.
    pub(crate) fn give_back(&mut self, environment: E, now: Instant) -> GivenBack<E, W> {
        if let Some(caller) = self.waiting.pop_front() {
            return GivenBack::Hand(caller, environment);
        }
        self.leased = self.leased.saturating_sub(1);
        if self.is_retired {
            return GivenBack::Stop(environment);
        }
        self.idle.push((now, environment));
        GivenBack::Kept
    }

    /// A leased environment ended.
    pub(crate) fn forget(&mut self) {
        self.leased = self.leased.saturating_sub(1);
    }

    /// Takes out the environments that have been idle for `idle_max` or longer.
    pub(crate) fn reap(&mut self, now: Instant, idle_max: Duration) -> Vec<E> {
        let young = self.idle.iter().position(|(since, _)| now.duration_since(*since) < idle_max);
        let old = self.idle.drain(..young.unwrap_or(self.idle.len()));
        old.map(|(_, environment)| environment).collect()
    }

    /// Takes out the environments that are idle and too old.
    pub(crate) fn wear_out(&mut self, is_worn: impl Fn(&E) -> bool) -> Vec<E> {
        let worn = self.idle.extract_if(.., |(_, environment)| is_worn(environment));
        worn.map(|(_, environment)| environment).collect()
    }

    /// Whether nobody looks yet at what is idle, and something is. From now on somebody does.
    pub(crate) fn watch(&mut self) -> bool {
        let is_new = !self.is_watched && !self.idle.is_empty();
        self.is_watched |= is_new;
        is_new
    }

    /// Has each environment that has been idle for `idle_min` or longer looked at, by whom `watch` made responsible.
    /// Whether that must be done again: `is_done` was not true of all, or some are younger.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        idle_min: Duration,
        mut is_done: impl FnMut(&E) -> bool,
    ) -> bool {
        let mut is_left = false;
        for (since, environment) in &self.idle {
            let is_young = now.duration_since(*since) < idle_min;
            is_left |= is_young || !is_done(environment);
        }
        self.is_watched = is_left;
        is_left
    }

    /// When the environment that has been idle longest became so.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.idle.first().map(|(since, _)| *since)
    }

    /// Takes out the environment that has been idle longest.
    pub(crate) fn evict(&mut self) -> Option<E> {
        if self.idle.is_empty() { None } else { Some(self.idle.remove(0).1) }
    }

    /// Takes out every idle environment; those that are leased are stopped as they come back.
    pub(crate) fn retire(&mut self) -> Vec<E> {
        self.is_retired = true;
        self.idle.drain(..).map(|(_, environment)| environment).collect()
    }

    /// Whether it can be thrown away.
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.waiting.is_empty() && self.starting == 0 && self.leased == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Test = Pool<u32, char>;

    #[test]
    fn the_most_recently_used_is_leased_first_and_the_oldest_is_reaped_first() {
        let (mut pool, now) = (Test::default(), Instant::now());
        for (second, environment) in [(0, 1), (1, 2), (2, 3)] {
            assert_eq!(
                pool.started(environment, now + Duration::from_secs(second)),
                GivenBack::Kept
            );
        }
        assert_eq!(pool.lease(), Some(3));
        assert_eq!(pool.reap(now + Duration::from_secs(60), Duration::from_secs(60)), [1]);
        assert_eq!(pool.evict(), Some(2));
        assert_eq!(pool.lease(), None);
    }

    #[test]
    fn a_start_is_made_only_for_a_caller_without_one() {
        let mut pool = Test::default();
        pool.wait('a');
        assert!(pool.should_start());
        assert!(!pool.should_start());
        pool.wait('b');
        assert!(pool.should_start());
        assert_eq!(pool.started(1, Instant::now()), GivenBack::Hand('a', 1));
        assert_eq!(
            pool.give_back(1, Instant::now()),
            GivenBack::Hand('b', 1),
            "the first free environment serves"
        );
        assert!(pool.give_up_start(), "so the second start is not needed");
        assert!(!pool.give_up_start());
    }

    #[test]
    fn who_is_back_soon_is_waited_for() {
        let (mut pool, now) = (Test::default(), Instant::now());
        let millis = Duration::from_millis;
        pool.started(1, now);
        assert_eq!(pool.lease(), Some(1));
        pool.wait('a');
        assert_eq!(pool.patience(), None, "nobody knows how long it takes");
        pool.note_busy(millis(1));
        assert_eq!(pool.patience(), Some(millis(4)));
        pool.wait('b');
        assert_eq!(pool.patience(), None, "it is back for one of them");
        assert!(pool.should_start() && pool.should_start(), "whose patience ends has a start");
        pool.note_busy(millis(100));
        assert_eq!(pool.give_back(1, now), GivenBack::Hand('a', 1));
        assert_eq!(pool.patience(), None, "it takes longer than a start");
    }

    #[test]
    fn a_failed_start_is_told_to_one_caller() {
        let mut pool = Test::default();
        pool.wait('a');
        pool.wait('b');
        assert!(pool.should_start() && pool.should_start());
        assert_eq!(pool.start_ended(), Some('a'));
        assert_eq!(
            pool.start_refused(),
            Some('b'),
            "and one that cannot be made turns the last one away"
        );
    }

    #[test]
    fn a_throttled_start_turns_away_who_came_last() {
        let mut pool = Test::default();
        pool.started(1, Instant::now());
        assert_eq!(pool.lease(), Some(1));
        pool.wait('a');
        pool.wait('b');
        assert!(pool.should_start() && pool.should_start());
        assert_eq!(pool.start_refused(), None, "both wait for what is leased");
        assert_eq!(pool.start_throttled(), Some('b'), "but not when the function grows too fast");
    }

    #[test]
    fn what_is_idle_is_watched_once_until_all_of_it_is_done() {
        let (mut pool, now) = (Test::default(), Instant::now());
        let (second, later) = (Duration::from_secs(1), now + Duration::from_secs(2));
        assert!(!pool.watch());
        pool.started(1, now);
        pool.started(2, later);
        assert!(pool.watch() && !pool.watch());
        assert!(pool.look(later, second, |_| true), "one is young");
        assert!(pool.look(later + second, second, |environment| *environment == 1));
        assert!(!pool.look(later + second, second, |_| true));
        assert!(pool.watch());
    }

    #[test]
    fn a_retired_pool_serves_who_waits_and_keeps_nothing() {
        let (mut pool, now) = (Test::default(), Instant::now());
        pool.started(1, now);
        assert_eq!(pool.lease(), Some(1));
        pool.wait('a');
        assert_eq!(pool.retire(), [0; 0]);
        assert_eq!(pool.give_back(1, now), GivenBack::Hand('a', 1));
        assert_eq!(pool.give_back(1, now), GivenBack::Stop(1));
        assert!(pool.is_empty());
    }

    proptest! {
        /// Whatever happens, no environment is lost or handed out twice, and nobody waits beside an idle one.
        #[test]
        fn environments_are_conserved(steps in prop::collection::vec(0..5_u8, 0..200)) {
            let (mut pool, now) = (Test::default(), Instant::now());
            let (mut made, mut leased, mut stopped) = (0_u32, Vec::new(), 0_usize);
            for step in steps {
                match step {
                    0 => match pool.lease() {
                        Some(environment) => leased.push(environment),
                        None => { pool.wait('w'); pool.should_start(); }
                    },
                    1 if pool.starting > 0 => {
                        made += 1;
                        if let GivenBack::Hand(_, environment) = pool.started(made, now) { leased.push(environment); }
                    }
                    2 => if let Some(environment) = leased.pop()
                        && let GivenBack::Hand(_, again) = pool.give_back(environment, now) { leased.push(again); },
                    3 => if leased.pop().is_some() { pool.forget(); stopped += 1; },
                    _ => if pool.evict().is_some() { stopped += 1; },
                }
                prop_assert!(pool.waiting.is_empty() || pool.idle.is_empty());
                prop_assert_eq!(pool.leased, leased.len());
                prop_assert_eq!(made as usize, pool.idle.len() + leased.len() + stopped);
            }
        }
    }
}
