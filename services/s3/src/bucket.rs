// SPDX-License-Identifier: Apache-2.0
//! Buckets: all of them are in memory, and each of their changes is in the store first.

use crate::fault;
use crate::lifecycle;
use crate::lifecycle_rules::Lifecycle;
use crate::notification_rules::Rules;
use crate::notifications;
use crate::record::BucketRecord;
use names::AccountId;
use policy::{Denials, Document, Kind, Named};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Batch, Expectation, Keyspace, Store};
use tokio::sync::Mutex;
use wire::{Element, Result};

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    state: RwLock<State>,
    /// Shared by those that change objects; whoever deletes the bucket has it alone.
    pub(crate) gate: tokio::sync::RwLock<Gate>,
}

/// Whether the bucket can still get objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Deleted,
}

#[derive(Debug, Clone)]
struct State {
    record: Arc<BucketRecord>,
    policy: Option<Named>,
    rules: Option<Arc<Rules>>,
    lifecycle: Option<Arc<Lifecycle>>,
}

impl State {
    fn new(record: BucketRecord) -> Self {
        Self {
            policy: policy_of(&record),
            rules: rules_of(&record),
            lifecycle: lifecycle_of(&record),
            record: Arc::new(record),
        }
    }
}

impl Bucket {
    fn new(name: String, record: BucketRecord) -> Self {
        let state = RwLock::new(State::new(record));
        Self { name, state, gate: tokio::sync::RwLock::new(Gate::Open) }
    }

    pub(crate) fn record(&self) -> Arc<BucketRecord> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).record)
    }

    /// Its policy, to be asked.
    pub(crate) fn policy(&self) -> Option<Named> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).policy.clone()
    }

    /// Who wants to be told of what happens in it.
    pub(crate) fn rules(&self) -> Option<Arc<Rules>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).rules.clone()
    }

    /// What goes by itself, if anything does.
    pub(crate) fn lifecycle(&self) -> Option<Arc<Lifecycle>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).lifecycle.clone()
    }

    /// Whether its policy lets everyone in, although only its owner's account should be let.
    pub(crate) fn is_restricted(&self) -> bool {
        let restricts = self.record().public_access.is_some_and(|access| access.restricts_buckets);
        restricts && self.policy().is_some_and(|policy| policy.document.is_public())
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    /// The bus that is told of what happens in it, if one is: the default one of its owner, where it is.
    pub(crate) fn bus_arn(&self) -> String {
        let record = self.record();
        format!("arn:aws:events:{}:{}:event-bus/default", record.region, record.owner)
    }

    fn set(&self, record: BucketRecord) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::new(record);
    }
}

fn policy_of(record: &BucketRecord) -> Option<Named> {
    // It was read before it was kept.
    let document = Document::parse(record.policy.as_deref()?, Kind::Resource).ok()?;
    Some(Named { name: "bucket policy".into(), document: Arc::new(document) })
}

fn rules_of(record: &BucketRecord) -> Option<Arc<Rules>> {
    let root = Element::parse(record.documents.get(notifications::WORD)?).ok()?;
    // They were read before they were kept.
    Rules::read(&root).ok().map(Arc::new)
}

fn lifecycle_of(record: &BucketRecord) -> Option<Arc<Lifecycle>> {
    let root = Element::parse(record.documents.get(lifecycle::WORD)?).ok()?;
    Lifecycle::read(&root).ok().filter(|lifecycle| !lifecycle.is_idle()).map(Arc::new)
}

#[derive(Debug)]
pub(crate) struct Buckets {
    records: Keyspace,
    table: RwLock<BTreeMap<String, Arc<Bucket>>>,
    denials: Denials,
    /// Held by whoever changes the record of a bucket.
    changes: Mutex<()>,
    /// Of one account.
    buckets_max: usize,
}

impl Buckets {
    pub(crate) async fn load(
        store: &Store,
        buckets_max: usize,
    ) -> std::result::Result<Self, crate::OpenError> {
        let records = store.keyspace("s3-buckets");
        let mut entries = Vec::new();
        records.load(|entry| entries.push(entry)).await?;
        let (mut table, denials) = (BTreeMap::new(), Denials::default());
        for entry in entries {
            let record: BucketRecord = entry.record.decode()?;
            denials.note(record.policy.as_deref());
            let bucket = Bucket::new(entry.key.clone(), record);
            table.insert(entry.key, Arc::new(bucket));
        }
        let (table, changes) = (RwLock::new(table), Mutex::new(()));
        Ok(Self { records, table, denials, changes, buckets_max })
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Bucket>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Bucket>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether the policy of any may deny something.
    pub(crate) fn may_deny(&self) -> bool {
        self.denials.may_be()
    }

    /// Those of an account, in the order of their names.
    pub(crate) fn of(&self, account: &AccountId) -> Vec<Arc<Bucket>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().filter(|bucket| bucket.record().owner == *account).cloned().collect()
    }

    pub(crate) async fn create(&self, name: &str, record: BucketRecord) -> Result<()> {
        let _changing = self.changes.lock().await;
        if let Some(found) = self.get(name) {
            return Err(match found.record().owner == record.owner {
                true => fault::bucket_owned(),
                false => fault::bucket_exists(),
            }
            .with_member("BucketName", name));
        }
        if self.of(&record.owner).len() >= self.buckets_max {
            return Err(fault::too_many_buckets());
        }
        self.keep(name, &record).await?;
        let bucket = Arc::new(Bucket::new(name.to_owned(), record));
        self.table.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bucket);
        Ok(())
    }

    /// The caller has seen that it is empty, and lets nobody put anything into it.
    pub(crate) async fn delete(&self, bucket: &Bucket) -> Result<()> {
        let _changing = self.changes.lock().await;
        let batch = Batch::new().delete(&self.records, bucket.name.as_str(), Expectation::Any);
        let committed = self.records.store().commit(batch).await;
        committed.map_err(|error| fault::uncommitted(&error))?;
        self.table.write().unwrap_or_else(PoisonError::into_inner).remove(&bucket.name);
        Ok(())
    }

    /// Changes the record of a bucket.
    pub(crate) async fn change(
        &self,
        bucket: &Bucket,
        change: impl FnOnce(&mut BucketRecord) -> Result<()>,
    ) -> Result<()> {
        let _changing = self.changes.lock().await;
        let before = bucket.record();
        if self.get(&bucket.name).is_none_or(|found| found.record().id != before.id) {
            return Err(fault::no_such_bucket().with_member("BucketName", bucket.name.as_str()));
        }
        let mut record = (*before).clone();
        change(&mut record)?;
        if record != *before {
            self.keep(&bucket.name, &record).await?;
            self.denials.note(record.policy.as_deref());
            bucket.set(record);
        }
        Ok(())
    }

    async fn keep(&self, name: &str, record: &BucketRecord) -> Result<()> {
        let batch = Batch::new().put_json(&self.records, name, record, Expectation::Any);
        let batch = batch.map_err(|error| fault::internal(&error))?;
        let committed = self.records.store().commit(batch).await;
        committed.map(drop).map_err(|error| fault::uncommitted(&error))
    }
}
