// SPDX-License-Identifier: Apache-2.0
//! What is kept of a group beside its events: a small file that is replaced whole.

use crate::follow::Place;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

pub(crate) const NAME: &str = "group.json";
const PARTIAL: &str = "group.new";

/// In the data directory: a new member needs `#[serde(default)]`, which all have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The name of the group.
    pub name: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// `STANDARD` where it is empty.
    pub class: String,
    pub retention_days: Option<u32>,
    pub is_protected: bool,
    pub tags: BTreeMap<String, String>,
    pub subscription_filters: Vec<SubscriptionFilter>,
    pub metric_filters: Vec<MetricFilter>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscriptionFilter {
    pub name: String,
    pub pattern: String,
    pub destination: String,
    pub role: Option<String>,
    pub distribution: Option<String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// What arrived before is not for it.
    pub from: Place,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricFilter {
    pub name: String,
    pub pattern: String,
    pub metric_namespace: String,
    pub metric_name: String,
    pub metric_value: String,
    pub default_value: Option<f64>,
    pub unit: Option<String>,
    pub dimensions: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// What arrived before is not for it.
    pub from: Place,
}

impl Settings {
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(dir.join(NAME))?)?)
    }

    /// On the disk when this returns, if `is_durable`. A group that a function begins to log to can be made again.
    pub(crate) fn write(&self, dir: &Path, is_durable: bool) -> io::Result<()> {
        let partial = dir.join(PARTIAL);
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        if is_durable {
            file.sync_all()?;
        }
        fs::rename(partial, dir.join(NAME))?;
        if is_durable {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    /// Whether somebody wants its events as they arrive.
    pub fn is_followed(&self) -> bool {
        !self.subscription_filters.is_empty() || !self.metric_filters.is_empty()
    }

    /// What is older than this is gone, if there is a retention.
    pub fn oldest(&self, now: i64) -> Option<i64> {
        Some(oldest(now, self.retention_days?))
    }
}

/// What is older than this was kept for so many days.
pub(crate) fn oldest(now: i64, days: u32) -> i64 {
    now - i64::from(days) * 24 * 60 * 60 * 1000
}
