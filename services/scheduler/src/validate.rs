// SPDX-License-Identifier: Apache-2.0
//! What a schedule may be. Pure.
//!
//! AWS's words are used where they are known: for expressions, start dates and roles. The others were not checked.

use crate::schedule::{Definition, with_defaults};
use crate::target::Destination;
use api::scheduler::{
    ActionAfterCompletion, CreateScheduleInput, FlexibleTimeWindow, FlexibleTimeWindowMode,
    ScheduleState, fault,
};
use schedules::{Dialect, Expression, Timetable, Zone};
use wire::{Fault, Result};

/// How long ago a schedule may have started.
const START_AGE_MAX_MS: i64 = 5 * 60 * 1_000;
const UTC: &str = "UTC";

pub(crate) fn invalid(what: impl Into<String>) -> Fault {
    fault::validation(what)
}

/// What a request says, if it may be so.
pub(crate) fn definition(input: CreateScheduleInput, now_ms: i64) -> Result<Definition> {
    if input.kms_key_arn.is_some() {
        return Err(invalid("KmsKeyArn is not available in this build of Tinderbox"));
    }
    check_window(&input.flexible_time_window)?;
    let mut target = input.target;
    Destination::of(&target)?;
    target.retry_policy = Some(with_defaults(target.retry_policy.as_ref()));
    let (start_ms, end_ms) =
        (input.start_date.map(|at| at.epoch_ms()), input.end_date.map(|at| at.epoch_ms()));
    check_dates(start_ms, end_ms, now_ms)?;
    let definition = Definition {
        expression: input.schedule_expression,
        timezone: input.schedule_expression_timezone.unwrap_or_else(|| UTC.to_owned()),
        start_ms,
        end_ms,
        description: input.description,
        state: input.state.unwrap_or(ScheduleState::Enabled),
        target,
        window: input.flexible_time_window,
        after_completion: input.action_after_completion.unwrap_or(ActionAfterCompletion::None),
    };
    timetable(&definition, now_ms.div_euclid(1_000))?;
    Ok(definition)
}

/// When it is due. A rate is counted from `anchor` on.
pub(crate) fn timetable(definition: &Definition, anchor: i64) -> Result<Timetable> {
    let Definition { expression, timezone, start_ms, end_ms, .. } = definition;
    let unknown = |_| invalid(format!("Invalid Schedule Expression Timezone {timezone}."));
    let malformed = |_| invalid(format!("Invalid Schedule Expression {expression}."));
    Ok(Timetable {
        expression: Expression::parse(expression, Dialect::Schedule).map_err(malformed)?,
        zone: Zone::named(timezone).map_err(unknown)?,
        start: start_ms.map_or(anchor, |start| start.div_euclid(1_000)),
        end: end_ms.map(|end| end.div_euclid(1_000)),
    })
}

fn check_window(window: &FlexibleTimeWindow) -> Result<()> {
    match (window.mode, window.maximum_window_in_minutes) {
        (FlexibleTimeWindowMode::Flexible, None) => Err(invalid(
            "MaximumWindowInMinutes must be specified when FlexibleTimeWindow Mode is FLEXIBLE.",
        )),
        (FlexibleTimeWindowMode::Off, Some(_)) => Err(invalid(
            "MaximumWindowInMinutes must not be specified when FlexibleTimeWindow Mode is OFF.",
        )),
        (FlexibleTimeWindowMode::Flexible | FlexibleTimeWindowMode::Off, _) => Ok(()),
    }
}

fn check_dates(start_ms: Option<i64>, end_ms: Option<i64>, now_ms: i64) -> Result<()> {
    if start_ms.is_some_and(|start| start < now_ms - START_AGE_MAX_MS) {
        return Err(invalid("The StartDate you specify cannot be earlier than 5 minutes ago."));
    }
    if end_ms.is_some_and(|end| end <= start_ms.unwrap_or(now_ms)) {
        let than = if start_ms.is_some() { "the StartDate" } else { "now" };
        return Err(invalid(format!("The EndDate you specify must be later than {than}.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::NOON;
    use api::scheduler::Target;
    use wire::Timestamp;

    fn input() -> CreateScheduleInput {
        CreateScheduleInput {
            name: "s".to_owned(),
            group_name: None,
            schedule_expression: "rate(5 minutes)".to_owned(),
            start_date: None,
            end_date: None,
            description: None,
            schedule_expression_timezone: None,
            state: None,
            kms_key_arn: None,
            target: Target {
                arn: "arn:aws:sqs:us-east-1:123456789012:q".to_owned(),
                ..Target::default()
            },
            flexible_time_window: FlexibleTimeWindow {
                mode: FlexibleTimeWindowMode::Off,
                maximum_window_in_minutes: None,
            },
            client_token: None,
            action_after_completion: None,
        }
    }

    fn refusal(change: impl FnOnce(&mut CreateScheduleInput)) -> String {
        let mut input = input();
        change(&mut input);
        definition(input, NOON * 1_000).map_or_else(|fault| fault.message, |_| String::new())
    }

    #[test]
    fn what_is_left_out_is_as_aws_has_it() {
        let definition = definition(input(), NOON * 1_000).unwrap();
        assert_eq!((definition.timezone.as_str(), definition.is_enabled()), ("UTC", true));
        let policy = definition.target.retry_policy.unwrap();
        assert_eq!(policy.maximum_event_age_in_seconds, Some(86_400));
        assert_eq!(policy.maximum_retry_attempts, Some(185));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let at = |seconds: i64| Some(Timestamp::from_epoch_ms((NOON + seconds) * 1_000));
        assert_eq!(
            refusal(|input| input.schedule_expression = "rate(5)".into()),
            "Invalid Schedule Expression rate(5)."
        );
        assert_eq!(
            refusal(|input| input.schedule_expression_timezone = Some("Mars".into())),
            "Invalid Schedule Expression Timezone Mars."
        );
        assert_eq!(
            refusal(|input| input.start_date = at(-301)),
            "The StartDate you specify cannot be earlier than 5 minutes ago."
        );
        assert_eq!(refusal(|input| input.start_date = at(-299)), "");
        assert!(refusal(|input| input.end_date = at(-1)).contains("later than now"));
        let ends_first = |input: &mut CreateScheduleInput| {
            (input.start_date, input.end_date) = (at(60), at(60));
        };
        assert!(refusal(ends_first).contains("later than the StartDate"));
        assert!(refusal(|input| input.kms_key_arn = Some(String::new())).contains("KmsKeyArn"));
        let flexible = |input: &mut CreateScheduleInput| {
            input.flexible_time_window.mode = FlexibleTimeWindowMode::Flexible;
        };
        assert!(refusal(flexible).contains("must be specified"));
        let off = |input: &mut CreateScheduleInput| {
            input.flexible_time_window.maximum_window_in_minutes = Some(5);
        };
        assert!(refusal(off).contains("must not be specified"));
    }
}
