// SPDX-License-Identifier: Apache-2.0
//! Series in memory: which there are, and of their values those that are not on the disk yet, or came lately. Pure.

use crate::series::{LEVELS, Level, MetricKey, Place, SeriesKey};
use api::cloudwatch::StandardUnit;
use meter::Distribution;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names a series for as long as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesId(pub(crate) u64);

/// Which chunk of which series: level, beginning, series. Ordered as in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ChunkKey {
    pub(crate) level: u8,
    pub(crate) start_s: u64,
    pub(crate) id: SeriesId,
}

/// Values by when their period begins.
pub(crate) type Points = BTreeMap<u64, Distribution>;

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) series: BTreeMap<SeriesKey, Series>,
    chunks: HashMap<ChunkKey, Chunk>,
    dirty: BTreeSet<ChunkKey>,
    /// Series whose record is to be written.
    changed: BTreeSet<SeriesKey>,
    next_id: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) id: SeriesId,
    /// When it last had a value.
    pub(crate) last_s: u64,
}

#[derive(Debug, Default)]
struct Chunk {
    points: Points,
    /// Whether what is on the disk is in it.
    is_whole: bool,
}

/// There are as many metrics as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Table {
    /// A series that is on the disk.
    pub(crate) fn insert(&mut self, id: SeriesId, key: SeriesKey, last_s: u64) {
        self.next_id = self.next_id.max(id.0 + 1);
        self.series.insert(key, Series { id, last_s });
    }

    /// Adds values. `is_fine`: they are kept by the second, too.
    pub(crate) fn add(
        &mut self,
        key: &SeriesKey,
        second: u64,
        values: &Distribution,
        is_fine: bool,
        series_max: usize,
    ) -> Result<(), TooMany> {
        let id = self.id_of(key, second, series_max)?;
        for level in LEVELS.iter().filter(|level| is_fine || level.period_s > 1) {
            let chunk = ChunkKey { level: level.number, start_s: level.chunk_of(second), id };
            let point = second - second % level.period_s;
            let points = &mut self.chunks.entry(chunk).or_default().points;
            points.entry(point).or_default().merge(values);
            self.dirty.insert(chunk);
        }
        Ok(())
    }

    fn id_of(
        &mut self,
        key: &SeriesKey,
        second: u64,
        series_max: usize,
    ) -> Result<SeriesId, TooMany> {
        if let Some(series) = self.series.get_mut(key) {
            // Its record says when it was last used, to the hour.
            if second / 3_600 > series.last_s / 3_600 {
                self.changed.insert(key.clone());
            }
            series.last_s = series.last_s.max(second);
            return Ok(series.id);
        }
        if self.series.len() >= series_max {
            return Err(TooMany);
        }
        let id = SeriesId(self.next_id);
        self.next_id += 1;
        self.series.insert(key.clone(), Series { id, last_s: second });
        self.changed.insert(key.clone());
        Ok(id)
    }

    /// The series of a metric: of each unit, or of one.
    pub(crate) fn of_metric(
        &self,
        metric: &MetricKey,
        unit: Option<StandardUnit>,
    ) -> Vec<(StandardUnit, SeriesId)> {
        let all = self.range(metric.clone()).take_while(|(key, _)| key.metric == *metric);
        let wanted = all.filter(|(key, _)| unit.is_none_or(|unit| key.unit == unit));
        wanted.map(|(key, series)| (key.unit, series.id)).collect()
    }

    /// The series of an account in a region, from a metric on.
    pub(crate) fn of_place(
        &self,
        place: &Place,
        from: Option<&MetricKey>,
    ) -> impl Iterator<Item = (&SeriesKey, &Series)> {
        let first = from.cloned().unwrap_or_else(|| MetricKey::new(place.clone(), "", "", &[]));
        self.range(first).take_while(move |(key, _)| key.metric.place == *place)
    }

    fn range(&self, first: MetricKey) -> impl Iterator<Item = (&SeriesKey, &Series)> {
        // The first of the units, as they are ordered.
        self.series.range(SeriesKey { metric: first, unit: StandardUnit::Seconds }..)
    }

    /// The points of a chunk that are in memory, and whether there may be more of them on the disk.
    pub(crate) fn points(&self, key: &ChunkKey) -> (Points, bool) {
        match self.chunks.get(key) {
            Some(chunk) => (chunk.points.clone(), !chunk.is_whole),
            None => (Points::new(), true),
        }
    }

    /// What is to be written: chunks, each with whether it must be read first.
    pub(crate) fn dirty(&self, count_max: usize) -> Vec<(ChunkKey, bool)> {
        let is_whole = |key| self.chunks.get(key).is_some_and(|chunk| chunk.is_whole);
        self.dirty.iter().take(count_max).map(|key| (*key, !is_whole(key))).collect()
    }

    /// What of a chunk is on the disk.
    pub(crate) fn complete(&mut self, key: ChunkKey, stored: &Points) {
        let chunk = self.chunks.entry(key).or_default();
        if std::mem::replace(&mut chunk.is_whole, true) {
            return;
        }
        for (point, values) in stored {
            chunk.points.entry(*point).or_default().merge(values);
        }
    }

    /// Takes a chunk to be written. It is not dirty any more, unless something comes meanwhile.
    pub(crate) fn take_dirty(&mut self, key: ChunkKey) -> Option<&Points> {
        self.dirty.remove(&key);
        self.chunks.get(&key).map(|chunk| &chunk.points)
    }

    /// It was not written.
    pub(crate) fn put_back(&mut self, keys: impl IntoIterator<Item = ChunkKey>) {
        self.dirty.extend(keys);
    }

    /// Series whose records are to be written.
    pub(crate) fn take_changed(&mut self, count_max: usize) -> Vec<(SeriesKey, Series)> {
        let keys: Vec<SeriesKey> = self.changed.iter().take(count_max).cloned().collect();
        let take = |key: SeriesKey| {
            self.changed.remove(&key);
            let series = self.series.get(&key).copied()?;
            Some((key, series))
        };
        keys.into_iter().filter_map(take).collect()
    }

    pub(crate) fn put_back_changed(&mut self, series: impl IntoIterator<Item = SeriesKey>) {
        self.changed.extend(series);
    }

    /// Forgets chunks that are on the disk and get no more values, as far as one can know.
    pub(crate) fn forget_written(&mut self, now_s: u64) {
        let is_open = |key: &ChunkKey| {
            let level = LEVELS.get(usize::from(key.level));
            level.is_some_and(|level| key.start_s + level.chunk_s > now_s.saturating_sub(60))
        };
        let dirty = &self.dirty;
        self.chunks.retain(|key, _| dirty.contains(key) || is_open(key));
    }

    /// Forgets series that had no value since `since_s`, and says which.
    pub(crate) fn forget_series(&mut self, since_s: u64) -> Vec<SeriesId> {
        let old = self.series.extract_if(.., |_, series| series.last_s < since_s);
        let old: Vec<SeriesId> = old.map(|(_, series)| series.id).collect();
        self.changed.retain(|key| self.series.contains_key(key));
        old
    }
}

impl ChunkKey {
    /// As the store has it.
    pub(crate) fn text(&self) -> String {
        format!("{}/{:012}/{:016x}", self.level, self.start_s, self.id.0)
    }

    /// Keys of this level that are not below this begin at `start_s`.
    pub(crate) fn prefix(level: Level, start_s: u64) -> String {
        format!("{}/{start_s:012}", level.number)
    }
}

impl SeriesId {
    pub(crate) fn text(self) -> String {
        format!("{:016x}", self.0)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}
