// SPDX-License-Identifier: Apache-2.0
//! Where an address really leads, and whether it may: the operator's mirrors, allowed registries and local directories.

use crate::archive::Archive;
use crate::client::Client;
use crate::digest::Digest;
use crate::error::ImageError;
use crate::layout::Layout;
use crate::manifest::{self, Architecture, Config, Document, Manifest};
use crate::options::{Options, Registry};
use crate::reference::{Place, Reference};
use crate::registry::Repository;
use crate::stream::{Source, Trouble};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// A place that images are read from.
#[derive(Debug)]
pub(crate) enum Origin {
    Registry(Repository),
    Layout(Layout),
    Archive(Archive),
}

/// An image as its documents describe it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) digest: Digest,
    pub(crate) manifest: Manifest,
    pub(crate) config: Config,
    /// What the layers are called unpacked.
    pub(crate) layers: Vec<Digest>,
}

impl Origin {
    pub(crate) fn open(
        client: &Client,
        options: &Options,
        reference: &Reference,
    ) -> Result<Self, ImageError> {
        let (host, name) = match &reference.place {
            Place::Layout(path) => return Layout::open(&local(options, path)?).map(Self::Layout),
            Place::Archive(path) => {
                let path = local(options, path)?;
                return Archive::open(&path, &reference.which).map(Self::Archive);
            }
            Place::Registry { host, repository } => (host, repository),
        };
        if !options.is_allowed(host) {
            return Err(ImageError::NotAllowed { place: host.clone() });
        }
        let settings = options.registry(host).cloned().unwrap_or_default();
        let Some(mirror) = settings.mirror.clone() else {
            return Ok(Self::Registry(Repository::new(client.clone(), host, name, settings)));
        };
        if let Some(directory) = mirror.strip_prefix("oci:") {
            // The repository's name was checked: no part of it leads up.
            return Layout::open(&Path::new(directory).join(name)).map(Self::Layout);
        }
        let mirror = mirror.trim_end_matches('/');
        let plain = mirror.strip_prefix("http://");
        let mirror = plain.or_else(|| mirror.strip_prefix("https://")).unwrap_or(mirror);
        let (host, name) = match mirror.split_once('/') {
            Some((host, prefix)) => (host, format!("{prefix}/{name}")),
            None => (mirror, name.clone()),
        };
        let own = options.registry(host).filter(|own| own.mirror.is_none()).cloned();
        let settings = own.unwrap_or(settings);
        let plain_http = if plain.is_some() { Some(true) } else { settings.plain_http };
        let settings = Registry { plain_http, ..settings };
        Ok(Self::Registry(Repository::new(client.clone(), host, &name, settings)))
    }

    /// Finds the image that is meant, for a processor.
    pub(crate) fn find(
        &self,
        reference: &Reference,
        wanted: Architecture,
    ) -> Result<Found, ImageError> {
        let (bytes, media_type) = self.document(reference)?;
        let mut digest = Digest::of(&bytes);
        if let crate::reference::Which::Digest(expected) = reference.which
            && expected != digest
        {
            return Err(ImageError::Digest { expected, found: digest });
        }
        let manifest = match Document::read(&bytes, media_type.as_deref(), wanted)? {
            Document::Manifest(manifest) => manifest,
            Document::Index(descriptor) => {
                digest = descriptor.digest;
                let (bytes, media_type) = self.document(&reference.at(digest))?;
                check(digest, &bytes)?;
                match Document::read(&bytes, media_type.as_deref(), wanted)? {
                    Document::Manifest(manifest) => manifest,
                    Document::Index(inner) => {
                        return Err(ImageError::MediaType { media_type: inner.media_type });
                    }
                }
            }
        };
        let config = self.config(&manifest)?;
        let (config, layers) = Config::read(&config, manifest.layers.len(), wanted)?;
        Ok(Found { digest, manifest, config, layers })
    }

    fn document(&self, reference: &Reference) -> Result<(Vec<u8>, Option<String>), ImageError> {
        let (which, max) = (&reference.which, manifest::BYTES_MAX);
        match self {
            Self::Registry(repository) => repository.manifest(which, max),
            Self::Layout(layout) => layout.manifest(which, max),
            Self::Archive(archive) => archive.manifest(which, max),
        }
    }

    fn config(&self, manifest: &Manifest) -> Result<Vec<u8>, ImageError> {
        let (digest, max) = (manifest.config.digest, manifest::BYTES_MAX);
        let trouble = Trouble::default();
        let mut bytes = Vec::new();
        let mut blob = self.blob(digest, &trouble)?.take(max + 1);
        blob.read_to_end(&mut bytes).map_err(|error| {
            trouble.or(ImageError::Malformed { what: "a blob", reason: error.to_string() })
        })?;
        if bytes.len() as u64 > max {
            return Err(ImageError::TooLarge { what: "bytes in its configuration", max });
        }
        check(digest, &bytes)?;
        Ok(bytes)
    }

    /// A blob, not checked yet.
    pub(crate) fn blob(
        &self,
        digest: Digest,
        trouble: &Trouble,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        let trouble = trouble.clone();
        Ok(match self {
            Self::Registry(repository) => {
                let (inner, host) = (repository.blob(digest)?, repository.host().to_owned());
                Box::new(Source { inner, host, trouble })
            }
            Self::Layout(layout) => {
                let host = "the layout".to_owned();
                Box::new(Source { inner: layout.blob(digest)?, host, trouble })
            }
            Self::Archive(archive) => {
                let host = "the archive".to_owned();
                Box::new(Source { inner: archive.blob(digest)?, host, trouble })
            }
        })
    }
}

fn check(expected: Digest, bytes: &[u8]) -> Result<(), ImageError> {
    let found = Digest::of(bytes);
    if found == expected { Ok(()) } else { Err(ImageError::Digest { expected, found }) }
}

/// The path that a local address leads to, if the operator lets it. Of what is elsewhere nothing is told, not even whether it is.
fn local(options: &Options, path: &Path) -> Result<PathBuf, ImageError> {
    let refused = || ImageError::NotAllowed { place: path.display().to_string() };
    let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir));
    let mut roots = options.local.iter().filter(|root| is_plain && path.starts_with(root));
    let root = roots.next().ok_or_else(refused)?;
    let root = root.canonicalize().map_err(|_| ImageError::NotFound)?;
    let path = path.canonicalize().map_err(|_| ImageError::NotFound)?;
    if path.starts_with(&root) { Ok(path) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_stay_in_allowed_directories() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("allowed");
        std::fs::create_dir_all(root.join("app")).unwrap();
        std::fs::create_dir(folder.path().join("secret")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
        let options = Options { local: vec![root.clone()], ..Options::default() };
        let local = |path: PathBuf| local(&options, &path);
        assert!(local(root.join("app")).is_ok());
        assert!(matches!(local(root.join("gone")), Err(ImageError::NotFound)));
        for path in ["link", "../secret", "app/../../secret"] {
            let refused = local(root.join(path));
            assert!(matches!(refused, Err(ImageError::NotAllowed { .. })), "{path}: {refused:?}");
        }
        for path in [folder.path().join("secret"), "/etc/passwd".into()] {
            assert!(matches!(local(path), Err(ImageError::NotAllowed { .. })));
        }
    }
}
