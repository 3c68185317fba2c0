// SPDX-License-Identifier: Apache-2.0
//! Who may use a function, whose code it takes, and its URLs.

use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> FunctionUrlOperations for Lambda<I> {
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
}

impl<I: Invoke> PolicyOperations for Lambda<I> {
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
}

impl<I: Invoke> CodeSigningOperations for Lambda<I> {
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
