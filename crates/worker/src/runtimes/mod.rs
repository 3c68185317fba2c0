// SPDX-License-Identifier: Apache-2.0
//! Managed runtimes: what `python3.12` means on this machine.
// PLACEHOLDER by the lead, so that the crate compiles: the runtimes helper replaces this file, keeping these signatures.

use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {}

#[derive(Debug)]
pub struct Runtimes {}

#[derive(Debug, Clone)]
pub struct Installed {
    pub identifier: String,
    /// `python:3.12.1`, as INIT_START prints it
    pub version: String,
    pub lang_dir: Option<PathBuf>,
    pub runtime_dir: Option<PathBuf>,
    /// Empty for `provided.*`: see `provided_argv`
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("{identifier} is not installed")]
pub struct NotInstalled {
    identifier: String,
}

impl Runtimes {
    pub fn prepare(_options: &Options, _data_dir: &Path) -> std::io::Result<Self> {
        Ok(Self {})
    }

    pub fn find(&self, identifier: &str) -> Result<Installed, NotInstalled> {
        Err(NotInstalled { identifier: identifier.into() })
    }
}

pub fn provided_argv(_code_dir: &Path, _layers_dir: Option<&Path>) -> Option<Vec<String>> {
    None
}
