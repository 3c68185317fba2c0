// SPDX-License-Identifier: Apache-2.0
//! The root file system of an image: its layers put over each other, by hard links.
//!
//! A file is on the disk once, however many images have its layer; only directories are an image's own. Nothing ever writes into
//! a file of a root: sandboxes see it read-only.
//!
//! Blocks.

use crate::error::ImageError;
use crate::layer::Notes;
use crate::tree::{self, Inner, Kind, Tree};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// Where a sandbox mounts what is not the image's.
const MOUNT_POINTS: [&str; 9] =
    ["proc", "dev", "tmp", "opt", "mnt", "var/task", "var/runtime", "var/lang", "var/rapid"];
const MOUNT_FILES: [&str; 5] =
    ["etc/hosts", "etc/resolv.conf", "etc/hostname", "etc/passwd", "etc/group"];

/// Puts `layer` over what is in `root`.
pub(crate) fn add(root: &Tree, layer: &Tree, notes: &Notes) -> Result<(), ImageError> {
    try_add(root, layer, notes).map_err(ImageError::file("put a layer into", "the root"))?;
    for (name, target) in &notes.links {
        let linked = inner(name).and_then(|name| link(root, &name, &inner(target)?));
        linked.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidData => ImageError::Refused {
                entry: String::from_utf8_lossy(name).escape_debug().to_string(),
                reason: "is another name of what is no file",
            },
            _ => ImageError::file("put a link into", "the root")(error),
        })?;
    }
    Ok(())
}

fn try_add(root: &Tree, layer: &Tree, notes: &Notes) -> io::Result<()> {
    for path in &notes.opaque {
        root.empty(&inner(path)?)?;
    }
    for path in &notes.whiteouts {
        root.remove(&inner(path)?)?;
    }
    let merge = Merge { root, implicit: &notes.implicit };
    merge.directory(layer.root(), root.root(), &Inner::root())
}

/// Makes what a sandbox mounts over. What the image has there instead of a directory or a file is replaced: it would be hidden
/// anyway.
pub(crate) fn add_mount_points(root: &Tree) -> io::Result<()> {
    for point in MOUNT_POINTS {
        let path = inner(point.as_bytes())?;
        if ensure_directory(root, &path).is_err() {
            root.remove(&path)?;
            ensure_directory(root, &path)?;
        }
    }
    for point in MOUNT_FILES {
        let path = inner(point.as_bytes())?;
        let (parent, name) = path.split().ok_or(io::ErrorKind::NotFound)?;
        let parent = ensure_directory(root, &parent)?;
        if tree::kind(parent.as_fd(), &name)? != Kind::File {
            tree::remove(parent.as_fd(), &name)?;
            let file = tree::make_file(parent.as_fd(), &name)?;
            tree::finish_file(&file, 0o644, 0)?;
        }
    }
    Ok(())
}

fn ensure_directory(root: &Tree, path: &Inner) -> io::Result<OwnedFd> {
    root.ensure_directory(path, |_| {})
}

/// They were written by us, out of paths that were checked.
fn inner(bytes: &[u8]) -> io::Result<Inner> {
    Inner::parse(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

struct Merge<'a> {
    root: &'a Tree,
    implicit: &'a BTreeSet<Vec<u8>>,
}

impl Merge<'_> {
    /// As deep as a path may be.
    fn directory(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, path: &Inner) -> io::Result<()> {
        for name in tree::names(from)? {
            match tree::kind(from, &name)? {
                Kind::Directory => {
                    let path = path.join(&name);
                    let below = tree::enter(from, &name)?;
                    let target = self.target(to, &name, &path, below.as_fd())?;
                    self.directory(below.as_fd(), target.as_fd(), &path)?;
                }
                Kind::Nothing => {}
                Kind::File | Kind::Link | Kind::Other => {
                    tree::remove(to, &name)?;
                    tree::make_hard_link(from, &name, to, &name)?;
                }
            }
        }
        Ok(())
    }

    /// The directory of the root that a layer's directory goes into.
    fn target(
        &self,
        to: BorrowedFd<'_>,
        name: &OsStr,
        path: &Inner,
        layer_s: BorrowedFd<'_>,
    ) -> io::Result<OwnedFd> {
        let is_implicit = self.implicit.contains(&path.bytes());
        let kind = tree::kind(to, name)?;
        if is_implicit && kind == Kind::Link {
            // The layer says nothing of the directory: what is in it goes to where the link leads.
            return ensure_directory(self.root, path);
        }
        if !matches!(kind, Kind::Nothing | Kind::Directory) {
            tree::remove(to, name)?;
        }
        if kind != Kind::Directory || !is_implicit {
            tree::make_directory(to, name, tree::mode(layer_s)?)?;
        }
        tree::enter(to, name)
    }
}

fn link(root: &Tree, path: &Inner, target: &Inner) -> io::Result<()> {
    let (Some((parent, name)), Some((target_parent, target_name))) = (path.split(), target.split())
    else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let (parent, target_parent) =
        (ensure_directory(root, &parent)?, root.directory(&target_parent)?);
    if tree::kind(target_parent.as_fd(), &target_name)? == Kind::Directory {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    tree::remove(parent.as_fd(), &name)?;
    tree::make_hard_link(target_parent.as_fd(), &target_name, parent.as_fd(), &name)
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
