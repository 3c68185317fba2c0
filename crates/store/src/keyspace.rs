// SPDX-License-Identifier: Apache-2.0
//! Reading records.

use crate::{EngineError, Revision, Store};
use serde::de::DeserializeOwned;

/// A named, ordered set of records: keys are text, ordered by their bytes.
#[derive(Debug, Clone)]
pub struct Keyspace {
    store: Store,
    name: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub value: Vec<u8>,
    /// Of the operation that wrote this value.
    pub revision: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub record: Record,
}

/// Which records a scan gives, in the order of their keys.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Keys that start with this.
    pub prefix: String,
    /// Keys greater than this: the last key of the page before.
    pub after: Option<String>,
    pub limit: usize,
}

impl Default for Scan {
    /// The first thousand records.
    fn default() -> Self {
        Self { prefix: String::new(), after: None, limit: 1_000 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("failed to read from the store")]
    Engine {
        #[source]
        source: EngineError,
    },
    #[error("the store is closed")]
    Closed,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to decode a record at revision {revision}")]
pub struct DecodeError {
    revision: Revision,
    #[source]
    source: serde_json::Error,
}

impl Record {
    /// Reads a value that [`Batch::put_json`](crate::Batch::put_json) wrote.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_slice(&self.value)
            .map_err(|source| DecodeError { revision: self.revision, source })
    }
}

impl Keyspace {
    pub(crate) fn new(store: Store, name: &'static str) -> Self {
        Self { store, name }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The store this keyspace is of: commits go there.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub async fn get(&self, key: impl Into<String>) -> Result<Option<Record>, ReadError> {
        let (name, key) = (self.name, key.into());
        self.store.read(move |database| database.get(name, &key)).await
    }

    pub async fn scan(&self, scan: Scan) -> Result<Vec<Entry>, ReadError> {
        self.begin_scan(&scan).await
    }

    /// Reads whether or not it is awaited yet.
    fn begin_scan(
        &self,
        scan: &Scan,
    ) -> impl Future<Output = Result<Vec<Entry>, ReadError>> + Send + use<> {
        let (name, scan) = (self.name, scan.clone());
        self.store.read(move |database| database.scan(name, &scan))
    }

    /// Every record, a page at a time, for whoever fills its table in memory at start. The next page is read while `each`
    /// takes this one.
    ///
    /// Pages are read one after the other: a record that changes meanwhile is seen before or after, never torn.
    pub async fn load(&self, mut each: impl FnMut(Entry) + Send) -> Result<(), ReadError> {
        let mut scan = Scan::default();
        let mut page = self.begin_scan(&scan).await?;
        loop {
            let is_last = page.len() < scan.limit;
            scan.after = page.last().map(|entry| entry.key.clone());
            let next = (!is_last).then(|| self.begin_scan(&scan));
            page.into_iter().for_each(&mut each);
            match next {
                Some(next) => page = next.await?,
                None => return Ok(()),
            }
        }
    }
}
