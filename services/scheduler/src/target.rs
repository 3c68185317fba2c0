// SPDX-License-Identifier: Apache-2.0
//! What a target is, and what it gets. Pure.
//!
//! AWS's words for what a target may not be were not checked, but for ARNs that are none.

use crate::validate::invalid;
use api::eventbridge::{PutEventsInput, PutEventsRequestEntry};
use api::scheduler::Target;
use api::sns::PublishInput;
use api::sqs::SendMessageInput;
use names::{FunctionArn, QueueArn};
use serde_json::{Value, json};
use std::borrow::Cow;
use targets::Parcel;
use uuid::Uuid;
use wire::{Blob, Result, Timestamp};

const INPUT_BYTES_MAX: usize = 262_144;
const KEYWORD: &str = "<aws.scheduler.";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Function,
    Queue(QueueArn),
    Topic,
    Bus,
}

/// One attempt to deliver a firing: what keywords in the input stand for.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) schedule_arn: &'a str,
    pub(crate) instant: i64,
    pub(crate) execution_id: &'a str,
    /// From 1 on.
    pub(crate) number: u32,
}

impl Destination {
    /// Refuses what this server does not reach, and what is said wrong.
    pub(crate) fn of(target: &Target) -> Result<Self> {
        let destination = Self::named(&target.arn)?;
        check_parameters(&destination, target)?;
        let Some(input) = &target.input else { return Ok(destination) };
        if input.len() > INPUT_BYTES_MAX {
            return Err(invalid(format!("Input must be at most {INPUT_BYTES_MAX} bytes long.")));
        }
        let example = Attempt { schedule_arn: "a", instant: 0, execution_id: "a", number: 1 };
        let json = || serde_json::from_str::<Value>(&example.fill(input));
        match destination {
            Self::Function if json().is_err() => {
                Err(invalid("Input must be well-formed JSON for a target of AWS Lambda."))
            }
            Self::Bus if !json().is_ok_and(|json| json.is_object()) => {
                Err(invalid("Input must be a JSON object for a target of Amazon EventBridge."))
            }
            _ => Ok(destination),
        }
    }

    fn named(arn: &str) -> Result<Self> {
        let malformed = || invalid("Provided Arn is not in correct format.");
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, _, rest] = *parts else { return Err(malformed()) };
        match service {
            "lambda" => arn.parse::<FunctionArn>().map(|_| Self::Function).map_err(|_| malformed()),
            "sqs" => arn.parse().map(Self::Queue).map_err(|_| malformed()),
            "sns" if !region.is_empty() && !rest.is_empty() && !rest.contains(':') => {
                Ok(Self::Topic)
            }
            "sns" => Err(malformed()),
            "events" if rest.strip_prefix("event-bus/").is_some_and(|name| !name.is_empty()) => {
                Ok(Self::Bus)
            }
            "events" => Err(malformed()),
            "scheduler" if rest.starts_with("aws-sdk:") => {
                Err(invalid("Universal targets are not available in this build of Tinderbox"))
            }
            _ => Err(invalid(format!(
                "Targets of {service} are not available in this build of Tinderbox"
            ))),
        }
    }
}

fn check_parameters(destination: &Destination, target: &Target) -> Result<()> {
    let others = [
        ("EcsParameters", target.ecs_parameters.is_some()),
        (
            "EventBridgeParameters",
            target.event_bridge_parameters.is_some() && *destination != Destination::Bus,
        ),
        (
            "EventBridgePutEventsV2Parameters",
            target.event_bridge_put_events_v2_parameters.is_some(),
        ),
        (
            "EventBridgePutRawEventsParameters",
            target.event_bridge_put_raw_events_parameters.is_some(),
        ),
        ("KinesisParameters", target.kinesis_parameters.is_some()),
        ("SageMakerPipelineParameters", target.sage_maker_pipeline_parameters.is_some()),
        (
            "SqsParameters",
            target.sqs_parameters.is_some() && !matches!(destination, Destination::Queue(_)),
        ),
    ];
    if let Some((name, _)) = others.iter().find(|(_, is_there)| *is_there) {
        return Err(invalid(format!("{name} does not apply to the target {}.", target.arn)));
    }
    match destination {
        Destination::Queue(queue)
            if queue.name.ends_with(".fifo") && group_id(target).is_none() =>
        {
            Err(invalid("MessageGroupId must be specified for a FIFO queue."))
        }
        Destination::Bus if target.event_bridge_parameters.is_none() => {
            Err(invalid("EventBridgeParameters must be specified for an event bus."))
        }
        Destination::Queue(_) | Destination::Function | Destination::Topic | Destination::Bus => {
            Ok(())
        }
    }
}

fn group_id(target: &Target) -> Option<String> {
    target.sqs_parameters.as_ref()?.message_group_id.clone()
}

impl Attempt<'_> {
    /// `2026-11-23T12:00:00Z`
    pub(crate) fn scheduled_time(&self) -> String {
        Timestamp::from_epoch_ms(self.instant.saturating_mul(1_000)).iso_text()
    }

    /// What the target gets.
    pub(crate) fn input<'t>(&self, target: &'t Target) -> Cow<'t, str> {
        target.input.as_deref().map_or_else(|| self.event().into(), |input| self.fill(input))
    }

    pub(crate) fn parcel(&self, target: &Target) -> Result<Parcel> {
        let (destination, text) = (Destination::of(target)?, self.input(target).into_owned());
        Ok(match destination {
            Destination::Function => Parcel::Invocation {
                function_arn: target.arn.clone(),
                payload: Blob::from(text.into_bytes()),
            },
            Destination::Queue(queue) => {
                let input = SendMessageInput {
                    message_body: text,
                    message_group_id: group_id(target),
                    ..SendMessageInput::default()
                };
                Parcel::Message { queue, input }
            }
            Destination::Topic => {
                let topic_arn = Some(target.arn.clone());
                let input = PublishInput { topic_arn, message: text, ..PublishInput::default() };
                Parcel::Notification { input }
            }
            Destination::Bus => self.events(target),
        })
    }

    /// An event whose detail is the input. AWS does not say what it is without one.
    fn events(&self, target: &Target) -> Parcel {
        let parameters = target.event_bridge_parameters.as_ref();
        let detail = target.input.as_deref().map_or("{}".into(), |input| self.fill(input));
        let entry = PutEventsRequestEntry {
            source: parameters.map(|parameters| parameters.source.clone()),
            detail_type: parameters.map(|parameters| parameters.detail_type.clone()),
            detail: Some(detail.into_owned()),
            resources: Some(vec![self.schedule_arn.to_owned()]),
            event_bus_name: Some(target.arn.clone()),
            ..PutEventsRequestEntry::default()
        };
        let input = PutEventsInput { entries: vec![entry], endpoint_id: None };
        Parcel::Events { bus_arn: target.arn.clone(), input }
    }

    fn fill<'t>(&self, input: &'t str) -> Cow<'t, str> {
        if !input.contains(KEYWORD) {
            return input.into();
        }
        let values = [
            ("schedule-arn>", self.schedule_arn.to_owned()),
            ("scheduled-time>", self.scheduled_time()),
            ("execution-id>", self.execution_id.to_owned()),
            ("attempt-number>", self.number.to_string()),
        ];
        let filled = values.iter().fold(input.to_owned(), |text, (keyword, value)| {
            text.replace(&format!("{KEYWORD}{keyword}"), value)
        });
        filled.into()
    }

    /// What a target without an input gets, as AWS has it: its detail is a text.
    fn event(&self) -> String {
        let mut parts = self.schedule_arn.split(':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        let event = json!({
            "version": "0",
            "id": Uuid::new_v4().to_string(),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": self.scheduled_time(),
            "region": region,
            "resources": [self.schedule_arn],
            "detail": "{}",
        });
        event.to_string()
    }
}

/// Each attempt has its own.
pub(crate) fn execution_id() -> String {
    let id = Uuid::new_v4().simple().to_string();
    id.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::scheduler::{EventBridgeParameters, KinesisParameters, SqsParameters};
    use expect_test::expect;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn target(arn: &str, input: Option<&str>) -> Target {
        Target { arn: arn.to_owned(), input: input.map(str::to_owned), ..Target::default() }
    }

    fn attempt() -> Attempt<'static> {
        Attempt {
            schedule_arn: "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s",
            instant: 1_795_435_200,
            execution_id: "d32c5adfcf5bb8c3",
            number: 2,
        }
    }

    fn refusal(target: &Target) -> String {
        Destination::of(target).map_or_else(|fault| fault.message, |found| format!("{found:?}"))
    }

    #[test]
    fn a_target_is_what_its_arn_says() {
        assert_eq!(refusal(&target(FUNCTION, None)), "Function");
        assert_eq!(refusal(&target("arn:aws:sns:us-east-1:123456789012:t", None)), "Topic");
        assert!(refusal(&target(QUEUE, None)).starts_with("Queue("));
        for arn in ["q", "arn:aws:sqs:us-east-1:1:q", "arn:aws:lambda:us-east-1:123456789012:f"] {
            assert_eq!(
                refusal(&target(arn, None)),
                "Provided Arn is not in correct format.",
                "{arn}"
            );
        }
        let refused = refusal(&target("arn:aws:scheduler:::aws-sdk:sqs:sendMessage", None));
        assert!(refused.starts_with("Universal targets are not"), "{refused}");
        let refused = refusal(&target("arn:aws:kinesis:us-east-1:123456789012:stream/s", None));
        assert!(refused.starts_with("Targets of kinesis are not"), "{refused}");
    }

    #[test]
    fn what_does_not_fit_a_target_is_refused() {
        let fifo = target("arn:aws:sqs:us-east-1:123456789012:q.fifo", None);
        assert_eq!(refusal(&fifo), "MessageGroupId must be specified for a FIFO queue.");
        let sqs_parameters = Some(SqsParameters { message_group_id: Some("g".to_owned()) });
        let grouped = Target { sqs_parameters: sqs_parameters.clone(), ..fifo };
        assert!(refusal(&grouped).starts_with("Queue("));
        let function = Target { sqs_parameters, ..target(FUNCTION, None) };
        assert!(refusal(&function).starts_with("SqsParameters does not apply"));
        let kinesis_parameters = Some(KinesisParameters::default());
        let queue = Target { kinesis_parameters, ..target(QUEUE, None) };
        assert!(refusal(&queue).starts_with("KinesisParameters does not apply"));
        assert!(refusal(&target(FUNCTION, Some("hello"))).contains("well-formed JSON"));
        assert_eq!(
            refusal(&target(FUNCTION, Some(r#"{"n": <aws.scheduler.attempt-number>}"#))),
            "Function"
        );
        assert!(refusal(&target(QUEUE, Some("hello"))).starts_with("Queue("));
        let long = "x".repeat(INPUT_BYTES_MAX + 1);
        assert!(refusal(&target(QUEUE, Some(&long))).contains("at most 262144 bytes"));
    }

    #[test]
    fn a_bus_gets_an_event_of_the_schedule() {
        let bus = target("arn:aws:events:us-east-1:123456789012:event-bus/b", Some(r#"{"n": 1}"#));
        assert_eq!(refusal(&bus), "EventBridgeParameters must be specified for an event bus.");
        let (source, detail_type) = ("my.app".to_owned(), "Tick".to_owned());
        let event_bridge_parameters = Some(EventBridgeParameters { detail_type, source });
        let bus = Target { event_bridge_parameters, ..bus };
        let Parcel::Events { bus_arn, input } = attempt().parcel(&bus).unwrap() else { panic!() };
        let entry = &input.entries[0];
        assert_eq!((&bus_arn, entry.source.as_deref()), (&bus.arn, Some("my.app")));
        assert_eq!(entry.detail.as_deref(), Some(r#"{"n": 1}"#));
        assert_eq!(entry.resources, Some(vec![attempt().schedule_arn.to_owned()]));
        let text = Target { input: Some("[]".to_owned()), ..bus };
        assert!(refusal(&text).contains("a JSON object"));
    }

    #[test]
    fn keywords_of_an_input_are_filled() {
        let filled = attempt().fill(
            "<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.execution-id> \
             <aws.scheduler.attempt-number> <aws.scheduler.other> <aws.scheduler.attempt-number>",
        );
        expect!["arn:aws:scheduler:us-east-1:123456789012:schedule/default/s 2026-11-23T12:00:00Z d32c5adfcf5bb8c3 2 <aws.scheduler.other> 2"]
            .assert_eq(&filled);
        assert!(matches!(attempt().fill("plain <b>"), Cow::Borrowed("plain <b>")));
    }

    #[test]
    fn a_target_without_an_input_gets_an_event() {
        let target = target(FUNCTION, None);
        let event: Value = serde_json::from_str(&attempt().input(&target)).unwrap();
        assert_eq!((&event["source"], &event["detail"]), (&json!("aws.scheduler"), &json!("{}")));
        assert_eq!(event["resources"], json!([attempt().schedule_arn]));
        assert_eq!(
            (&event["account"], &event["region"]),
            (&json!("123456789012"), &json!("us-east-1"))
        );
        assert_eq!(event["time"], json!("2026-11-23T12:00:00Z"));
    }

    #[test]
    fn execution_ids_are_sixteen_digits_and_no_two_are_alike() {
        assert_eq!(execution_id().len(), 16);
        assert_ne!(execution_id(), execution_id());
    }
}
