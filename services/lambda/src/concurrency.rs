// SPDX-License-Identifier: Apache-2.0
//! How many invocations may run at once, and begin each second: of a function with reserved concurrency, of provisioned
//! environments, and of all others together.
//!
//! Reserved concurrency is a floor and a ceiling: a function with a reservation runs that many at once and no more,
//! over all its versions, and the functions without one share what nobody holds. What is provisioned is held, too: it
//! is a part of the function's reservation, or of what the others share. The function's other invocations do without it.
//!
//! Counted per account and region. The machine's own limit, over all of them, is the invoker's.

use crate::level::{Counts, Levels, Part};
use crate::provisioned::Provisioned;
use invoke::{Bucket, InvokeError, Rate};
use names::{AccountId, Qualifier, Region};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::time::Instant;

/// What no reservation may leave less of for the functions without one.
pub(crate) const UNRESERVED_MIN: usize = 100;

/// What an account may do in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) concurrency_max: usize,
    /// Of all functions without a reservation together. 0: no limit.
    pub(crate) requests_per_second_max: u32,
    /// Of a function with a reservation, for each one that is reserved. 0: no limit.
    pub(crate) reserved_requests_per_second: u32,
}

/// What a function has of its account's concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) reserved: Option<u32>,
    /// Over all its versions and aliases.
    pub(crate) provisioned: usize,
}

/// Every account in every region.
#[derive(Debug)]
pub(crate) struct Accounts {
    limits: Limits,
    by_place: Mutex<HashMap<(AccountId, Region), Arc<Account>>>,
}

/// One account in one region.
#[derive(Debug)]
pub(crate) struct Account {
    limits: Limits,
    /// Reserved, or provisioned without a reservation, by all functions together. Follows the table of functions.
    held: AtomicUsize,
    pub(crate) levels: Levels,
    requests: Bucket,
    /// What the buckets count time from.
    since: Instant,
    /// Held from the check of a reservation until it counts.
    pub(crate) reserving: tokio::sync::Mutex<()>,
}

/// Where the invocations of one function come in, over all its versions and all its changes.
#[derive(Debug)]
pub(crate) struct Gate {
    account: Arc<Account>,
    pub(crate) levels: Levels,
    /// Of those that were called by a qualifier.
    qualified: RwLock<HashMap<Qualifier, Arc<Levels>>>,
    /// Whether somebody who tells levels knows of it.
    is_noticed: AtomicBool,
    requests: Bucket,
}

/// An invocation that came in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    gate: Arc<Gate>,
    /// What it is of its function, and of its account.
    part: Part,
    part_of_account: Part,
    qualified: Option<Arc<Levels>>,
    /// Those of its qualifier that are provisioned for.
    provisioned: Option<Arc<AtomicUsize>>,
}

impl Holding {
    /// What the functions without a reservation do not share.
    pub(crate) fn count(self) -> usize {
        self.reserved.map_or(self.provisioned, to_usize)
    }
}

impl Accounts {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, by_place: Mutex::default() }
    }

    pub(crate) fn of(&self, account: &AccountId, region: &Region) -> Arc<Account> {
        // Nothing in here panics half-way.
        let mut by_place = self.by_place.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (account.clone(), region.clone());
        let new = || {
            Arc::new(Account {
                limits: self.limits,
                held: AtomicUsize::new(0),
                levels: Levels::default(),
                requests: Bucket::default(),
                since: Instant::now(),
                reserving: tokio::sync::Mutex::default(),
            })
        };
        Arc::clone(by_place.entry(place).or_insert_with(new))
    }

    pub(crate) fn gate(&self, account: &AccountId, region: &Region) -> Arc<Gate> {
        Arc::new(Gate {
            account: self.of(account, region),
            levels: Levels::default(),
            qualified: RwLock::default(),
            is_noticed: AtomicBool::new(false),
            requests: Bucket::default(),
        })
    }
}

impl Account {
    pub(crate) fn concurrency_max(&self) -> usize {
        self.limits.concurrency_max
    }

    /// What the functions without a reservation share: never nothing, even where the machine's own limit was lowered
    /// to less than what had been reserved.
    pub(crate) fn unreserved(&self) -> usize {
        match self.limits.concurrency_max.saturating_sub(self.held.load(Ordering::Relaxed)) {
            0 => UNRESERVED_MIN.min(self.limits.concurrency_max),
            left => left,
        }
    }

    /// What functions hold for themselves.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether a function may hold `asked` instead of `current`. Less is always possible.
    pub(crate) fn may_hold(&self, current: usize, asked: usize) -> bool {
        let left = (self.unreserved() + current).checked_sub(asked);
        asked <= current || left.is_some_and(|left| left >= UNRESERVED_MIN)
    }

    fn may_begin(&self, requests: &Bucket, per_second: u32) -> bool {
        let rate = Rate { per_second, burst: per_second };
        per_second == 0 || requests.take(rate, self.since.elapsed())
    }
}

impl Gate {
    /// What a function holds has changed.
    pub(crate) fn count_held(&self, old: usize, new: usize) {
        self.account.held.fetch_add(new, Ordering::Relaxed);
        self.account.held.fetch_sub(old, Ordering::Relaxed);
    }

    /// Lets an invocation of a function in, or says why not. `provisioned` is what its qualifier has.
    pub(crate) fn enter(
        self: &Arc<Self>,
        holding: Holding,
        qualifier: Option<&Qualifier>,
        provisioned: Option<&Provisioned>,
    ) -> Result<Running, InvokeError> {
        let entered = self.admit(holding, qualifier, provisioned)?;
        self.check_rate(holding.reserved, &entered)?;
        entered.note();
        Ok(entered)
    }

    /// The same for an event that was accepted before: how many of those begin in a second, only their number limits.
    pub(crate) fn enter_queued(
        self: &Arc<Self>,
        holding: Holding,
        qualifier: Option<&Qualifier>,
        provisioned: Option<&Provisioned>,
    ) -> Result<Running, InvokeError> {
        let entered = self.admit(holding, qualifier, provisioned)?;
        entered.note();
        Ok(entered)
    }

    fn admit(
        self: &Arc<Self>,
        holding: Holding,
        qualifier: Option<&Qualifier>,
        provisioned: Option<&Provisioned>,
    ) -> Result<Running, InvokeError> {
        let provisioned = provisioned.and_then(Provisioned::enter);
        let account = &self.account;
        let is_on_demand = provisioned.is_none();
        if is_on_demand {
            // Who finds no room leaves the counts alone, so that they are those of who runs.
            self.check_room(holding, self.levels.counts(), account.levels.counts())?;
        }
        let part = |is_special| match (is_on_demand, is_special) {
            (false, _) => Part::Provisioned,
            (true, false) => Part::Plain,
            (true, true) => Part::Special,
        };
        let (part, part_of_account) = (part(qualifier.is_some()), part(holding.reserved.is_some()));
        let before = (self.levels.enter(part), account.levels.enter(part_of_account));
        let qualified = qualifier.map(|qualifier| self.qualified(qualifier));
        if let Some(levels) = &qualified {
            levels.enter(part);
        }
        // Counted from here on, whatever happens.
        let gate = Arc::clone(self);
        let entered = Running { gate, part, part_of_account, qualified, provisioned };
        if is_on_demand {
            self.check_room(holding, before.0, before.1)?;
        }
        Ok(entered)
    }

    /// Whether one more may run on demand where so many do.
    fn check_room(
        &self,
        holding: Holding,
        of_function: Counts,
        of_account: Counts,
    ) -> Result<(), InvokeError> {
        let (running, max, reason) = match holding.reserved {
            Some(reserved) => (
                of_function.on_demand(),
                to_usize(reserved).saturating_sub(holding.provisioned),
                "ReservedFunctionConcurrentInvocationLimitExceeded",
            ),
            None => {
                (of_account.plain(), self.account.unreserved(), "ConcurrentInvocationLimitExceeded")
            }
        };
        match to_usize(running) < max {
            true => Ok(()),
            false => Err(InvokeError::Throttled { reason }),
        }
    }

    fn check_rate(&self, reserved: Option<u32>, entered: &Running) -> Result<(), InvokeError> {
        let limits = self.account.limits;
        let (requests, per_second, reason) = match reserved {
            Some(reserved) => (
                &self.requests,
                reserved.saturating_mul(limits.reserved_requests_per_second),
                "ReservedFunctionInvocationRateLimitExceeded",
            ),
            // As many more as its environments can serve.
            None if entered.is_provisioned() => return Ok(()),
            None => (
                &self.account.requests,
                limits.requests_per_second_max,
                "FunctionInvocationRateLimitExceeded",
            ),
        };
        match self.account.may_begin(requests, per_second) {
            true => Ok(()),
            false => Err(InvokeError::Throttled { reason }),
        }
    }

    fn qualified(&self, qualifier: &Qualifier) -> Arc<Levels> {
        let known = self.qualified.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(levels) = known.get(qualifier) {
            return Arc::clone(levels);
        }
        drop(known);
        let mut known = self.qualified.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(qualifier.clone()).or_default())
    }

    /// The levels of each qualifier that somebody calls it by. Those that nobody does are forgotten.
    pub(crate) fn all_qualified(&self) -> Vec<(Qualifier, Arc<Levels>)> {
        let mut known = self.qualified.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, levels| levels.is_used() || Arc::strong_count(levels) > 1);
        known.iter().map(|(name, levels)| (name.clone(), Arc::clone(levels))).collect()
    }

    /// Whether nobody has noticed it since it was last overlooked.
    pub(crate) fn notice(&self) -> bool {
        !self.is_noticed.load(Ordering::SeqCst) && !self.is_noticed.swap(true, Ordering::SeqCst)
    }

    /// Before its levels are looked at: who comes in after that is noticed anew.
    pub(crate) fn overlook(&self) {
        self.is_noticed.store(false, Ordering::SeqCst);
    }
}

impl Running {
    pub(crate) const fn is_provisioned(&self) -> bool {
        self.provisioned.is_some()
    }

    fn note(&self) {
        self.gate.levels.note();
        self.gate.account.levels.note();
        if let Some(levels) = &self.qualified {
            levels.note();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(running) = &self.provisioned {
            running.fetch_sub(1, Ordering::AcqRel);
        }
        self.gate.account.levels.leave(self.part_of_account);
        self.gate.levels.leave(self.part);
        if let Some(levels) = &self.qualified {
            levels.leave(self.part);
        }
    }
}

pub(crate) fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits =
        Limits { concurrency_max: 0, requests_per_second_max: 0, reserved_requests_per_second: 0 };

    fn accounts(limits: Limits) -> (Accounts, Arc<Gate>) {
        let accounts = Accounts::new(limits);
        let gate = accounts.gate(&"000000000000".parse().unwrap(), &"us-east-1".parse().unwrap());
        (accounts, gate)
    }

    const UNRESERVED: Holding = Holding { reserved: None, provisioned: 0 };

    fn reserving(count: u32) -> Holding {
        Holding { reserved: Some(count), provisioned: 0 }
    }

    fn reason(entered: Result<Running, InvokeError>) -> &'static str {
        match entered {
            Err(InvokeError::Throttled { reason }) => reason,
            Ok(_) | Err(_) => "none",
        }
    }

    #[test]
    fn a_hundred_stay_unreserved() {
        let (_accounts, gate) = accounts(Limits { concurrency_max: 1_000, ..LIMITS });
        let account = &gate.account;
        assert!(account.may_hold(0, 900) && !account.may_hold(0, 901));
        gate.count_held(0, 900);
        assert_eq!(account.unreserved(), 100);
        assert!(!account.may_hold(0, 1), "another function");
        assert!(account.may_hold(0, 0), "which may still be switched off");
        assert!(account.may_hold(900, 850) && !account.may_hold(900, 901));
        gate.count_held(900, 0);
        assert_eq!(account.unreserved(), 1_000);
    }

    #[test]
    fn provisioned_invocations_leave_the_others_their_share() {
        let (_accounts, gate) = accounts(Limits { concurrency_max: 3, ..LIMITS });
        let (holding, live) = (Holding { provisioned: 2, ..UNRESERVED }, Provisioned::new(2, 0));
        gate.count_held(0, holding.count());
        let first = gate.enter(holding, None, Some(&live)).unwrap();
        let second = gate.enter(holding, None, Some(&live)).unwrap();
        let third = gate.enter(holding, None, Some(&live)).unwrap();
        assert!(third.part_of_account == Part::Plain, "it spills over");
        assert_eq!(
            reason(gate.enter(holding, None, Some(&live))),
            "ConcurrentInvocationLimitExceeded"
        );
        drop(first);
        let again = gate.enter(holding, None, Some(&live)).unwrap();
        assert!(again.is_provisioned());
        drop((second, third, again));
        assert_eq!(gate.levels.counts().all(), 0);
    }

    #[test]
    fn all_reserved_and_provisioned_leaves_nothing_to_the_rest() {
        let (_accounts, gate) = accounts(Limits { concurrency_max: 1_000, ..LIMITS });
        let (holding, live) =
            (Holding { reserved: Some(2), provisioned: 2 }, Provisioned::new(1, 0));
        assert_eq!(
            reason(gate.enter(holding, None, None)),
            "ReservedFunctionConcurrentInvocationLimitExceeded"
        );
        let running = gate.enter(holding, None, Some(&live)).unwrap();
        assert!(gate.enter(holding, None, Some(&live)).is_err());
        drop(running);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_begin_in_a_second_than_ten_for_each() {
        let limits = Limits {
            concurrency_max: 1_000,
            requests_per_second_max: 5,
            reserved_requests_per_second: 10,
        };
        let (_accounts, gate) = accounts(limits);
        for (holding, count, why) in [
            (reserving(1), 10, "ReservedFunctionInvocationRateLimitExceeded"),
            (UNRESERVED, 5, "FunctionInvocationRateLimitExceeded"),
        ] {
            for _ in 0..count {
                assert!(gate.enter(holding, None, None).is_ok());
            }
            assert_eq!(reason(gate.enter(holding, None, None)), why);
        }
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
        assert!(gate.enter(reserving(1), None, None).is_ok());
        assert!(gate.enter(reserving(1), None, None).is_err());
    }

    #[test]
    fn each_qualifier_has_levels_of_its_own() {
        let (_accounts, gate) = accounts(Limits { concurrency_max: 10, ..LIMITS });
        let (live, version) = (Qualifier::Alias("live".to_owned()), Qualifier::Version(1));
        let provisioned = Provisioned::new(1, 0);
        let holding = Holding { provisioned: 1, ..UNRESERVED };
        let running = [
            gate.enter(holding, None, None).unwrap(),
            gate.enter(holding, Some(&live), Some(&provisioned)).unwrap(),
            gate.enter(holding, Some(&live), Some(&provisioned)).unwrap(),
        ];
        drop(gate.enter(holding, Some(&version), None).unwrap());
        let of_function = gate.levels.take();
        assert_eq!((of_function.all, of_function.plain, of_function.provisioned), (4, 1, 1));
        let of_account = gate.account.levels.take();
        assert_eq!((of_account.all, of_account.plain), (4, 3), "those on demand are not reserved");
        let most = |qualifier| {
            let all = gate.all_qualified();
            all.iter().find(|(name, _)| *name == qualifier).map(|(_, levels)| levels.take().all)
        };
        assert_eq!((most(live.clone()), most(version.clone())), (Some(2), Some(1)));
        drop(running);
        assert_eq!((most(live), most(version)), (Some(2), None), "whom nobody calls is forgotten");
    }

    proptest! {
        /// Whoever comes and goes, in whatever order: no limit is passed, and in the end nobody is counted.
        #[test]
        fn nobody_passes_a_limit(reserved in 0_u32..4, steps in prop::collection::vec((any::<bool>(), any::<bool>()), 0..60)) {
            let (accounts, one) = accounts(Limits { concurrency_max: 5, ..LIMITS });
            let other = accounts.gate(&"000000000000".parse().unwrap(), &"us-east-1".parse().unwrap());
            one.count_held(0, reserved as usize);
            let (mut ones, mut others) = (Vec::new(), Vec::new());
            for (is_one, enters) in steps {
                let (gate, holding, inside, max) = match is_one {
                    true => (&one, reserving(reserved), &mut ones, reserved),
                    false => (&other, UNRESERVED, &mut others, 5 - reserved),
                };
                if enters {
                    let entered = gate.enter(holding, None, None);
                    prop_assert_eq!(entered.is_ok(), inside.len() < max as usize);
                    inside.extend(entered.ok());
                } else {
                    inside.pop();
                }
            }
            drop((ones, others));
            prop_assert_eq!(one.levels.counts().all() + other.levels.counts().all(), 0);
            prop_assert_eq!(one.account.levels.counts().all(), 0);
        }
    }
}
