// SPDX-License-Identifier: Apache-2.0
//! Rows on the disk: read when the first use of a day comes, written with the next group.

use crate::report::{Place, Row};
use crate::totals::Totals;
use meter::Whose;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Batch, CommitError, DecodeError, EncodeError, Expectation, Keyspace, ReadError, Scan};
use time::Date;
use tokio::sync::Mutex as AsyncMutex;

/// Rows that are written together: other writers of the store wait for no longer ones.
const BATCH_MAX: usize = 1_000;
/// Rows that one look reads.
const PAGE: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Milliseconds between two writes of what functions used: what a server that is killed forgets at most. Default: 1000.
    pub flush_ms: u64,
    /// Days that what functions used is kept. Default: 400.
    pub days_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { flush_ms: 1_000, days_max: 400 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("failed to read the ledger")]
    Read(#[from] ReadError),
    #[error("failed to write the ledger")]
    Write(#[from] CommitError),
    #[error("failed to read a row of the ledger")]
    Decode(#[from] DecodeError),
    #[error("failed to write a row of the ledger")]
    Encode(#[from] EncodeError),
    #[error("more than {rows_max} rows are asked for; ask for fewer days")]
    TooMany { rows_max: usize },
}

/// Something that a function used.
#[derive(Debug)]
pub struct Entry {
    pub whose: Whose,
    /// Since 1970, UTC.
    pub day: u64,
    pub totals: Totals,
}

/// What functions used.
#[derive(Debug)]
pub struct Ledger {
    keyspace: Keyspace,
    options: Options,
    pending: Mutex<Pending>,
    rows: AsyncMutex<Rows>,
}

/// What is to be added to rows.
#[derive(Debug, Default)]
struct Pending {
    sums: BTreeMap<String, Totals>,
    /// The newest day there was, since 1970.
    today: u64,
}

#[derive(Debug, Default)]
struct Rows {
    /// Those that may change still, as they are on the disk or will be.
    open: BTreeMap<String, Totals>,
    /// Those of them that are not on the disk yet.
    dirty: BTreeSet<String>,
    /// The day on which old ones were last removed, since 1970.
    tidied: u64,
}

impl Ledger {
    pub fn new(keyspace: Keyspace, options: Options) -> Self {
        let (pending, rows) = (Mutex::default(), AsyncMutex::default());
        Self { keyspace, options, pending, rows }
    }

    /// Takes `entries` over. They are on the disk after the next `settle`.
    pub fn add(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut pending = self.pending();
        for Entry { whose, day, totals } in entries {
            pending.sums.entry(place(whose, day).key()).or_default().add(&totals);
            pending.today = pending.today.max(day);
        }
    }

    /// Writes what was added. It may be given up half-way: the next one goes on with it.
    ///
    /// # Errors
    ///
    /// When the store fails. What was added stays so, and is written the next time.
    pub async fn settle(&self) -> Result<(), LedgerError> {
        let mut rows = self.rows.lock().await;
        loop {
            // The guard must be gone before the store is asked.
            let first = self.pending().sums.keys().next().cloned();
            let Some(key) = first else { break };
            let before = match rows.open.get(&key) {
                Some(totals) => *totals,
                None => match self.keyspace.get(key.as_str()).await? {
                    Some(record) => record.decode()?,
                    None => Totals::default(),
                },
            };
            let mut totals = before;
            totals.add(&self.pending().sums.remove(&key).unwrap_or_default());
            rows.open.insert(key.clone(), totals);
            rows.dirty.insert(key);
        }
        self.write(&mut rows).await?;
        let today = self.pending().today;
        if today > rows.tidied {
            self.expire(today).await?;
            rows.forget_before(today.saturating_sub(1));
            rows.tidied = today;
        }
        Ok(())
    }

    /// The rows of the days from `from` to `to`, both included, as far as they are recorded: at most `rows_max` of them.
    ///
    /// # Errors
    ///
    /// When the store fails, or there are more.
    pub async fn rows(
        &self,
        from: &str,
        to: &str,
        rows_max: usize,
    ) -> Result<Vec<Row>, LedgerError> {
        let mut found = Vec::new();
        // Keys begin with the day, and no day ends before its `/`.
        let mut scan = Scan { after: Some(from.to_owned()), limit: PAGE, ..Scan::default() };
        loop {
            let page = self.keyspace.scan(scan.clone()).await?;
            let is_last = page.len() < PAGE;
            scan.after = page.last().map(|entry| entry.key.clone());
            for entry in page {
                let Some(place) = Place::parse(&entry.key) else { continue };
                if place.day.as_str() > to {
                    return Ok(found);
                }
                if found.len() == rows_max {
                    return Err(LedgerError::TooMany { rows_max });
                }
                found.push(Row { place, totals: entry.record.decode()? });
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    /// Writes all rows that are dirty.
    async fn write(&self, rows: &mut Rows) -> Result<(), LedgerError> {
        while !rows.dirty.is_empty() {
            let group: Vec<String> = rows.dirty.iter().take(BATCH_MAX).cloned().collect();
            let mut batch = Batch::new();
            for key in &group {
                let totals = rows.open.get(key).copied().unwrap_or_default();
                batch = batch.put_json(&self.keyspace, key, &totals, Expectation::Any)?;
            }
            self.keyspace.store().commit(batch).await?;
            for key in &group {
                rows.dirty.remove(key);
            }
        }
        Ok(())
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the rows of days that are kept no longer.
    async fn expire(&self, today: u64) -> Result<(), LedgerError> {
        let first = day_text(today.saturating_sub(self.options.days_max.into()));
        loop {
            let page = self.keyspace.scan(Scan { limit: PAGE, ..Scan::default() }).await?;
            let old = page.iter().take_while(|entry| entry.key < first);
            let batch = old.fold(Batch::new(), |batch, entry| {
                batch.delete(&self.keyspace, &entry.key, Expectation::Any)
            });
            if batch.is_empty() {
                return Ok(());
            }
            self.keyspace.store().commit(batch).await?;
        }
    }
}

impl Rows {
    /// A report of yesterday may come today, and no older one does.
    fn forget_before(&mut self, day: u64) {
        let first = day_text(day);
        self.open.retain(|key, _| *key >= first);
    }
}

fn place(whose: Whose, day: u64) -> Place {
    let Whose { account, region, function, version } = whose;
    let (account, region) = (account.to_string(), region.to_string());
    Place { day: day_text(day), account, region, function, version }
}

/// `2026-11-23`, of a day since 1970.
fn day_text(day: u64) -> String {
    let day = i32::try_from(day).ok().and_then(|day| day.checked_add(JULIAN_DAY_OF_1970));
    let date = day.and_then(|day| Date::from_julian_day(day).ok());
    date.unwrap_or(Date::MAX).to_string()
}

const JULIAN_DAY_OF_1970: i32 = 2_440_588;

#[cfg(test)]
mod tests {
    use super::*;
    use store::Store;

    const DAY: u64 = 20_780;

    fn entry(day: u64, function: &str, billed_ms: u64) -> Entry {
        let whose = Whose {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            function: function.to_owned(),
            version: "$LATEST".to_owned(),
        };
        Entry { whose, day, totals: Totals { requests: 1, billed_ms, ..Totals::default() } }
    }

    fn ledger(folder: &tempfile::TempDir, days_max: u32) -> Ledger {
        let store = Store::open(folder.path(), store::Options::default()).unwrap();
        Ledger::new(store.keyspace("usage"), Options { days_max, ..Options::default() })
    }

    async fn record(ledger: &Ledger, entries: impl IntoIterator<Item = Entry>) {
        ledger.add(entries);
        ledger.settle().await.unwrap();
    }

    async fn billed(ledger: &Ledger) -> Vec<(String, String, u64)> {
        let rows = ledger.rows("2000-01-01", "2100-01-01", 100).await.unwrap();
        let row = |row: Row| (row.place.day, row.place.function, row.totals.billed_ms);
        rows.into_iter().map(row).collect()
    }

    #[tokio::test]
    async fn rows_go_on_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let first = ledger(&folder, 400);
        record(&first, [entry(DAY, "f", 1), entry(DAY, "f", 2), entry(DAY, "g", 4)]).await;
        drop(first);
        let second = ledger(&folder, 400);
        record(&second, [entry(DAY, "f", 8), entry(DAY + 1, "f", 16)]).await;
        record(&second, [entry(DAY, "f", 32)]).await;
        let (one, other) = ("2026-11-23".to_owned(), "2026-11-24".to_owned());
        let expected =
            [(one.clone(), "f".into(), 43), (one.clone(), "g".into(), 4), (other, "f".into(), 16)];
        assert_eq!(billed(&second).await, expected);
        assert_eq!(second.rows(&one, &one, 100).await.unwrap().len(), 2);
        assert!(matches!(second.rows(&one, &one, 1).await, Err(LedgerError::TooMany { .. })));
    }

    #[tokio::test]
    async fn old_days_go() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(&folder, 2);
        for day in DAY..DAY + 5 {
            record(&ledger, [entry(day, "f", 1)]).await;
        }
        let days: Vec<String> = billed(&ledger).await.into_iter().map(|(day, ..)| day).collect();
        assert_eq!(days, ["2026-11-25", "2026-11-26", "2026-11-27"]);
        assert!(ledger.rows.lock().await.open.len() <= 2);
    }
}
