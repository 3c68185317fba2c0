// SPDX-License-Identifier: Apache-2.0
//! What a request says of an object beside its bytes.

use crate::call::Call;
use crate::checksum::{Algorithm, Checksum, Summing};
use crate::fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use std::collections::BTreeMap;
use wire::{Result, Upload};

const METADATA_BYTES_MAX: usize = 2048;
const PREFIX: &str = "x-amz-meta-";
/// Headers that are kept, and answered as they came.
const KEPT: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
];
/// What asks for something that is not done here. Each would have to be kept to.
const REFUSED: [&str; 11] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes",
    "x-amz-server-side-encryption-context",
    "x-amz-checksum-xxhash64",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash128",
];

#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Metadata {
    pub(crate) fn read(call: &Call<'_>) -> Result<Self> {
        let mut read = Self::default();
        let mut bytes = 0;
        for (name, value) in &call.head.headers {
            let name = name.as_str();
            let text = || String::from_utf8_lossy(value.as_bytes()).into_owned();
            if let Some(name) = name.strip_prefix(PREFIX) {
                bytes += name.len() + value.len();
                let known = read.metadata.entry(name.to_owned()).or_default();
                if !known.is_empty() {
                    known.push(',');
                }
                known.push_str(&text());
            } else if KEPT.contains(&name) {
                read.headers.insert(name.to_owned(), text());
            }
        }
        if bytes > METADATA_BYTES_MAX {
            return Err(fault::metadata_too_large()
                .with_member("Size", bytes.to_string())
                .with_member("MaxSizeAllowed", METADATA_BYTES_MAX.to_string()));
        }
        read.forget_chunks();
        Ok(read)
    }

    /// `aws-chunked` is how the body came, not what it is.
    fn forget_chunks(&mut self) {
        let Some(encoding) = self.headers.remove("content-encoding") else { return };
        let kept: Vec<&str> =
            encoding.split(',').map(str::trim).filter(|part| *part != "aws-chunked").collect();
        if !kept.is_empty() {
            self.headers.insert("content-encoding".to_owned(), kept.join(","));
        }
    }
}

/// Refuses what would have to be kept to and is not.
pub(crate) fn check_headers(call: &Call<'_>) -> Result<()> {
    if let Some(name) = REFUSED.iter().find(|name| call.header(name).is_some()) {
        return Err(fault::not_implemented().with_member("Header", *name));
    }
    if call.header("x-amz-storage-class").is_some_and(|class| class != "STANDARD") {
        return Err(fault::invalid_storage_class());
    }
    Ok(())
}

/// What the bytes must be.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    md5: Option<Vec<u8>>,
    checksum: Option<(Algorithm, String)>,
    /// Its value follows the body.
    in_trailer: Option<Algorithm>,
}

impl Expected {
    pub(crate) fn read(call: &Call<'_>) -> Result<Self> {
        let md5 = match call.header("content-md5") {
            None => None,
            Some(text) => {
                let decoded = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 16);
                Some(decoded.ok_or_else(fault::invalid_digest)?)
            }
        };
        let mut stated = crate::checksum::ALGORITHMS
            .into_iter()
            .filter_map(|algorithm| Some((algorithm, call.header(algorithm.header())?.to_owned())));
        let checksum = stated.next();
        if stated.next().is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(fault::invalid_request(text));
        }
        if let Some((algorithm, value)) = &checksum {
            algorithm.check(value)?;
        }
        let is_announced = call.header("x-amz-sdk-checksum-algorithm").is_some();
        if is_announced && checksum.is_none() && call.header("x-amz-trailer").is_none() {
            let text = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.";
            return Err(fault::invalid_request(text));
        }
        let trailer = call.header("x-amz-trailer").map(|name| {
            Algorithm::of_header(name.trim()).ok_or_else(|| {
                fault::invalid_request(
                    "The value specified in the x-amz-trailer header is not supported",
                )
            })
        });
        Ok(Self { md5, checksum, in_trailer: trailer.transpose()? })
    }

    /// The algorithm of the checksum that comes with the bytes.
    pub(crate) fn stated(&self) -> Option<Algorithm> {
        let stated = self.checksum.as_ref().map(|(algorithm, _)| *algorithm);
        stated.or(self.in_trailer)
    }

    /// Whether it says anything at all.
    pub(crate) fn is_stated(&self) -> bool {
        self.md5.is_some() || self.stated().is_some()
    }

    /// The same of bytes that are in memory.
    pub(crate) fn check_all(&self, bytes: &[u8], upload: &dyn Upload) -> Result<()> {
        if !self.is_stated() {
            return Ok(());
        }
        let mut summing = Summing::new(self.algorithm());
        summing.update(bytes);
        self.check(&Md5::digest(bytes).into(), &summing.finish(), upload)
    }

    /// Which checksum the object gets. What nobody asks for is S3's own choice.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.stated().unwrap_or(Algorithm::Crc64Nvme)
    }

    pub(crate) fn check(
        &self,
        md5: &[u8; 16],
        found: &Checksum,
        upload: &dyn Upload,
    ) -> Result<()> {
        if self.md5.as_ref().is_some_and(|expected| expected != md5) {
            return Err(fault::bad_digest());
        }
        let stated = match (&self.checksum, self.in_trailer) {
            (Some((_, value)), _) => Some(value.as_str()),
            (None, Some(algorithm)) => {
                Some(upload.trailer(algorithm.header()).ok_or_else(|| {
                    let text =
                        "The request is missing the trailer that its x-amz-trailer header names";
                    wire::Fault::new("MalformedTrailerError", 400, text)
                })?)
            }
            (None, None) => None,
        };
        if stated.is_some_and(|stated| stated != found.value) {
            let name = found.algorithm.name();
            let text = format!("The {name} you specified did not match the calculated checksum.");
            return Err(wire::Fault { message: text, ..fault::bad_digest() });
        }
        Ok(())
    }
}
