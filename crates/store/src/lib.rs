// SPDX-License-Identifier: Apache-2.0
//! The durable substrate: keyspaces and blobs.
//!
//! One directory is one store. Records live in a SQLite file that a single writer thread changes, blobs in files
//! named by their hash. Whoever reads on a hot path keeps its own table in memory and loads it from here at start.
//!
//! Invariants:
//! - acknowledged means on disk: `commit` and `Blobs::put` return after the fsync that covers their bytes;
//! - a batch is applied whole or not at all;
//! - at most one process has a store open;
//! - no type of the engine below appears in the public interface.
//!
//! Not here: queues, logs, change notification, and what the records mean.

mod batch;
mod blobs;
mod database;
mod directory;
mod keyspace;
mod writer;

pub use batch::{Batch, CommitError, EncodeError, Expectation, Revision};
pub use blobs::{BlobError, BlobId, Blobs, InvalidBlobId};
pub use directory::OpenError;
pub use keyspace::{DecodeError, Entry, Keyspace, ReadError, Record, Scan};

use database::Database;
use directory::DirectoryLock;
use std::path::Path;
use std::sync::{Arc, Mutex};
use writer::Writer;

/// An error of the engine below, kept opaque so that the engine can change.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EngineError(Box<dyn std::error::Error + Send + Sync>);

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Box::new(error))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes of all records together, their index included. Beyond it commits fail as on a full disk. Default: 16 GiB.
    pub bytes_max: u64,
    /// Bytes of one record's value. Default: 4 MiB.
    pub record_bytes_max: usize,
    /// Operations in one batch. Default: 10000.
    pub batch_operations_max: usize,
    /// Batches that wait for the writer. Further callers wait in line for a place. Default: 4096.
    pub pending_batches_max: usize,
    /// Batches that share one fsync at most. Default: 256.
    pub group_batches_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 30,
            record_bytes_max: 4 << 20,
            batch_operations_max: 10_000,
            pending_batches_max: 4_096,
            group_batches_max: 256,
        }
    }
}

/// An open store. Clones share it; it closes when the last clone, keyspace included, is gone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

// The order of the fields is the order of closing: the writer finishes what it accepted, the lock goes last.
#[derive(Debug)]
struct Inner {
    writer: Writer,
    reader: Mutex<Database>,
    blobs: Blobs,
    _lock: DirectoryLock,
}

impl Store {
    /// Opens the store in `dir`, or makes one there. Blocks for some milliseconds.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let lock = DirectoryLock::acquire(dir)?;
        directory::check_version(dir)?;
        let blobs = Blobs::open(dir)?;

        let path = dir.join("store.db");
        let open_database = |path: &Path| {
            Database::open(path, options.bytes_max)
                .map_err(|source| OpenError::Database { path: path.into(), source })
        };
        let writable = open_database(&path)?;
        let reader = open_database(&path)?;
        directory::sync(dir).map_err(|source| OpenError::Directory { dir: dir.into(), source })?;

        let writer =
            Writer::start(writable, options).map_err(|source| OpenError::Writer { source })?;
        Ok(Self {
            inner: Arc::new(Inner { writer, reader: Mutex::new(reader), blobs, _lock: lock }),
        })
    }

    /// A named, ordered set of records. A keyspace exists as long as it holds a record.
    pub fn keyspace(&self, name: &'static str) -> Keyspace {
        Keyspace::new(self.clone(), name)
    }

    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// Applies `batch` whole, or not at all, and returns the revision of each operation in its order.
    ///
    /// When this returns `Ok` the batch is on disk. When the future is dropped before it ends, the batch may or may
    /// not be applied. Concurrent commits share an fsync.
    pub async fn commit(&self, batch: Batch) -> Result<Vec<Revision>, CommitError> {
        self.inner.writer.commit(batch).await
    }

    /// Before the store is closed for good: whoever opens it next has nothing to go over again.
    pub async fn settle(&self) -> Result<(), ReadError> {
        self.read(Database::settle).await
    }

    /// Runs `read` on the reader's connection, off the async threads, from now on.
    fn read<T, F>(&self, read: F) -> impl Future<Output = Result<T, ReadError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Database) -> Result<T, EngineError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            let database = inner.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            read(&database)
        });
        async {
            match task.await {
                Ok(result) => result.map_err(|source| ReadError::Engine { source }),
                Err(_) => Err(ReadError::Closed),
            }
        }
    }
}
