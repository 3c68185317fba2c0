// SPDX-License-Identifier: Apache-2.0
//! `tinderbox export FILE` and `tinderbox import FILE`: all functions and layers as one file. The server must not run.

use crate::config::Config;
use crate::terminal;
use anyhow::{Context, bail};
use lambda::archive::{self, Summary};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use store::Store;

pub(crate) fn export(config: &Config, path: &Path, overwrites: bool) -> anyhow::Result<()> {
    let data_dir = &config.server.data_dir;
    if !data_dir.join("store.db").exists() {
        bail!(
            "there is nothing to export in {}\nhint: --data-dir says where the server keeps everything",
            data_dir.display()
        );
    }
    if path.exists() && !overwrites {
        bail!("{} exists already\nhint: --overwrite replaces it", path.display());
    }
    let store = open(config)?;
    let partial = path.with_added_extension("partial");
    let file =
        create_closed(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
    let summary = block_on(archive::export(&store, file))?.inspect_err(|_| {
        // The error that matters is the first.
        let _ = fs::remove_file(&partial);
    })?;
    fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))?;
    terminal::line(format!("exported {} to {}", told(&summary), path.display()))?;
    terminal::note(
        "the file holds environment variables as they are: keep it as closed as a secret",
    );
    Ok(())
}

pub(crate) fn import(config: &Config, path: &Path, overwrites: bool) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let store = open(config)?;
    let summary = match block_on(archive::import(&store, file, overwrites))? {
        Err(error @ archive::ArchiveError::Exists { .. }) => {
            bail!("{error}\nhint: --overwrite replaces them; nothing was imported")
        }
        other => other?,
    };
    terminal::line(format!("imported {} from {}", told(&summary), path.display()))?;
    Ok(())
}

fn open(config: &Config) -> anyhow::Result<Store> {
    // An import is one batch, however much there is.
    let options = store::Options { batch_operations_max: usize::MAX, ..config.store.clone() };
    Store::open(&config.server.data_dir, options).map_err(|error| match error {
        store::OpenError::Locked { .. } => anyhow::anyhow!("{error}\nhint: stop the server first"),
        error => error.into(),
    })
}

/// For this user alone: environment variables are in it.
fn create_closed(path: &Path) -> std::io::Result<File> {
    if path.exists() {
        // What an earlier export left half written may be open to others.
        fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn block_on<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

fn told(summary: &Summary) -> String {
    let mut parts: Vec<_> =
        summary.kept.iter().map(|(what, count)| counted(*count, what)).collect();
    parts.push(counted(summary.packages, "package"));
    parts.join(", ")
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
