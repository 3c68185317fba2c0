// SPDX-License-Identifier: Apache-2.0
//! What an operator may say about images, and what a secret looks like in a log: like nothing.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where images may come from, and how large they may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Directories of this machine that `oci:` and `oci-archive:` addresses may lead into. Default: none, so that callers
    /// of the API make the server read no file.
    pub local: Vec<PathBuf>,
    /// Registries that images may come from, by host and port; `*` stands for any characters. Default: every one. A
    /// registry on this machine's loopback is spoken to in plain HTTP, all others in HTTPS, unless `registries` says so.
    pub allowed: Vec<String>,
    /// A table for each registry (`*` stands for any characters) with any of `mirror`: where its images really are,
    /// another registry or `oci:/directory`; `username` and `password`, or `password_file`, which is read at each use;
    /// `plain_http`: whether it is spoken to without encryption, which is so for a registry on loopback unless this says
    /// `false`. Default: none.
    pub registries: BTreeMap<String, Registry>,
    /// The certificate authorities to trust, as a PEM file. Default: those of this machine.
    pub ca_file: Option<PathBuf>,
    /// The most bytes of one image, unpacked. Default: 10 GiB, as on AWS.
    pub image_bytes_max: u64,
    /// The most files, directories and links of one image. Default: 1000000.
    pub image_entries_max: u64,
    /// The most bytes of all layers together, unpacked. Default: 200 GiB.
    pub storage_bytes_max: u64,
    /// How many images are fetched at one time. Default: 2.
    pub pulls_max: usize,
    /// How many layers of one image are fetched and unpacked at one time. Default: 3.
    pub layers_max: usize,
    /// Seconds after which a registry that sends nothing is given up. Default: 30.
    pub patience_seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            allowed: vec!["*".to_owned()],
            registries: BTreeMap::new(),
            ca_file: None,
            image_bytes_max: 10 << 30,
            image_entries_max: 1_000_000,
            storage_bytes_max: 200 << 30,
            pulls_max: 2,
            layers_max: 3,
            patience_seconds: 30,
        }
    }
}

/// What is to be known of one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    pub mirror: Option<String>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    pub plain_http: Option<bool>,
}

/// A password. Nothing shows it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Options {
    /// Whether images may come from this registry.
    pub(crate) fn is_allowed(&self, host: &str) -> bool {
        self.allowed.iter().any(|pattern| matches(pattern, host))
    }

    /// What was said of a registry: by its name before by a pattern, by a long pattern before by a short one.
    pub(crate) fn registry(&self, host: &str) -> Option<&Registry> {
        let named = self.registries.get(host);
        named.or_else(|| {
            let fitting = self.registries.iter().filter(|(pattern, _)| matches(pattern, host));
            fitting.max_by_key(|(pattern, _)| pattern.len()).map(|(_, registry)| registry)
        })
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.into_iter().any(|at| rest.get(at..).is_some_and(|rest| matches(tail, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "r.example.com", true),
            ("*.dkr.ecr.*.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com", true),
            ("*.dkr.ecr.*.amazonaws.com", "dkr.ecr.us-east-1.amazonaws.com.evil.test", false),
            ("r.example.com", "r.example.com", true),
            ("r.example.com", "r.example.com:5000", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_registry_s_own_name_wins_over_patterns() {
        let of = |name: &str| Registry { username: Some(name.to_owned()), ..Registry::default() };
        let names = ["*", "*.example.com", "r.example.com"];
        let registries = names.map(|name| (name.to_owned(), of(name))).into();
        let options = Options { registries, ..Options::default() };
        let found = |host| options.registry(host).unwrap().username.clone().unwrap();
        assert_eq!(found("r.example.com"), "r.example.com");
        assert_eq!(found("s.example.com"), "*.example.com");
        assert_eq!(found("elsewhere.test"), "*");
    }

    #[test]
    fn a_password_is_not_shown() {
        let registry = Registry { password: Some(Secret::new("hunter2")), ..Registry::default() };
        assert!(!format!("{registry:?}").contains("hunter2"));
    }
}
