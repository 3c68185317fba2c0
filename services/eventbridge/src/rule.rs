// SPDX-License-Identifier: Apache-2.0
//! A rule and its targets, as they are in memory and in the store.

use crate::address::RuleKey;
use api::eventbridge::{RuleState, Target, fault};
use event_patterns::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use wire::{Fault, Result};

/// What is kept of a rule. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RuleRecord {
    /// As it was put. It is a pattern.
    pub(crate) pattern: Option<String>,
    pub(crate) is_disabled: bool,
    /// It wants events of management, too, which nobody sends here.
    pub(crate) wants_management: bool,
    pub(crate) description: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) created_by: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// By their ids, each good.
    pub(crate) targets: BTreeMap<String, Target>,
}

/// A rule in memory. Immutable, as its bus.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) key: RuleKey,
    pub(crate) record: RuleRecord,
    pattern: Option<Pattern>,
}

impl Rule {
    pub(crate) fn new(key: RuleKey, record: RuleRecord) -> Self {
        let pattern = record.pattern.as_deref().and_then(|text| Pattern::parse(text).ok());
        Self { key, record, pattern }
    }

    /// Whether it is there for this event, and anybody gets it.
    pub(crate) fn wants(&self, event: &Value) -> bool {
        !self.record.is_disabled
            && !self.record.targets.is_empty()
            && self.pattern.as_ref().is_some_and(|pattern| pattern.matches(event))
    }
}

impl RuleRecord {
    pub(crate) const fn state(&self) -> RuleState {
        match self {
            Self { is_disabled: true, .. } => RuleState::Disabled,
            Self { wants_management: true, .. } => {
                RuleState::EnabledWithAllCloudtrailManagementEvents
            }
            _ => RuleState::Enabled,
        }
    }

    pub(crate) fn set_state(&mut self, state: RuleState) {
        self.is_disabled = state == RuleState::Disabled;
        self.wants_management = state == RuleState::EnabledWithAllCloudtrailManagementEvents;
    }
}

pub(crate) fn check_pattern(text: &str) -> Result<Pattern> {
    Pattern::parse(text).map_err(|error| {
        fault::invalid_event_pattern(format!("Event pattern is not valid. Reason: {error}"))
    })
}

/// As EventBridge refuses what the model does not.
pub(crate) fn invalid(sentence: impl Into<String>) -> Fault {
    Fault::validation(sentence)
}
