// SPDX-License-Identifier: Apache-2.0
//! Functions: create, get, list, update, delete.

use super::access::{anything, configuration, function, new_function, qualified};
use super::account::*;
use super::configuration::FunctionConfiguration;
use super::constraints::*;
use super::settings::*;
use std::collections::BTreeMap;
use wire::{Blob, Context, Input, Output, Result, Structure, enumeration, operations};

/// Functions: their code and their settings.
#[operations("lambda")]
pub trait FunctionOperations: Send + Sync + 'static {
    /// Creates a function.
    #[operation(http = "POST /2015-03-31/functions", status = 201, body_max = 70_167_211, on = new_function(input))]
    async fn create_function(
        &self,
        cx: &Context,
        input: CreateFunctionInput,
    ) -> Result<FunctionConfiguration>;

    /// Answers a function: its configuration, and where its code can be had.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}", on = qualified(function_name, qualifier))]
    async fn get_function(
        &self,
        cx: &Context,
        input: GetFunctionInput,
    ) -> Result<GetFunctionOutput>;

    /// Answers the configuration of a function.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/configuration", on = qualified(function_name, qualifier))]
    async fn get_function_configuration(
        &self,
        cx: &Context,
        input: GetFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration>;

    /// Lists functions, page by page.
    #[operation(http = "GET /2015-03-31/functions", on = anything())]
    async fn list_functions(
        &self,
        cx: &Context,
        input: ListFunctionsInput,
    ) -> Result<ListFunctionsOutput>;

    /// Replaces the code of `$LATEST`.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/code", body_max = 70_167_211, on = function(function_name))]
    async fn update_function_code(
        &self,
        cx: &Context,
        input: UpdateFunctionCodeInput,
    ) -> Result<FunctionConfiguration>;

    /// Changes the settings of `$LATEST`.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/configuration", on = configuration(input))]
    async fn update_function_configuration(
        &self,
        cx: &Context,
        input: UpdateFunctionConfigurationInput,
    ) -> Result<FunctionConfiguration>;

    /// Deletes a function, or one version of it.
    #[operation(http = "DELETE /2015-03-31/functions/{FunctionName}", on = qualified(function_name, qualifier))]
    async fn delete_function(
        &self,
        cx: &Context,
        input: DeleteFunctionInput,
    ) -> Result<DeleteFunctionOutput>;

    /// Answers the limits and the usage of the account.
    #[operation(http = "GET /2016-08-19/account-settings", on = anything())]
    async fn get_account_settings(
        &self,
        cx: &Context,
        input: GetAccountSettingsInput,
    ) -> Result<GetAccountSettingsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateFunctionInput {
    #[wire(like = FUNCTION_NAME)]
    pub function_name: String,
    pub runtime: Option<String>,
    #[wire(like = ROLE_ARN)]
    pub role: String,
    #[wire(like = HANDLER)]
    pub handler: Option<String>,
    pub code: FunctionCode,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = TIMEOUT)]
    pub timeout: Option<i32>,
    #[wire(like = MEMORY_SIZE)]
    pub memory_size: Option<i32>,
    #[wire(default)]
    pub publish: bool,
    pub publish_to: Option<FunctionVersionLatestPublished>,
    pub vpc_config: Option<VpcConfig>,
    pub package_type: Option<PackageType>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub environment: Option<Environment>,
    #[wire(name = "KMSKeyArn", like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfig>,
    #[wire(like = TAGS)]
    pub tags: Option<BTreeMap<String, String>>,
    #[wire(like = LAYER_LIST)]
    pub layers: Option<Vec<String>>,
    #[wire(like = FILE_SYSTEM_CONFIG_LIST)]
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    #[wire(like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: Option<String>,
    pub image_config: Option<ImageConfig>,
    #[wire(like = ARCHITECTURES_LIST)]
    pub architectures: Option<Vec<Architecture>>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStart>,
    pub logging_config: Option<LoggingConfig>,
    pub tenancy_config: Option<TenancyConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

/// Where the code of a function comes from: exactly one of a zip, an S3 object and an image.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FunctionCode {
    #[wire(like = BLOB)]
    pub zip_file: Option<Blob>,
    #[wire(like = S3_BUCKET)]
    pub s3_bucket: Option<String>,
    #[wire(like = S3_KEY)]
    pub s3_key: Option<String>,
    #[wire(like = S3_OBJECT_VERSION)]
    pub s3_object_version: Option<String>,
    pub s3_object_storage_mode: Option<S3ObjectStorageMode>,
    pub image_uri: Option<String>,
    #[wire(name = "SourceKMSKeyArn", like = KMS_KEY_ARN)]
    pub source_kms_key_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionOutput {
    pub configuration: Option<FunctionConfiguration>,
    pub code: Option<FunctionCodeLocation>,
    pub tags: Option<BTreeMap<String, String>>,
    pub tags_error: Option<TagsError>,
    pub concurrency: Option<Concurrency>,
}

/// Where the code of a function can be downloaded for a while.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FunctionCodeLocation {
    pub repository_type: Option<String>,
    pub location: Option<String>,
    pub image_uri: Option<String>,
    pub resolved_image_uri: Option<String>,
    pub resolved_s3_object: Option<ResolvedS3Object>,
    #[wire(name = "SourceKMSKeyArn")]
    pub source_kms_key_arn: Option<String>,
    pub error: Option<FunctionCodeLocationError>,
}

/// Why code can not be downloaded.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FunctionCodeLocationError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

/// The S3 object that code was taken from.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ResolvedS3Object {
    pub s3_bucket: Option<String>,
    pub s3_key: Option<String>,
    pub s3_object_version: Option<String>,
}

/// Why tags could not be read.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TagsError {
    pub error_code: String,
    pub message: String,
}

/// The concurrency reserved for a function.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct Concurrency {
    #[wire(like = RESERVED_CONCURRENT_EXECUTIONS)]
    pub reserved_concurrent_executions: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionConfigurationInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListFunctionsInput {
    #[wire(query = "MasterRegion", like = MASTER_REGION)]
    pub master_region: Option<String>,
    #[wire(query = "FunctionVersion")]
    pub function_version: Option<FunctionVersion>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListFunctionsOutput {
    pub next_marker: Option<String>,
    pub functions: Vec<FunctionConfiguration>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateFunctionCodeInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = BLOB)]
    pub zip_file: Option<Blob>,
    #[wire(like = S3_BUCKET)]
    pub s3_bucket: Option<String>,
    #[wire(like = S3_KEY)]
    pub s3_key: Option<String>,
    #[wire(like = S3_OBJECT_VERSION)]
    pub s3_object_version: Option<String>,
    pub s3_object_storage_mode: Option<S3ObjectStorageMode>,
    pub image_uri: Option<String>,
    #[wire(like = ARCHITECTURES_LIST)]
    pub architectures: Option<Vec<Architecture>>,
    #[wire(default)]
    pub publish: bool,
    pub publish_to: Option<FunctionVersionLatestPublished>,
    #[wire(default)]
    pub dry_run: bool,
    pub revision_id: Option<String>,
    #[wire(name = "SourceKMSKeyArn", like = KMS_KEY_ARN)]
    pub source_kms_key_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateFunctionConfigurationInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = ROLE_ARN)]
    pub role: Option<String>,
    #[wire(like = HANDLER)]
    pub handler: Option<String>,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = TIMEOUT)]
    pub timeout: Option<i32>,
    #[wire(like = MEMORY_SIZE)]
    pub memory_size: Option<i32>,
    pub vpc_config: Option<VpcConfig>,
    pub environment: Option<Environment>,
    pub runtime: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    #[wire(name = "KMSKeyArn", like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfig>,
    pub revision_id: Option<String>,
    #[wire(like = LAYER_LIST)]
    pub layers: Option<Vec<String>>,
    #[wire(like = FILE_SYSTEM_CONFIG_LIST)]
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    pub image_config: Option<ImageConfig>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStart>,
    pub logging_config: Option<LoggingConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DeleteFunctionOutput {
    /// `None` is the status the operation declares.
    #[wire(status)]
    pub status_code: Option<u16>,
}

enumeration! {
    pub enum S3ObjectStorageMode {
        Copy = "COPY",
        Reference = "REFERENCE",
    }
}

enumeration! {
    pub enum FunctionVersionLatestPublished {
        LatestPublished = "LATEST_PUBLISHED",
    }
}

enumeration! {
    pub enum FunctionVersion {
        All = "ALL",
    }
}
