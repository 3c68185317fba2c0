// SPDX-License-Identifier: Apache-2.0
//! An OCI layout: a directory with `index.json` and `blobs/sha256/…`. Blocks.
//!
//! Invariant: no link in it leads out of it.

use crate::digest::Digest;
use crate::error::ImageError;
use crate::manifest::{self, Descriptor};
use crate::reference::Which;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(crate) struct Layout {
    path: PathBuf,
    directory: OwnedFd,
}

impl Layout {
    pub(crate) fn open(path: &Path) -> Result<Self, ImageError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        match openat(CWD, path, flags, Mode::empty()) {
            Ok(directory) => Ok(Self { path: path.to_path_buf(), directory }),
            Err(errno) => Err(missing_or(errno.into(), path)),
        }
    }

    /// The manifest or index that is meant.
    pub(crate) fn manifest(
        &self,
        which: &Which,
        max: u64,
    ) -> Result<(Vec<u8>, Option<String>), ImageError> {
        let digest = match which {
            Which::Digest(digest) => *digest,
            Which::Tag(_) | Which::Only => {
                let index = self.read("index.json", max)?;
                let descriptor = choose(manifest::names_of_layout(&index)?, which)?;
                descriptor.digest
            }
        };
        Ok((self.read(&blob_path(digest), max)?, None))
    }

    pub(crate) fn blob(&self, digest: Digest) -> Result<File, ImageError> {
        self.file(&blob_path(digest))
    }

    fn read(&self, name: &str, max: u64) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let mut file = self.file(name)?.take(max + 1);
        file.read_to_end(&mut bytes).map_err(ImageError::file("read", self.path.join(name)))?;
        if bytes.len() as u64 > max {
            return Err(ImageError::TooLarge { what: "bytes in a manifest", max });
        }
        Ok(bytes)
    }

    fn file(&self, name: &str) -> Result<File, ImageError> {
        // A pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = openat2(&self.directory, name, flags, Mode::empty(), ResolveFlags::IN_ROOT)
            .map_err(|errno| missing_or(errno.into(), &self.path.join(name)))?;
        let file = File::from(file);
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(ImageError::NotFound);
        }
        Ok(file)
    }
}

fn blob_path(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hexadecimal())
}

fn missing_or(error: io::Error, path: &Path) -> ImageError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ImageError::NotFound,
        io::ErrorKind::PermissionDenied => ImageError::Denied,
        _ => ImageError::file("open", path)(error),
    }
}

/// Of the images that a layout names, the one that is meant.
pub(crate) fn choose(
    named: Vec<(Descriptor, Option<String>)>,
    which: &Which,
) -> Result<Descriptor, ImageError> {
    // An archive's tags may be whole names: `docker.io/library/app:1.4`.
    let is_tag = |name: &str, tag: &str| {
        name == tag || name.rsplit_once(':').is_some_and(|(_, last)| last == tag)
    };
    let mut fitting = named.into_iter().filter(|(_, name)| match which {
        Which::Tag(tag) => name.as_deref().is_some_and(|name| is_tag(name, tag)),
        Which::Only | Which::Digest(_) => true,
    });
    match (fitting.next(), fitting.next()) {
        (Some((descriptor, _)), None) => Ok(descriptor),
        (Some(_), Some(_)) if *which == Which::Only => Err(ImageError::Malformed {
            what: "the layout",
            reason: "it has several images: say which, as in `:TAG`".to_owned(),
        }),
        (Some((descriptor, _)), Some(_)) => Ok(descriptor),
        (None, _) => Err(ImageError::NotFound),
    }
}
