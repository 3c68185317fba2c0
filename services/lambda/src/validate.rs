// SPDX-License-Identifier: Apache-2.0
//! From what a request asks for to settings that hold.
//!
//! Rules of one member's form (patterns, ranges of the model) were checked by the front layer. Here are the rules of
//! the service: what goes together, what an ordinary function may have, and what this build enforces. Every member is
//! in one of three lists:
//!
//! - enforced: `Runtime`, `Handler`, `Role`, `Timeout`, `MemorySize`, `EphemeralStorage`, `Environment`,
//!   `LoggingConfig`, `TracingConfig`, `Architectures`, `TenancyConfig`, `ImageConfig`, `CapacityProviderConfig`, and `Layers`, which `layers.rs` knows;
//! - stored only, since every deployment tool sends it: `VpcConfig`;
//! - refused, unless it says "nothing": see `refuse.rs`.

use crate::error::Error;
use crate::image::ImageOverrides;
use crate::instances;
use crate::logging::LogFormat;
use crate::refuse;
use crate::settings::{
    EnvVars, MEMORY_MB_DEFAULT, Settings, TIMEOUT_S_DEFAULT, TMP_MB_DEFAULT, Vpc,
};
use api::lambda;
use std::collections::BTreeMap;

/// Of ordinary functions: the model allows more to kinds that this build does not have.
const TIMEOUT_S_MAX: i32 = 900;
const MEMORY_MB_MAX: i32 = 10_240;
const TMP_MB_MAX: i32 = 10_240;
const ENV_VARS_BYTES_MAX: usize = 4_096;
const TAGS_MAX: usize = 50;

/// Keys that Lambda sets itself.
const RESERVED_ENV_VARS: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// The members that creating and updating share, as they were asked for.
struct Asked {
    runtime: Option<String>,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i32>,
    memory_size: Option<i32>,
    vpc_config: Option<lambda::VpcConfig>,
    environment: Option<lambda::Environment>,
    tracing_config: Option<lambda::TracingConfig>,
    ephemeral_storage: Option<lambda::EphemeralStorage>,
    logging_config: Option<lambda::LoggingConfig>,
    image_config: Option<lambda::ImageConfig>,
    capacity: Option<lambda::CapacityProviderConfig>,
    dead_letter_config: Option<lambda::DeadLetterConfig>,
    snap_start: Option<lambda::SnapStart>,
}

/// The settings of a new function called `name`.
pub(crate) fn settings_of_new(
    name: &str,
    input: &mut lambda::CreateFunctionInput,
) -> Result<Settings, Error> {
    refuse::in_create(input)?;
    let asked = Asked {
        runtime: input.runtime.take(),
        role: Some(std::mem::take(&mut input.role)),
        handler: input.handler.take(),
        description: input.description.take(),
        timeout: input.timeout,
        memory_size: input.memory_size,
        vpc_config: input.vpc_config.take(),
        environment: input.environment.take(),
        tracing_config: input.tracing_config.take(),
        ephemeral_storage: input.ephemeral_storage.take(),
        logging_config: input.logging_config.take(),
        image_config: input.image_config.take(),
        capacity: input.capacity_provider_config.take(),
        dead_letter_config: input.dead_letter_config.take(),
        snap_start: input.snap_start.take(),
    };
    let defaults = Settings {
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        description: String::new(),
        timeout_s: TIMEOUT_S_DEFAULT,
        memory_mb: MEMORY_MB_DEFAULT,
        tmp_mb: TMP_MB_DEFAULT,
        env_vars: None,
        log_group: format!("/aws/lambda/{name}"),
        log_format: LogFormat::default(),
        architecture: refuse::host_architecture().as_str().to_owned(),
        is_traced: false,
        vpc: None,
        image_overrides: None,
        layers: Vec::new(),
        dead_letters: None,
        is_tenant_isolated: input.tenancy_config.is_some(),
        capacity: None,
        has_snap_start: false,
    };
    let defaults = match asked.capacity.is_some() {
        true => Settings {
            memory_mb: instances::MEMORY_MB_MIN,
            log_format: LogFormat::JSON,
            ..defaults
        },
        false => defaults,
    };
    let is_image = input.package_type == Some(lambda::PackageType::Image);
    let settings = changed(defaults, asked)?;
    instances::check(&settings, is_image)?;
    if !is_image && (settings.runtime.is_empty() || settings.handler.is_empty()) {
        let text = "Runtime and Handler are mandatory parameters for functions created with deployment packages.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    Ok(settings)
}

/// `settings` after an update.
pub(crate) fn settings_after(
    settings: &Settings,
    kind: lambda::PackageType,
    input: &mut lambda::UpdateFunctionConfigurationInput,
) -> Result<Settings, Error> {
    refuse::in_update(input, kind)?;
    let asked = Asked {
        runtime: input.runtime.take(),
        role: input.role.take(),
        handler: input.handler.take(),
        description: input.description.take(),
        timeout: input.timeout,
        memory_size: input.memory_size,
        vpc_config: input.vpc_config.take(),
        environment: input.environment.take(),
        tracing_config: input.tracing_config.take(),
        ephemeral_storage: input.ephemeral_storage.take(),
        logging_config: input.logging_config.take(),
        image_config: input.image_config.take(),
        capacity: input.capacity_provider_config.take(),
        dead_letter_config: input.dead_letter_config.take(),
        snap_start: input.snap_start.take(),
    };
    if asked.capacity.is_some() && settings.capacity.is_none() {
        let text = "CapacityProviderConfig isn't supported for Lambda Default functions.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    let settings = changed(settings.clone(), asked)?;
    instances::check(&settings, kind == lambda::PackageType::Image)?;
    Ok(settings)
}

fn changed(mut settings: Settings, asked: Asked) -> Result<Settings, Error> {
    if let Some(runtime) = asked.runtime {
        check_runtime(&runtime)?;
        settings.runtime = runtime;
    }
    replace(&mut settings.role, asked.role);
    replace(&mut settings.handler, asked.handler);
    replace(&mut settings.description, asked.description);
    replace(&mut settings.timeout_s, at_most(asked.timeout, TIMEOUT_S_MAX, "timeout")?);
    instances::take(&mut settings, asked.capacity)?;
    let memory_mb_max = match settings.capacity {
        Some(_) => instances::MEMORY_MB_MAX,
        None => MEMORY_MB_MAX,
    };
    replace(&mut settings.memory_mb, at_most(asked.memory_size, memory_mb_max, "memorySize")?);
    let tmp_mb = asked.ephemeral_storage.map(|storage| storage.size);
    replace(&mut settings.tmp_mb, at_most(tmp_mb, TMP_MB_MAX, "ephemeralStorage.size")?);
    if let Some(environment) = asked.environment {
        settings.env_vars = Some(env_vars(environment.variables.unwrap_or_default())?);
    }
    if let Some(logging) = asked.logging_config {
        settings.log_format = settings.log_format.after(&logging)?;
        replace(&mut settings.log_group, logging.log_group);
    }
    if let Some(mode) = asked.tracing_config.and_then(|tracing| tracing.mode) {
        settings.is_traced = mode == lambda::TracingMode::Active;
    }
    if let Some(apply_on) = asked.snap_start.and_then(|snap_start| snap_start.apply_on) {
        settings.has_snap_start = apply_on == lambda::SnapStartApplyOn::PublishedVersions;
    }
    if let Some(config) = asked.image_config {
        settings.image_overrides = ImageOverrides::read(config)?;
    }
    if let Some(vpc) = asked.vpc_config {
        settings.vpc = Some(attachment(vpc));
    }
    if let Some(config) = asked.dead_letter_config {
        settings.dead_letters = dead_letters(config)?;
    }
    Ok(settings)
}

/// A queue or a topic. Whether it is there shows when something is delivered. The text is ours.
fn dead_letters(config: lambda::DeadLetterConfig) -> Result<Option<String>, Error> {
    let Some(arn) = config.target_arn.filter(|arn| !arn.is_empty()) else { return Ok(None) };
    if !matches!(arn.split(':').nth(2), Some("sqs" | "sns")) {
        let text = "The dead letter target must be an SQS queue or an SNS topic.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    Ok(Some(arn))
}

/// What a function may be whose versions have snapshots. The sentence about the runtime is AWS's.
pub(crate) fn check_snap_start(settings: &Settings) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::InvalidParameter(text));
    let runtime = settings.runtime.as_str();
    if runtime.is_empty() {
        return refuse("SnapStart is not supported for container images.".to_owned());
    }
    if !has_snapshots(runtime) {
        return refuse(format!("{runtime} is not supported for SnapStart enabled functions."));
    }
    if runtime.starts_with("dotnet") {
        return refuse(format!(
            "SnapStart for {runtime} is not available in this build of Tinderbox: it brings back runtimes of Python and Java."
        ));
    }
    if settings.tmp_mb > TMP_MB_DEFAULT {
        let text =
            "SnapStart is not supported for functions with EphemeralStorage larger than 512 MB.";
        return refuse(text.to_owned());
    }
    if settings.capacity.is_some() {
        let text = "SnapStart is not supported for functions with a capacity provider.";
        return refuse(text.to_owned());
    }
    if settings.is_tenant_isolated {
        return refuse(
            "SnapStart is not supported for functions with tenant isolation.".to_owned(),
        );
    }
    Ok(())
}

/// The runtimes that AWS has snapshots of: Java from 11 on, Python from 3.12 on, .NET from 8 on.
fn has_snapshots(runtime: &str) -> bool {
    let number = |text: &str| text.split('.').next().and_then(|number| number.parse::<u32>().ok());
    if let Some(minor) = runtime.strip_prefix("python3.") {
        return number(minor).is_some_and(|minor| minor >= 12);
    }
    if let Some(major) = runtime.strip_prefix("java") {
        return number(major).is_some_and(|major| major >= 11);
    }
    runtime.strip_prefix("dotnet").and_then(number).is_some_and(|major| major >= 8)
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(Error::InvalidParameter(
            "Number of tags exceeds resource tag limit.".to_owned(),
        ));
    }
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        let text = "Tag keys that start with aws: are reserved for system use.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    Ok(())
}

/// What AWS deploys no more, and what cannot run here either. Others that AWS has retired go on here.
const RETIRED_RUNTIMES: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "java8",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
];

fn check_runtime(runtime: &str) -> Result<(), Error> {
    if RETIRED_RUNTIMES.contains(&runtime) {
        return Err(Error::InvalidParameter(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."
        )));
    }
    if runtime == "custom" {
        return Err(Error::Unsupported {
            member: "Runtime=custom",
            instead: "use a managed runtime or provided.al2023",
        });
    }
    if lambda::RUNTIMES.contains(&runtime) {
        return Ok(());
    }
    let known = lambda::RUNTIMES.join(", ");
    Err(Error::InvalidParameter(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{known}] or be a valid ARN"
    )))
}

fn env_vars(variables: BTreeMap<String, String>) -> Result<EnvVars, Error> {
    const PREFIX: &str = "Lambda was unable to configure your environment variables because the environment variables you have provided";
    let reserved: Vec<_> = variables
        .keys()
        .map(String::as_str)
        .filter(|key| RESERVED_ENV_VARS.contains(key))
        .collect();
    if !reserved.is_empty() {
        let keys = reserved.join(", ");
        return Err(Error::InvalidParameter(format!(
            "{PREFIX} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {keys}"
        )));
    }
    let measured = serde_json::to_string(&variables).unwrap_or_default();
    if measured.len() > ENV_VARS_BYTES_MAX {
        return Err(Error::InvalidParameter(format!(
            "{PREFIX} exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(EnvVars(variables))
}

/// No subnets and no groups mean no attachment: that is how tools detach a function. Both are answered, empty.
fn attachment(vpc: lambda::VpcConfig) -> Vpc {
    Vpc {
        subnet_ids: vpc.subnet_ids.unwrap_or_default(),
        security_group_ids: vpc.security_group_ids.unwrap_or_default(),
        is_ipv6_allowed: vpc.ipv6_allowed_for_dual_stack.unwrap_or_default(),
    }
}

fn at_most(value: Option<i32>, max: i32, at: &'static str) -> Result<Option<u32>, Error> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(number) if value <= max => Ok(Some(number)),
        _ => Err(Error::Constraint {
            value: value.to_string(),
            at,
            rule: format!("Member must have value less than or equal to {max}"),
        }),
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
