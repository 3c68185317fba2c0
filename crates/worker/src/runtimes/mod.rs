// SPDX-License-Identifier: Apache-2.0
//! Managed runtimes: what `python3.12` means on this machine.
//!
//! A runtime is two directories and a command: the prefix of an interpreter, which a sandbox sees at /var/lang, and our
//! bootstrap for it at /var/runtime. The interpreters are whatever the machine has (`search`), or what a container image has
//! (`image`), which is then the root of the sandbox; the bootstraps are part of this binary and are written into the data
//! directory (`bootstraps`).
//!
//! Invariants:
//! - nothing here runs an interpreter at start; `compile` and `sdk::install` do, on request, and block: call them from
//!   a thread that may; `find` does once for a Ruby, and for a Node that came without its headers;
//! - a prefix is only offered if everything the interpreter needs below it is there, because a sandbox sees nothing else
//!   of it;
//! - what is not installed is looked for again at the next call: installing it needs no restart.

mod bootstraps;
mod command;
mod compile;
mod identifier;
mod image;
mod provided;
pub(crate) mod root;
pub mod sdk;
mod search;
mod version;

pub use bootstraps::PrepareError;
pub use compile::CompileError;
pub use identifier::{Identifier, Language};
pub use image::ImageRoot;
pub use provided::provided_argv;
pub use search::Surroundings;
pub use version::version_arn;

use image::{ImageRuntimes, InImage};
use images::{Address, Images};
use sandbox::{Launcher, Mount};
use search::Prefix;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where interpreters are looked for.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Prefixes of interpreters (they have bin/python3.12, bin/node, bin/java or bin/ruby), or directories of such prefixes. They win over
    /// all that is found elsewhere. Default: none.
    pub search: Vec<PathBuf>,
    /// Runtimes for which another version of their language stands in: the prefix of that interpreter by the name of the
    /// runtime, as in `"ruby3.3" = "/usr"`. Default: none; no version is taken for another unless it is said here.
    pub stand_in: BTreeMap<Identifier, PathBuf>,
    /// Runtimes that live in a container image: its address by the name of the runtime, as in
    /// `"python3.12" = "registry.example.com/python:3.12-slim"`. It is pulled from where `images` allows, and its file system
    /// is the root of these functions, whatever the machine has installed. Default: none.
    pub images: BTreeMap<Identifier, Address>,
    /// Megabytes of bytecode that are made of one package of a Python function, or of its layers, when it is deployed. 0:
    /// none is made, and each cold start compiles what it imports. Default: 256.
    pub bytecode_mb_max: u64,
    /// The home directory, the PATH and the JAVA_HOME of this process.
    #[serde(skip)]
    pub surroundings: Surroundings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            search: Vec::new(),
            stand_in: BTreeMap::new(),
            images: BTreeMap::new(),
            bytecode_mb_max: 256,
            surroundings: Surroundings::default(),
        }
    }
}

/// A runtime that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub identifier: Identifier,
    /// As the log's INIT_START shows it: `python:3.12.1`.
    pub version: String,
    /// Of this version: no other interpreter has it. Its ARN ends with it.
    pub id: String,
    /// Whether this is another version, which stands in because somebody has said so.
    pub is_stand_in: bool,
    /// What the sandbox has as its root, if that is not the machine's own programs.
    pub image: Option<ImageRoot>,
    /// Mounted read-only at /var/lang. None for `provided`.
    pub lang_dir: Option<PathBuf>,
    /// Mounted read-only at /var/runtime. None for `provided`.
    pub runtime_dir: Option<PathBuf>,
    /// The command in the sandbox. Empty for `provided`: `provided_argv` finds it in the function's code.
    pub argv: Vec<String>,
    /// What this runtime adds to the environment variables.
    pub env: Vec<(String, String)>,
}

/// A runtime that can not be used, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotInstalled {
    #[error("the runtime {identifier} is not installed on this machine; install it with: {}", identifier.how_to_install())]
    Missing { identifier: Identifier },
    #[error(
        "the runtime {identifier} on this machine ({}) has no compiler, which is needed once; install it with: {}",
        place.display(),
        identifier.how_to_install()
    )]
    NoCompiler { identifier: Identifier, place: PathBuf },
    #[error("the image of the runtime {identifier}, {address}, is not ready: {reason}")]
    NotPulled { identifier: Identifier, address: String, reason: String },
    #[error(
        "the version {id} of the runtime {identifier}, which the function is bound to, is not installed on this machine"
    )]
    OtherVersion { identifier: Identifier, id: String },
    #[error("the runtime {text} is not supported")]
    Unsupported { text: String },
}

impl NotInstalled {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { identifier } => identifier.how_to_install(),
            Self::NoCompiler { identifier, place } => {
                let how = identifier.how_to_install();
                format!("{} has no compiler (javac): {how}", place.display())
            }
            Self::NotPulled { address, reason, .. } => format!("{address}: {reason}"),
            Self::OtherVersion { .. } => {
                "install it again, or let the function move to another version".to_owned()
            }
            Self::Unsupported { .. } => {
                "use a Python, Node.js, Java, Ruby or provided runtime: `tinderbox runtimes` lists them"
                    .to_owned()
            }
        }
    }
}

/// One line of `tinderbox runtimes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub identifier: Identifier,
    pub state: String,
    /// The prefix of the interpreter, or its image, or how to get one.
    pub place: String,
}

impl Listing {
    fn of(identifier: Identifier, result: &Result<Installed, NotInstalled>) -> Self {
        let state = match result {
            Ok(installed) if installed.is_stand_in => format!("{} stands in", installed.version),
            Ok(installed) => installed.version.clone(),
            Err(_) => "not installed".to_owned(),
        };
        let place = match result {
            Ok(Installed { lang_dir: Some(lang_dir), .. }) => lang_dir.display().to_string(),
            Ok(_) => "any Linux binary".to_owned(),
            Err(missing) => missing.hint(),
        };
        Self { identifier, state, place }
    }
}

/// The runtimes of this machine.
#[derive(Debug)]
pub struct Runtimes {
    options: Options,
    /// DIR/runtimes
    directory: PathBuf,
    found: Mutex<HashMap<Identifier, Prefix>>,
    /// Those that functions are bound to and that are not the newest, by their ids.
    older: Mutex<HashMap<String, Prefix>>,
    in_images: ImageRuntimes,
    answers: search::Answers,
    /// Held by who compiles.
    compiling: Mutex<()>,
}

impl Runtimes {
    /// Writes the bootstraps below `data_dir`. Looks for no interpreter yet.
    pub fn prepare(options: &Options, data_dir: &Path) -> Result<Self, PrepareError> {
        let directory = data_dir.join("runtimes");
        bootstraps::write(&directory)?;
        // Pipes of environments of a server that was killed.
        if let Err(error) = std::fs::remove_dir_all(directory.join("rapid"))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "pipes of earlier environments not removed");
        }
        let in_images = ImageRuntimes::new(&options.images, directory.join("images.json"));
        Ok(Self {
            options: options.clone(),
            directory,
            found: Mutex::default(),
            older: Mutex::default(),
            in_images,
            answers: search::Answers::default(),
            compiling: Mutex::default(),
        })
    }

    /// Pulls runtimes' images from `images`. What was pulled before is used from now on.
    #[must_use]
    pub fn with_images(mut self, images: Images) -> Self {
        self.in_images.use_images(images);
        self
    }

    /// Those that live in images.
    pub fn in_images(&self) -> impl Iterator<Item = Identifier> {
        self.in_images.identifiers()
    }

    /// As `find_version`, and pulls the image of one that lives in an image first.
    pub(crate) async fn find_or_pull(
        &self,
        identifier: &str,
        id: Option<&str>,
        launcher: &Launcher,
    ) -> Result<Installed, NotInstalled> {
        match self.find_version(identifier, id) {
            Err(NotInstalled::NotPulled { identifier: parsed, .. }) => {
                self.in_images.pull(parsed, launcher).await;
                self.find_version(identifier, id)
            }
            found => found,
        }
    }

    pub(crate) fn bytecode_bytes_max(&self) -> u64 {
        self.options.bytecode_mb_max.saturating_mul(1 << 20)
    }

    /// As `find`, but the version with this id if there is one: also where it is not the newest.
    pub fn find_version(
        &self,
        identifier: &str,
        id: Option<&str>,
    ) -> Result<Installed, NotInstalled> {
        let newest = self.find(identifier);
        let (Some(id), Ok(parsed)) = (id, identifier.parse::<Identifier>()) else { return newest };
        match newest {
            Ok(installed) if installed.id == id => return Ok(installed),
            Err(NotInstalled::NotPulled { .. }) => return newest,
            Ok(_) | Err(_) => {}
        }
        let is_it = |prefix: &Prefix| version::id(parsed, Some(prefix), None) == id;
        let known = lock(&self.older).get(id).filter(|prefix| is_it(prefix)).cloned();
        let prefix = known
            .or_else(|| search::all(&self.options, &self.answers, parsed).into_iter().find(is_it))
            .ok_or_else(|| NotInstalled::OtherVersion { identifier: parsed, id: id.to_owned() })?;
        lock(&self.older).insert(id.to_owned(), prefix.clone());
        Ok(self.installed(parsed, &prefix, None))
    }

    /// Resolves `python3.12`. The first call for a runtime reads some directories, later ones look at one file.
    pub fn find(&self, identifier: &str) -> Result<Installed, NotInstalled> {
        let identifier = identifier
            .parse::<Identifier>()
            .map_err(|_| NotInstalled::Unsupported { text: identifier.to_owned() })?;
        let is_provided = matches!(identifier.language(), Language::Provided);
        let (image, prefix) = match self.in_images.find(identifier) {
            Some(InImage::Ready { root, prefix }) => (Some(root), prefix),
            Some(InImage::NotReady { address, failure, .. }) => {
                let reason = failure.unwrap_or_else(|| "it was not pulled yet".to_owned());
                return Err(NotInstalled::NotPulled { identifier, address, reason });
            }
            // It has no interpreter to be looked for.
            None if is_provided => (None, None),
            None => (None, self.prefix(identifier)),
        };
        if is_provided {
            return Ok(self.provided(identifier, image));
        }
        let prefix = prefix.ok_or(NotInstalled::Missing { identifier })?;
        let installed = self.installed(identifier, &prefix, image);
        if self.must_compile(&installed) && self.compilers(&installed).next().is_none() {
            return Err(NotInstalled::NoCompiler { identifier, place: prefix.directory });
        }
        Ok(installed)
    }

    fn prefix(&self, identifier: Identifier) -> Option<Prefix> {
        let known = lock(&self.found)
            .get(&identifier)
            .filter(|prefix| prefix.interpreter().is_file())
            .cloned();
        if known.is_some() {
            return known;
        }
        let prefix = search::newest(&self.options, &self.answers, identifier)?;
        lock(&self.found).insert(identifier, prefix.clone());
        Some(prefix)
    }

    /// Every runtime that we know, with what was found.
    pub fn list(&self) -> Vec<Listing> {
        let listing = |identifier: Identifier| match self.in_images.find(identifier) {
            Some(InImage::NotReady { address, found, failure }) => {
                let (state, digest) = found.unzip();
                let digest = digest.map(|digest| format!(", {digest}")).unwrap_or_default();
                let failure = failure.map(|failure| format!(": {failure}")).unwrap_or_default();
                let state = state.unwrap_or_else(|| "not pulled".to_owned());
                Listing { identifier, state, place: format!("{address}{digest}{failure}") }
            }
            Some(InImage::Ready { .. }) | None => {
                Listing::of(identifier, &self.find(&identifier.to_string()))
            }
        };
        Identifier::all().map(listing).collect()
    }

    fn provided(&self, identifier: Identifier, image: Option<ImageRoot>) -> Installed {
        Installed {
            identifier,
            version: identifier.to_string().replace('.', ":"),
            id: version::id(identifier, None, image.as_ref()),
            is_stand_in: false,
            image,
            lang_dir: None,
            runtime_dir: None,
            argv: Vec::new(),
            env: Vec::new(),
        }
    }

    fn installed(
        &self,
        identifier: Identifier,
        prefix: &Prefix,
        image: Option<ImageRoot>,
    ) -> Installed {
        let version = format!("{}:{}", identifier.family(), prefix.version);
        let runtime_dir = self.directory_of(identifier);
        let argv = match identifier.language() {
            Language::Python { .. } => {
                let compiled = bootstraps::compiled_name(&version);
                let is_compiled = runtime_dir.join(&compiled).is_file();
                let file = if is_compiled { compiled } else { "bootstrap.py".to_owned() };
                command::python(prefix, &file)
            }
            Language::Node { .. } => command::node(prefix),
            Language::Java { .. } => command::java(),
            Language::Ruby { .. } => command::ruby(&in_sandbox(&prefix.interpreter(), &image)),
            Language::Provided => Vec::new(),
        };
        let id = version::id(identifier, Some(prefix), image.as_ref());
        Installed {
            identifier,
            version,
            id,
            is_stand_in: image.is_none() && self.options.stand_in.contains_key(&identifier),
            image,
            lang_dir: Some(prefix.directory.clone()),
            runtime_dir: Some(runtime_dir),
            argv,
            env: identifier.env_vars(),
        }
    }

    /// Where environments with extensions have their pipes.
    pub(crate) fn rapid_dir(&self) -> PathBuf {
        self.directory.join("rapid")
    }

    fn directory_of(&self, identifier: Identifier) -> PathBuf {
        self.directory.join(identifier.family())
    }
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    // A map is whole after every statement that changes it.
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a sandbox has a path of the host, or of the image that is its root.
fn in_sandbox(path: &Path, image: &Option<ImageRoot>) -> PathBuf {
    let below = image.as_ref().and_then(|root| path.strip_prefix(&root.directory).ok());
    below.map_or_else(|| path.to_path_buf(), |below| Path::new("/").join(below))
}

/// Where a sandbox sees a runtime.
pub(crate) fn mounts(installed: &Installed) -> Vec<Mount> {
    let all = [(&installed.lang_dir, "/var/lang"), (&installed.runtime_dir, "/var/runtime")];
    let present = all.into_iter().filter_map(|(source, target)| {
        Some(Mount { source: source.clone()?, target: target.into() })
    });
    let mut mounts: Vec<_> = present.collect();
    let is_ruby = matches!(installed.identifier.language(), Language::Ruby { .. });
    // Where it was built for. What is below /usr every sandbox has, and an image has its own.
    if let Some(lang_dir) =
        installed.lang_dir.as_ref().filter(|_| is_ruby && installed.image.is_none())
        && !lang_dir.starts_with("/usr")
    {
        mounts.push(Mount { source: lang_dir.clone(), target: lang_dir.clone() });
    }
    mounts
}

#[cfg(test)]
mod tests;
