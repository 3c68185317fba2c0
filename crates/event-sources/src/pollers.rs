// SPDX-License-Identifier: Apache-2.0
//! The pollers of all mappings.

use crate::mapping::Mapping;
use crate::poller::{Poller, Shared, Wanted};
use crate::room::{Options, Room};
use crate::seams::{Functions, Sources};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A mapping that was never enabled has none, and costs nothing.
pub struct Pollers {
    sources: Sources,
    functions: Arc<dyn Functions>,
    room: Arc<Room>,
    running: Mutex<HashMap<String, Running>>,
}

impl fmt::Debug for Pollers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pollers").finish_non_exhaustive()
    }
}

struct Running {
    shared: Arc<Shared>,
    wanted: watch::Sender<Wanted>,
    settled: watch::Receiver<u64>,
    /// What the last change is called while it is not in force.
    transition: &'static str,
}

/// How far a poller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the last change is called, if it is not in force yet.
    pub transition: Option<&'static str>,
    pub last_result: Option<String>,
}

impl Running {
    fn want(&mut self, mapping: Option<Arc<Mapping>>, transition: &'static str) {
        self.transition = transition;
        self.wanted.send_modify(|wanted| {
            *wanted = Wanted { change: wanted.change + 1, mapping };
        });
    }

    fn is_settled(&self) -> bool {
        *self.settled.borrow() == self.wanted.borrow().change
    }
}

impl Pollers {
    pub fn new(sources: Sources, functions: Arc<dyn Functions>, options: &Options) -> Self {
        Self { sources, functions, room: Room::new(options), running: Mutex::default() }
    }

    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Polls for a mapping as it is now. `transition` is what that is called until it is in force.
    pub fn poll(&self, mapping: Mapping, transition: &'static str) {
        let mut all = self.running();
        let mapping = Arc::new(mapping);
        if let Some(running) = all.get_mut(&mapping.id) {
            running.want(Some(mapping), transition);
            return;
        }
        let id = mapping.id.clone();
        let (sources, functions) = (self.sources.clone(), Arc::clone(&self.functions));
        let shared = Shared::new(sources, functions, Arc::clone(&self.room), &mapping);
        let (wanted, wanting) = watch::channel(Wanted { change: 1, mapping: Some(mapping) });
        let settled = Poller::start(Arc::clone(&shared), wanting);
        all.insert(id, Running { shared, wanted, settled, transition });
    }

    /// Polls for a mapping no more.
    pub fn pause(&self, id: &str, transition: &'static str) {
        if let Some(running) = self.running().get_mut(id) {
            running.want(None, transition);
        }
    }

    /// The same for all.
    pub fn pause_all(&self) {
        for running in self.running().values_mut() {
            running.want(None, "Disabling");
        }
    }

    /// `None` for a mapping that was not enabled since the server started.
    pub fn standing(&self, id: &str) -> Option<Standing> {
        let all = self.running();
        let running = all.get(id)?;
        let transition = (!running.is_settled()).then_some(running.transition);
        Some(Standing { transition, last_result: running.shared.last_result() })
    }

    /// The mappings that have provisioned pollers and are polled, with how many these are.
    pub fn provisioned(&self) -> Vec<(Arc<Mapping>, usize)> {
        let all = self.running();
        let provisioned = all.values().filter_map(|running| {
            let mapping = running.wanted.borrow().mapping.clone()?;
            let pollers = running.shared.scale().pollers()?;
            Some((mapping, pollers))
        });
        provisioned.collect()
    }

    /// Waits until what was said of a mapping is in force.
    pub async fn settled(&self, id: &str) {
        let settling = self
            .running()
            .get(id)
            .map(|running| (running.settled.clone(), running.wanted.borrow().change));
        let Some((mut settled, change)) = settling else { return };
        // A poller that is gone is settled.
        drop(settled.wait_for(|settled| *settled >= change).await);
    }

    /// The same for all.
    pub async fn all_settled(&self) {
        let ids: Vec<String> = self.running().keys().cloned().collect();
        for id in ids {
            self.settled(&id).await;
        }
    }

    /// Forgets a mapping that is deleted.
    pub fn forget(&self, id: &str) {
        self.running().remove(id);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        // No critical section calls what may panic half-way.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
