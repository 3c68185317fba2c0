// SPDX-License-Identifier: Apache-2.0
//! Amazon EventBridge: buses, rules that say which of their events are wanted, and the targets that get those.
//!
//! Start at `service.rs` for the parts, at `put.rs` for the way of an event to the disk, at `delivery.rs` for its way from there to
//! each target. What buses and rules are is in the store, and all of it in memory.
//!
//! Invariants:
//! - what was acknowledged is on the disk: an event reaches each target of the rules that wanted it then, at least once, or the
//!   dead-letter queue that the target has;
//! - nobody who puts events waits for a target.
//!
//! Not here: signatures, and who may call what: that is decided before a call comes here, and before something is sent to a target.

mod address;
mod archive;
mod archives;
mod bus;
mod buses;
mod clock;
mod dead_letter;
mod delivery;
mod event;
mod input;
mod json_path;
mod log_event;
mod metrics;
mod page;
mod permissions;
mod put;
mod replay;
mod replaying;
mod replays;
mod rule;
mod rules;
mod schedule;
mod service;
mod shelf;
mod table;
mod tags;
mod target;
mod targets_of_rules;
mod watched;

use crate::address::BusKey;
use crate::service::Service;
use names::AccountId;
use policy::Named;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{DecodeError, ReadError, Store};
use targets::{Deliver, Roles};

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Buses of one account in one region, beside its default one. Default: 100.
    pub buses_max: usize,
    /// Rules of one bus. Default: 300.
    pub bus_rules_max: usize,
    /// Targets of one rule. Default: 5.
    pub rule_targets_max: usize,
    /// Archives of one account in one region. Default: 100.
    pub archives_max: usize,
    /// Bytes that an archive may have on the disk, compressed; the oldest events go first. Default: 1073741824 (1 GiB).
    pub archive_bytes_max: u64,
    /// Bytes that all archives may have on the disk together; the oldest events go first. Default: 4294967296 (4 GiB).
    pub archives_bytes_max: u64,
    /// Replays of one account in one region that go on at once. Default: 10.
    pub replays_max: usize,
    /// Events and deliveries of all buses that may wait. Further events are refused. Default: 500000.
    pub waiting_max: usize,
    /// Bytes of all events and deliveries that may wait. Default: 4 GiB.
    pub waiting_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            buses_max: 100,
            bus_rules_max: 300,
            rule_targets_max: 5,
            archives_max: 100,
            archive_bytes_max: 1 << 30,
            archives_bytes_max: 4 << 30,
            replays_max: 10,
            waiting_max: 500_000,
            waiting_bytes_max: 4 << 30,
        }
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the buses")]
    Read(#[from] ReadError),
    #[error("failed to read a bus or a rule")]
    Decode(#[from] DecodeError),
    #[error("`{0}` is not the name of a record of a bus or a rule")]
    Key(String),
    #[error("failed to open the events")]
    Queue(#[from] events::OpenError),
    #[error("failed to open the archives")]
    Archives(#[source] std::io::Error),
    #[error("the server stops")]
    Stopped,
}

/// Where it keeps what is not in the store. Each belongs to this service alone.
#[derive(Debug, Clone)]
pub struct Dirs {
    /// What waits to be delivered.
    pub events: PathBuf,
    /// The events of archives.
    pub archives: PathBuf,
}

/// Amazon EventBridge. Clones share it.
#[derive(Debug, Clone)]
pub struct EventBridge {
    pub(crate) service: Arc<Service>,
}

impl api::eventbridge::DeclaredOperations for EventBridge {}

impl EventBridge {
    /// Opens the buses of a store, and what of their events waits. Replays go on where they were.
    ///
    /// Targets with roles are reached as these, while `roles` says that they are good.
    ///
    /// # Errors
    ///
    /// When either can not be read.
    pub async fn open(
        store: Store,
        dirs: Dirs,
        targets: Arc<dyn Deliver>,
        roles: Roles,
        options: Options,
    ) -> Result<Self, OpenError> {
        Ok(Self { service: Service::open(store, dirs, targets, roles, options).await? })
    }

    /// Starts no more deliveries.
    pub fn stop(&self) {
        self.service.stop();
    }

    /// Waits for the deliveries that run, so long. The others go on with the next server.
    pub async fn drain(&self, patience: Duration) {
        self.service.drain(patience).await;
    }

    /// Whether an account has buses or rules.
    pub fn holds(&self, account: &AccountId) -> bool {
        self.service.table.holds(account)
    }

    /// The policies of a bus.
    pub fn attached_policies(&self, arn: &str) -> Vec<Named> {
        let bus = BusKey::of_arn(arn).and_then(|key| self.service.table.bus(&key));
        bus.and_then(|bus| bus.policy()).into_iter().collect()
    }

    /// Whether any of these policies may deny something.
    pub fn may_deny(&self) -> bool {
        self.service.table.may_deny()
    }

    /// A tag of a bus or a rule, in letters of either case.
    pub fn tag_of(&self, arn: &str, key: &str) -> Option<String> {
        let tags = self.service.tags(arn)?;
        tags.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }
}
