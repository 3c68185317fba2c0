// SPDX-License-Identifier: Apache-2.0
//! Records of one kind that stand beside the functions: on disk, and in memory for every read.
//!
//! Invariant: a record is here as it is on disk, or as it was a moment before. Whoever changes one holds the lock from
//! before the read, and the store is written first.

use crate::records::{RecordError, decode, entries};
use names::{AccountId, Region};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Batch, Expectation, Keyspace};
use wire::Context;

/// Where records are: an account in a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Place {
    pub(crate) fn of(cx: &Context) -> Self {
        Self { account: cx.account.clone(), region: cx.region.clone() }
    }
}

#[derive(Debug)]
pub(crate) struct Registry<T> {
    /// `ACCOUNT/REGION/ID`
    keyspace: Keyspace,
    places: RwLock<HashMap<Place, BTreeMap<String, Arc<T>>>>,
    /// Such records change rarely: one lock is enough for all.
    changing: tokio::sync::Mutex<()>,
}

/// The right to change the records of one registry.
#[derive(Debug)]
pub(crate) struct RegistryLock<'a> {
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

impl<T: Serialize + DeserializeOwned> Registry<T> {
    pub(crate) async fn open(keyspace: Keyspace) -> Result<Self, RecordError> {
        let mut places: HashMap<Place, BTreeMap<_, _>> = HashMap::new();
        for entry in entries(&keyspace).await? {
            let record: T = decode(&entry)?;
            let (place, id) = parse(&entry.key).ok_or(RecordError::Key { key: entry.key })?;
            places.entry(place).or_default().insert(id, Arc::new(record));
        }
        Ok(Self { keyspace, places: RwLock::new(places), changing: tokio::sync::Mutex::default() })
    }

    pub(crate) async fn lock(&self) -> RegistryLock<'_> {
        RegistryLock { _guard: self.changing.lock().await }
    }

    pub(crate) fn get(&self, place: &Place, id: &str) -> Option<Arc<T>> {
        self.read(place, |records| records.get(id).cloned())?
    }

    pub(crate) async fn put(
        &self,
        _lock: &RegistryLock<'_>,
        place: &Place,
        id: &str,
        record: T,
    ) -> Result<Arc<T>, RecordError> {
        let batch =
            Batch::new().put_json(&self.keyspace, text(place, id), &record, Expectation::Any)?;
        self.keyspace.store().commit(batch).await?;
        let record = Arc::new(record);
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        places.entry(place.clone()).or_default().insert(id.to_owned(), Arc::clone(&record));
        Ok(record)
    }

    pub(crate) async fn remove(
        &self,
        _lock: &RegistryLock<'_>,
        place: &Place,
        id: &str,
    ) -> Result<(), RecordError> {
        let batch = Batch::new().delete(&self.keyspace, text(place, id), Expectation::Any);
        self.keyspace.store().commit(batch).await?;
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = places.get_mut(place) {
            records.remove(id);
        }
        Ok(())
    }

    /// Records in the order of their ids, from `from` on, until `each` says enough.
    pub(crate) fn visit(
        &self,
        place: &Place,
        from: &str,
        mut each: impl FnMut(&str, &Arc<T>) -> ControlFlow<()>,
    ) {
        self.read(place, |records| {
            let range = records.range::<str, _>((Bound::Included(from), Bound::Unbounded));
            // The break is the visitor's, who knows of it.
            let _ = range.into_iter().try_for_each(|(id, record)| each(id, record));
        });
    }

    pub(crate) fn all(&self) -> Vec<(Place, String, Arc<T>)> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let each = |(place, records): (&Place, &BTreeMap<String, Arc<T>>)| {
            let place = place.clone();
            let record = move |(id, record): (&String, &Arc<T>)| {
                (place.clone(), id.clone(), Arc::clone(record))
            };
            records.iter().map(record).collect::<Vec<_>>()
        };
        places.iter().flat_map(each).collect()
    }

    pub(crate) fn count(&self, place: &Place) -> usize {
        self.read(place, BTreeMap::len).unwrap_or_default()
    }

    /// Whether the account has any, in whatever region.
    pub(crate) fn has_any_of(&self, account: &AccountId) -> bool {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places.iter().any(|(place, records)| place.account == *account && !records.is_empty())
    }

    fn read<R>(
        &self,
        place: &Place,
        read: impl FnOnce(&BTreeMap<String, Arc<T>>) -> R,
    ) -> Option<R> {
        // No critical section calls what may panic while the maps are torn.
        self.places.read().unwrap_or_else(PoisonError::into_inner).get(place).map(read)
    }
}

fn text(place: &Place, id: &str) -> String {
    format!("{}/{}/{id}", place.account, place.region)
}

fn parse(text: &str) -> Option<(Place, String)> {
    let mut parts = text.split('/');
    let place = Place { account: parts.next()?.parse().ok()?, region: parts.next()?.parse().ok()? };
    let id = parts.next()?.to_owned();
    parts.next().is_none().then_some((place, id))
}
