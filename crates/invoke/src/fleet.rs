// SPDX-License-Identifier: Apache-2.0
//! The environments of one version that runs several invocations in each: how many there should be, and which of them
//! takes an event. Pure.
//!
//! There are as many as are wanted at least, before the first event. Another is added when half of all slots are taken, as
//! long as there are fewer than are wanted at most, and one goes when the others could do its work for a while. An event never waits
//! for an environment to be added: it goes to the one with the most free slots, or it is refused.
//!
//! Invariants:
//! - there are never more than are wanted at most, those counted that are starting;
//! - nothing here starts or stops a process.

use crate::provision::{Provisioned, Shortage};
use crate::setbacks::{RETRY_DELAY, Setbacks};
use crate::states::States;
use std::time::Duration;
use tokio::time::Instant;

/// How many environments there should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

/// What is asked of an environment here.
pub(crate) trait Slots {
    /// How many of its slots are taken; `None` when it takes no event.
    fn taken(&self) -> Option<usize>;
}

/// `E` is an environment, cheap to clone.
#[derive(Debug)]
pub(crate) struct Fleet<E> {
    bounds: Bounds,
    slots: usize,
    members: Vec<E>,
    starting: usize,
    setbacks: Setbacks,
    /// There was no room for another one at this time.
    refused: Option<Instant>,
    /// Since when there has been one more than are needed.
    spare_since: Option<Instant>,
}

impl<E: Slots + Clone> Fleet<E> {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            bounds: Bounds { min: 0, max: 0 },
            slots,
            members: Vec::new(),
            starting: 0,
            setbacks: Setbacks::default(),
            refused: None,
            spare_since: None,
        }
    }

    /// Asks for so many, and forgets what failed before. Those that are too many are for the caller to stop.
    pub(crate) fn bound(&mut self, bounds: Bounds) -> Vec<E> {
        (self.bounds, self.setbacks, self.refused) = (bounds, Setbacks::default(), None);
        let surplus = self.members.len().saturating_sub(bounds.max);
        self.members.sort_by_key(|member| member.taken().unwrap_or(0));
        self.members.drain(..surplus).collect()
    }

    /// Whether another start is needed for there to be enough. If so it counts as under way until `started`,
    /// `start_failed` or `start_refused`.
    pub(crate) fn should_start(&mut self) -> bool {
        let is_needed = self.setbacks.shortage().is_none() && self.there() < self.bounds.min;
        self.starting += usize::from(is_needed);
        is_needed
    }

    /// The environment with the most free slots, for one more event; and whether another start should be made for those to
    /// come, which then counts as under way.
    pub(crate) fn pick(&mut self, now: Instant) -> (Option<E>, bool) {
        let mut taken_in_all = 1;
        let mut best: Option<(usize, &E)> = None;
        for member in &self.members {
            let Some(taken) = member.taken() else { continue };
            taken_in_all += taken;
            if taken < self.slots && best.is_none_or(|(least, _)| taken < least) {
                best = Some((taken, member));
            }
        }
        let picked = best.map(|(_, member)| member.clone());
        let is_half_full = taken_in_all * 2 > self.members.len() * self.slots;
        let may_grow = self.starting == 0
            && self.setbacks.shortage().is_none()
            && self.members.len() < self.bounds.max
            && self.refused.is_none_or(|refused| now.duration_since(refused) >= RETRY_DELAY);
        let grows = is_half_full && may_grow;
        self.starting += usize::from(grows);
        (picked, grows)
    }

    /// Whether a start that is under way is no longer wanted. If so it counts no more.
    pub(crate) fn give_up_start(&mut self) -> bool {
        let is_surplus = self.setbacks.shortage().is_some() || self.there() > self.bounds.max;
        self.starting -= usize::from(is_surplus);
        is_surplus
    }

    /// A new environment is ready. It comes back if it is not wanted any more.
    pub(crate) fn started(&mut self, environment: E) -> Option<E> {
        self.starting = self.starting.saturating_sub(1);
        self.setbacks.forgive();
        if self.members.len() >= self.bounds.max {
            return Some(environment);
        }
        self.members.push(environment);
        None
    }

    /// A start failed. How long to wait before the next; `None` if there is to be none.
    pub(crate) fn start_failed(&mut self, why: Shortage) -> Option<Duration> {
        self.starting = self.starting.saturating_sub(1);
        self.setbacks.add(why)
    }

    /// There is no room for one more. That is a shortage only where there are not enough.
    pub(crate) fn start_refused(&mut self, why: Shortage, now: Instant) {
        self.starting = self.starting.saturating_sub(1);
        self.refused = Some(now);
        if self.there() < self.bounds.min {
            self.setbacks.give_up(why);
        }
    }

    /// An environment ended by itself. How long to wait before it is replaced; `None` if it is not to be.
    pub(crate) fn ended(&mut self, is_it: impl Fn(&E) -> bool) -> Option<(E, Option<Duration>)> {
        let index = self.members.iter().position(is_it)?;
        let environment = self.members.remove(index);
        Some((environment, self.setbacks.add(Shortage::Ended)))
    }

    /// Takes out an environment that nobody has needed for `idle_max`: the others would be less than a quarter full.
    pub(crate) fn shrink(&mut self, now: Instant, idle_max: Duration) -> Option<E> {
        let taken: usize = self.members.iter().filter_map(Slots::taken).sum();
        let left = self.members.len().saturating_sub(1);
        let idle = self.members.iter().position(|member| member.taken() == Some(0));
        let is_spare = self.members.len() > self.bounds.min
            && self.starting == 0
            && (left == 0 || taken * 4 < left * self.slots);
        let (Some(idle), true) = (idle, is_spare) else {
            self.spare_since = None;
            return None;
        };
        let since = *self.spare_since.get_or_insert(now);
        if now.duration_since(since) < idle_max {
            return None;
        }
        self.spare_since = None;
        Some(self.members.remove(idle))
    }

    /// Takes out the environments that are too old. What runs in them goes on; others are wanted in their place.
    pub(crate) fn wear_out(&mut self, is_worn: impl Fn(&E) -> bool) -> Vec<E> {
        self.members.extract_if(.., |member| is_worn(member)).collect()
    }

    pub(crate) fn members(&self) -> &[E] {
        &self.members
    }

    pub(crate) fn progress(&self) -> Provisioned {
        let available = self.members.len();
        Provisioned { allocated: self.there(), available, shortage: self.setbacks.shortage() }
    }

    /// Whether there are as many as there should be, or never will be.
    pub(crate) fn is_settled(&self) -> bool {
        self.setbacks.shortage().is_some() || self.members.len() >= self.bounds.min
    }

    /// Whether an event may wait for the first environment: there is none, and one is coming.
    pub(crate) fn is_coming(&self) -> bool {
        self.members.is_empty() && self.setbacks.shortage().is_none() && self.bounds.min > 0
    }

    /// One that serves anything is busy, however much more it could.
    pub(crate) fn states(&self) -> States {
        let idle = self.members.iter().filter(|member| member.taken() == Some(0)).count();
        States { idle, busy: self.members.len() - idle, starting: self.starting }
    }

    fn there(&self) -> usize {
        self.members.len() + self.starting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// Its number, and how many of its slots are taken.
    #[derive(Debug, Clone)]
    struct Test(u32, Rc<Cell<usize>>);

    impl Slots for Test {
        fn taken(&self) -> Option<usize> {
            Some(self.1.get())
        }
    }

    fn test(number: u32) -> Test {
        Test(number, Rc::default())
    }

    fn fleet(min: usize, max: usize) -> Fleet<Test> {
        let mut fleet = Fleet::new(4);
        assert!(fleet.bound(Bounds { min, max }).is_empty());
        for number in 0.. {
            if !fleet.should_start() {
                break;
            }
            assert!(fleet.started(test(number)).is_none());
        }
        fleet
    }

    fn take(fleet: &mut Fleet<Test>, now: Instant) -> Option<(u32, bool)> {
        let (picked, grows) = fleet.pick(now);
        picked.map(|Test(number, taken)| {
            taken.set(taken.get() + 1);
            (number, grows)
        })
    }

    #[test]
    fn events_go_where_most_is_free_and_never_wait() {
        let (mut fleet, now) = (fleet(2, 2), Instant::now());
        let taken: Vec<_> =
            (0..9).map(|_| take(&mut fleet, now).map(|(number, _)| number)).collect();
        assert_eq!(taken.iter().filter(|taken| **taken == Some(0)).count(), 4);
        assert_eq!(taken.iter().filter(|taken| **taken == Some(1)).count(), 4);
        assert_eq!(taken[8], None, "all slots are taken");
    }

    #[test]
    fn one_more_is_added_when_half_is_taken() {
        let (mut fleet, now) = (fleet(1, 2), Instant::now());
        assert_eq!(take(&mut fleet, now), Some((0, false)));
        assert_eq!(take(&mut fleet, now), Some((0, false)));
        assert_eq!(take(&mut fleet, now), Some((0, true)));
        assert_eq!(take(&mut fleet, now), Some((0, false)), "one at a time");
        fleet.start_refused(Shortage::Capacity, now);
        assert_eq!(fleet.progress().shortage, None, "there are enough");
        assert!(!fleet.pick(now).1, "and not again at once");
        assert!(fleet.pick(now + RETRY_DELAY).1);
        assert!(fleet.started(test(7)).is_none());
        assert_eq!(take(&mut fleet, now + RETRY_DELAY), Some((7, false)), "there are two at most");
    }

    #[test]
    fn what_is_worn_is_replaced_and_ends_its_work() {
        let mut fleet = fleet(1, 2);
        let picked = fleet.pick(Instant::now()).0.unwrap();
        picked.1.set(1);
        let worn = fleet.wear_out(|_| true);
        assert!(worn.len() == 1 && fleet.members().is_empty());
        assert!(fleet.should_start(), "another takes its place");
        assert_eq!(picked.taken(), Some(1), "what runs in it goes on");
    }

    #[test]
    fn what_is_spare_for_a_while_goes() {
        let (mut fleet, now) = (fleet(1, 3), Instant::now());
        fleet.bound(Bounds { min: 3, max: 3 });
        while fleet.should_start() {
            fleet.started(test(9));
        }
        assert!(fleet.shrink(now, Duration::ZERO).is_none(), "three are wanted");
        fleet.bound(Bounds { min: 1, max: 3 });
        let minute = Duration::from_secs(60);
        assert!(fleet.shrink(now, minute).is_none());
        assert!(fleet.shrink(now + minute, minute).is_some());
        assert!(fleet.shrink(now + minute, minute).is_none());
        let busy = fleet.members()[0].clone();
        busy.1.set(3);
        assert!(fleet.shrink(now + 3 * minute, minute).is_none(), "it would be needed soon");
        busy.1.set(0);
        assert!(fleet.shrink(now + 4 * minute, minute).is_none());
        assert!(fleet.shrink(now + 5 * minute, minute).is_some());
        assert!(fleet.shrink(now + 9 * minute, minute).is_none(), "one is wanted");
    }

    #[test]
    fn a_version_that_fails_is_given_up_until_it_is_asked_for_anew() {
        let mut fleet: Fleet<Test> = Fleet::new(1);
        fleet.bound(Bounds { min: 2, max: 2 });
        assert!(fleet.is_coming() && !fleet.is_settled());
        for pause in [Some(RETRY_DELAY), Some(RETRY_DELAY * 2), None] {
            assert!(fleet.should_start());
            assert_eq!(fleet.start_failed(Shortage::Init), pause);
        }
        assert!(!fleet.should_start() && fleet.is_settled() && !fleet.is_coming());
        fleet.bound(Bounds { min: 1, max: 1 });
        assert!(fleet.should_start());
        fleet.start_refused(Shortage::Capacity, Instant::now());
        assert_eq!(fleet.progress().shortage, Some(Shortage::Capacity));
    }

    proptest! {
        /// Whatever happens, there are no more than wanted, and none is lost.
        #[test]
        fn environments_are_conserved(steps in prop::collection::vec((0..8_u8, 0..4_usize), 0..200)) {
            let (mut fleet, now) = (Fleet::<Test>::new(2), Instant::now());
            let (mut made, mut gone, mut under_way) = (0_u32, 0_usize, 0_usize);
            for (step, count) in steps {
                match step {
                    0 => gone += fleet.bound(Bounds { min: count, max: count + 1 }).len(),
                    1 => under_way += usize::from(fleet.should_start()),
                    2 if under_way > 0 => {
                        under_way -= 1;
                        if !fleet.give_up_start() {
                            made += 1;
                            gone += usize::from(fleet.started(test(made)).is_some());
                        }
                    }
                    3 if under_way > 0 => { under_way -= 1; fleet.start_failed(Shortage::Init); }
                    4 => {
                        let (picked, grows) = fleet.pick(now);
                        under_way += usize::from(grows);
                        if let Some(Test(_, taken)) = picked { taken.set(taken.get() + 1); }
                    }
                    5 => if let Some(Test(_, taken)) = fleet.members().get(count) { taken.set(0); },
                    6 => gone += usize::from(fleet.shrink(now, Duration::ZERO).is_some()),
                    _ => gone += usize::from(fleet.ended(|Test(number, _)| *number as usize == count).is_some()),
                }
                prop_assert_eq!(fleet.starting, under_way);
                prop_assert_eq!(made as usize, fleet.members.len() + gone);
                prop_assert!(fleet.members.len() <= fleet.bounds.max);
                prop_assert!(fleet.members.iter().all(|member| member.1.get() <= 2));
            }
        }
    }
}
