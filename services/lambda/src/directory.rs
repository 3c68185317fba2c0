// SPDX-License-Identifier: Apache-2.0
//! The directory of unpacked packages: `HASH/` for each, and an empty file `HASH.durable` once its bytes are synced. The
//! worker puts what it compiles of a package into `HASH.bytecode/`.
//! Layers that functions use together are merged here, too, under the hash of their list.
//!
//! Invariants:
//! - a directory under its final name is complete: it appears by rename;
//! - a mark is made after a sync and removed before its directory.
//!
//! Blocks. Not here: who uses a package, and when which of these happens.

use crate::merge;
use crate::package::{Package, PackageError};
use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use store::BlobId;

const MARK: &str = "durable";

#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    next_temporary: AtomicU64,
}

impl Directory {
    /// Makes the directory hold nothing but complete, used, synced packages, and says which.
    pub(crate) fn open(
        path: PathBuf,
        used: &HashSet<BlobId>,
    ) -> std::io::Result<(Self, HashSet<BlobId>)> {
        let unpacked = tidy(&path, used)?;
        Ok((Self { path, next_temporary: AtomicU64::new(0) }, unpacked))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the package `id` is, whether it is or not.
    pub(crate) fn of(&self, id: BlobId) -> PathBuf {
        self.path.join(id.to_string())
    }

    fn temporary(&self, prefix: &str) -> PathBuf {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{prefix}-{number}"))
    }

    pub(crate) fn unpack(&self, id: BlobId, package: &Package) -> Result<(), PackageError> {
        self.make(id, |dir| package.unpack(dir))
    }

    /// Makes one directory of several that are here.
    pub(crate) fn merge(&self, id: BlobId, parts: &[BlobId]) -> Result<(), PackageError> {
        let parts: Vec<_> = parts.iter().map(|part| self.of(*part)).collect();
        self.make(id, |dir| {
            let step = "merge layers into";
            merge::merge(&parts, dir).map_err(|source| PackageError::Write {
                step,
                path: dir.to_path_buf(),
                source,
            })
        })
    }

    fn make(
        &self,
        id: BlobId,
        fill: impl FnOnce(&Path) -> Result<(), PackageError>,
    ) -> Result<(), PackageError> {
        let temporary = self.temporary("new");
        let failed = |step| {
            let path = temporary.clone();
            move |source| PackageError::Write { step, path, source }
        };
        fs::create_dir(&temporary)
            // Whatever the umask: it is read under another user.
            .and_then(|()| fs::set_permissions(&temporary, Permissions::from_mode(0o755)))
            .map_err(failed("create the directory"))?;
        let name = self.of(id);
        let made = fill(&temporary).and_then(|()| {
            if name.exists() {
                // Nobody was told of it: its removal failed half-way.
                self.remove(id).map_err(failed("make room for"))?;
            }
            fs::rename(&temporary, &name).map_err(failed("give its name to"))
        });
        if made.is_err() {
            // What stays is removed at the next start.
            let _ = fs::remove_dir_all(&temporary);
        }
        made
    }

    pub(crate) fn remove(&self, id: BlobId) -> std::io::Result<()> {
        let dir = self.of(id);
        let trash = self.temporary("old");
        remove_if_there(&dir.with_extension(MARK))?;
        let bytecode = worker::bytecode_dir(&dir);
        if bytecode.is_dir() {
            let trash = self.temporary("old");
            fs::rename(&bytecode, &trash)?;
            fs::remove_dir_all(&trash)?;
        }
        fs::rename(&dir, &trash)?;
        fs::remove_dir_all(&trash)
    }

    pub(crate) fn sync(&self) -> std::io::Result<()> {
        Ok(rustix::fs::syncfs(fs::File::open(&self.path)?)?)
    }

    /// Notes that `id` was synced.
    pub(crate) fn mark(&self, id: BlobId) -> std::io::Result<()> {
        fs::File::create(self.of(id).with_extension(MARK)).map(drop)
    }
}

fn tidy(dir: &Path, used: &HashSet<BlobId>) -> std::io::Result<HashSet<BlobId>> {
    fs::create_dir_all(dir)?;
    let mut unpacked = HashSet::new();
    let mut leftover = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse::<BlobId>().ok());
        match id.filter(|id| used.contains(id)) {
            Some(id) if path.is_dir() && path.with_extension(MARK).try_exists()? => {
                unpacked.insert(id);
            }
            _ => leftover.push(path),
        }
    }
    let belongings: HashSet<_> = unpacked
        .iter()
        .map(|id| dir.join(id.to_string()))
        .flat_map(|place| [place.with_extension(MARK), worker::bytecode_dir(&place)])
        .collect();
    for path in leftover.into_iter().filter(|path| !belongings.contains(path)) {
        if path.symlink_metadata()?.is_dir() {
            fs::remove_dir_all(&path)?
        } else {
            fs::remove_file(&path)?
        }
    }
    Ok(unpacked)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
