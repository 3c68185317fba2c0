// SPDX-License-Identifier: Apache-2.0
//! The objects of buckets, and how one changes.
//!
//! The current version of each key is in one keyspace, in the order of the keys; versions before it are in another, the newest
//! of a key first. Nothing of either is in memory.
//!
//! Invariant: a change and all that follows from it is one commit, made only upon the version that it was decided on.

use crate::body::{Body, Files};
use crate::bucket::{Bucket, Gate};
use crate::fault;
use crate::happening::{Deed, Doer, Happening};
use crate::intake::Draft;
use crate::outbox::Outbox;
use crate::record::{Object, Versioning};
use crate::service::now_ms;
use std::sync::Arc;
use store::{Batch, CommitError, Expectation, Keyspace, Revision, Scan, Store};
use wire::Result;

/// Versions that are looked at, at once.
const PAGE: usize = 100;

#[derive(Debug)]
pub(crate) struct Index {
    objects: Keyspace,
    versions: Keyspace,
    pub(crate) files: Arc<Files>,
    pub(crate) outbox: Arc<Outbox>,
}

/// The current version, and where it stands.
type Found = Option<(Object, Revision)>;

/// A change of one key.
pub(crate) struct Change<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) deed: Deed,
    pub(crate) by: Doer<'a>,
    /// Refuses the change, looking at the current version of the key.
    pub(crate) check: &'a (dyn Fn(Option<&Object>) -> Result<()> + Sync),
    /// What is committed with it.
    pub(crate) also: &'a (dyn Fn(Batch, &Object) -> Result<Batch> + Sync),
}

/// What a delete did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Of the version that is gone, or of the marker that was made.
    pub(crate) version: Option<String>,
    pub(crate) is_marker: bool,
}

/// What a batch will do, and what can go afterwards.
struct Planned {
    batch: Batch,
    swept: Vec<Body>,
    /// Notices in the batch.
    notices: i64,
}

impl Planned {
    const fn new(batch: Batch) -> Self {
        Self { batch, swept: Vec::new(), notices: 0 }
    }
}

impl Index {
    pub(crate) fn new(store: &Store, files: Arc<Files>, outbox: Arc<Outbox>) -> Self {
        let (objects, versions) = (store.keyspace("s3-objects"), store.keyspace("s3-versions"));
        Self { objects, versions, files, outbox }
    }

    pub(crate) async fn current(&self, bucket_id: &str, key: &str) -> Result<Option<Object>> {
        Ok(self.find(bucket_id, key).await?.map(|(object, _)| object))
    }

    async fn find(&self, bucket_id: &str, key: &str) -> Result<Found> {
        let found = self.objects.get(object_key(bucket_id, key)).await;
        let Some(record) = found.map_err(|error| fault::internal(&error))? else { return Ok(None) };
        let object = record.decode().map_err(|error| fault::internal(&error))?;
        Ok(Some((object, record.revision)))
    }

    /// The version of this id, or `null`.
    pub(crate) async fn version(
        &self,
        bucket_id: &str,
        key: &str,
        version: &str,
    ) -> Result<Option<Object>> {
        if let Some(object) = self.current(bucket_id, key).await?
            && object.version_text() == version
        {
            return Ok(Some(object));
        }
        let mut before = None;
        loop {
            let page = self.older(bucket_id, key, before.take(), PAGE).await?;
            let is_last = page.len() < PAGE;
            before = page.last().map(|object| object.order);
            let found = page.into_iter().find(|object| object.version_text() == version);
            if found.is_some() || is_last {
                return Ok(found);
            }
        }
    }

    /// Versions before the current one, the newest first: those older than `before`.
    pub(crate) async fn older(
        &self,
        bucket_id: &str,
        key: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Object>> {
        let prefix = versions_key(bucket_id, key);
        let after = before.map(|order| version_key(bucket_id, key, order));
        let entries = self.versions.scan(Scan { prefix, after, limit }).await;
        let entries = entries.map_err(|error| fault::internal(&error))?;
        let decode = |entry: store::Entry| entry.record.decode();
        entries
            .into_iter()
            .map(decode)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| fault::internal(&error))
    }

    /// Makes what `make` gives the current version. It is given the order of the version, and its id.
    pub(crate) async fn put(
        &self,
        change: &Change<'_>,
        draft: Option<Draft>,
        make: impl Fn(u64, Option<String>) -> Object,
    ) -> Result<Object> {
        let gate = open_gate(change.bucket).await?;
        loop {
            let record = change.bucket.record();
            let found = self.find(&record.id, change.key).await?;
            (change.check)(found.as_ref().map(|(object, _)| object))?;
            let order = order_after(found.as_ref());
            let version = (record.versioning == Versioning::Enabled).then(|| new_version(order));
            let object = make(order, version);
            let mut planned = self.replace(change, &record.id, &object, found).await?;
            if let Some(draft) = &draft {
                planned.batch = draft.add_to(planned.batch);
            }
            planned.batch = (change.also)(planned.batch, &object)?;
            let planned = self.tell(planned, change, change.deed, &object)?;
            if self.commit(planned).await? {
                if let Some(draft) = draft {
                    draft.keep();
                }
                drop(gate);
                return Ok(object);
            }
        }
    }

    /// Puts `object` where `found` was, which stays as a version if the bucket keeps versions.
    async fn replace(
        &self,
        change: &Change<'_>,
        bucket_id: &str,
        object: &Object,
        found: Found,
    ) -> Result<Planned> {
        let key = object_key(bucket_id, change.key);
        let expectation = found
            .as_ref()
            .map_or(Expectation::Absent, |(_, revision)| Expectation::Revision(*revision));
        let batch = Batch::new().put_json(&self.objects, key, object, expectation);
        let batch = batch.map_err(|error| fault::internal(&error))?;
        let mut planned = Planned::new(batch);
        let Some((before, _)) = found else { return Ok(planned) };
        if object.version.is_none() {
            // There is one null version at most.
            if before.version.is_none() {
                return self.drop_bytes(planned, before);
            }
            if let Some(null) = self.version(bucket_id, change.key, "null").await? {
                let key = version_key(bucket_id, change.key, null.order);
                planned.batch = planned.batch.delete(&self.versions, key, Expectation::Any);
                planned = self.drop_bytes(planned, null)?;
            }
        }
        let key = version_key(bucket_id, change.key, before.order);
        let kept = planned.batch.put_json(&self.versions, key, &before, Expectation::Any);
        planned.batch = kept.map_err(|error| fault::internal(&error))?;
        Ok(planned)
    }

    fn drop_bytes(&self, mut planned: Planned, object: Object) -> Result<Planned> {
        if let Some(content) = object.content {
            planned.batch = self.files.let_go(planned.batch, &content.body)?;
            planned.swept.push(content.body);
        }
        Ok(planned)
    }

    /// Deletes a key: for good, or by a marker where the bucket keeps versions.
    pub(crate) async fn delete(&self, change: &Change<'_>, modified_ms: i64) -> Result<Deleted> {
        let gate = open_gate(change.bucket).await?;
        loop {
            let record = change.bucket.record();
            let found = self.find(&record.id, change.key).await?;
            (change.check)(found.as_ref().map(|(object, _)| object))?;
            let order = order_after(found.as_ref());
            let (mut planned, deed, object) = match (record.versioning, found) {
                (Versioning::Off, None) => return Ok(Deleted::default()),
                (Versioning::Off, Some((before, revision))) => {
                    let key = object_key(&record.id, change.key);
                    let expectation = Expectation::Revision(revision);
                    let batch = Batch::new().delete(&self.objects, key, expectation);
                    let gone = before.clone();
                    (self.drop_bytes(Planned::new(batch), before)?, Deed::Delete, gone)
                }
                (versioning, found) => {
                    let version = (versioning == Versioning::Enabled).then(|| new_version(order));
                    let marker = Object { version, order, modified_ms, content: None };
                    let planned = self.replace(change, &record.id, &marker, found).await?;
                    (planned, Deed::Mark, marker)
                }
            };
            planned.batch = (change.also)(planned.batch, &object)?;
            let planned = self.tell(planned, change, deed, &object)?;
            if self.commit(planned).await? {
                drop(gate);
                let is_marker = object.content.is_none();
                let version = is_marker.then(|| object.version_text().to_owned());
                return Ok(Deleted { version, is_marker });
            }
        }
    }

    /// Deletes one version for good. The one before the current becomes current.
    pub(crate) async fn delete_version(
        &self,
        change: &Change<'_>,
        version: &str,
    ) -> Result<Deleted> {
        let gate = open_gate(change.bucket).await?;
        loop {
            let id = change.bucket.record().id.clone();
            let found = self.find(&id, change.key).await?;
            let is_current =
                found.as_ref().is_some_and(|(object, _)| object.version_text() == version);
            (change.check)(found.as_ref().map(|(object, _)| object))?;
            let (batch, gone) = match found {
                Some((current, revision)) if is_current => {
                    let expectation = Expectation::Revision(revision);
                    (self.promote(&id, change.key, expectation).await?, current)
                }
                found => {
                    let Some(older) = self.version(&id, change.key, version).await? else {
                        return Ok(Deleted { version: Some(version.to_owned()), is_marker: false });
                    };
                    let key = version_key(&id, change.key, older.order);
                    let mut batch = Batch::new().delete(&self.versions, key, Expectation::Any);
                    // Nobody makes it current meanwhile.
                    if let Some((current, revision)) = found {
                        let key = object_key(&id, change.key);
                        let expectation = Expectation::Revision(revision);
                        let same = batch.put_json(&self.objects, key, &current, expectation);
                        batch = same.map_err(|error| fault::internal(&error))?;
                    }
                    (batch, older)
                }
            };
            let is_marker = gone.content.is_none();
            let batch = (change.also)(batch, &gone)?;
            let planned = self.tell(Planned::new(batch), change, Deed::Delete, &gone)?;
            let planned = self.drop_bytes(planned, gone)?;
            if self.commit(planned).await? {
                drop(gate);
                return Ok(Deleted { version: Some(version.to_owned()), is_marker });
            }
        }
    }

    /// Changes what is known of a version, and not its bytes. `None`: there is none.
    pub(crate) async fn amend(
        &self,
        change: &Change<'_>,
        version: Option<&str>,
        amend: &(dyn Fn(&mut Object) -> Result<()> + Sync),
    ) -> Result<Option<Object>> {
        let (gate, key) = (open_gate(change.bucket).await?, change.key);
        loop {
            let id = change.bucket.record().id.clone();
            let found = self.find(&id, key).await?;
            let is_current = |object: &Object| version.is_none_or(|it| object.version_text() == it);
            let (keyspace, place, mut object, revision) = match (found, version) {
                (Some((object, revision)), _) if is_current(&object) => {
                    (&self.objects, object_key(&id, key), object, revision)
                }
                (_, None) => return Ok(None),
                (_, Some(version)) => {
                    let Some(older) = self.version(&id, key, version).await? else {
                        return Ok(None);
                    };
                    let place = version_key(&id, key, older.order);
                    let record = self.versions.get(place.as_str()).await;
                    let record = record.map_err(|error| fault::internal(&error))?;
                    // It became current just now.
                    let Some(record) = record else { continue };
                    let object = record.decode().map_err(|error| fault::internal(&error))?;
                    (&self.versions, place, object, record.revision)
                }
            };
            amend(&mut object)?;
            let expectation = Expectation::Revision(revision);
            let batch = Batch::new().put_json(keyspace, place, &object, expectation);
            let batch = batch.map_err(|error| fault::internal(&error))?;
            let planned = self.tell(Planned::new(batch), change, change.deed, &object)?;
            if self.commit(planned).await? {
                drop(gate);
                return Ok(Some(object));
            }
        }
    }

    /// Makes the newest of the older versions current, or leaves none.
    async fn promote(&self, id: &str, key: &str, expectation: Expectation) -> Result<Batch> {
        let current = object_key(id, key);
        match self.older(id, key, None, 1).await?.pop() {
            None => Ok(Batch::new().delete(&self.objects, current, expectation)),
            Some(next) => {
                let kept = version_key(id, key, next.order);
                let batch = Batch::new().put_json(&self.objects, current, &next, expectation);
                let batch = batch.map_err(|error| fault::internal(&error))?;
                Ok(batch.delete(&self.versions, kept, Expectation::Any))
            }
        }
    }

    /// Notices for everybody who wants to know.
    fn tell(
        &self,
        planned: Planned,
        change: &Change<'_>,
        deed: Deed,
        object: &Object,
    ) -> Result<Planned> {
        let Change { bucket, key, by, .. } = *change;
        if bucket.rules().is_none() {
            return Ok(planned);
        }
        let time_ms = now_ms();
        let sequence = self.outbox.next_sequence(time_ms);
        let happening = Happening { bucket, key, deed, by, object, time_ms, sequence };
        let (batch, notices) = self.outbox.add(planned.batch, &happening)?;
        Ok(Planned { batch, notices, ..planned })
    }

    /// `false`: somebody was faster, and the change must be decided anew.
    async fn commit(&self, planned: Planned) -> Result<bool> {
        match self.objects.store().commit(planned.batch).await {
            Ok(_) => {
                planned.swept.into_iter().for_each(|body| self.files.sweep(body));
                self.outbox.committed(planned.notices);
                Ok(true)
            }
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(error) => Err(fault::uncommitted(&error)),
        }
    }

    /// Whether a bucket has nothing in it, not even versions.
    pub(crate) async fn is_empty(&self, bucket_id: &str) -> Result<bool> {
        for keyspace in [&self.objects, &self.versions] {
            let scan = Scan { prefix: object_key(bucket_id, ""), after: None, limit: 1 };
            let found = keyspace.scan(scan).await.map_err(|error| fault::internal(&error))?;
            if !found.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Current versions, markers included, whose keys begin with `prefix` and come after `after`.
    pub(crate) async fn scan(
        &self,
        bucket_id: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Object)>> {
        let start = object_key(bucket_id, "");
        let after = after.map(|after| object_key(bucket_id, after));
        let scan = Scan { prefix: object_key(bucket_id, prefix), after, limit };
        let entries = self.objects.scan(scan).await.map_err(|error| fault::internal(&error))?;
        let mut found = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = entry.key.strip_prefix(&start).unwrap_or_default().to_owned();
            found.push((key, entry.record.decode().map_err(|error| fault::internal(&error))?));
        }
        Ok(found)
    }
}

async fn open_gate(bucket: &Bucket) -> Result<tokio::sync::RwLockReadGuard<'_, Gate>> {
    let gate = bucket.gate.read().await;
    match *gate {
        Gate::Open => Ok(gate),
        Gate::Deleted => {
            Err(fault::no_such_bucket().with_member("BucketName", bucket.name.as_str()))
        }
    }
}

fn object_key(bucket_id: &str, key: &str) -> String {
    format!("{bucket_id}/{key}")
}

/// What the keys of all versions of a key begin with, and no other's. It may have any character in it.
pub(crate) fn versions_key(bucket_id: &str, key: &str) -> String {
    format!("{bucket_id}/{}\0\0", key.replace('\0', "\0\u{1}"))
}

/// The newest come first.
fn version_key(bucket_id: &str, key: &str, order: u64) -> String {
    format!("{}{:020}", versions_key(bucket_id, key), u64::MAX - order)
}

fn order_after(found: Option<&(Object, Revision)>) -> u64 {
    found.map_or(1, |(object, _)| object.order.saturating_add(1))
}

fn new_version(order: u64) -> String {
    let random = secrets::text::<22>().replace('/', "_").replace('+', ".");
    format!("{order:010x}{random}")
}
