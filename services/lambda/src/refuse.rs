// SPDX-License-Identifier: Apache-2.0
//! Members that this build cannot enforce, and therefore does not accept.
//!
//! What says "nothing" (an empty list, an empty ARN, the default) is accepted: deployment tools send it.

use crate::error::Error;
use crate::image;
use crate::stored_code::incomplete;
use api::lambda;

/// The instruction set functions run on: this machine's own.
pub(crate) fn host_architecture() -> lambda::Architecture {
    if cfg!(target_arch = "aarch64") {
        lambda::Architecture::Arm64
    } else {
        lambda::Architecture::X8664
    }
}

/// Where code comes from.
struct Source<'a> {
    kind: lambda::PackageType,
    /// In AWS's sentence about it.
    change: &'static str,
    has_zip: bool,
    s3: [&'a Option<String>; 3],
    has_storage_mode: bool,
    image_uri: &'a Option<String>,
    source_kms_key_arn: &'a Option<String>,
}

pub(crate) fn in_create(input: &lambda::CreateFunctionInput) -> Result<(), Error> {
    let kind = input.package_type.unwrap_or(lambda::PackageType::Zip);
    if kind == lambda::PackageType::Image {
        image::check_package_members(
            input.runtime.as_ref(),
            input.handler.as_ref(),
            input.layers.as_ref(),
        )?;
        if is_text(&input.code_signing_config_arn) {
            let text = "Code signing is not supported for functions created with container images.";
            return Err(Error::InvalidParameter(text.to_owned()));
        }
    } else {
        image::check_image_members(input.image_config.as_ref())?;
    }
    in_source(&Source {
        kind,
        change: "creating",
        has_zip: input.code.zip_file.is_some(),
        s3: [&input.code.s3_bucket, &input.code.s3_key, &input.code.s3_object_version],
        has_storage_mode: input.code.s3_object_storage_mode.is_some(),
        image_uri: &input.code.image_uri,
        source_kms_key_arn: &input.code.source_kms_key_arn,
    })?;
    in_architectures(input.architectures.as_deref())?;
    let lambda::CreateFunctionInput {
        kms_key_arn,
        file_system_configs,
        durable_config,
        runtime_config,
        accelerator_config,
        ..
    } = input;
    in_both(&Both {
        kms_key_arn,
        has_file_systems: file_system_configs.as_ref().is_some_and(|configs| !configs.is_empty()),
        has_durable_config: durable_config.is_some(),
        has_runtime_config: runtime_config.is_some(),
        has_accelerator: accelerator_config.is_some(),
    })
}

pub(crate) fn in_update(
    input: &lambda::UpdateFunctionConfigurationInput,
    kind: lambda::PackageType,
) -> Result<(), Error> {
    match kind {
        lambda::PackageType::Image => image::check_package_members(
            input.runtime.as_ref(),
            input.handler.as_ref(),
            input.layers.as_ref(),
        )?,
        lambda::PackageType::Zip => image::check_image_members(input.image_config.as_ref())?,
    }
    in_both(&Both {
        kms_key_arn: &input.kms_key_arn,
        has_file_systems: input
            .file_system_configs
            .as_ref()
            .is_some_and(|configs| !configs.is_empty()),
        has_durable_config: input.durable_config.is_some(),
        has_runtime_config: input.runtime_config.is_some(),
        has_accelerator: input.accelerator_config.is_some(),
    })
}

pub(crate) fn in_code_update(
    input: &lambda::UpdateFunctionCodeInput,
    kind: lambda::PackageType,
) -> Result<(), Error> {
    in_source(&Source {
        kind,
        change: "updating",
        has_zip: input.zip_file.is_some(),
        s3: [&input.s3_bucket, &input.s3_key, &input.s3_object_version],
        has_storage_mode: input.s3_object_storage_mode.is_some(),
        image_uri: &input.image_uri,
        source_kms_key_arn: &input.source_kms_key_arn,
    })?;
    in_architectures(input.architectures.as_deref())?;
    Ok(())
}

/// What creating and updating share.
struct Both<'a> {
    kms_key_arn: &'a Option<String>,
    has_file_systems: bool,
    has_durable_config: bool,
    has_runtime_config: bool,
    has_accelerator: bool,
}

fn in_both(both: &Both<'_>) -> Result<(), Error> {
    if is_text(both.kms_key_arn) {
        return unsupported("KMSKeyArn", "environment variables are kept as they are");
    }
    if both.has_file_systems {
        return unsupported("FileSystemConfigs", "use /tmp or the package");
    }
    if both.has_durable_config {
        return unsupported("DurableConfig", "use an ordinary function");
    }
    if both.has_runtime_config {
        return unsupported("RuntimeConfig", "use a managed runtime or provided.al2023");
    }
    if both.has_accelerator {
        return unsupported("AcceleratorConfig", "functions run on the processor");
    }
    Ok(())
}

fn in_source(source: &Source<'_>) -> Result<(), Error> {
    let has_s3 = source.has_storage_mode || source.s3.iter().any(|member| is_text(member));
    let (change, has_image) = (source.change, is_text(source.image_uri));
    let invalid = |text: String| Err(Error::InvalidParameter(text));
    if source.kind == lambda::PackageType::Image {
        if !has_image || source.has_zip || has_s3 {
            return invalid(format!(
                "Please provide ImageUri when {change} a function with packageType Image."
            ));
        }
        return Ok(());
    }
    if has_image && !source.has_zip && source.change == "updating" {
        let text = "Please don't provide ImageUri when updating a function with packageType Zip.";
        return invalid(text.to_owned());
    }
    if source.has_zip && (has_s3 || is_text(source.image_uri)) {
        let text = "Please do not provide other FunctionCode parameters when providing a ZipFile.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    if source.has_storage_mode {
        return unsupported("S3ObjectStorageMode", "packages are copied");
    }
    if has_s3 {
        return Err(incomplete());
    }
    if is_text(source.source_kms_key_arn) {
        return unsupported("SourceKMSKeyArn", "packages are kept as they are");
    }
    if !source.has_zip {
        return Err(Error::InvalidParameter(
            "Please provide a source for function code.".to_owned(),
        ));
    }
    Ok(())
}

fn in_architectures(architectures: Option<&[lambda::Architecture]>) -> Result<(), Error> {
    match architectures {
        Some([architecture]) if *architecture != host_architecture() => {
            let instead = match host_architecture() {
                lambda::Architecture::X8664 => "this machine runs x86_64",
                lambda::Architecture::Arm64 => "this machine runs arm64",
            };
            unsupported("This value of Architectures", instead)
        }
        _ => Ok(()),
    }
}

fn is_text(member: &Option<String>) -> bool {
    member.as_ref().is_some_and(|text| !text.is_empty())
}

fn unsupported(member: &'static str, instead: &'static str) -> Result<(), Error> {
    Err(Error::Unsupported { member, instead })
}
