// SPDX-License-Identifier: Apache-2.0
//! The code of all functions: each package once, as a zip in the blobs and unpacked in a directory named by its hash.
//!
//! Whoever holds a `Code` uses the package, and it stays. What nobody holds is removed by `sweep`, and only there:
//! going down removes nothing.
//!
//! Invariants:
//! - a directory under its final name is complete: it appears by rename;
//! - a blob is named in the keyspace `lambda.packages` before it is written and until it is gone, so that no crash
//!   leaves one behind, and blobs of other services are never touched;
//! - a directory that may have lost bytes in a power failure is not used again: only what was synced has a mark, and
//!   what has none at start is unpacked anew.

use crate::package::{Package, PackageError, PackageLimits};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Batch, BlobError, BlobId, CommitError, Expectation, Keyspace, ReadError, Store};

/// Packages that are unpacked at the same time. One alone may use several threads.
const UNPACKS_MAX: usize = 2;
const MARK: &str = "durable";

#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// The customer's fault, found after the upload was accepted.
    #[error("the package {id} is not valid: {reason}")]
    Invalid { id: BlobId, reason: String },
    #[error("failed to unpack the package {id}")]
    Unpack {
        id: BlobId,
        #[source]
        source: PackageError,
    },
    #[error("failed to keep or read a package")]
    Blob(#[from] BlobError),
    #[error("failed to note a package")]
    Commit(#[from] CommitError),
    #[error("failed to read the list of packages")]
    Read(#[from] ReadError),
    #[error("failed to tidy the directory of unpacked packages `{}`", path.display())]
    Tidy {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the server is shutting down")]
    Closed,
}

/// All packages.
#[derive(Debug, Clone)]
pub(crate) struct CodeStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    store: Store,
    packages: Keyspace,
    limits: PackageLimits,
    slots: Mutex<HashMap<BlobId, Arc<Slot>>>,
    /// Some slot may have no user.
    has_unused: AtomicBool,
    next_temporary: AtomicU64,
    unpacks: tokio::sync::Semaphore,
    unmarked: Mutex<Unmarked>,
}

/// A package that is known. Its files are made and removed under `gate`.
#[derive(Debug, Default)]
struct Slot {
    users: AtomicUsize,
    /// Whether the blob is there.
    is_kept: AtomicBool,
    /// Whether the directory is there.
    is_unpacked: AtomicBool,
    gate: tokio::sync::Mutex<()>,
    /// Why it can never be unpacked.
    invalid: Mutex<Option<String>>,
}

/// Directories that are complete, but not known to be on disk.
#[derive(Debug, Default)]
struct Unmarked {
    ids: Vec<BlobId>,
    is_syncing: bool,
}

/// A package in use. It stays at least as long as this.
#[derive(Debug)]
pub(crate) struct Code {
    id: BlobId,
    slot: Arc<Slot>,
    shared: Arc<Shared>,
}

impl Clone for Code {
    fn clone(&self) -> Self {
        self.slot.users.fetch_add(1, Ordering::Relaxed);
        Self { id: self.id, slot: Arc::clone(&self.slot), shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        if self.slot.users.fetch_sub(1, Ordering::Release) == 1 {
            self.shared.has_unused.store(true, Ordering::Release);
        }
    }
}

impl CodeStore {
    /// Opens the packages under `dir` and removes those that are not in `used`.
    pub(crate) async fn open(
        store: Store,
        dir: PathBuf,
        limits: PackageLimits,
        used: &HashSet<BlobId>,
    ) -> Result<Self, CodeError> {
        let packages = store.keyspace("lambda.packages");
        let unpacked = {
            let (dir, used) = (dir.clone(), used.clone());
            blocking(move || {
                tidy(&dir, &used).map_err(|source| CodeError::Tidy { path: dir, source })
            })
            .await??
        };

        let mut unused = Vec::new();
        packages
            .load(|entry| match entry.key.parse::<BlobId>() {
                Ok(id) if used.contains(&id) => {}
                Ok(id) => unused.push(id),
                Err(_) => {}
            })
            .await?;
        for id in unused {
            remove_blob(&store, &packages, id).await?;
        }

        let slots = used.iter().map(|&id| {
            let slot = Slot::default();
            slot.is_kept.store(true, Ordering::Relaxed);
            slot.is_unpacked.store(unpacked.contains(&id), Ordering::Relaxed);
            (id, Arc::new(slot))
        });
        let shared = Shared {
            dir,
            packages,
            limits,
            slots: Mutex::new(slots.collect()),
            has_unused: AtomicBool::new(false),
            next_temporary: AtomicU64::new(0),
            unpacks: tokio::sync::Semaphore::new(UNPACKS_MAX),
            unmarked: Mutex::default(),
            store,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn limits(&self) -> PackageLimits {
        self.shared.limits
    }

    /// Uses the package `id`, which is kept, or which the caller puts next.
    pub(crate) fn hold(&self, id: BlobId) -> Code {
        let mut slots = lock(&self.shared.slots);
        let slot = Arc::clone(slots.entry(id).or_default());
        slot.users.fetch_add(1, Ordering::Relaxed);
        Code { id, slot, shared: Arc::clone(&self.shared) }
    }

    /// Whether some function, or an upload under way, uses the package.
    pub(crate) fn is_used(&self, id: BlobId) -> bool {
        lock(&self.shared.slots).get(&id).is_some_and(|slot| slot.users.load(Ordering::Acquire) > 0)
    }

    pub(crate) fn zip_path(&self, id: BlobId) -> PathBuf {
        self.shared.store.blobs().path(id)
    }

    /// Keeps a zip that was checked. When this returns, it is on disk.
    pub(crate) async fn put(&self, zip: Bytes) -> Result<Code, CodeError> {
        let id = {
            let zip = zip.clone();
            blocking(move || BlobId::of(&zip)).await?
        };
        let code = self.hold(id);
        let _gate = code.slot.gate.lock().await;
        if !code.slot.is_kept.load(Ordering::Acquire) {
            let note =
                Batch::new().put(&self.shared.packages, id.to_string(), "{}", Expectation::Any);
            self.shared.store.commit(note).await?;
            self.shared.store.blobs().put(zip).await?;
            code.slot.is_kept.store(true, Ordering::Release);
        }
        drop(_gate);
        Ok(code)
    }

    /// Removes the packages that nobody uses. What cannot be removed now is removed at the next start.
    pub(crate) async fn sweep(&self) {
        let has_unused = &self.shared.has_unused;
        // The load keeps invocations from writing to one place all at once.
        if !has_unused.load(Ordering::Acquire) || !has_unused.swap(false, Ordering::AcqRel) {
            return;
        }
        let unused: Vec<_> = lock(&self.shared.slots)
            .iter()
            .filter(|(_, slot)| slot.users.load(Ordering::Acquire) == 0)
            .map(|(&id, slot)| (id, Arc::clone(slot)))
            .collect();
        for (id, slot) in unused {
            if let Err(error) = self.remove(id, &slot).await {
                tracing::warn!(package = %id, error = &error as &dyn std::error::Error, "unused package not removed");
            }
        }
    }

    async fn remove(&self, id: BlobId, slot: &Arc<Slot>) -> Result<(), CodeError> {
        let _gate = slot.gate.lock().await;
        let is_unused = |slot: &Slot| slot.users.load(Ordering::Acquire) == 0;
        let was_unpacked = {
            let _slots = lock(&self.shared.slots);
            if !is_unused(slot) {
                return Ok(());
            }
            // Whoever holds the package from here on waits at the gate and puts it again. No mark is made either.
            slot.is_kept.store(false, Ordering::Release);
            slot.is_unpacked.swap(false, Ordering::AcqRel)
        };
        if was_unpacked {
            let shared = Arc::clone(&self.shared);
            let removed = blocking(move || shared.remove_directory(id)).await?;
            removed.map_err(|source| CodeError::Tidy { path: self.shared.dir.clone(), source })?;
        }
        remove_blob(&self.shared.store, &self.shared.packages, id).await?;

        let mut slots = lock(&self.shared.slots);
        if is_unused(slot) {
            slots.remove(&id);
        }
        Ok(())
    }
}

impl Code {
    pub(crate) const fn id(&self) -> BlobId {
        self.id
    }

    /// Where the unpacked package is, once `unpack` said so.
    pub(crate) fn dir(&self) -> PathBuf {
        self.shared.dir.join(self.id.to_string())
    }

    pub(crate) fn is_unpacked(&self) -> bool {
        self.slot.is_unpacked.load(Ordering::Acquire)
    }

    /// Unpacks the package, unless it is. Of several callers one does it and the others wait.
    ///
    /// A package that is not valid stays so; after any other failure the next caller tries again.
    pub(crate) async fn unpack(&self, zip: Option<Bytes>) -> Result<(), CodeError> {
        if self.is_unpacked() {
            return Ok(());
        }
        let _gate = self.slot.gate.lock().await;
        if self.is_unpacked() {
            return Ok(());
        }
        let id = self.id;
        if let Some(reason) = lock(&self.slot.invalid).clone() {
            return Err(CodeError::Invalid { id, reason });
        }

        let _permit = self.shared.unpacks.acquire().await.map_err(|_| CodeError::Closed)?;
        let zip = match zip {
            Some(zip) => zip,
            None => self.shared.store.blobs().read(id).await?,
        };
        let shared = Arc::clone(&self.shared);
        match blocking(move || shared.unpack(id, zip)).await? {
            Ok(()) => {
                self.slot.is_unpacked.store(true, Ordering::Release);
                Shared::mark_later(&self.shared, id);
                Ok(())
            }
            Err(source @ PackageError::Write { .. }) => Err(CodeError::Unpack { id, source }),
            Err(error) => {
                let reason = error.to_string();
                *lock(&self.slot.invalid) = Some(reason.clone());
                Err(CodeError::Invalid { id, reason })
            }
        }
    }
}

impl Shared {
    fn temporary(&self, prefix: &str) -> PathBuf {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("{prefix}-{number}"))
    }

    fn unpack(&self, id: BlobId, zip: Bytes) -> Result<(), PackageError> {
        let package = Package::check(zip, self.limits)?;
        let temporary = self.temporary("new");
        let failed = |step| {
            let path = temporary.clone();
            move |source| PackageError::Write { step, path, source }
        };
        fs::create_dir(&temporary).map_err(failed("create the directory"))?;
        let name = self.dir.join(id.to_string());
        let unpacked = package.unpack(&temporary).and_then(|()| {
            if name.exists() {
                // Nobody was told of it: its removal failed half-way.
                self.remove_directory(id).map_err(failed("make room for"))?;
            }
            fs::rename(&temporary, &name).map_err(failed("give its name to"))
        });
        if unpacked.is_err() {
            // What stays is removed at the next start.
            let _ = fs::remove_dir_all(&temporary);
        }
        unpacked
    }

    fn remove_directory(&self, id: BlobId) -> std::io::Result<()> {
        let dir = self.dir.join(id.to_string());
        let trash = self.temporary("old");
        remove_if_there(&dir.with_extension(MARK))?;
        fs::rename(&dir, &trash)?;
        fs::remove_dir_all(&trash)
    }

    /// Syncs the directory of `id` and then marks it, behind the caller's back. Many share one sync.
    fn mark_later(shared: &Arc<Self>, id: BlobId) {
        let mut unmarked = lock(&shared.unmarked);
        unmarked.ids.push(id);
        if !std::mem::replace(&mut unmarked.is_syncing, true) {
            let shared = Arc::clone(shared);
            tokio::task::spawn_blocking(move || shared.mark_all());
        }
    }

    fn mark_all(&self) {
        loop {
            let ids = {
                let mut unmarked = lock(&self.unmarked);
                if unmarked.ids.is_empty() {
                    unmarked.is_syncing = false;
                    return;
                }
                std::mem::take(&mut unmarked.ids)
            };
            if let Err(error) = self.mark(&ids) {
                // They work, and are unpacked again after the next start.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "unpacked packages not synced"
                );
            }
        }
    }

    fn mark(&self, ids: &[BlobId]) -> std::io::Result<()> {
        rustix::fs::syncfs(fs::File::open(&self.dir)?)?;
        for id in ids {
            let slots = lock(&self.slots);
            // A package that was removed meanwhile must not leave a mark for a later one of the same name.
            if slots.get(id).is_some_and(|slot| slot.is_unpacked.load(Ordering::Acquire)) {
                fs::File::create(self.dir.join(id.to_string()).with_extension(MARK))?;
            }
        }
        Ok(())
    }
}

/// Makes `dir` hold nothing but complete, used, synced packages, and says which.
fn tidy(dir: &Path, used: &HashSet<BlobId>) -> std::io::Result<HashSet<BlobId>> {
    fs::create_dir_all(dir)?;
    let mut unpacked = HashSet::new();
    let mut leftover = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse::<BlobId>().ok());
        match id.filter(|id| used.contains(id)) {
            Some(id) if path.with_extension(MARK).try_exists()? => {
                unpacked.insert(id);
            }
            _ => leftover.push(path),
        }
    }
    for path in leftover {
        let is_mark_in_use =
            path.extension().is_some_and(|extension| extension == MARK)
                && path.with_extension("").file_name().and_then(|name| name.to_str()).is_some_and(
                    |name| name.parse().is_ok_and(|id: BlobId| unpacked.contains(&id)),
                );
        if is_mark_in_use {
            continue;
        }
        if path.symlink_metadata()?.is_dir() {
            fs::remove_dir_all(&path)?
        } else {
            fs::remove_file(&path)?
        }
    }
    Ok(unpacked)
}

async fn remove_blob(store: &Store, packages: &Keyspace, id: BlobId) -> Result<(), CodeError> {
    store.blobs().delete(id).await?;
    store.commit(Batch::new().delete(packages, id.to_string(), Expectation::Any)).await?;
    Ok(())
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CodeError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CodeError::Closed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each critical section leaves a whole value behind, wherever it panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
