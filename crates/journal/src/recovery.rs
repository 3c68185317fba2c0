// SPDX-License-Identifier: Apache-2.0
//! Reading a journal at start.
//!
//! Invariant: what was read here is on the disk before anything is made of it. After `kill -9` it may have been in the
//! kernel's memory alone.

use crate::disk::Segment;
use crate::frame::{FRAME_BYTES, frame, is_whole};
use crate::writer::{Files, MAGIC_BYTES, Place};
use bytes::{Bytes, BytesMut};
use std::io;
use std::sync::Arc;

const READ_BYTES: usize = 1 << 20;

/// Why a journal could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to prepare the journal's directory")]
    Directory {
        #[source]
        source: io::Error,
    },
    #[error("failed to read the journal's file `{name}`")]
    File {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("`{name}` is not a file that this build reads")]
    Foreign { name: String },
}

/// What was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The number for the first file of this process, above all that were there.
    pub next_number: u64,
}

/// Reads every file of `files`' disk, and gives each entry to `apply`, in the order in which they were written. Where that
/// answers `None` the entry is none, and its file ends before it.
///
/// # Errors
///
/// When the disk can not be read, or holds what this build does not know.
pub fn recover(
    files: &Files,
    mut apply: impl FnMut(Bytes, Place) -> Option<()>,
) -> Result<Found, OpenError> {
    let names = files.disk().list().map_err(|source| OpenError::Directory { source })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| files.number_of(name)).collect();
    numbers.sort_unstable();

    for number in &numbers {
        recover_file(files, *number, &mut apply)?;
    }
    Ok(Found { next_number: numbers.last().map_or(1, |number| number + 1) })
}

fn recover_file(
    files: &Files,
    number: u64,
    apply: &mut impl FnMut(Bytes, Place) -> Option<()>,
) -> Result<(), OpenError> {
    let name = files.name_of(number);
    let failed = |source| OpenError::File { name: name.clone(), source };
    let segment = files.disk().open(&name).map_err(failed)?;
    let length = segment.length().map_err(failed)?;
    if length < MAGIC_BYTES as u64 {
        // Made, and never written to.
        return files.disk().remove(&name).map_err(failed);
    }
    segment.sync().map_err(failed)?;
    let mut scan = Scan::new(Arc::clone(&segment), length);
    let magic = scan.take(MAGIC_BYTES).map_err(failed)?.unwrap_or_default();
    match files.check_magic(&magic) {
        Some(Ok(())) => {}
        Some(Err(())) => return Err(OpenError::Foreign { name }),
        None => {
            // What is acknowledged has all before it on the disk: in this file nothing ever was.
            tracing::warn!(file = name, bytes = length, "file of a journal was torn at its start");
            return files.disk().remove(&name).map_err(failed);
        }
    }
    let mut end = scan.offset;
    while let Some((entry, offset, bytes)) = scan.next().map_err(failed)? {
        if apply(entry, Place { segment: number, offset, bytes }).is_none() {
            break;
        }
        end = scan.offset;
    }
    if end < length {
        tracing::warn!(
            file = name,
            at = end,
            bytes = length - end,
            "end of a journal's file was torn"
        );
    }
    files.add(number, segment);
    Ok(())
}

/// Goes through one file.
struct Scan {
    segment: Arc<dyn Segment>,
    length: u64,
    /// What was read from `offset` on.
    ahead: BytesMut,
    offset: u64,
}

impl Scan {
    fn new(segment: Arc<dyn Segment>, length: u64) -> Self {
        Self { segment, length, ahead: BytesMut::new(), offset: 0 }
    }

    /// The next entry, the offset of its frame, and the frame's length. `None` at the end, and where one is torn.
    fn next(&mut self) -> io::Result<Option<(Bytes, u64, u32)>> {
        let offset = self.offset;
        let Some(head) = self.look(FRAME_BYTES)? else { return Ok(None) };
        let Some((length, sum)) = head.first_chunk().copied().and_then(frame) else {
            return Ok(None);
        };
        let whole = FRAME_BYTES + length;
        let is_good = self
            .look(whole)?
            .and_then(|bytes| bytes.get(FRAME_BYTES..))
            .is_some_and(|entry| is_whole(entry, sum));
        if !is_good {
            return Ok(None);
        }
        let Some(bytes) = self.take(whole)? else { return Ok(None) };
        let whole = u32::try_from(whole).ok();
        Ok(whole.map(|whole| (bytes.slice(FRAME_BYTES..), offset, whole)))
    }

    fn take(&mut self, bytes: usize) -> io::Result<Option<Bytes>> {
        if self.look(bytes)?.is_none() {
            return Ok(None);
        }
        self.offset += bytes as u64;
        Ok(Some(self.ahead.split_to(bytes).freeze()))
    }

    /// The next `bytes`, without going beyond them. `None` if the file ends before.
    fn look(&mut self, bytes: usize) -> io::Result<Option<&[u8]>> {
        if self.ahead.len() < bytes {
            let from = self.offset + self.ahead.len() as u64;
            let left = usize::try_from(self.length.saturating_sub(from)).unwrap_or(usize::MAX);
            let more = READ_BYTES.max(bytes - self.ahead.len()).min(left);
            let before = self.ahead.len();
            self.ahead.resize(before + more, 0);
            if let Some(room) = self.ahead.get_mut(before..) {
                self.segment.read_at(from, room)?;
            }
        }
        Ok(self.ahead.get(..bytes))
    }
}
