// SPDX-License-Identifier: Apache-2.0
//! All layers: on disk, and in memory for every read.
//!
//! Invariant: a layer is here as it is on disk, or as it was a moment before. Whoever changes one holds the lock from
//! before the read, and writes to the store first.

use crate::code::CodeStore;
use crate::layer::{Layer, LayerKey, LayerVersion, LayerVersionRecord};
use crate::records::{RecordError, decode, entries};
use names::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Batch, BlobId, Expectation, Keyspace, Store};

#[derive(Debug)]
pub(crate) struct LayerTable {
    records: LayerRecords,
    by_place: RwLock<Places>,
    /// Layers change rarely: one lock is enough for all.
    changing: tokio::sync::Mutex<()>,
}

type Places = HashMap<(AccountId, Region), BTreeMap<String, Arc<Layer>>>;

/// Layers on disk.
#[derive(Debug, Clone)]
pub(crate) struct LayerRecords {
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    layers: Keyspace,
    /// `ACCOUNT/REGION/NAME/00000000000000000001`
    versions: Keyspace,
}

#[derive(Debug, Serialize, Deserialize)]
struct LayerRecord {
    last_number: u64,
}

/// A layer as it was loaded.
#[derive(Debug)]
pub(crate) struct LoadedLayer {
    key: LayerKey,
    last_number: u64,
    versions: BTreeMap<u64, LayerVersionRecord>,
}

impl LoadedLayer {
    pub(crate) fn packages(&self) -> impl Iterator<Item = BlobId> {
        self.versions.values().map(|version| version.code)
    }
}

/// The right to change layers.
#[derive(Debug)]
pub(crate) struct LayersLock<'a> {
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

impl LayerRecords {
    pub(crate) fn new(store: Store) -> Self {
        let (layers, versions) =
            (store.keyspace("lambda.layers"), store.keyspace("lambda.layer_versions"));
        Self { store, layers, versions }
    }

    pub(crate) async fn load(&self) -> Result<Vec<LoadedLayer>, RecordError> {
        let mut layers = BTreeMap::new();
        for entry in entries(&self.layers).await? {
            let LayerRecord { last_number } = decode(&entry)?;
            let key = parse(&entry.key).ok_or(RecordError::Key { key: entry.key })?;
            let loaded = LoadedLayer { key: key.clone(), last_number, versions: BTreeMap::new() };
            layers.insert(key, loaded);
        }
        for entry in entries(&self.versions).await? {
            let record: LayerVersionRecord = decode(&entry)?;
            let parsed = entry.key.rsplit_once('/').and_then(|(layer, number)| {
                Some((layers.get_mut(&parse(layer)?)?, number.parse().ok()?))
            });
            let (layer, number) =
                parsed.ok_or_else(|| RecordError::Key { key: entry.key.clone() })?;
            layer.versions.insert(number, record);
        }
        Ok(layers.into_values().collect())
    }

    async fn save(&self, key: &LayerKey, layer: &Layer, changed: u64) -> Result<(), RecordError> {
        let record = LayerRecord { last_number: layer.last_number };
        let batch = Batch::new().put_json(&self.layers, text(key), &record, Expectation::Any)?;
        let version = format!("{}/{changed:020}", text(key));
        let batch = match layer.versions.get(&changed) {
            Some(kept) => {
                batch.put_json(&self.versions, version, &kept.record, Expectation::Any)?
            }
            None => batch.delete(&self.versions, version, Expectation::Any),
        };
        self.store.commit(batch).await?;
        Ok(())
    }
}

impl LayerTable {
    pub(crate) fn new(records: LayerRecords, loaded: Vec<LoadedLayer>, codes: &CodeStore) -> Self {
        let mut places = Places::new();
        for LoadedLayer { key, last_number, versions } in loaded {
            let versions = versions
                .into_iter()
                .map(|(number, record)| {
                    let code = codes.hold(record.code);
                    (number, Arc::new(LayerVersion { number, record, code }))
                })
                .collect();
            place(&mut places, &key).insert(key.name, Arc::new(Layer { last_number, versions }));
        }
        Self { records, by_place: RwLock::new(places), changing: tokio::sync::Mutex::default() }
    }

    pub(crate) async fn lock(&self) -> LayersLock<'_> {
        LayersLock { _guard: self.changing.lock().await }
    }

    pub(crate) fn get(&self, key: &LayerKey) -> Option<Arc<Layer>> {
        self.in_place(&key.account, &key.region, |layers| layers.get(&key.name).cloned())?
    }

    pub(crate) fn version(&self, key: &LayerKey, number: u64) -> Option<Arc<LayerVersion>> {
        self.get(key)?.versions.get(&number).cloned()
    }

    /// Saves the layer with its version `changed`, which is there or was deleted.
    pub(crate) async fn put(
        &self,
        _lock: &LayersLock<'_>,
        key: &LayerKey,
        layer: Layer,
        changed: u64,
    ) -> Result<(), RecordError> {
        self.records.save(key, &layer, changed).await?;
        let mut places = self.by_place.write().unwrap_or_else(PoisonError::into_inner);
        place(&mut places, key).insert(key.name.clone(), Arc::new(layer));
        Ok(())
    }

    /// Layers in the order of their names, from `from` on, until `each` says enough.
    pub(crate) fn visit(
        &self,
        account: &AccountId,
        region: &Region,
        from: &str,
        mut each: impl FnMut(&str, &Layer) -> ControlFlow<()>,
    ) {
        self.in_place(account, region, |layers| {
            let range = layers.range::<str, _>((Bound::Included(from), Bound::Unbounded));
            // The break is the visitor's, who knows of it.
            let _ = range.into_iter().try_for_each(|(name, layer)| each(name, layer));
        });
    }

    /// Names, those of layers without any version left included.
    pub(crate) fn count(&self, account: &AccountId, region: &Region) -> usize {
        self.in_place(account, region, BTreeMap::len).unwrap_or_default()
    }

    /// Bytes of the zips of all versions.
    pub(crate) fn code_bytes(&self, account: &AccountId, region: &Region) -> u64 {
        let sum = |layers: &BTreeMap<String, Arc<Layer>>| {
            layers.values().map(|layer| layer.code_bytes()).sum()
        };
        self.in_place(account, region, sum).unwrap_or_default()
    }

    /// Whether the account has a version of any layer, in whatever region.
    pub(crate) fn has_any_of(&self, account: &AccountId) -> bool {
        let places = self.by_place.read().unwrap_or_else(PoisonError::into_inner);
        let mut layers = places
            .iter()
            .filter(|((owner, _), _)| owner == account)
            .flat_map(|(_, layers)| layers.values());
        layers.any(|layer| !layer.versions.is_empty())
    }

    fn in_place<T>(
        &self,
        account: &AccountId,
        region: &Region,
        read: impl FnOnce(&BTreeMap<String, Arc<Layer>>) -> T,
    ) -> Option<T> {
        // No critical section calls what may panic while the maps are torn.
        let places = self.by_place.read().unwrap_or_else(PoisonError::into_inner);
        places.get(&(account.clone(), region.clone())).map(read)
    }
}

fn place<'a>(places: &'a mut Places, key: &LayerKey) -> &'a mut BTreeMap<String, Arc<Layer>> {
    places.entry((key.account.clone(), key.region.clone())).or_default()
}

fn text(key: &LayerKey) -> String {
    format!("{}/{}/{}", key.account, key.region, key.name)
}

fn parse(text: &str) -> Option<LayerKey> {
    let mut parts = text.split('/');
    let account = parts.next()?.parse().ok()?;
    let region = parts.next()?.parse().ok()?;
    let name = parts.next()?.to_owned();
    parts.next().is_none().then_some(LayerKey { account, region, name })
}

// How an archive reads the records of each keyspace, and which packages they name.

pub(crate) fn check_layer(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    serde_json::from_slice::<LayerRecord>(value).map(|_| Vec::new())
}

pub(crate) fn check_version(value: &[u8]) -> Result<Vec<BlobId>, serde_json::Error> {
    serde_json::from_slice(value).map(|record: LayerVersionRecord| vec![record.code])
}
