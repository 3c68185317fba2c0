// SPDX-License-Identifier: Apache-2.0
//! The directory of images.
//!
//! ```text
//! layers/DIGEST/tree    a layer, unpacked; layers/DIGEST/notes.json what a directory cannot say of it
//! roots/DIGEST/         an image's root file system: hard links to files of its layers
//! images/DIGEST.json    which layers an image has
//! new-N, old-N          work that was not finished, removed at the next start
//! ```
//!
//! Blocks. Invariant: what has its final name is whole and on disk: it appears by rename, after a sync.

use crate::digest::Digest;
use crate::error::ImageError;
use crate::layer::Notes;
use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    next_temporary: AtomicU64,
}

/// A directory without its final name yet. Removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    is_kept: bool,
}

impl Draft {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is removed at the next start.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl Directory {
    /// Opens the directory, and removes what a crash has left half done.
    pub(crate) fn open(path: PathBuf) -> Result<Self, ImageError> {
        let this = Self { path, next_temporary: AtomicU64::new(0) };
        this.tidy().map_err(ImageError::file("tidy", &this.path))?;
        Ok(this)
    }

    fn tidy(&self) -> io::Result<()> {
        for folder in ["layers", "roots", "images"] {
            fs::create_dir_all(self.path.join(folder))?;
        }
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("new-") || name.starts_with("old-") {
                fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }

    pub(crate) fn root(&self, image: Digest) -> PathBuf {
        self.path.join("roots").join(image.hexadecimal())
    }

    fn layer(&self, layer: Digest) -> PathBuf {
        self.path.join("layers").join(layer.hexadecimal())
    }

    pub(crate) fn layer_tree(&self, layer: Digest) -> PathBuf {
        self.layer(layer).join("tree")
    }

    fn list_of(&self, image: Digest) -> PathBuf {
        self.path.join("images").join(format!("{}.json", image.hexadecimal()))
    }

    /// A new directory that everybody may read.
    pub(crate) fn draft(&self) -> Result<Draft, ImageError> {
        let path = self.temporary("new");
        fs::create_dir(&path)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)))
            .map_err(ImageError::file("create", &path))?;
        Ok(Draft { path, is_kept: false })
    }

    fn temporary(&self, prefix: &str) -> PathBuf {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{prefix}-{number}"))
    }

    /// Notes of a layer that is there.
    pub(crate) fn notes(&self, layer: Digest) -> Option<Notes> {
        let bytes = fs::read(self.layer(layer).join("notes.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(crate) fn keep_layer(
        &self,
        draft: Draft,
        layer: Digest,
        notes: &Notes,
    ) -> Result<(), ImageError> {
        let bytes = serde_json::to_vec(notes).map_err(io::Error::other);
        let path = draft.path().join("notes.json");
        bytes
            .and_then(|bytes| fs::write(&path, bytes))
            .map_err(ImageError::file("write", &path))?;
        self.keep(draft, &self.layer(layer))
    }

    pub(crate) fn keep_root(&self, draft: Draft, image: Digest) -> Result<(), ImageError> {
        self.keep(draft, &self.root(image))
    }

    /// Gives a draft its name, once its bytes are on disk.
    fn keep(&self, mut draft: Draft, name: &Path) -> Result<(), ImageError> {
        self.sync().map_err(ImageError::file("sync", &self.path))?;
        if name.exists() {
            self.discard(name).map_err(ImageError::file("make room for", name))?;
        }
        fs::rename(&draft.path, name).map_err(ImageError::file("give its name to", name))?;
        draft.is_kept = true;
        let folder = name.parent().unwrap_or(&self.path);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(ImageError::file("sync", folder))
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.path)?)?)
    }

    fn discard(&self, path: &Path) -> io::Result<()> {
        let trash = self.temporary("old");
        fs::rename(path, &trash)?;
        if trash.is_dir() { fs::remove_dir_all(&trash) } else { fs::remove_file(&trash) }
    }

    /// Writes down which layers an image has, so that they are known without asking its registry.
    pub(crate) fn write_list(&self, image: Digest, layers: &[Digest]) -> Result<(), ImageError> {
        let (path, draft) = (self.list_of(image), self.temporary("new"));
        let write = || {
            fs::write(&draft, serde_json::to_vec(layers)?)?;
            File::open(&draft)?.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(ImageError::file("write", &path))
    }

    /// Removes everything that no image of `used` needs, and tells how many bytes the layers that stay have.
    pub(crate) fn sweep(&self, used: &HashSet<Digest>) -> Result<u64, ImageError> {
        self.try_sweep(used).map_err(ImageError::file("tidy", &self.path))
    }

    fn try_sweep(&self, used: &HashSet<Digest>) -> io::Result<u64> {
        let mut needed = HashSet::new();
        for (path, image) in self.named("images")? {
            let list = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            match list.filter(|_: &Vec<Digest>| used.contains(&image)) {
                Some(layers) => needed.extend(layers),
                None => self.discard(&path)?,
            }
        }
        for (path, image) in self.named("roots")? {
            if !used.contains(&image) {
                self.discard(&path)?;
            }
        }
        let mut bytes = 0;
        for (path, layer) in self.named("layers")? {
            match self.notes(layer).filter(|_| needed.contains(&layer)) {
                Some(notes) => bytes += notes.bytes,
                None => self.discard(&path)?,
            }
        }
        Ok(bytes)
    }

    /// What a folder has, by digest. What is not ours stays.
    fn named(&self, folder: &str) -> io::Result<Vec<(PathBuf, Digest)>> {
        let mut named = Vec::new();
        for entry in fs::read_dir(self.path.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let digits = name.strip_suffix(".json").unwrap_or(&name);
            if let Ok(digest) = Digest::from_hexadecimal(digits) {
                named.push((entry.path(), digest));
            }
        }
        Ok(named)
    }
}
