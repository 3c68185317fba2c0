// SPDX-License-Identifier: Apache-2.0
//! The data directory: one process at a time, one format.

use crate::EngineError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What `VERSION` holds. Raise it when an older build could no longer read the directory.
const FORMAT: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to prepare the data directory `{}`", dir.display())]
    Directory {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the data directory `{}` is in use by {}", dir.display(), holder(*pid))]
    Locked { dir: PathBuf, pid: Option<u32> },
    #[error("the data directory `{}` has format {found}; this build reads format {FORMAT} and older", dir.display())]
    TooNew { dir: PathBuf, found: u32 },
    #[error("`{}` does not hold a format number", path.display())]
    InvalidVersion { path: PathBuf },
    #[error("failed to open the database `{}`", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: EngineError,
    },
    #[error("failed to start the store's writer")]
    Writer {
        #[source]
        source: EngineError,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Held while the store is open. The kernel gives it back when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    pub(crate) fn acquire(dir: &Path) -> Result<Self, OpenError> {
        Self::try_acquire(dir)
            .map_err(|source| OpenError::Directory { dir: dir.into(), source })?
            .map_or_else(
                |pid| Err(OpenError::Locked { dir: dir.into(), pid }),
                |file| Ok(Self { _file: file }),
            )
    }

    /// The locked file, or who holds it.
    fn try_acquire(dir: &Path) -> io::Result<Result<File, Option<u32>>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("LOCK"))?;

        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                return Ok(Err(read.ok().and_then(|_| text.trim().parse().ok())));
            }
            Err(error) => return Err(error.into()),
        }

        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Ok(file))
    }
}

/// Refuses a directory that a newer build wrote; marks a new one as ours.
pub(crate) fn check_version(dir: &Path) -> Result<(), OpenError> {
    let path = dir.join("VERSION");
    let failed = |source| OpenError::Directory { dir: dir.into(), source };

    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        // The first thing written to a new directory: a database without it was not made by any build.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.join("store.db").exists() => {
            return write_version(dir, &path).map_err(failed);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::InvalidVersion { path });
        }
        Err(error) => return Err(failed(error)),
    };
    match text.trim().parse::<u32>() {
        Ok(found) if found > FORMAT => Err(OpenError::TooNew { dir: dir.into(), found }),
        Ok(0) | Err(_) => Err(OpenError::InvalidVersion { path }),
        Ok(_) => Ok(()),
    }
}

fn write_version(dir: &Path, path: &Path) -> io::Result<()> {
    let temporary = dir.join("VERSION.new");
    let mut file = File::create(&temporary)?;
    writeln!(file, "{FORMAT}")?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync(dir)
}

/// Makes the names in `dir` durable.
pub(crate) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
