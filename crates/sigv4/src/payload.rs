// SPDX-License-Identifier: Apache-2.0
//! What a signed head says of the body.

use crate::canonical::{decode_hex, push_hex};
use sha2::{Digest, Sha256};

/// The SHA-256 of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadHash([u8; 32]);

impl PayloadHash {
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Of a body that was hashed while it came.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    fn parse(hex: &str) -> Option<Self> {
        decode_hex(hex.as_bytes()).map(Self)
    }
}

/// What `x-amz-content-sha256` says. All but a hash are Amazon S3's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    Hash(PayloadHash),
    Unsigned,
    /// `aws-chunked`. Chunks are signed or not, and checksums may follow the last.
    Chunked {
        is_signed: bool,
        has_trailer: bool,
    },
}

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_CHUNKS_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const CHUNKS_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

impl Payload {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            UNSIGNED => Self::Unsigned,
            SIGNED_CHUNKS => Self::Chunked { is_signed: true, has_trailer: false },
            SIGNED_CHUNKS_TRAILER => Self::Chunked { is_signed: true, has_trailer: true },
            CHUNKS_TRAILER => Self::Chunked { is_signed: false, has_trailer: true },
            hex => Self::Hash(PayloadHash::parse(hex)?),
        })
    }

    /// As it stands in the canonical request.
    pub(crate) fn push_text(self, text: &mut Vec<u8>) {
        let word = match self {
            Self::Hash(PayloadHash(hash)) => return push_hex(text, &hash),
            Self::Unsigned => UNSIGNED,
            Self::Chunked { is_signed: true, has_trailer: false } => SIGNED_CHUNKS,
            Self::Chunked { is_signed: true, has_trailer: true } => SIGNED_CHUNKS_TRAILER,
            Self::Chunked { is_signed: false, .. } => CHUNKS_TRAILER,
        };
        text.extend_from_slice(word.as_bytes());
    }
}
