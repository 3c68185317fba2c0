// SPDX-License-Identifier: Apache-2.0
//! Live tail: events as they arrive, as an answer that does not end.

use super::access::tailed;
use super::constraints::*;
use wire::{Context, EventStream, Input, Output, Result, Structure, event_stream, operations};

/// Sessions of Live Tail.
#[operations("logs")]
pub trait TailOperations: Send + Sync + 'static {
    /// Sends what arrives in log groups, once a second.
    #[operation(on = tailed(log_group_identifiers))]
    async fn start_live_tail(
        &self,
        cx: &Context,
        input: StartLiveTailInput,
    ) -> Result<StartLiveTailOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct StartLiveTailInput {
    #[wire(like = START_LIVE_TAIL_LOG_GROUP_IDENTIFIERS)]
    pub log_group_identifiers: Vec<String>,
    #[wire(like = INPUT_LOG_STREAM_NAMES)]
    pub log_stream_names: Option<Vec<String>>,
    #[wire(like = INPUT_LOG_STREAM_NAMES)]
    pub log_stream_name_prefixes: Option<Vec<String>>,
    #[wire(like = FILTER_PATTERN)]
    pub log_event_filter_pattern: Option<String>,
}

#[derive(Debug, Default, Output)]
#[wire(camel)]
pub struct StartLiveTailOutput {
    #[wire(stream)]
    pub response_stream: Option<EventStream<StartLiveTailResponseStream>>,
}

event_stream! {
    #[derive(Debug, Clone, PartialEq)]
    pub enum StartLiveTailResponseStream {
        /// The first one.
        SessionStart(LiveTailSessionStart) = "sessionStart",
        /// One a second.
        SessionUpdate(LiveTailSessionUpdate) = "sessionUpdate",
        /// The last one, after three hours.
        SessionTimeoutException(SessionTimeoutException),
        SessionStreamingException(SessionStreamingException),
    }
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct LiveTailSessionStart {
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    pub log_group_identifiers: Option<Vec<String>>,
    pub log_stream_names: Option<Vec<String>>,
    pub log_stream_name_prefixes: Option<Vec<String>>,
    pub log_event_filter_pattern: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct LiveTailSessionUpdate {
    pub session_metadata: Option<LiveTailSessionMetadata>,
    pub session_results: Option<Vec<LiveTailSessionLogEvent>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct LiveTailSessionMetadata {
    /// There was more than is told.
    pub sampled: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct LiveTailSessionLogEvent {
    pub log_stream_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub message: Option<String>,
    pub timestamp: Option<i64>,
    pub ingestion_time: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct SessionTimeoutException {
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct SessionStreamingException {
    pub message: Option<String>,
}
