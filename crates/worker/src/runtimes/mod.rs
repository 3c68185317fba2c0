// SPDX-License-Identifier: Apache-2.0
//! Managed runtimes: what `python3.12` means on this machine.
//!
//! A runtime is two directories and a command: the prefix of an interpreter, which a sandbox sees at /var/lang, and our
//! bootstrap for it at /var/runtime. The interpreters are whatever the machine has (`search`); the bootstraps are part of
//! this binary and are written into the data directory (`bootstraps`).
//!
//! Invariants:
//! - nothing here runs an interpreter at start; `compile` and `sdk::install` do, on request, and block: call them from
//!   a thread that may; `find` does once for a Node that came without its headers;
//! - a prefix is only offered if everything the interpreter needs below it is there, because a sandbox sees nothing else
//!   of it;
//! - what is not installed is looked for again at the next call: installing it needs no restart.

mod bootstraps;
mod identifier;
mod provided;
pub mod sdk;
mod search;

pub use bootstraps::PrepareError;
pub use identifier::{Identifier, Language};
pub use provided::provided_argv;
pub use search::Surroundings;

use sandbox::Mount;
use search::Prefix;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where interpreters are looked for.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Prefixes of interpreters (they have bin/python3.12 or bin/node), or directories of such prefixes. They win over
    /// all that is found elsewhere. Default: none.
    pub search: Vec<PathBuf>,
    /// The home directory and the PATH of this process.
    #[serde(skip)]
    pub surroundings: Surroundings,
}

/// A runtime that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub identifier: Identifier,
    /// As the log's INIT_START shows it: `python:3.12.1`.
    pub version: String,
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
    #[error("the runtime {text} is not supported")]
    Unsupported { text: String },
}

impl NotInstalled {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { identifier } => identifier.how_to_install(),
            Self::Unsupported { .. } => {
                "use a Python, Node.js or provided runtime: `tinderbox runtimes` lists them"
                    .to_owned()
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("failed to run `{}`", program.display())]
    Run {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` could not compile its bootstrap: {output}", program.display())]
    Failed { program: PathBuf, output: String },
}

/// One line of `tinderbox runtimes`.
#[derive(Debug)]
pub struct Listing {
    pub identifier: Identifier,
    pub result: Result<Installed, NotInstalled>,
}

impl Listing {
    pub fn state(&self) -> String {
        match &self.result {
            Ok(installed) => installed.version.clone(),
            Err(_) => "not installed".to_owned(),
        }
    }

    /// The prefix of the interpreter, or how to get one.
    pub fn place(&self) -> String {
        match &self.result {
            Ok(Installed { lang_dir: Some(lang_dir), .. }) => lang_dir.display().to_string(),
            Ok(_) => "any Linux binary".to_owned(),
            Err(missing) => missing.hint(),
        }
    }
}

/// The runtimes of this machine.
#[derive(Debug)]
pub struct Runtimes {
    options: Options,
    /// DIR/runtimes
    directory: PathBuf,
    found: Mutex<HashMap<Identifier, Prefix>>,
    answers: search::Answers,
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
        Ok(Self {
            options: options.clone(),
            directory,
            found: Mutex::default(),
            answers: search::Answers::default(),
        })
    }

    /// Resolves `python3.12`. The first call for a runtime reads some directories, later ones look at one file.
    pub fn find(&self, identifier: &str) -> Result<Installed, NotInstalled> {
        let identifier = identifier
            .parse::<Identifier>()
            .map_err(|_| NotInstalled::Unsupported { text: identifier.to_owned() })?;
        if matches!(identifier.language(), Language::Provided) {
            return Ok(self.provided(identifier));
        }
        let known =
            self.lock().get(&identifier).filter(|prefix| prefix.interpreter().is_file()).cloned();
        let prefix = match known {
            Some(prefix) => prefix,
            None => {
                let prefix = search::newest(&self.options, &self.answers, identifier)
                    .ok_or(NotInstalled::Missing { identifier })?;
                self.lock().insert(identifier, prefix.clone());
                prefix
            }
        };
        Ok(self.installed(identifier, &prefix))
    }

    /// Every runtime that we know, with what was found.
    pub fn list(&self) -> Vec<Listing> {
        Identifier::all()
            .map(|identifier| Listing { identifier, result: self.find(&identifier.to_string()) })
            .collect()
    }

    /// Compiles the bootstrap for a Python, which takes three milliseconds off each later start. Does nothing for other
    /// runtimes and when it is done already. Runs the interpreter: blocks for some twenty milliseconds.
    pub fn compile(&self, installed: &Installed) -> Result<(), CompileError> {
        let (Language::Python { minor }, Some(lang_dir)) =
            (installed.identifier.language(), &installed.lang_dir)
        else {
            return Ok(());
        };
        let folder = self.directory_of(installed.identifier);
        let target = folder.join(bootstraps::compiled_name(&installed.version));
        if target.is_file() {
            return Ok(());
        }
        let program = lang_dir.join(format!("bin/python3.{minor}"));
        let output = Command::new(&program)
            .args(["-I", "-S", "-c", bootstraps::COMPILE])
            .args([&folder, &target])
            .stdin(Stdio::null())
            .output()
            .map_err(|source| CompileError::Run { program: program.clone(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CompileError::Failed { program, output })
    }

    fn provided(&self, identifier: Identifier) -> Installed {
        Installed {
            identifier,
            version: identifier.to_string().replace('.', ":"),
            lang_dir: None,
            runtime_dir: None,
            argv: Vec::new(),
            env: Vec::new(),
        }
    }

    fn installed(&self, identifier: Identifier, prefix: &Prefix) -> Installed {
        let version = format!("{}:{}", identifier.family(), prefix.version);
        let runtime_dir = self.directory_of(identifier);
        let argv = match identifier.language() {
            Language::Python { minor } => {
                let compiled = bootstraps::compiled_name(&version);
                let is_compiled = runtime_dir.join(&compiled).is_file();
                let file = if is_compiled { compiled } else { "bootstrap.py".to_owned() };
                python_argv(minor, &file)
            }
            Language::Node { .. } => node_argv(prefix),
            Language::Provided => Vec::new(),
        };
        Installed {
            identifier,
            version,
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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Identifier, Prefix>> {
        // The map is whole after every statement that changes it.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a sandbox sees a runtime.
pub(crate) fn mounts(installed: &Installed) -> Vec<Mount> {
    let all = [(&installed.lang_dir, "/var/lang"), (&installed.runtime_dir, "/var/runtime")];
    let present = all.into_iter().filter_map(|(source, target)| {
        Some(Mount { source: source.clone()?, target: target.into() })
    });
    present.collect()
}

/// No `site` (our bootstrap does the little of it that functions need), no bytecode into read-only directories.
fn python_argv(minor: u8, file: &str) -> Vec<String> {
    let interpreter = format!("/var/lang/bin/python3.{minor}");
    vec![interpreter, "-S".to_owned(), "-B".to_owned(), format!("/var/runtime/{file}")]
}

/// AWS turns two experiments of Node off: a file without `"type": "module"` is CommonJS, and `require` loads no ES
/// module.
fn node_argv(prefix: &Prefix) -> Vec<String> {
    let mut argv = vec!["/var/lang/bin/node".to_owned()];
    if prefix.version >= (search::Version { major: 20, minor: 17, patch: Some(0) }) {
        argv.extend(NODE_WITHOUT.map(str::to_owned));
    }
    argv.push("/var/runtime/bootstrap.cjs".to_owned());
    argv
}

const NODE_WITHOUT: [&str; 2] =
    ["--no-experimental-require-module", "--no-experimental-detect-module"];

impl Installed {
    /// The command for a function of this size and with these variables. AWS gives Node nine tenths of the memory for its
    /// old space and a twentieth for its new one, unless NODE_OPTIONS says otherwise, and lets NODE_OPTIONS turn the
    /// experiments on again.
    pub fn argv_for(&self, memory_mb: u32, env_vars: &[(String, String)]) -> Vec<String> {
        let mut argv = self.argv.clone();
        if !matches!(self.identifier.language(), Language::Node { .. }) || argv.is_empty() {
            return argv;
        }
        let options =
            env_vars.iter().find(|(name, _)| name == "NODE_OPTIONS").map_or("", |(_, value)| value);
        argv.retain(|flag| {
            !NODE_WITHOUT.contains(&flag.as_str())
                || !options.contains(&flag.replacen("--no-", "--", 1))
        });
        let dashes = options.replace('_', "-");
        if !dashes.contains("--max-semi-space-size") && !dashes.contains("--max-old-space-size") {
            let new_space = (memory_mb / 20).max(1);
            let old_space = memory_mb / 10 * 9;
            argv.insert(1, format!("--max-old-space-size={old_space}"));
            argv.insert(1, format!("--max-semi-space-size={new_space}"));
        }
        argv
    }
}

#[cfg(test)]
mod tests;
