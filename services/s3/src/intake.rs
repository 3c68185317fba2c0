// SPDX-License-Identifier: Apache-2.0
//! Bytes on their way in: hashed and written while they arrive, a few pieces of them in memory at a time.
//!
//! MD5 is as much work as all the rest together, so it has a thread of its own, and neither keeps the next piece from coming in.

use crate::body::{Body, Files};
use crate::checksum::{Algorithm, Checksum, Summing};
use crate::fault;
use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use store::Batch;
use tokio::task::{JoinHandle, spawn_blocking};
use wire::{Result, Upload};

/// What is longer has a file of its own.
const ROW_BYTES_MAX: usize = 64 << 10;
/// Bytes that are written at once.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes after which a file is brought to the disk on the way, so that little is left to wait for at its end.
const SYNC_BYTES: usize = 8 << 20;

/// What to do with bytes that come.
pub(crate) struct Plan {
    pub(crate) bytes_max: u64,
    pub(crate) algorithms: Vec<Algorithm>,
}

/// Bytes that are on the disk, or will be with the commit that names them. They go when nobody commits them.
pub(crate) struct Draft {
    files: Arc<Files>,
    pub(crate) body: Body,
    /// Of a row.
    row: Bytes,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: Vec<Checksum>,
    is_kept: bool,
}

/// What one thread makes of a piece after the other, while whoever brings them goes on.
struct Lane<T> {
    resting: Option<T>,
    working: Option<JoinHandle<io::Result<T>>>,
}

impl<T: Send + 'static> Lane<T> {
    const fn new(state: T) -> Self {
        Self { resting: Some(state), working: None }
    }

    /// What it has come to, once it has done what it was given.
    async fn rest(&mut self) -> Result<T> {
        let Some(working) = &mut self.working else {
            return self.resting.take().ok_or_else(crate::body::lost);
        };
        let done = working.await;
        self.working = None;
        let done = done.map_err(|_| crate::body::lost())?;
        done.map_err(|error| fault::unwritten(&error))
    }

    /// Gives it more to do, once it has done what it was given before.
    async fn give(
        &mut self,
        work: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let mut state = self.rest().await?;
        self.working = Some(spawn_blocking(move || work(&mut state).map(|()| state)));
        Ok(())
    }
}

/// Everything but MD5.
struct Written {
    summing: Vec<Summing>,
    writing: Option<Writing>,
}

impl Written {
    fn update(&mut self, bytes: &[u8]) {
        for summing in &mut self.summing {
            summing.update(bytes);
        }
    }

    fn push(&mut self, files: &Arc<Files>, piece: &[u8], then: Then) -> io::Result<()> {
        files.check_room()?;
        let writing = match &mut self.writing {
            Some(writing) => writing,
            absent => absent.insert(Writing::create(files)?),
        };
        writing.push(piece, then)?;
        self.update(piece);
        Ok(())
    }
}

/// A file that is being written. It is removed unless it becomes a draft.
struct Writing {
    files: Arc<Files>,
    id: String,
    file: Option<File>,
    /// Bytes that may not be on the disk.
    pending: usize,
}

impl Writing {
    fn create(files: &Arc<Files>) -> io::Result<Self> {
        let id = Files::new_id();
        let path = files.incoming(&id);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { files: Arc::clone(files), id, file: Some(file), pending: 0 })
    }

    fn push(&mut self, piece: &[u8], then: Then) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(piece)?;
        self.pending += piece.len();
        if then == Then::Finish {
            file.sync_all()?;
            self.files.sync_incoming()?;
        } else if self.pending >= SYNC_BYTES {
            file.sync_data()?;
            self.pending = 0;
        }
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.file.is_some() {
            discard(&self.files, &self.id);
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let (Body::File(id), false) = (&self.body, self.is_kept) {
            discard(&self.files, id);
        }
    }
}

fn discard(files: &Files, id: &str) {
    if let Err(error) = std::fs::remove_file(files.incoming(id)) {
        tracing::warn!(error = %error, "unfinished object not removed");
    }
}

/// Takes a whole body in.
pub(crate) async fn take(
    files: &Arc<Files>,
    upload: &mut dyn Upload,
    plan: &Plan,
) -> Result<Draft> {
    if upload.length().is_some_and(|length| length > plan.bytes_max) {
        return Err(too_large(plan));
    }
    let mut intake = Intake::new(files, plan);
    while let Some(bytes) = upload.next().await? {
        intake.push(bytes).await?;
    }
    intake.finish().await
}

fn too_large(plan: &Plan) -> wire::Fault {
    fault::entity_too_large().with_member("MaxSizeAllowed", plan.bytes_max.to_string())
}

/// Takes bytes from wherever they come.
pub(crate) struct Intake<'p> {
    files: Arc<Files>,
    plan: &'p Plan,
    size: u64,
    waiting: BytesMut,
    md5: Lane<Md5>,
    written: Lane<Written>,
    /// Some of the bytes were passed on already.
    is_long: bool,
}

impl<'p> Intake<'p> {
    pub(crate) fn new(files: &Arc<Files>, plan: &'p Plan) -> Self {
        let summing = plan.algorithms.iter().map(|algorithm| Summing::new(*algorithm)).collect();
        Self {
            files: Arc::clone(files),
            plan,
            size: 0,
            waiting: BytesMut::new(),
            md5: Lane::new(Md5::new()),
            written: Lane::new(Written { summing, writing: None }),
            is_long: false,
        }
    }

    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.plan.bytes_max {
            return Err(too_large(self.plan));
        }
        self.waiting.extend_from_slice(&bytes);
        if self.waiting.len() < PIECE_BYTES {
            return Ok(());
        }
        self.pass_on(Then::GoOn).await?;
        self.waiting.reserve(PIECE_BYTES);
        Ok(())
    }

    async fn pass_on(&mut self, then: Then) -> Result<()> {
        self.is_long = true;
        let piece = std::mem::take(&mut self.waiting).freeze();
        let (same, files) = (piece.clone(), Arc::clone(&self.files));
        let sum = move |md5: &mut Md5| {
            md5.update(&same);
            Ok(())
        };
        self.md5.give(sum).await?;
        self.written.give(move |written| written.push(&files, &piece, then)).await
    }

    pub(crate) async fn finish(mut self) -> Result<Draft> {
        if self.is_long || self.waiting.len() > ROW_BYTES_MAX {
            self.pass_on(Then::Finish).await?;
        }
        let (mut md5, mut written) = (self.md5.rest().await?, self.written.rest().await?);
        let row = std::mem::take(&mut self.waiting).freeze();
        md5.update(&row);
        written.update(&row);
        let body = match written.writing {
            Some(mut writing) => {
                writing.file = None;
                Body::File(std::mem::take(&mut writing.id))
            }
            None if row.is_empty() => Body::Empty,
            None => Body::Row(Files::new_id()),
        };
        Ok(Draft {
            files: self.files,
            body,
            row,
            size: self.size,
            md5: md5.finalize().into(),
            checksums: written.summing.into_iter().map(Summing::finish).collect(),
            is_kept: false,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    /// Everything is on the disk afterwards.
    Finish,
}

impl Draft {
    /// The batch with all that the bytes need.
    pub(crate) fn add_to(&self, batch: Batch) -> Batch {
        match &self.body {
            Body::Empty | Body::Pieces(_) => batch,
            Body::Row(id) => self.files.add_row(batch, id, &self.row),
            Body::File(id) => self.files.add_row(batch, id, &[]),
        }
    }

    /// They are committed.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
        if let Body::File(id) = &self.body {
            self.files.settle_later(id.clone());
        }
    }

    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
