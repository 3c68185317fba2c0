// SPDX-License-Identifier: Apache-2.0
//! Content-addressed bytes: a file per blob, named by its SHA-256, under `blobs/ab/abcd…`.
//!
//! Invariants:
//! - a name under `blobs/` stands for a whole file: it appears by rename, after the fsync of its bytes;
//! - two puts of the same bytes are one blob.
//!
//! Nothing here counts references: whoever puts a blob knows when it may be deleted, and keeps a `delete` from
//! running beside a `put` of the same bytes.

use crate::OpenError;
use crate::directory::sync;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const TEMPORARY_PREFIX: &str = "blob-";

/// The SHA-256 of a blob's bytes; as text, 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId([u8; 32]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a blob")]
pub struct InvalidBlobId(String);

/// Clones share the same directory.
#[derive(Debug, Clone)]
pub struct Blobs {
    paths: Arc<Paths>,
}

#[derive(Debug)]
struct Paths {
    blobs: PathBuf,
    temporary: PathBuf,
    next_temporary: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("there is no blob {id}")]
    NotFound { id: BlobId },
    /// The file holds other bytes than were put.
    #[error("the blob {id} is damaged: its bytes have the hash {found}")]
    Damaged { id: BlobId, found: BlobId },
    #[error("no space is left for the blob {id}")]
    Full { id: BlobId },
    #[error("failed to {step} the blob {id}")]
    File {
        step: &'static str,
        id: BlobId,
        #[source]
        source: io::Error,
    },
    #[error("failed to list the blobs")]
    List {
        #[source]
        source: io::Error,
    },
    #[error("the store is closed")]
    Closed,
}

impl BlobId {
    /// The id that `bytes` have as a blob.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for BlobId {
    type Err = InvalidBlobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let invalid = || InvalidBlobId(text.chars().take(80).collect());
        if text.len() != 64 {
            return Err(invalid());
        }

        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return Err(invalid()) };
            *byte = (digit(high).ok_or_else(invalid)? << 4) | digit(low).ok_or_else(invalid)?;
        }
        Ok(Self(id))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            text.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for BlobId {
    type Error = InvalidBlobId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}

impl Blobs {
    pub(crate) fn open(dir: &Path) -> Result<Self, OpenError> {
        let paths = Paths {
            blobs: dir.join("blobs"),
            temporary: dir.join("tmp"),
            next_temporary: AtomicU64::new(0),
        };
        paths.prepare().map_err(|source| OpenError::Directory { dir: dir.into(), source })?;
        Ok(Self { paths: Arc::new(paths) })
    }

    /// Keeps `bytes`. When this returns, they are on disk.
    pub async fn put(&self, bytes: Bytes) -> Result<BlobId, BlobError> {
        self.run(move |paths| {
            let id = BlobId::of(&bytes);
            match paths.put(id, &bytes) {
                Ok(()) => Ok(id),
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    Err(BlobError::Full { id })
                }
                Err(source) => Err(BlobError::File { step: "write", id, source }),
            }
        })
        .await
    }

    /// Where the bytes of `id` are, whether they are or not. Whoever opens it must not write.
    pub fn path(&self, id: BlobId) -> PathBuf {
        self.paths.of(id)
    }

    pub async fn open_file(&self, id: BlobId) -> Result<File, BlobError> {
        self.run(move |paths| File::open(paths.of(id)).map_err(|error| failure("open", id, error)))
            .await
    }

    pub async fn read(&self, id: BlobId) -> Result<Bytes, BlobError> {
        self.run(move |paths| {
            fs::read(paths.of(id)).map(Bytes::from).map_err(|error| failure("read", id, error))
        })
        .await
    }

    /// Deleting what is absent is no error.
    pub async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.run(move |paths| match fs::remove_file(paths.of(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failure("delete", id, error))
            }
            _ => Ok(()),
        })
        .await
    }

    /// Every blob, in no order.
    pub async fn list(&self) -> Result<Vec<BlobId>, BlobError> {
        self.run(|paths| paths.list().map_err(|source| BlobError::List { source })).await
    }

    /// Reads the blob and compares its bytes with its name.
    pub async fn verify(&self, id: BlobId) -> Result<(), BlobError> {
        self.run(move |paths| {
            let hash = |path| -> io::Result<BlobId> {
                let mut hasher = Sha256::new();
                io::copy(&mut File::open(path)?, &mut hasher)?;
                Ok(BlobId(hasher.finalize().into()))
            };
            let found = hash(paths.of(id)).map_err(|error| failure("read", id, error))?;
            if found == id { Ok(()) } else { Err(BlobError::Damaged { id, found }) }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Paths) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let paths = Arc::clone(&self.paths);
        tokio::task::spawn_blocking(move || work(&paths)).await.unwrap_or(Err(BlobError::Closed))
    }
}

impl Paths {
    /// Makes the directories and removes what an earlier process left half written.
    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.blobs)?;
        fs::create_dir_all(&self.temporary)?;
        for entry in fs::read_dir(&self.temporary)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn of(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        let shard = name.get(..2).unwrap_or_default();
        self.blobs.join(shard).join(&name)
    }

    fn put(&self, id: BlobId, bytes: &[u8]) -> io::Result<()> {
        let path = self.of(id);
        let shard = path.parent().unwrap_or(&self.blobs);
        if !path.try_exists()? {
            fs::create_dir_all(shard)?;
            let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
            let temporary = self.temporary.join(format!("{TEMPORARY_PREFIX}{number}"));
            let written =
                write_file(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path));
            if let Err(error) = written {
                // The error that matters is the first; what stays is removed at the next start.
                let _ = fs::remove_file(&temporary);
                return Err(error);
            }
        }
        // Also when the file was there: whoever put it may not have come this far.
        sync(shard)?;
        sync(&self.blobs)
    }

    fn list(&self) -> io::Result<Vec<BlobId>> {
        let mut ids = Vec::new();
        for shard in fs::read_dir(&self.blobs)? {
            for entry in fs::read_dir(shard?.path())? {
                if let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failure(step: &'static str, id: BlobId, source: io::Error) -> BlobError {
    if source.kind() == io::ErrorKind::NotFound {
        BlobError::NotFound { id }
    } else {
        BlobError::File { step, id, source }
    }
}
