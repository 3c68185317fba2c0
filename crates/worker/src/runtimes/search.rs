// SPDX-License-Identifier: Apache-2.0
//! Where interpreters are, and which one is meant.
//!
//! A candidate is a prefix: a directory with bin/python3.12, bin/node, bin/java or bin/ruby. Links are followed before anything is believed,
//! because a sandbox sees only the prefix: pyenv's shims and the launchers of virtual environments lead elsewhere or are
//! dropped.

use super::Options;
use super::identifier::{Identifier, Language};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// What the process that we are has around it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub home: Option<PathBuf>,
    pub path: Option<OsString>,
    /// JAVA_HOME.
    pub java_home: Option<PathBuf>,
    /// The directory above /usr and /opt; another one in tests.
    pub root: PathBuf,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            home: std::env::var_os("HOME").map(PathBuf::from),
            path: std::env::var_os("PATH"),
            java_home: std::env::var_os("JAVA_HOME").map(PathBuf::from),
            root: PathBuf::from("/"),
        }
    }
}

/// An unknown patch version is older than every known one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) major: u8,
    pub(super) minor: u8,
    pub(super) patch: Option<u16>,
}

impl Version {
    /// From what an interpreter says of itself: `v24.3.1`, `Python 3.12.7`, `ruby 3.1.7p261 (2025-03-26 ...`,
    /// `openjdk version "1.8.0_442"`.
    pub(super) fn told(text: &str) -> Option<Self> {
        let number = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number = number.strip_prefix("1.").unwrap_or(number);
        let end = number.find(|c: char| !c.is_ascii_digit() && !"._".contains(c));
        let mut parts = number.get(..end.unwrap_or(number.len()))?.split(['.', '_']);
        Some(Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0),
            patch: parts.next().and_then(|patch| patch.parse().ok()),
        })
    }

    /// Whether it is one of what a runtime's name says.
    pub(super) fn is_of(self, language: Language) -> bool {
        match language {
            Language::Python { minor } => (self.major, self.minor) == (3, minor),
            Language::Node { major } | Language::Java { major } => self.major == major,
            Language::Ruby { major, minor } => (self.major, self.minor) == (major, minor),
            Language::Provided => true,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

/// A place with the interpreter of one runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) directory: PathBuf,
    pub(super) version: Version,
    name: String,
}

impl Prefix {
    /// Where somebody has found the interpreter called `name` already.
    pub(super) const fn found(directory: PathBuf, version: Version, name: String) -> Self {
        Self { directory, version, name }
    }

    /// What the program is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn interpreter(&self) -> PathBuf {
        self.directory.join("bin").join(&self.name)
    }
}

/// The newest interpreter for a runtime; one from `options.search` before all others.
pub(super) fn newest(
    options: &Options,
    answers: &Answers,
    identifier: Identifier,
) -> Option<Prefix> {
    if let Some(place) = options.stand_in.get(&identifier) {
        return prefix_of(place, identifier, Versions::Any, answers, &mut HashSet::new());
    }
    [configured(options), around(&options.surroundings)].into_iter().find_map(|places| {
        let mut seen = HashSet::new();
        let mut best: Option<Prefix> = None;
        for place in places {
            let found = prefix_of(&place, identifier, Versions::TheRightOne, answers, &mut seen);
            let Some(prefix) = found else { continue };
            if best.as_ref().is_none_or(|best| prefix.version > best.version) {
                best = Some(prefix);
            }
        }
        best
    })
}

/// Every interpreter for a runtime, wherever it is.
pub(super) fn all(options: &Options, answers: &Answers, identifier: Identifier) -> Vec<Prefix> {
    let mut seen = HashSet::new();
    if let Some(place) = options.stand_in.get(&identifier) {
        return prefix_of(place, identifier, Versions::Any, answers, &mut seen)
            .into_iter()
            .collect();
    }
    let places = configured(options).into_iter().chain(around(&options.surroundings));
    places
        .filter_map(|place| {
            prefix_of(&place, identifier, Versions::TheRightOne, answers, &mut seen)
        })
        .collect()
}

/// Where version managers keep what they install, below the home directory.
const HOME_COLLECTIONS: [&str; 8] = [
    ".pyenv/versions",
    ".local/share/uv/python",
    ".nvm/versions/node",
    ".sdkman/candidates/java",
    ".jdks",
    ".rbenv/versions",
    ".rvm/rubies",
    ".rubies",
];

fn configured(options: &Options) -> Vec<PathBuf> {
    options
        .search
        .iter()
        .flat_map(|place| [vec![place.clone()], folders_in(place)].concat())
        .collect()
}

fn around(surroundings: &Surroundings) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Some(home) = &surroundings.home {
        for collection in HOME_COLLECTIONS {
            places.extend(folders_in(&home.join(collection)));
        }
    }
    places.extend(surroundings.java_home.clone());
    for collection in ["usr/lib/jvm", "opt", "opt/rubies"] {
        places.extend(folders_in(&surroundings.root.join(collection)));
    }
    places.extend(["usr/local", "usr"].map(|name| surroundings.root.join(name)));
    let path = surroundings.path.iter().flat_map(std::env::split_paths);
    places.extend(path.filter_map(|bin| Some(bin.parent()?.to_owned())));
    places
}

fn folders_in(place: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(place)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Which versions of a language will do for a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    TheRightOne,
    /// Somebody has said that this one stands in for it.
    Any,
}

/// The real prefix of the interpreter in `place`, unless there is none of the right version, or it was `seen`.
fn prefix_of(
    place: &Path,
    identifier: Identifier,
    versions: Versions,
    answers: &Answers,
    seen: &mut HashSet<PathBuf>,
) -> Option<Prefix> {
    let is_any = versions == Versions::Any;
    let wanted = match identifier.language() {
        Language::Python { .. } if is_any => python_of(place)?,
        _ => identifier.interpreter()?,
    };
    let interpreter = place.join("bin").join(&wanted).canonicalize().ok()?;
    let bin = interpreter.parent().filter(|bin| bin.ends_with("bin"))?;
    let mut directory = bin.parent()?.to_owned();
    // Java 8 has its programs twice, and says below the outer directory which version they are.
    if directory.ends_with("jre") && !directory.join("release").is_file() {
        directory.pop();
    }
    let bin = directory.join("bin");
    // The name that the sandbox runs must be a file of this very prefix.
    if !bin.join(&wanted).is_file() || !seen.insert(directory.clone()) {
        return None;
    }
    let version = match identifier.language() {
        Language::Python { .. } => {
            python_version(&directory, wanted.strip_prefix("python3.")?.parse().ok()?)?
        }
        Language::Node { .. } => node_version(&directory, &interpreter, answers)?,
        Language::Java { .. } => java_version(&directory)?,
        Language::Ruby { .. } => answers.version(&interpreter)?,
        Language::Provided => return None,
    };
    if !is_any && !version.is_of(identifier.language()) {
        return None;
    }
    Some(Prefix { directory, version, name: wanted })
}

/// The name of the one Python that is `python3` in `place`: `python3.11`.
fn python_of(place: &Path) -> Option<String> {
    let interpreter = place.join("bin/python3").canonicalize().ok()?;
    Some(interpreter.file_name()?.to_str()?.to_owned())
}

/// None if this prefix lacks the standard library, as that of a shim does.
fn python_version(directory: &Path, minor: u8) -> Option<Version> {
    let has_library = ["lib", "lib64"]
        .iter()
        .any(|lib| directory.join(lib).join(format!("python3.{minor}/encodings")).is_dir());
    if !has_library {
        return None;
    }
    let header = directory.join(format!("include/python3.{minor}/patchlevel.h"));
    let patch = fs::read_to_string(header).ok().and_then(|text| defined(&text, "PY_MICRO_VERSION"));
    // Without the header the name of the folder often tells: 3.12.1, cpython-3.12.7-linux-x86_64-gnu.
    let prefix = format!("3.{minor}.");
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let patch = patch.or_else(|| {
        let (_, rest) = name.split_once(&prefix)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    Some(Version { major: 3, minor, patch })
}

fn node_version(directory: &Path, interpreter: &Path, answers: &Answers) -> Option<Version> {
    let header = directory.join("include/node/node_version.h");
    let Ok(text) = fs::read_to_string(header) else { return answers.version(interpreter) };
    let part = |name: &str| defined(&text, name);
    Some(Version {
        major: part("NODE_MAJOR_VERSION")?.try_into().ok()?,
        minor: part("NODE_MINOR_VERSION")?.try_into().ok()?,
        patch: part("NODE_PATCH_VERSION"),
    })
}

/// From JAVA_VERSION="17.0.15", or "1.8.0_442" as it was before Java 9.
fn java_version(directory: &Path) -> Option<Version> {
    let release = fs::read_to_string(directory.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
    let version = version.trim().trim_matches('"');
    let mut parts = version.strip_prefix("1.").unwrap_or(version).split(['.', '_', '-', '+']);
    Some(Version {
        major: parts.next()?.parse().ok()?,
        minor: parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0),
        patch: parts.next().and_then(|patch| patch.parse().ok()),
    })
}

/// The number that a C header defines.
fn defined(header: &str, name: &str) -> Option<u16> {
    header.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_it = words.next() == Some("#define") && words.next() == Some(name);
        is_it.then(|| words.next()?.parse().ok()).flatten()
    })
}

/// What Rubies, and Nodes without headers, as some distributions pack them, said about themselves: each file is asked once.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<HashMap<(PathBuf, SystemTime), Option<Version>>>);

impl Answers {
    fn version(&self, interpreter: &Path) -> Option<Version> {
        let changed = interpreter.metadata().and_then(|metadata| metadata.modified()).ok()?;
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((interpreter.to_owned(), changed)).or_insert_with(|| ask(interpreter))
    }
}

fn ask(interpreter: &Path) -> Option<Version> {
    let output = Command::new(interpreter).arg("--version").stdin(Stdio::null()).output().ok()?;
    Version::told(&String::from_utf8(output.stdout).ok()?)
}
