// SPDX-License-Identifier: Apache-2.0
//! A schedule, as it is in the store and in memory, and when it fires. Pure.
//!
//! An *instant* is when the expression is due. It *wakes* then, or within the flexible time window behind it.
//!
//! What was missed, because no server ran or the clock was put forward: AWS has no word for that, since Scheduler is always there.
//! It promises that each event is delivered at least once, as long as `MaximumEventAgeInSeconds` lets it be tried
//! (docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html, and `RetryPolicy` in its API reference). So each missed
//! instant is fired late while it is not older than that. Of those that are, the first is fired to be told as a dead letter, for all
//! of them.
//!
//! A clock that is put back fires nothing twice, unless it was wrong by more than an hour: then what it says now is believed.

use crate::key::ScheduleKey;
use crate::validate::timetable;
use api::scheduler::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use schedules::Timetable;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// Instants of one schedule that are fired in one go. The others follow at once, behind those of other schedules.
const AT_ONCE: usize = 64;
/// A clock that was put back by more than this was wrong before.
const PUT_BACK_MAX: i64 = 3_600;

/// AWS's defaults.
const EVENT_AGE_MAX: i32 = 86_400;
const RETRY_ATTEMPTS_MAX: i32 = 185;

/// What the customer said, with what AWS fills in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) expression: String,
    pub(crate) timezone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) state: ScheduleState,
    pub(crate) target: Target,
    pub(crate) window: FlexibleTimeWindow,
    pub(crate) after_completion: ActionAfterCompletion,
}

/// What is kept of a schedule. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) definition: Definition,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
    /// Of the request that created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    /// From when on a rate is counted, in seconds.
    pub(crate) anchor: i64,
    /// What was due until then is not fired, in seconds.
    pub(crate) since: i64,
}

/// A schedule in memory. Immutable: a change makes another, which takes its place in the table.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) key: Arc<ScheduleKey>,
    pub(crate) record: Arc<Record>,
    /// None if this machine does not know the time zone any more: it does not fire.
    timetable: Option<Arc<Timetable>>,
    /// The last instant that was fired or passed over.
    pub(crate) after: i64,
    /// When it wakes next.
    pub(crate) wake: Option<i64>,
}

/// What is fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) instants: Vec<i64>,
    /// Up to where nothing is left then.
    pub(crate) after: i64,
}

impl Definition {
    pub(crate) fn is_enabled(&self) -> bool {
        self.state == ScheduleState::Enabled
    }

    /// Whether both are due at the same times.
    pub(crate) fn is_due_like(&self, other: &Self) -> bool {
        let times = |definition: &Self| {
            let Self { expression, timezone, start_ms, end_ms, .. } = definition;
            (expression.clone(), timezone.clone(), *start_ms, *end_ms)
        };
        times(self) == times(other)
    }

    fn window_seconds(&self) -> i64 {
        match (self.window.mode, self.window.maximum_window_in_minutes) {
            (FlexibleTimeWindowMode::Flexible, Some(minutes)) => i64::from(minutes) * 60,
            (FlexibleTimeWindowMode::Flexible | FlexibleTimeWindowMode::Off, _) => 0,
        }
    }
}

/// A policy with AWS's defaults.
pub(crate) fn with_defaults(policy: Option<&RetryPolicy>) -> RetryPolicy {
    let age = policy.and_then(|policy| policy.maximum_event_age_in_seconds);
    let attempts = policy.and_then(|policy| policy.maximum_retry_attempts);
    RetryPolicy {
        maximum_event_age_in_seconds: Some(age.unwrap_or(EVENT_AGE_MAX)),
        maximum_retry_attempts: Some(attempts.unwrap_or(RETRY_ATTEMPTS_MAX)),
    }
}

/// Seconds for which it is tried to deliver a firing, and how often again.
pub(crate) fn patience(target: &Target) -> (u64, u32) {
    let policy = with_defaults(target.retry_policy.as_ref());
    let RetryPolicy { maximum_event_age_in_seconds: age, maximum_retry_attempts: attempts } =
        policy;
    let (age, attempts) = (age.unwrap_or(EVENT_AGE_MAX), attempts.unwrap_or(RETRY_ATTEMPTS_MAX));
    (u64::try_from(age).unwrap_or_default(), u32::try_from(attempts).unwrap_or_default())
}

impl Schedule {
    /// `after` is the last instant that is known to be fired, if there was one.
    pub(crate) fn new(key: Arc<ScheduleKey>, record: Record, after: Option<i64>) -> Self {
        let timetable = timetable(&record.definition, record.anchor).ok().map(Arc::new);
        if timetable.is_none() {
            tracing::error!(schedule = %key.arn(), timezone = record.definition.timezone, "schedule can not be due: unknown time zone");
        }
        let after = after.unwrap_or(record.since);
        let schedule = Self { key, record: Arc::new(record), timetable, after, wake: None };
        schedule.advanced(after)
    }

    /// With everything until `after` fired.
    pub(crate) fn advanced(&self, after: i64) -> Self {
        let moved = Self { after, ..self.clone() };
        let next = moved.record.definition.is_enabled().then(|| moved.next(after)).flatten();
        let wake = next.map(|instant| moved.wakes(instant));
        Self { wake, ..moved }
    }

    /// As the clock says now, if it was wrong before.
    pub(crate) fn believing(&self, now: i64) -> Option<Self> {
        (self.after > now.saturating_add(PUT_BACK_MAX)).then(|| self.advanced(now))
    }

    /// Whether it is never due again once everything until `after` is fired.
    pub(crate) fn is_complete(&self, after: i64) -> bool {
        self.next(after).is_none()
    }

    /// What of it is fired now.
    pub(crate) fn due(&self, now: i64) -> Due {
        let (age_max, _) = patience(&self.record.definition.target);
        let window = self.record.definition.window_seconds();
        let oldest = now.saturating_sub(window).saturating_sub_unsigned(age_max);
        let mut due = Due { instants: Vec::new(), after: self.after };
        while due.instants.len() < AT_ONCE {
            let Some(instant) = self.next(due.after) else { break };
            if self.wakes(instant) > now {
                break;
            }
            due.instants.push(instant);
            due.after = instant.max(oldest - 1);
        }
        due
    }

    /// Whether it began on this date, and need not begin again.
    pub(crate) fn began(&self, start_ms: i64) -> bool {
        self.record.definition.start_ms == Some(start_ms)
    }

    fn next(&self, after: i64) -> Option<i64> {
        self.timetable.as_ref()?.after(after)
    }

    /// Where in the flexible window behind an instant. The same after a restart.
    pub(crate) fn wakes(&self, instant: i64) -> i64 {
        let window = self.record.definition.window_seconds();
        if window == 0 {
            return instant;
        }
        let mut hasher = DefaultHasher::new();
        (self.key.text(), instant).hash(&mut hasher);
        let spread = hasher.finish() % window.unsigned_abs();
        instant.saturating_add_unsigned(spread)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 2026-11-23T12:00:00Z
    pub(crate) const NOON: i64 = 1_795_435_200;

    pub(crate) fn schedule(expression: &str) -> Schedule {
        let definition = Definition {
            expression: expression.to_owned(),
            timezone: "UTC".to_owned(),
            start_ms: None,
            end_ms: None,
            description: None,
            state: ScheduleState::Enabled,
            target: Target::default(),
            window: FlexibleTimeWindow {
                mode: FlexibleTimeWindowMode::Off,
                maximum_window_in_minutes: None,
            },
            after_completion: ActionAfterCompletion::None,
        };
        of(definition)
    }

    fn of(definition: Definition) -> Schedule {
        let key = ScheduleKey::of_text("123456789012/us-east-1/default/s").unwrap();
        let record = Record {
            definition,
            created_ms: NOON * 1_000,
            modified_ms: NOON * 1_000,
            client_token: None,
            anchor: NOON,
            since: NOON - 1,
        };
        Schedule::new(Arc::new(key), record, None)
    }

    fn changed(schedule: &Schedule, change: impl FnOnce(&mut Definition)) -> Schedule {
        let mut definition = schedule.record.definition.clone();
        change(&mut definition);
        of(definition)
    }

    #[test]
    fn a_rate_is_due_at_once_and_then_at_its_rate() {
        let rate = schedule("rate(5 minutes)");
        assert_eq!(rate.wake, Some(NOON));
        let due = rate.due(NOON);
        assert_eq!(due, Due { instants: vec![NOON], after: NOON });
        let rate = rate.advanced(due.after);
        assert_eq!(rate.wake, Some(NOON + 300));
        assert!(rate.due(NOON + 299).instants.is_empty());
    }

    #[test]
    fn what_was_missed_is_fired_late_while_it_is_not_too_old() {
        let hourly = schedule("rate(1 hour)");
        let missed = hourly.due(NOON + 3 * 3_600 + 5);
        assert_eq!(missed.instants, [NOON, NOON + 3_600, NOON + 7_200, NOON + 10_800]);
        // Two days later: the first of those that are too old stands for all of them.
        let missed = hourly.due(NOON + 48 * 3_600);
        assert_eq!((missed.instants.len(), missed.instants[0]), (26, NOON));
        assert_eq!(missed.instants[1], NOON + 24 * 3_600);
        let once = schedule("at(2026-11-23T13:00:00)");
        let missed = once.due(NOON + 365 * 86_400);
        assert_eq!(missed.instants, [NOON + 3_600]);
        assert!(once.is_complete(missed.after));
    }

    #[test]
    fn one_schedule_takes_its_missed_instants_in_portions() {
        let mut minutely = schedule("rate(1 minute)");
        let now = NOON + 3 * 3_600;
        let mut count = 0;
        while minutely.wake.is_some_and(|wake| wake <= now) {
            let due = minutely.due(now);
            assert!(due.instants.len() <= AT_ONCE);
            count += due.instants.len();
            minutely = minutely.advanced(due.after);
        }
        assert_eq!(count, 181);
    }

    #[test]
    fn a_flexible_window_delays_and_keeps_the_order() {
        let minutely = changed(&schedule("rate(1 minute)"), |definition| {
            definition.window = FlexibleTimeWindow {
                mode: FlexibleTimeWindowMode::Flexible,
                maximum_window_in_minutes: Some(15),
            };
        });
        let wakes: Vec<_> =
            (0..60).map(|n| minutely.wakes(NOON + n * 60) - NOON - n * 60).collect();
        assert!(wakes.iter().all(|delay| (0..900).contains(delay)));
        assert!(wakes.iter().any(|delay| *delay != wakes[0]));
        let all = minutely.due(NOON + 3_600 + 900).instants;
        assert!(all.is_sorted() && all.len() >= 60);
    }

    #[test]
    fn what_is_disabled_or_has_ended_does_not_wake() {
        let disabled = changed(&schedule("rate(1 minute)"), |schedule| {
            schedule.state = ScheduleState::Disabled
        });
        assert_eq!(disabled.wake, None);
        let ended = changed(&schedule("rate(1 minute)"), |schedule| {
            schedule.end_ms = Some((NOON + 90) * 1_000);
        });
        assert_eq!(ended.due(NOON + 600).instants, [NOON, NOON + 60]);
        assert!(ended.is_complete(NOON + 60) && !ended.is_complete(NOON));
        assert_eq!(schedule("at(2026-11-23T11:59:59)").wake, None);
    }

    #[test]
    fn a_clock_that_was_far_ahead_is_not_believed_any_more() {
        let rate = schedule("rate(5 minutes)").advanced(NOON + 10 * 86_400);
        assert_eq!(rate.wake, Some(NOON + 10 * 86_400 + 300));
        assert!(rate.believing(NOON + 10 * 86_400 - 3_600).is_none());
        assert_eq!(rate.believing(NOON + 7).unwrap().wake, Some(NOON + 300));
    }

    #[test]
    fn a_zone_that_is_unknown_stops_the_schedule_and_nothing_else() {
        let lost =
            changed(&schedule("cron(0 * * * ? *)"), |schedule| schedule.timezone = "Mars".into());
        assert_eq!(lost.wake, None);
        assert!(lost.due(NOON + 86_400).instants.is_empty());
    }
}
