// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda, API version 2015-03-31: all operations of the model.
//!
//! An `async fn` is built. A `fn` is declared only: its input is checked where it names one, then it is refused.

pub mod account;
pub mod alias;
pub mod capacity_provider;
pub mod code_signing;
pub mod concurrency;
pub mod configuration;
pub mod constraints;
pub mod durable_execution;
pub mod event_invoke_config;
pub mod event_source_mapping;
pub mod fault;
pub mod function;
pub mod function_url;
pub mod invoke;
pub mod layer;
pub mod policy;
pub mod recursion;
pub mod runtime_management;
pub mod settings;
pub mod state;
pub mod tag;
pub mod version;

pub use self::{
    account::*, alias::*, capacity_provider::*, code_signing::*, concurrency::*, configuration::*,
    durable_execution::*, event_invoke_config::*, event_source_mapping::*, function::*,
    function_url::*, invoke::*, layer::*, policy::*, recursion::*, runtime_management::*,
    settings::*, state::*, tag::*, version::*,
};

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

    /// Runs a function on an event, and answers its response piece by piece while it is made.
    #[operation(
        http = "POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations",
        body_max = 6_291_456
    )]
    async fn invoke_with_response_stream(
        &self,
        cx: &Context,
        input: InvokeWithResponseStreamInput,
    ) -> Result<InvokeWithResponseStreamOutput>;

    #[operation(http = "POST /2014-11-13/functions/{FunctionName}/invoke-async", status = 202)]
    fn invoke_async(input: InvokeAsyncInput);

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

    /// Has execution environments of a version or an alias initialised ahead of events, and kept.
    #[operation(
        http = "PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 202
    )]
    async fn put_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: PutProvisionedConcurrencyConfigInput,
    ) -> Result<PutProvisionedConcurrencyConfigOutput>;

    /// Answers the provisioned concurrency of a version or an alias.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency")]
    async fn get_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: GetProvisionedConcurrencyConfigInput,
    ) -> Result<GetProvisionedConcurrencyConfigOutput>;

    /// Lists the provisioned concurrency of a function, page by page.
    #[operation(http = "GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL")]
    async fn list_provisioned_concurrency_configs(
        &self,
        cx: &Context,
        input: ListProvisionedConcurrencyConfigsInput,
    ) -> Result<ListProvisionedConcurrencyConfigsOutput>;

    /// Gives provisioned concurrency back.
    #[operation(
        http = "DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency",
        status = 204
    )]
    async fn delete_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<()>;

    // Async invoke config
    /// Sets how asynchronous invocations are retried and reported, leaving nothing of what was set.
    #[operation(http = "PUT /2019-09-25/functions/{FunctionName}/event-invoke-config")]
    async fn put_function_event_invoke_config(
        &self,
        cx: &Context,
        input: PutFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Changes how asynchronous invocations are retried and reported.
    #[operation(http = "POST /2019-09-25/functions/{FunctionName}/event-invoke-config")]
    async fn update_function_event_invoke_config(
        &self,
        cx: &Context,
        input: UpdateFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Answers how asynchronous invocations are retried and reported.
    #[operation(http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config")]
    async fn get_function_event_invoke_config(
        &self,
        cx: &Context,
        input: GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig>;

    /// Lists the event invoke configurations of a function, page by page.
    #[operation(http = "GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list")]
    async fn list_function_event_invoke_configs(
        &self,
        cx: &Context,
        input: ListFunctionEventInvokeConfigsInput,
    ) -> Result<ListFunctionEventInvokeConfigsOutput>;

    /// Deletes an event invoke configuration.
    #[operation(
        http = "DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config",
        status = 204
    )]
    async fn delete_function_event_invoke_config(
        &self,
        cx: &Context,
        input: DeleteFunctionEventInvokeConfigInput,
    ) -> Result<()>;

    // Event source mappings
    /// Maps the records of a source to a function.
    #[operation(http = "POST /2015-03-31/event-source-mappings", status = 202)]
    async fn create_event_source_mapping(
        &self,
        cx: &Context,
        input: CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Answers an event source mapping.
    #[operation(http = "GET /2015-03-31/event-source-mappings/{UUID}")]
    async fn get_event_source_mapping(
        &self,
        cx: &Context,
        input: GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Lists event source mappings, page by page.
    #[operation(http = "GET /2015-03-31/event-source-mappings")]
    async fn list_event_source_mappings(
        &self,
        cx: &Context,
        input: ListEventSourceMappingsInput,
    ) -> Result<ListEventSourceMappingsOutput>;

    /// Changes an event source mapping.
    #[operation(http = "PUT /2015-03-31/event-source-mappings/{UUID}", status = 202)]
    async fn update_event_source_mapping(
        &self,
        cx: &Context,
        input: UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Deletes an event source mapping.
    #[operation(http = "DELETE /2015-03-31/event-source-mappings/{UUID}", status = 202)]
    async fn delete_event_source_mapping(
        &self,
        cx: &Context,
        input: DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    // Function URLs
    /// Gives a function or an alias a URL.
    #[operation(http = "POST /2021-10-31/functions/{FunctionName}/url", status = 201)]
    async fn create_function_url_config(
        &self,
        cx: &Context,
        input: CreateFunctionUrlConfigInput,
    ) -> Result<CreateFunctionUrlConfigOutput>;

    /// Answers a function URL.
    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/url")]
    async fn get_function_url_config(
        &self,
        cx: &Context,
        input: GetFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig>;

    /// Lists the URLs of a function, page by page.
    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/urls")]
    async fn list_function_url_configs(
        &self,
        cx: &Context,
        input: ListFunctionUrlConfigsInput,
    ) -> Result<ListFunctionUrlConfigsOutput>;

    /// Changes a function URL.
    #[operation(http = "PUT /2021-10-31/functions/{FunctionName}/url")]
    async fn update_function_url_config(
        &self,
        cx: &Context,
        input: UpdateFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig>;

    /// Deletes a function URL.
    #[operation(http = "DELETE /2021-10-31/functions/{FunctionName}/url", status = 204)]
    async fn delete_function_url_config(
        &self,
        cx: &Context,
        input: DeleteFunctionUrlConfigInput,
    ) -> Result<()>;

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

    /// Answers whether a function may call itself through other services.
    #[operation(http = "GET /2024-08-31/functions/{FunctionName}/recursion-config")]
    async fn get_function_recursion_config(
        &self,
        cx: &Context,
        input: GetFunctionRecursionConfigInput,
    ) -> Result<GetFunctionRecursionConfigOutput>;

    /// Sets whether a function may call itself through other services.
    #[operation(http = "PUT /2024-08-31/functions/{FunctionName}/recursion-config")]
    async fn put_function_recursion_config(
        &self,
        cx: &Context,
        input: PutFunctionRecursionConfigInput,
    ) -> Result<PutFunctionRecursionConfigOutput>;

    // Code signing
    /// Creates a code signing configuration: who may sign code, and what happens to other code.
    #[operation(http = "POST /2020-04-22/code-signing-configs", status = 201)]
    async fn create_code_signing_config(
        &self,
        cx: &Context,
        input: CreateCodeSigningConfigInput,
    ) -> Result<CreateCodeSigningConfigOutput>;

    /// Answers a code signing configuration.
    #[operation(http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}")]
    async fn get_code_signing_config(
        &self,
        cx: &Context,
        input: GetCodeSigningConfigInput,
    ) -> Result<GetCodeSigningConfigOutput>;

    /// Lists code signing configurations, page by page.
    #[operation(http = "GET /2020-04-22/code-signing-configs")]
    async fn list_code_signing_configs(
        &self,
        cx: &Context,
        input: ListCodeSigningConfigsInput,
    ) -> Result<ListCodeSigningConfigsOutput>;

    /// Changes a code signing configuration.
    #[operation(http = "PUT /2020-04-22/code-signing-configs/{CodeSigningConfigArn}")]
    async fn update_code_signing_config(
        &self,
        cx: &Context,
        input: UpdateCodeSigningConfigInput,
    ) -> Result<UpdateCodeSigningConfigOutput>;

    /// Deletes a code signing configuration that no function has.
    #[operation(
        http = "DELETE /2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
        status = 204
    )]
    async fn delete_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteCodeSigningConfigInput,
    ) -> Result<()>;

    /// Lists the functions that have a code signing configuration, page by page.
    #[operation(http = "GET /2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions")]
    async fn list_functions_by_code_signing_config(
        &self,
        cx: &Context,
        input: ListFunctionsByCodeSigningConfigInput,
    ) -> Result<ListFunctionsByCodeSigningConfigOutput>;

    /// Gives a function a code signing configuration.
    #[operation(http = "PUT /2020-06-30/functions/{FunctionName}/code-signing-config")]
    async fn put_function_code_signing_config(
        &self,
        cx: &Context,
        input: PutFunctionCodeSigningConfigInput,
    ) -> Result<PutFunctionCodeSigningConfigOutput>;

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
    #[operation(http = "POST /2025-11-30/capacity-providers", status = 202)]
    fn create_capacity_provider(input: CreateCapacityProviderInput);

    #[operation(http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}")]
    fn get_capacity_provider(input: GetCapacityProviderInput);

    #[operation(http = "GET /2025-11-30/capacity-providers")]
    fn list_capacity_providers(input: ListCapacityProvidersInput);

    #[operation(http = "PUT /2025-11-30/capacity-providers/{CapacityProviderName}", status = 202)]
    fn update_capacity_provider(input: UpdateCapacityProviderInput);

    #[operation(
        http = "DELETE /2025-11-30/capacity-providers/{CapacityProviderName}",
        status = 202
    )]
    fn delete_capacity_provider(input: DeleteCapacityProviderInput);

    #[operation(
        http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}/function-versions"
    )]
    fn list_function_versions_by_capacity_provider(
        input: ListFunctionVersionsByCapacityProviderInput,
    );

    #[operation(
        http = "PUT /2025-11-30/functions/{FunctionName}/function-scaling-config",
        status = 202
    )]
    fn put_function_scaling_config(input: PutFunctionScalingConfigInput);

    #[operation(http = "GET /2025-11-30/functions/{FunctionName}/function-scaling-config")]
    fn get_function_scaling_config(input: GetFunctionScalingConfigInput);

    // Durable executions
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
