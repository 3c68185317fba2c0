// SPDX-License-Identifier: Apache-2.0
//! Checksums that come with an object, and are kept with it.

use crate::crc::Crc;
use crate::fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::digest;
use serde::{Deserialize, Serialize};
use wire::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

/// What a checksum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The whole object.
    Full,
    /// The checksums of its parts.
    Composite,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    /// Base 64; of a composite one with the number of parts behind it.
    pub(crate) value: String,
    pub(crate) kind: Kind,
}

pub(crate) const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Sha512,
    Algorithm::Md5,
];

impl Algorithm {
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
            Self::Sha512 => "x-amz-checksum-sha512",
            Self::Md5 => "x-amz-checksum-md5",
        }
    }

    /// Its name in requests and answers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
        }
    }

    /// The element that holds one.
    pub(crate) const fn element(self) -> &'static str {
        match self {
            Self::Crc32 => "ChecksumCRC32",
            Self::Crc32c => "ChecksumCRC32C",
            Self::Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
            Self::Sha512 => "ChecksumSHA512",
            Self::Md5 => "ChecksumMD5",
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Md5 => 16,
        }
    }

    /// Whether the checksum of a whole can be worked out of those of its parts.
    pub(crate) const fn is_cyclic(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        ALGORITHMS.into_iter().find(|it| it.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn of_header(name: &str) -> Option<Self> {
        ALGORITHMS.into_iter().find(|it| it.header().eq_ignore_ascii_case(name))
    }

    /// Refuses what can not be one.
    pub(crate) fn check(self, value: &str) -> Result<()> {
        match STANDARD.decode(value) {
            Ok(bytes) if bytes.len() == self.bytes() => Ok(()),
            _ => {
                let text = format!("Value for {} header is invalid.", self.header());
                Err(fault::invalid_request(text))
            }
        }
    }
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Full => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// One that is being worked out.
pub(crate) struct Summing {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc32(crc32fast::Hasher),
    Crc(Crc),
    Hash(digest::Context),
    Md5(Md5),
}

impl Summing {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
            Algorithm::Crc32c => State::Crc(Crc::of_32c()),
            Algorithm::Crc64Nvme => State::Crc(Crc::of_64_nvme()),
            Algorithm::Sha1 => State::Hash(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            Algorithm::Sha256 => State::Hash(digest::Context::new(&digest::SHA256)),
            Algorithm::Sha512 => State::Hash(digest::Context::new(&digest::SHA512)),
            Algorithm::Md5 => State::Md5(Md5::new()),
        };
        Self { algorithm, state }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc32(hasher) => hasher.update(bytes),
            State::Crc(crc) => crc.update(bytes),
            State::Hash(context) => context.update(bytes),
            State::Md5(md5) => md5.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Checksum {
        let value = match self.state {
            State::Crc32(hasher) => STANDARD.encode(hasher.finalize().to_be_bytes()),
            State::Crc(crc) => {
                let bytes = crc.value().to_be_bytes();
                let start = bytes.len().saturating_sub(self.algorithm.bytes());
                STANDARD.encode(bytes.get(start..).unwrap_or_default())
            }
            State::Hash(context) => STANDARD.encode(context.finish()),
            State::Md5(md5) => STANDARD.encode(md5.finalize()),
        };
        Checksum { algorithm: self.algorithm, value, kind: Kind::Full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_what_others_work_out() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "DUoRhQ=="),
            (Algorithm::Crc32c, "yZRlqg=="),
            (Algorithm::Sha1, "Kq5sNclPz7QV2+lfQIuc6R7oRu0="),
            (Algorithm::Sha256, "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="),
            (Algorithm::Md5, "XrY7u+Ae7tCTyyK7j1rNww=="),
        ] {
            let mut summing = Summing::new(algorithm);
            summing.update(b"hello ");
            summing.update(b"world");
            assert_eq!(summing.finish().value, expected, "{algorithm:?}");
            assert!(algorithm.check(expected).is_ok());
            assert!(algorithm.check("AA==").is_err());
        }
    }
}
