// SPDX-License-Identifier: Apache-2.0
//! Layers: packages that functions share, in numbered versions.

use super::access::{anything, arn, layer, layer_version};
use super::constraints::*;
use super::function::{ResolvedS3Object, S3ObjectStorageMode};
use super::settings::Architecture;
use wire::{Blob, Context, Input, Output, Result, Structure, operations};

/// What functions share.
#[operations("lambda")]
pub trait LayerOperations: Send + Sync + 'static {
    /// Publishes the next version of a layer.
    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions",
        status = 201,
        body_max = 70_167_211, on = layer(layer_name))]
    async fn publish_layer_version(
        &self,
        cx: &Context,
        input: PublishLayerVersionInput,
    ) -> Result<LayerVersion>;

    /// Answers a version of a layer, and where its content can be had.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}", on = layer_version(layer_name, version_number))]
    async fn get_layer_version(
        &self,
        cx: &Context,
        input: GetLayerVersionInput,
    ) -> Result<LayerVersion>;

    /// The same by ARN.
    #[operation(http = "GET /2018-10-31/layers?find=LayerVersion", on = arn(arn), action = "GetLayerVersion")]
    async fn get_layer_version_by_arn(
        &self,
        cx: &Context,
        input: GetLayerVersionByArnInput,
    ) -> Result<LayerVersion>;

    /// Lists layers, page by page.
    #[operation(http = "GET /2018-10-31/layers", on = anything())]
    async fn list_layers(&self, cx: &Context, input: ListLayersInput) -> Result<ListLayersOutput>;

    /// Lists the versions of a layer, newest first, page by page.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions", on = anything())]
    async fn list_layer_versions(
        &self,
        cx: &Context,
        input: ListLayerVersionsInput,
    ) -> Result<ListLayerVersionsOutput>;

    /// Deletes a version of a layer. Functions that have it keep it.
    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
        status = 204, on = layer_version(layer_name, version_number))]
    async fn delete_layer_version(
        &self,
        cx: &Context,
        input: DeleteLayerVersionInput,
    ) -> Result<()>;

    /// Adds a statement to the policy of a layer's version.
    #[operation(
        http = "POST /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy",
        status = 201, on = layer_version(layer_name, version_number))]
    async fn add_layer_version_permission(
        &self,
        cx: &Context,
        input: AddLayerVersionPermissionInput,
    ) -> Result<AddLayerVersionPermissionOutput>;

    /// Answers the policy of a layer's version.
    #[operation(http = "GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", on = layer_version(layer_name, version_number))]
    async fn get_layer_version_policy(
        &self,
        cx: &Context,
        input: GetLayerVersionPolicyInput,
    ) -> Result<GetLayerVersionPolicyOutput>;

    /// Removes a statement from the policy of a layer's version.
    #[operation(
        http = "DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}",
        status = 204, on = layer_version(layer_name, version_number))]
    async fn remove_layer_version_permission(
        &self,
        cx: &Context,
        input: RemoveLayerVersionPermissionInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PublishLayerVersionInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub content: LayerVersionContentInput,
    #[wire(like = COMPATIBLE_ARCHITECTURES)]
    pub compatible_architectures: Option<Vec<Architecture>>,
    #[wire(like = COMPATIBLE_RUNTIMES)]
    pub compatible_runtimes: Option<Vec<String>>,
    #[wire(like = LICENSE_INFO)]
    pub license_info: Option<String>,
}

/// Where the content of a layer comes from: a zip or an S3 object.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LayerVersionContentInput {
    #[wire(like = S3_BUCKET)]
    pub s3_bucket: Option<String>,
    #[wire(like = S3_KEY)]
    pub s3_key: Option<String>,
    #[wire(like = S3_OBJECT_VERSION)]
    pub s3_object_version: Option<String>,
    pub s3_object_storage_mode: Option<S3ObjectStorageMode>,
    #[wire(like = BLOB)]
    pub zip_file: Option<Blob>,
}

/// Where the content of a layer can be downloaded for a while, and what it is.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LayerVersionContentOutput {
    pub location: Option<String>,
    pub code_sha256: Option<String>,
    pub code_size: Option<i64>,
    pub signing_profile_version_arn: Option<String>,
    pub signing_job_arn: Option<String>,
    pub resolved_s3_object: Option<ResolvedS3Object>,
}

/// A version of a layer, as publishing and getting it answer it.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct LayerVersion {
    pub content: Option<LayerVersionContentOutput>,
    pub layer_arn: String,
    pub layer_version_arn: String,
    pub description: String,
    pub created_date: String,
    pub version: i64,
    pub compatible_architectures: Option<Vec<Architecture>>,
    pub compatible_runtimes: Option<Vec<String>>,
    pub license_info: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetLayerVersionInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(label)]
    pub version_number: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetLayerVersionByArnInput {
    #[wire(query = "Arn", like = LAYER_VERSION_ARN)]
    pub arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListLayersInput {
    #[wire(query = "CompatibleArchitecture")]
    pub compatible_architecture: Option<Architecture>,
    #[wire(query = "CompatibleRuntime", like = RUNTIME)]
    pub compatible_runtime: Option<String>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LAYER_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListLayersOutput {
    pub next_marker: Option<String>,
    pub layers: Vec<LayersListItem>,
}

/// A layer, with the newest of its versions that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LayersListItem {
    pub layer_name: Option<String>,
    pub layer_arn: Option<String>,
    pub latest_matching_version: Option<LayerVersionsListItem>,
}

/// A version of a layer, as lists answer it.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LayerVersionsListItem {
    pub layer_version_arn: Option<String>,
    pub version: Option<i64>,
    pub description: Option<String>,
    pub created_date: Option<String>,
    pub compatible_architectures: Option<Vec<Architecture>>,
    pub compatible_runtimes: Option<Vec<String>>,
    pub license_info: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListLayerVersionsInput {
    #[wire(query = "CompatibleArchitecture")]
    pub compatible_architecture: Option<Architecture>,
    #[wire(query = "CompatibleRuntime", like = RUNTIME)]
    pub compatible_runtime: Option<String>,
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LAYER_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListLayerVersionsOutput {
    pub next_marker: Option<String>,
    pub layer_versions: Vec<LayerVersionsListItem>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteLayerVersionInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(label)]
    pub version_number: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AddLayerVersionPermissionInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(label)]
    pub version_number: i64,
    #[wire(like = STATEMENT_ID)]
    pub statement_id: String,
    #[wire(like = LAYER_PERMISSION_ALLOWED_ACTION)]
    pub action: String,
    #[wire(like = LAYER_PERMISSION_ALLOWED_PRINCIPAL)]
    pub principal: String,
    #[wire(like = ORGANIZATION_ID)]
    pub organization_id: Option<String>,
    #[wire(query = "RevisionId")]
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct AddLayerVersionPermissionOutput {
    pub statement: Option<String>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetLayerVersionPolicyInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(label)]
    pub version_number: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetLayerVersionPolicyOutput {
    pub policy: Option<String>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct RemoveLayerVersionPermissionInput {
    #[wire(label, like = LAYER_NAME_OR_ARN)]
    pub layer_name: String,
    #[wire(label)]
    pub version_number: i64,
    #[wire(label, like = STATEMENT_ID)]
    pub statement_id: String,
    #[wire(query = "RevisionId")]
    pub revision_id: Option<String>,
}
