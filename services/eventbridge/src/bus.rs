// SPDX-License-Identifier: Apache-2.0
//! A bus, as it is in memory and in the store.

use crate::address::BusKey;
use crate::rule::Rule;
use policy::{Document, Kind, Named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use wire::Timestamp;

const DENY_ALL: &str = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#;

/// What is kept of a bus. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BusRecord {
    pub(crate) description: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// Milliseconds since 1970. A default bus that nobody changed was never made.
    pub(crate) created_ms: Option<i64>,
    pub(crate) modified_ms: Option<i64>,
}

/// A bus in memory. Immutable: a change makes another, which takes its place in the table.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    pub(crate) key: BusKey,
    pub(crate) record: BusRecord,
    pub(crate) rules: BTreeMap<String, Arc<Rule>>,
    /// As it is asked, made when it first is.
    policy: OnceLock<Named>,
}

impl Bus {
    pub(crate) fn new(key: BusKey, record: BusRecord) -> Self {
        Self { key, record, rules: BTreeMap::new(), policy: OnceLock::new() }
    }

    /// With another record.
    pub(crate) fn with_record(&self, record: BusRecord) -> Self {
        Self { rules: self.rules.clone(), ..Self::new(self.key.clone(), record) }
    }

    pub(crate) fn put_rule(&mut self, rule: Rule) {
        self.rules.insert(rule.key.name.clone(), Arc::new(rule));
    }

    pub(crate) fn policy(&self) -> Option<Named> {
        let text = self.record.policy.as_deref()?;
        Some(self.policy.get_or_init(|| ready(text)).clone())
    }
}

impl BusRecord {
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.created_ms.map(Timestamp::from_epoch_ms)
    }

    pub(crate) fn modified(&self) -> Option<Timestamp> {
        self.modified_ms.map(Timestamp::from_epoch_ms)
    }
}

/// What was accepted and can not be read any more allows nothing.
fn ready(text: &str) -> Named {
    let document = Document::parse(text, Kind::Resource).unwrap_or_else(|error| {
        tracing::error!(error = %error, "policy of a bus not understood");
        Document::parse(DENY_ALL, Kind::Resource).expect("it is a policy")
    });
    Named { name: "the bus's policy".into(), document: Arc::new(document) }
}
