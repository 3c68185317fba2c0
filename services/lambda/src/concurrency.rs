// SPDX-License-Identifier: Apache-2.0
//! How many invocations may run at once: of a function with reserved concurrency, and of all others together.
//!
//! Reserved concurrency is a floor and a ceiling: a function with a reservation runs that many at once and no more,
//! over all its versions, and the functions without one share what nobody reserved.
//!
//! Counted per account and region. The machine's own limit, over all of them, is the invoker's.

use invoke::InvokeError;
use names::{AccountId, Region};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What no reservation may leave less of for the functions without one.
pub(crate) const UNRESERVED_MIN: usize = 100;

/// Every account in every region.
#[derive(Debug)]
pub(crate) struct Accounts {
    concurrency_max: usize,
    by_place: Mutex<HashMap<(AccountId, Region), Arc<Account>>>,
}

/// One account in one region.
#[derive(Debug)]
pub(crate) struct Account {
    concurrency_max: usize,
    /// By all functions together. Follows the table of functions.
    reserved: AtomicUsize,
    /// Invocations of functions without a reservation.
    running: AtomicUsize,
    /// Held from the check of a reservation until it counts.
    pub(crate) reserving: tokio::sync::Mutex<()>,
}

/// Where the invocations of one function come in, over all its versions and all its changes.
#[derive(Debug)]
pub(crate) struct Gate {
    account: Arc<Account>,
    running: AtomicUsize,
}

/// An invocation that came in, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    gate: Arc<Gate>,
    is_reserved: bool,
}

impl Accounts {
    pub(crate) fn new(concurrency_max: u32) -> Self {
        let concurrency_max = usize::try_from(concurrency_max).unwrap_or(usize::MAX);
        Self { concurrency_max, by_place: Mutex::default() }
    }

    pub(crate) fn of(&self, account: &AccountId, region: &Region) -> Arc<Account> {
        // Nothing in here panics half-way.
        let mut by_place = self.by_place.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (account.clone(), region.clone());
        let new = || {
            Arc::new(Account {
                concurrency_max: self.concurrency_max,
                reserved: AtomicUsize::new(0),
                running: AtomicUsize::new(0),
                reserving: tokio::sync::Mutex::default(),
            })
        };
        Arc::clone(by_place.entry(place).or_insert_with(new))
    }

    pub(crate) fn gate(&self, account: &AccountId, region: &Region) -> Arc<Gate> {
        Arc::new(Gate { account: self.of(account, region), running: AtomicUsize::new(0) })
    }
}

impl Account {
    /// What the functions without a reservation share: never nothing, even where the machine's own limit was lowered
    /// to less than what had been reserved.
    pub(crate) fn unreserved(&self) -> usize {
        match self.concurrency_max.saturating_sub(self.reserved.load(Ordering::Relaxed)) {
            0 => UNRESERVED_MIN.min(self.concurrency_max),
            left => left,
        }
    }

    /// Whether a function may change its reservation from `current` to `asked`. Less is always possible.
    pub(crate) fn may_reserve(&self, current: usize, asked: usize) -> bool {
        let left = (self.unreserved() + current).checked_sub(asked);
        asked <= current || left.is_some_and(|left| left >= UNRESERVED_MIN)
    }
}

impl Gate {
    /// A function's reservation came or went.
    pub(crate) fn count_reservation(&self, old: Option<u32>, new: Option<u32>) {
        let count = |reservation: Option<u32>| {
            usize::try_from(reservation.unwrap_or_default()).unwrap_or(usize::MAX)
        };
        self.account.reserved.fetch_add(count(new), Ordering::Relaxed);
        self.account.reserved.fetch_sub(count(old), Ordering::Relaxed);
    }

    /// Lets an invocation in, or says why not.
    pub(crate) fn enter(self: &Arc<Self>, reserved: Option<u32>) -> Result<Running, InvokeError> {
        let running = self.running.fetch_add(1, Ordering::AcqRel);
        // Counted from here on, whatever happens.
        let entered = Running { gate: Arc::clone(self), is_reserved: true };
        match reserved {
            Some(max) if running >= usize::try_from(max).unwrap_or(usize::MAX) => {
                Err(InvokeError::Throttled {
                    reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
                })
            }
            Some(_) => Ok(entered),
            None => {
                let running = self.account.running.fetch_add(1, Ordering::AcqRel);
                let entered = entered.unreserved();
                if running >= self.account.unreserved() {
                    return Err(InvokeError::Throttled {
                        reason: "ConcurrentInvocationLimitExceeded",
                    });
                }
                Ok(entered)
            }
        }
    }
}

impl Running {
    fn unreserved(mut self) -> Self {
        self.is_reserved = false;
        self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gate.running.fetch_sub(1, Ordering::AcqRel);
        if !self.is_reserved {
            self.gate.account.running.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accounts(max: u32) -> (Accounts, Arc<Gate>) {
        let accounts = Accounts::new(max);
        let gate = accounts.gate(&"000000000000".parse().unwrap(), &"us-east-1".parse().unwrap());
        (accounts, gate)
    }

    #[test]
    fn a_hundred_stay_unreserved() {
        let (_accounts, gate) = accounts(1_000);
        let account = &gate.account;
        assert!(account.may_reserve(0, 900) && !account.may_reserve(0, 901));
        gate.count_reservation(None, Some(900));
        assert_eq!(account.unreserved(), 100);
        assert!(!account.may_reserve(0, 1), "another function");
        assert!(account.may_reserve(0, 0), "which may still be switched off");
        assert!(account.may_reserve(900, 850) && !account.may_reserve(900, 901));
        gate.count_reservation(Some(900), None);
        assert_eq!(account.unreserved(), 1_000);
    }

    proptest! {
        /// Whoever comes and goes, in whatever order: no limit is passed, and in the end nobody is counted.
        #[test]
        fn nobody_passes_a_limit(reserved in 0_u32..4, steps in prop::collection::vec((any::<bool>(), any::<bool>()), 0..60)) {
            let (accounts, one) = accounts(5);
            let other = accounts.gate(&"000000000000".parse().unwrap(), &"us-east-1".parse().unwrap());
            one.count_reservation(None, Some(reserved));
            let (mut ones, mut others) = (Vec::new(), Vec::new());
            for (is_one, enters) in steps {
                let (gate, reservation, inside, max) = match is_one {
                    true => (&one, Some(reserved), &mut ones, reserved),
                    false => (&other, None, &mut others, 5 - reserved),
                };
                if enters {
                    let entered = gate.enter(reservation);
                    prop_assert_eq!(entered.is_ok(), inside.len() < max as usize);
                    inside.extend(entered.ok());
                } else {
                    inside.pop();
                }
            }
            drop((ones, others));
            prop_assert_eq!(one.running.load(Ordering::Relaxed) + other.running.load(Ordering::Relaxed), 0);
            prop_assert_eq!(one.account.running.load(Ordering::Relaxed), 0);
        }
    }
}
