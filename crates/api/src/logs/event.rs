// SPDX-License-Identifier: Apache-2.0
//! Log events: putting them, and reading them.

use super::access::{named, stream, stream_to_read};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// Log events.
#[operations("logs")]
pub trait EventOperations: Send + Sync + 'static {
    /// Adds events to a stream.
    #[operation(body_max = 16_777_216, on = stream(log_group_name, log_stream_name))]
    async fn put_log_events(
        &self,
        cx: &Context,
        input: PutLogEventsInput,
    ) -> Result<PutLogEventsOutput>;

    /// Reads the events of one stream, page by page, in both directions.
    #[operation(on = stream_to_read(log_group_name, log_group_identifier, log_stream_name))]
    async fn get_log_events(
        &self,
        cx: &Context,
        input: GetLogEventsInput,
    ) -> Result<GetLogEventsOutput>;

    /// Reads events of a log group that match a pattern, page by page.
    #[operation(on = named(log_group_name, log_group_identifier))]
    async fn filter_log_events(
        &self,
        cx: &Context,
        input: FilterLogEventsInput,
    ) -> Result<FilterLogEventsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutLogEventsInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name: String,
    #[wire(like = INPUT_LOG_EVENTS)]
    pub log_events: Vec<InputLogEvent>,
    #[wire(like = SEQUENCE_TOKEN)]
    pub sequence_token: Option<String>,
    pub entity: Option<Entity>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct PutLogEventsOutput {
    pub next_sequence_token: Option<String>,
    pub rejected_log_events_info: Option<RejectedLogEvents>,
    pub rejected_entity_info: Option<RejectedEntity>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct GetLogEventsInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: Option<String>,
    #[wire(like = LOG_GROUP_IDENTIFIER)]
    pub log_group_identifier: Option<String>,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name: String,
    #[wire(like = TIMESTAMP)]
    pub start_time: Option<i64>,
    #[wire(like = TIMESTAMP)]
    pub end_time: Option<i64>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = EVENTS_LIMIT)]
    pub limit: Option<i32>,
    pub start_from_head: Option<bool>,
    pub unmask: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct GetLogEventsOutput {
    pub events: Option<Vec<OutputLogEvent>>,
    pub next_forward_token: Option<String>,
    pub next_backward_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct FilterLogEventsInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: Option<String>,
    #[wire(like = LOG_GROUP_IDENTIFIER)]
    pub log_group_identifier: Option<String>,
    #[wire(like = INPUT_LOG_STREAM_NAMES)]
    pub log_stream_names: Option<Vec<String>>,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name_prefix: Option<String>,
    #[wire(like = TIMESTAMP)]
    pub start_time: Option<i64>,
    #[wire(like = TIMESTAMP)]
    pub end_time: Option<i64>,
    #[wire(like = FILTER_PATTERN)]
    pub filter_pattern: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = EVENTS_LIMIT)]
    pub limit: Option<i32>,
    pub start_from_head: Option<bool>,
    pub interleaved: Option<bool>,
    pub unmask: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct FilterLogEventsOutput {
    pub events: Option<Vec<FilteredLogEvent>>,
    pub searched_log_streams: Option<Vec<SearchedLogStream>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct InputLogEvent {
    #[wire(like = TIMESTAMP)]
    pub timestamp: i64,
    #[wire(like = EVENT_MESSAGE)]
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct Entity {
    #[wire(like = ENTITY_KEY_ATTRIBUTES)]
    pub key_attributes: Option<BTreeMap<String, String>>,
    #[wire(like = ENTITY_ATTRIBUTES)]
    pub attributes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct OutputLogEvent {
    pub timestamp: Option<i64>,
    pub message: Option<String>,
    pub ingestion_time: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct FilteredLogEvent {
    pub log_stream_name: Option<String>,
    pub timestamp: Option<i64>,
    pub message: Option<String>,
    pub ingestion_time: Option<i64>,
    pub event_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct SearchedLogStream {
    pub log_stream_name: Option<String>,
    pub searched_completely: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct RejectedLogEvents {
    pub too_new_log_event_start_index: Option<i32>,
    pub too_old_log_event_end_index: Option<i32>,
    pub expired_log_event_end_index: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Output)]
#[wire(camel)]
pub struct RejectedEntity {
    pub error_type: EntityRejectionErrorType,
}

enumeration! {
    pub enum EntityRejectionErrorType {
        InvalidEntity = "InvalidEntity",
        InvalidTypeValue = "InvalidTypeValue",
        InvalidKeyAttributes = "InvalidKeyAttributes",
        InvalidAttributes = "InvalidAttributes",
        EntitySizeTooLarge = "EntitySizeTooLarge",
        UnsupportedLogGroupType = "UnsupportedLogGroupType",
        MissingRequiredFields = "MissingRequiredFields",
    }
}
