// SPDX-License-Identifier: Apache-2.0
//! Invocation: the data plane.
//!
//! Payloads are bytes from end to end: nothing here parses an event or a response.

use super::constraints::*;
use wire::{Blob, EventStream, Input, Output, enumeration, event_stream};

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct InvokeInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(header = "X-Amz-Invocation-Type")]
    pub invocation_type: Option<InvocationType>,
    #[wire(header = "X-Amz-Log-Type")]
    pub log_type: Option<LogType>,
    #[wire(header = "X-Amz-Client-Context")]
    pub client_context: Option<String>,
    #[wire(header = "X-Amz-Durable-Execution-Name", like = DURABLE_EXECUTION_NAME)]
    pub durable_execution_name: Option<String>,
    #[wire(payload, like = BLOB)]
    pub payload: Blob,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(header = "X-Amz-Tenant-Id", like = TENANT_ID)]
    pub tenant_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct InvokeOutput {
    /// `None` is the status the operation declares.
    #[wire(status)]
    pub status_code: Option<u16>,
    #[wire(header = "X-Amz-Function-Error")]
    pub function_error: Option<String>,
    #[wire(header = "X-Amz-Log-Result")]
    pub log_result: Option<String>,
    #[wire(payload)]
    pub payload: Blob,
    #[wire(header = "X-Amz-Executed-Version")]
    pub executed_version: Option<String>,
    #[wire(header = "X-Amz-Durable-Execution-Arn")]
    pub durable_execution_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct InvokeAsyncInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(payload, required)]
    pub invoke_args: Blob,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct InvokeWithResponseStreamInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(header = "X-Amz-Invocation-Type")]
    pub invocation_type: Option<ResponseStreamingInvocationType>,
    #[wire(header = "X-Amz-Log-Type")]
    pub log_type: Option<LogType>,
    #[wire(header = "X-Amz-Client-Context")]
    pub client_context: Option<String>,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(payload, like = BLOB)]
    pub payload: Blob,
    #[wire(header = "X-Amz-Tenant-Id", like = TENANT_ID)]
    pub tenant_id: Option<String>,
}

#[derive(Debug, Default, Output)]
pub struct InvokeWithResponseStreamOutput {
    /// `None` is the status the operation declares.
    #[wire(status)]
    pub status_code: Option<u16>,
    #[wire(header = "X-Amz-Executed-Version")]
    pub executed_version: Option<String>,
    /// `None` for a dry run.
    #[wire(stream)]
    pub event_stream: Option<EventStream<InvokeWithResponseStreamResponseEvent>>,
    /// `None` is the type of event streams, which AWS answers whatever the function says its own is.
    #[wire(header = "Content-Type")]
    pub response_stream_content_type: Option<String>,
}

event_stream! {
    #[derive(Debug, Clone, PartialEq)]
    pub enum InvokeWithResponseStreamResponseEvent {
        /// A piece of the response. There are as many as were read, not as many as the function wrote.
        PayloadChunk(InvokeResponseStreamUpdate),
        /// The last event: how the invocation ended.
        InvokeComplete(InvokeWithResponseStreamCompleteEvent),
    }
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct InvokeResponseStreamUpdate {
    #[wire(payload)]
    pub payload: Blob,
}

/// Empty when all went well.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct InvokeWithResponseStreamCompleteEvent {
    pub error_code: Option<String>,
    pub error_details: Option<String>,
    /// The last 4 KB of the log, in base64.
    pub log_result: Option<String>,
}

enumeration! {
    pub enum ResponseStreamingInvocationType {
        RequestResponse = "RequestResponse",
        DryRun = "DryRun",
    }
}

enumeration! {
    pub enum InvocationType {
        Event = "Event",
        RequestResponse = "RequestResponse",
        DryRun = "DryRun",
    }
}

enumeration! {
    pub enum LogType {
        None = "None",
        Tail = "Tail",
    }
}
