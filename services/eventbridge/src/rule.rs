// SPDX-License-Identifier: Apache-2.0
//! A rule and its targets, as they are in memory and in the store.

use crate::address::RuleKey;
use crate::archive::{Archive, MANAGED_BY};
use api::eventbridge::{RuleState, Target, fault};
use event_patterns::Pattern;
use meter::Tally;
use schedules::{Dialect, Expression, Timetable, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Fault, Result, Timestamp};

/// What is kept of a rule. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RuleRecord {
    /// As it was put. It is a pattern.
    pub(crate) pattern: Option<String>,
    /// As it was put. It is an expression.
    pub(crate) schedule: Option<String>,
    /// Since when that counts. Seconds since 1970.
    pub(crate) scheduled_from: i64,
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
    /// What gets its events, if it is the rule of an archive: it has no targets, and nobody changes it.
    pub(crate) archive: Option<Arc<Archive>>,
    pattern: Option<Pattern>,
    timetable: Option<Timetable>,
    pub(crate) tally: Tally,
}

impl Rule {
    pub(crate) fn new(key: RuleKey, record: RuleRecord) -> Self {
        let pattern = record.pattern.as_deref().and_then(|text| Pattern::parse(text).ok());
        let timetable = record.schedule.as_deref().and_then(|text| {
            let expression = Expression::parse(text, Dialect::Rule).ok()?;
            // A rate is first due when it has passed once.
            let first = match &expression {
                Expression::Rate(rate) => rate.seconds(),
                Expression::Cron(_) | Expression::At(_) => 0,
            };
            let start = record.scheduled_from.saturating_add(first);
            Some(Timetable { expression, zone: Zone::UTC, start, end: None })
        });
        let tally = Tally::default();
        Self { key, record, archive: None, pattern, timetable, tally }
    }

    pub(crate) fn of_archive(archive: Arc<Archive>) -> Self {
        let record = RuleRecord {
            pattern: Some(archive.record.rule_pattern()),
            created_by: archive.key.account.to_string(),
            ..RuleRecord::default()
        };
        let key = RuleKey { bus: archive.bus(), name: archive.rule_name() };
        Self { archive: Some(archive), ..Self::new(key, record) }
    }

    /// Refuses changes of rules of archives.
    pub(crate) fn check_is_free(&self) -> Result<()> {
        match self.archive {
            None => Ok(()),
            // AWS's words were not checked. There it can be forced, which an archive does not survive.
            Some(_) => Err(fault::managed_rule(format!(
                "Rule {} is managed by an archive and can not be modified.",
                self.key.name
            ))),
        }
    }

    /// Who has it, as AWS says it.
    pub(crate) fn managed_by(&self) -> Option<String> {
        self.archive.is_some().then(|| MANAGED_BY.to_owned())
    }

    pub(crate) const fn has_schedule(&self) -> bool {
        self.timetable.is_some()
    }

    /// When it is due next after this. Seconds since 1970.
    pub(crate) fn due_after(&self, instant: i64) -> Option<i64> {
        let timetable = self.timetable.as_ref().filter(|_| !self.record.is_disabled)?;
        timetable.after(instant)
    }

    pub(crate) fn looks_for_events(&self) -> bool {
        !self.record.is_disabled && self.pattern.is_some() && self.archive.is_none()
    }

    /// Whether it is there for this event, and anybody gets it.
    pub(crate) fn wants(&self, event: &Value) -> bool {
        !self.record.is_disabled
            && (!self.record.targets.is_empty() || self.archive.is_some())
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

    /// From now on.
    pub(crate) fn set_schedule(&mut self, schedule: Option<String>, now: Timestamp) {
        self.schedule = schedule;
        self.scheduled_from = now.epoch_ms().div_euclid(1_000);
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

pub(crate) fn check_schedule(text: &str) -> Result<()> {
    let read = Expression::parse(text, Dialect::Rule);
    read.map(drop).map_err(|_| invalid("Parameter ScheduleExpression is not valid."))
}

/// As EventBridge refuses what the model does not.
pub(crate) fn invalid(sentence: impl Into<String>) -> Fault {
    Fault::validation(sentence)
}
