// SPDX-License-Identifier: Apache-2.0
//! Bootstraps that are compiled on this machine: Python's, so that it starts faster, and Java's, which is nothing before.
//!
//! Our sources are compiled, and nothing of a function. Java's classes are for Java 8, so that one compiler makes them for
//! every Java: they are compiled once for a data directory.
//!
//! Invariant: what is compiled appears whole under its name, or not at all.

use super::identifier::{Identifier, Language};
use super::{Installed, Runtimes, bootstraps};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::PoisonError;

/// What a sandbox sees of a Java's bootstrap; it comes last.
const JAVA: &str = "bootstrap.jar";
/// What a stem of a Java rehearses: a function whose classes are where a function may have them.
const JAVA_WARM: [&str; 2] = ["tinderbox", "lib"];

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("failed to run `{}`", program.display())]
    Run {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` could not compile its bootstrap: {output}", program.display())]
    Failed { program: PathBuf, output: String },
    #[error("failed to write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("there is no compiler for {0}")]
    NoCompiler(Identifier),
}

impl Runtimes {
    /// Whether this runtime can not start before `compile` was called.
    pub fn must_compile(&self, installed: &Installed) -> bool {
        matches!(installed.identifier.language(), Language::Java { .. })
            && !self.directory_of(installed.identifier).join(JAVA).is_file()
    }

    /// Compiles the bootstrap for a Python, which takes three milliseconds off each later start, or the one for all Javas.
    /// Does nothing for other runtimes, for a Python of an image, which would have to run outside a sandbox, and when it is
    /// done already. Runs the interpreter: blocks for some twenty milliseconds, or some seconds.
    pub fn compile(&self, installed: &Installed) -> Result<(), CompileError> {
        let _alone = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        match (installed.identifier.language(), &installed.lang_dir) {
            (Language::Python { .. }, Some(lang_dir)) if installed.image.is_none() => {
                self.compile_python(installed, &lang_dir.join("bin").join(installed.program()))
            }
            (Language::Java { .. }, _) if self.must_compile(installed) => {
                self.compile_java(installed)
            }
            _ => Ok(()),
        }
    }

    fn compile_python(&self, installed: &Installed, program: &Path) -> Result<(), CompileError> {
        let folder = self.directory_of(installed.identifier);
        let target = folder.join(bootstraps::compiled_name(&installed.version));
        if target.is_file() {
            return Ok(());
        }
        let script = ["-I", "-S", "-c", bootstraps::COMPILE].map(OsStr::new);
        run(program, script.into_iter().chain([folder.as_os_str(), target.as_os_str()]))
    }

    /// JDKs of this machine that can compile for this Java: its own first.
    pub(super) fn compilers(&self, installed: &Installed) -> impl Iterator<Item = PathBuf> {
        let others = Identifier::all()
            .filter(|identifier| matches!(identifier.language(), Language::Java { .. }))
            .filter_map(|identifier| self.prefix(identifier))
            .map(|prefix| prefix.directory);
        // Nothing of an image runs outside a sandbox.
        let own = installed.lang_dir.clone().filter(|_| installed.image.is_none());
        own.into_iter().chain(others).filter(|home| home.join("bin/javac").is_file())
    }

    fn compile_java(&self, installed: &Installed) -> Result<(), CompileError> {
        let home = self
            .compilers(installed)
            .next()
            .ok_or(CompileError::NoCompiler(installed.identifier))?;
        let folder = self.directory_of(installed.identifier);
        let draft = self.directory.join(".java-draft");
        let fails = |source| CompileError::Write { path: draft.clone(), source };
        remove(&draft).map_err(fails)?;
        let classes = draft.join("classes");
        fs::create_dir_all(&classes).map_err(fails)?;
        self.run_javac(&home, &classes)?;
        // Another name, so that only the loader that is for them finds them.
        let hidden = classes.join("bridge/tinderbox");
        fs::create_dir_all(&hidden).map_err(fails)?;
        fs::rename(classes.join("tinderbox/bridge"), hidden.join("bridge")).map_err(fails)?;
        fs::create_dir_all(draft.join("tinderbox")).map_err(fails)?;
        fs::rename(classes.join("tinderbox/warm"), draft.join("tinderbox/warm")).map_err(fails)?;
        fs::create_dir_all(draft.join("lib")).map_err(fails)?;
        let manifest = bootstraps::java_sources(&self.directory).join("manifest.txt");
        let jar = home.join("bin/jar");
        let pack = |how: &str, name: &str, manifest: Option<&Path>, parts: &[&str]| {
            let target = draft.join(name);
            let mut arguments = vec![OsStr::new(how), target.as_os_str()];
            arguments.extend(manifest.map(Path::as_os_str));
            for part in parts {
                arguments.extend([OsStr::new("-C"), classes.as_os_str(), OsStr::new(part)]);
            }
            run(&jar, arguments)
        };
        // As a function has them: compressed. Our own is read far more often than written.
        pack("cf", "lib/core.jar", None, &["com/amazonaws/services/lambda/runtime"])?;
        let own = ["tinderbox/runtime", "com/amazonaws/services/lambda/crac", "bridge"];
        pack("cfm0", JAVA, Some(&manifest), &own)?;
        fs::create_dir_all(&folder).map_err(fails)?;
        for name in JAVA_WARM {
            remove(&folder.join(name)).map_err(fails)?;
            fs::rename(draft.join(name), folder.join(name)).map_err(fails)?;
        }
        fs::rename(draft.join(JAVA), folder.join(JAVA)).map_err(fails)?;
        remove(&draft).map_err(fails)
    }

    fn run_javac(&self, home: &Path, classes: &Path) -> Result<(), CompileError> {
        // Java 8 knows no other release than its own.
        let is_java_8 = home.join("jre").is_dir();
        let release = if is_java_8 { &[][..] } else { &["--release", "8"] };
        let flags = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-proc:none"];
        let flags = flags.iter().chain(release).map(OsStr::new);
        let sources = bootstraps::java_files(&self.directory);
        let target = [OsStr::new("-d"), classes.as_os_str()];
        let sources = sources.iter().map(|path| path.as_os_str());
        run(&home.join("bin/javac"), flags.chain(target).chain(sources))
    }
}

fn run<'a>(
    program: &Path,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<(), CompileError> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| CompileError::Run { program: program.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CompileError::Failed { program: program.to_owned(), output })
}

pub(super) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
