// SPDX-License-Identifier: Apache-2.0
//! Snapshots on disk: one file for each published version that has SnapStart.
//!
//! All together take so much room at most; those that nobody has used for longest go first, and are taken again when they are
//! wanted. A file is written aside and gets its name when it is whole.
//!
//! Invariant: of one version one snapshot is taken at a time.

use crate::clock;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// What is written to before it is a snapshot.
const DRAFT: &str = "new";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes on disk that the snapshots of all versions with SnapStart may take together. The one used last stays, however
    /// large it is. Default: 17179869184 (16 GiB).
    pub bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes_max: 16 << 30 }
    }
}

#[derive(Debug)]
pub struct Snapshots {
    directory: PathBuf,
    options: Options,
    /// Who takes the snapshot of a version.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    places: tokio::sync::Semaphore,
}

/// How many versions initialise for their snapshots at once.
const TAKEN_AT_ONCE_MAX: usize = 16;

impl Snapshots {
    /// `directory` belongs to this value alone. It is made for this user alone: memory of functions is in it.
    pub fn open(directory: &Path, options: Options) -> io::Result<Self> {
        match fs::DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let turns = Mutex::default();
        let places = tokio::sync::Semaphore::new(TAKEN_AT_ONCE_MAX);
        let this = Self { directory: directory.to_owned(), options, turns, places };
        // What was being written when the last server ended.
        for (path, ..) in this.all()? {
            if path.extension().is_some_and(|extension| extension == DRAFT) {
                fs::remove_file(path)?;
            }
        }
        Ok(this)
    }

    /// The snapshot called `name`, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<File> {
        let file = File::options().read(true).open(self.directory.join(name)).ok()?;
        // Only the order of their use depends on it.
        let now = UNIX_EPOCH + Duration::from_millis(clock::epoch_ms());
        let _ = file.set_times(FileTimes::new().set_accessed(now));
        Some(file)
    }

    /// Waits until nobody else takes the snapshot called `name`.
    pub(crate) async fn turn(&self, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody waits for are not kept.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(name.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Waits until few others initialise.
    pub(crate) async fn place(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// A file for a snapshot to be. Dropped before `keep`, it is gone.
    pub(crate) fn draft(&self, name: &str) -> io::Result<Draft> {
        let path = self.directory.join(name).with_extension(DRAFT);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&path)?;
        Ok(Draft { path, file })
    }

    /// Gives a draft its name. Blocks while others are removed for it.
    pub(crate) fn keep(&self, name: &str, draft: &Draft) -> io::Result<()> {
        fs::rename(&draft.path, self.directory.join(name))?;
        self.make_room(name)
    }

    /// Forgets the snapshot called `name`. An environment that is being made from it is not disturbed.
    pub(crate) fn remove(&self, name: &str) {
        if let Err(error) = fs::remove_file(self.directory.join(name))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "snapshot not removed");
        }
    }

    /// Forgets all that are not `used`.
    pub(crate) fn retain(&self, used: &HashSet<String>) {
        let all = self.all().unwrap_or_default();
        let names = all.iter().filter_map(|(path, ..)| path.file_name()?.to_str());
        names.filter(|name| !used.contains(*name)).for_each(|name| self.remove(name));
    }

    fn make_room(&self, newest: &str) -> io::Result<()> {
        let mut all = self.all()?;
        let mut total: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
        all.sort_by_key(|(_, _, used)| *used);
        for (path, bytes, _) in all {
            if total <= self.options.bytes_max {
                break;
            }
            let is_draft = path.extension().is_some();
            if path.file_name().is_some_and(|name| name != newest) && !is_draft {
                fs::remove_file(path)?;
                total = total.saturating_sub(bytes);
            }
        }
        Ok(())
    }

    /// Path, room on disk and last use.
    fn all(&self) -> io::Result<Vec<(PathBuf, u64, Duration)>> {
        use std::os::unix::fs::MetadataExt as _;
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let used = metadata.accessed()?.max(metadata.modified()?);
            let used = used.duration_since(UNIX_EPOCH).unwrap_or_default();
            all.push((entry.path(), metadata.blocks() * 512, used));
        }
        Ok(all)
    }
}

/// A snapshot that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    pub(crate) file: File,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It has another name by now, if it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn those_used_last_stay() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { bytes_max: 40 << 10 };
        let snapshots = Snapshots::open(&folder.path().join("snapshots"), options).unwrap();
        let put = |name: &str, used_ms| {
            let mut draft = snapshots.draft(name).unwrap();
            draft.file.write_all(&[1; 16 << 10]).unwrap();
            let used = UNIX_EPOCH + Duration::from_millis(used_ms);
            draft.file.set_times(FileTimes::new().set_accessed(used).set_modified(used)).unwrap();
            snapshots.keep(name, &draft).unwrap();
        };
        put("a", 1);
        put("b", 2);
        assert!(snapshots.get("a").is_some(), "used now");
        put("c", 3);
        let there = ["a", "b", "c"].map(|name| snapshots.get(name).is_some());
        assert_eq!(there, [true, false, true]);
        snapshots.retain(&HashSet::from(["c".to_owned()]));
        assert!(snapshots.get("a").is_none() && snapshots.get("c").is_some());
        assert_eq!(snapshots.all().unwrap().len(), 1, "no draft is left");
    }
}
