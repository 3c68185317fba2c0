// SPDX-License-Identifier: Apache-2.0
//! An archive: which events of a bus it keeps, as it is in memory and in the store. What it keeps is in `shelf.rs`.

use crate::address::{ArchiveKey, BusKey};
use crate::shelf::Line;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use wire::Timestamp;

/// What the rule of an archive is called, before the archive's name.
pub(crate) const RULE_PREFIX: &str = "Events-Archive-";
/// Who has that rule, as AWS says it.
pub(crate) const MANAGED_BY: &str = "prod.vhs.events.aws.internal";
/// The member that only replayed events have.
pub(crate) const REPLAY_NAME: &str = "replay-name";

/// What is kept of an archive. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ArchiveRecord {
    /// The name of its bus, which is of the same account and region.
    pub(crate) bus: String,
    pub(crate) description: Option<String>,
    /// As it was put. It is a pattern.
    pub(crate) pattern: Option<String>,
    /// 0: for good.
    pub(crate) retention_days: i32,
    pub(crate) created_ms: i64,
}

/// An archive in memory. Immutable, but for what waits to be written to it.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) key: ArchiveKey,
    pub(crate) record: ArchiveRecord,
    /// What changes of the record do not touch.
    pub(crate) line: Arc<Line>,
}

impl Archive {
    pub(crate) fn bus(&self) -> BusKey {
        let ArchiveKey { account, region, .. } = self.key.clone();
        BusKey { account, region, name: self.record.bus.clone() }
    }

    /// The name of the rule by which it gets its events, which AWS makes and shows, too.
    pub(crate) fn rule_name(&self) -> String {
        format!("{RULE_PREFIX}{}", self.key.name)
    }

    pub(crate) fn created(&self) -> Timestamp {
        Timestamp::from_epoch_ms(self.record.created_ms)
    }
}

impl ArchiveRecord {
    /// The pattern of that rule: what is replayed does not come back.
    pub(crate) fn rule_pattern(&self) -> String {
        let pattern = self.pattern.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut pattern: Map<String, Value> = pattern.unwrap_or_default();
        pattern.insert(REPLAY_NAME.to_owned(), json!([{"exists": false}]));
        Value::Object(pattern).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replayed_does_not_come_back() {
        let pattern = |pattern: Option<&str>| {
            let pattern = pattern.map(str::to_owned);
            ArchiveRecord { pattern, ..ArchiveRecord::default() }.rule_pattern()
        };
        assert_eq!(pattern(None), r#"{"replay-name":[{"exists":false}]}"#);
        let both = event_patterns::Pattern::parse(&pattern(Some(r#"{"source":["a"]}"#))).unwrap();
        assert!(both.matches(&json!({"source": "a"})));
        assert!(!both.matches(&json!({"source": "b"})));
        assert!(!both.matches(&json!({"source": "a", "replay-name": "r"})));
    }
}
