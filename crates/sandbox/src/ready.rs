// SPDX-License-Identifier: Apache-2.0
//! Sandboxes that are built and wait for a program.
//!
//! A launch takes one, so that what is left of it is to mount the code and to execute. What was taken is replaced when nobody is
//! in a hurry: a sandbox costs a millisecond to build, and the launcher does one thing at a time. There are more of them when
//! launches are expected, and what these take is not replaced: they come one after the other.
//!
//! Invariant: nothing has run in a sandbox that waits here but its first process, which is ours.

use crate::handle::{Running, Shared};
use crate::sandbox::Process;
use crate::{Options, launch};
use std::collections::VecDeque;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// After the last hurry, while there are plenty: others come one after the other.
const CALM: Duration = Duration::from_millis(20);
/// The same when less than half is left: time for the invocation that was started for. Not more, for the next may come at once.
const QUIET: Duration = Duration::from_millis(1);
/// And then after so long whoever is in a hurry.
const PATIENCE: Duration = Duration::from_millis(50);
/// For how long a launch is expected.
const DEMAND_WINDOW: Duration = Duration::from_secs(60);

/// A sandbox without a program.
#[derive(Debug)]
pub(crate) struct Unused {
    pub(crate) process: Process,
    pub(crate) output: OwnedFd,
    pub(crate) log: OwnedFd,
    /// Where it has a network of its own: for the Runtime API, and for the edge.
    pub(crate) listeners: Option<(TcpListener, StdTcpListener)>,
}

#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    unused: Vec<Unused>,
    /// When launches were expected that have not come: the oldest in front.
    demand: VecDeque<Instant>,
    is_filling: bool,
    /// Starts that somebody waits for.
    hurries: usize,
    /// When the last of them was over.
    last_hurry: Option<Instant>,
}

/// Somebody waits for a start. Until this is dropped, and a moment longer, nothing is made ahead.
#[derive(Debug)]
pub struct Hurry(Arc<Shared>);

impl Hurry {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.ready.state().hurries += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for Hurry {
    fn drop(&mut self) {
        let mut state = self.0.ready.state();
        state.hurries -= 1;
        state.last_hurry = Some(Instant::now());
    }
}

impl Ready {
    /// One that was built by `running`.
    pub(crate) fn take(&self, running: &Arc<Running>, is_ahead: bool) -> Option<Unused> {
        let mut state = self.state();
        if !is_ahead {
            state.demand.pop_front();
        }
        loop {
            let unused = state.unused.pop()?;
            if Arc::ptr_eq(&unused.process.launcher, running) && unused.process.is_running() {
                return Some(unused);
            }
        }
    }

    /// A launch is expected.
    pub(crate) fn expect(&self, shared: &Arc<Shared>) {
        self.state().demand.push_back(Instant::now());
        self.fill(shared);
    }

    /// Sees to it that there are enough.
    pub(crate) fn fill(&self, shared: &Arc<Shared>) {
        {
            let mut state = self.state();
            let wanted = state.wanted(&shared.options, Instant::now());
            if state.is_filling || state.unused.len() >= wanted {
                return;
            }
            state.is_filling = true;
        }
        let shared = Arc::downgrade(shared);
        #[expect(
            clippy::disallowed_methods,
            reason = "ends when there are enough, or the launcher is dropped"
        )]
        drop(tokio::spawn(fill(shared)));
    }

    /// Ends those that nobody came for.
    pub(crate) fn reap(&self, options: &Options) {
        let mut state = self.state();
        let wanted = state.wanted(options, Instant::now());
        let left = state.unused.len().min(wanted);
        let surplus = state.unused.split_off(left);
        // They are ended without the lock.
        drop(state);
        drop(surplus);
    }

    /// Ends all of them.
    pub(crate) fn clear(&self) {
        let unused = std::mem::take(&mut self.state().unused);
        drop(unused);
    }

    /// When to look again whether nobody has been in a hurry for `quiet`. `None`: now.
    pub(crate) fn busy_until(&self, quiet: Duration) -> Option<Instant> {
        let state = self.state();
        let now = Instant::now();
        let calm = if state.hurries > 0 { now + quiet } else { state.last_hurry? + quiet };
        (calm > now).then_some(calm)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many there should be.
    fn wanted(&mut self, options: &Options, now: Instant) -> usize {
        let always = options.ready_always();
        let demand_max = usize::from(options.ready_max - always);
        let is_over = |since: &Instant| now.duration_since(*since) > DEMAND_WINDOW;
        while self.demand.len() > demand_max || self.demand.front().is_some_and(is_over) {
            self.demand.pop_front();
        }
        usize::from(always) + self.demand.len()
    }
}

async fn fill(shared: Weak<Shared>) {
    let patience = Instant::now() + PATIENCE;
    loop {
        // Not held while it waits.
        let Some(shared) = shared.upgrade() else { return };
        let (is_half_full, is_full) = {
            let mut state = shared.ready.state();
            let wanted = state.wanted(&shared.options, Instant::now());
            let is_full = state.unused.len() >= wanted;
            state.is_filling = !is_full;
            (state.unused.len() >= wanted / 2, is_full)
        };
        if is_full {
            return;
        }
        let until = if is_half_full {
            shared.ready.busy_until(CALM)
        } else {
            let until = shared.ready.busy_until(QUIET).map(|until| until.min(patience));
            until.filter(|_| Instant::now() < patience)
        };
        if let Some(until) = until {
            drop(shared);
            tokio::time::sleep_until(until).await;
            continue;
        }
        let built = launch::build(&shared, &shared.running(), None).await;
        let mut state = shared.ready.state();
        match built {
            Ok(unused) => state.unused.push(unused),
            // The next launch finds out why, and tells somebody who can act on it.
            Err(error) => {
                tracing::debug!(%error, "sandbox not built ahead");
                state.is_filling = false;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sandboxes_follow_demand_within_their_limits() {
        let options = Options { ready_min: 2, ready_max: 10, ..Options::default() };
        let (mut state, now) = (State::default(), Instant::now());
        assert_eq!(state.wanted(&options, now), 2);
        state.demand.extend([now; 3]);
        assert_eq!(state.wanted(&options, now), 5);
        state.demand.extend([now; 100]);
        assert_eq!(state.wanted(&options, now), 10);
        state.demand.pop_front();
        assert_eq!(state.wanted(&options, now), 9, "what was expected is not replaced");
        assert_eq!(state.wanted(&options, now + DEMAND_WINDOW + CALM), 2);
        let none = Options { ready_max: 0, ..options };
        assert_eq!(state.wanted(&none, now), 0);
    }
}
