// SPDX-License-Identifier: Apache-2.0
//! Where an image is, as `ImageUri` says it.
//!
//! ```text
//! registry.example.com/team/app:1.4                  a registry, by tag (`latest` when there is none)
//! registry.example.com/team/app@sha256:0123…         by digest; a tag beside it is passed over
//! oci:/srv/images/app:1.4                            an OCI layout, a directory of this machine
//! oci-archive:/srv/images/app.tar:1.4                an OCI layout or a `docker save`, as one file
//! ```
//!
//! Invariant: there is no other way to make one than to parse it. Whether it may be used is not said here.

use crate::digest::Digest;
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const LENGTH_MAX: usize = 1024;
const TAG_DEFAULT: &str = "latest";

/// Which image at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    Tag(String),
    Digest(Digest),
    /// The only one there is. Of layouts and archives.
    Only,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Registry { host: String, repository: String },
    Layout(PathBuf),
    Archive(PathBuf),
}

/// A place and which image there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) place: Place,
    pub(crate) which: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of an image")]
pub(crate) struct InvalidReference;

/// An address as somebody wrote it, which was seen to be one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the address of an image")]
pub struct InvalidAddress(String);

impl Address {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.parse::<Reference>() {
            Ok(_) => Ok(Self(text)),
            Err(InvalidReference) => Err(InvalidAddress(text.chars().take(200).collect())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Reference {
    /// The same place, and the image that was found there.
    pub(crate) fn at(&self, digest: Digest) -> Self {
        Self { place: self.place.clone(), which: Which::Digest(digest) }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LENGTH_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidReference);
        }
        let local = |rest: &str, place: fn(PathBuf) -> Place| {
            let (path, which) = split_which(rest)?;
            let path = Path::new(path);
            if !path.is_absolute() {
                return Err(InvalidReference);
            }
            Ok(Self { place: place(path.to_path_buf()), which: which.unwrap_or(Which::Only) })
        };
        if let Some(rest) = text.strip_prefix("oci:") {
            return local(rest, Place::Layout);
        }
        if let Some(rest) =
            text.strip_prefix("oci-archive:").or_else(|| text.strip_prefix("docker-archive:"))
        {
            return local(rest, Place::Archive);
        }
        let (host, rest) = text.split_once('/').ok_or(InvalidReference)?;
        let (repository, which) = split_which(rest)?;
        if !is_host(host) || !is_repository(repository) {
            return Err(InvalidReference);
        }
        let place = Place::Registry { host: host.to_owned(), repository: repository.to_owned() };
        Ok(Self { place, which: which.unwrap_or_else(|| Which::Tag(TAG_DEFAULT.to_owned())) })
    }
}

/// Parts a path from what stands behind it.
fn split_which(text: &str) -> Result<(&str, Option<Which>), InvalidReference> {
    let (text, digest) = match text.split_once('@') {
        Some((text, digest)) => (text, Some(digest.parse().map_err(|_| InvalidReference)?)),
        None => (text, None),
    };
    let (path, tag) = match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (text, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(InvalidReference);
    }
    let tag = tag.map(|tag| Which::Tag(tag.to_owned()));
    Ok((path, digest.map(Which::Digest).or(tag)))
}

/// A name with a dot or a port, or `localhost`: what could be a repository of a registry that everybody knows is not one here.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
            && !name.starts_with(['.', '-'])
    };
    let is_bracketed = |name: &str| {
        name.strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    };
    (is_name(name) || is_bracketed(name))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && (port.is_some() || name.contains('.') || name == "localhost")
}

fn is_repository(repository: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !repository.is_empty()
        && repository.len() <= 255
        && repository.split('/').all(|part| {
            part.bytes().all(|b| is_inner(b) || matches!(b, b'.' | b'_' | b'-'))
                && part.bytes().next().is_some_and(is_inner)
                && part.bytes().last().is_some_and(is_inner)
        })
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Registry { host, repository } => write!(f, "{host}/{repository}")?,
            Place::Layout(path) => write!(f, "oci:{}", path.display())?,
            Place::Archive(path) => write!(f, "oci-archive:{}", path.display())?,
        }
        match &self.which {
            Which::Tag(tag) => write!(f, ":{tag}"),
            Which::Digest(digest) => write!(f, "@{digest}"),
            Which::Only => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn addresses_are_read_as_they_are_meant() {
        for (text, written) in [
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
            ("[::1]:5000/app:1", "[::1]:5000/app:1"),
            ("localhost/team/app:1.4", "localhost/team/app:1.4"),
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/a-b_c/d:v1",
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/a-b_c/d:v1",
            ),
            ("oci:/srv/images", "oci:/srv/images"),
            ("oci:/srv/images:v1", "oci:/srv/images:v1"),
            ("oci-archive:/srv/a.tar", "oci-archive:/srv/a.tar"),
            ("docker-archive:/srv/a.tar:x", "oci-archive:/srv/a.tar:x"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), written);
        }
        let both = format!("r.example.com/a:v1@{DIGEST}");
        assert_eq!(
            both.parse::<Reference>().unwrap().to_string(),
            format!("r.example.com/a@{DIGEST}")
        );
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "app",
            "app:1",
            "team/app:1",
            "r.example.com/",
            "r.example.com/App",
            "r.example.com/../etc",
            "r.example.com/a//b",
            "r.example.com/a:",
            "r.example.com/a:-x",
            "r.example.com/a@sha256:12",
            "r.example.com:0/a",
            "r.example.com:70000/a",
            "user@r.example.com/a",
            "http://r.example.com/a",
            "oci:relative",
            "oci-archive:",
            "r.example.com/a b",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[a-z.:/@0-9_-]{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
            }
        }
    }
}
