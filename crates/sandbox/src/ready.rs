// SPDX-License-Identifier: Apache-2.0
//! Sandboxes that are built and wait for a program.
//!
//! A launch takes one, so that what is left of it is to mount the code and to execute. What was taken is replaced when nobody is
//! in a hurry: a sandbox costs a millisecond to build, and the launcher does one thing at a time.
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

/// After the last hurry: time for the invocation that was started for. Not more, for the next may come at once.
const QUIET: Duration = Duration::from_millis(1);
/// And after so long whoever is in a hurry.
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
    pub(crate) fn take(&self, running: &Arc<Running>) -> Option<Unused> {
        let mut state = self.state();
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

async fn fill(shared: Weak<Shared>, count: usize) {
    let patience = Instant::now() + PATIENCE;
    loop {
        // Not held while it waits.
        let Some(shared) = shared.upgrade() else { return };
        if let Some(until) = shared.ready.busy_until(QUIET).filter(|_| Instant::now() < patience) {
            drop(shared);
            tokio::time::sleep_until(until.min(patience)).await;
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
