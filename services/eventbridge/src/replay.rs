// SPDX-License-Identifier: Apache-2.0
//! A replay: which events of an archive go to its bus once more, and how far it has come. In memory, and in the store.

use crate::address::{BusKey, ReplayKey};
use api::eventbridge::{self, ReplayDestination, ReplayState};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use wire::Timestamp;

/// What is kept of a replay. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReplayRecord {
    pub(crate) description: Option<String>,
    /// The name of the archive, which is of the same account and region, as its bus is.
    pub(crate) archive: String,
    pub(crate) bus: String,
    /// The ARNs of the rules that get the events. Without any, all do.
    pub(crate) filters: Vec<String>,
    /// Milliseconds since 1970, as all times. The first,
    pub(crate) from_ms: i64,
    /// and the first that is not replayed.
    pub(crate) until_ms: i64,
    pub(crate) phase: Phase,
    pub(crate) reason: Option<String>,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// The time of the last event that was replayed.
    pub(crate) last_ms: Option<i64>,
    /// Behind which event it goes on.
    pub(crate) after: Option<(i64, u64)>,
}

/// ```text
/// Starting ──> Running ──> Completed      Starting, Running ──> Failed
///      └────> Cancelling ──> Cancelled
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    #[default]
    Starting,
    Running,
    Cancelling,
    Completed,
    Cancelled,
    Failed,
}

impl Phase {
    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    pub(crate) const fn state(self) -> ReplayState {
        match self {
            Self::Starting => ReplayState::Starting,
            Self::Running => ReplayState::Running,
            Self::Cancelling => ReplayState::Cancelling,
            Self::Completed => ReplayState::Completed,
            Self::Cancelled => ReplayState::Cancelled,
            Self::Failed => ReplayState::Failed,
        }
    }
}

/// A replay in memory.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) key: ReplayKey,
    record: Mutex<Arc<ReplayRecord>>,
    /// Changes happen one after the other, on the disk first.
    pub(crate) changes: tokio::sync::Mutex<()>,
}

impl Replay {
    pub(crate) fn new(key: ReplayKey, record: ReplayRecord) -> Self {
        Self { key, record: Mutex::new(Arc::new(record)), changes: tokio::sync::Mutex::default() }
    }

    pub(crate) fn record(&self) -> Arc<ReplayRecord> {
        Arc::clone(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, record: ReplayRecord) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(record);
    }

    pub(crate) fn bus(&self, record: &ReplayRecord) -> BusKey {
        let ReplayKey { account, region, .. } = self.key.clone();
        BusKey { account, region, name: record.bus.clone() }
    }

    pub(crate) fn archive_arn(&self, record: &ReplayRecord) -> String {
        self.key.archive(&record.archive).arn()
    }

    pub(crate) fn describe(&self) -> eventbridge::DescribeReplayOutput {
        let record = self.record();
        let filters = (!record.filters.is_empty()).then(|| record.filters.clone());
        eventbridge::DescribeReplayOutput {
            replay_name: Some(self.key.name.clone()),
            replay_arn: Some(self.key.arn()),
            description: record.description.clone(),
            state: Some(record.phase.state()),
            state_reason: record.reason.clone(),
            event_source_arn: Some(self.archive_arn(&record)),
            destination: Some(ReplayDestination {
                arn: self.bus(&record).arn(),
                filter_arns: filters,
            }),
            event_start_time: Some(Timestamp::from_epoch_ms(record.from_ms)),
            event_end_time: Some(Timestamp::from_epoch_ms(record.until_ms)),
            event_last_replayed_time: record.last_ms.map(Timestamp::from_epoch_ms),
            replay_start_time: Some(Timestamp::from_epoch_ms(record.started_ms)),
            replay_end_time: record.ended_ms.map(Timestamp::from_epoch_ms),
        }
    }

    pub(crate) fn listed(&self) -> eventbridge::Replay {
        let all = self.describe();
        eventbridge::Replay {
            replay_name: all.replay_name,
            event_source_arn: all.event_source_arn,
            state: all.state,
            state_reason: all.state_reason,
            event_start_time: all.event_start_time,
            event_end_time: all.event_end_time,
            event_last_replayed_time: all.event_last_replayed_time,
            replay_start_time: all.replay_start_time,
            replay_end_time: all.replay_end_time,
        }
    }
}
