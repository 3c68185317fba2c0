// SPDX-License-Identifier: Apache-2.0
//! The settings of a function, as they are given and, where they are the same, answered.

use super::constraints::*;
use std::collections::BTreeMap;
use std::fmt;
use wire::{Structure, enumeration};

/// The subnets and security groups a function is to be attached to.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct VpcConfig {
    #[wire(like = SUBNET_IDS)]
    pub subnet_ids: Option<Vec<String>>,
    #[wire(like = SECURITY_GROUP_IDS)]
    pub security_group_ids: Option<Vec<String>>,
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

/// Where events go that all attempts failed for.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DeadLetterConfig {
    #[wire(like = RESOURCE_ARN)]
    pub target_arn: Option<String>,
}

/// Environment variables. Secrets stand in them: `Debug` tells their number only.
#[derive(Clone, Default, PartialEq, Structure)]
pub struct Environment {
    #[wire(like = ENVIRONMENT_VARIABLES)]
    pub variables: Option<BTreeMap<String, String>>,
}

/// Whether a function samples requests for X-Ray itself.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TracingConfig {
    pub mode: Option<TracingMode>,
}

/// How a mounted S3 file system is read.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct S3FilesConfig {
    pub direct_s3_read: Option<DirectS3Read>,
}

/// A file system and where it is mounted.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FileSystemConfig {
    #[wire(like = FILE_SYSTEM_ARN)]
    pub arn: String,
    #[wire(like = LOCAL_MOUNT_PATH)]
    pub local_mount_path: String,
    pub s3_files_config: Option<S3FilesConfig>,
}

/// What overrides the entry point, command and directory of an image.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ImageConfig {
    #[wire(like = STRING_LIST)]
    pub entry_point: Option<Vec<String>>,
    #[wire(like = STRING_LIST)]
    pub command: Option<Vec<String>>,
    #[wire(like = WORKING_DIRECTORY)]
    pub working_directory: Option<String>,
}

/// The size of `/tmp`, in MB.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EphemeralStorage {
    #[wire(like = EPHEMERAL_STORAGE_SIZE)]
    pub size: i32,
}

/// Whether published versions start from a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SnapStart {
    pub apply_on: Option<SnapStartApplyOn>,
}

/// Where a function's logs go, in which format, from which level on.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LoggingConfig {
    pub log_format: Option<LogFormat>,
    pub application_log_level: Option<ApplicationLogLevel>,
    pub system_log_level: Option<SystemLogLevel>,
    #[wire(like = LOG_GROUP)]
    pub log_group: Option<String>,
}

/// Whether each tenant gets execution environments of its own.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct TenancyConfig {
    pub tenant_isolation_mode: TenantIsolationMode,
}

/// Where the instances come from that a function runs on.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderConfig {
    pub lambda_managed_instances_capacity_provider_config:
        LambdaManagedInstancesCapacityProviderConfig,
}

/// The capacity provider a function runs on, and how densely.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LambdaManagedInstancesCapacityProviderConfig {
    #[wire(like = CAPACITY_PROVIDER_ARN)]
    pub capacity_provider_arn: String,
    #[wire(like = PER_EXECUTION_ENVIRONMENT_MAX_CONCURRENCY)]
    pub per_execution_environment_max_concurrency: Option<i32>,
    #[wire(name = "ExecutionEnvironmentMemoryGiBPerVCpu", like = EXECUTION_ENVIRONMENT_MEMORY_GIB_PER_VCPU)]
    pub execution_environment_memory_gib_per_vcpu: Option<f64>,
}

/// How long a durable execution may take, and how long it is kept.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DurableConfig {
    #[wire(name = "KMSKeyArn", like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    #[wire(like = RETENTION_PERIOD_IN_DAYS)]
    pub retention_period_in_days: Option<i32>,
    #[wire(like = EXECUTION_TIMEOUT)]
    pub execution_timeout: Option<i32>,
}

/// A runtime of the customer's own.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FunctionRuntimeConfig {
    #[wire(like = FUNCTION_RUNTIME_ARN)]
    pub runtime_arn: String,
    #[wire(like = FUNCTION_RUNTIME_ALIAS)]
    pub runtime_alias: String,
}

/// The memory of the accelerator a function gets, in GB.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AcceleratorConfig {
    pub accelerator_memory_size: i32,
}

enumeration! {
    pub enum TracingMode {
        Active = "Active",
        PassThrough = "PassThrough",
    }
}

enumeration! {
    pub enum DirectS3Read {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
        Auto = "AUTO",
    }
}

enumeration! {
    pub enum SnapStartApplyOn {
        PublishedVersions = "PublishedVersions",
        None = "None",
    }
}

enumeration! {
    pub enum LogFormat {
        Json = "JSON",
        Text = "Text",
    }
}

enumeration! {
    pub enum ApplicationLogLevel {
        Trace = "TRACE",
        Debug = "DEBUG",
        Info = "INFO",
        Warn = "WARN",
        Error = "ERROR",
        Fatal = "FATAL",
    }
}

enumeration! {
    pub enum SystemLogLevel {
        Debug = "DEBUG",
        Info = "INFO",
        Warn = "WARN",
    }
}

enumeration! {
    pub enum TenantIsolationMode {
        PerTenant = "PER_TENANT",
    }
}

enumeration! {
    pub enum PackageType {
        Zip = "Zip",
        Image = "Image",
    }
}

enumeration! {
    /// An instruction set.
    pub enum Architecture {
        X8664 = "x86_64",
        Arm64 = "arm64",
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.variables.as_ref().map(BTreeMap::len);
        f.debug_struct("Environment").field("variable_count", &count).finish()
    }
}

/// The runtimes of AWS's model. Any text passes the wire: Lambda itself refuses an unknown runtime, with
/// `InvalidParameterValueException` and this list.
pub const RUNTIMES: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "java8",
    "java8.al2",
    "java11",
    "java17",
    "java21",
    "java25",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "nodejs4.3-edge",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
    "provided",
    "provided.al2",
    "provided.al2023",
    "nodejs26.x",
    "python3.15",
    "java8.al2023",
    "java11.al2023",
    "java17.al2023",
    "custom",
];
