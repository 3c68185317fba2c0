// SPDX-License-Identifier: Apache-2.0
//! A version as AWS answers it: which members are present where follows recordings of real AWS of 2023 and 2024.

use crate::function::Key;
use crate::settings::{Settings, Vpc};
use crate::version::{Failure, State, Update, Version};
use api::lambda;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::BlobId;
use wire::Timestamp;
use worker::runtimes::version_arn;

const CREATING: &str = "The function is being created.";

/// Whether the answer's ARN names the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArnForm {
    Unqualified,
    Qualified,
}

/// The version whole, as get, create, update and publish answer it.
pub(crate) fn configuration(
    key: &Key,
    version: &Version,
    form: ArnForm,
) -> lambda::FunctionConfiguration {
    let record = &version.record;
    let mut configuration = item(key, version, form);
    configuration.runtime_version_config =
        record.runtime_version.as_deref().map(|id| lambda::RuntimeVersionConfig {
            runtime_version_arn: Some(version_arn(&key.region, id)),
            error: None,
        });

    let (state, reason) = match &record.state {
        State::Pending => {
            (lambda::State::Pending, Some((CREATING, lambda::StateReasonCode::Creating)))
        }
        State::Active if is_non_invocable(version) => (lambda::State::ActiveNonInvocable, None),
        State::Active => (lambda::State::Active, None),
        State::Deactivated => (lambda::State::Deactivated, None),
        State::Failed(failure) => {
            (lambda::State::Failed, Some((failure.reason.as_str(), failure.code.state())))
        }
    };
    configuration.state = Some(state);
    configuration.state_reason = reason.map(|(text, _)| text.to_owned());
    configuration.state_reason_code = reason.map(|(_, code)| code);

    let (status, reason) = match &record.update {
        None => (None, None),
        // As AWS answers it, "created" and all. Its code is not among those the model lists for this member.
        Some(Update::InProgress) => {
            (Some(lambda::LastUpdateStatus::InProgress), Some((CREATING, None)))
        }
        Some(Update::Successful) => (Some(lambda::LastUpdateStatus::Successful), None),
        Some(Update::Failed(failure)) => (
            Some(lambda::LastUpdateStatus::Failed),
            Some((failure.reason.as_str(), Some(failure.code.update()))),
        ),
    };
    configuration.last_update_status = status;
    configuration.last_update_status_reason = reason.map(|(text, _)| text.to_owned());
    configuration.last_update_status_reason_code = reason.and_then(|(_, code)| code);
    configuration
}

/// The version as lists answer it: without its state and the version of its runtime.
pub(crate) fn item(key: &Key, version: &Version, form: ArnForm) -> lambda::FunctionConfiguration {
    let record = &version.record;
    let settings = &record.settings;
    let arn = match form {
        ArnForm::Unqualified => key.arn(),
        ArnForm::Qualified => key.qualified_arn(version.number),
    };
    lambda::FunctionConfiguration {
        function_name: key.name.to_string(),
        function_arn: arn,
        runtime: (!record.is_image()).then(|| settings.runtime.clone()),
        role: settings.role.clone(),
        handler: (!record.is_image()).then(|| settings.handler.clone()),
        code_size: long(record.code_bytes),
        description: record.description.as_ref().unwrap_or(&settings.description).clone(),
        timeout: integer(settings.timeout_s),
        memory_size: integer(settings.memory_mb),
        last_modified: Timestamp::from_epoch_ms(record.last_modified_ms).lambda_text(),
        code_sha256: code_sha256(version),
        version: version.number.to_string(),
        vpc_config: settings.vpc.as_ref().map(vpc),
        environment: environment(settings),
        tracing_config: Some(lambda::TracingConfigResponse {
            mode: Some(if settings.is_traced {
                lambda::TracingMode::Active
            } else {
                lambda::TracingMode::PassThrough
            }),
        }),
        revision_id: record.revision_id.clone(),
        layers: layers(settings),
        package_type: Some(match record.is_image() {
            true => lambda::PackageType::Image,
            false => lambda::PackageType::Zip,
        }),
        image_config_response: settings.image_overrides.as_ref().map(|overrides| {
            lambda::ImageConfigResponse { image_config: Some(overrides.view()), error: None }
        }),
        tenancy_config: settings.is_tenant_isolated.then_some(lambda::TenancyConfig {
            tenant_isolation_mode: lambda::TenantIsolationMode::PerTenant,
        }),
        architectures: lambda::Architecture::parse(&settings.architecture)
            .map(|architecture| vec![architecture]),
        ephemeral_storage: Some(lambda::EphemeralStorage { size: integer(settings.tmp_mb) }),
        dead_letter_config: settings
            .dead_letters
            .as_ref()
            .map(|arn| lambda::DeadLetterConfig { target_arn: Some(arn.clone()) }),
        snap_start: Some(snap_start(version)),
        logging_config: Some(settings.log_format.config(&settings.log_group)),
        capacity_provider_config: settings
            .capacity
            .as_ref()
            .map(|capacity| capacity.view(settings)),
        ..lambda::FunctionConfiguration::default()
    }
}

/// Of a function on a capacity provider, what is not published.
fn is_non_invocable(version: &Version) -> bool {
    version.record.settings.capacity.is_some() && !version.is_managed()
}

pub(crate) fn state(version: &Version) -> lambda::State {
    match version.record.state {
        State::Pending => lambda::State::Pending,
        State::Active => lambda::State::Active,
        State::Failed(_) => lambda::State::Failed,
        State::Deactivated => lambda::State::Deactivated,
    }
}

fn snap_start(version: &Version) -> lambda::SnapStartResponse {
    let apply_on = match version.record.settings.has_snap_start {
        true => lambda::SnapStartApplyOn::PublishedVersions,
        false => lambda::SnapStartApplyOn::None,
    };
    let status = match version.record.snapshot {
        Some(_) => lambda::SnapStartOptimizationStatus::On,
        None => lambda::SnapStartOptimizationStatus::Off,
    };
    lambda::SnapStartResponse { apply_on: Some(apply_on), optimization_status: Some(status) }
}

pub(crate) fn code_sha256(version: &Version) -> String {
    match version.record.is_image() {
        true => version.record.code.to_string(),
        false => sha256(version.record.code),
    }
}

pub(crate) fn sha256(package: BlobId) -> String {
    STANDARD.encode(package.as_bytes())
}

fn layers(settings: &Settings) -> Option<Vec<lambda::Layer>> {
    let layers = settings.layers.iter().map(|layer| lambda::Layer {
        arn: Some(layer.arn.clone()),
        code_size: Some(long(layer.code_bytes)),
        ..lambda::Layer::default()
    });
    (!settings.layers.is_empty()).then(|| layers.collect())
}

fn environment(settings: &Settings) -> Option<lambda::EnvironmentResponse> {
    let env_vars = settings.env_vars.as_ref()?;
    Some(lambda::EnvironmentResponse { variables: Some(env_vars.0.clone()), error: None })
}

fn vpc(vpc: &Vpc) -> lambda::VpcConfigResponse {
    lambda::VpcConfigResponse {
        subnet_ids: Some(vpc.subnet_ids.clone()),
        security_group_ids: Some(vpc.security_group_ids.clone()),
        // What the subnets belong to is known to nobody here.
        vpc_id: Some(String::new()),
        ipv6_allowed_for_dual_stack: Some(vpc.is_ipv6_allowed),
    }
}

pub(crate) fn long(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn integer(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

impl crate::version::FailureCode {
    const fn state(self) -> lambda::StateReasonCode {
        match self {
            Self::InvalidZipFile => lambda::StateReasonCode::InvalidZipFileException,
            Self::ImageDeleted => lambda::StateReasonCode::ImageDeleted,
            Self::ImageAccessDenied => lambda::StateReasonCode::ImageAccessDenied,
            Self::InvalidImage => lambda::StateReasonCode::InvalidImage,
            Self::InternalError => lambda::StateReasonCode::InternalError,
            Self::FunctionInit => lambda::StateReasonCode::FunctionErrorRuntimeInitError,
            Self::InvalidRuntime => lambda::StateReasonCode::InvalidRuntime,
            Self::CapacityLimit => lambda::StateReasonCode::CapacityProviderScalingLimitExceeded,
            Self::InsufficientCapacity => lambda::StateReasonCode::InsufficientCapacity,
            Self::FunctionError => lambda::StateReasonCode::FunctionError,
            Self::InitTimeout => lambda::StateReasonCode::FunctionErrorInitTimeout,
            Self::RuntimeInitError => lambda::StateReasonCode::FunctionErrorRuntimeInitError,
            Self::InitResourceExhausted => {
                lambda::StateReasonCode::FunctionErrorInitResourceExhausted
            }
            Self::InvalidEntryPoint => lambda::StateReasonCode::FunctionErrorInvalidEntryPoint,
            Self::InvalidWorkingDirectory => {
                lambda::StateReasonCode::FunctionErrorInvalidWorkingDirectory
            }
            Self::ExtensionInitError => lambda::StateReasonCode::FunctionErrorExtensionInitError,
        }
    }

    const fn update(self) -> lambda::LastUpdateStatusReasonCode {
        match self {
            Self::InvalidZipFile => lambda::LastUpdateStatusReasonCode::InvalidZipFileException,
            Self::ImageDeleted => lambda::LastUpdateStatusReasonCode::ImageDeleted,
            Self::ImageAccessDenied => lambda::LastUpdateStatusReasonCode::ImageAccessDenied,
            Self::InvalidImage => lambda::LastUpdateStatusReasonCode::InvalidImage,
            Self::InternalError => lambda::LastUpdateStatusReasonCode::InternalError,
            Self::FunctionInit => lambda::LastUpdateStatusReasonCode::FunctionErrorRuntimeInitError,
            Self::InvalidRuntime => lambda::LastUpdateStatusReasonCode::InvalidRuntime,
            Self::CapacityLimit => {
                lambda::LastUpdateStatusReasonCode::CapacityProviderScalingLimitExceeded
            }
            Self::InsufficientCapacity => lambda::LastUpdateStatusReasonCode::InsufficientCapacity,
            // Only a published version initialises ahead, and that is never updated.
            Self::FunctionError
            | Self::InitTimeout
            | Self::RuntimeInitError
            | Self::InitResourceExhausted
            | Self::InvalidEntryPoint
            | Self::InvalidWorkingDirectory
            | Self::ExtensionInitError => lambda::LastUpdateStatusReasonCode::FunctionError,
        }
    }
}

impl Failure {
    pub(crate) fn new(code: crate::version::FailureCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}
