// SPDX-License-Identifier: Apache-2.0
//! What lies in `/tmp`: written down with a snapshot, and put into the `/tmp` of each sandbox that goes back to it.

use super::{During as _, Run, Trouble};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The most that is kept of one `/tmp`. `nr_inodes` of the file system bounds it too.
const ENTRIES_MAX: usize = 100_000;
const COPY_BYTES: usize = 1 << 20;

/// One entry, parents first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Below `/tmp`. Names are bytes.
    name: Vec<u8>,
    mode: u32,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Directory,
    File(Run),
    Link(Vec<u8>),
}

/// Writes all files below `root` to `file` from `offset` on: what there is, and where the file goes on.
pub(crate) fn take(
    root: &Path,
    file: &File,
    mut offset: u64,
) -> Result<(Vec<Entry>, u64), Trouble> {
    let mut entries = Vec::new();
    let mut rest = vec![PathBuf::new()];
    while let Some(directory) = rest.pop() {
        for found in fs::read_dir(root.join(&directory)).during("read /tmp")? {
            let found = found.during("read /tmp")?;
            let name = directory.join(found.file_name());
            let metadata = found.metadata().during("read /tmp")?;
            let kind = if metadata.is_dir() {
                rest.push(name.clone());
                Kind::Directory
            } else if metadata.is_file() {
                let bytes = metadata.size();
                copy(&root.join(&name), file, offset, bytes).during("copy a file of /tmp")?;
                let run = Run { start: 0, bytes, offset };
                offset += bytes.next_multiple_of(8);
                Kind::File(run)
            } else if metadata.is_symlink() {
                let target = fs::read_link(root.join(&name)).during("read /tmp")?;
                Kind::Link(target.into_os_string().into_vec())
            } else {
                // Sockets and pipes: whoever listened there does not come along.
                continue;
            };
            if entries.len() >= ENTRIES_MAX {
                return Err(Trouble::Obstacle("too many files in /tmp".to_owned()));
            }
            let name = name.into_os_string().into_vec();
            entries.push(Entry { name, mode: metadata.mode() & 0o7777, kind });
        }
    }
    Ok((entries, offset))
}

fn copy(from: &Path, to: &File, offset: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    // The process stands still, so it is what it was a moment ago: but not through a link.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let from = File::from(rustix::fs::open(from, flags, Mode::empty())?);
    pour(bytes, |buffer, at| {
        from.read_exact_at(buffer, at)?;
        to.write_all_at(buffer, offset + at)
    })
}

/// Puts everything into the `/tmp` that this process sees. `user` is who owns it, where that is somebody else.
pub(crate) fn put_back(entries: &[Entry], file: &File, user: Option<u32>) -> Result<(), Trouble> {
    entries.iter().try_for_each(|entry| put_back_one(entry, file, user)).during("fill /tmp")
}

/// Nothing runs in the sandbox yet, and each parent was made here: no name leads anywhere else.
fn put_back_one(entry: &Entry, file: &File, user: Option<u32>) -> io::Result<()> {
    let path = Path::new("/tmp").join(OsString::from_vec(entry.name.clone()));
    match &entry.kind {
        Kind::Directory => fs::create_dir(&path)?,
        Kind::Link(target) => {
            std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &path)?;
        }
        Kind::File(run) => {
            let made = File::create_new(&path)?;
            pour(run.bytes, |buffer, at| {
                file.read_exact_at(buffer, run.offset + at)?;
                made.write_all_at(buffer, at)
            })?;
        }
    }
    if user.is_some() {
        std::os::unix::fs::lchown(&path, user, user)?;
    }
    match entry.kind {
        Kind::Link(_) => Ok(()),
        Kind::Directory | Kind::File(_) => {
            fs::set_permissions(&path, Permissions::from_mode(entry.mode))
        }
    }
}

fn pour(bytes: u64, mut piece: impl FnMut(&mut [u8], u64) -> io::Result<()>) -> io::Result<()> {
    let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(COPY_BYTES);
    let mut buffer = vec![0; most];
    let mut at = 0;
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(most);
        let buffer = buffer.get_mut(..length).ok_or(io::ErrorKind::InvalidInput)?;
        piece(buffer, at)?;
        at += buffer.len() as u64;
    }
    Ok(())
}
