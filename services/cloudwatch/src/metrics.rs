// SPDX-License-Identifier: Apache-2.0
//! All metrics: in memory what came lately, on the disk the rest.
//!
//! Values are added in memory and written in groups, a record for each series and hour, day or month: what a server that is
//! killed loses of metrics is `flush_seconds`. (What is billed is not here, but in `usage`.)

use crate::Options;
use crate::series::{DAY_S, LEVELS, Level, SeriesKey, SeriesRecord};
use crate::table::{ChunkKey, Points, SeriesId, Table, TooMany};
use meter::Distribution;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{
    Batch, CommitError, DecodeError, EncodeError, Expectation, Keyspace, ReadError, Scan, Store,
};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

/// Records that are written together: other writers of the store wait for no longer ones.
const BATCH_MAX: usize = 500;

#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("failed to read metrics")]
    Read(#[from] ReadError),
    #[error("failed to write metrics")]
    Write(#[from] CommitError),
    #[error("failed to read a record of a metric")]
    Decode(#[from] DecodeError),
    #[error("failed to write a record of a metric")]
    Encode(#[from] EncodeError),
}

#[derive(Debug)]
pub(crate) struct Metrics {
    options: Options,
    /// Series by their ids.
    index: Keyspace,
    /// Chunks of points.
    points: Keyspace,
    /// Read when it is first needed.
    table: OnceCell<Mutex<Table>>,
    /// One flush at a time. In which hour what is too old was last removed.
    flushing: AsyncMutex<u64>,
}

impl Metrics {
    pub(crate) fn new(store: &Store, options: Options) -> Self {
        Self {
            options,
            index: store.keyspace("cloudwatch.series"),
            points: store.keyspace("cloudwatch.points"),
            table: OnceCell::new(),
            flushing: AsyncMutex::default(),
        }
    }

    pub(crate) async fn table(&self) -> Result<MutexGuard<'_, Table>, MetricsError> {
        let table = self.table.get_or_try_init(|| self.load()).await?;
        Ok(table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn load(&self) -> Result<Mutex<Table>, MetricsError> {
        let mut table = Table::default();
        let mut broken = None;
        self.index
            .load(|entry| {
                match (SeriesId::parse(&entry.key), entry.record.decode::<SeriesRecord>()) {
                    (Some(id), Ok(record)) => {
                        let last_s = record.last_s;
                        if let Some(key) = record.key() {
                            table.insert(id, key, last_s);
                        }
                    }
                    (_, Err(error)) => broken = Some(error),
                    (None, _) => {}
                }
            })
            .await?;
        match broken {
            Some(error) => Err(error.into()),
            None => Ok(Mutex::new(table)),
        }
    }

    /// Adds values that belong together: all of them, or none of a new series when there are too many.
    pub(crate) async fn add(
        &self,
        values: impl IntoIterator<Item = (SeriesKey, u64, Distribution, bool)>,
    ) -> Result<Result<(), TooMany>, MetricsError> {
        let mut table = self.table().await?;
        let mut result = Ok(());
        for (key, second, values, is_fine) in values {
            let added = table.add(&key, second, &values, is_fine, self.options.metrics_max);
            result = result.and(added);
        }
        Ok(result)
    }

    /// The values of a series from `start_s` up to `end_s`, by when their period of `level` begins.
    pub(crate) async fn read(
        &self,
        id: SeriesId,
        level: Level,
        start_s: u64,
        end_s: u64,
    ) -> Result<Points, MetricsError> {
        let mut found = Points::new();
        let mut chunk_s = level.chunk_of(start_s);
        while chunk_s < end_s {
            let key = ChunkKey { level: level.number, start_s: chunk_s, id };
            chunk_s += level.chunk_s;
            // Before the disk is read: what is written meanwhile is in one of the two, or in both and whole.
            let (mut points, has_more) = self.table().await?.points(&key);
            if has_more && let Some(record) = self.points.get(key.text()).await? {
                let (again, is_partial) = self.table().await?.points(&key);
                points = again;
                if is_partial {
                    merge(&mut points, &record.decode()?);
                }
            }
            merge(
                &mut found,
                &points
                    .split_off(&start_s)
                    .into_iter()
                    .filter(|(point, _)| *point < end_s)
                    .collect(),
            );
        }
        Ok(found)
    }

    /// Writes what is not on the disk yet, and removes what is kept no longer.
    pub(crate) async fn flush(&self, now_s: u64) -> Result<(), MetricsError> {
        let mut tidied_h = self.flushing.lock().await;
        while self.write_series().await? {}
        while self.write_points().await? {}
        self.table().await?.forget_written(now_s);
        if now_s / 3_600 > *tidied_h {
            self.expire(now_s).await?;
            *tidied_h = now_s / 3_600;
        }
        Ok(())
    }

    async fn write_series(&self) -> Result<bool, MetricsError> {
        let changed = self.table().await?.take_changed(BATCH_MAX);
        let mut batch = Batch::new();
        for (key, series) in &changed {
            let record = key.record(series.last_s);
            batch = batch.put_json(&self.index, series.id.text(), &record, Expectation::Any)?;
        }
        if batch.is_empty() {
            return Ok(false);
        }
        if let Err(error) = self.index.store().commit(batch).await {
            self.table().await?.put_back_changed(changed.into_iter().map(|(key, _)| key));
            return Err(error.into());
        }
        Ok(true)
    }

    async fn write_points(&self) -> Result<bool, MetricsError> {
        let dirty = self.table().await?.dirty(BATCH_MAX);
        for (key, must_read) in &dirty {
            if *must_read {
                let stored = match self.points.get(key.text()).await? {
                    Some(record) => record.decode()?,
                    None => Points::new(),
                };
                self.table().await?.complete(*key, &stored);
            }
        }
        let mut batch = Batch::new();
        {
            let mut table = self.table().await?;
            for (key, _) in &dirty {
                if let Some(points) = table.take_dirty(*key) {
                    batch = batch.put_json(&self.points, key.text(), points, Expectation::Any)?;
                }
            }
        }
        if batch.is_empty() {
            return Ok(false);
        }
        if let Err(error) = self.points.store().commit(batch).await {
            self.table().await?.put_back(dirty.into_iter().map(|(key, _)| key));
            return Err(error.into());
        }
        Ok(true)
    }

    async fn expire(&self, now_s: u64) -> Result<(), MetricsError> {
        for level in LEVELS {
            let keep_s = level.keep_s.min(self.options.days_max.saturating_mul(DAY_S));
            let first = now_s.saturating_sub(keep_s + level.chunk_s);
            let last = ChunkKey::prefix(level, first);
            loop {
                let prefix = format!("{}/", level.number);
                let scan = Scan { prefix, limit: BATCH_MAX, ..Scan::default() };
                let page = self.points.scan(scan).await?;
                let old = page.iter().take_while(|entry| entry.key < last);
                let batch = old.fold(Batch::new(), |batch, entry| {
                    batch.delete(&self.points, &entry.key, Expectation::Any)
                });
                if batch.is_empty() {
                    break;
                }
                self.points.store().commit(batch).await?;
            }
        }
        let keep_s = self.options.days_max.saturating_mul(DAY_S);
        let gone = self.table().await?.forget_series(now_s.saturating_sub(keep_s));
        for ids in gone.chunks(BATCH_MAX) {
            let batch = ids.iter().fold(Batch::new(), |batch, id| {
                batch.delete(&self.index, id.text(), Expectation::Any)
            });
            self.index.store().commit(batch).await?;
        }
        Ok(())
    }
}

fn merge(points: &mut Points, more: &Points) {
    for (point, values) in more {
        points.entry(*point).or_default().merge(values);
    }
}
