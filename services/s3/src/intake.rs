// SPDX-License-Identifier: Apache-2.0
//! Bytes on their way in: hashed and written while they arrive, a piece of them in memory at a time.

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
use wire::{Result, Upload};

/// What is longer has a file of its own.
const ROW_BYTES_MAX: usize = 64 << 10;
/// Bytes that are written at once.
const PIECE_BYTES: usize = 256 << 10;

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

struct Digests {
    md5: Md5,
    summing: Vec<Summing>,
}

impl Digests {
    fn new(algorithms: &[Algorithm]) -> Self {
        let summing = algorithms.iter().map(|algorithm| Summing::new(*algorithm)).collect();
        Self { md5: Md5::new(), summing }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for summing in &mut self.summing {
            summing.update(bytes);
        }
    }
}

/// A file that is being written. It is removed unless it becomes a draft.
struct Writing {
    files: Arc<Files>,
    id: String,
    file: Option<File>,
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
    /// `None` while both are with the thread that writes.
    work: Option<(Digests, Option<Writing>)>,
}

impl<'p> Intake<'p> {
    pub(crate) fn new(files: &Arc<Files>, plan: &'p Plan) -> Self {
        let work = Some((Digests::new(&plan.algorithms), None));
        Self { files: Arc::clone(files), plan, size: 0, waiting: BytesMut::new(), work }
    }

    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.plan.bytes_max {
            return Err(too_large(self.plan));
        }
        self.waiting.extend_from_slice(&bytes);
        if self.waiting.len() >= PIECE_BYTES { self.write(Then::GoOn).await } else { Ok(()) }
    }

    async fn write(&mut self, then: Then) -> Result<()> {
        let (mut digests, mut writing) = self.work.take().ok_or_else(crate::body::lost)?;
        let piece = std::mem::take(&mut self.waiting).freeze();
        let files = Arc::clone(&self.files);
        let written = tokio::task::spawn_blocking(move || {
            digests.update(&piece);
            let result = write_piece(&files, &mut writing, &piece, then);
            (digests, writing, result)
        });
        let (digests, writing, result) = written.await.map_err(|_| crate::body::lost())?;
        self.work = Some((digests, writing));
        result.map_err(|error| fault::unwritten(&error))
    }

    pub(crate) async fn finish(mut self) -> Result<Draft> {
        let has_file = self.work.as_ref().is_some_and(|(_, writing)| writing.is_some());
        let is_long = has_file || self.waiting.len() > ROW_BYTES_MAX;
        if is_long {
            self.write(Then::Finish).await?;
        }
        let (mut digests, writing) = self.work.take().ok_or_else(crate::body::lost)?;
        let row = std::mem::take(&mut self.waiting).freeze();
        digests.update(&row);
        let body = match writing {
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
            md5: digests.md5.finalize().into(),
            checksums: digests.summing.into_iter().map(Summing::finish).collect(),
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

fn write_piece(
    files: &Arc<Files>,
    writing: &mut Option<Writing>,
    piece: &[u8],
    then: Then,
) -> io::Result<()> {
    files.check_room()?;
    if writing.is_none() {
        let id = Files::new_id();
        let path = files.incoming(&id);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        *writing = Some(Writing { files: Arc::clone(files), id, file: Some(file) });
    }
    if let Some(file) = writing.as_mut().and_then(|writing| writing.file.as_mut()) {
        file.write_all(piece)?;
        if then == Then::Finish {
            file.sync_all()?;
            files.sync_incoming()?;
        }
    }
    Ok(())
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
