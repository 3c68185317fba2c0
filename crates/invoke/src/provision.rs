// SPDX-License-Identifier: Apache-2.0
//! Provisioned environments of one version behind one qualifier: initialised ahead of events, kept, replaced. Pure.
//!
//! What should be there is told as a number. Until it is met, starts are asked for; whatever ends is replaced. A function
//! whose init phase fails, or whose environments end before they have served anything, is given up after some tries,
//! until it is asked for anew.
//!
//! Invariants:
//! - an environment is idle here or leased, never both;
//! - there are never more than are wanted, but for those that are leased while the number goes down.

use crate::setbacks::Setbacks;
use crate::states::States;
use std::time::Duration;
use tokio::time::Instant;

/// Why there are not as many as wanted, and will not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The function's init phase fails.
    Init,
    /// The environments end by themselves before they get an event.
    Ended,
    /// Its runtime is not installed here.
    NoRuntime,
    /// The capacity provider's limit is reached.
    Capacity,
    /// The machine has no room, or environments cannot be started. Our fault, or the operator's.
    Platform,
}

/// How far a provision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provisioned {
    /// Environments that are there or being initialised.
    pub allocated: usize,
    /// Those of them that are initialised, serving or not.
    pub available: usize,
    pub shortage: Option<Shortage>,
}

/// `E` is an environment.
#[derive(Debug)]
pub(crate) struct Provision<E> {
    wanted: usize,
    /// The oldest in front, the most recently used at the back.
    idle: Vec<(Instant, E)>,
    leased: usize,
    starting: usize,
    setbacks: Setbacks,
}

impl<E> Default for Provision<E> {
    fn default() -> Self {
        Self { wanted: 0, idle: Vec::new(), leased: 0, starting: 0, setbacks: Setbacks::default() }
    }
}

impl<E> Provision<E> {
    /// Asks for so many, and forgets what failed before. The environments that are too many are for the caller to stop.
    pub(crate) fn want(&mut self, count: usize) -> Vec<E> {
        (self.wanted, self.setbacks) = (count, Setbacks::default());
        let surplus = (self.idle.len() + self.leased).saturating_sub(count).min(self.idle.len());
        self.idle.drain(..surplus).map(|(_, environment)| environment).collect()
    }

    /// Whether another start is needed. If so it counts as under way until `started` or `start_failed`.
    pub(crate) fn should_start(&mut self) -> bool {
        let there = self.idle.len() + self.leased + self.starting;
        let is_needed = self.setbacks.shortage().is_none() && there < self.wanted;
        self.starting += usize::from(is_needed);
        is_needed
    }

    /// Whether a start that is under way is no longer needed. If so it counts no more.
    pub(crate) fn give_up_start(&mut self) -> bool {
        let there = self.idle.len() + self.leased + self.starting;
        let is_surplus = self.setbacks.shortage().is_some() || there > self.wanted;
        self.starting -= usize::from(is_surplus);
        is_surplus
    }

    /// A new environment is ready. It comes back if it is not wanted any more.
    pub(crate) fn started(&mut self, environment: E, now: Instant) -> Option<E> {
        self.starting = self.starting.saturating_sub(1);
        self.keep(environment, now)
    }

    /// A start failed. How long to wait before the next; `None` if there is to be none.
    pub(crate) fn start_failed(&mut self, why: Shortage) -> Option<Duration> {
        self.starting = self.starting.saturating_sub(1);
        self.setbacks.add(why)
    }

    /// The most recently used environment that is idle.
    pub(crate) fn lease(&mut self) -> Option<E> {
        let (_, environment) = self.idle.pop()?;
        self.leased += 1;
        Some(environment)
    }

    /// A leased environment is free again. It comes back if it is not wanted any more.
    pub(crate) fn give_back(&mut self, environment: E, now: Instant) -> Option<E> {
        self.leased = self.leased.saturating_sub(1);
        self.setbacks.forgive();
        self.keep(environment, now)
    }

    /// A leased environment ended.
    pub(crate) fn forget(&mut self) {
        self.leased = self.leased.saturating_sub(1);
    }

    /// An environment ended by itself: takes it out if it was idle. How long to wait before it is replaced; `None` if it is
    /// not to be, or was not idle.
    pub(crate) fn ended(&mut self, is_it: impl Fn(&E) -> bool) -> Option<(E, Option<Duration>)> {
        let index = self.idle.iter().position(|(_, environment)| is_it(environment))?;
        let (_, environment) = self.idle.remove(index);
        Some((environment, self.setbacks.add(Shortage::Ended)))
    }

    /// Takes out the environments that are idle and too old. Others are wanted in their place.
    pub(crate) fn wear_out(&mut self, is_worn: impl Fn(&E) -> bool) -> Vec<E> {
        let worn = self.idle.extract_if(.., |(_, environment)| is_worn(environment));
        worn.map(|(_, environment)| environment).collect()
    }

    /// Has each environment that has been idle for `idle_min` or longer looked at.
    pub(crate) fn look(&self, now: Instant, idle_min: Duration, mut each: impl FnMut(&E)) {
        let is_old = |since: Instant| now.duration_since(since) >= idle_min;
        self.idle.iter().filter(|(since, _)| is_old(*since)).for_each(|(_, found)| each(found));
    }

    pub(crate) fn progress(&self) -> Provisioned {
        let available = self.idle.len() + self.leased;
        Provisioned {
            allocated: available + self.starting,
            available,
            shortage: self.setbacks.shortage(),
        }
    }

    pub(crate) fn states(&self) -> States {
        States { idle: self.idle.len(), busy: self.leased, starting: self.starting }
    }

    fn keep(&mut self, environment: E, now: Instant) -> Option<E> {
        if self.idle.len() + self.leased >= self.wanted {
            return Some(environment);
        }
        self.idle.push((now, environment));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setbacks::RETRY_DELAY;
    use proptest::prelude::*;

    type Test = Provision<u32>;

    fn start(provision: &mut Test, environment: u32) -> Option<u32> {
        assert!(provision.should_start());
        provision.started(environment, Instant::now())
    }

    #[test]
    fn what_is_wanted_is_started_and_what_is_too_much_stopped() {
        let mut provision = Test::default();
        assert!(!provision.should_start());
        assert_eq!(provision.want(2), [0; 0]);
        assert_eq!(start(&mut provision, 1), None);
        assert_eq!(start(&mut provision, 2), None);
        assert!(!provision.should_start());
        let ready = Provisioned { allocated: 2, available: 2, shortage: None };
        assert_eq!(provision.progress(), ready);

        assert_eq!(provision.lease(), Some(2));
        assert_eq!(provision.progress(), ready, "one that serves is still there");
        assert_eq!(provision.want(1), [1]);
        assert_eq!(provision.want(0), [0; 0], "the other serves");
        assert_eq!(provision.give_back(2, Instant::now()), Some(2), "and stops after it");
    }

    #[test]
    fn what_ends_is_replaced() {
        let mut provision = Test::default();
        provision.want(1);
        start(&mut provision, 1);
        assert_eq!(provision.lease(), Some(1));
        provision.forget();
        start(&mut provision, 2);
        assert_eq!(provision.ended(|environment| *environment == 1), None);
        let (ended, pause) = provision.ended(|environment| *environment == 2).unwrap();
        assert_eq!((ended, pause), (2, Some(RETRY_DELAY)));
        assert!(provision.should_start());
    }

    #[test]
    fn it_is_given_up_until_it_is_asked_for_anew() {
        let mut provision = Test::default();
        provision.want(3);
        start(&mut provision, 1);
        for pause in [Some(RETRY_DELAY), Some(RETRY_DELAY * 2), None] {
            assert!(provision.should_start());
            assert_eq!(provision.start_failed(Shortage::Init), pause);
        }
        assert!(!provision.should_start());
        let progress = provision.progress();
        assert_eq!((progress.available, progress.shortage), (1, Some(Shortage::Init)));
        assert_eq!(provision.lease(), Some(1), "what there is serves");
        provision.want(3);
        assert!(provision.should_start());
    }

    proptest! {
        /// None is lost or had twice, and there are never more than wanted but while the number goes down.
        #[test]
        fn environments_are_conserved(steps in prop::collection::vec((0..7_u8, 0..6_usize), 0..200)) {
            let (mut provision, now) = (Test::default(), Instant::now());
            let (mut made, mut leased, mut gone) = (0_u32, Vec::new(), 0_usize);
            for (step, count) in steps {
                match step {
                    0 => gone += provision.want(count).len(),
                    1 => { provision.should_start(); }
                    2 if provision.starting > 0 && !provision.give_up_start() => {
                        made += 1;
                        gone += usize::from(provision.started(made, now).is_some());
                    }
                    3 if provision.starting > 0 => { provision.start_failed(Shortage::Init); }
                    4 => leased.extend(provision.lease()),
                    5 => if let Some(one) = leased.pop() {
                        gone += usize::from(provision.give_back(one, now).is_some());
                    },
                    _ => if leased.pop().is_some() { provision.forget(); gone += 1; },
                }
                prop_assert_eq!(provision.leased, leased.len());
                prop_assert_eq!(made as usize, provision.idle.len() + leased.len() + gone);
                prop_assert!(provision.idle.is_empty() || provision.idle.len() + leased.len() <= provision.wanted);
            }
        }
    }
}
