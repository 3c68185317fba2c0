// SPDX-License-Identifier: Apache-2.0
//! How asynchronous invocations are retried, and where their outcome goes.

use super::access::{function, qualified};
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// What becomes of asynchronous invocations.
#[operations("lambda")]
pub trait EventInvokeConfigOperations: Send + Sync + 'static {
    /// Sets how asynchronous invocations are retried and reported, leaving nothing of what was set.
    #[operation(http = "PUT /2019-09-25/functions/{FunctionName}/event-invoke-config", on = qualified(function_name, qualifier))]
    async fn put_function_event_invoke_config(
        &self,
        cx: &Context,
        input: PutFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Changes how asynchronous invocations are retried and reported.
    #[operation(http = "POST /2019-09-25/functions/{FunctionName}/event-invoke-config", on = qualified(function_name, qualifier))]
    async fn update_function_event_invoke_config(
        &self,
        cx: &Context,
        input: UpdateFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Answers how asynchronous invocations are retried and reported.
    #[operation(http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config", on = qualified(function_name, qualifier))]
    async fn get_function_event_invoke_config(
        &self,
        cx: &Context,
        input: GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Lists the event invoke configurations of a function, page by page.
    #[operation(http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list", on = function(function_name))]
    async fn list_function_event_invoke_configs(
        &self,
        cx: &Context,
        input: ListFunctionEventInvokeConfigsInput,
    ) -> Result<ListFunctionEventInvokeConfigsOutput>;

    /// Deletes an event invoke configuration.
    #[operation(
        http = "DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config",
        status = 204, on = qualified(function_name, qualifier))]
    async fn delete_function_event_invoke_config(
        &self,
        cx: &Context,
        input: DeleteFunctionEventInvokeConfigInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutFunctionEventInvokeConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS)]
    pub maximum_retry_attempts: Option<i32>,
    #[wire(like = MAXIMUM_EVENT_AGE_IN_SECONDS)]
    pub maximum_event_age_in_seconds: Option<i32>,
    pub destination_config: Option<DestinationConfig>,
}

/// How asynchronous invocations of a function, a version or an alias are retried and reported.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct FunctionEventInvokeConfig {
    pub last_modified: Option<Timestamp>,
    pub function_arn: Option<String>,
    pub maximum_retry_attempts: Option<i32>,
    pub maximum_event_age_in_seconds: Option<i32>,
    pub destination_config: Option<DestinationConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateFunctionEventInvokeConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS)]
    pub maximum_retry_attempts: Option<i32>,
    #[wire(like = MAXIMUM_EVENT_AGE_IN_SECONDS)]
    pub maximum_event_age_in_seconds: Option<i32>,
    pub destination_config: Option<DestinationConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionEventInvokeConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListFunctionEventInvokeConfigsInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_FUNCTION_EVENT_INVOKE_CONFIG_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListFunctionEventInvokeConfigsOutput {
    pub function_event_invoke_configs: Vec<FunctionEventInvokeConfig>,
    pub next_marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionEventInvokeConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

/// Where the record of an invocation goes when it succeeded, and when all attempts failed.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DestinationConfig {
    pub on_success: Option<OnSuccess>,
    pub on_failure: Option<OnFailure>,
}

/// Where the record of a success goes.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct OnSuccess {
    #[wire(like = DESTINATION_ARN)]
    pub destination: Option<String>,
}

/// Where the record of a failure goes.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct OnFailure {
    #[wire(like = DESTINATION_ARN)]
    pub destination: Option<String>,
}
