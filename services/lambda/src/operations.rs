// SPDX-License-Identifier: Apache-2.0
//! Every operation, and which part of the service does it: a read at once, a change to its end.

use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> api::lambda::Lambda for Lambda<I> {
    async fn create_function(
        &self,
        cx: &Context,
        input: CreateFunctionInput,
    ) -> Result<FunctionConfiguration> {
        self.change(cx, |service, cx| async move { service.create(&cx, input).await }).await
    }

    async fn get_function(
        &self,
        cx: &Context,
        input: GetFunctionInput,
    ) -> Result<GetFunctionOutput> {
        Ok(self.service.get(cx, &input)?)
    }

    async fn get_function_configuration(
        &self,
        cx: &Context,
        input: GetFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration> {
        Ok(self.service.get_configuration(cx, &input)?)
    }

    async fn list_functions(
        &self,
        cx: &Context,
        input: ListFunctionsInput,
    ) -> Result<ListFunctionsOutput> {
        Ok(self.service.list(cx, &input)?)
    }

    async fn update_function_code(
        &self,
        cx: &Context,
        input: UpdateFunctionCodeInput,
    ) -> Result<FunctionConfiguration> {
        self.change(cx, |service, cx| async move { service.update_code(&cx, input).await }).await
    }

    async fn update_function_configuration(
        &self,
        cx: &Context,
        input: UpdateFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration> {
        self.change(cx, |service, cx| async move { service.update_configuration(&cx, input).await })
            .await
    }

    async fn delete_function(
        &self,
        cx: &Context,
        input: DeleteFunctionInput,
    ) -> Result<DeleteFunctionOutput> {
        self.change(cx, |service, cx| async move { service.delete(&cx, input).await }).await
    }

    async fn get_account_settings(
        &self,
        cx: &Context,
        _: GetAccountSettingsInput,
    ) -> Result<GetAccountSettingsOutput> {
        Ok(self.service.account_settings(cx))
    }

    async fn invoke(&self, cx: &Context, input: InvokeInput) -> Result<InvokeOutput> {
        Ok(self.service.invoke(cx, input).await?)
    }

    async fn invoke_with_response_stream(
        &self,
        cx: &Context,
        input: InvokeWithResponseStreamInput,
    ) -> Result<InvokeWithResponseStreamOutput> {
        Ok(self.service.invoke_with_response_stream(cx, input).await?)
    }

    async fn publish_version(
        &self,
        cx: &Context,
        input: PublishVersionInput,
    ) -> Result<FunctionConfiguration> {
        self.change(cx, |service, cx| async move { service.publish(&cx, input).await }).await
    }

    async fn list_versions_by_function(
        &self,
        cx: &Context,
        input: ListVersionsByFunctionInput,
    ) -> Result<ListVersionsByFunctionOutput> {
        Ok(self.service.list_versions(cx, &input)?)
    }

    async fn tag_resource(&self, cx: &Context, input: TagResourceInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.tag(&cx, input).await }).await
    }

    async fn untag_resource(&self, cx: &Context, input: UntagResourceInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.untag(&cx, input).await }).await
    }

    async fn list_tags(&self, cx: &Context, input: ListTagsInput) -> Result<ListTagsOutput> {
        Ok(self.service.list_tags(cx, &input)?)
    }

    async fn create_alias(
        &self,
        cx: &Context,
        input: CreateAliasInput,
    ) -> Result<AliasConfiguration> {
        self.change(cx, |service, cx| async move { service.create_alias(&cx, input).await }).await
    }

    async fn get_alias(&self, cx: &Context, input: GetAliasInput) -> Result<AliasConfiguration> {
        Ok(self.service.get_alias(cx, &input)?)
    }

    async fn update_alias(
        &self,
        cx: &Context,
        input: UpdateAliasInput,
    ) -> Result<AliasConfiguration> {
        self.change(cx, |service, cx| async move { service.update_alias(&cx, input).await }).await
    }

    async fn delete_alias(&self, cx: &Context, input: DeleteAliasInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_alias(&cx, input).await }).await
    }

    async fn list_aliases(
        &self,
        cx: &Context,
        input: ListAliasesInput,
    ) -> Result<ListAliasesOutput> {
        Ok(self.service.list_aliases(cx, &input)?)
    }

    async fn put_function_concurrency(
        &self,
        cx: &Context,
        input: PutFunctionConcurrencyInput,
    ) -> Result<Concurrency> {
        self.change(cx, |service, cx| async move { service.put_concurrency(&cx, input).await })
            .await
    }

    async fn put_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: PutProvisionedConcurrencyConfigInput,
    ) -> Result<PutProvisionedConcurrencyConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_provisioned(&cx, input).await })
            .await
    }

    async fn get_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: GetProvisionedConcurrencyConfigInput,
    ) -> Result<GetProvisionedConcurrencyConfigOutput> {
        Ok(self.service.get_provisioned(cx, &input)?)
    }

    async fn list_provisioned_concurrency_configs(
        &self,
        cx: &Context,
        input: ListProvisionedConcurrencyConfigsInput,
    ) -> Result<ListProvisionedConcurrencyConfigsOutput> {
        Ok(self.service.list_provisioned(cx, &input)?)
    }

    async fn delete_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_provisioned(&cx, input).await })
            .await
    }

    async fn get_function_concurrency(
        &self,
        cx: &Context,
        input: GetFunctionConcurrencyInput,
    ) -> Result<GetFunctionConcurrencyOutput> {
        Ok(self.service.get_concurrency(cx, &input)?)
    }

    async fn delete_function_concurrency(
        &self,
        cx: &Context,
        input: DeleteFunctionConcurrencyInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_concurrency(&cx, input).await })
            .await
    }

    async fn add_permission(
        &self,
        cx: &Context,
        input: AddPermissionInput,
    ) -> Result<AddPermissionOutput> {
        self.change(cx, |service, cx| async move { service.add_permission(&cx, input).await }).await
    }

    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.remove_permission(&cx, input).await })
            .await
    }

    async fn get_policy(&self, cx: &Context, input: GetPolicyInput) -> Result<GetPolicyOutput> {
        Ok(self.service.get_policy(cx, &input)?)
    }

    async fn put_resource_policy(
        &self,
        cx: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput> {
        self.change(cx, |service, cx| async move { service.put_resource_policy(&cx, input).await })
            .await
    }

    async fn get_resource_policy(
        &self,
        cx: &Context,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput> {
        Ok(self.service.get_resource_policy(cx, &input)?)
    }

    async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<()> {
        self.change(
            cx,
            |service, cx| async move { service.delete_resource_policy(&cx, input).await },
        )
        .await
    }

    async fn get_runtime_management_config(
        &self,
        cx: &Context,
        input: GetRuntimeManagementConfigInput,
    ) -> Result<GetRuntimeManagementConfigOutput> {
        Ok(self.service.get_runtime_management(cx, &input)?)
    }

    async fn put_runtime_management_config(
        &self,
        cx: &Context,
        input: PutRuntimeManagementConfigInput,
    ) -> Result<PutRuntimeManagementConfigOutput> {
        Ok(self.service.put_runtime_management(cx, &input)?)
    }

    async fn get_function_code_signing_config(
        &self,
        cx: &Context,
        input: GetFunctionCodeSigningConfigInput,
    ) -> Result<GetFunctionCodeSigningConfigOutput> {
        Ok(self.service.get_function_signing(cx, &input)?)
    }

    async fn delete_function_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteFunctionCodeSigningConfigInput,
    ) -> Result<()> {
        self.change(
            cx,
            |service, cx| async move { service.delete_function_signing(&cx, input).await },
        )
        .await
    }

    async fn publish_layer_version(
        &self,
        cx: &Context,
        input: PublishLayerVersionInput,
    ) -> Result<LayerVersion> {
        self.change(cx, |service, cx| async move { service.publish_layer(&cx, input).await }).await
    }

    async fn get_layer_version(
        &self,
        cx: &Context,
        input: GetLayerVersionInput,
    ) -> Result<LayerVersion> {
        Ok(self.service.get_layer(cx, &input)?)
    }

    async fn get_layer_version_by_arn(
        &self,
        cx: &Context,
        input: GetLayerVersionByArnInput,
    ) -> Result<LayerVersion> {
        Ok(self.service.get_layer_by_arn(cx, &input)?)
    }

    async fn list_layers(&self, cx: &Context, input: ListLayersInput) -> Result<ListLayersOutput> {
        Ok(self.service.list_layers(cx, &input)?)
    }

    async fn list_layer_versions(
        &self,
        cx: &Context,
        input: ListLayerVersionsInput,
    ) -> Result<ListLayerVersionsOutput> {
        Ok(self.service.list_layer_versions(cx, &input)?)
    }

    async fn delete_layer_version(
        &self,
        cx: &Context,
        input: DeleteLayerVersionInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_layer(&cx, input).await }).await
    }

    async fn add_layer_version_permission(
        &self,
        cx: &Context,
        input: AddLayerVersionPermissionInput,
    ) -> Result<AddLayerVersionPermissionOutput> {
        self.change(cx, |service, cx| async move { service.add_layer_permission(&cx, input).await })
            .await
    }

    async fn get_layer_version_policy(
        &self,
        cx: &Context,
        input: GetLayerVersionPolicyInput,
    ) -> Result<GetLayerVersionPolicyOutput> {
        Ok(self.service.layer_policy(cx, &input)?)
    }

    async fn remove_layer_version_permission(
        &self,
        cx: &Context,
        input: RemoveLayerVersionPermissionInput,
    ) -> Result<()> {
        self.change(
            cx,
            |service, cx| async move { service.remove_layer_permission(&cx, input).await },
        )
        .await
    }

    async fn put_function_event_invoke_config(
        &self,
        cx: &Context,
        input: PutFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        self.change(cx, |service, cx| async move { service.put_event_invoke(&cx, input).await })
            .await
    }

    async fn update_function_event_invoke_config(
        &self,
        cx: &Context,
        input: UpdateFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        self.change(cx, |service, cx| async move { service.update_event_invoke(&cx, input).await })
            .await
    }

    async fn get_function_event_invoke_config(
        &self,
        cx: &Context,
        input: GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        Ok(self.service.get_event_invoke(cx, &input)?)
    }

    async fn list_function_event_invoke_configs(
        &self,
        cx: &Context,
        input: ListFunctionEventInvokeConfigsInput,
    ) -> Result<ListFunctionEventInvokeConfigsOutput> {
        Ok(self.service.list_event_invoke(cx, &input)?)
    }

    async fn delete_function_event_invoke_config(
        &self,
        cx: &Context,
        input: DeleteFunctionEventInvokeConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_event_invoke(&cx, input).await })
            .await
    }

    async fn create_event_source_mapping(
        &self,
        cx: &Context,
        input: CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.create_mapping(&cx, input).await }).await
    }

    async fn get_event_source_mapping(
        &self,
        cx: &Context,
        input: GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        Ok(self.service.get_mapping(cx, &input)?)
    }

    async fn list_event_source_mappings(
        &self,
        cx: &Context,
        input: ListEventSourceMappingsInput,
    ) -> Result<ListEventSourceMappingsOutput> {
        Ok(self.service.list_mappings(cx, &input)?)
    }

    async fn update_event_source_mapping(
        &self,
        cx: &Context,
        input: UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.update_mapping(&cx, input).await }).await
    }

    async fn delete_event_source_mapping(
        &self,
        cx: &Context,
        input: DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.delete_mapping(&cx, input).await }).await
    }

    async fn create_function_url_config(
        &self,
        cx: &Context,
        input: CreateFunctionUrlConfigInput,
    ) -> Result<CreateFunctionUrlConfigOutput> {
        self.change(cx, |service, cx| async move { service.create_url(&cx, input).await }).await
    }

    async fn get_function_url_config(
        &self,
        cx: &Context,
        input: GetFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig> {
        Ok(self.service.get_url(cx, &input)?)
    }

    async fn list_function_url_configs(
        &self,
        cx: &Context,
        input: ListFunctionUrlConfigsInput,
    ) -> Result<ListFunctionUrlConfigsOutput> {
        Ok(self.service.list_urls(cx, &input)?)
    }

    async fn update_function_url_config(
        &self,
        cx: &Context,
        input: UpdateFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig> {
        self.change(cx, |service, cx| async move { service.update_url(&cx, input).await }).await
    }

    async fn delete_function_url_config(
        &self,
        cx: &Context,
        input: DeleteFunctionUrlConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_url(&cx, input).await }).await
    }

    async fn get_function_recursion_config(
        &self,
        cx: &Context,
        input: GetFunctionRecursionConfigInput,
    ) -> Result<GetFunctionRecursionConfigOutput> {
        Ok(self.service.get_recursion(cx, &input)?)
    }

    async fn put_function_recursion_config(
        &self,
        cx: &Context,
        input: PutFunctionRecursionConfigInput,
    ) -> Result<PutFunctionRecursionConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_recursion(&cx, input).await }).await
    }

    async fn create_code_signing_config(
        &self,
        cx: &Context,
        input: CreateCodeSigningConfigInput,
    ) -> Result<CreateCodeSigningConfigOutput> {
        self.change(cx, |service, cx| async move { service.create_signing(&cx, input).await }).await
    }

    async fn get_code_signing_config(
        &self,
        cx: &Context,
        input: GetCodeSigningConfigInput,
    ) -> Result<GetCodeSigningConfigOutput> {
        Ok(self.service.get_signing(cx, &input)?)
    }

    async fn list_code_signing_configs(
        &self,
        cx: &Context,
        input: ListCodeSigningConfigsInput,
    ) -> Result<ListCodeSigningConfigsOutput> {
        Ok(self.service.list_signing(cx, &input)?)
    }

    async fn update_code_signing_config(
        &self,
        cx: &Context,
        input: UpdateCodeSigningConfigInput,
    ) -> Result<UpdateCodeSigningConfigOutput> {
        self.change(cx, |service, cx| async move { service.update_signing(&cx, input).await }).await
    }

    async fn delete_code_signing_config(
        &self,
        cx: &Context,
        input: DeleteCodeSigningConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_signing(&cx, input).await }).await
    }

    async fn list_functions_by_code_signing_config(
        &self,
        cx: &Context,
        input: ListFunctionsByCodeSigningConfigInput,
    ) -> Result<ListFunctionsByCodeSigningConfigOutput> {
        Ok(self.service.list_signed_functions(cx, &input)?)
    }

    async fn put_function_code_signing_config(
        &self,
        cx: &Context,
        input: PutFunctionCodeSigningConfigInput,
    ) -> Result<PutFunctionCodeSigningConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_function_signing(&cx, input).await })
            .await
    }
}
