// SPDX-License-Identifier: Apache-2.0
//! One layer: from a tar file to a directory, and to notes of what a directory cannot say.
//!
//! What comes out belongs to this server's user. Set-user-id, set-group-id and sticky bits are dropped, and so are extended
//! attributes. Devices, pipes and sockets are left out: a function gets its devices from us, and a pipe in a file system that two
//! sandboxes see would connect them.
//!
//! Blocks. Invariants:
//! - nothing is written outside the directory, whatever the names and links in the tar file;
//! - memory is bounded by the budget, and not by what the tar file says of itself.

use crate::budget::Budget;
use crate::entries::Entries;
use crate::error::ImageError;
use crate::tree::{self, BadPath, Inner, Kind, Tree};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use tar::{EntryType, Header, PaxExtensions};

/// The longest name in a header of its own, and the longest of Pax's headers.
const LONG_NAME_BYTES_MAX: u64 = 4096 + 1;
const PAX_BYTES_MAX: u64 = 1 << 20;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const AUFS: &[u8] = b".wh..wh.";

/// What a layer says besides its files. Paths are bytes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notes {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    /// Removed from the layers below.
    pub(crate) whiteouts: Vec<Vec<u8>>,
    /// Directories of the layers below that are emptied.
    pub(crate) opaque: Vec<Vec<u8>>,
    /// Directories that the layer only passes through: they may be links in the layers below.
    pub(crate) implicit: BTreeSet<Vec<u8>>,
    /// Hard links to files of the layers below: the name, and whose other name it is.
    pub(crate) links: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug)]
struct Unpacking<'a> {
    tree: Tree,
    budget: &'a Budget,
    notes: Notes,
    /// The directory that the last entry was in: entries come by directory.
    last: Option<(Inner, OwnedFd)>,
}

/// What the headers before an entry say about it.
#[derive(Debug, Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    modified_s: Option<i64>,
    size: Option<u64>,
}

/// Unpacks a tar file into `tree`, which is empty.
pub(crate) fn unpack(reader: impl Read, tree: Tree, budget: &Budget) -> Result<Notes, ImageError> {
    let mut unpacking = Unpacking { tree, budget, notes: Notes::default(), last: None };
    let mut entries = Entries::new(reader);
    let mut ahead = Ahead::default();
    while let Some(header) = entries.next().map_err(|error| malformed(&error))? {
        match header.entry_type() {
            EntryType::GNULongName => ahead.name = Some(long_name(&mut entries)?),
            EntryType::GNULongLink => ahead.link = Some(long_name(&mut entries)?),
            EntryType::XHeader => ahead.read_pax(&mut entries)?,
            EntryType::XGlobalHeader => {}
            _ => unpacking.add(&header, &mut entries, std::mem::take(&mut ahead))?,
        }
    }
    Ok(unpacking.notes)
}

/// The reason why a reader failed; whoever made the reader may know better.
fn malformed(error: &io::Error) -> ImageError {
    ImageError::Malformed { what: "a layer", reason: error.to_string() }
}

fn long_name(entries: &mut Entries<impl Read>) -> Result<Vec<u8>, ImageError> {
    let mut name = read_short(entries, LONG_NAME_BYTES_MAX)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn read_short(entries: &mut Entries<impl Read>, max: u64) -> Result<Vec<u8>, ImageError> {
    if entries.left() > max {
        return Err(refused(b"", "has a header that is too long"));
    }
    let mut bytes = Vec::new();
    entries.read_to_end(&mut bytes).map_err(|error| malformed(&error))?;
    Ok(bytes)
}

impl Ahead {
    fn read_pax(&mut self, entries: &mut Entries<impl Read>) -> Result<(), ImageError> {
        let bytes = read_short(entries, PAX_BYTES_MAX)?;
        for extension in PaxExtensions::new(&bytes) {
            let extension = extension.map_err(|error| malformed(&error))?;
            let value = extension.value_bytes();
            match extension.key_bytes() {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"mtime" => self.modified_s = number(value),
                b"size" => self.size = number(value),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(refused(b"", "is a sparse file"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A number, without what is behind its point.
fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.split('.').next()?.parse().ok()
}

impl Unpacking<'_> {
    fn add(
        &mut self,
        header: &Header,
        entries: &mut Entries<impl Read>,
        ahead: Ahead,
    ) -> Result<(), ImageError> {
        let name = ahead.name.unwrap_or_else(|| header.path_bytes().into_owned());
        self.budget.entry(name.len())?;
        self.notes.entries += 1;
        let path = inner(&name)?;
        let Some((parent, last)) = path.split() else { return Ok(()) };
        if let Some(hidden) = last.as_bytes().strip_prefix(WHITEOUT) {
            return self.hide(&parent, last.as_bytes(), hidden);
        }
        let kind = header.entry_type();
        if !matches!(
            kind,
            EntryType::Regular
                | EntryType::Continuous
                | EntryType::Directory
                | EntryType::Symlink
                | EntryType::Link
        ) {
            return match kind {
                EntryType::Char | EntryType::Block | EntryType::Fifo => Ok(()),
                _ => Err(refused(&name, "is of a kind that is not known")),
            };
        }
        let directory = self.directory(&parent)?;
        let added = match kind {
            EntryType::Directory => self.add_directory(&directory, &path, &last, header),
            EntryType::Symlink => {
                let target = link_target(header, ahead.link, &name)?;
                tree::remove(directory.as_fd(), &last)
                    .and_then(|()| tree::make_link(directory.as_fd(), &last, &target))
            }
            EntryType::Link => {
                let target = link_target(header, ahead.link, &name)?;
                self.add_hard_link(&directory, &path, &last, &inner(&target)?)
            }
            _ => {
                if let Some(size) = ahead.size {
                    entries.set_size(size);
                }
                let modified_s =
                    ahead.modified_s.or_else(|| i64::try_from(header.mtime().ok()?).ok());
                add_file(&directory, &last, permissions(header), modified_s, entries)?;
                Ok(())
            }
        };
        added.map_err(ImageError::file("unpack", path.as_path()))?;
        self.last = Some((parent, directory));
        Ok(())
    }

    /// The directory at `path`, made if it is not there.
    fn directory(&mut self, path: &Inner) -> Result<OwnedFd, ImageError> {
        if let Some((last, directory)) = self.last.take()
            && last == *path
        {
            return Ok(directory);
        }
        let Self { tree, notes, budget, .. } = self;
        let mut spent = Ok(());
        let directory = tree.ensure_directory(path, |made| {
            spent =
                std::mem::replace(&mut spent, Ok(())).and_then(|()| budget.entry(made.length()));
            notes.implicit.insert(made.bytes());
        });
        spent?;
        directory.map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => {
                refused(path.as_path().as_os_str().as_bytes(), "is not a directory")
            }
            // A link of the layer's own, or several in a circle.
            _ if error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) =>
            {
                refused(path.as_path().as_os_str().as_bytes(), "is a link that leads nowhere")
            }
            _ => ImageError::file("make the directory", path.as_path())(error),
        })
    }

    fn add_directory(
        &mut self,
        parent: &OwnedFd,
        path: &Inner,
        name: &OsStr,
        header: &Header,
    ) -> io::Result<()> {
        if !matches!(tree::kind(parent.as_fd(), name)?, Kind::Nothing | Kind::Directory) {
            tree::remove(parent.as_fd(), name)?;
        }
        self.notes.implicit.remove(&path.bytes());
        // Whoever the owner was: this server's user must be able to remove it.
        tree::make_directory(parent.as_fd(), name, permissions(header) | 0o700)
    }

    /// A name more for what this layer has, or else a layer below.
    fn add_hard_link(
        &mut self,
        parent: &OwnedFd,
        path: &Inner,
        name: &OsStr,
        target: &Inner,
    ) -> io::Result<()> {
        tree::remove(parent.as_fd(), name)?;
        let Some((target_parent, target_name)) = target.split() else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let found = self
            .tree
            .directory(&target_parent)
            .and_then(|directory| Ok((tree::kind(directory.as_fd(), &target_name)?, directory)));
        match found {
            Ok((Kind::File | Kind::Link, directory)) => {
                tree::make_hard_link(directory.as_fd(), &target_name, parent.as_fd(), name)
            }
            Ok((Kind::Directory | Kind::Other, _)) => Err(io::ErrorKind::IsADirectory.into()),
            _ => {
                self.notes.links.push((path.bytes(), target.bytes()));
                Ok(())
            }
        }
    }

    fn hide(&mut self, parent: &Inner, whole: &[u8], hidden: &[u8]) -> Result<(), ImageError> {
        if whole == OPAQUE {
            self.notes.opaque.push(parent.bytes());
            return Ok(());
        }
        if whole.starts_with(AUFS) {
            return Ok(());
        }
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(refused(whole, "hides what is not a file of a layer"));
        }
        self.notes.whiteouts.push(parent.join(OsStr::from_bytes(hidden)).bytes());
        Ok(())
    }
}

fn add_file(
    parent: &OwnedFd,
    name: &OsStr,
    mode: u32,
    modified_s: Option<i64>,
    content: &mut impl Read,
) -> Result<(), ImageError> {
    let failed = |error| ImageError::file("unpack", name)(error);
    let mut file = match tree::make_file(parent.as_fd(), name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            tree::remove(parent.as_fd(), name).map_err(failed)?;
            tree::make_file(parent.as_fd(), name).map_err(failed)?
        }
        made => made.map_err(failed)?,
    };
    copy(content, &mut file, name)?;
    // Whoever the owner was: this server's user must be able to read it.
    tree::finish_file(&file, mode | 0o600, modified_s.unwrap_or(0)).map_err(failed)
}

/// Copies with the errors of both sides told apart.
fn copy(entry: &mut impl Read, file: &mut std::fs::File, name: &OsStr) -> Result<(), ImageError> {
    use std::io::Write as _;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = entry.read(&mut buffer).map_err(|error| malformed(&error))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        file.write_all(bytes).map_err(ImageError::file("unpack", name))?;
    }
}

fn link_target(
    header: &Header,
    ahead: Option<Vec<u8>>,
    name: &[u8],
) -> Result<Vec<u8>, ImageError> {
    let target = ahead.or_else(|| Some(header.link_name_bytes()?.into_owned()));
    match target {
        Some(target) if !target.is_empty() && target.len() < 4096 && !target.contains(&0) => {
            Ok(target)
        }
        _ => Err(refused(name, "is a link without a target")),
    }
}

/// Without set-user-id, set-group-id and sticky bits.
fn permissions(header: &Header) -> u32 {
    header.mode().unwrap_or(0o644) & 0o777
}

fn inner(name: &[u8]) -> Result<Inner, ImageError> {
    Inner::parse(name).map_err(|bad| match bad {
        BadPath::Outside => refused(name, "leads out of the image"),
        BadPath::TooLong => refused(name, "has a name that is too long"),
    })
}

fn refused(name: &[u8], reason: &'static str) -> ImageError {
    let entry = OsString::from(String::from_utf8_lossy(name).chars().take(200).collect::<String>());
    ImageError::Refused { entry: entry.to_string_lossy().escape_debug().to_string(), reason }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
pub(crate) mod tests;
