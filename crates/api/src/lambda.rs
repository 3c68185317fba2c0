// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda, API version 2015-03-31: all operations of the model.
//!
//! Operations that this build has no types for are declared only: they are routed, and answered with a
//! clear error.

pub mod account;
pub mod alias;
pub mod code_signing;
pub mod concurrency;
pub mod configuration;
pub mod constraints;
pub mod fault;
pub mod function;
pub mod invoke;
pub mod layer;
pub mod policy;
pub mod runtime_management;
pub mod settings;
pub mod state;
pub mod tag;
pub mod version;

pub use account::*;
pub use alias::*;
pub use code_signing::*;
pub use concurrency::*;
pub use configuration::*;
pub use function::*;
pub use invoke::*;
pub use layer::*;
pub use policy::*;
pub use runtime_management::*;
pub use settings::*;
pub use state::*;
pub use tag::*;
pub use version::*;

use wire::{Context, Result, service};

/// AWS Lambda.
#[service(rest_json, signing = "lambda", version = "2015-03-31", faults = fault::MODELLED)]
pub trait Lambda: Send + Sync + 'static {
    // Functions (CRUD, code, config)

    /// Creates a function.
    #[operation(http = "POST /2015-03-31/functions", status = 201, body_max = 70_167_211)]
    async fn create_function(
        &self,
        cx: &Context,
        input: CreateFunctionInput,
    ) -> Result<FunctionConfiguration>;

    /// Answers a function: its configuration, and where its code can be had.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}")]
    async fn get_function(
        &self,
        cx: &Context,
        input: GetFunctionInput,
    ) -> Result<GetFunctionOutput>;

    /// Answers the configuration of a function.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/configuration")]
    async fn get_function_configuration(
        &self,
        cx: &Context,
        input: GetFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration>;

    /// Lists functions, page by page.
    #[operation(http = "GET /2015-03-31/functions")]
    async fn list_functions(
        &self,
        cx: &Context,
        input: ListFunctionsInput,
    ) -> Result<ListFunctionsOutput>;

    /// Replaces the code of `$LATEST`.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/code", body_max = 70_167_211)]
    async fn update_function_code(
        &self,
        cx: &Context,
        input: UpdateFunctionCodeInput,
    ) -> Result<FunctionConfiguration>;

    /// Changes the settings of `$LATEST`.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/configuration")]
    async fn update_function_configuration(
        &self,
        cx: &Context,
        input: UpdateFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration>;

    /// Deletes a function, or one version of it.
    #[operation(http = "DELETE /2015-03-31/functions/{FunctionName}")]
    async fn delete_function(
        &self,
        cx: &Context,
        input: DeleteFunctionInput,
    ) -> Result<DeleteFunctionOutput>;

    /// Answers the limits and the usage of the account.
    #[operation(http = "GET /2016-08-19/account-settings")]
    async fn get_account_settings(
        &self,
        cx: &Context,
        input: GetAccountSettingsInput,
    ) -> Result<GetAccountSettingsOutput>;

    // Invocation

    /// Runs a function on an event, or accepts the event to run it later.
    #[operation(
        http = "POST /2015-03-31/functions/{FunctionName}/invocations",
        body_max = 6_291_456
    )]
    async fn invoke(&self, cx: &Context, input: InvokeInput) -> Result<InvokeOutput>;

    #[operation(
        http = "POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations",
        declared_only
    )]
    fn invoke_with_response_stream();

    #[operation(
        http = "POST /2014-11-13/functions/{FunctionName}/invoke-async",
        status = 202,
        declared_only
    )]
    fn invoke_async();

    // Versions and aliases

    /// Freezes `$LATEST` as a numbered version.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/versions", status = 201)]
    async fn publish_version(
        &self,
        cx: &Context,
        input: PublishVersionInput,
    ) -> Result<FunctionConfiguration>;

    /// Lists the versions of a function, page by page.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/versions")]
    async fn list_versions_by_function(
        &self,
        cx: &Context,
        input: ListVersionsByFunctionInput,
    ) -> Result<ListVersionsByFunctionOutput>;

    /// Creates an alias: a name that leads to a version.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/aliases", status = 201)]
    async fn create_alias(
        &self,
        cx: &Context,
        input: CreateAliasInput,
    ) -> Result<AliasConfiguration>;

    /// Answers an alias.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases/{Name}")]
    async fn get_alias(&self, cx: &Context, input: GetAliasInput) -> Result<AliasConfiguration>;

    /// Leads an alias elsewhere.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}")]
    async fn update_alias(
        &self,
        cx: &Context,
        input: UpdateAliasInput,
    ) -> Result<AliasConfiguration>;

    /// Deletes an alias.
    #[operation(http = "DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}", status = 204)]
    async fn delete_alias(&self, cx: &Context, input: DeleteAliasInput) -> Result<()>;

    /// Lists the aliases of a function, page by page.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases")]
    async fn list_aliases(
        &self,
        cx: &Context,
        input: ListAliasesInput,
    ) -> Result<ListAliasesOutput>;

    // Concurrency

    /// Reserves concurrency for a function, and limits it to that.
    #[operation(http = "PUT /2017-10-31/functions/{FunctionName}/concurrency")]
    async fn put_function_concurrency(
        &self,
        cx: &Context,
        input: PutFunctionConcurrencyInput,
    ) -> Result<Concurrency>;

    /// Answers the concurrency reserved for a function.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/concurrency")]
    async fn get_function_concurrency(
        &self,
        cx: &Context,
        input: GetFunctionConcurrencyInput,
    ) -> Result<GetFunctionConcurrencyOutput>;

    /// Gives reserved concurrency back.
    #[operation(http = "DELETE /2017-10-31/functions/{FunctionName}/concurrency", status = 204)]
    async fn delete_function_concurrency(
        &self,
        cx: &Context,
        input: DeleteFunctionConcurrencyInput,
    ) -> Result<()>;

    #[operation(
        http = "PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 202,
        declared_only
    )]
    fn put_provisioned_concurrency_config();

    #[operation(
        http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        declared_only
    )]
    fn get_provisioned_concurrency_config();

    #[operation(
        http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL",
        declared_only
    )]
    fn list_provisioned_concurrency_configs();

    #[operation(
        http = "DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 204,
        declared_only
    )]
    fn delete_provisioned_concurrency_config();

    // Async invoke config

    #[operation(
        http = "PUT /2019-09-25/functions/{FunctionName}/event-invoke-config",
        declared_only
    )]
    fn put_function_event_invoke_config();

    #[operation(
        http = "POST /2019-09-25/functions/{FunctionName}/event-invoke-config",
        declared_only
    )]
    fn update_function_event_invoke_config();

    #[operation(
        http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config",
        declared_only
    )]
    fn get_function_event_invoke_config();

    #[operation(
        http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list",
        declared_only
    )]
    fn list_function_event_invoke_configs();

    #[operation(
        http = "DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config",
        status = 204,
        declared_only
    )]
    fn delete_function_event_invoke_config();

    // Event source mappings

    #[operation(http = "POST /2015-03-31/event-source-mappings", status = 202, declared_only)]
    fn create_event_source_mapping();

    #[operation(http = "GET /2015-03-31/event-source-mappings/{UUID}", declared_only)]
    fn get_event_source_mapping();

    #[operation(http = "GET /2015-03-31/event-source-mappings", declared_only)]
    fn list_event_source_mappings();

    #[operation(http = "PUT /2015-03-31/event-source-mappings/{UUID}", status = 202, declared_only)]
    fn update_event_source_mapping();

    #[operation(
        http = "DELETE /2015-03-31/event-source-mappings/{UUID}",
        status = 202,
        declared_only
    )]
    fn delete_event_source_mapping();

    // Function URLs

    #[operation(
        http = "POST /2021-10-31/functions/{FunctionName}/url",
        status = 201,
        declared_only
    )]
    fn create_function_url_config();

    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/url", declared_only)]
    fn get_function_url_config();

    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/urls", declared_only)]
    fn list_function_url_configs();

    #[operation(http = "PUT /2021-10-31/functions/{FunctionName}/url", declared_only)]
    fn update_function_url_config();

    #[operation(
        http = "DELETE /2021-10-31/functions/{FunctionName}/url",
        status = 204,
        declared_only
    )]
    fn delete_function_url_config();

    // Resource policies

    /// Adds a statement to a resource policy.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/policy", status = 201)]
    async fn add_permission(
        &self,
        cx: &Context,
        input: AddPermissionInput,
    ) -> Result<AddPermissionOutput>;

    /// Removes a statement from a resource policy.
    #[operation(
        http = "DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}",
        status = 204
    )]
    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()>;

    /// Answers a resource policy.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/policy")]
    async fn get_policy(&self, cx: &Context, input: GetPolicyInput) -> Result<GetPolicyOutput>;

    /// Replaces a resource policy.
    #[operation(http = "PUT /2026-07-09/resource-policy/{ResourceArn}")]
    async fn put_resource_policy(
        &self,
        cx: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput>;

    /// Answers a resource policy by the ARN of its resource.
    #[operation(http = "GET /2026-07-09/resource-policy/{ResourceArn}")]
    async fn get_resource_policy(
        &self,
        cx: &Context,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput>;

    /// Deletes a resource policy.
    #[operation(http = "DELETE /2026-07-09/resource-policy/{ResourceArn}", status = 204)]
    async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<()>;

    // Layers

    /// Publishes the next version of a layer.
    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions",
        status = 201,
        body_max = 70_167_211
    )]
    async fn publish_layer_version(
        &self,
        cx: &Context,
        input: PublishLayerVersionInput,
    ) -> Result<LayerVersion>;

    /// Answers a version of a layer, and where its content can be had.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}")]
    async fn get_layer_version(
        &self,
        cx: &Context,
        input: GetLayerVersionInput,
    ) -> Result<LayerVersion>;

    /// The same by ARN.
    #[operation(http = "GET /2018-10-31/layers?find=LayerVersion")]
    async fn get_layer_version_by_arn(
        &self,
        cx: &Context,
        input: GetLayerVersionByArnInput,
    ) -> Result<LayerVersion>;

    /// Lists layers, page by page.
    #[operation(http = "GET /2018-10-31/layers")]
    async fn list_layers(&self, cx: &Context, input: ListLayersInput) -> Result<ListLayersOutput>;

    /// Lists the versions of a layer, newest first, page by page.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions")]
    async fn list_layer_versions(
        &self,
        cx: &Context,
        input: ListLayerVersionsInput,
    ) -> Result<ListLayerVersionsOutput>;

    /// Deletes a version of a layer. Functions that have it keep it.
    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
        status = 204
    )]
    async fn delete_layer_version(
        &self,
        cx: &Context,
        input: DeleteLayerVersionInput,
    ) -> Result<()>;

    /// Adds a statement to the policy of a layer's version.
    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy",
        status = 201
    )]
    async fn add_layer_version_permission(
        &self,
        cx: &Context,
        input: AddLayerVersionPermissionInput,
    ) -> Result<AddLayerVersionPermissionOutput>;

    /// Answers the policy of a layer's version.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy")]
    async fn get_layer_version_policy(
        &self,
        cx: &Context,
        input: GetLayerVersionPolicyInput,
    ) -> Result<GetLayerVersionPolicyOutput>;

    /// Removes a statement from the policy of a layer's version.
    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}",
        status = 204
    )]
    async fn remove_layer_version_permission(
        &self,
        cx: &Context,
        input: RemoveLayerVersionPermissionInput,
    ) -> Result<()>;

    // Tags

    /// Adds tags.
    #[operation(http = "POST /2017-03-31/tags/{Resource}", status = 204)]
    async fn tag_resource(&self, cx: &Context, input: TagResourceInput) -> Result<()>;

    /// Removes tags.
    #[operation(http = "DELETE /2017-03-31/tags/{Resource}", status = 204)]
    async fn untag_resource(&self, cx: &Context, input: UntagResourceInput) -> Result<()>;

    /// Lists tags.
    #[operation(http = "GET /2017-03-31/tags/{Resource}")]
    async fn list_tags(&self, cx: &Context, input: ListTagsInput) -> Result<ListTagsOutput>;

    // Runtime management, recursion

    /// Answers when a function moves to a newer version of its runtime.
    #[operation(http = "GET /2021-07-20/functions/{FunctionName}/runtime-management-config")]
    async fn get_runtime_management_config(
        &self,
        cx: &Context,
        input: GetRuntimeManagementConfigInput,
    ) -> Result<GetRuntimeManagementConfigOutput>;

    /// Sets when a function moves to a newer version of its runtime.
    #[operation(http = "PUT /2021-07-20/functions/{FunctionName}/runtime-management-config")]
    async fn put_runtime_management_config(
        &self,
        cx: &Context,
        input: PutRuntimeManagementConfigInput,
    ) -> Result<PutRuntimeManagementConfigOutput>;

    #[operation(http = "GET /2024-08-31/functions/{FunctionName}/recursion-config", declared_only)]
    fn get_function_recursion_config();

    #[operation(http = "PUT /2024-08-31/functions/{FunctionName}/recursion-config", declared_only)]
    fn put_function_recursion_config();

    // Code signing

    #[operation(http = "POST /2020-04-22/code-signing-configs", status = 201, declared_only)]
    fn create_code_signing_config();

    #[operation(
        http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
        declared_only
    )]
    fn get_code_signing_config();

    #[operation(http = "GET /2020-04-22/code-signing-configs", declared_only)]
    fn list_code_signing_configs();

    #[operation(
        http = "PUT /2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
        declared_only
    )]
    fn update_code_signing_config();

    #[operation(
        http = "DELETE /2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
        status = 204,
        declared_only
    )]
    fn delete_code_signing_config();

    #[operation(
        http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions",
        declared_only
    )]
    fn list_functions_by_code_signing_config();

    #[operation(
        http = "PUT /2020-06-30/functions/{FunctionName}/code-signing-config",
        declared_only
    )]
    fn put_function_code_signing_config();

    /// Answers the code signing configuration of a function.
    #[operation(http = "GET /2020-06-30/functions/{FunctionName}/code-signing-config")]
    async fn get_function_code_signing_config(
        &self,
        cx: &Context,
        input: GetFunctionCodeSigningConfigInput,
    ) -> Result<GetFunctionCodeSigningConfigOutput>;

    /// Takes the code signing configuration from a function.
    #[operation(
        http = "DELETE /2020-06-30/functions/{FunctionName}/code-signing-config",
        status = 204
    )]
    async fn delete_function_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteFunctionCodeSigningConfigInput,
    ) -> Result<()>;

    // Managed Instances (capacity providers, scaling)

    #[operation(http = "POST /2025-11-30/capacity-providers", status = 202, declared_only)]
    fn create_capacity_provider();

    #[operation(http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}", declared_only)]
    fn get_capacity_provider();

    #[operation(http = "GET /2025-11-30/capacity-providers", declared_only)]
    fn list_capacity_providers();

    #[operation(
        http = "PUT /2025-11-30/capacity-providers/{CapacityProviderName}",
        status = 202,
        declared_only
    )]
    fn update_capacity_provider();

    #[operation(
        http = "DELETE /2025-11-30/capacity-providers/{CapacityProviderName}",
        status = 202,
        declared_only
    )]
    fn delete_capacity_provider();

    #[operation(
        http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}/function-versions",
        declared_only
    )]
    fn list_function_versions_by_capacity_provider();

    #[operation(
        http = "PUT /2025-11-30/functions/{FunctionName}/function-scaling-config",
        status = 202,
        declared_only
    )]
    fn put_function_scaling_config();

    #[operation(
        http = "GET /2025-11-30/functions/{FunctionName}/function-scaling-config",
        declared_only
    )]
    fn get_function_scaling_config();

    // Durable executions

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint",
        declared_only
    )]
    fn checkpoint_durable_execution();

    #[operation(
        http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}/state",
        declared_only
    )]
    fn get_durable_execution_state();

    #[operation(http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}", declared_only)]
    fn get_durable_execution();

    #[operation(
        http = "GET /2025-12-01/durable-executions/{DurableExecutionArn}/history",
        declared_only
    )]
    fn get_durable_execution_history();

    #[operation(
        http = "GET /2025-12-01/functions/{FunctionName}/durable-executions",
        declared_only
    )]
    fn list_durable_executions_by_function();

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/stop",
        declared_only
    )]
    fn stop_durable_execution();

    #[operation(
        http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/succeed",
        declared_only
    )]
    fn send_durable_execution_callback_success();

    #[operation(
        http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/fail",
        declared_only
    )]
    fn send_durable_execution_callback_failure();

    #[operation(
        http = "POST /2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat",
        declared_only
    )]
    fn send_durable_execution_callback_heartbeat();

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/pause",
        status = 202,
        declared_only
    )]
    fn pause_durable_execution();

    #[operation(
        http = "POST /2025-12-01/durable-executions/{DurableExecutionArn}/resume",
        status = 202,
        declared_only
    )]
    fn resume_durable_execution();

    #[operation(
        http = "DELETE /2025-12-01/durable-executions/{DurableExecutionArn}",
        status = 202,
        declared_only
    )]
    fn delete_durable_execution();
}
