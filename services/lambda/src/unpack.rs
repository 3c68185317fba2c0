// SPDX-License-Identifier: Apache-2.0
//! Unpacking a checked package into an empty directory.
//!
//! Directories come first, files next, on several threads when there is much to do, links last: nothing is ever
//! written through a link. Modes are set exactly, whatever the umask of the server.
//!
//! Not here: where the directory is, what happens when this fails, and who uses it.

use crate::package::{Package, PackageError, Planned};
use bytes::Bytes;
use rustix::fs::Mode;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use zip::ZipArchive;

const BUFFER_BYTES: usize = 128 << 10;
/// Fewer files than this are written before a second thread has started.
const FILES_PER_THREAD_MIN: usize = 128;
const THREADS_MAX: usize = 4;

impl Package {
    /// Fills `dir`, which is there and empty. Blocks.
    pub(crate) fn unpack(&self, dir: &Path) -> Result<(), PackageError> {
        let of_kind = |is_kind: fn(&Planned) -> bool| {
            self.plan.iter().filter(move |(_, planned)| is_kind(planned))
        };
        let mut directories = Vec::new();
        for (path, planned) in of_kind(|planned| matches!(planned, Planned::Directory { .. })) {
            let path = dir.join(path);
            DirBuilder::new()
                .mode(0o755)
                .create(&path)
                .map_err(failed("create the directory", &path))?;
            if let Planned::Directory { mode } = planned {
                directories.push((path, *mode));
            }
        }

        let files: Vec<_> = self
            .plan
            .iter()
            .filter_map(|(path, planned)| match planned {
                Planned::File { index, mode } => {
                    Some(FileJob { path: dir.join(path), index: *index, mode: *mode })
                }
                Planned::Directory { .. } | Planned::Link { .. } => None,
            })
            .collect();
        self.write_files(&files)?;

        for (path, planned) in of_kind(|planned| matches!(planned, Planned::Link { .. })) {
            if let Planned::Link { target } = planned {
                let path = dir.join(path);
                symlink(target, &path).map_err(failed("create the link", &path))?;
            }
        }
        // Children first: a directory may forbid to its owner's group what its own children needed.
        for (path, mode) in directories.iter().rev() {
            std::fs::set_permissions(path, Permissions::from_mode(*mode))
                .map_err(failed("set the mode of", path))?;
        }
        Ok(())
    }

    fn write_files(&self, files: &[FileJob]) -> Result<(), PackageError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (files.len() / FILES_PER_THREAD_MIN).clamp(1, cores.min(THREADS_MAX));
        let work = Work {
            files,
            next: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            bytes_max: self.limits.unzipped_bytes_max,
        };
        if threads == 1 {
            return work.run(&mut self.archive.clone());
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    let mut archive = self.archive.clone();
                    let work = &work;
                    scope.spawn(move || work.run(&mut archive))
                })
                .collect();
            let results: Vec<_> =
                workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            results.into_iter().try_for_each(|result| {
                result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }
}

struct FileJob {
    path: PathBuf,
    index: usize,
    mode: u32,
}

/// Files that several threads take one after the other.
struct Work<'a> {
    files: &'a [FileJob],
    next: AtomicUsize,
    /// Written by all threads together.
    bytes: AtomicU64,
    bytes_max: u64,
}

impl Work<'_> {
    fn run(&self, archive: &mut ZipArchive<Cursor<Bytes>>) -> Result<(), PackageError> {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Some(file) = self.files.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.write_file(archive, file, &mut buffer) {
                // The others need not go on.
                self.next.store(self.files.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    fn write_file(
        &self,
        archive: &mut ZipArchive<Cursor<Bytes>>,
        file: &FileJob,
        buffer: &mut [u8],
    ) -> Result<(), PackageError> {
        let mut entry =
            archive.by_index(file.index).map_err(|source| PackageError::Unreadable { source })?;
        let mut target = create(&file.path).map_err(failed("create the file", &file.path))?;
        loop {
            let count = match entry.read(buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(source) => {
                    let entry =
                        file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    return Err(PackageError::Corrupt { entry, source });
                }
            };
            let added = count as u64;
            if self.bytes.fetch_add(added, Ordering::Relaxed).saturating_add(added) > self.bytes_max
            {
                return Err(PackageError::UnzippedTooLarge { bytes_max: self.bytes_max });
            }
            let chunk = buffer.get(..count).unwrap_or_default();
            target.write_all(chunk).map_err(failed("write", &file.path))?;
        }
        rustix::fs::fchmod(&target, Mode::from_raw_mode(file.mode))
            .map_err(std::io::Error::from)
            .map_err(failed("set the mode of", &file.path))
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PackageError {
    move |source| PackageError::Write { step, path: path.to_path_buf(), source }
}
