// SPDX-License-Identifier: Apache-2.0
//! An image as one tar file: an OCI layout in a tar, or what `docker save` writes. Blocks.
//!
//! The file is read once for where its parts are; a part is then read from its place. What `docker save` writes has no manifest
//! with digests. One is made, always the same for the same image: its layers are not compressed, so their digests are those that
//! the configuration tells.

use crate::digest::Digest;
use crate::error::ImageError;
use crate::layout;
use crate::manifest::{self, Config, Descriptor, Manifest};
use crate::reference::Which;
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The most files in an archive: three for each layer, and some.
const FILES_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    parts: HashMap<String, Part>,
    /// Layers and configuration of a `docker save`, by their digests.
    digests: HashMap<Digest, String>,
    made: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Part {
    File {
        offset: u64,
        length: u64,
    },
    /// Of layers that occur twice.
    Link(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
    repo_tags: Option<Vec<String>>,
}

impl Archive {
    /// Reads where everything is. `which` chooses among several images.
    pub(crate) fn open(path: &Path, which: &Which) -> Result<Self, ImageError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ImageError::NotFound,
            io::ErrorKind::PermissionDenied => ImageError::Denied,
            _ => ImageError::file("open", path)(error),
        })?;
        let parts = parts(file).map_err(|error| ImageError::Malformed {
            what: "the archive",
            reason: error.to_string(),
        })?;
        let mut this =
            Self { path: path.to_path_buf(), parts, digests: HashMap::new(), made: None };
        if !this.parts.contains_key("index.json") {
            this.make_manifest(which)?;
        }
        Ok(this)
    }

    pub(crate) fn manifest(
        &self,
        which: &Which,
        max: u64,
    ) -> Result<(Vec<u8>, Option<String>), ImageError> {
        if let Some(made) = &self.made {
            return match which {
                Which::Digest(digest) if *digest != Digest::of(made) => Err(ImageError::NotFound),
                _ => Ok((made.clone(), None)),
            };
        }
        let digest = match which {
            Which::Digest(digest) => *digest,
            Which::Tag(_) | Which::Only => {
                let index = self.read("index.json", max)?;
                layout::choose(manifest::names_of_layout(&index)?, which)?.digest
            }
        };
        Ok((self.read(&blob_name(digest), max)?, None))
    }

    pub(crate) fn blob(&self, digest: Digest) -> Result<impl Read + Send + use<>, ImageError> {
        let name = self.digests.get(&digest).cloned().unwrap_or_else(|| blob_name(digest));
        self.part(&name).map(|(part, _)| part)
    }

    fn part(&self, name: &str) -> Result<(io::Take<File>, u64), ImageError> {
        let mut part = self.parts.get(name);
        if let Some(Part::Link(target)) = part {
            part = self.parts.get(target);
        }
        let Some(&Part::File { offset, length }) = part else { return Err(ImageError::NotFound) };
        let read = |path: &Path| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            Ok((file.take(length), length))
        };
        read(&self.path).map_err(ImageError::file("read", &self.path))
    }

    fn read(&self, name: &str, max: u64) -> Result<Vec<u8>, ImageError> {
        let (mut part, length) = self.part(name)?;
        if length > max {
            return Err(ImageError::TooLarge { what: "bytes in a manifest", max });
        }
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).map_err(ImageError::file("read", &self.path))?;
        Ok(bytes)
    }

    /// Writes the manifest that `docker save` does not.
    fn make_manifest(&mut self, which: &Which) -> Result<(), ImageError> {
        let malformed = |reason: String| ImageError::Malformed { what: "the archive", reason };
        let listed = self.read("manifest.json", manifest::BYTES_MAX)?;
        let saved: Vec<Saved> =
            serde_json::from_slice(&listed).map_err(|error| malformed(error.to_string()))?;
        let is_meant = |saved: &&Saved| match which {
            Which::Tag(tag) => saved.repo_tags.iter().flatten().any(|name| {
                name == tag || name.rsplit_once(':').is_some_and(|(_, last)| last == tag)
            }),
            Which::Only | Which::Digest(_) => true,
        };
        let saved = saved.iter().find(is_meant).ok_or(ImageError::NotFound)?;
        let config = self.read(&saved.config, manifest::BYTES_MAX)?;
        let diff_ids = Config::layers(&config)?;
        if diff_ids.len() != saved.layers.len() {
            return Err(malformed("it has other layers than its configuration".to_owned()));
        }
        let mut layers = Vec::new();
        for (digest, name) in diff_ids.into_iter().zip(&saved.layers) {
            let (_, size) = self.part(name)?;
            self.digests.insert(digest, name.clone());
            layers.push(Descriptor { media_type: manifest::LAYER_PLAIN.to_owned(), digest, size });
        }
        let digest = Digest::of(&config);
        self.digests.insert(digest, saved.config.clone());
        let size = config.len() as u64;
        let config = Descriptor { media_type: manifest::CONFIG.to_owned(), digest, size };
        let manifest = serde_json::to_vec(&Manifest::make(config, layers));
        self.made = Some(manifest.map_err(|error| malformed(error.to_string()))?);
        Ok(())
    }
}

fn blob_name(digest: Digest) -> String {
    format!("blobs/sha256/{}", digest.hexadecimal())
}

fn parts(file: File) -> io::Result<HashMap<String, Part>> {
    let mut parts = HashMap::new();
    let mut archive = tar::Archive::new(file);
    // Raw: names that do not fit into a header occur in layers only, and would be read into memory whole.
    for entry in archive.entries_with_seek()?.raw(true) {
        let entry = entry?;
        if parts.len() >= FILES_MAX {
            return Err(io::Error::other(format!("it has more than {FILES_MAX} files")));
        }
        let Ok(name) = String::from_utf8(entry.path_bytes().into_owned()) else { continue };
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let kind = entry.header().entry_type();
        if kind.is_file() {
            let (offset, length) = (entry.raw_file_position(), entry.size());
            parts.insert(name, Part::File { offset, length });
        } else if (kind.is_symlink() || kind.is_hard_link())
            && let Some(target) = entry.link_name_bytes()
            && let Ok(target) = String::from_utf8(target.into_owned())
        {
            parts.insert(name.clone(), Part::Link(beside(&name, &target)));
        }
    }
    Ok(parts)
}

/// Where a link leads: `../0123/layer.tar` beside `4567/layer.tar` is `0123/layer.tar`.
fn beside(name: &str, target: &str) -> String {
    match target.strip_prefix("../") {
        Some(rest) => rest.to_owned(),
        None => match name.rsplit_once('/') {
            Some((folder, _)) if !target.contains('/') => format!("{folder}/{target}"),
            _ => target.to_owned(),
        },
    }
}
