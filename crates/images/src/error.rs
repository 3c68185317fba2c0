// SPDX-License-Identifier: Apache-2.0
//! Why an image is not there, in the words that its caller may see.

use crate::digest::Digest;
use std::io;
use std::path::PathBuf;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The image, its address, or the registry it is in.
    Customer,
    /// This machine or this platform.
    Platform,
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("`{text}` is not the address of an image")]
    Address { text: String },
    /// The operator has not allowed it.
    #[error("images may not come from `{place}` on this server")]
    NotAllowed { place: String },
    #[error("there is no such image")]
    NotFound,
    #[error("the registry denies access to the image")]
    Denied,
    /// It may be different the next time.
    #[error("`{host}` did not answer as a registry does: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the media type `{media_type}` is not supported")]
    MediaType { media_type: String },
    #[error("the image is for {found}, not for {wanted}")]
    Platform { found: String, wanted: String },
    /// The bytes are not those that were named.
    #[error("the bytes of {expected} have the digest {found}")]
    Digest { expected: Digest, found: Digest },
    #[error("{what} cannot be read: {reason}")]
    Malformed { what: &'static str, reason: String },
    /// Something in a layer that is not unpacked.
    #[error("the layer has an entry that is refused: `{entry}` {reason}")]
    Refused { entry: String, reason: &'static str },
    #[error("the image has more than {max} {what}")]
    TooLarge { what: &'static str, max: u64 },
    #[error("the images of this server would have more than {max} bytes")]
    NoRoom { max: u64 },
    #[error("failed to {step} `{}`", path.display())]
    File {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the server is shutting down")]
    Closed,
}

impl ImageError {
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Address { .. }
            | Self::NotAllowed { .. }
            | Self::NotFound
            | Self::Denied
            | Self::Unreachable { .. }
            | Self::MediaType { .. }
            | Self::Platform { .. }
            | Self::Digest { .. }
            | Self::Malformed { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. } => Blame::Customer,
            Self::NoRoom { .. } | Self::File { .. } | Self::Closed => Blame::Platform,
        }
    }

    /// Whether another try may go better.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Digest { .. })
    }

    pub(crate) fn file(
        step: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { step, path, source }
    }
}
