// SPDX-License-Identifier: Apache-2.0
//! When a function moves to a newer version of its runtime.

use super::access::qualified;
use super::constraints::*;
use wire::{Context, Input, Output, Result, enumeration, operations};

/// Which version of its runtime a function runs on.
#[operations("lambda")]
pub trait RuntimeManagementOperations: Send + Sync + 'static {
    /// Answers when a function moves to a newer version of its runtime.
    #[operation(http = "GET /2021-07-20/functions/{FunctionName}/runtime-management-config", on = qualified(function_name, qualifier))]
    async fn get_runtime_management_config(
        &self,
        cx: &Context,
        input: GetRuntimeManagementConfigInput,
    ) -> Result<GetRuntimeManagementConfigOutput>;

    /// Sets when a function moves to a newer version of its runtime.
    #[operation(http = "PUT /2021-07-20/functions/{FunctionName}/runtime-management-config", on = qualified(function_name, qualifier))]
    async fn put_runtime_management_config(
        &self,
        cx: &Context,
        input: PutRuntimeManagementConfigInput,
    ) -> Result<PutRuntimeManagementConfigOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetRuntimeManagementConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetRuntimeManagementConfigOutput {
    pub update_runtime_on: Option<UpdateRuntimeOn>,
    pub function_arn: Option<String>,
    pub runtime_version_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct PutRuntimeManagementConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    pub update_runtime_on: UpdateRuntimeOn,
    #[wire(like = RUNTIME_VERSION_ARN)]
    pub runtime_version_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct PutRuntimeManagementConfigOutput {
    pub update_runtime_on: UpdateRuntimeOn,
    pub function_arn: String,
    pub runtime_version_arn: Option<String>,
}

enumeration! {
    pub enum UpdateRuntimeOn {
        Auto = "Auto",
        Manual = "Manual",
        FunctionUpdate = "FunctionUpdate",
    }
}
