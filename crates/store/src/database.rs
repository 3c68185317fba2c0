// SPDX-License-Identifier: Apache-2.0
//! The SQLite file: its settings, its one table, and every statement.

use crate::batch::Operation;
use crate::{EngineError, Entry, Record, Revision, Scan};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::time::Duration;

/// Of new files; an older one keeps its own. What is longer than a quarter of a page takes a page of its own besides, which costs
/// whoever reads everything at start a system call for each record.
const PAGE_BYTES: u64 = 8192;
/// The write-ahead log shrinks to this after a checkpoint.
const LOG_BYTES_KEPT: u64 = 16 << 20;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS records (
        keyspace TEXT NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (keyspace, key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS counters (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO counters (name, value) VALUES ('revision', 0);
";

#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
}

/// Open until it is committed; rolled back when dropped.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    transaction: rusqlite::Transaction<'a>,
}

impl Database {
    pub(crate) fn open(path: &Path, bytes_max: u64) -> Result<Self, EngineError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let page_bytes = page_bytes.cast_unsigned().max(1);
        connection.pragma_update(None, "max_page_count", (bytes_max / page_bytes).max(1))?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    pub(crate) fn last_revision(&self) -> Result<u64, EngineError> {
        let value: i64 = self.connection.query_row(
            "SELECT value FROM counters WHERE name = 'revision'",
            [],
            |row| row.get(0),
        )?;
        Ok(value.cast_unsigned())
    }

    pub(crate) fn get(&self, keyspace: &str, key: &str) -> Result<Option<Record>, EngineError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT value, revision FROM records WHERE keyspace = ?1 AND key = ?2",
        )?;
        let record = statement.query_row(params![keyspace, key.as_bytes()], |row| {
            Ok(Record { value: row.get(0)?, revision: revision(row.get(1)?) })
        });
        Ok(record.optional()?)
    }

    pub(crate) fn scan(&self, keyspace: &str, scan: &Scan) -> Result<Vec<Entry>, EngineError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, value, revision FROM records
             WHERE keyspace = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3)
             ORDER BY key LIMIT ?4",
        )?;
        let prefix = scan.prefix.as_bytes();
        let start = match &scan.after {
            Some(after) => successor(after.as_bytes()).max(prefix.to_vec()),
            None => prefix.to_vec(),
        };
        let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![keyspace, start, end_of_prefix(prefix), limit])?;

        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let key: Vec<u8> = row.get(0)?;
            let key = String::from_utf8(key).map_err(|error| EngineError(Box::new(error)))?;
            entries.push(Entry {
                key,
                record: Record { value: row.get(1)?, revision: revision(row.get(2)?) },
            });
        }
        Ok(entries)
    }

    /// Brings the write-ahead log into the file, and empties it.
    pub(crate) fn settle(&self) -> Result<(), EngineError> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, rusqlite::Error> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        Ok(Transaction { transaction })
    }
}

impl Transaction<'_> {
    pub(crate) fn revision_of(
        &self,
        keyspace: &str,
        key: &str,
    ) -> Result<Option<Revision>, rusqlite::Error> {
        self.transaction
            .prepare_cached("SELECT revision FROM records WHERE keyspace = ?1 AND key = ?2")?
            .query_row(params![keyspace, key.as_bytes()], |row| row.get(0).map(revision))
            .optional()
    }

    pub(crate) fn apply(
        &self,
        operation: &Operation,
        revision: Revision,
    ) -> Result<(), rusqlite::Error> {
        let (keyspace, key) = (operation.keyspace, operation.key.as_bytes());
        match &operation.value {
            Some(value) => self
                .transaction
                .prepare_cached(
                    "INSERT INTO records (keyspace, key, value, revision) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET value = excluded.value, revision = excluded.revision",
                )?
                .execute(params![keyspace, key, value, revision.0.cast_signed()]),
            None => self
                .transaction
                .prepare_cached("DELETE FROM records WHERE keyspace = ?1 AND key = ?2")?
                .execute(params![keyspace, key]),
        }
        .map(drop)
    }

    /// Returns after the fsync.
    pub(crate) fn commit(self, last_revision: u64) -> Result<(), rusqlite::Error> {
        self.transaction
            .prepare_cached("UPDATE counters SET value = ?1 WHERE name = 'revision'")?
            .execute([last_revision.cast_signed()])?;
        self.transaction.commit()
    }
}

/// Revisions count operations: they reach 2^63 after 290 years of a thousand million a second.
const fn revision(value: i64) -> Revision {
    Revision(value.cast_unsigned())
}

/// The smallest key greater than `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    let mut successor = Vec::with_capacity(key.len() + 1);
    successor.extend_from_slice(key);
    successor.push(0);
    successor
}

/// The smallest key greater than every key that starts with `prefix`; `None` when there is none.
fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end: Vec<u8> = prefix.iter().take(kept + 1).copied().collect();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(end_of_prefix(b""), None);
        assert_eq!(end_of_prefix(b"a"), Some(b"b".to_vec()));
        assert_eq!(end_of_prefix(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(end_of_prefix(b"\xff"), None);
    }
}
