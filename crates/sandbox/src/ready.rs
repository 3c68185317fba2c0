// SPDX-License-Identifier: Apache-2.0
//! Sandboxes that are built and wait for a program.
//!
//! A launch takes one, so that what is left of it is to mount the code and to execute. What was taken is replaced when nobody is
//! in a hurry: a sandbox costs a millisecond to build.
//!
//! Invariant: nothing has run in a sandbox that waits here but its first process, which is ours.

use crate::handle::{Running, Shared};
use crate::launch;
use crate::sandbox::Process;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Nobody has taken one for so long: now they are replaced.
const QUIET: Duration = Duration::from_millis(4);
/// And after so long whatever is being taken.
const PATIENCE: Duration = Duration::from_millis(50);

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
    is_filling: bool,
    last_taken: Option<Instant>,
}

impl Ready {
    /// One that was built by `running`.
    pub(crate) fn take(&self, running: &Arc<Running>) -> Option<Unused> {
        let mut state = self.state();
        state.last_taken = Some(Instant::now());
        loop {
            let unused = state.unused.pop()?;
            if Arc::ptr_eq(&unused.process.launcher, running) && unused.process.is_running() {
                return Some(unused);
            }
        }
    }

    /// Sees to it that there are some.
    pub(crate) fn fill(&self, shared: &Arc<Shared>) {
        let count = usize::from(shared.options.ready_max);
        {
            let mut state = self.state();
            if state.is_filling || state.unused.len() >= count {
                return;
            }
            state.is_filling = true;
        }
        let shared = Arc::downgrade(shared);
        #[expect(
            clippy::disallowed_methods,
            reason = "ends when there are enough, or the launcher is dropped"
        )]
        drop(tokio::spawn(fill(shared, count)));
    }

    /// Ends all of them.
    pub(crate) fn clear(&self) {
        let unused = std::mem::take(&mut self.state().unused);
        drop(unused);
    }

    fn quiet_since(&self) -> Option<Instant> {
        self.state().last_taken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fill(shared: Weak<Shared>, count: usize) {
    let begun = Instant::now();
    loop {
        // Not held while it waits.
        let Some(last_taken) = shared.upgrade().map(|shared| shared.ready.quiet_since()) else {
            return;
        };
        let quiet = last_taken.map_or(begun, |taken| (taken + QUIET).min(begun + PATIENCE));
        tokio::time::sleep_until(quiet).await;
        let Some(shared) = shared.upgrade() else { return };
        let is_quiet = shared.ready.quiet_since() == last_taken || quiet >= begun + PATIENCE;
        if !is_quiet {
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
        if state.unused.len() >= count {
            state.is_filling = false;
            return;
        }
    }
}
