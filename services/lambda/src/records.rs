// SPDX-License-Identifier: Apache-2.0
//! Functions on disk.
//!
//! A function is one record with its `$LATEST`, and one record per published version. What belongs together changes
//! in one batch.

use crate::function::{Function, Key};
use crate::version::{Number, VersionRecord};
use names::{AccountId, FunctionName, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{
    Batch, CommitError, DecodeError, EncodeError, Expectation, Keyspace, ReadError, Store,
};

#[derive(Debug, Clone)]
pub(crate) struct Records {
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    functions: Keyspace,
    /// `ACCOUNT/REGION/NAME/00000000000000000001`
    versions: Keyspace,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("failed to encode a function")]
    Encode(#[from] EncodeError),
    #[error("failed to save a function")]
    Commit(#[from] CommitError),
    #[error("failed to load the functions")]
    Read(#[from] ReadError),
    #[error("failed to decode the record `{key}`")]
    Decode {
        key: String,
        #[source]
        source: DecodeError,
    },
    #[error("the record `{key}` has a key that is not a function's")]
    Key { key: String },
}

#[derive(Debug, Serialize, Deserialize)]
struct FunctionRecord {
    tags: BTreeMap<String, String>,
    last_number: u64,
    latest: VersionRecord,
}

/// A function as it was loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) key: Key,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) last_number: u64,
    pub(crate) latest: VersionRecord,
    pub(crate) published: BTreeMap<u64, VersionRecord>,
}

impl Records {
    pub(crate) fn new(store: Store) -> Self {
        let (functions, versions) =
            (store.keyspace("lambda.functions"), store.keyspace("lambda.versions"));
        Self { store, functions, versions }
    }

    pub(crate) async fn load(&self) -> Result<Vec<Loaded>, RecordError> {
        let mut entries = Vec::new();
        self.functions.load(|entry| entries.push(entry)).await?;
        let mut functions = BTreeMap::new();
        for entry in entries {
            let record: FunctionRecord = decode(&entry)?;
            let key = parse(&entry.key).ok_or(RecordError::Key { key: entry.key })?;
            let FunctionRecord { tags, last_number, latest } = record;
            functions.insert(
                key.clone(),
                Loaded { key, tags, last_number, latest, published: BTreeMap::new() },
            );
        }

        let mut entries = Vec::new();
        self.versions.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let record: VersionRecord = decode(&entry)?;
            let parsed = entry
                .key
                .rsplit_once('/')
                .and_then(|(key, number)| Some((parse(key)?, number.parse().ok()?)));
            let (key, number) =
                parsed.ok_or_else(|| RecordError::Key { key: entry.key.clone() })?;
            let function = functions.get_mut(&key).ok_or(RecordError::Key { key: entry.key })?;
            function.published.insert(number, record);
        }
        Ok(functions.into_values().collect())
    }

    /// Saves the function itself and those of its versions that `changed` names.
    pub(crate) async fn save(
        &self,
        function: &Function,
        changed: &[Number],
    ) -> Result<(), RecordError> {
        let record = FunctionRecord {
            tags: function.tags.clone(),
            last_number: function.last_number,
            latest: function.latest.record.clone(),
        };
        let key = text(&function.key);
        let mut batch = Batch::new().put_json(&self.functions, key, &record, Expectation::Any)?;
        for number in changed {
            if let Number::Published(published) = number {
                let key = version_text(&function.key, *published);
                batch = match function.published.get(published) {
                    Some(version) => {
                        batch.put_json(&self.versions, key, &version.record, Expectation::Any)?
                    }
                    None => batch.delete(&self.versions, key, Expectation::Any),
                };
            }
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, function: &Function) -> Result<(), RecordError> {
        let mut batch = Batch::new().delete(&self.functions, text(&function.key), Expectation::Any);
        for number in function.published.keys() {
            batch = batch.delete(
                &self.versions,
                version_text(&function.key, *number),
                Expectation::Any,
            );
        }
        self.store.commit(batch).await?;
        Ok(())
    }
}

fn decode<T: serde::de::DeserializeOwned>(entry: &store::Entry) -> Result<T, RecordError> {
    entry.record.decode().map_err(|source| RecordError::Decode { key: entry.key.clone(), source })
}

fn text(key: &Key) -> String {
    format!("{}/{}/{}", key.account, key.region, key.name)
}

fn version_text(key: &Key, number: u64) -> String {
    format!("{}/{number:020}", text(key))
}

fn parse(text: &str) -> Option<Key> {
    let mut parts = text.split('/');
    let account: AccountId = parts.next()?.parse().ok()?;
    let region: Region = parts.next()?.parse().ok()?;
    let name: FunctionName = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Key { account, region, name })
}
