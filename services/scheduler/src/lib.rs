// SPDX-License-Identifier: Apache-2.0
//! Amazon EventBridge Scheduler: invokes targets when their schedules are due.
//!
//! Start at `service.rs` for the parts, at `schedule.rs` for when a schedule is due, at `timer.rs` for the way of a firing to the
//! disk, at `delivery.rs` for its way from there. What schedules and groups are is in the store, and all of it in memory.
//!
//! Invariants:
//! - a firing is on the disk before it is delivered, and before its schedule counts it as fired: whatever becomes of the server, each
//!   instant is fired at least once, or what was too old of them is told;
//! - one timer waits for all schedules, and wakes for the first of them that is due.
//!
//! Not here: when an expression is due, and who may call what.

mod clock;
mod delivery;
mod firing;
mod groups;
mod key;
mod metrics;
mod operations;
mod page;
mod schedule;
mod service;
mod table;
mod target;
mod timer;
mod validate;

use crate::service::Service;
use names::AccountId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{DecodeError, ReadError, Store};
use targets::{Deliver, Roles};

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Schedules of one account in one region. Each takes about a kilobyte of memory. Default: 1000000, as AWS has.
    pub schedules_max: usize,
    /// Groups of schedules of one account in one region. Default: 500, as AWS has.
    pub groups_max: usize,
    /// Firings of all schedules that may wait for their targets. Further schedules fire later. Default: 500000.
    pub waiting_max: usize,
    /// Bytes of all firings that may wait. Default: 4 GiB.
    pub waiting_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schedules_max: 1_000_000,
            groups_max: 500,
            waiting_max: 500_000,
            waiting_bytes_max: 4 << 30,
        }
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the schedules")]
    Read(#[from] ReadError),
    #[error("failed to read a schedule")]
    Decode(#[from] DecodeError),
    #[error("`{0}` is not the name of a record of a schedule")]
    Key(String),
    #[error("failed to open the firings")]
    Queue(#[from] events::OpenError),
    #[error("the server stops")]
    Stopped,
}

/// Amazon EventBridge Scheduler. Clones share it.
#[derive(Debug, Clone)]
pub struct Scheduler {
    pub(crate) service: Arc<Service>,
}

impl Scheduler {
    /// Opens the schedules of a store, and what of their firings waits in `dir`, which belongs to this service alone.
    ///
    /// # Errors
    ///
    /// When either can not be read.
    pub async fn open(
        store: Store,
        dir: PathBuf,
        targets: Arc<dyn Deliver>,
        roles: Roles,
        options: Options,
    ) -> Result<Self, OpenError> {
        Ok(Self { service: Service::open(store, dir, targets, roles, options).await? })
    }

    /// Whether an account has schedules.
    pub fn holds(&self, account: &AccountId) -> bool {
        self.service.table.holds(account)
    }

    /// Fires no more schedules, and starts no more deliveries.
    pub fn stop(&self) {
        self.service.stop();
    }

    /// Waits for the deliveries that run, so long. The others go on with the next server.
    pub async fn drain(&self, patience: Duration) {
        self.service.drain(patience).await;
    }
}
