// SPDX-License-Identifier: Apache-2.0
//! The files of the repository: what git tracks and what it would track.
//!
//! Files that git ignores are not read, so build output and virtual environments never have findings.

use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::process::Command;

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// `None` when the file is not text.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads the repository this crate is part of.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let root = root()?;
        let output = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&root)
            .output()
            .context("failed to run git; hint: install it, tidy asks it for the list of files")?;
        if !output.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }

        let listing =
            String::from_utf8(output.stdout).context("git listed a path that is not UTF-8")?;
        let mut files = Vec::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            let absolute = root.join(path);
            // A link is judged where its target stands; a file just deleted has nothing to judge.
            if !absolute.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                continue;
            }
            let bytes =
                std::fs::read(&absolute).with_context(|| format!("failed to read {path}"))?;
            files.push(File { path: path.to_owned(), text: String::from_utf8(bytes).ok() });
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        files.dedup_by(|left, right| left.path == right.path);
        Ok(Self { root, files })
    }

    /// Whether `path` is a file or a folder of the repository.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.files.iter().any(|file| {
                file.path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.texts().find(|(found, _)| *found == path).map(|(_, text)| text)
    }

    /// Every text file, as path and text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }
}

fn root() -> anyhow::Result<PathBuf> {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    if !root.pop() {
        bail!("xtask stands at the root of the file system");
    }
    Ok(root)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree that exists only in a test.
    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(path, text)| File { path: (*path).to_owned(), text: Some((*text).to_owned()) })
            .collect();
        Tree { root: PathBuf::new(), files }
    }

    #[test]
    fn a_folder_is_part_of_the_tree() {
        let tree = tree(&[("docs/a.md", "")]);

        assert!(tree.has("docs/a.md"));
        assert!(tree.has("docs"));
        assert!(tree.has("docs/"));
        assert!(!tree.has("doc"));
    }
}
