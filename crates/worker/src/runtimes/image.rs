// SPDX-License-Identifier: Apache-2.0
//! Managed runtimes that live in a container image: its file system is the root of their sandboxes, and the interpreter is its own.
//!
//! At each start of the server an address is resolved anew, and from then on that digest is the runtime. Where the address cannot
//! be resolved, the image stays that it led to before. What is known of each is kept in a file (`images.json`), which tells the
//! next start what to hold, and `tinderbox runtimes` what there is.
//!
//! Invariants:
//! - an image is held before anything sweeps, and as long as the server lives: its root is under running sandboxes;
//! - nothing of an image runs outside a sandbox.

use super::identifier::Identifier;
use super::root;
use super::search::{Prefix, Version};
use images::{Address, Architecture, Digest, Image, Images};
use sandbox::Launcher;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// After a failure everybody is told the same for so long: a registry is not asked for each invocation.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The root of a runtime that lives in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRoot {
    pub address: String,
    pub digest: Digest,
    /// The directory on the host.
    pub directory: PathBuf,
}

/// All runtimes that the configuration puts into images.
#[derive(Debug)]
pub(super) struct ImageRuntimes {
    /// None where nothing is run.
    images: Option<Images>,
    file: PathBuf,
    slots: BTreeMap<Identifier, Slot>,
    /// Held while the file is written.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Slot {
    address: Address,
    /// Held by who pulls.
    gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    note: Note,
    /// What the note is about.
    image: Option<Image>,
    /// Whether it was seen since the server started, and is what the address leads to.
    is_ready: bool,
    failed: Option<Instant>,
}

/// What is known of a runtime's image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    address: String,
    found: Option<Interpreter>,
    /// Why it is not there, or is not what the address leads to now.
    failure: Option<String>,
}

/// The interpreter of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Interpreter {
    digest: Digest,
    /// Below the root: `usr/local`. None for `provided`, which needs none.
    prefix: Option<PathBuf>,
    version: Option<Version>,
}

/// A runtime in an image, as far as it is known here.
#[derive(Debug)]
pub(super) enum InImage {
    Ready {
        root: ImageRoot,
        prefix: Option<Prefix>,
    },
    /// With what `tinderbox runtimes` says of it.
    NotReady {
        address: String,
        found: Option<(String, Digest)>,
        failure: Option<String>,
    },
}

impl ImageRuntimes {
    /// Reads what was kept in `file`. Uses no image yet.
    pub(super) fn new(configured: &BTreeMap<Identifier, Address>, file: PathBuf) -> Self {
        let mut kept = read(&file);
        let slot = |(identifier, address): (&Identifier, &Address)| {
            let note = kept.remove(&identifier.to_string());
            // Another image takes no place of this one.
            let note = note.filter(|note| note.address == address.as_str());
            let fresh = || Note { address: address.to_string(), ..Note::default() };
            let state = State { note: note.unwrap_or_else(fresh), ..State::default() };
            let (address, state) = (address.clone(), Mutex::new(state));
            (*identifier, Slot { address, gate: tokio::sync::Mutex::default(), state })
        };
        let slots = configured.iter().map(slot).collect();
        Self { images: None, file, slots, writing: tokio::sync::Mutex::default() }
    }

    /// Holds what is known, so that no sweep takes it.
    pub(super) fn use_images(&mut self, images: Images) {
        for slot in self.slots.values() {
            let mut state = slot.state();
            state.image = state.note.found.as_ref().map(|found| images.hold(found.digest));
        }
        self.images = Some(images);
    }

    pub(super) fn identifiers(&self) -> impl Iterator<Item = Identifier> {
        self.slots.keys().copied()
    }

    /// None for a runtime that is in no image.
    pub(super) fn find(&self, identifier: Identifier) -> Option<InImage> {
        let state = self.slots.get(&identifier)?.state();
        let note = &state.note;
        Some(match (&note.found, &state.image) {
            (Some(found), Some(image)) if state.is_ready => {
                let directory = image.root();
                let prefix = found.prefix(&directory, identifier);
                let (address, digest) = (note.address.clone(), found.digest);
                InImage::Ready { root: ImageRoot { address, digest, directory }, prefix }
            }
            (found, _) => InImage::NotReady {
                address: note.address.clone(),
                found: found.as_ref().map(|found| (found.label(identifier), found.digest)),
                failure: note.failure.clone(),
            },
        })
    }

    /// Makes a runtime ready, unless it is. Of several callers one does it, the others wait.
    pub(super) async fn pull(&self, identifier: Identifier, launcher: &Launcher) {
        let Some(slot) = self.slots.get(&identifier) else { return };
        let _gate = slot.gate.lock().await;
        {
            let state = slot.state();
            let is_fresh = |failed: Instant| failed.elapsed() < RETRY_AFTER;
            if state.is_ready || state.failed.is_some_and(is_fresh) {
                return;
            }
        }
        match self.try_pull(slot, identifier, launcher).await {
            Ok((image, found, failure)) => {
                let (address, digest) = (slot.address.as_str(), found.digest.to_string());
                match &failure {
                    None => {
                        tracing::info!(%identifier, address, digest, "image of a runtime ready")
                    }
                    Some(error) => {
                        tracing::warn!(%identifier, address, digest, error, "runtime stays on the image it had");
                    }
                }
                let mut state = slot.state();
                state.note.found = Some(found);
                state.note.failure = failure;
                state.image = Some(image);
                state.is_ready = true;
            }
            Err(error) => {
                tracing::warn!(%identifier, address = slot.address.as_str(), error, "image of a runtime not ready");
                let mut state = slot.state();
                state.note.failure = Some(error);
                state.failed = Some(Instant::now());
            }
        }
        self.keep().await;
    }

    /// The image, the interpreter in it, and why it is an older one if it is.
    async fn try_pull(
        &self,
        slot: &Slot,
        identifier: Identifier,
        launcher: &Launcher,
    ) -> Result<(Image, Interpreter, Option<String>), String> {
        let images = self.images.as_ref().ok_or("this process pulls no images")?;
        if !launcher.can_furnish() {
            return Err("images need isolation level L1 or L2".to_owned());
        }
        let architecture = Architecture::of_this_machine();
        let address = slot.address.as_str();
        let known = slot.state().note.found.clone();
        let (image, env, failure) = match images.resolve(address, architecture).await {
            Ok(resolved) => (resolved.image, resolved.config.env, None),
            Err(error) => {
                let held = slot.state().image.clone().filter(Image::is_ready);
                let image = held.ok_or_else(|| chain(&error))?;
                (image, Vec::new(), Some(chain(&error)))
            }
        };
        image.pull(address, architecture).await.map_err(|error| chain(&error))?;
        let found = match known.filter(|known| known.digest == image.digest()) {
            Some(known) => known,
            None => look(&image, env, identifier, launcher).await?,
        };
        Ok((image, found, failure))
    }

    /// Writes down what is known. That it could not be is told, and costs a restart a pull.
    async fn keep(&self) {
        let _writing = self.writing.lock().await;
        let notes: BTreeMap<String, Note> = self
            .slots
            .iter()
            .map(|(identifier, slot)| (identifier.to_string(), slot.state().note.clone()))
            .collect();
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || write(&file, &notes)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "what is known of runtimes' images not written");
        }
    }
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement that changes it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interpreter {
    fn prefix(&self, root: &Path, identifier: Identifier) -> Option<Prefix> {
        let (prefix, version) = (self.prefix.as_ref()?, self.version?);
        Some(Prefix::found(root.join(prefix), version, identifier.interpreter()?))
    }

    /// `python:3.12.7`.
    fn label(&self, identifier: Identifier) -> String {
        match self.version {
            Some(version) => format!("{}:{version}", identifier.family()),
            None => identifier.to_string().replace('.', ":"),
        }
    }
}

/// Looks for the interpreter in an image, and asks it which it is.
async fn look(
    image: &Image,
    env: Vec<String>,
    identifier: Identifier,
    launcher: &Launcher,
) -> Result<Interpreter, String> {
    let digest = image.digest();
    let Some(name) = identifier.interpreter() else {
        return Ok(Interpreter { digest, prefix: None, version: None });
    };
    let place = image.root();
    let looked =
        tokio::task::spawn_blocking(move || root::prefixes(&place, &env, identifier)).await;
    let prefixes = looked.unwrap_or_else(|error| Err(io::Error::other(error)));
    let mut reason = format!("the image has no {name} in its PATH, /var/lang, /usr/local or /usr");
    for prefix in prefixes.map_err(|error| error.to_string())? {
        match root::version(launcher, &image.root(), &prefix, identifier).await {
            Ok(version) if version.is_of(identifier.language()) => {
                return Ok(Interpreter { digest, prefix: Some(prefix), version: Some(version) });
            }
            Ok(version) => reason = format!("the image has {name} {version}"),
            Err(error) => reason = format!("the {name} of the image does not run: {error}"),
        }
    }
    Err(reason)
}

fn read(file: &Path) -> BTreeMap<String, Note> {
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(_) => BTreeMap::new(),
    }
}

/// Whole or not at all.
fn write(file: &Path, notes: &BTreeMap<String, Note>) -> io::Result<()> {
    let draft = file.with_extension("new");
    fs::write(&draft, serde_json::to_vec_pretty(notes)?)?;
    fs::rename(&draft, file)
}

/// An error with its causes, for a person.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
