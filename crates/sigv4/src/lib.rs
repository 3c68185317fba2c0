// SPDX-License-Identifier: Apache-2.0
//! AWS Signature Version 4: verify and sign, in the `Authorization` header or in a presigned query. Of Version 2, the presigned
//! queries of Amazon S3.
//!
//! A request claims to be signed by a key ([`Claim`]). Whoever verifies it finds the key's [`Credentials`], lets the
//! claim be checked against them, and has read the body by then, or knows its hash from the head.
//!
//! Invariants:
//! - secrets, signatures and tokens are compared in constant time, and none of them is in a `Debug` output;
//! - the hash in the canonical request is that of the body, but for Amazon S3, whose bodies need not be hashed.
//!
//! Not here: SigV4a, who owns a key, and the clock.

mod canonical;
mod chunks;
mod claim;
mod credentials;
mod error;
mod instant;
mod payload;
mod query_v2;
mod sign;

pub use chunks::{ChunkError, ChunkSigner, Chunks};
pub use claim::{Claim, Scope};
pub use credentials::Credentials;
pub use error::SignatureError;
pub use instant::Instant;
pub use payload::{Payload, PayloadHash};
pub use query_v2::QueryV2;
pub use sign::{Presign, presign, sign};

/// How far a client's clock may be from ours.
pub const CLOCK_SKEW_MAX_S: i64 = 15 * 60;

/// The service in the scope of requests for Amazon S3, which have rules of their own.
pub const OBJECTS: &str = "s3";
