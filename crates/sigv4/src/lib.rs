// SPDX-License-Identifier: Apache-2.0
//! AWS Signature Version 4: verify and sign, in the `Authorization` header or in a presigned query.
//!
//! A request claims to be signed by a key ([`Claim`]). Whoever verifies it finds the key's [`Credentials`], lets the
//! claim be checked against them, and has read the body by then, or knows its hash from the head.
//!
//! Invariants:
//! - secrets, signatures and tokens are compared in constant time, and none of them is in a `Debug` output;
//! - the hash in the canonical request is that of the body. `UNSIGNED-PAYLOAD` is not accepted.
//!
//! Not here: S3's path rule and its chunked bodies, SigV4a, who owns a key, and the clock.

mod canonical;
mod claim;
mod credentials;
mod error;
mod instant;
mod sign;

pub use claim::{Claim, Scope};
pub use credentials::Credentials;
pub use error::SignatureError;
pub use instant::Instant;
pub use sign::{Presign, presign, sign};

use sha2::{Digest, Sha256};

/// How far a client's clock may be from ours.
pub const CLOCK_SKEW_MAX_S: i64 = 15 * 60;

/// The SHA-256 of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadHash([u8; 32]);

impl PayloadHash {
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    fn parse(hex: &str) -> Option<Self> {
        canonical::decode_hex(hex.as_bytes()).map(Self)
    }
}
