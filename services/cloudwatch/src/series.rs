// SPDX-License-Identifier: Apache-2.0
//! What a metric is, and how finely and how long its values are kept.

use api::cloudwatch::{Dimension, Metric, StandardUnit};
use names::{AccountId, Region};
use serde::{Deserialize, Serialize};

/// A metric of an account in a region. Ordered as they are listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MetricKey {
    pub(crate) place: Place,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    /// By name.
    pub(crate) dimensions: Vec<(Box<str>, Box<str>)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

/// The values of a metric that have one unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) metric: MetricKey,
    pub(crate) unit: StandardUnit,
}

/// A series in the store: a new member needs `#[serde(default)]`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SeriesRecord {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) unit: StandardUnit,
    /// About when it last had a value: to the hour.
    pub(crate) last_s: u64,
}

/// A resolution in which values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) number: u8,
    pub(crate) period_s: u64,
    pub(crate) keep_s: u64,
    /// Values of so long a time are one record.
    pub(crate) chunk_s: u64,
}

const HOUR_S: u64 = 3_600;
pub(crate) const DAY_S: u64 = 86_400;

/// AWS's ladder. The first is for values that were put with a resolution of a second; all others have the rest.
pub(crate) const LEVELS: [Level; 4] = [
    Level { number: 0, period_s: 1, keep_s: 3 * HOUR_S, chunk_s: 600 },
    Level { number: 1, period_s: 60, keep_s: 15 * DAY_S, chunk_s: HOUR_S },
    Level { number: 2, period_s: 300, keep_s: 63 * DAY_S, chunk_s: DAY_S },
    Level { number: 3, period_s: HOUR_S, keep_s: 455 * DAY_S, chunk_s: 30 * DAY_S },
];

impl Level {
    /// Where the chunk begins that `second` is in.
    pub(crate) fn chunk_of(&self, second: u64) -> u64 {
        second - second % self.chunk_s
    }

    /// The coarsest level that tells values apart as a question with this period and this start does.
    pub(crate) fn for_period(period_s: u64, start_s: u64) -> Self {
        let fits = |level: &&Self| {
            period_s.is_multiple_of(level.period_s) && start_s.is_multiple_of(level.period_s)
        };
        let [finest, ..] = LEVELS;
        LEVELS.iter().rev().find(fits).copied().unwrap_or(finest)
    }
}

impl MetricKey {
    pub(crate) fn new(place: Place, namespace: &str, name: &str, dimensions: &[Dimension]) -> Self {
        let pair = |dimension: &Dimension| {
            (dimension.name.as_str().into(), dimension.value.as_str().into())
        };
        let mut dimensions: Vec<(Box<str>, Box<str>)> = dimensions.iter().map(pair).collect();
        dimensions.sort_unstable();
        Self { place, namespace: namespace.into(), name: name.into(), dimensions }
    }

    pub(crate) fn view(&self) -> Metric {
        let dimension = |(name, value): &(Box<str>, Box<str>)| Dimension {
            name: name.to_string(),
            value: value.to_string(),
        };
        Metric {
            namespace: Some(self.namespace.to_string()),
            metric_name: Some(self.name.to_string()),
            dimensions: Some(self.dimensions.iter().map(dimension).collect()),
        }
    }
}

impl SeriesKey {
    pub(crate) fn record(&self, last_s: u64) -> SeriesRecord {
        let MetricKey { place, namespace, name, dimensions } = &self.metric;
        let pair = |(name, value): &(Box<str>, Box<str>)| (name.to_string(), value.to_string());
        SeriesRecord {
            account: place.account.to_string(),
            region: place.region.to_string(),
            namespace: namespace.to_string(),
            name: name.to_string(),
            dimensions: dimensions.iter().map(pair).collect(),
            unit: self.unit,
            last_s,
        }
    }
}

impl SeriesRecord {
    pub(crate) fn key(self) -> Option<SeriesKey> {
        let place =
            Place { account: self.account.parse().ok()?, region: self.region.parse().ok()? };
        let dimensions = self.dimensions.into_iter();
        let metric = MetricKey {
            place,
            namespace: self.namespace.into(),
            name: self.name.into(),
            dimensions: dimensions.map(|(name, value)| (name.into(), value.into())).collect(),
        };
        Some(SeriesKey { metric, unit: self.unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarsest_level_that_fits_answers() {
        for (period_s, start_s, level_s) in [
            (60, 0, 60),
            (300, 0, 300),
            (300, 60, 60),
            (3_600, 300, 300),
            (86_400, 3_600, 3_600),
            (10, 0, 1),
            (60, 30, 1),
        ] {
            assert_eq!(Level::for_period(period_s, start_s).period_s, level_s, "{period_s}");
        }
    }
}
