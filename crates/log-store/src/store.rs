// SPDX-License-Identifier: Apache-2.0
//! All log groups of a data directory.
//!
//! ```text
//! ACCOUNT/REGION/NAME.NUMBER/    a group: its name with + for each /, cut where it is too long, and a number that is free
//!   group.json                   its settings. Without this file it is no group
//!   *.raw, *.log                 its segments
//! ```
//!
//! Invariant: of a name in an account and region there is one group.

use crate::group::Group;
use crate::lookout::{Lookout, Spyglass};
use crate::news::News;
use crate::settings::Settings;
use crate::writer::{LogStream, Writer};
use crate::{Options, clock};
use bytes::Bytes;
use names::{AccountId, Region};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Letters of a group's name in that of its directory.
const NAME_MAX: usize = 180;
/// Bytes that are written before somebody looks what all groups have together.
const LOOK_BYTES: usize = 128 << 20;
/// How many times groups are looked after for each such look.
const TENDS: usize = 10;

/// Which group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("the log group exists")]
    Exists,
    #[error("there are too many log groups")]
    TooMany,
    #[error("failed to make a log group")]
    Make(#[from] io::Error),
}

/// A handle to all groups. The last one to go writes what is queued.
#[derive(Debug, Clone)]
pub struct Logs {
    groups: Arc<Groups>,
    writer: Arc<Writer>,
}

/// What the handles and the writer thread have in common.
#[derive(Debug)]
pub(crate) struct Groups {
    root: PathBuf,
    options: Options,
    pub(crate) news: Arc<News>,
    known: Mutex<Known>,
    are_read: Condvar,
    written_bytes: AtomicUsize,
    tends: AtomicUsize,
    spyglass: OnceLock<Spyglass>,
}

#[derive(Debug, Default)]
struct Known {
    /// Not before the thread has read the directory.
    are_read: bool,
    groups: BTreeMap<GroupKey, Arc<Group>>,
}

impl Logs {
    /// Starts the writer of the groups under `root`. It reads which there are meanwhile.
    pub fn start(root: &Path, options: Options) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let queue_bytes_max = options.queue_bytes_max;
        let groups = Arc::new(Groups {
            root: root.to_owned(),
            options,
            news: Arc::default(),
            known: Mutex::default(),
            are_read: Condvar::new(),
            written_bytes: AtomicUsize::new(0),
            tends: AtomicUsize::new(0),
            spyglass: OnceLock::new(),
        });
        let writer = Arc::new(Writer::start(Arc::clone(&groups), queue_bytes_max)?);
        Ok(Self { groups, writer })
    }

    /// A stream that a function writes to. Takes no time: nothing is made before it writes.
    pub fn stream(&self, group: GroupKey, name: String) -> LogStream {
        LogStream::new(group, name, &self.writer.queue)
    }

    /// Waits until everything that functions wrote so far can be read. Blocks the thread.
    pub fn flush(&self) {
        self.writer.queue.flush();
    }

    /// Looks out for events with these bytes in them, from now on. There is one lookout.
    pub fn look_out(&self, bytes: &'static [u8]) -> Lookout {
        let (lookout, spyglass) = Lookout::new(bytes);
        // A second one sees nothing.
        drop(self.groups.spyglass.set(spyglass));
        lookout
    }

    /// Shows the lookout events that a client has put.
    pub fn show(&self, group: &GroupKey, batch: &Bytes) {
        self.groups.look(group, batch);
    }

    pub fn group(&self, key: &GroupKey) -> Option<Arc<Group>> {
        self.groups.known().groups.get(key).cloned()
    }

    /// The same, made if it is not there. `None` if that failed, which is in the server's log.
    pub fn find_or_make(&self, key: &GroupKey) -> Option<Arc<Group>> {
        self.groups.find_or_make(key)
    }

    /// Those of an account and a region, in the order of their names, from the first that is not before `from`.
    pub fn groups(&self, from: &GroupKey) -> Vec<Arc<Group>> {
        let known = self.groups.known();
        let same = |key: &GroupKey| key.account == from.account && key.region == from.region;
        let found = known.groups.range(from..).take_while(|(key, _)| same(key));
        found.map(|(_, group)| Arc::clone(group)).collect()
    }

    /// What all groups have on the disk. Looks at every directory. Blocks the thread.
    pub fn disk_bytes(&self) -> u64 {
        let groups = self.groups.all();
        groups.iter().map(|group| group.disk_bytes().unwrap_or_default()).sum()
    }

    /// Every group there is.
    pub fn all(&self) -> Vec<(GroupKey, Arc<Group>)> {
        let known = self.groups.known();
        known.groups.iter().map(|(key, group)| (key.clone(), Arc::clone(group))).collect()
    }

    /// On the disk when this returns.
    pub fn create(&self, key: &GroupKey, settings: Settings) -> Result<(), CreateError> {
        self.groups.make(key, settings, true).map(drop)
    }

    /// Which groups that are followed get events.
    pub fn news(&self) -> &News {
        &self.groups.news
    }

    /// `false` when there was none. Gone from the disk when this returns.
    pub fn delete(&self, key: &GroupKey) -> io::Result<bool> {
        let Some(group) = self.groups.known().groups.remove(key) else { return Ok(false) };
        group.delete()?;
        Ok(true)
    }
}

/// The groups of a data directory for somebody who only reads, beside its server or without one.
pub fn read_only(root: &Path) -> io::Result<Vec<(GroupKey, Group)>> {
    let read = |(key, dir, settings): Found| {
        (key.clone(), Group::new(key, dir, settings, Options::default(), None))
    };
    Ok(directories(root)?.into_iter().map(read).collect())
}

impl Groups {
    /// Those that are known, once the directory was read.
    fn known(&self) -> MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        while !known.are_read {
            known = self.are_read.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
        known
    }

    pub(crate) fn read_all(&self) {
        let found = directories(&self.root).unwrap_or_else(|error| {
            tracing::error!(root = %self.root.display(), %error, "log groups not read");
            Vec::new()
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, dir, settings) in found {
            let group = self.new_group(&key, dir, settings);
            known.groups.insert(key, group);
        }
        known.are_read = true;
        self.are_read.notify_all();
    }

    /// Whether there is something in a batch that somebody looks out for.
    pub(crate) fn look(&self, group: &GroupKey, batch: &Bytes) {
        if let Some(spyglass) = self.spyglass.get() {
            spyglass.look(group, batch);
        }
    }

    /// The group that a function writes to.
    pub(crate) fn find_or_make(&self, key: &GroupKey) -> Option<Arc<Group>> {
        if let Some(group) = self.known().groups.get(key) {
            return Some(Arc::clone(group));
        }
        match self.make(key, Settings::default(), false) {
            Ok(group) => Some(group),
            // By a client, meanwhile.
            Err(CreateError::Exists) => self.known().groups.get(key).cloned(),
            Err(error) => {
                tracing::warn!(group = key.name, %error, "log lines lost");
                None
            }
        }
    }

    fn make(
        &self,
        key: &GroupKey,
        settings: Settings,
        is_durable: bool,
    ) -> Result<Arc<Group>, CreateError> {
        let mut known = self.known();
        if known.groups.contains_key(key) {
            return Err(CreateError::Exists);
        }
        if known.groups.len() >= self.options.groups_max {
            return Err(CreateError::TooMany);
        }
        let parent = self.root.join(key.account.as_str()).join(key.region.as_str());
        fs::create_dir_all(&parent)?;
        let dir = make_free(&parent, &key.name)?;
        let settings = Settings { name: key.name.clone(), created: clock::epoch_ms(), ..settings };
        settings.write(&dir, is_durable)?;
        if is_durable {
            File::open(&parent)?.sync_all()?;
        }
        let group = self.new_group(key, dir, settings);
        known.groups.insert(key.clone(), Arc::clone(&group));
        Ok(group)
    }

    fn new_group(&self, key: &GroupKey, dir: PathBuf, settings: Settings) -> Arc<Group> {
        let news = Some(Arc::clone(&self.news));
        Arc::new(Group::new(key.clone(), dir, settings, self.options.clone(), news))
    }

    fn all(&self) -> Vec<Arc<Group>> {
        self.known().groups.values().map(Arc::clone).collect()
    }

    pub(crate) fn tend(&self) {
        let (now, groups) = (clock::epoch_ms(), self.all());
        for group in &groups {
            group.tend(now);
        }
        if self.tends.fetch_add(1, Ordering::Relaxed).is_multiple_of(TENDS) {
            self.make_room(&groups);
        }
    }

    /// Functions that write without a pause leave no time to look after the groups.
    pub(crate) fn note_written(&self, bytes: usize) {
        if self.written_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > LOOK_BYTES {
            self.written_bytes.store(0, Ordering::Relaxed);
            self.make_room(&self.all());
        }
    }

    /// Removes the oldest events of all groups until they have room.
    fn make_room(&self, groups: &[Arc<Group>]) {
        let bytes = |group: &Arc<Group>| group.disk_bytes().unwrap_or(0);
        let mut total: u64 = groups.iter().map(bytes).sum();
        while total > self.options.bytes_max {
            let oldest = groups
                .iter()
                .filter_map(|group| Some((group.oldest_write()?, group)))
                .min_by_key(|(time, _)| *time);
            let Some((_, group)) = oldest else { return };
            match group.remove_oldest() {
                Ok(removed @ 1..) => total = total.saturating_sub(removed),
                other => {
                    tracing::warn!(group = %group.settings().name, result = ?other, "no room for log events");
                    return;
                }
            }
        }
    }
}

/// A new directory for the group of this name.
fn make_free(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let name: String = name.chars().take(NAME_MAX).collect();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_#.".contains(c), "+");
    for number in 0_u32.. {
        let dir = parent.join(format!("{name}.{number}"));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A group, its directory and its settings.
type Found = (GroupKey, PathBuf, Settings);

/// Where groups are. What is none is left alone.
fn directories(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for account in fs::read_dir(root)?.flatten() {
        let Ok(id) = account.file_name().to_string_lossy().parse::<AccountId>() else { continue };
        for region in fs::read_dir(account.path())?.flatten() {
            let Ok(region_name) = region.file_name().to_string_lossy().parse::<Region>() else {
                continue;
            };
            for entry in fs::read_dir(region.path())?.flatten() {
                let dir = entry.path();
                let Ok(settings) = Settings::read(&dir) else { continue };
                let (account, region, name) =
                    (id.clone(), region_name.clone(), settings.name.clone());
                found.push((GroupKey { account, region, name }, dir, settings));
            }
        }
    }
    Ok(found)
}
