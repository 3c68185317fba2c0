// SPDX-License-Identifier: Apache-2.0
//! Reading the journal at start: what is in it, and what of it still stands.
//!
//! Invariant: what was read here is on the disk before anything is made of it. After `kill -9` it may have been in the
//! kernel's memory alone.

use crate::disk::Segment;
use crate::entry::{Change, Entry, FRAME_BYTES, Kept, Progress, frame, is_whole};
use crate::journal::{Files, MAGIC_BYTES, Place, check_magic, name_of, number_of};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

const READ_BYTES: usize = 1 << 20;

/// Why the queue did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to prepare the directory of events")]
    Directory {
        #[source]
        source: io::Error,
    },
    #[error("failed to read the file of events `{name}`")]
    File {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("`{name}` is not a file of events that this build reads")]
    Foreign { name: String },
}

/// An item that has not ended.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) place: Place,
    /// Its head and body are left on the disk.
    pub(crate) kept: Kept,
}

#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// In the order in which they were accepted.
    pub(crate) items: BTreeMap<u64, Standing>,
    /// Bytes of each file.
    pub(crate) segments: BTreeMap<u64, u64>,
    /// The latest queue time that was written.
    pub(crate) at: u64,
    pub(crate) id_max: u64,
    lines: HashMap<Bytes, Bytes>,
}

/// Reads every file of `files`' disk.
pub(crate) fn recover(files: &Files) -> Result<Recovered, OpenError> {
    let names = files.disk().list().map_err(|source| OpenError::Directory { source })?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();

    let mut recovered = Recovered::default();
    for number in numbers {
        let name = name_of(number);
        let failed = |source| OpenError::File { name: name.clone(), source };
        let segment = files.disk().open(&name).map_err(failed)?;
        let length = segment.length().map_err(failed)?;
        if length < MAGIC_BYTES as u64 {
            // Made, and never written to.
            files.disk().remove(&name).map_err(failed)?;
            recovered.segments.entry(number).or_insert(0);
            continue;
        }
        segment.sync().map_err(failed)?;
        let mut scan = Scan::new(Arc::clone(&segment), length);
        let magic = scan.take(MAGIC_BYTES).map_err(failed)?.unwrap_or_default();
        match check_magic(&magic) {
            Some(Ok(())) => {}
            Some(Err(())) => return Err(OpenError::Foreign { name }),
            None => {
                // What is acknowledged has all before it on the disk: in this file nothing ever was.
                tracing::warn!(file = name, bytes = length, "file of events was torn at its start");
                files.disk().remove(&name).map_err(failed)?;
                recovered.segments.entry(number).or_insert(0);
                continue;
            }
        }
        while let Some((entry, offset, bytes)) = scan.next().map_err(failed)? {
            recovered.apply(entry, Place { segment: number, offset, bytes });
        }
        if scan.offset < length {
            tracing::warn!(
                file = name,
                at = scan.offset,
                bytes = length - scan.offset,
                "end of a file of events was torn"
            );
        }
        files.add(number, segment);
        recovered.segments.insert(number, length);
    }
    Ok(recovered)
}

impl Recovered {
    fn apply(&mut self, entry: Entry, place: Place) {
        let Entry { at, id, change } = entry;
        self.at = self.at.max(at);
        self.id_max = self.id_max.max(id);
        match change {
            Change::Kept(mut kept) => {
                // The buffer that was read goes: what stays is one copy of each line's name.
                kept.line = self.line(&kept.line);
                (kept.head, kept.body) = (Bytes::new(), Bytes::new());
                self.items.insert(id, Standing { place, kept });
            }
            Change::Again(progress) => self.progress(id, progress),
            Change::Ended => drop(self.items.remove(&id)),
            Change::Time => {}
        }
    }

    fn line(&mut self, line: &Bytes) -> Bytes {
        if let Some(known) = self.lines.get(line) {
            return known.clone();
        }
        let copy = Bytes::copy_from_slice(line);
        self.lines.insert(copy.clone(), copy.clone());
        copy
    }

    fn progress(&mut self, id: u64, progress: Progress) {
        if let Some(standing) = self.items.get_mut(&id) {
            standing.kept.progress = progress;
        }
    }
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
    fn next(&mut self) -> io::Result<Option<(Entry, u64, u32)>> {
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
        let entry = Entry::decode(bytes.slice(FRAME_BYTES..));
        Ok(entry.zip(u32::try_from(whole).ok()).map(|(entry, whole)| (entry, offset, whole)))
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

/// The number for the first file of this process.
pub(crate) fn next_number(recovered: &Recovered) -> u64 {
    recovered.segments.last_key_value().map_or(1, |(number, _)| number + 1)
}
