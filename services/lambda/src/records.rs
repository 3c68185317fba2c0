// SPDX-License-Identifier: Apache-2.0
//! Functions on disk.
//!
//! A function is one record with its `$LATEST`, and one record per published version, alias, event invoke configuration
//! and URL. What belongs together changes in one batch.

use crate::alias::Alias;
use crate::asleep::{Asleep, Known};
use crate::capacity_provider::CapacityProvider;
use crate::code_signing::CodeSigningConfig;
use crate::event_source_mappings::Mapping;
use crate::function::{Function, Key};
use crate::function_scaling::Scaling;
use crate::function_urls::FunctionUrl;
use crate::provisioned::Provisioned;
use crate::version::{Number, VersionRecord};
use api::lambda::{FunctionEventInvokeConfig, RecursiveLoop};
use names::{AccountId, FunctionName, Region};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{
    Batch, BlobId, CommitError, DecodeError, EncodeError, Expectation, Keyspace, ReadError, Store,
};

#[derive(Debug, Clone)]
pub(crate) struct Records {
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    functions: Keyspace,
    /// `ACCOUNT/REGION/NAME/00000000000000000001`
    versions: Keyspace,
    /// `ACCOUNT/REGION/NAME/ALIAS`
    aliases: Keyspace,
    /// `ACCOUNT/REGION/NAME/QUALIFIER`
    event_invoke: Keyspace,
    /// `ACCOUNT/REGION/NAME/QUALIFIER`
    urls: Keyspace,
}

/// What is saved besides the function itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Version(Number),
    Alias(String),
    /// Of this qualifier.
    EventInvoke(String),
    /// Of this qualifier.
    Url(String),
}

/// For a change of the function itself.
pub(crate) const NO_PARTS: [Part; 0] = [];

impl From<&Number> for Part {
    fn from(number: &Number) -> Self {
        Self::Version(*number)
    }
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
pub(crate) struct FunctionRecord {
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) last_number: u64,
    pub(crate) latest: VersionRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reserved_concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recursive_loop: Option<RecursiveLoop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code_signing: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) provisioned: BTreeMap<String, Provisioned>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) scaling: BTreeMap<String, Scaling>,
}

/// All functions, in the order of their keys.
pub(crate) type Sleepers = BTreeMap<Key, (Asleep, Known)>;

impl Records {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            functions: store.keyspace("lambda.functions"),
            versions: store.keyspace("lambda.versions"),
            aliases: store.keyspace("lambda.aliases"),
            event_invoke: store.keyspace("lambda.event_invoke"),
            urls: store.keyspace("lambda.urls"),
            store,
        }
    }

    /// Reads and checks every record.
    pub(crate) async fn load(&self) -> Result<Sleepers, RecordError> {
        let mut functions = Sleepers::new();
        each(&self.functions, |entry| {
            let record: FunctionRecord = decode(&entry)?;
            let key = parse(&entry.key).ok_or(RecordError::Key { key: entry.key })?;
            functions.insert(key, Asleep::new(entry.record.value, &record));
            Ok(())
        })
        .await?;
        each(&self.versions, |entry| {
            let record: VersionRecord = decode(&entry)?;
            let ((function, known), number) = part_of(&mut functions, &entry.key)?;
            let number = number.parse().map_err(|_| RecordError::Key { key: entry.key.clone() })?;
            function.add_version(known, number, entry.record.value, &record);
            Ok(())
        })
        .await?;
        each(&self.aliases, |entry| {
            decode::<Alias>(&entry)?;
            let ((function, _), name) = part_of(&mut functions, &entry.key)?;
            function.add(Part::Alias(name.to_owned()), entry.record.value);
            Ok(())
        })
        .await?;
        each(&self.event_invoke, |entry| {
            decode::<FunctionEventInvokeConfig>(&entry)?;
            let ((function, _), qualifier) = part_of(&mut functions, &entry.key)?;
            function.add(Part::EventInvoke(qualifier.to_owned()), entry.record.value);
            Ok(())
        })
        .await?;
        each(&self.urls, |entry| {
            decode::<FunctionUrl>(&entry)?;
            let ((function, known), qualifier) = part_of(&mut functions, &entry.key)?;
            function.add_url(known, qualifier, entry.record.value);
            Ok(())
        })
        .await?;
        Ok(functions)
    }

    /// Saves the function itself and those of its parts that `changed` names.
    pub(crate) async fn save(
        &self,
        function: &Function,
        changed: impl IntoIterator<Item = impl Into<Part>>,
    ) -> Result<(), RecordError> {
        let record = FunctionRecord {
            tags: function.tags.clone(),
            last_number: function.last_number,
            latest: function.latest.record.clone(),
            reserved_concurrency: function.reserved_concurrency,
            recursive_loop: function.recursive_loop,
            code_signing: function.code_signing.clone(),
            provisioned: function.provisioned.clone(),
            scaling: function.scaling.clone(),
        };
        let key = text(&function.key);
        let mut batch = Batch::new().put_json(&self.functions, key, &record, Expectation::Any)?;
        for part in changed {
            batch = match part.into() {
                // In the function's own record.
                Part::Version(Number::Latest) => batch,
                Part::Version(number) => {
                    let record = function.version(number).map(|version| &version.record);
                    let key = version_text(&function.key, number);
                    replace(batch, &self.versions, key, record)?
                }
                Part::Alias(name) => {
                    let alias = function.aliases.get(&name).map(|alias| &**alias);
                    replace(batch, &self.aliases, part_text(&function.key, &name), alias)?
                }
                Part::EventInvoke(qualifier) => {
                    let config = function.event_invoke.get(&qualifier).map(|config| &**config);
                    let key = part_text(&function.key, &qualifier);
                    replace(batch, &self.event_invoke, key, config)?
                }
                Part::Url(qualifier) => {
                    let url = function.urls.get(&qualifier).map(|url| &**url);
                    replace(batch, &self.urls, part_text(&function.key, &qualifier), url)?
                }
            };
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, function: &Function) -> Result<(), RecordError> {
        let mut batch = Batch::new().delete(&self.functions, text(&function.key), Expectation::Any);
        for version in function.versions().filter(|version| version.number != Number::Latest) {
            let key = version_text(&function.key, version.number);
            batch = batch.delete(&self.versions, key, Expectation::Any);
        }
        let parts = [
            (&self.aliases, function.aliases.keys().collect::<Vec<_>>()),
            (&self.event_invoke, function.event_invoke.keys().collect()),
            (&self.urls, function.urls.keys().collect()),
        ];
        for (keyspace, names) in parts {
            for name in names {
                batch = batch.delete(keyspace, part_text(&function.key, name), Expectation::Any);
            }
        }
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// Puts a record, or deletes the one that is no longer there.
fn replace<T: Serialize>(
    batch: Batch,
    keyspace: &Keyspace,
    key: String,
    record: Option<&T>,
) -> Result<Batch, EncodeError> {
    match record {
        Some(record) => batch.put_json(keyspace, key, record, Expectation::Any),
        None => Ok(batch.delete(keyspace, key, Expectation::Any)),
    }
}

/// Gives every record of a keyspace to `take`, while the next ones are read, until it fails.
async fn each(
    keyspace: &Keyspace,
    mut take: impl FnMut(store::Entry) -> Result<(), RecordError> + Send,
) -> Result<(), RecordError> {
    let mut outcome = Ok(());
    let or_skip = |entry| {
        if outcome.is_ok() {
            outcome = take(entry);
        }
    };
    keyspace.load(or_skip).await?;
    outcome
}

pub(crate) async fn entries(keyspace: &Keyspace) -> Result<Vec<store::Entry>, ReadError> {
    let mut entries = Vec::new();
    keyspace.load(|entry| entries.push(entry)).await?;
    Ok(entries)
}

/// The function that the key of one of its parts names, and the part's own name.
fn part_of<'a, 'k>(
    functions: &'a mut Sleepers,
    key: &'k str,
) -> Result<(&'a mut (Asleep, Known), &'k str), RecordError> {
    key.rsplit_once('/')
        .and_then(|(function, part)| Some((functions.get_mut(&parse(function)?)?, part)))
        .ok_or_else(|| RecordError::Key { key: key.to_owned() })
}

pub(crate) fn decode<T: DeserializeOwned>(entry: &store::Entry) -> Result<T, RecordError> {
    entry.record.decode().map_err(|source| RecordError::Decode { key: entry.key.clone(), source })
}

fn text(key: &Key) -> String {
    format!("{}/{}/{}", key.account, key.region, key.name)
}

fn version_text(key: &Key, number: Number) -> String {
    match number {
        Number::Published(number) => format!("{}/{number:020}", text(key)),
        Number::Latest | Number::LatestPublished => part_text(key, &number.to_string()),
    }
}

fn part_text(key: &Key, name: &str) -> String {
    format!("{}/{name}", text(key))
}

fn parse(text: &str) -> Option<Key> {
    let mut parts = text.split('/');
    let account: AccountId = parts.next()?.parse().ok()?;
    let region: Region = parts.next()?.parse().ok()?;
    let name: FunctionName = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Key { account, region, name })
}

// How an archive reads the records of each keyspace, and which packages they name.

pub(crate) fn check_function(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    serde_json::from_slice(value).map(|record: FunctionRecord| record.latest.packages())
}

pub(crate) fn check_version(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    serde_json::from_slice(value).map(|record: VersionRecord| record.packages())
}

pub(crate) fn check_alias(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<Alias>(value)
}

pub(crate) fn check_event_invoke(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<FunctionEventInvokeConfig>(value)
}

pub(crate) fn check_url(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<FunctionUrl>(value)
}

pub(crate) fn check_mapping(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<Mapping>(value)
}

pub(crate) fn check_signing(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<CodeSigningConfig>(value)
}

pub(crate) fn check_provider(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    check::<CapacityProvider>(value)
}

fn check<T: DeserializeOwned>(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    serde_json::from_slice::<T>(value).map(|_| Vec::new())
}
