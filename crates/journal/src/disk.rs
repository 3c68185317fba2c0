// SPDX-License-Identifier: Apache-2.0
//! The files that the journal writes. A seam: tests put a disk here that fails, fills up, tears and forgets.
//!
//! Invariant: nothing is claimed to be on the disk before `sync` has returned `Ok`, the file's own name included.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A directory of files that only grow.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Names of the files that are there, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file. Its name is on the disk when this returns.
    fn create(&self, name: &str) -> io::Result<Arc<dyn Segment>>;
    fn open(&self, name: &str) -> io::Result<Arc<dyn Segment>>;
    /// Removing what is absent is no error.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// One file of a [`Disk`].
pub trait Segment: fmt::Debug + Send + Sync + 'static {
    fn length(&self) -> io::Result<u64>;
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// On an error any part of `bytes` may be in the file.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&self, length: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// The real one.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Whether its own name is on the disk.
    is_synced: AtomicBool,
}

impl Directory {
    /// Makes the directory if it is not there, for this user alone: payloads are in it.
    ///
    /// # Errors
    ///
    /// When it can not be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Ok(Self { path: path.to_owned(), is_synced: AtomicBool::new(false) })
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        // Once, with the first file: a server that gets no event does not wait for it.
        if let Some(parent) = self.path.parent().filter(|_| !self.is_synced.load(Ordering::Acquire))
        {
            File::open(parent)?.sync_all()?;
            self.is_synced.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        let path = self.path.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|file| self.sync_names().map(|()| file));
        if file.is_err() {
            // The error that matters is the first; an empty file means nothing to who reads the directory later.
            let _ = fs::remove_file(&path);
        }
        Ok(Arc::new(file?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(self.path.join(name))?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sync_names(),
        }
    }
}

impl Segment for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
