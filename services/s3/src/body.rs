// SPDX-License-Identifier: Apache-2.0
//! Where the bytes of objects are: short ones in a row of the store, long ones in a file each.
//!
//! A file is written in `incoming`, and moves to its place after the commit that names it. So at start only `incoming` is looked
//! at: what is there and has a row is moved, the rest was never acknowledged. What is not needed any more is written down as
//! gone by the commit that lets go of it, and removed afterwards.
//!
//! Invariant: bytes never change. Whoever has a record that names them reads them whole, or finds them gone.

use crate::checksum::Checksum;
use crate::fault;
use crate::holds::{Holds, Sweep};
use bytes::Bytes;
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Batch, Expectation, Keyspace, Store};
use tokio::runtime::Handle;
use wire::{Fault, Result};

/// Letters of an id: nobody guesses one, and none is a path.
const ID_BYTES: usize = 24;
/// Rows that one batch removes.
const REMOVED_AT_ONCE: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    Empty,
    Row(String),
    File(String),
    /// Of an object that was uploaded in parts: the row names them.
    Pieces(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) body: Body,
    pub(crate) size: u64,
    /// Of the part that it was uploaded as, and its checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
}

impl Piece {
    /// A whole object.
    pub(crate) const fn alone(body: Body, size: u64) -> Self {
        Self { body, size, number: None, checksum: None }
    }

    pub(crate) const fn of_part(number: usize, body: Body, size: u64, checksum: Checksum) -> Self {
        Self { body, size, number: Some(number), checksum: Some(checksum) }
    }

    /// Layouts of before numbers were kept have none: there the place counts.
    pub(crate) fn number_at(&self, place: usize) -> usize {
        self.number.unwrap_or(place + 1)
    }
}

#[derive(Debug)]
pub(crate) struct Files {
    dir: PathBuf,
    /// The bytes of short ones, and that there are long ones.
    rows: Keyspace,
    gone: Keyspace,
    pub(crate) holds: Holds,
    free_bytes_min: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("failed to prepare the directory of objects")]
    Directory(#[from] io::Error),
    #[error("failed to read what is gone")]
    Read(#[from] store::ReadError),
    #[error("failed to decode what is gone")]
    Decode(#[from] store::DecodeError),
}

impl Files {
    pub(crate) async fn open(
        store: &Store,
        dir: PathBuf,
        free_bytes_min: u64,
    ) -> std::result::Result<Arc<Self>, FilesError> {
        let (rows, gone) = (store.keyspace("s3-bytes"), store.keyspace("s3-gone"));
        let holds = Holds::default();
        let files = Arc::new(Self { dir, rows, gone, holds, free_bytes_min });
        files.recover().await?;
        Ok(files)
    }

    /// Settles what an earlier process left.
    async fn recover(self: &Arc<Self>) -> std::result::Result<(), FilesError> {
        let incoming = self.dir.join("incoming");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&incoming)?;
        for entry in fs::read_dir(&incoming)? {
            let entry = entry?;
            let id = entry.file_name().to_string_lossy().into_owned();
            match self.rows.get(id.as_str()).await? {
                Some(_) => self.settle(&id)?,
                None => fs::remove_file(entry.path())?,
            }
        }
        let mut gone = Vec::new();
        self.gone.load(|entry| gone.push(entry)).await?;
        for entry in gone {
            let bodies = entry.record.decode()?;
            self.sweep_later(Sweep { name: entry.key, bodies });
        }
        Ok(())
    }

    pub(crate) fn new_id() -> String {
        let text = secrets::text::<ID_BYTES>();
        text.replace('/', "-").replace('+', "_")
    }

    pub(crate) fn incoming(&self, id: &str) -> PathBuf {
        self.dir.join("incoming").join(id)
    }

    fn settled(&self, id: &str) -> PathBuf {
        self.dir.join(id.get(..2).unwrap_or("__")).join(id)
    }

    /// Moves a file to its place. Until then it is found where it came in.
    fn settle(&self, id: &str) -> io::Result<()> {
        let to = self.settled(id);
        let parent = to.parent().unwrap_or(&self.dir);
        let moved = fs::rename(self.incoming(id), &to);
        if !parent.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            return fs::rename(self.incoming(id), &to);
        }
        moved
    }

    /// The same, when nobody waits for it.
    pub(crate) fn settle_later(self: &Arc<Self>, id: String) {
        let files = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = files.settle(&id) {
                tracing::warn!(error = %error, "object file not moved");
            }
        });
    }

    pub(crate) fn open_file(&self, id: &str) -> io::Result<File> {
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        // It may move in between.
        for path in [self.settled(id), self.incoming(id), self.settled(id)] {
            match File::open(path) {
                Err(error) if absent(&error) => {}
                opened => return opened,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// The names of what came in are on the disk when this returns.
    pub(crate) fn sync_incoming(&self) -> io::Result<()> {
        File::open(self.dir.join("incoming"))?.sync_all()
    }

    /// Refuses to fill the disk.
    pub(crate) fn check_room(&self) -> io::Result<()> {
        let found = statvfs(Path::new(&self.dir))?;
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if free < self.free_bytes_min { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(crate) fn add_row(&self, batch: Batch, id: &str, bytes: &[u8]) -> Batch {
        batch.put(&self.rows, id, bytes, Expectation::Any)
    }

    pub(crate) async fn row(&self, id: &str) -> Result<Option<Bytes>> {
        let found = self.rows.get(id).await.map_err(|error| fault::internal(&error))?;
        Ok(found.map(|record| Bytes::from(record.value)))
    }

    /// What an object of many parts is made of, in its order.
    pub(crate) async fn layout(&self, id: &str) -> Result<Vec<Piece>> {
        let row = self.row(id).await?.ok_or_else(fault::no_such_key)?;
        serde_json::from_slice(&row).map_err(|error| fault::internal(&error))
    }

    /// Lets go of bytes with `batch`. Once that is committed, [`Self::sweep`] removes them.
    pub(crate) fn let_go(&self, batch: Batch, body: &Body) -> Result<Batch> {
        match body {
            Body::Empty => Ok(batch),
            Body::Row(id) => Ok(batch.delete(&self.rows, id.as_str(), Expectation::Any)),
            Body::File(id) | Body::Pieces(id) => {
                let gone = std::slice::from_ref(body);
                batch
                    .put_json(&self.gone, id.as_str(), gone, Expectation::Any)
                    .map_err(|error| fault::internal(&error))
            }
        }
    }

    /// The same of several, under a name of their own. [`Self::sweep_later`] removes them.
    pub(crate) fn let_go_all(&self, batch: Batch, name: &str, bodies: &[Body]) -> Result<Batch> {
        if bodies.is_empty() {
            return Ok(batch);
        }
        let batch = batch.put_json(&self.gone, name, bodies, Expectation::Any);
        batch.map_err(|error| fault::internal(&error))
    }

    /// Removes what a commit let go of, when nobody waits for it.
    pub(crate) fn sweep(self: &Arc<Self>, body: Body) {
        if let Body::File(id) | Body::Pieces(id) = &body {
            self.sweep_later(Sweep { name: id.clone(), bodies: vec![body] });
        }
    }

    /// The same, once nobody reads it. Where nothing runs any more the next start does it.
    pub(crate) fn sweep_later(self: &Arc<Self>, sweep: Sweep) {
        let Ok(runtime) = Handle::try_current() else { return };
        if sweep.bodies.is_empty() || !self.holds.begin(&sweep) {
            return;
        }
        let files = Arc::clone(self);
        runtime.spawn(async move {
            if let Err(fault) = files.remove(&sweep).await {
                tracing::warn!(error = %fault, "object bytes not removed");
            }
            files.holds.end(&sweep);
        });
    }

    async fn remove(&self, sweep: &Sweep) -> Result<()> {
        let mut rows = Vec::new();
        for body in &sweep.bodies {
            if let Body::Pieces(layout) = body {
                // It is read before it is removed: a crash in between finds it again.
                let pieces = match self.layout(layout).await {
                    Err(fault) if fault.code == "NoSuchKey" => Vec::new(),
                    pieces => pieces?,
                };
                for piece in &pieces {
                    self.remove_one(&piece.body, &mut rows)?;
                }
                rows.push(layout.clone());
            } else {
                self.remove_one(body, &mut rows)?;
            }
        }
        for some in rows.chunks(REMOVED_AT_ONCE) {
            let batch = some.iter().fold(Batch::new(), |batch, row| {
                batch.delete(&self.rows, row.as_str(), Expectation::Any)
            });
            self.commit(batch).await?;
        }
        self.commit(Batch::new().delete(&self.gone, sweep.name.as_str(), Expectation::Any)).await
    }

    fn remove_one(&self, body: &Body, rows: &mut Vec<String>) -> Result<()> {
        let (Body::Row(id) | Body::File(id)) = body else { return Ok(()) };
        if matches!(body, Body::File(_)) {
            for path in [self.incoming(id), self.settled(id)] {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(fault::internal(&error));
                    }
                    _ => {}
                }
            }
        }
        rows.push(id.clone());
        Ok(())
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        let committed = self.rows.store().commit(batch).await;
        committed.map(drop).map_err(|error| fault::uncommitted(&error))
    }
}

/// Bytes that came in the middle of being lost: never the caller's fault.
pub(crate) fn lost() -> Fault {
    fault::internal(&io::Error::from(io::ErrorKind::UnexpectedEof))
}
