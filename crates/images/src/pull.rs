// SPDX-License-Identifier: Apache-2.0
//! From an address to a root file system: fetch, check, unpack, put together.
//!
//! Blocks. A layer that is here already, of whichever image, is not fetched. What was fetched stays when the rest fails, until
//! nobody wants the image any more.

use crate::budget::Budget;
use crate::digest::Digest;
use crate::directory::Directory;
use crate::error::ImageError;
use crate::layer::{self, Notes};
use crate::manifest::Descriptor;
use crate::options::Options;
use crate::origin::{Found, Origin};
use crate::root;
use crate::stream::{Limit, Metered, Plain, Trouble};
use crate::tree::Tree;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a layer is tried that could not be fetched.
const TRIES: u32 = 3;
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What all pulls have together.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) directory: Directory,
    pub(crate) options: Options,
    /// Of all layers that are here.
    pub(crate) bytes: AtomicU64,
    /// Held while a layer is made, so that two images do not make it twice.
    gates: Mutex<HashMap<Digest, Arc<Mutex<()>>>>,
}

impl Storage {
    pub(crate) fn new(directory: Directory, options: Options) -> Self {
        Self { directory, options, bytes: AtomicU64::new(0), gates: Mutex::default() }
    }

    /// Makes the root file system of an image.
    pub(crate) fn pull(&self, origin: &Origin, found: &Found) -> Result<(), ImageError> {
        self.directory.write_list(found.digest, &found.layers)?;
        let budget = Arc::new(Budget::new(&self.options));
        let layers: Vec<_> =
            found.manifest.layers.iter().zip(found.layers.iter().copied()).collect();
        let notes = self.fetch_all(origin, &layers, &budget)?;

        let draft = self.directory.draft()?;
        let failed = |source| ImageError::File {
            step: "put layers together in",
            path: draft.path().to_path_buf(),
            source,
        };
        let tree = Tree::open(draft.path()).map_err(failed)?;
        for ((_, layer), notes) in layers.iter().zip(&notes) {
            let layer = Tree::open(&self.directory.layer_tree(*layer)).map_err(failed)?;
            root::add(&tree, &layer, notes)?;
        }
        root::add_mount_points(&tree).map_err(failed)?;
        self.directory.keep_root(draft, found.digest)
    }

    /// Several layers at a time; the first error ends it.
    fn fetch_all(
        &self,
        origin: &Origin,
        layers: &[(&Descriptor, Digest)],
        budget: &Arc<Budget>,
    ) -> Result<Vec<Notes>, ImageError> {
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Notes>>> = Mutex::new(layers.iter().map(|_| None).collect());
        let failure = Mutex::new(None);
        let work = || {
            while let Some((descriptor, layer)) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
                match self.fetch(origin, descriptor, *layer, budget) {
                    Ok(notes) => {
                        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                        let at = layers.iter().position(|(_, other)| other == layer);
                        if let Some(place) = at.and_then(|at| results.get_mut(at)) {
                            *place = Some(notes);
                        }
                    }
                    Err(error) => {
                        next.store(layers.len(), Ordering::Relaxed);
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.layers_max.clamp(1, 16).min(layers.len().max(1)) {
                scope.spawn(work);
            }
            work();
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        // A layer may occur twice in an image.
        Ok(layers
            .iter()
            .zip(results)
            .map(|((_, layer), notes)| {
                notes.or_else(|| self.directory.notes(*layer)).unwrap_or_default()
            })
            .collect())
    }

    /// One layer, from here or from there.
    fn fetch(
        &self,
        origin: &Origin,
        descriptor: &Descriptor,
        layer: Digest,
        budget: &Arc<Budget>,
    ) -> Result<Notes, ImageError> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            Arc::clone(gates.entry(layer).or_default())
        };
        let _turn = gate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notes) = self.directory.notes(layer) {
            budget.bytes(notes.bytes)?;
            budget.entries(notes.entries)?;
            return Ok(notes);
        }
        let mut tries = 1;
        loop {
            match self.unpack(origin, descriptor, layer, budget) {
                Err(error) if error.is_passing() && tries < TRIES => {
                    tracing::info!(%layer, %error, "layer not fetched; trying again");
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "on a thread of its own, never of the async runtime"
                    )]
                    std::thread::sleep(RETRY_DELAY * tries);
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    fn unpack(
        &self,
        origin: &Origin,
        descriptor: &Descriptor,
        layer: Digest,
        budget: &Arc<Budget>,
    ) -> Result<Notes, ImageError> {
        let trouble = Trouble::default();
        let blob = origin.blob(descriptor.digest, &trouble)?;
        let draft = self.directory.draft()?;
        let tree = draft.path().join("tree");
        let tree = std::fs::create_dir(&tree)
            .and_then(|()| Tree::open(&tree))
            .and_then(|tree| crate::tree::set_mode(tree.root(), 0o755).map(|()| tree))
            .map_err(ImageError::file("create", &tree))?;

        let unreadable = |error: std::io::Error| {
            trouble.or(ImageError::Malformed { what: "a layer", reason: error.to_string() })
        };
        let packed = Metered::new(blob, Limit::Bytes(descriptor.size), trouble.clone());
        let plain = Plain::new(packed).map_err(unreadable)?;
        let mut plain = Metered::new(plain, Limit::Budget(Arc::clone(budget)), trouble.clone());
        let mut notes =
            layer::unpack(&mut plain, tree, budget).map_err(|error| trouble.or(error))?;
        // Both have an end of which the tar file knows nothing.
        plain.drain().map_err(unreadable)?;
        let (found, bytes) = (plain.digest(), plain.length());
        let mut packed = plain.into_inner().into_inner().into_inner();
        packed.drain().map_err(unreadable)?;
        for (expected, found) in [(descriptor.digest, packed.digest()), (layer, found)] {
            if expected != found {
                return Err(ImageError::Digest { expected, found });
            }
        }
        notes.bytes = bytes;
        self.check_room(bytes)?;
        self.directory.keep_layer(draft, layer, &notes)?;
        Ok(notes)
    }

    fn check_room(&self, bytes: u64) -> Result<(), ImageError> {
        let max = self.options.storage_bytes_max;
        if self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > max {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(ImageError::NoRoom { max });
        }
        Ok(())
    }
}
