// SPDX-License-Identifier: Apache-2.0
//! Functions that are container images: what is kept of one, and what may be asked of one.

use crate::code::CodeError;
use crate::error::Error;
use crate::settings::Settings;
use crate::version::{Failure, FailureCode, VersionRecord};
use api::lambda;
use api::lambda::fault;
use images::{Architecture, Config, Digest, Image, ImageError, Resolved};
use serde::{Deserialize, Serialize};
use store::BlobId;
use wire::Fault;
use worker::FunctionImage;

/// The most bytes of an entry point and a command: the kernel gets them in one piece.
const COMMAND_BYTES_MAX: usize = 16 << 10;

/// The image of a version, as its address was resolved once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageUse {
    pub(crate) uri: String,
    /// By digest.
    pub(crate) resolved_uri: String,
    config: Config,
}

/// What a function says instead of its image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageOverrides {
    entry_point: Option<Vec<String>>,
    command: Option<Vec<String>>,
    working_directory: Option<String>,
}

impl ImageUse {
    pub(crate) fn new(uri: String, resolved: Resolved) -> (Self, Image) {
        let Resolved { image, address, config } = resolved;
        (Self { uri, resolved_uri: address, config }, image)
    }

    /// How the image runs as this function.
    pub(crate) fn runnable(&self, image: &Image, settings: &Settings) -> FunctionImage {
        let overrides = settings.image_overrides.clone().unwrap_or_default();
        let config = &self.config;
        // Empty means "not overridden": that is how tools take an override back.
        let list = |over: Option<Vec<String>>, own: &Vec<String>| {
            over.filter(|list| !list.is_empty()).unwrap_or_else(|| own.clone())
        };
        let working_directory = overrides.working_directory.filter(|text| !text.is_empty());
        FunctionImage {
            image: image.clone(),
            entry_point: list(overrides.entry_point, &config.entry_point),
            command: list(overrides.command, &config.command),
            env: config.env.iter().filter_map(|line| pair(line)).collect(),
            working_directory: working_directory
                .unwrap_or_else(|| config.working_directory.clone()),
        }
    }
}

fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

impl ImageOverrides {
    /// `None` where it says nothing.
    pub(crate) fn read(config: lambda::ImageConfig) -> Result<Option<Self>, Error> {
        let lambda::ImageConfig { entry_point, command, working_directory } = config;
        let texts = || entry_point.iter().chain(&command).flatten().chain(&working_directory);
        let bytes: usize = texts().map(|text| text.len() + 1).sum();
        if bytes > COMMAND_BYTES_MAX || texts().any(|text| text.contains('\0')) {
            return Err(Error::InvalidParameter(format!(
                "ImageConfig must have no more than {COMMAND_BYTES_MAX} bytes, and no zero byte."
            )));
        }
        let overrides = Self { entry_point, command, working_directory };
        Ok((overrides != Self::default()).then_some(overrides))
    }

    pub(crate) fn view(&self) -> lambda::ImageConfig {
        lambda::ImageConfig {
            entry_point: self.entry_point.clone(),
            command: self.command.clone(),
            working_directory: self.working_directory.clone(),
        }
    }
}

impl VersionRecord {
    pub(crate) const fn is_image(&self) -> bool {
        self.image.is_some()
    }

    pub(crate) const fn package_type(&self) -> lambda::PackageType {
        if self.is_image() { lambda::PackageType::Image } else { lambda::PackageType::Zip }
    }
}

/// The hash of a version that is an image: the image's digest.
pub(crate) fn hash(image: &Image) -> Option<BlobId> {
    image.digest().hexadecimal().parse().ok()
}

pub(crate) fn digest(hash: BlobId) -> Option<Digest> {
    Digest::from_hexadecimal(&hash.to_string()).ok()
}

/// This machine's, the only one that functions may have.
pub(crate) const fn architecture() -> Architecture {
    Architecture::of_this_machine()
}

/// A member that only packages have.
pub(crate) fn check_package_members(
    runtime: Option<&String>,
    handler: Option<&String>,
    layers: Option<&Vec<String>>,
) -> Result<(), Error> {
    if runtime.is_some() || handler.is_some() || layers.is_some_and(|layers| !layers.is_empty()) {
        let text = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    Ok(())
}

/// A member that only images have. AWS's own words are not known.
pub(crate) fn check_image_members(config: Option<&lambda::ImageConfig>) -> Result<(), Error> {
    if config.is_some_and(|config| *config != lambda::ImageConfig::default()) {
        let text =
            "Please don't provide ImageConfig when the intended function PackageType is Zip.";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    Ok(())
}

/// Why an image that was asked for is not taken.
pub(crate) fn fault_of(uri: &str, error: &ImageError) -> Option<Fault> {
    const NO_ACCESS: &str =
        "Lambda does not have permission to access the ECR image. Check the ECR permissions.";
    let invalid = fault::invalid_parameter_value;
    Some(match error {
        ImageError::Address { .. } => {
            invalid(format!("Source image {uri} is not valid. Provide a valid source image."))
        }
        ImageError::NotFound => {
            invalid(format!("Source image {uri} does not exist. Provide a valid source image."))
        }
        ImageError::Denied => {
            Fault::new("AccessDeniedException", 403, NO_ACCESS).with_upper_message()
        }
        ImageError::NotAllowed { .. } => {
            Fault::new("AccessDeniedException", 403, format!("{NO_ACCESS} ({error})"))
                .with_upper_message()
        }
        ImageError::MediaType { .. } => invalid(format!(
            "The image manifest, config or layer media type for the source image {uri} is not supported."
        )),
        ImageError::Platform { .. }
        | ImageError::Digest { .. }
        | ImageError::Malformed { .. }
        | ImageError::Refused { .. }
        | ImageError::TooLarge { .. } => invalid(format!(
            "Source image {uri} is not valid. Provide a valid source image. ({error})"
        )),
        ImageError::Unreachable { .. } => {
            fault::service(format!("Source image {uri} could not be looked up: {error}"))
        }
        ImageError::NoRoom { .. } | ImageError::File { .. } | ImageError::Closed => return None,
    })
}

/// What becomes of a version whose image could not be pulled.
pub(crate) fn failure(error: &ImageError) -> Failure {
    let (code, reason) = match error {
        ImageError::NotFound => (
            FailureCode::ImageDeleted,
            "The container image was deleted from its repository.".to_owned(),
        ),
        ImageError::Denied | ImageError::NotAllowed { .. } => (
            FailureCode::ImageAccessDenied,
            "Lambda does not have permission to access the ECR image. Check the ECR permissions."
                .to_owned(),
        ),
        ImageError::Address { .. }
        | ImageError::MediaType { .. }
        | ImageError::Platform { .. }
        | ImageError::Digest { .. }
        | ImageError::Malformed { .. }
        | ImageError::Refused { .. }
        | ImageError::TooLarge { .. } => {
            (FailureCode::InvalidImage, format!("The container image is not valid: {error}"))
        }
        ImageError::Unreachable { .. } | ImageError::NoRoom { .. } => (
            FailureCode::InternalError,
            format!("The container image could not be pulled: {error}"),
        ),
        ImageError::File { .. } | ImageError::Closed => {
            tracing::error!(error = error as &dyn std::error::Error, "image not unpacked");
            let text = "The container image could not be unpacked on this server.";
            (FailureCode::InternalError, text.to_owned())
        }
    };
    Failure::new(code, reason)
}

/// An image that could not be pulled when it was needed: a crash took it, and its registry does not give it again.
pub(crate) fn not_runnable(error: CodeError) -> Error {
    match error {
        CodeError::Image(error) => Error::ImageNotRunnable { reason: failure(&error).reason },
        error => Error::Code(error),
    }
}
