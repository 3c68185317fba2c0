// SPDX-License-Identifier: Apache-2.0
//! Code signing configurations, and which function has which.

use super::access::{anything, arn, code_signing, function, new_code_signing};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// Whose code functions take.
#[operations("lambda")]
pub trait CodeSigningOperations: Send + Sync + 'static {
    /// Creates a code signing configuration: who may sign code, and what happens to other code.
    #[operation(http = "POST /2020-04-22/code-signing-configs", status = 201, on = new_code_signing(input))]
    async fn create_code_signing_config(
        &self,
        cx: &Context,
        input: CreateCodeSigningConfigInput,
    ) -> Result<CreateCodeSigningConfigOutput>;

    /// Answers a code signing configuration.
    #[operation(http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}", on = arn(code_signing_config_arn))]
    async fn get_code_signing_config(
        &self,
        cx: &Context,
        input: GetCodeSigningConfigInput,
    ) -> Result<GetCodeSigningConfigOutput>;

    /// Lists code signing configurations, page by page.
    #[operation(http = "GET /2020-04-22/code-signing-configs", on = anything())]
    async fn list_code_signing_configs(
        &self,
        cx: &Context,
        input: ListCodeSigningConfigsInput,
    ) -> Result<ListCodeSigningConfigsOutput>;

    /// Changes a code signing configuration.
    #[operation(http = "PUT /2020-04-22/code-signing-configs/{CodeSigningConfigArn}", on = arn(code_signing_config_arn))]
    async fn update_code_signing_config(
        &self,
        cx: &Context,
        input: UpdateCodeSigningConfigInput,
    ) -> Result<UpdateCodeSigningConfigOutput>;

    /// Deletes a code signing configuration that no function has.
    #[operation(
        http = "DELETE /2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
        status = 204, on = arn(code_signing_config_arn))]
    async fn delete_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteCodeSigningConfigInput,
    ) -> Result<()>;

    /// Lists the functions that have a code signing configuration, page by page.
    #[operation(http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", on = arn(code_signing_config_arn))]
    async fn list_functions_by_code_signing_config(
        &self,
        cx: &Context,
        input: ListFunctionsByCodeSigningConfigInput,
    ) -> Result<ListFunctionsByCodeSigningConfigOutput>;

    /// Gives a function a code signing configuration.
    #[operation(http = "PUT /2020-06-30/functions/{FunctionName}/code-signing-config", on = code_signing(function_name, code_signing_config_arn))]
    async fn put_function_code_signing_config(
        &self,
        cx: &Context,
        input: PutFunctionCodeSigningConfigInput,
    ) -> Result<PutFunctionCodeSigningConfigOutput>;

    /// Answers the code signing configuration of a function.
    #[operation(http = "GET /2020-06-30/functions/{FunctionName}/code-signing-config", on = function(function_name))]
    async fn get_function_code_signing_config(
        &self,
        cx: &Context,
        input: GetFunctionCodeSigningConfigInput,
    ) -> Result<GetFunctionCodeSigningConfigOutput>;

    /// Takes the code signing configuration from a function.
    #[operation(
        http = "DELETE /2020-06-30/functions/{FunctionName}/code-signing-config",
        status = 204, on = function(function_name))]
    async fn delete_function_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteFunctionCodeSigningConfigInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateCodeSigningConfigInput {
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub allowed_publishers: AllowedPublishers,
    pub code_signing_policies: Option<CodeSigningPolicies>,
    #[wire(like = TAGS)]
    pub tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateCodeSigningConfigOutput {
    pub code_signing_config: CodeSigningConfig,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetCodeSigningConfigInput {
    #[wire(label, like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetCodeSigningConfigOutput {
    pub code_signing_config: CodeSigningConfig,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListCodeSigningConfigsInput {
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListCodeSigningConfigsOutput {
    pub next_marker: Option<String>,
    pub code_signing_configs: Vec<CodeSigningConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateCodeSigningConfigInput {
    #[wire(label, like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: String,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub allowed_publishers: Option<AllowedPublishers>,
    pub code_signing_policies: Option<CodeSigningPolicies>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateCodeSigningConfigOutput {
    pub code_signing_config: CodeSigningConfig,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteCodeSigningConfigInput {
    #[wire(label, like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListFunctionsByCodeSigningConfigInput {
    #[wire(label, like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListFunctionsByCodeSigningConfigOutput {
    pub next_marker: Option<String>,
    pub function_arns: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutFunctionCodeSigningConfigInput {
    #[wire(like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: String,
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutFunctionCodeSigningConfigOutput {
    pub code_signing_config_arn: String,
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionCodeSigningConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
}

/// Empty for a function that has none: so AWS answers, against its own model.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionCodeSigningConfigOutput {
    #[wire(like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: Option<String>,
    pub function_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionCodeSigningConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
}

/// The signing profiles whose signatures are trusted.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AllowedPublishers {
    #[wire(like = SIGNING_PROFILE_VERSION_ARNS)]
    pub signing_profile_version_arns: Vec<String>,
}

/// What happens to code that is not signed by them.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CodeSigningPolicies {
    pub untrusted_artifact_on_deployment: Option<CodeSigningPolicy>,
}

/// A code signing configuration.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CodeSigningConfig {
    pub code_signing_config_id: String,
    pub code_signing_config_arn: String,
    pub description: Option<String>,
    pub allowed_publishers: AllowedPublishers,
    pub code_signing_policies: CodeSigningPolicies,
    pub last_modified: String,
}

enumeration! {
    pub enum CodeSigningPolicy {
        Warn = "Warn",
        Enforce = "Enforce",
    }
}
