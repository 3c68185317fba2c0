// SPDX-License-Identifier: Apache-2.0
//! Invocation: the data plane.
//!
//! Payloads are bytes from end to end: nothing here parses an event or a response.

use super::access::{function, qualified};
use super::constraints::*;
use wire::{
    Blob, Context, EventStream, Input, Output, Result, enumeration, event_stream, operations,
};

/// Running functions.
#[operations("lambda")]
pub trait InvokeOperations: Send + Sync + 'static {
    /// Runs a function on an event, or accepts the event to run it later.
    #[operation(
        http = "POST /2015-03-31/functions/{FunctionName}/invocations",
        body_max = 6_291_456, on = qualified(function_name, qualifier), action = "InvokeFunction")]
    async fn invoke(&self, cx: &Context, input: InvokeInput) -> Result<InvokeOutput>;

    /// Runs a function on an event, and answers its response piece by piece while it is made.
    #[operation(
        http = "POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations",
        body_max = 6_291_456, on = qualified(function_name, qualifier), action = "InvokeFunction")]
    async fn invoke_with_response_stream(
        &self,
        cx: &Context,
        input: InvokeWithResponseStreamInput,
    ) -> Result<InvokeWithResponseStreamOutput>;

    /// Accepts an event to run a function on later. The older way; `Invoke` knows versions and aliases too.
    #[operation(
        http = "POST /2014-11-13/functions/{FunctionName}/invoke-async",
        status = 202,
        body_max = 6_291_456, on = function(function_name))]
    async fn invoke_async(
        &self,
        cx: &Context,
        input: InvokeAsyncInput,
    ) -> Result<InvokeAsyncOutput>;
}

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

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct InvokeAsyncOutput {
    /// `None` is the status the operation declares.
    #[wire(status)]
    pub status: Option<u16>,
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
