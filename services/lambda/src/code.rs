// SPDX-License-Identifier: Apache-2.0
//! The code of all functions: each package once, as a zip in the blobs and unpacked in a directory named by its hash.
//!
//! Whoever holds a `Code` uses the package, and it stays; so it does while the worker still holds a function that was
//! made from it, for an invocation whose caller went away. What nobody holds is removed by `sweep`, and only there:
//! going down removes nothing.
//!
//! Invariants:
//! - a blob is named in the keyspace `lambda.packages` before it is written and until it is gone, so that no crash
//!   leaves one behind, and blobs of other services are never touched;
//! - a directory that may have lost bytes in a power failure is not used again: what has no mark at start is unpacked
//!   anew.

use crate::directory::Directory;
use crate::package::{Package, PackageError, PackageLimits};
use crate::tasks;
use images::ImageError;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use store::{Batch, BlobError, BlobId, CommitError, Expectation, Keyspace, ReadError, Store};

/// Packages that are unpacked at the same time. One alone may use several threads.
const UNPACKS_MAX: usize = 2;
/// How long syncs are put off, so that many packages share one.
const MARK_DELAY: Duration = Duration::from_secs(1);
/// Between two looks at a package that the worker still runs.
const SWEEP_DELAY: Duration = Duration::from_secs(1);

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
    #[error("failed to pull an image")]
    Image(#[from] ImageError),
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
    directory: Directory,
    store: Store,
    packages: Keyspace,
    limits: PackageLimits,
    slots: Mutex<HashMap<BlobId, Arc<Slot>>>,
    /// Packages that lost their last user and may have none still.
    unused: Mutex<HashSet<BlobId>>,
    /// Whether `unused` holds any, for those who only look.
    has_unused: AtomicBool,
    is_sweep_due: AtomicBool,
    unpacks: tokio::sync::Semaphore,
    unmarked: Mutex<Unmarked>,
}

/// A package that is known. Its files are made and removed under `gate`.
#[derive(Debug, Default)]
struct Slot {
    users: AtomicUsize,
    runnables: Mutex<Runnables>,
    /// Whether the blob is there.
    is_kept: AtomicBool,
    /// Whether the directory is there.
    is_unpacked: AtomicBool,
    /// Whether it is a directory of other packages' files, without a zip of its own.
    is_merged: AtomicBool,
    gate: tokio::sync::Mutex<()>,
    /// Why it can never be unpacked.
    invalid: Mutex<Option<String>>,
}

/// What the worker was given to run from a package, in so far as it may still hold it.
#[derive(Debug, Default)]
struct Runnables {
    noted: Vec<Weak<worker::Function>>,
    /// At this number it is tidied up.
    tidy_at: usize,
}

/// Directories that are complete, but not known to be on disk.
#[derive(Debug, Default)]
struct Unmarked {
    ids: Vec<BlobId>,
    is_syncing: bool,
}

/// A package that was kept a moment ago and is still in memory.
#[derive(Debug)]
pub(crate) struct Uploaded {
    id: BlobId,
    package: Package,
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
            lock(&self.shared.unused).insert(self.id);
            self.shared.has_unused.store(true, Ordering::Release);
        }
    }
}

impl CodeStore {
    /// Opens the packages under `dir` and removes those that are not in `used`, and directories that are in neither.
    pub(crate) async fn open(
        store: Store,
        dir: PathBuf,
        limits: PackageLimits,
        used: &HashSet<BlobId>,
        merged: &HashSet<BlobId>,
    ) -> Result<Self, CodeError> {
        let packages = store.keyspace("lambda.packages");
        let (directory, unpacked) = {
            let used = used.union(merged).copied().collect();
            let open = move || {
                Directory::open(dir.clone(), &used)
                    .map_err(|source| CodeError::Tidy { path: dir, source })
            };
            blocking(open).await??
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

        let slots = used.union(merged).map(|&id| {
            let slot = Slot::default();
            slot.is_kept.store(used.contains(&id), Ordering::Relaxed);
            slot.is_unpacked.store(unpacked.contains(&id), Ordering::Relaxed);
            (id, Arc::new(slot))
        });
        let shared = Shared {
            directory,
            packages,
            limits,
            slots: Mutex::new(slots.collect()),
            unused: Mutex::default(),
            has_unused: AtomicBool::new(false),
            is_sweep_due: AtomicBool::new(false),
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

    /// Uses the directory `id` that is made of several packages.
    pub(crate) fn hold_merged(&self, id: BlobId) -> Code {
        let code = self.hold(id);
        code.slot.is_merged.store(true, Ordering::Release);
        code
    }

    /// Whether some function or layer, or an upload under way, uses the package.
    pub(crate) fn is_used(&self, id: BlobId) -> bool {
        lock(&self.shared.slots).get(&id).is_some_and(|slot| {
            slot.users.load(Ordering::Acquire) > 0 && !slot.is_merged.load(Ordering::Acquire)
        })
    }

    pub(crate) fn zip_path(&self, id: BlobId) -> PathBuf {
        self.shared.store.blobs().path(id)
    }

    /// Keeps a package that was checked. When this returns, its zip is on disk.
    pub(crate) async fn put(&self, package: Package) -> Result<(Code, Uploaded), CodeError> {
        let zip = package.zip.clone();
        let id = {
            let zip = zip.clone();
            blocking(move || BlobId::of(&zip)).await?
        };
        let code = self.hold(id);
        let gate = code.slot.gate.lock().await;
        if !code.slot.is_kept.load(Ordering::Acquire) {
            let note =
                Batch::new().put(&self.shared.packages, id.to_string(), "{}", Expectation::Any);
            self.shared.store.commit(note).await?;
            self.shared.store.blobs().put(zip).await?;
            code.slot.is_kept.store(true, Ordering::Release);
        }
        drop(gate);
        Ok((code, Uploaded { id, package }))
    }

    /// Removes the packages that nobody uses. What the worker still runs is looked at again a little later; what
    /// cannot be removed, at the next start.
    pub(crate) async fn sweep(&self) {
        // The load keeps invocations from writing to one place all at once.
        let has_unused = &self.shared.has_unused;
        if !has_unused.load(Ordering::Acquire) || !has_unused.swap(false, Ordering::AcqRel) {
            return;
        }
        let unused = std::mem::take(&mut *lock(&self.shared.unused));
        for id in unused {
            let slot = lock(&self.shared.slots).get(&id).cloned();
            let Some(slot) = slot.filter(|slot| slot.users.load(Ordering::Acquire) == 0) else {
                continue;
            };
            if slot.is_running() {
                lock(&self.shared.unused).insert(id);
                self.sweep_later();
            } else if let Err(error) = self.remove(id, &slot).await {
                tracing::warn!(package = %id, error = &error as &dyn std::error::Error, "unused package not removed");
            }
        }
    }

    /// The same behind the caller's back: removing many files takes time.
    pub(crate) fn sweep_soon(&self) {
        if self.shared.has_unused.load(Ordering::Acquire) {
            let codes = self.clone();
            tasks::background(async move { codes.sweep().await });
        }
    }

    fn sweep_later(&self) {
        if !self.shared.is_sweep_due.swap(true, Ordering::AcqRel) {
            let codes = self.clone();
            tasks::background(async move {
                tokio::time::sleep(SWEEP_DELAY).await;
                codes.shared.is_sweep_due.store(false, Ordering::Release);
                codes.shared.has_unused.store(true, Ordering::Release);
                // Boxed: it may come back here.
                Box::pin(codes.sweep()).await;
            });
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
            let removed = blocking(move || shared.directory.remove(id)).await?;
            removed.map_err(|source| CodeError::Tidy {
                path: self.shared.directory.path().to_path_buf(),
                source,
            })?;
        }
        if !slot.is_merged.load(Ordering::Acquire) {
            remove_blob(&self.shared.store, &self.shared.packages, id).await?;
        }

        let mut slots = lock(&self.shared.slots);
        if is_unused(slot) {
            slots.remove(&id);
        }
        Ok(())
    }
}

impl Uploaded {
    pub(crate) fn zip_bytes(&self) -> u64 {
        self.package.zip.len() as u64
    }

    pub(crate) fn unzipped_bytes(&self) -> u64 {
        self.package.unzipped_bytes
    }
}

impl Slot {
    fn is_running(&self) -> bool {
        lock(&self.runnables).noted.iter().any(|runnable| runnable.strong_count() > 0)
    }
}

impl Runnables {
    /// Ten thousand functions may have one package: looking at all of them each time would take a second.
    fn note(&mut self, runnable: &Arc<worker::Function>) {
        if self.noted.len() >= self.tidy_at {
            self.noted.retain(|runnable| runnable.strong_count() > 0);
            self.tidy_at = (self.noted.len() * 2).max(16);
        }
        self.noted.push(Arc::downgrade(runnable));
    }
}

impl Code {
    /// Notes that `runnable` runs from here: the package stays until the worker has let go of it, too.
    pub(crate) fn note_runnable(&self, runnable: &Arc<worker::Function>) {
        lock(&self.slot.runnables).note(runnable);
    }

    pub(crate) const fn id(&self) -> BlobId {
        self.id
    }

    /// Where the unpacked package is, once `unpack` said so.
    pub(crate) fn dir(&self) -> PathBuf {
        self.shared.directory.of(self.id)
    }

    pub(crate) fn is_unpacked(&self) -> bool {
        self.slot.is_unpacked.load(Ordering::Acquire)
    }

    /// Unpacks the package, unless it is. Of several callers one does it and the others wait.
    ///
    /// A package that is not valid stays so; after any other failure the next caller tries again.
    ///
    /// `uploaded` spares reading and checking the package again, if it is this one.
    pub(crate) async fn unpack(&self, uploaded: Option<Uploaded>) -> Result<(), CodeError> {
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
        let shared = Arc::clone(&self.shared);
        let unpacked = match uploaded.filter(|uploaded| uploaded.id == id) {
            Some(uploaded) => {
                blocking(move || shared.directory.unpack(id, &uploaded.package)).await?
            }
            None => {
                let zip = self.shared.store.blobs().read(id).await?;
                let unpack =
                    move || shared.directory.unpack(id, &Package::check(zip, shared.limits)?);
                blocking(unpack).await?
            }
        };
        match unpacked {
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

impl Code {
    /// Makes this directory of `parts`, which are unpacked, unless it is there.
    pub(crate) async fn merge(&self, parts: &[Self]) -> Result<(), CodeError> {
        let _gate = self.slot.gate.lock().await;
        if self.is_unpacked() {
            return Ok(());
        }
        let id = self.id;
        let _permit = self.shared.unpacks.acquire().await.map_err(|_| CodeError::Closed)?;
        let shared = Arc::clone(&self.shared);
        let parts: Vec<_> = parts.iter().map(Self::id).collect();
        blocking(move || shared.directory.merge(id, &parts))
            .await?
            .map_err(|source| CodeError::Unpack { id, source })?;
        self.slot.is_unpacked.store(true, Ordering::Release);
        Shared::mark_later(&self.shared, id);
        Ok(())
    }
}

impl Shared {
    /// Syncs the directory of `id` and then marks it, behind the caller's back. All of a second share one sync.
    fn mark_later(shared: &Arc<Self>, id: BlobId) {
        let mut unmarked = lock(&shared.unmarked);
        unmarked.ids.push(id);
        if !std::mem::replace(&mut unmarked.is_syncing, true) {
            // Weak: whoever goes down does not wait for this.
            let shared = Arc::downgrade(shared);
            tasks::background(async move {
                tokio::time::sleep(MARK_DELAY).await;
                if let Some(shared) = shared.upgrade() {
                    tokio::task::spawn_blocking(move || shared.mark_all());
                }
            });
        }
    }

    fn mark_all(&self) {
        let ids = {
            let mut unmarked = lock(&self.unmarked);
            unmarked.is_syncing = false;
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

    fn mark(&self, ids: &[BlobId]) -> std::io::Result<()> {
        self.directory.sync()?;
        for id in ids {
            let slots = lock(&self.slots);
            // A package that was removed meanwhile must not leave a mark for a later one of the same name.
            if slots.get(id).is_some_and(|slot| slot.is_unpacked.load(Ordering::Acquire)) {
                self.directory.mark(*id)?;
            }
        }
        Ok(())
    }
}

async fn remove_blob(store: &Store, packages: &Keyspace, id: BlobId) -> Result<(), CodeError> {
    store.blobs().delete(id).await?;
    store.commit(Batch::new().delete(packages, id.to_string(), Expectation::Any)).await?;
    Ok(())
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
