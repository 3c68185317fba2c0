// SPDX-License-Identifier: Apache-2.0
//! Reserved and provisioned concurrency.

use super::access::{function, version};
use super::constraints::*;
use super::function::Concurrency;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// How many invocations of a function run at once.
#[operations("lambda")]
pub trait ConcurrencyOperations: Send + Sync + 'static {
    /// Reserves concurrency for a function, and limits it to that.
    #[operation(http = "PUT /2017-10-31/functions/{FunctionName}/concurrency", on = function(function_name))]
    async fn put_function_concurrency(
        &self,
        cx: &Context,
        input: PutFunctionConcurrencyInput,
    ) -> Result<Concurrency>;

    /// Answers the concurrency reserved for a function.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/concurrency", on = function(function_name))]
    async fn get_function_concurrency(
        &self,
        cx: &Context,
        input: GetFunctionConcurrencyInput,
    ) -> Result<GetFunctionConcurrencyOutput>;

    /// Gives reserved concurrency back.
    #[operation(http = "DELETE /2017-10-31/functions/{FunctionName}/concurrency", status = 204, on = function(function_name))]
    async fn delete_function_concurrency(
        &self,
        cx: &Context,
        input: DeleteFunctionConcurrencyInput,
    ) -> Result<()>;

    /// Has execution environments of a version or an alias initialised ahead of events, and kept.
    #[operation(
        http = "PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 202, on = version(function_name, qualifier))]
    async fn put_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: PutProvisionedConcurrencyConfigInput,
    ) -> Result<PutProvisionedConcurrencyConfigOutput>;

    /// Answers the provisioned concurrency of a version or an alias.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency", on = version(function_name, qualifier))]
    async fn get_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: GetProvisionedConcurrencyConfigInput,
    ) -> Result<GetProvisionedConcurrencyConfigOutput>;

    /// Lists the provisioned concurrency of a function, page by page.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", on = function(function_name))]
    async fn list_provisioned_concurrency_configs(
        &self,
        cx: &Context,
        input: ListProvisionedConcurrencyConfigsInput,
    ) -> Result<ListProvisionedConcurrencyConfigsOutput>;

    /// Gives provisioned concurrency back.
    #[operation(
        http = "DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 204, on = version(function_name, qualifier))]
    async fn delete_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = RESERVED_CONCURRENT_EXECUTIONS)]
    pub reserved_concurrent_executions: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionConcurrencyOutput {
    #[wire(like = RESERVED_CONCURRENT_EXECUTIONS)]
    pub reserved_concurrent_executions: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutProvisionedConcurrencyConfigInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = QUALIFIER)]
    pub qualifier: String,
    #[wire(like = POSITIVE_INTEGER)]
    pub provisioned_concurrent_executions: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutProvisionedConcurrencyConfigOutput {
    #[wire(like = POSITIVE_INTEGER)]
    pub requested_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub available_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub allocated_provisioned_concurrent_executions: Option<i32>,
    pub status: Option<ProvisionedConcurrencyStatus>,
    pub status_reason: Option<String>,
    pub last_modified: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetProvisionedConcurrencyConfigInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = QUALIFIER)]
    pub qualifier: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetProvisionedConcurrencyConfigOutput {
    #[wire(like = POSITIVE_INTEGER)]
    pub requested_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub available_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub allocated_provisioned_concurrent_executions: Option<i32>,
    pub status: Option<ProvisionedConcurrencyStatus>,
    pub status_reason: Option<String>,
    pub last_modified: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListProvisionedConcurrencyConfigsInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_FIFTY_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListProvisionedConcurrencyConfigsOutput {
    pub provisioned_concurrency_configs: Vec<ProvisionedConcurrencyConfigListItem>,
    pub next_marker: Option<String>,
}

/// The provisioned concurrency of one version or alias.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ProvisionedConcurrencyConfigListItem {
    pub function_arn: Option<String>,
    #[wire(like = POSITIVE_INTEGER)]
    pub requested_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub available_provisioned_concurrent_executions: Option<i32>,
    #[wire(like = NON_NEGATIVE_INTEGER)]
    pub allocated_provisioned_concurrent_executions: Option<i32>,
    pub status: Option<ProvisionedConcurrencyStatus>,
    pub status_reason: Option<String>,
    pub last_modified: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteProvisionedConcurrencyConfigInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = QUALIFIER)]
    pub qualifier: String,
}

enumeration! {
    pub enum ProvisionedConcurrencyStatus {
        InProgress = "IN_PROGRESS",
        Ready = "READY",
        Failed = "FAILED",
    }
}
