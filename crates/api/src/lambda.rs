// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda, API version 2015-03-31: all operations of the model.
//!
//! Operations that this build has no types for are declared only: they are routed, and answered with a
//! clear error.

pub mod account;
pub mod configuration;
pub mod constraints;
pub mod fault;
pub mod function;
pub mod invoke;
pub mod settings;
pub mod state;
pub mod tag;
pub mod version;

pub use account::*;
pub use configuration::*;
pub use function::*;
pub use invoke::*;
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

    #[operation(
        http = "POST /2015-03-31/functions/{FunctionName}/aliases",
        status = 201,
        declared_only
    )]
    fn create_alias();

    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases/{Name}", declared_only)]
    fn get_alias();

    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}", declared_only)]
    fn update_alias();

    #[operation(
        http = "DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}",
        status = 204,
        declared_only
    )]
    fn delete_alias();

    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases", declared_only)]
    fn list_aliases();

    // Concurrency

    #[operation(http = "PUT /2017-10-31/functions/{FunctionName}/concurrency", declared_only)]
    fn put_function_concurrency();

    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/concurrency", declared_only)]
    fn get_function_concurrency();

    #[operation(
        http = "DELETE /2017-10-31/functions/{FunctionName}/concurrency",
        status = 204,
        declared_only
    )]
    fn delete_function_concurrency();

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

    #[operation(
        http = "POST /2015-03-31/functions/{FunctionName}/policy",
        status = 201,
        declared_only
    )]
    fn add_permission();

    #[operation(
        http = "DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}",
        status = 204,
        declared_only
    )]
    fn remove_permission();

    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/policy", declared_only)]
    fn get_policy();

    #[operation(http = "PUT /2026-07-09/resource-policy/{ResourceArn}", declared_only)]
    fn put_resource_policy();

    #[operation(http = "GET /2026-07-09/resource-policy/{ResourceArn}", declared_only)]
    fn get_resource_policy();

    #[operation(
        http = "DELETE /2026-07-09/resource-policy/{ResourceArn}",
        status = 204,
        declared_only
    )]
    fn delete_resource_policy();

    // Layers

    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions",
        status = 201,
        body_max = 70_167_211,
        declared_only
    )]
    fn publish_layer_version();

    #[operation(
        http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
        declared_only
    )]
    fn get_layer_version();

    #[operation(http = "GET /2018-10-31/layers?find=LayerVersion", declared_only)]
    fn get_layer_version_by_arn();

    #[operation(http = "GET /2018-10-31/layers", declared_only)]
    fn list_layers();

    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions", declared_only)]
    fn list_layer_versions();

    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
        status = 204,
        declared_only
    )]
    fn delete_layer_version();

    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy",
        status = 201,
        declared_only
    )]
    fn add_layer_version_permission();

    #[operation(
        http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy",
        declared_only
    )]
    fn get_layer_version_policy();

    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}",
        status = 204,
        declared_only
    )]
    fn remove_layer_version_permission();

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

    #[operation(
        http = "GET /2021-07-20/functions/{FunctionName}/runtime-management-config",
        declared_only
    )]
    fn get_runtime_management_config();

    #[operation(
        http = "PUT /2021-07-20/functions/{FunctionName}/runtime-management-config",
        declared_only
    )]
    fn put_runtime_management_config();

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

    #[operation(
        http = "GET /2020-06-30/functions/{FunctionName}/code-signing-config",
        declared_only
    )]
    fn get_function_code_signing_config();

    #[operation(
        http = "DELETE /2020-06-30/functions/{FunctionName}/code-signing-config",
        status = 204,
        declared_only
    )]
    fn delete_function_code_signing_config();

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
