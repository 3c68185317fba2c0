// SPDX-License-Identifier: Apache-2.0
//! All images of a server, and who uses which.
//!
//! Whoever holds an `Image` uses it, and it stays. What nobody holds is removed by `sweep`, and only there.

use crate::client::Client;
use crate::digest::Digest;
use crate::directory::Directory;
use crate::error::ImageError;
use crate::manifest::{Architecture, Config};
use crate::options::Options;
use crate::origin::{Found, Origin};
use crate::pull::Storage;
use crate::reference::Reference;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The images of a server. Clones share them.
#[derive(Debug, Clone)]
pub struct Images {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Storage,
    /// Made when it is first needed: reading the authorities takes a while.
    client: OnceLock<Client>,
    slots: Mutex<Slots>,
    /// An image may have lost its last user.
    unused: tokio::sync::Notify,
    pulls: tokio::sync::Semaphore,
    /// Pulls and looks at what is there share it; a sweep has it alone.
    use_of_directory: tokio::sync::RwLock<()>,
}

#[derive(Debug, Default)]
struct Slots {
    by_digest: HashMap<Digest, Arc<Slot>>,
    /// While a sweep runs, what is there may be about to go.
    is_sweeping: bool,
}

/// An image that is known.
#[derive(Debug, Default)]
struct Slot {
    users: AtomicUsize,
    is_ready: AtomicBool,
    gate: tokio::sync::Mutex<()>,
}

/// An image in use. It stays at least as long as this.
#[derive(Debug)]
pub struct Image {
    digest: Digest,
    slot: Arc<Slot>,
    shared: Arc<Shared>,
}

/// What an address led to.
#[derive(Debug)]
pub struct Resolved {
    pub image: Image,
    /// The same address by digest: it leads to this image as long as it leads anywhere.
    pub address: String,
    pub config: Config,
}

impl Clone for Image {
    fn clone(&self) -> Self {
        self.slot.users.fetch_add(1, Ordering::Relaxed);
        Self { digest: self.digest, slot: Arc::clone(&self.slot), shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.slot.users.fetch_sub(1, Ordering::Release) == 1 {
            self.shared.unused.notify_one();
        }
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Image {}

impl Images {
    /// Opens the images below `directory`. Removes none yet: their users hold them first, and sweep then.
    pub fn open(options: Options, directory: PathBuf) -> Result<Self, ImageError> {
        let pulls = tokio::sync::Semaphore::new(options.pulls_max.max(1));
        let storage = Storage::new(Directory::open(directory)?, options);
        let shared = Shared {
            storage,
            client: OnceLock::new(),
            slots: Mutex::default(),
            unused: tokio::sync::Notify::new(),
            pulls,
            use_of_directory: tokio::sync::RwLock::new(()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Uses the image of a digest, which `Image::pull` makes if it is not here.
    pub fn hold(&self, digest: Digest) -> Image {
        let mut slots = lock(&self.shared.slots);
        let is_sweeping = slots.is_sweeping;
        let slot = Arc::clone(slots.by_digest.entry(digest).or_insert_with(|| {
            let is_ready = !is_sweeping && self.shared.storage.directory.root(digest).is_dir();
            Arc::new(Slot { is_ready: AtomicBool::new(is_ready), ..Slot::default() })
        }));
        slot.users.fetch_add(1, Ordering::Relaxed);
        Image { digest, slot, shared: Arc::clone(&self.shared) }
    }

    /// Looks up what an address leads to now. Asks the registry, and fetches no layer.
    pub async fn resolve(
        &self,
        address: &str,
        architecture: Architecture,
    ) -> Result<Resolved, ImageError> {
        let parsed: Reference = address
            .parse()
            .map_err(|_| ImageError::Address { text: address.chars().take(200).collect() })?;
        let reference = parsed.clone();
        let shared = Arc::clone(&self.shared);
        let found = blocking(move || shared.find(&reference, architecture)).await??.1;
        let address = parsed.at(found.digest).to_string();
        Ok(Resolved { image: self.hold(found.digest), address, config: found.config })
    }

    /// Sweeps at once, and then whenever an image has lost its last user. Does not end.
    pub async fn tend(&self) {
        loop {
            self.sweep().await;
            self.shared.unused.notified().await;
        }
    }

    /// Removes the images that nobody uses, and the layers that no image has any more.
    pub async fn sweep(&self) {
        let _alone = self.shared.use_of_directory.write().await;
        let used = {
            let mut slots = lock(&self.shared.slots);
            slots.is_sweeping = true;
            slots.by_digest.retain(|_, slot| slot.users.load(Ordering::Acquire) > 0);
            slots.by_digest.keys().copied().collect::<HashSet<_>>()
        };
        let shared = Arc::clone(&self.shared);
        let swept = blocking(move || shared.storage.directory.sweep(&used)).await;
        lock(&self.shared.slots).is_sweeping = false;
        match swept {
            Ok(Ok(bytes)) => self.shared.storage.bytes.store(bytes, Ordering::Relaxed),
            Ok(Err(error)) | Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "unused images not removed"
                );
            }
        }
    }
}

impl Shared {
    fn find(
        &self,
        reference: &Reference,
        architecture: Architecture,
    ) -> Result<(Origin, Found), ImageError> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = Client::new(&self.storage.options)?;
                self.client.get_or_init(|| client)
            }
        };
        let origin = Origin::open(client, &self.storage.options, reference)?;
        let found = origin.find(reference, architecture)?;
        Ok((origin, found))
    }
}

impl Image {
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The root file system, once `pull` said so.
    pub fn root(&self) -> PathBuf {
        self.shared.storage.directory.root(self.digest)
    }

    pub fn is_ready(&self) -> bool {
        self.slot.is_ready.load(Ordering::Acquire)
    }

    /// Fetches and unpacks the image from where `address` leads, unless it is here. Of several callers one does it, the others
    /// wait. After a failure the next caller tries again.
    pub async fn pull(&self, address: &str, architecture: Architecture) -> Result<(), ImageError> {
        if self.is_ready() {
            return Ok(());
        }
        let _gate = self.slot.gate.lock().await;
        if self.is_ready() {
            return Ok(());
        }
        let _permit = self.shared.pulls.acquire().await.map_err(|_| ImageError::Closed)?;
        let _shared_use = self.shared.use_of_directory.read().await;
        let reference: Reference = address
            .parse()
            .map_err(|_| ImageError::Address { text: address.chars().take(200).collect() })?;
        let (shared, reference) = (Arc::clone(&self.shared), reference.at(self.digest));
        let root = self.root();
        let pulled = blocking(move || {
            // It was looked for when it could not be relied on.
            if root.is_dir() {
                return Ok(());
            }
            let (origin, found) = shared.find(&reference, architecture)?;
            shared.storage.pull(&origin, &found)
        });
        pulled.await??;
        self.slot.is_ready.store(true, Ordering::Release);
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ImageError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ImageError::Closed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each critical section leaves a whole value behind, wherever it panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
