// SPDX-License-Identifier: Apache-2.0
//! Replays: events of an archive, sent to its bus once more.

use super::access;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// What is done to replays.
#[operations("events")]
pub trait ReplayOperations: Send + Sync + 'static {
    /// Begins to replay events.
    #[operation(on = access::start_replay(replay_name, event_source_arn))]
    async fn start_replay(
        &self,
        cx: &Context,
        input: StartReplayInput,
    ) -> Result<StartReplayOutput>;

    /// Ends a replay before its end.
    #[operation(on = access::replay(replay_name))]
    async fn cancel_replay(
        &self,
        cx: &Context,
        input: CancelReplayInput,
    ) -> Result<CancelReplayOutput>;

    /// Answers how a replay stands.
    #[operation(on = access::replay(replay_name))]
    async fn describe_replay(
        &self,
        cx: &Context,
        input: DescribeReplayInput,
    ) -> Result<DescribeReplayOutput>;

    /// Lists replays, page by page.
    #[operation(on = access::anything())]
    async fn list_replays(
        &self,
        cx: &Context,
        input: ListReplaysInput,
    ) -> Result<ListReplaysOutput>;
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

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct StartReplayOutput {
    pub replay_arn: Option<String>,
    pub state: Option<ReplayState>,
    pub state_reason: Option<String>,
    pub replay_start_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CancelReplayOutput {
    pub replay_arn: Option<String>,
    pub state: Option<ReplayState>,
    pub state_reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DescribeReplayOutput {
    pub replay_name: Option<String>,
    pub replay_arn: Option<String>,
    pub description: Option<String>,
    pub state: Option<ReplayState>,
    pub state_reason: Option<String>,
    pub event_source_arn: Option<String>,
    pub destination: Option<ReplayDestination>,
    pub event_start_time: Option<Timestamp>,
    pub event_end_time: Option<Timestamp>,
    pub event_last_replayed_time: Option<Timestamp>,
    pub replay_start_time: Option<Timestamp>,
    pub replay_end_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListReplaysOutput {
    pub replays: Option<Vec<Replay>>,
    pub next_token: Option<String>,
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
