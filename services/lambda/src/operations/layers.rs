// SPDX-License-Identifier: Apache-2.0
//! Layers.

use crate::stored_code::Members;
use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> LayerOperations for Lambda<I> {
    async fn publish_layer_version(
        &self,
        cx: &Context,
        mut input: PublishLayerVersionInput,
    ) -> Result<LayerVersion> {
        let content = &mut input.content;
        let members = Members {
            zip_file: &mut content.zip_file,
            bucket: &mut content.s3_bucket,
            key: &mut content.s3_key,
            version: &mut content.s3_object_version,
        };
        self.service.read_stored_code(cx, members).await?;
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
}
