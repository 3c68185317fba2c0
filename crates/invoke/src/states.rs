// SPDX-License-Identifier: Apache-2.0
//! How many environments there are, and what they do.

use crate::invoker::Invoker;
use std::iter::Sum;
use std::sync::atomic::Ordering;

/// Environments of some kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct States {
    pub idle: usize,
    pub busy: usize,
    pub starting: usize,
}

/// Of the whole server, at about one moment.
#[derive(Debug, Clone, Copy)]
pub struct Census {
    /// Invocations that were let in and have not ended.
    pub running: usize,
    pub on_demand: States,
    pub provisioned: States,
    /// Of functions on capacity providers.
    pub managed: States,
    /// Runtimes that were started ahead: those that are ready, and those that are being started.
    pub stems: (usize, usize),
}

impl Invoker {
    /// Looks at every function that has environments.
    pub fn census(&self) -> Census {
        let shared = &self.0;
        Census {
            running: shared.running.load(Ordering::Relaxed),
            on_demand: shared.pools.states(),
            provisioned: shared.provisions.all().iter().map(|pool| pool.lock().states()).sum(),
            managed: shared.states_of_fleets(),
            stems: shared.worker.stems(),
        }
    }
}

impl Sum for States {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            idle: sum.idle + one.idle,
            busy: sum.busy + one.busy,
            starting: sum.starting + one.starting,
        })
    }
}
