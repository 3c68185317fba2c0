// SPDX-License-Identifier: Apache-2.0
//! A part of a group that is written, compressed and removed as one.
//!
//! ```text
//! 0000000012.raw    frames as they arrived. Only the last segment of a group is written to
//! 0000000011.log    the same frames in blocks, each compressed; then an index: JSON | CRC-32 u32 | length u32
//! ```
//!
//! Invariants:
//! - the compressed file has its name only once it is whole, and then the other one is removed;
//! - a place in a segment means the same in both forms.

use crate::block::{self, Block};
use crate::frame::{self, Frame, StreamId};
use crate::stream::StreamState;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Length and checksum of the index.
const TRAILER_BYTES: u64 = 8;
const INDEX_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Raw,
    Compressed,
}

#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) form: Form,
    pub(crate) blocks: Vec<Block>,
    pub(crate) raw_bytes: usize,
    pub(crate) disk_bytes: u64,
}

/// What stands behind the blocks of a compressed segment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) blocks: Vec<Block>,
    /// Those that stand in the segment, as they were when it was compressed.
    pub(crate) streams: Vec<(StreamId, StreamState)>,
    pub(crate) deleted: Vec<StreamId>,
}

impl Segment {
    pub(crate) const fn new(number: u32) -> Self {
        Self { number, form: Form::Raw, blocks: Vec::new(), raw_bytes: 0, disk_bytes: 0 }
    }

    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        path(dir, self.number, self.form)
    }

    /// Takes what was written to the end of the file into the index.
    pub(crate) fn note(&mut self, written: &[u8], mut each: impl FnMut(&Frame<'_>)) {
        for (at, frame, length) in frame::frames(written) {
            block::note(&mut self.blocks, self.raw_bytes + at, length, &frame);
            each(&frame);
        }
        self.raw_bytes += written.len();
        self.disk_bytes = u64::try_from(self.raw_bytes).unwrap_or(u64::MAX);
    }

    /// The last time of an event in it.
    pub(crate) fn last(&self) -> i64 {
        self.blocks.iter().map(|block| block.last).max().unwrap_or(i64::MIN)
    }

    /// Writes it once more, compressed. `is_durable`: somebody was told that it is on the disk.
    pub(crate) fn compress(
        &self,
        dir: &Path,
        mut index: Index,
        is_durable: bool,
    ) -> io::Result<Self> {
        let raw = fs::read(self.path(dir))?;
        let partial = dir.join("new");
        let mut file = BufWriter::new(private().write(true).truncate(true).open(&partial)?);
        let mut at = 0;
        index.blocks.clear();
        for block in &self.blocks {
            let bytes = block::compress(raw.get(block.range()).unwrap_or_default())?;
            file.write_all(&bytes)?;
            index.blocks.push(block.moved(at, bytes.len()));
            at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        let text = serde_json::to_vec(&index)?;
        file.write_all(&text)?;
        file.write_all(&crc32fast::hash(&text).to_le_bytes())?;
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        file.write_all(&length.to_le_bytes())?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if is_durable {
            file.sync_data()?;
        }
        let compressed = Self {
            number: self.number,
            form: Form::Compressed,
            blocks: index.blocks,
            raw_bytes: self.raw_bytes,
            disk_bytes: file.metadata()?.len(),
        };
        fs::rename(partial, compressed.path(dir))?;
        if is_durable {
            File::open(dir)?.sync_all()?;
        }
        fs::remove_file(self.path(dir))?;
        Ok(compressed)
    }

    /// The bytes of one of its blocks, uncompressed. `NotFound`: the segment was removed meanwhile.
    pub(crate) fn read(&self, dir: &Path, block: &Block) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(block.length).map_err(io::Error::other)?];
        File::open(self.path(dir))?.read_exact_at(&mut bytes, block.at)?;
        match self.form {
            Form::Raw => Ok(bytes),
            Form::Compressed => block::decompress(&bytes, block.raw_length),
        }
    }
}

pub(crate) fn path(dir: &Path, number: u32, form: Form) -> PathBuf {
    let extension = match form {
        Form::Raw => "raw",
        Form::Compressed => "log",
    };
    dir.join(format!("{number:010}.{extension}"))
}

/// The segments of a directory in their order. Of one that is there in both forms, the compressed.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<(u32, Form)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("raw") => Form::Raw,
            Some("log") => Form::Compressed,
            _ => continue,
        };
        let number = path.file_stem().and_then(|stem| stem.to_str());
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, form));
        }
    }
    found.sort_by_key(|(number, form)| (*number, std::cmp::Reverse(*form)));
    found.dedup_by_key(|(number, _)| *number);
    Ok(found)
}

/// Reads the index of a compressed segment.
pub(crate) fn open_compressed(dir: &Path, number: u32) -> io::Result<(Segment, Index)> {
    let damaged =
        || io::Error::new(io::ErrorKind::InvalidData, "the index of a segment is damaged");
    let file = File::open(path(dir, number, Form::Compressed))?;
    let disk_bytes = file.metadata()?.len();
    let at = disk_bytes.checked_sub(TRAILER_BYTES).ok_or_else(damaged)?;
    let mut trailer = [0; 8];
    file.read_exact_at(&mut trailer, at)?;
    let (crc, length) = trailer.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = u32::from_le_bytes(*length.first_chunk().ok_or_else(damaged)?);
    if u64::from(length) > at.min(INDEX_BYTES_MAX) {
        return Err(damaged());
    }
    let mut text = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut text, at - u64::from(length))?;
    if crc32fast::hash(&text) != u32::from_le_bytes(*crc) {
        return Err(damaged());
    }
    let mut index: Index = serde_json::from_slice(&text)?;
    let blocks = std::mem::take(&mut index.blocks);
    let raw_bytes = blocks.last().map_or(0, |block| block.range().end);
    Ok((Segment { number, form: Form::Compressed, blocks, raw_bytes, disk_bytes }, index))
}

/// Opens the file of a segment that goes on being written, which may be new.
pub(crate) fn open_raw(dir: &Path, number: u32) -> io::Result<File> {
    private().append(true).open(path(dir, number, Form::Raw))
}

/// For this user alone: what functions print may hold secrets.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}
