// SPDX-License-Identifier: Apache-2.0
//! What waits on the disk: a firing, until its target has it, and the dead letter of one that had none.

use crate::schedule::Schedule;
use crate::target::Attempt;
use api::scheduler::Target;
use api::sqs::{MessageAttributeValue, MessageAttributes, SendMessageInput};
use bytes::Bytes;
use events::{Class, New};
use names::QueueArn;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use targets::{NotTaken, Parcel};

/// What fired, with its target as it was then. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Firing {
    pub(crate) schedule_arn: String,
    pub(crate) instant: i64,
    /// How old it was when it was written.
    pub(crate) late_seconds: u64,
    pub(crate) target: Target,
}

/// What a dead-letter queue is told of a firing. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeadLetter {
    pub(crate) firing: Firing,
    pub(crate) execution_id: String,
    /// Attempts that were made, and failed.
    pub(crate) attempts: u32,
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<Condition>,
}

/// What of the retry policy was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Condition {
    MaximumRetryAttempts,
    MaximumEventAgeInSeconds,
}

impl Condition {
    const fn as_str(self) -> &'static str {
        match self {
            Self::MaximumRetryAttempts => "MaximumRetryAttempts",
            Self::MaximumEventAgeInSeconds => "MaximumEventAgeInSeconds",
        }
    }
}

impl Firing {
    pub(crate) fn new(schedule: &Schedule, instant: i64, now: i64) -> Self {
        // What waits for its place in a flexible window does not age yet.
        let late = now.saturating_sub(schedule.wakes(instant));
        Self {
            schedule_arn: schedule.key.arn(),
            instant,
            late_seconds: u64::try_from(late).unwrap_or_default(),
            target: schedule.record.definition.target.clone(),
        }
    }

    pub(crate) fn item(&self) -> New {
        item(self.schedule_arn.clone(), Class::Event, self)
    }

    pub(crate) fn age(&self, in_queue: Duration) -> u64 {
        self.late_seconds.saturating_add(in_queue.as_secs())
    }

    pub(crate) fn dead_letter_queue(&self) -> Option<&str> {
        self.target.dead_letter_config.as_ref()?.arn.as_deref()
    }
}

impl DeadLetter {
    pub(crate) fn item(&self) -> New {
        item(self.firing.schedule_arn.clone(), Class::Delivery, self)
    }

    /// The message for the queue, with the attributes that AWS documents.
    pub(crate) fn parcel(&self) -> Result<Parcel, NotTaken> {
        let Firing { schedule_arn, instant, target, .. } = &self.firing;
        let arn = self.firing.dead_letter_queue().unwrap_or_default();
        let queue: QueueArn = arn.parse().map_err(|_| NotTaken::no_such_target(arn))?;
        let attempt = Attempt {
            schedule_arn,
            instant: *instant,
            execution_id: &self.execution_id,
            number: self.attempts.max(1),
        };
        let attributes = [
            ("ERROR_CODE", self.code.clone()),
            ("ERROR_MESSAGE", self.message.clone()),
            ("EXECUTION_ID", self.execution_id.clone()),
            (
                "EXHAUSTED_RETRY_CONDITION",
                self.condition.map_or_else(String::new, |condition| condition.as_str().to_owned()),
            ),
            ("IS_PAYLOAD_TRUNCATED", "false".to_owned()),
            ("RETRY_ATTEMPTS", self.attempts.saturating_sub(1).to_string()),
            ("SCHEDULED_TIME", attempt.scheduled_time()),
            ("SCHEDULE_ARN", schedule_arn.clone()),
            ("TARGET_ARN", target.arn.clone()),
        ];
        let input = SendMessageInput {
            message_body: attempt.input(target).into_owned(),
            message_attributes: Some(written(attributes)),
            ..SendMessageInput::default()
        };
        Ok(Parcel::Message { queue, input })
    }
}

/// What is empty has no attribute.
fn written<const N: usize>(attributes: [(&str, String); N]) -> MessageAttributes {
    let with_values = attributes.into_iter().filter(|(_, value)| !value.is_empty());
    let attribute = |(name, value): (&str, String)| {
        let value = MessageAttributeValue {
            string_value: Some(value),
            data_type: "String".to_owned(),
            ..MessageAttributeValue::default()
        };
        (name.to_owned(), value)
    };
    with_values.map(attribute).collect()
}

fn item(line: String, class: Class, body: &impl Serialize) -> New {
    let body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
    New { line, class, head: Bytes::new(), body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{NOON, schedule};
    use api::scheduler::DeadLetterConfig;

    fn firing() -> Firing {
        let firing = Firing::new(&schedule("rate(5 minutes)"), NOON, NOON + 90);
        let arn = Some("arn:aws:sqs:us-east-1:123456789012:dead".to_owned());
        let target = Target {
            arn: "arn:aws:sqs:us-east-1:123456789012:q".to_owned(),
            input: Some("<aws.scheduler.execution-id>/<aws.scheduler.attempt-number>".to_owned()),
            dead_letter_config: Some(DeadLetterConfig { arn }),
            ..Target::default()
        };
        Firing { target, ..firing }
    }

    #[test]
    fn a_firing_is_as_old_as_it_was_late_and_has_waited() {
        assert_eq!(firing().late_seconds, 90);
        assert_eq!(firing().age(Duration::from_millis(10_900)), 100);
        let item = firing().item();
        assert_eq!(serde_json::from_slice::<Firing>(&item.body).unwrap(), firing());
    }

    #[test]
    fn a_dead_letter_has_awss_attributes() {
        let letter = DeadLetter {
            firing: firing(),
            execution_id: "0123456789abcdef".to_owned(),
            attempts: 3,
            code: "ThrottlingException".to_owned(),
            message: "slow down".to_owned(),
            condition: Some(Condition::MaximumRetryAttempts),
        };
        let Parcel::Message { queue, input } = letter.parcel().unwrap() else { panic!() };
        assert_eq!(&*queue.name, "dead");
        assert_eq!(input.message_body, "0123456789abcdef/3");
        let attributes = input.message_attributes.unwrap();
        let value = |name: &str| attributes[name].string_value.clone().unwrap();
        assert_eq!(value("ERROR_CODE"), "ThrottlingException");
        assert_eq!(value("EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
        assert_eq!(
            (value("RETRY_ATTEMPTS"), value("SCHEDULED_TIME")),
            ("2".to_owned(), "2026-11-23T12:00:00Z".to_owned())
        );
        assert_eq!(value("SCHEDULE_ARN"), firing().schedule_arn);
        assert_eq!(attributes.len(), 9);
        let denied = DeadLetter { condition: None, ..letter };
        let Parcel::Message { input, .. } = denied.parcel().unwrap() else { panic!() };
        assert_eq!(input.message_attributes.unwrap().len(), 8);
    }
}
