// SPDX-License-Identifier: Apache-2.0
//! Replays: events of an archive, sent to its bus once more.

use super::constraints::*;
use wire::{Input, Structure, Timestamp, enumeration, operations};

/// What is done to replays.
#[operations("events")]
pub trait ReplayOperations: Send + Sync + 'static {
    /// Begins to replay events.
    fn start_replay(input: StartReplayInput);

    /// Ends a replay before its end.
    fn cancel_replay(input: CancelReplayInput);

    /// Answers how a replay stands.
    fn describe_replay(input: DescribeReplayInput);

    /// Lists replays, page by page.
    fn list_replays(input: ListReplaysInput);
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct StartReplayInput {
    #[wire(like = REPLAY_NAME)]
    pub replay_name: String,
    #[wire(like = REPLAY_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = ARCHIVE_ARN)]
    pub event_source_arn: String,
    pub event_start_time: Timestamp,
    pub event_end_time: Timestamp,
    pub destination: ReplayDestination,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CancelReplayInput {
    #[wire(like = REPLAY_NAME)]
    pub replay_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DescribeReplayInput {
    #[wire(like = REPLAY_NAME)]
    pub replay_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListReplaysInput {
    #[wire(like = REPLAY_NAME)]
    pub name_prefix: Option<String>,
    pub state: Option<ReplayState>,
    #[wire(like = ARCHIVE_ARN)]
    pub event_source_arn: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Replay {
    pub replay_name: Option<String>,
    pub event_source_arn: Option<String>,
    pub state: Option<ReplayState>,
    pub state_reason: Option<String>,
    pub event_start_time: Option<Timestamp>,
    pub event_end_time: Option<Timestamp>,
    pub event_last_replayed_time: Option<Timestamp>,
    pub replay_start_time: Option<Timestamp>,
    pub replay_end_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ReplayDestination {
    #[wire(like = ARN)]
    pub arn: String,
    #[wire(like = REPLAY_DESTINATION_FILTERS)]
    pub filter_arns: Option<Vec<String>>,
}

enumeration! {
    pub enum ReplayState {
        Starting = "STARTING",
        Running = "RUNNING",
        Cancelling = "CANCELLING",
        Completed = "COMPLETED",
        Cancelled = "CANCELLED",
        Failed = "FAILED",
    }
}
