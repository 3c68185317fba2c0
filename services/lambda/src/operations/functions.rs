// SPDX-License-Identifier: Apache-2.0
//! Functions, their versions, aliases and tags.

use crate::stored_code::Members;
use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> FunctionOperations for Lambda<I> {
    async fn create_function(
        &self,
        cx: &Context,
        mut input: CreateFunctionInput,
    ) -> Result<FunctionConfiguration> {
        if input.package_type != Some(PackageType::Image) {
            let code = &mut input.code;
            let members = Members {
                zip_file: &mut code.zip_file,
                bucket: &mut code.s3_bucket,
                key: &mut code.s3_key,
                version: &mut code.s3_object_version,
            };
            self.service.read_stored_code(cx, members).await?;
        }
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
        mut input: UpdateFunctionCodeInput,
    ) -> Result<FunctionConfiguration> {
        let members = Members {
            zip_file: &mut input.zip_file,
            bucket: &mut input.s3_bucket,
            key: &mut input.s3_key,
            version: &mut input.s3_object_version,
        };
        self.service.read_stored_code(cx, members).await?;
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
}

impl<I: Invoke> VersionOperations for Lambda<I> {
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
}

impl<I: Invoke> AliasOperations for Lambda<I> {
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
}

impl<I: Invoke> TagOperations for Lambda<I> {
    async fn tag_resource(&self, cx: &Context, input: TagResourceInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.tag(&cx, input).await }).await
    }

    async fn untag_resource(&self, cx: &Context, input: UntagResourceInput) -> Result<()> {
        self.change(cx, |service, cx| async move { service.untag(&cx, input).await }).await
    }

    async fn list_tags(&self, cx: &Context, input: ListTagsInput) -> Result<ListTagsOutput> {
        Ok(self.service.list_tags(cx, &input)?)
    }
}
