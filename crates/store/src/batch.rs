// SPDX-License-Identifier: Apache-2.0
//! What a commit asks for, and how it may fail.

use crate::{EngineError, Keyspace};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Grows with every operation of the store; a record carries that of the operation that wrote it. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision(pub(crate) u64);

impl Revision {
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What must be true of a key before the batch, or else nothing of the batch happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    Any,
    Absent,
    Revision(Revision),
}

/// Operations that happen together.
///
/// Expectations speak of the state before the batch. Of several operations on one key the last stays.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) operations: Vec<Operation>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) keyspace: &'static str,
    pub(crate) key: String,
    pub(crate) expectation: Expectation,
    /// `None` deletes.
    pub(crate) value: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to encode the record `{key}` of `{keyspace}`")]
pub struct EncodeError {
    keyspace: &'static str,
    key: String,
    #[source]
    source: serde_json::Error,
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The caller read before it wrote, and somebody wrote in between.
    #[error("the record `{key}` of `{keyspace}` is not as expected: {}", describe(*expected, *found))]
    Conflict { keyspace: &'static str, key: String, expected: Expectation, found: Option<Revision> },
    #[error("the record `{key}` of `{keyspace}` has {bytes} bytes, more than {bytes_max}")]
    RecordTooLarge { keyspace: &'static str, key: String, bytes: usize, bytes_max: usize },
    #[error("a batch of {operations} operations is longer than {operations_max}")]
    BatchTooLong { operations: usize, operations_max: usize },
    /// No room on the disk, or under `Options::bytes_max`. Nothing of the batch was kept.
    #[error("no space is left for the store")]
    Full {
        #[source]
        source: EngineError,
    },
    /// Nothing of the batch was kept, unless the machine goes down before the next commit.
    #[error("failed to write to the store")]
    Write {
        #[source]
        source: EngineError,
    },
    #[error("the store is closed")]
    Closed,
}

fn describe(expected: Expectation, found: Option<Revision>) -> String {
    let expected = match expected {
        Expectation::Any => "anything".to_owned(),
        Expectation::Absent => "none".to_owned(),
        Expectation::Revision(revision) => format!("revision {revision}"),
    };
    let found = found.map_or_else(|| "none".to_owned(), |revision| format!("revision {revision}"));
    format!("expected {expected}, found {found}")
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    #[must_use]
    pub fn put(
        mut self,
        keyspace: &Keyspace,
        key: impl Into<String>,
        value: impl Into<Vec<u8>>,
        expectation: Expectation,
    ) -> Self {
        self.operations.push(Operation {
            keyspace: keyspace.name(),
            key: key.into(),
            expectation,
            value: Some(value.into()),
        });
        self
    }

    /// Puts `value` as JSON; [`Record::decode`](crate::Record::decode) reads it back.
    pub fn put_json<T: Serialize + ?Sized>(
        self,
        keyspace: &Keyspace,
        key: impl Into<String>,
        value: &T,
        expectation: Expectation,
    ) -> Result<Self, EncodeError> {
        let key = key.into();
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(self.put(keyspace, key, bytes, expectation)),
            Err(source) => Err(EncodeError { keyspace: keyspace.name(), key, source }),
        }
    }

    /// Deleting what is absent is no error, unless `expectation` says otherwise.
    #[must_use]
    pub fn delete(
        mut self,
        keyspace: &Keyspace,
        key: impl Into<String>,
        expectation: Expectation,
    ) -> Self {
        self.operations.push(Operation {
            keyspace: keyspace.name(),
            key: key.into(),
            expectation,
            value: None,
        });
        self
    }
}

impl Expectation {
    pub(crate) fn is_met_by(self, found: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Revision(revision) => found == Some(revision),
        }
    }
}
