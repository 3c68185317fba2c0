// SPDX-License-Identifier: Apache-2.0
//! Durable executions: inputs only, for operations that this build checks and does not have.

use super::constraints::*;
use wire::{Blob, Input, Structure, Timestamp, enumeration, operations};

/// Executions that go on where they stopped.
#[operations("lambda")]
pub trait DurableExecutionOperations: Send + Sync + 'static {
    #[operation(http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint")]
    fn checkpoint_durable_execution(input: CheckpointDurableExecutionInput);

    #[operation(http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}/state")]
    fn get_durable_execution_state(input: GetDurableExecutionStateInput);

    #[operation(http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}")]
    fn get_durable_execution(input: GetDurableExecutionInput);

    #[operation(http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}/history")]
    fn get_durable_execution_history(input: GetDurableExecutionHistoryInput);

    #[operation(http = "GET /2025-12-01/functions/{FunctionName}/durable-executions")]
    fn list_durable_executions_by_function(input: ListDurableExecutionsByFunctionInput);

    #[operation(http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/stop")]
    fn stop_durable_execution(input: StopDurableExecutionInput);

    #[operation(http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/succeed")]
    fn send_durable_execution_callback_success(input: SendDurableExecutionCallbackSuccessInput);

    #[operation(http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/fail")]
    fn send_durable_execution_callback_failure(input: SendDurableExecutionCallbackFailureInput);

    #[operation(http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat")]
    fn send_durable_execution_callback_heartbeat(input: SendDurableExecutionCallbackHeartbeatInput);

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/pause",
        status = 202
    )]
    fn pause_durable_execution(input: PauseDurableExecutionInput);

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/resume",
        status = 202
    )]
    fn resume_durable_execution(input: ResumeDurableExecutionInput);

    #[operation(http = "DELETE /2025-12-01/durable-executions/{DurableExecutionArn}", status = 202)]
    fn delete_durable_execution(input: DeleteDurableExecutionInput);
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CheckpointDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(like = CHECKPOINT_TOKEN)]
    pub checkpoint_token: String,
    pub updates: Option<Vec<OperationUpdate>>,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetDurableExecutionStateInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(query = "CheckpointToken", like = CHECKPOINT_TOKEN)]
    pub checkpoint_token: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = ITEM_COUNT)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(query = "IncludeExecutionData")]
    pub include_execution_data: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetDurableExecutionHistoryInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(query = "IncludeExecutionData")]
    pub include_execution_data: Option<bool>,
    #[wire(query = "MaxItems", like = ITEM_COUNT)]
    pub max_items: Option<i32>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "ReverseOrder")]
    pub reverse_order: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListDurableExecutionsByFunctionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(query = "DurableExecutionName", like = DURABLE_EXECUTION_NAME)]
    pub durable_execution_name: Option<String>,
    #[wire(query = "Statuses", like = EXECUTION_STATUS_LIST)]
    pub statuses: Option<Vec<ExecutionStatus>>,
    #[wire(query = "StartedAfter")]
    pub started_after: Option<Timestamp>,
    #[wire(query = "StartedBefore")]
    pub started_before: Option<Timestamp>,
    #[wire(query = "ReverseOrder")]
    pub reverse_order: Option<bool>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = ITEM_COUNT)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct StopDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(document)]
    pub error: Option<ErrorObject>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SendDurableExecutionCallbackSuccessInput {
    #[wire(label, like = CALLBACK_ID)]
    pub callback_id: String,
    #[wire(payload, like = BINARY_OPERATION_PAYLOAD)]
    pub result: Option<Blob>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SendDurableExecutionCallbackFailureInput {
    #[wire(label, like = CALLBACK_ID)]
    pub callback_id: String,
    #[wire(document)]
    pub error: Option<ErrorObject>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SendDurableExecutionCallbackHeartbeatInput {
    #[wire(label, like = CALLBACK_ID)]
    pub callback_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PauseDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
    #[wire(like = PAUSE_REASON)]
    pub reason: Option<String>,
    pub execution_timeout_paused: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ResumeDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
    #[wire(like = RESUME_REASON)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteDurableExecutionInput {
    #[wire(label, like = DURABLE_EXECUTION_ARN)]
    pub durable_execution_arn: String,
}

/// What happened to one operation of a durable execution.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct OperationUpdate {
    #[wire(like = OPERATION_ID)]
    pub id: String,
    #[wire(like = OPERATION_ID)]
    pub parent_id: Option<String>,
    #[wire(like = OPERATION_NAME)]
    pub name: Option<String>,
    #[wire(name = "Type")]
    pub kind: OperationType,
    #[wire(like = OPERATION_SUB_TYPE)]
    pub sub_type: Option<String>,
    pub action: OperationAction,
    #[wire(like = OPERATION_PAYLOAD)]
    pub payload: Option<String>,
    pub error: Option<ErrorObject>,
    pub context_options: Option<ContextOptions>,
    pub step_options: Option<StepOptions>,
    pub wait_options: Option<WaitOptions>,
    pub callback_options: Option<CallbackOptions>,
    pub chained_invoke_options: Option<ChainedInvokeOptions>,
}

/// An error of a durable execution.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ErrorObject {
    #[wire(like = ERROR_MESSAGE)]
    pub error_message: Option<String>,
    #[wire(like = ERROR_TYPE)]
    pub error_type: Option<String>,
    #[wire(like = ERROR_DATA)]
    pub error_data: Option<String>,
    #[wire(like = STACK_TRACE_ENTRIES)]
    pub stack_trace: Option<Vec<String>>,
}

/// Whether the children of a context are kept for replay.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ContextOptions {
    pub replay_children: Option<bool>,
}

/// When a step is tried again.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct StepOptions {
    #[wire(like = STEP_OPTIONS_NEXT_ATTEMPT_DELAY_SECONDS_INTEGER)]
    pub next_attempt_delay_seconds: Option<i32>,
}

/// How long a wait is.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct WaitOptions {
    #[wire(like = WAIT_OPTIONS_WAIT_SECONDS_INTEGER)]
    pub wait_seconds: Option<i32>,
}

/// How long a callback is waited for.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CallbackOptions {
    #[wire(like = CALLBACK_OPTIONS_TIMEOUT_SECONDS_INTEGER)]
    pub timeout_seconds: Option<i32>,
    #[wire(like = CALLBACK_OPTIONS_HEARTBEAT_TIMEOUT_SECONDS_INTEGER)]
    pub heartbeat_timeout_seconds: Option<i32>,
}

/// Which function is invoked.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ChainedInvokeOptions {
    #[wire(like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = TENANT_ID)]
    pub tenant_id: Option<String>,
    #[wire(like = X_AMZN_TRACE_ID)]
    pub x_amzn_trace_id: Option<String>,
}

enumeration! {
    pub enum OperationType {
        Execution = "EXECUTION",
        Context = "CONTEXT",
        Step = "STEP",
        Wait = "WAIT",
        Callback = "CALLBACK",
        ChainedInvoke = "CHAINED_INVOKE",
    }
}

enumeration! {
    pub enum OperationAction {
        Start = "START",
        Succeed = "SUCCEED",
        Fail = "FAIL",
        Retry = "RETRY",
        Cancel = "CANCEL",
    }
}

enumeration! {
    pub enum ExecutionStatus {
        Running = "RUNNING",
        Succeeded = "SUCCEEDED",
        Failed = "FAILED",
        TimedOut = "TIMED_OUT",
        Stopped = "STOPPED",
        Deleting = "DELETING",
        Pausing = "PAUSING",
        Paused = "PAUSED",
    }
}
