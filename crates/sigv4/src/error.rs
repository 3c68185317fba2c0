// SPDX-License-Identifier: Apache-2.0
//! Why a request is not taken for signed. The texts are AWS's.

use crate::Instant;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("Missing Authentication Token")]
    Missing,
    /// Something of the signature's form is absent or not readable.
    #[error("{0}")]
    Incomplete(String),
    /// The key is not known, or the session token is not the key's.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    #[error(
        "Signature expired: {signed_at} is now earlier than {earliest} ({now} - {minutes} min.)"
    )]
    Expired { signed_at: Instant, earliest: Instant, now: Instant, minutes: i64 },
    #[error(
        "Signature not yet current: {signed_at} is still later than {latest} ({now} + {minutes} min.)"
    )]
    NotYetCurrent { signed_at: Instant, latest: Instant, now: Instant, minutes: i64 },
    /// Amazon S3 obeys headers that its signer has not seen.
    #[error("There were headers present in the request which were not signed")]
    HeadersNotSigned,
    /// Of a link that says until when it is good.
    #[error("Request has expired")]
    LinkExpired,
    /// The credential's scope, or what was signed, is not what it must be.
    #[error("{0}")]
    Scope(String),
}

impl SignatureError {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::Mismatch
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::HeadersNotSigned
            | Self::LinkExpired
            | Self::Scope(_) => "InvalidSignatureException",
        }
    }

    pub const fn status(&self) -> u16 {
        match self {
            Self::Incomplete(_) => 400,
            Self::Missing
            | Self::UnknownKey
            | Self::ExpiredToken
            | Self::Mismatch
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::HeadersNotSigned
            | Self::LinkExpired
            | Self::Scope(_) => 403,
        }
    }
}
