// SPDX-License-Identifier: Apache-2.0
//! Log streams.

use super::access::{group, named, stream};
use super::constraints::*;
use wire::{Context, Input, Output, Result, enumeration, operations};

/// Log streams.
#[operations("logs")]
pub trait StreamOperations: Send + Sync + 'static {
    /// Creates a log stream.
    #[operation(on = group(log_group_name))]
    async fn create_log_stream(&self, cx: &Context, input: CreateLogStreamInput) -> Result<()>;

    /// Deletes a log stream and its events.
    #[operation(on = stream(log_group_name, log_stream_name))]
    async fn delete_log_stream(&self, cx: &Context, input: DeleteLogStreamInput) -> Result<()>;

    /// Lists the streams of a log group, page by page.
    #[operation(on = named(log_group_name, log_group_identifier))]
    async fn describe_log_streams(
        &self,
        cx: &Context,
        input: DescribeLogStreamsInput,
    ) -> Result<DescribeLogStreamsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct CreateLogStreamInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteLogStreamInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DescribeLogStreamsInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: Option<String>,
    #[wire(like = LOG_GROUP_IDENTIFIER)]
    pub log_group_identifier: Option<String>,
    #[wire(like = LOG_STREAM_NAME)]
    pub log_stream_name_prefix: Option<String>,
    pub order_by: Option<OrderBy>,
    pub descending: Option<bool>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = DESCRIBE_LIMIT)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct DescribeLogStreamsOutput {
    pub log_streams: Option<Vec<LogStream>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct LogStream {
    pub log_stream_name: Option<String>,
    pub creation_time: Option<i64>,
    pub first_event_timestamp: Option<i64>,
    pub last_event_timestamp: Option<i64>,
    pub last_ingestion_time: Option<i64>,
    pub upload_sequence_token: Option<String>,
    pub arn: Option<String>,
    pub stored_bytes: Option<i64>,
}

enumeration! {
    pub enum OrderBy {
        LogStreamName = "LogStreamName",
        LastEventTime = "LastEventTime",
    }
}
