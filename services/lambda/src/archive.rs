// SPDX-License-Identifier: Apache-2.0
//! Everything that this service keeps, as one file: a backup, or a move to another machine.
//!
//! ```text
//! records.jsonl       one record per line: keyspace, key, value
//! packages/SHA256     each zip that the records name, once
//! manifest.json       the format, and the SHA-256 of records.jsonl
//! ```
//!
//! A zip, without compression: packages are zips. Records are kept as the store has them, so accounts, regions, version
//! numbers and revisions stay.
//!
//! Invariants:
//! - nothing of an archive is imported before all of it was verified;
//! - the records of an import appear in one batch, or not at all; packages that came before it are removed at the next
//!   start of a server.
//!
//! Not here: logs, credentials, and the server's configuration.

use crate::archive_file::{self, Content};
use crate::{layer_table, records};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use store::{Batch, BlobError, BlobId, CommitError, Expectation, Keyspace, ReadError, Scan, Store};

pub use crate::archive_file::ArchiveError;

/// Reads a record as its owner does, and says which packages it names.
type Check = fn(&[u8]) -> Result<Vec<BlobId>, serde_json::Error>;

/// Records that come and go together: `ACCOUNT/REGION/NAME` has the head, and its parts are below that key.
struct Group {
    /// What it is, for whoever reads an error.
    what: &'static str,
    head: (&'static str, Check),
    parts: &'static [(&'static str, Check)],
}

static GROUPS: [Group; 5] = [
    Group {
        what: "function",
        head: ("lambda.functions", records::check_function),
        parts: &[
            ("lambda.versions", records::check_version),
            ("lambda.aliases", records::check_alias),
            ("lambda.event_invoke", records::check_event_invoke),
            ("lambda.urls", records::check_url),
        ],
    },
    Group {
        what: "layer",
        head: ("lambda.layers", layer_table::check_layer),
        parts: &[("lambda.layer_versions", layer_table::check_version)],
    },
    Group {
        what: "event source mapping",
        head: ("lambda.event_source_mappings", records::check_mapping),
        parts: &[],
    },
    Group {
        what: "code signing configuration",
        head: ("lambda.code_signing_configs", records::check_signing),
        parts: &[],
    },
    Group {
        what: "capacity provider",
        head: ("lambda.capacity_providers", records::check_provider),
        parts: &[],
    },
];

impl Group {
    fn keyspaces(&self) -> impl Iterator<Item = &(&'static str, Check)> {
        std::iter::once(&self.head).chain(self.parts)
    }
}

/// What was exported or imported, by its name, and how many packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub kept: Vec<(&'static str, usize)>,
    pub packages: usize,
}

/// Writes all of `store` to `file`. Nothing else may change the store meanwhile.
pub async fn export(store: &Store, file: File) -> Result<Summary, ArchiveError> {
    let mut summary = Summary::default();
    let mut content = Content::default();
    for group in &GROUPS {
        for (name, check) in group.keyspaces() {
            let mut found = Ok(0);
            store
                .keyspace(name)
                .load(|entry| {
                    if let Ok(count) = &mut found {
                        *count += 1;
                        found = content.add(name, &entry, *check).map(|()| *count);
                    }
                })
                .await?;
            let count = found?;
            if *name == group.head.0 {
                summary.kept.push((group.what, count));
            }
        }
    }
    summary.packages = content.packages.len();
    let store = store.clone();
    blocking(move || archive_file::write(file, &content, |id| Ok(store.blobs().path(id)))).await?;
    Ok(summary)
}

/// Reads all of `file` into `store`. What is there already is replaced if `overwrites` says so, and refused if not.
pub async fn import(store: &Store, file: File, overwrites: bool) -> Result<Summary, ArchiveError> {
    let mut archive = blocking(move || archive_file::open(file, check_of)).await?;
    let mut batch = Batch::new();
    let mut summary = Summary { packages: archive.packages().len(), ..Summary::default() };
    let mut existing = Vec::new();
    for group in &GROUPS {
        let heads = archive.keys(group.head.0);
        summary.kept.push((group.what, heads.len()));
        for key in &heads {
            if store.keyspace(group.head.0).get(key.clone()).await?.is_none() {
                continue;
            }
            existing.push(format!("{} {key}", group.what));
            for (name, _) in group.parts {
                for old in keys_below(&store.keyspace(name), key).await? {
                    batch = batch.delete(&store.keyspace(name), old, Expectation::Any);
                }
            }
        }
    }
    if !existing.is_empty() && !overwrites {
        return Err(ArchiveError::Exists { existing });
    }
    for group in &GROUPS {
        for (name, _) in group.keyspaces() {
            for (key, value) in archive.take(name) {
                batch = batch.put(&store.keyspace(name), key, value, Expectation::Any);
            }
        }
    }

    // Noted before it is there: what no record names is removed at the next start.
    let packages = store.keyspace("lambda.packages");
    for id in archive.packages() {
        let note = Batch::new().put(&packages, id.to_string(), "{}", Expectation::Any);
        store.commit(note).await?;
        let (read, bytes) = blocking(move || {
            let bytes = archive.read(id)?;
            Ok((archive, bytes))
        })
        .await?;
        archive = read;
        store.blobs().put(bytes.into()).await?;
    }
    store.commit(batch).await?;
    Ok(summary)
}

/// Whoever reads the records of this keyspace. `None` for one that is not of an archive.
fn check_of(keyspace: &str) -> Option<(&'static str, Check)> {
    let mut all = GROUPS.iter().flat_map(Group::keyspaces);
    all.find(|(name, _)| *name == keyspace).copied()
}

async fn keys_below(keyspace: &Keyspace, key: &str) -> Result<Vec<String>, ReadError> {
    let mut scan = Scan { prefix: format!("{key}/"), ..Scan::default() };
    let mut keys = Vec::new();
    loop {
        let page = keyspace.scan(scan.clone()).await?;
        let is_last = page.len() < scan.limit;
        scan.after = page.last().map(|entry| entry.key.clone());
        keys.extend(page.into_iter().map(|entry| entry.key));
        if is_last {
            return Ok(keys);
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ArchiveError::Stopped))
}

impl From<ReadError> for ArchiveError {
    fn from(source: ReadError) -> Self {
        Self::Read { source }
    }
}

impl From<CommitError> for ArchiveError {
    fn from(source: CommitError) -> Self {
        Self::Commit { source }
    }
}

impl From<BlobError> for ArchiveError {
    fn from(source: BlobError) -> Self {
        Self::Blob { source }
    }
}

/// The records of an archive, by keyspace and key.
pub(crate) type Records = BTreeMap<&'static str, BTreeMap<String, Vec<u8>>>;
/// Every package that its records name.
pub(crate) type Packages = BTreeSet<BlobId>;
