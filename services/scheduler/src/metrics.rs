// SPDX-License-Identifier: Apache-2.0
//! The metrics of schedules, by their groups.

use crate::key::{GroupKey, ScheduleKey};
use meter::{Measure, Resource, Tally};
use targets::NotTaken;

const ATTEMPTS: Measure = Measure::count("InvocationAttemptCount");
const ERRORS: Measure = Measure::count("TargetErrorCount");
const THROTTLES: Measure = Measure::count("TargetErrorThrottledCount");
const DROPPED: Measure = Measure::count("InvocationDroppedCount");
const TO_DEAD_LETTERS: Measure = Measure::count("InvocationsSentToDeadLetterCount");
const NOT_TO_DEAD_LETTERS: Measure = Measure::count("InvocationsFailedToBeSentToDeadLetterCount");

/// What an attempt to reach a target came to.
pub(crate) fn count_attempt(schedule_arn: &str, sent: &Result<(), NotTaken>) {
    let code = match sent {
        Ok(()) => return count(schedule_arn, &[(ATTEMPTS, 1.0)]),
        Err(NotTaken::Never { code, .. } | NotTaken::NotNow { code, .. }) => code,
    };
    let is_throttled = code.contains("Throttl") || code.contains("TooManyRequests");
    let error = if is_throttled { THROTTLES } else { ERRORS };
    count(schedule_arn, &[(ATTEMPTS, 1.0), (error, 1.0)]);
}

/// There is no other attempt.
pub(crate) fn count_dropped(schedule_arn: &str) {
    count(schedule_arn, &[(DROPPED, 1.0)]);
}

/// Whether the dead-letter queue took what was dropped.
pub(crate) fn count_dead_letter(schedule_arn: &str, is_taken: bool) {
    let measure = if is_taken { TO_DEAD_LETTERS } else { NOT_TO_DEAD_LETTERS };
    count(schedule_arn, &[(measure, 1.0)]);
}

fn count(schedule_arn: &str, values: &[(Measure, f64)]) {
    let Some(ScheduleKey { group, .. }) = ScheduleKey::of_arn(schedule_arn) else { return };
    let GroupKey { account, region, name } = group;
    // Schedules fire seldom: what one counts is added to the others' where it is read.
    Tally::default().add(
        || Resource {
            account,
            region,
            namespace: "AWS/Scheduler",
            dimensions: vec![vec![("ScheduleGroup", name)]],
        },
        values,
    );
}
