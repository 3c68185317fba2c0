// SPDX-License-Identifier: Apache-2.0
//! What of the journal still stands at start.

use crate::entry::{Change, Entry, Kept, Progress};
use bytes::Bytes;
use journal::{Files, Found, OpenError, Place};
use std::collections::{BTreeMap, HashMap};

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
    /// The latest queue time that was written.
    pub(crate) at: u64,
    pub(crate) id_max: u64,
    lines: HashMap<Bytes, Bytes>,
}

/// Reads every file of `files`' disk.
pub(crate) fn recover(files: &Files) -> Result<(Recovered, Found), OpenError> {
    let mut recovered = Recovered::default();
    let found = journal::recover(files, |entry, place| {
        recovered.apply(Entry::decode(entry)?, place);
        Some(())
    })?;
    Ok((recovered, found))
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
