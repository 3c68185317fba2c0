// SPDX-License-Identifier: Apache-2.0
//! The file of an archive: how it is written, and how it is read with suspicion.
//!
//! Blocks. Not here: which records there are, and what they mean.

use crate::archive::{Packages, Records};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use store::{BlobError, BlobId, CommitError, Entry, ReadError};
use zip::CompressionMethod;
use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

const FORMAT: u32 = 1;
const RECORDS: &str = "records.jsonl";
const MANIFEST: &str = "manifest.json";
/// Of all records together: a limit against an archive that is none of ours.
const RECORDS_BYTES_MAX: u64 = 4 << 30;
const PACKAGE_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("failed to {step} the archive")]
    File {
        step: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("failed to {step} the archive")]
    Zip {
        step: &'static str,
        #[source]
        source: ZipError,
    },
    #[error("the archive has format {found}; this build reads format {FORMAT}")]
    Format { found: u32 },
    #[error("the archive is damaged: {what}")]
    Damaged { what: String },
    #[error("the record `{key}` of `{keyspace}` is not readable")]
    Record {
        keyspace: String,
        key: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("{} exist already: {}", existing.len(), shown(existing))]
    Exists { existing: Vec<String> },
    #[error("failed to read from the store")]
    Read {
        #[source]
        source: ReadError,
    },
    #[error("failed to write to the store")]
    Commit {
        #[source]
        source: CommitError,
    },
    #[error("failed to keep a package")]
    Blob {
        #[source]
        source: BlobError,
    },
    #[error("the work was stopped")]
    Stopped,
}

fn shown(existing: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = existing.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if existing.len() > SHOWN {
        text.push_str(", ...");
    }
    text
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    records_sha256: String,
}

/// One line of the records.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    keyspace: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// What goes into an archive.
#[derive(Debug, Default)]
pub(crate) struct Content {
    lines: Vec<u8>,
    pub(crate) packages: Packages,
}

impl Content {
    pub(crate) fn add(
        &mut self,
        keyspace: &str,
        entry: &Entry,
        check: impl FnOnce(&[u8]) -> Result<Vec<BlobId>, serde_json::Error>,
    ) -> Result<(), ArchiveError> {
        let unreadable = |source| ArchiveError::Record {
            keyspace: keyspace.to_owned(),
            key: entry.key.clone(),
            source,
        };
        self.packages.extend(check(&entry.record.value).map_err(unreadable)?);
        let value: &RawValue = serde_json::from_slice(&entry.record.value).map_err(unreadable)?;
        let line = Line { keyspace: keyspace.into(), key: entry.key.as_str().into(), value };
        serde_json::to_writer(&mut self.lines, &line).map_err(unreadable)?;
        self.lines.push(b'\n');
        Ok(())
    }
}

/// Writes the archive whole, and to the disk. Each package is where `path` says.
pub(crate) fn write(
    file: File,
    content: &Content,
    path: impl Fn(BlobId) -> Result<PathBuf, ArchiveError>,
) -> Result<(), ArchiveError> {
    let manifest =
        Manifest { format: FORMAT, records_sha256: BlobId::of(&content.lines).to_string() };
    let manifest = serde_json::to_vec(&manifest).map_err(|error| damaged(error.to_string()))?;
    let mut writer = ZipWriter::new(file);
    add(&mut writer, RECORDS, &mut content.lines.as_slice())?;
    for id in &content.packages {
        let mut package = File::open(path(*id)?).map_err(failed("read a package for"))?;
        add(&mut writer, &format!("packages/{id}"), &mut package)?;
    }
    add(&mut writer, MANIFEST, &mut manifest.as_slice())?;
    let file = writer.finish().map_err(zipped("finish"))?;
    file.sync_all().map_err(failed("sync"))
}

fn add(
    writer: &mut ZipWriter<File>,
    name: &str,
    content: &mut dyn Read,
) -> Result<(), ArchiveError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true)
        .unix_permissions(0o600);
    writer.start_file(name, options).map_err(zipped("write"))?;
    io::copy(content, writer).map_err(failed("write"))?;
    writer.flush().map_err(failed("write"))
}

/// An archive that was read and verified whole.
#[derive(Debug)]
pub(crate) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    records: Records,
    packages: Packages,
}

/// Verifies an archive: its manifest, each record, each package. `check_of` knows who reads a keyspace.
pub(crate) fn open<C>(
    file: File,
    check_of: impl Fn(&str) -> Option<(&'static str, C)>,
) -> Result<Archive, ArchiveError>
where
    C: Fn(&[u8]) -> Result<Vec<BlobId>, serde_json::Error>,
{
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(zipped("open"))?;
    let manifest = read(&mut zip, MANIFEST, 1 << 20)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|error| damaged(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(ArchiveError::Format { found: manifest.format });
    }
    let lines = read(&mut zip, RECORDS, RECORDS_BYTES_MAX)?;
    if BlobId::of(&lines).to_string() != manifest.records_sha256 {
        return Err(damaged("the records do not have the hash that the manifest says"));
    }

    let (mut records, mut packages) = (Records::new(), Packages::new());
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Line { keyspace, key, value } =
            serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        let (name, check) =
            check_of(&keyspace).ok_or_else(|| damaged(format!("`{keyspace}` is not known")))?;
        let value = value.get().as_bytes();
        let used = check(value).map_err(|source| ArchiveError::Record {
            keyspace: keyspace.to_string(),
            key: key.to_string(),
            source,
        })?;
        packages.extend(used);
        records.entry(name).or_default().insert(key.into_owned(), value.to_vec());
    }
    let mut archive = Archive { zip, records, packages };
    for id in archive.packages() {
        archive.verify(id)?;
    }
    Ok(archive)
}

impl Archive {
    pub(crate) fn packages(&self) -> Packages {
        self.packages.clone()
    }

    pub(crate) fn keys(&self, keyspace: &str) -> Vec<String> {
        self.records.get(keyspace).into_iter().flat_map(|records| records.keys().cloned()).collect()
    }

    pub(crate) fn take(&mut self, keyspace: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.records.remove(keyspace).unwrap_or_default().into_iter()
    }

    /// The bytes of a package, once more verified.
    pub(crate) fn read(&mut self, id: BlobId) -> Result<Vec<u8>, ArchiveError> {
        let bytes = read(&mut self.zip, &format!("packages/{id}"), PACKAGE_BYTES_MAX)?;
        if BlobId::of(&bytes) == id {
            Ok(bytes)
        } else {
            Err(damaged(format!("the package {id} has another hash")))
        }
    }

    fn verify(&mut self, id: BlobId) -> Result<(), ArchiveError> {
        let name = format!("packages/{id}");
        let mut entry = self.zip.by_name(&name).map_err(zipped("find a package in"))?;
        let mut hasher = Sha256::new();
        io::copy(&mut entry, &mut hasher).map_err(failed("read"))?;
        if hasher.finalize().as_slice() == id.as_bytes() {
            Ok(())
        } else {
            Err(damaged(format!("the package {id} has another hash")))
        }
    }
}

fn read(
    zip: &mut ZipArchive<BufReader<File>>,
    name: &str,
    bytes_max: u64,
) -> Result<Vec<u8>, ArchiveError> {
    let entry = match zip.by_name(name) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Err(damaged(format!("it has no {name}"))),
        Err(source) => return Err(ArchiveError::Zip { step: "read", source }),
    };
    let mut bytes = Vec::new();
    entry.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed("read"))?;
    if bytes.len() as u64 > bytes_max {
        return Err(damaged(format!("{name} has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

fn damaged(what: impl Into<String>) -> ArchiveError {
    ArchiveError::Damaged { what: what.into() }
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> ArchiveError {
    move |source| ArchiveError::File { step, source }
}

fn zipped(step: &'static str) -> impl FnOnce(ZipError) -> ArchiveError {
    move |source| ArchiveError::Zip { step, source }
}
