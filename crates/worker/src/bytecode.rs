// SPDX-License-Identifier: Apache-2.0
//! Bytecode of Python functions: made once of the code that is deployed, and mounted beside it at each start.
//!
//! An interpreter keeps what it compiles beside the source, and a function can not write there: it would compile all that it
//! imports at each cold start. Our bootstrap looks for what was made here where the interpreter looks for its own.
//!
//! Invariants:
//! - sources of a function are read by an interpreter in a sandbox of its own, and nowhere else; what it tells is a name below
//!   our directory and bytes that nobody here looks into;
//! - a directory under its final name is whole and on disk;
//! - a function runs the same without it: whatever fails here costs time.

use crate::env_vars;
use crate::function::Function;
use crate::life::spawn;
use crate::runtimes::{self, Installed, Language};
use crate::worker::Worker;
use rustix::fs::syncfs;
use sandbox::{LaunchError, Launcher, Limits, Mount, Sandbox, Spec};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Beside the directory of a package.
const EXTENSION: &str = "bytecode";
/// Less than this is compiled sooner than it is mounted.
const SOURCE_BYTES_MIN: u64 = 16 << 10;
/// It has the CPU when nobody else wants it. What is made by then is kept.
const TIME_MAX: Duration = Duration::from_secs(300);
const MEMORY_BYTES: u64 = 512 << 20;
const NAME_BYTES_MAX: usize = 4096;

/// Prints to the log pipe, for each source that compiles in silence: the length of a name, that of the bytecode, and both.
/// What the package brings along itself is not replaced, and what would warn goes on to warn.
const COMPILE: &str = r#"
import os, sys, warnings
from importlib.util import cache_from_source, source_hash
from importlib._bootstrap_external import _code_to_hash_pyc
root, left = sys.argv[1], int(sys.argv[2])
with open(int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"]), "wb") as told:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = f"{folder}/{name}"
            if not name.endswith(".py") or os.path.lexists(cache_from_source(path)):
                continue
            try:
                with open(path, "rb") as file:
                    source = file.read()
                with warnings.catch_warnings(record=True) as warned:
                    warnings.simplefilter("always")
                    code = compile(source, path, "exec", dont_inherit=True)
                if warned:
                    continue
                data = _code_to_hash_pyc(code, source_hash(source), False)
            except Exception:
                continue
            left -= len(data)
            if left < 0:
                sys.exit()
            name = os.fsencode(cache_from_source(path)[len(root) + 1 :])
            told.write(len(name).to_bytes(4, "big") + len(data).to_bytes(4, "big") + name + data)
"#;

/// Where the bytecode of what is in `dir` is, if there is any: one directory for each version of an interpreter.
pub fn bytecode_dir(dir: &Path) -> PathBuf {
    dir.with_extension(EXTENSION)
}

/// What is known of a function's bytecode.
#[derive(Debug, Clone, Default)]
pub struct Bytecode(Arc<State>);

#[derive(Debug, Default)]
struct State {
    mounts: OnceLock<Vec<Mount>>,
    is_tried: AtomicBool,
}

/// What it takes to compile.
#[derive(Debug)]
pub(crate) struct Compiler {
    launcher: Launcher,
    bytes_max: u64,
    /// One after the other.
    turns: Semaphore,
}

#[derive(Debug, thiserror::Error)]
enum CompileError {
    #[error("failed to launch a sandbox")]
    Launch(#[from] LaunchError),
    #[error("failed to keep bytecode")]
    Write(#[from] io::Error),
}

impl Compiler {
    pub(crate) fn new(launcher: Launcher, bytes_max: u64) -> Self {
        Self { launcher, bytes_max, turns: Semaphore::new(1) }
    }

    fn is_for(&self, function: &Function, installed: &Installed) -> bool {
        matches!(installed.identifier.language(), Language::Python { .. })
            && installed.image.is_none()
            && function.image.is_none()
            && self.bytes_max > 0
            // A plain process has no directories of its own.
            && self.launcher.can_furnish()
    }

    /// What a start of `function` mounts. What is not there yet is made for the starts to come.
    pub(crate) fn mounts(
        self: &Arc<Self>,
        function: &Arc<Function>,
        installed: &Installed,
    ) -> Vec<Mount> {
        if !self.is_for(function, installed) {
            return Vec::new();
        }
        let state = &function.bytecode.0;
        if !state.is_tried.swap(true, Ordering::AcqRel) {
            self.begin(Arc::clone(function), installed.clone());
        }
        state.mounts.get().cloned().unwrap_or_default()
    }

    /// Uses what is there, or makes it.
    fn begin(self: &Arc<Self>, function: Arc<Function>, installed: Installed) {
        let dirs = dirs(&function);
        if dirs.iter().all(|(dir, _)| place(dir, &installed).is_dir()) {
            let _ = function.bytecode.0.mounts.set(mounts_of(&dirs, &installed));
            return;
        }
        let this = Arc::clone(self);
        // The function is held until this is done, and so its directories stay.
        spawn(async move {
            for (dir, target) in &dirs {
                if let Err(error) = this.compile(dir, target, &installed).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        function = function.name,
                        "code not compiled: starts take longer"
                    );
                }
            }
            let _ = function.bytecode.0.mounts.set(mounts_of(&dirs, &installed));
        });
    }

    async fn compile(
        &self,
        dir: &Path,
        target: &'static str,
        installed: &Installed,
    ) -> Result<(), CompileError> {
        let Ok(_turn) = self.turns.acquire().await else { return Ok(()) };
        let place = place(dir, installed);
        let sources = dir.to_owned();
        let is_worth_it = blocking(move || is_large(&sources)).await?;
        if place.is_dir() || !is_worth_it {
            return Ok(());
        }
        let mut mounts = runtimes::mounts(installed);
        mounts.push(Mount { source: dir.to_owned(), target: target.into() });
        let program = installed.argv.first().cloned().unwrap_or_default();
        let flags = ["-I", "-S", "-c", COMPILE, target].map(str::to_owned);
        let mut argv = vec![program];
        argv.extend(flags);
        argv.push(self.bytes_max.to_string());
        let env = env_vars::of_every_function();
        let limits = Limits { memory_bytes: MEMORY_BYTES, ..Limits::default() };
        let spec =
            Spec { root: None, mounts, argv, env, cwd: "/tmp".into(), limits, is_ahead: true };
        let Sandbox { log, process, output, .. } = self.launcher.launch(spec).await?;
        let draft = place.with_extension("draft");
        let bytes_max = self.bytes_max;
        let kept = tokio::task::spawn_blocking(move || keep(log, &draft, &place, bytes_max));
        // What is written by then is whole. The pipe ends with the sandbox.
        let _ = tokio::time::timeout(TIME_MAX, process.exited()).await;
        drop((process, output));
        Ok(kept.await.map_err(io::Error::other)??)
    }
}

impl Worker {
    /// The code of `function` is unpacked: compiles it, if that is worth it.
    pub fn compile_code(&self, function: &Arc<Function>) {
        let bound_to = function.runtime_version.as_deref();
        if function.image.is_none()
            && let Ok(installed) = self.runtimes().find_version(&function.runtime, bound_to)
        {
            drop(self.compiler().mounts(function, &installed));
        }
    }
}

/// What is compiled, and where a function sees it.
fn dirs(function: &Function) -> Vec<(PathBuf, &'static str)> {
    let layers = function.layers_dir.iter().map(|dir| (dir.clone(), "/opt"));
    [(function.code_dir.clone(), "/var/task")].into_iter().chain(layers).collect()
}

/// The bytecode of one version is not another's.
fn place(dir: &Path, installed: &Installed) -> PathBuf {
    bytecode_dir(dir).join(installed.version.replace([':', '.'], "-"))
}

fn mounts_of(dirs: &[(PathBuf, &'static str)], installed: &Installed) -> Vec<Mount> {
    let mount = |(dir, target): &(PathBuf, &'static str)| {
        let source = place(dir, installed);
        let is_any = fs::read_dir(&source).ok()?.next().is_some();
        is_any.then(|| Mount { source, target: format!("/var/bytecode{target}").into() })
    };
    dirs.iter().filter_map(mount).collect()
}

/// Is there so much source that compiling it takes a start some time?
fn is_large(dir: &Path) -> io::Result<bool> {
    let (mut bytes, mut ahead) = (0, vec![dir.to_owned()]);
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                ahead.push(entry.path());
            } else if kind.is_file() && entry.file_name().as_bytes().ends_with(b".py") {
                bytes += entry.metadata()?.len();
                if bytes >= SOURCE_BYTES_MIN {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Keeps what comes out of `pipe` until it ends, as `place`.
fn keep(pipe: OwnedFd, draft: &Path, place: &Path, bytes_max: u64) -> io::Result<()> {
    rustix::io::ioctl_fionbio(&pipe, false)?;
    // Of a server that was killed.
    match fs::remove_dir_all(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    make_directories(place.parent().unwrap_or(draft), Path::new(""))?;
    make_directories(draft, Path::new(""))?;
    write_all(&mut BufReader::new(File::from(pipe)), draft, bytes_max)?;
    syncfs(File::open(draft)?)?;
    fs::rename(draft, place)
}

/// Writes each file that `told` has whole. Whatever is told that is not one ends it.
fn write_all(told: &mut impl Read, draft: &Path, bytes_max: u64) -> io::Result<()> {
    let mut left = bytes_max;
    while let Some((name, data)) = next_file(told, left)? {
        left = left.saturating_sub(data.len() as u64);
        let name = Path::new(OsStr::from_bytes(&name));
        let is_ours = name.components().all(|part| matches!(part, Component::Normal(_)))
            && name.extension() == Some(OsStr::new("pyc"));
        let Some(parent) = name.parent().filter(|_| is_ours) else { return Ok(()) };
        make_directories(draft, parent)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(draft.join(name))?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(&data)?;
    }
    Ok(())
}

/// The next name and what belongs to it. `None` at the end, also where that is in the middle of one.
fn next_file(told: &mut impl Read, bytes_max: u64) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let length = |told: &mut _| -> io::Result<Option<u64>> {
        let mut bytes = [0; 4];
        Ok(read_whole(told, &mut bytes)?.then(|| u32::from_be_bytes(bytes).into()))
    };
    let (Some(name), Some(data)) = (length(told)?, length(told)?) else { return Ok(None) };
    let name = usize::try_from(name).unwrap_or(usize::MAX);
    let Some(data) = usize::try_from(data).ok().filter(|_| data <= bytes_max) else {
        return Ok(None);
    };
    if name > NAME_BYTES_MAX {
        return Ok(None);
    }
    let (mut name, mut data) = (vec![0; name], vec![0; data]);
    let is_whole = read_whole(told, &mut name)? && read_whole(told, &mut data)?;
    Ok(is_whole.then_some((name, data)))
}

fn read_whole(told: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match told.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// Makes `root` and the directories of `path` in it, which functions may read whatever the umask is.
fn make_directories(root: &Path, path: &Path) -> io::Result<()> {
    let mut made = root.to_owned();
    for part in std::iter::once(Component::CurDir).chain(path.components()) {
        if part != Component::CurDir {
            made.push(part);
        }
        match DirBuilder::new().create(&made) {
            Ok(()) => fs::set_permissions(&made, Permissions::from_mode(0o755))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(name: &[u8], data: &[u8]) -> Vec<u8> {
        let lengths = [name.len(), data.len()].map(|length| u32::try_from(length).unwrap());
        let [name_length, data_length] = lengths.map(u32::to_be_bytes);
        [&name_length, &data_length, name, data].concat()
    }

    /// The names of what is written.
    fn written(told: &[u8], bytes_max: u64) -> Vec<String> {
        let draft = tempfile::tempdir().unwrap();
        let _ = write_all(&mut &*told, draft.path(), bytes_max);
        let (mut names, mut ahead) = (Vec::new(), vec![draft.path().to_owned()]);
        while let Some(dir) = ahead.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    ahead.push(path);
                } else {
                    let name = path.strip_prefix(draft.path()).unwrap();
                    names.push(name.display().to_string());
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn whole_files_are_kept_up_to_the_limit() {
        let told = [frame(b"a/__pycache__/b.pyc", b"1234"), frame(b"c.pyc", b"56")].concat();
        assert_eq!(written(&told, 6), ["a/__pycache__/b.pyc", "c.pyc"]);
        assert_eq!(written(&told, 5), ["a/__pycache__/b.pyc"]);
        assert_eq!(written(&told[..told.len() - 1], 6), ["a/__pycache__/b.pyc"]);
    }

    #[test]
    fn no_name_leads_out() {
        for name in ["../x.pyc", "/x.pyc", "a/../../x.pyc", "x.py", "", "a\0.pyc", "./../x.pyc"] {
            assert_eq!(written(&frame(name.as_bytes(), b"1"), 9), Vec::<String>::new(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_trusted(told in proptest::collection::vec(any::<u8>(), 0..200)) {
            written(&told, 100);
        }
    }
}
