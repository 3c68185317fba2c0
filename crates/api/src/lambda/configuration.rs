// SPDX-License-Identifier: Apache-2.0
//! A function version as it is answered.

use super::settings::*;
use super::state::*;
use std::collections::BTreeMap;
use std::fmt;
use wire::{Output, Structure, enumeration};

/// A function version as every operation on it answers it.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct FunctionConfiguration {
    pub function_name: String,
    pub function_arn: String,
    pub runtime: Option<String>,
    pub role: String,
    pub handler: Option<String>,
    pub code_size: i64,
    pub description: String,
    pub timeout: i32,
    pub memory_size: i32,
    pub last_modified: String,
    pub code_sha256: String,
    pub version: String,
    pub vpc_config: Option<VpcConfigResponse>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub environment: Option<EnvironmentResponse>,
    #[wire(name = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
    pub tracing_config: Option<TracingConfigResponse>,
    pub master_arn: Option<String>,
    pub revision_id: String,
    pub layers: Option<Vec<Layer>>,
    pub state: Option<State>,
    pub state_reason: Option<String>,
    pub state_reason_code: Option<StateReasonCode>,
    pub last_update_status: Option<LastUpdateStatus>,
    pub last_update_status_reason: Option<String>,
    pub last_update_status_reason_code: Option<LastUpdateStatusReasonCode>,
    pub file_system_configs: Option<Vec<FileSystemConfig>>,
    pub signing_profile_version_arn: Option<String>,
    pub signing_job_arn: Option<String>,
    pub package_type: Option<PackageType>,
    pub image_config_response: Option<ImageConfigResponse>,
    pub architectures: Option<Vec<Architecture>>,
    pub ephemeral_storage: Option<EphemeralStorage>,
    pub snap_start: Option<SnapStartResponse>,
    pub runtime_version_config: Option<RuntimeVersionConfig>,
    pub logging_config: Option<LoggingConfig>,
    pub tenancy_config: Option<TenancyConfig>,
    pub capacity_provider_config: Option<CapacityProviderConfig>,
    pub config_sha256: Option<String>,
    pub durable_config: Option<DurableConfig>,
    pub runtime_config: Option<FunctionRuntimeConfig>,
    pub accelerator_config: Option<AcceleratorConfig>,
}

/// A VPC attachment as it was made.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct VpcConfigResponse {
    pub subnet_ids: Option<Vec<String>>,
    pub security_group_ids: Option<Vec<String>>,
    pub vpc_id: Option<String>,
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

/// Environment variables, or why there are none to show. `Debug` tells their number only.
#[derive(Clone, Default, PartialEq, Structure)]
pub struct EnvironmentResponse {
    pub variables: Option<BTreeMap<String, String>>,
    pub error: Option<EnvironmentError>,
}

/// Why environment variables could not be decrypted.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EnvironmentError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

/// The tracing mode in force.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TracingConfigResponse {
    pub mode: Option<TracingMode>,
}

/// A layer of a function.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Layer {
    pub arn: Option<String>,
    pub code_size: Option<i64>,
    pub signing_profile_version_arn: Option<String>,
    pub signing_job_arn: Option<String>,
}

/// An image configuration as it was taken.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ImageConfigResponse {
    pub image_config: Option<ImageConfig>,
    pub error: Option<ImageConfigError>,
}

/// Why an image configuration could not be read.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ImageConfigError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

/// Whether snapshots are on for this version.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SnapStartResponse {
    pub apply_on: Option<SnapStartApplyOn>,
    pub optimization_status: Option<SnapStartOptimizationStatus>,
}

/// The exact version of the managed runtime.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RuntimeVersionConfig {
    pub runtime_version_arn: Option<String>,
    pub error: Option<RuntimeVersionError>,
}

/// Why the runtime version is not known.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RuntimeVersionError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

enumeration! {
    pub enum SnapStartOptimizationStatus {
        On = "On",
        Off = "Off",
    }
}

impl fmt::Debug for EnvironmentResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.variables.as_ref().map(BTreeMap::len);
        f.debug_struct("EnvironmentResponse")
            .field("variable_count", &count)
            .field("error", &self.error)
            .finish()
    }
}
