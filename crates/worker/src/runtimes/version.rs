// SPDX-License-Identifier: Apache-2.0
//! Which version of a runtime: an id for each interpreter that a runtime can run on.
//!
//! It is made from what the interpreter is called and says of itself, and from when and how large it was installed; of one
//! that lives in an image, from the image's digest. Our bootstraps are no part of it: they come and go with this program.

use super::identifier::Identifier;
use super::image::ImageRoot;
use super::search::Prefix;
use names::Region;
use sha2::{Digest as _, Sha256};
use std::time::UNIX_EPOCH;

/// What AWS calls the version with this id: in a function's configuration, and in its log.
pub fn version_arn(region: &Region, id: &str) -> String {
    format!("arn:aws:lambda:{region}::runtime:{id}")
}

/// 64 hexadecimal digits, as the last part of AWS's ARNs of runtime versions.
pub(super) fn id(
    identifier: Identifier,
    prefix: Option<&Prefix>,
    image: Option<&ImageRoot>,
) -> String {
    let mut text = identifier.to_string();
    if let Some(prefix) = prefix {
        text.push_str(&format!(" {}", prefix.version));
    }
    match (image, prefix) {
        (Some(image), _) => text.push_str(&format!(" {}", image.digest)),
        (None, Some(prefix)) => text.push_str(&installation(prefix)),
        (None, None) => {}
    }
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn installation(prefix: &Prefix) -> String {
    let Ok(metadata) = prefix.interpreter().metadata() else { return String::new() };
    let installed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!(" {} {}", metadata.len(), installed.unwrap_or_default().as_nanos())
}
