// SPDX-License-Identifier: Apache-2.0
//! Uploads in parts, as the store keeps them until they are completed or aborted.
//!
//! Invariant: a part belongs to an upload that is there, or to the object that was made of it, or is written down as gone.

use crate::body::{Body, Files};
use crate::bucket::Bucket;
use crate::checksum::{Algorithm, Checksum, Kind};
use crate::fault;
use crate::holds::Sweep;
use crate::index::versions_key;
use crate::intake::Draft;
use crate::tags::Tags;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Batch, CommitError, Expectation, Keyspace, Scan, Store};
use tokio::sync::RwLock;
use wire::{Fault, Result};

/// Records that are read or removed at once.
const PAGE: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated_ms: i64,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    /// Nobody asked for the algorithm: parts may come with any.
    pub(crate) is_default: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) body: Body,
    pub(crate) checksum: Checksum,
    pub(crate) modified_ms: i64,
}

#[derive(Debug)]
pub(crate) struct Uploads {
    uploads: Keyspace,
    parts: Keyspace,
    /// Shared by those that add parts; whoever ends an upload has it alone.
    pub(crate) gate: RwLock<()>,
}

impl Uploads {
    pub(crate) fn new(store: &Store) -> Self {
        let (uploads, parts) = (store.keyspace("s3-uploads"), store.keyspace("s3-parts"));
        Self { uploads, parts, gate: RwLock::new(()) }
    }

    pub(crate) async fn create(
        &self,
        bucket_id: &str,
        key: &str,
        record: &UploadRecord,
    ) -> Result<String> {
        let id = secrets::text::<64>().replace('/', "_").replace('+', ".");
        let place = upload_key(bucket_id, key, &id);
        let batch = Batch::new().put_json(&self.uploads, place, record, Expectation::Any);
        self.commit(batch.map_err(|error| fault::internal(&error))?).await?;
        Ok(id)
    }

    pub(crate) async fn get(&self, bucket_id: &str, key: &str, id: &str) -> Result<UploadRecord> {
        let record = self.uploads.get(upload_key(bucket_id, key, id)).await;
        let record = record.map_err(|error| fault::internal(&error))?.ok_or_else(|| absent(id))?;
        record.decode().map_err(|error| fault::internal(&error))
    }

    /// Keeps a part. One of the same number before it is gone.
    pub(crate) async fn put_part(
        &self,
        place: (&str, &str, &str),
        number: usize,
        draft: Draft,
        part: &PartRecord,
        files: &Arc<Files>,
    ) -> Result<()> {
        let (bucket_id, key, id) = place;
        let _gate = self.gate.read().await;
        self.get(bucket_id, key, id).await?;
        loop {
            let place = part_key(id, number);
            let before = self.parts.get(place.as_str()).await;
            let before = before.map_err(|error| fault::internal(&error))?;
            let expectation = before
                .as_ref()
                .map_or(Expectation::Absent, |before| Expectation::Revision(before.revision));
            let batch = Batch::new().put_json(&self.parts, place, part, expectation);
            let mut batch = draft.add_to(batch.map_err(|error| fault::internal(&error))?);
            let gone: Option<PartRecord> = match before {
                Some(before) => Some(before.decode().map_err(|error| fault::internal(&error))?),
                None => None,
            };
            if let Some(gone) = &gone {
                batch = files.let_go(batch, &gone.body)?;
            }
            match self.parts.store().commit(batch).await {
                Ok(_) => {
                    draft.keep();
                    if let Some(gone) = gone {
                        files.sweep(gone.body);
                    }
                    return Ok(());
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(fault::uncommitted(&error)),
            }
        }
    }

    /// Parts after this number, in their order.
    pub(crate) async fn parts(
        &self,
        id: &str,
        after: usize,
        limit: usize,
    ) -> Result<Vec<(usize, PartRecord)>> {
        let scan = Scan { prefix: format!("{id}/"), after: Some(part_key(id, after)), limit };
        let entries = self.parts.scan(scan).await.map_err(|error| fault::internal(&error))?;
        let mut parts = Vec::with_capacity(entries.len());
        for entry in entries {
            let number = entry.key.rsplit('/').next().and_then(|text| text.parse().ok());
            let part = entry.record.decode().map_err(|error| fault::internal(&error))?;
            parts.push((number.unwrap_or_default(), part));
        }
        Ok(parts)
    }

    pub(crate) async fn all_parts(&self, id: &str) -> Result<BTreeMap<usize, PartRecord>> {
        let mut parts = BTreeMap::new();
        loop {
            let after = parts.last_key_value().map_or(0, |(number, _)| *number);
            let page = self.parts(id, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            parts.extend(page);
            if is_last {
                return Ok(parts);
            }
        }
    }

    /// Ends an upload with `batch`. Once that is committed, [`Self::forget_parts`] removes what it was made of.
    pub(crate) fn end(&self, batch: Batch, bucket_id: &str, key: &str, id: &str) -> Batch {
        batch.delete(&self.uploads, upload_key(bucket_id, key, id), Expectation::Any)
    }

    pub(crate) async fn forget_parts(
        &self,
        id: &str,
        numbers: impl Iterator<Item = usize>,
    ) -> Result<()> {
        let numbers: Vec<usize> = numbers.collect();
        for some in numbers.chunks(PAGE) {
            let batch = some.iter().fold(Batch::new(), |batch, number| {
                batch.delete(&self.parts, part_key(id, *number), Expectation::Any)
            });
            self.commit(batch).await?;
        }
        Ok(())
    }

    pub(crate) async fn abort(
        &self,
        bucket_id: &str,
        key: &str,
        id: &str,
        files: &Arc<Files>,
    ) -> Result<()> {
        let _gate = self.gate.write().await;
        self.get(bucket_id, key, id).await?;
        let parts = self.all_parts(id).await?;
        let bodies: Vec<Body> = parts.values().map(|part| part.body.clone()).collect();
        let batch = self.end(files.let_go_all(Batch::new(), id, &bodies)?, bucket_id, key, id);
        self.commit(batch).await?;
        self.forget_parts(id, parts.into_keys()).await?;
        files.sweep_later(Sweep { name: id.to_owned(), bodies });
        Ok(())
    }

    /// Uploads of a bucket whose keys begin so, after one of them: key, id and record, in their order.
    pub(crate) async fn list(
        &self,
        bucket_id: &str,
        prefix: &str,
        after: Option<(&str, Option<&str>)>,
        limit: usize,
    ) -> Result<Vec<(String, String, UploadRecord)>> {
        let start = format!("{bucket_id}/");
        let after = after.map(|(key, id)| match id {
            Some(id) => upload_key(bucket_id, key, id),
            // After every upload of the key.
            None => format!("{}\u{10FFFF}", versions_key(bucket_id, key)),
        });
        let prefix = versions_key(bucket_id, prefix);
        let prefix = prefix.trim_end_matches('\0').to_owned();
        let entries = self.uploads.scan(Scan { prefix, after, limit }).await;
        let mut found = Vec::new();
        for entry in entries.map_err(|error| fault::internal(&error))? {
            let rest = entry.key.strip_prefix(&start).unwrap_or_default();
            let (key, id) = rest.rsplit_once("\0\0").unwrap_or((rest, ""));
            let record = entry.record.decode().map_err(|error| fault::internal(&error))?;
            found.push((key.replace("\0\u{1}", "\0"), id.to_owned(), record));
        }
        Ok(found)
    }

    /// Nobody can complete them any more: their bucket is gone.
    pub(crate) async fn abort_all(&self, bucket: &Bucket, files: &Arc<Files>) -> Result<()> {
        let bucket_id = bucket.record().id.clone();
        loop {
            let page = self.list(&bucket_id, "", None, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            for (key, id, _) in page {
                self.abort(&bucket_id, &key, &id, files).await?;
            }
        }
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        let committed = self.uploads.store().commit(batch).await;
        committed.map(drop).map_err(|error| fault::uncommitted(&error))
    }
}

pub(crate) fn absent(id: &str) -> Fault {
    let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    Fault::new("NoSuchUpload", 404, text).with_member("UploadId", id)
}

fn upload_key(bucket_id: &str, key: &str, id: &str) -> String {
    format!("{}{id}", versions_key(bucket_id, key))
}

fn part_key(id: &str, number: usize) -> String {
    format!("{id}/{number:05}")
}
