// SPDX-License-Identifier: Apache-2.0
//! Capacity providers: what the instances of managed functions are, and how many environments a version has on them.

use super::access::{anything, capacity_provider, new_capacity_provider, version};
use super::constraints::*;
use super::settings::{Architecture, SystemLogLevel};
use super::state::State;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// Where functions run.
#[operations("lambda")]
pub trait CapacityProviderOperations: Send + Sync + 'static {
    /// Creates a capacity provider.
    #[operation(http = "POST /2025-11-30/capacity-providers", status = 202, on = new_capacity_provider(input))]
    async fn create_capacity_provider(
        &self,
        cx: &Context,
        input: CreateCapacityProviderInput,
    ) -> Result<CreateCapacityProviderOutput>;

    /// Answers a capacity provider.
    #[operation(http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}", on = capacity_provider(capacity_provider_name))]
    async fn get_capacity_provider(
        &self,
        cx: &Context,
        input: GetCapacityProviderInput,
    ) -> Result<GetCapacityProviderOutput>;

    /// Lists capacity providers, page by page.
    #[operation(http = "GET /2025-11-30/capacity-providers", on = anything())]
    async fn list_capacity_providers(
        &self,
        cx: &Context,
        input: ListCapacityProvidersInput,
    ) -> Result<ListCapacityProvidersOutput>;

    /// Changes how a capacity provider scales.
    #[operation(http = "PUT /2025-11-30/capacity-providers/{CapacityProviderName}", status = 202, on = capacity_provider(capacity_provider_name))]
    async fn update_capacity_provider(
        &self,
        cx: &Context,
        input: UpdateCapacityProviderInput,
    ) -> Result<UpdateCapacityProviderOutput>;

    /// Deletes a capacity provider that no function has.
    #[operation(
        http = "DELETE /2025-11-30/capacity-providers/{CapacityProviderName}",
        status = 202, on = capacity_provider(capacity_provider_name))]
    async fn delete_capacity_provider(
        &self,
        cx: &Context,
        input: DeleteCapacityProviderInput,
    ) -> Result<DeleteCapacityProviderOutput>;

    /// Lists the versions that run on a capacity provider, page by page.
    #[operation(
        http = "GET /2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", on = capacity_provider(capacity_provider_name))]
    async fn list_function_versions_by_capacity_provider(
        &self,
        cx: &Context,
        input: ListFunctionVersionsByCapacityProviderInput,
    ) -> Result<ListFunctionVersionsByCapacityProviderOutput>;

    /// Says how many environments a version has at least and at most.
    #[operation(
        http = "PUT /2025-11-30/functions/{FunctionName}/function-scaling-config",
        status = 202, on = version(function_name, qualifier))]
    async fn put_function_scaling_config(
        &self,
        cx: &Context,
        input: PutFunctionScalingConfigInput,
    ) -> Result<PutFunctionScalingConfigOutput>;

    /// Answers how many environments a version has at least and at most.
    #[operation(http = "GET /2025-11-30/functions/{FunctionName}/function-scaling-config", on = version(function_name, qualifier))]
    async fn get_function_scaling_config(
        &self,
        cx: &Context,
        input: GetFunctionScalingConfigInput,
    ) -> Result<GetFunctionScalingConfigOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateCapacityProviderInput {
    #[wire(like = CAPACITY_PROVIDER_NAME)]
    pub capacity_provider_name: String,
    pub vpc_config: CapacityProviderVpcConfig,
    pub permissions_config: CapacityProviderPermissionsConfig,
    pub instance_requirements: Option<InstanceRequirements>,
    pub capacity_provider_scaling_config: Option<CapacityProviderScalingConfig>,
    #[wire(like = KMS_KEY_ARN_NON_EMPTY)]
    pub kms_key_arn: Option<String>,
    #[wire(like = TAGS)]
    pub tags: Option<BTreeMap<String, String>>,
    pub propagate_tags: Option<PropagateTags>,
    pub telemetry_config: Option<CapacityProviderTelemetryConfig>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct CreateCapacityProviderOutput {
    pub capacity_provider: CapacityProvider,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetCapacityProviderInput {
    #[wire(label, like = CAPACITY_PROVIDER_NAME)]
    pub capacity_provider_name: String,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct GetCapacityProviderOutput {
    pub capacity_provider: CapacityProvider,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListCapacityProvidersInput {
    #[wire(query = "State")]
    pub state: Option<CapacityProviderState>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_FIFTY_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListCapacityProvidersOutput {
    pub capacity_providers: Vec<CapacityProvider>,
    pub next_marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateCapacityProviderInput {
    #[wire(label, like = CAPACITY_PROVIDER_NAME)]
    pub capacity_provider_name: String,
    pub capacity_provider_scaling_config: Option<CapacityProviderScalingConfig>,
    pub propagate_tags: Option<PropagateTags>,
    pub telemetry_config: Option<CapacityProviderTelemetryConfig>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct UpdateCapacityProviderOutput {
    pub capacity_provider: CapacityProvider,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteCapacityProviderInput {
    #[wire(label, like = CAPACITY_PROVIDER_NAME)]
    pub capacity_provider_name: String,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct DeleteCapacityProviderOutput {
    pub capacity_provider: CapacityProvider,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListFunctionVersionsByCapacityProviderInput {
    #[wire(label, like = CAPACITY_PROVIDER_NAME)]
    pub capacity_provider_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_FIFTY_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListFunctionVersionsByCapacityProviderOutput {
    #[wire(like = CAPACITY_PROVIDER_ARN)]
    pub capacity_provider_arn: String,
    pub function_versions: Vec<FunctionVersionsByCapacityProviderListItem>,
    pub next_marker: Option<String>,
}

/// A version that runs on a capacity provider.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct FunctionVersionsByCapacityProviderListItem {
    pub function_arn: String,
    pub state: State,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutFunctionScalingConfigInput {
    #[wire(label, like = UNQUALIFIED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = PUBLISHED_FUNCTION_QUALIFIER)]
    pub qualifier: String,
    pub function_scaling_config: Option<FunctionScalingConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutFunctionScalingConfigOutput {
    pub function_state: Option<State>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionScalingConfigInput {
    #[wire(label, like = UNQUALIFIED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = PUBLISHED_FUNCTION_QUALIFIER)]
    pub qualifier: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionScalingConfigOutput {
    pub function_arn: Option<String>,
    pub applied_function_scaling_config: Option<FunctionScalingConfig>,
    pub requested_function_scaling_config: Option<FunctionScalingConfig>,
}

/// A capacity provider, as it stands.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct CapacityProvider {
    #[wire(like = CAPACITY_PROVIDER_ARN)]
    pub capacity_provider_arn: String,
    pub state: CapacityProviderState,
    pub vpc_config: CapacityProviderVpcConfig,
    pub permissions_config: CapacityProviderPermissionsConfig,
    pub instance_requirements: Option<InstanceRequirements>,
    pub capacity_provider_scaling_config: Option<CapacityProviderScalingConfig>,
    #[wire(like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub last_modified: Option<String>,
    pub propagate_tags: Option<PropagateTags>,
    pub telemetry_config: Option<CapacityProviderTelemetryConfig>,
}

/// The subnets and security groups of the instances.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderVpcConfig {
    #[wire(like = CAPACITY_PROVIDER_SUBNET_IDS)]
    pub subnet_ids: Vec<String>,
    #[wire(like = CAPACITY_PROVIDER_SECURITY_GROUP_IDS)]
    pub security_group_ids: Vec<String>,
}

/// The role that manages the instances.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderPermissionsConfig {
    #[wire(like = ROLE_ARN)]
    pub capacity_provider_operator_role_arn: String,
}

/// What instances may be.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct InstanceRequirements {
    #[wire(like = ARCHITECTURES_LIST)]
    pub architectures: Option<Vec<Architecture>>,
    #[wire(like = INSTANCE_TYPE_SET)]
    pub allowed_instance_types: Option<Vec<String>>,
    #[wire(like = INSTANCE_TYPE_SET)]
    pub excluded_instance_types: Option<Vec<String>>,
}

/// How far and by what the instances scale.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderScalingConfig {
    #[wire(like = CAPACITY_PROVIDER_MAX_V_CPU_COUNT)]
    pub max_v_cpu_count: Option<i32>,
    pub scaling_mode: Option<CapacityProviderScalingMode>,
    #[wire(like = CAPACITY_PROVIDER_SCALING_POLICIES_LIST)]
    pub scaling_policies: Option<Vec<TargetTrackingScalingPolicy>>,
}

/// A metric and the value it is kept at.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct TargetTrackingScalingPolicy {
    pub predefined_metric_type: CapacityProviderPredefinedMetricType,
    #[wire(like = METRIC_TARGET_VALUE)]
    pub target_value: f64,
}

/// Which tags the instances get.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PropagateTags {
    pub mode: Option<PropagateTagsMode>,
    #[wire(like = PROPAGATE_TAGS_EXPLICIT_TAGS_MAP)]
    pub explicit_tags: Option<BTreeMap<String, String>>,
}

/// What a capacity provider logs.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderTelemetryConfig {
    pub logging_config: Option<CapacityProviderLoggingConfig>,
}

/// Where a capacity provider logs, and from which level on.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderLoggingConfig {
    pub system_log_level: Option<SystemLogLevel>,
    #[wire(like = LOG_GROUP)]
    pub log_group: Option<String>,
}

/// How many execution environments a version has at least and at most.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FunctionScalingConfig {
    #[wire(like = FUNCTION_SCALING_CONFIG_EXECUTION_ENVIRONMENTS)]
    pub min_execution_environments: Option<i32>,
    #[wire(like = FUNCTION_SCALING_CONFIG_EXECUTION_ENVIRONMENTS)]
    pub max_execution_environments: Option<i32>,
}

enumeration! {
    pub enum CapacityProviderScalingMode {
        Auto = "Auto",
        Manual = "Manual",
    }
}

enumeration! {
    pub enum CapacityProviderPredefinedMetricType {
        LambdaCapacityProviderAverageCPUUtilization = "LambdaCapacityProviderAverageCPUUtilization",
        LambdaCapacityProviderAverageGPUUtilization = "LambdaCapacityProviderAverageGPUUtilization",
    }
}

enumeration! {
    pub enum PropagateTagsMode {
        None = "None",
        Explicit = "Explicit",
    }
}

enumeration! {
    pub enum CapacityProviderState {
        Pending = "Pending",
        Active = "Active",
        Failed = "Failed",
        Deleting = "Deleting",
    }
}
