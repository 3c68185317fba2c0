// SPDX-License-Identifier: Apache-2.0
//! What attributes of topics and subscriptions may be. Pure.

use crate::delivery_policy::{self, DeliveryPolicy};
use crate::signing::Version;
use crate::topic::{Fifo, Protocol, Scope, Topic, TopicKey, TopicRecord, invalid, redrive_target};
use crate::{filter, permissions};
use api::sns::Attributes;
use names::QueueArn;
use policy::{Document, Kind};
use wire::{Fault, Result};

const DISPLAY_NAME_MAX: usize = 100;
const POLICY_BYTES_MAX: usize = 30_720;

/// Sets an attribute of a topic. What would have no effect here is refused; AWS has no words for that, so they are ours.
pub(crate) fn set_of_topic(record: &mut TopicRecord, name: &str, value: &str) -> Result<()> {
    match name {
        "DisplayName" => {
            if value.chars().count() > DISPLAY_NAME_MAX {
                return Err(invalid("DisplayName Reason: It must be at most 100 characters long"));
            }
            value.clone_into(&mut record.display_name);
        }
        "Policy" => {
            record.policy = if value.is_empty() { None } else { Some(policy(value)?) };
        }
        "DeliveryPolicy" if record.fifo.is_none() => {
            let told = (!value.is_empty()).then(|| value.to_owned());
            told.as_deref().map_or(Ok(()), delivery_policy::check_topic).map_err(bad_policy)?;
            record.delivery_policy = told;
        }
        // What is so anyway.
        "ContentBasedDeduplication" if value == "false" && record.fifo.is_none() => {}
        "TracingConfig" if value == "PassThrough" => {}
        "SignatureVersion" => {
            record.signature_version = Some(match value {
                "1" => Version::One,
                "2" => Version::Two,
                _ => return Err(invalid("SignatureVersion")),
            });
        }
        "ContentBasedDeduplication" => {
            let Some(fifo) = &mut record.fifo else {
                return Err(invalid("Content-based deduplication can only be set for FIFO topics"));
            };
            fifo.knows_content = truth(name, value)?;
        }
        "FifoThroughputScope" => {
            let Some(fifo) = &mut record.fifo else {
                return Err(invalid("FifoThroughputScope can only be set for FIFO topics"));
            };
            fifo.scope = match value {
                "Topic" => Scope::Topic,
                "MessageGroup" => Scope::MessageGroup,
                _ => {
                    return Err(invalid(
                        "Attributes Reason: FifoThroughputScope: Invalid value. Please use either Topic or MessageGroup",
                    ));
                }
            };
        }
        "ArchivePolicy" | "DeliveryPolicy" | "KmsMasterKeyId" | "TracingConfig" => {
            return Err(invalid(format!(
                "Attributes Reason: {name} {value} is not available in this build of Tinderbox"
            )));
        }
        name if name.ends_with("FeedbackRoleArn") || name.ends_with("FeedbackSampleRate") => {
            return Err(invalid(format!(
                "Attributes Reason: {name} is not available in this build of Tinderbox"
            )));
        }
        _ => return Err(invalid("AttributeName")),
    }
    Ok(())
}

/// What a topic of this name is told by `FifoTopic`.
pub(crate) fn fifo(key: &TopicKey, told: Option<&str>) -> Result<Option<Fifo>> {
    let is_told = told.map(|value| truth("FifoTopic", value)).transpose()?.unwrap_or_default();
    match (key.is_fifo(), is_told) {
        (true, true) => Ok(Some(Fifo::default())),
        (false, false) => Ok(None),
        (true, false) => Err(invalid("Topic Name")),
        (false, true) => Err(invalid(
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.",
        )),
    }
}

pub(crate) fn of_fifo(fifo: &Fifo) -> [(String, String); 3] {
    [
        ("FifoTopic", "true".to_owned()),
        ("ContentBasedDeduplication", fifo.knows_content.to_string()),
        ("FifoThroughputScope", fifo.scope.as_str().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn truth(name: &str, value: &str) -> Result<bool> {
    value.parse().map_err(|_| {
        invalid(format!(
            "Attributes Reason: {name}: Invalid value [{value}]. Must be true or false."
        ))
    })
}

fn bad_policy(reason: String) -> Fault {
    invalid(format!("Attributes Reason: DeliveryPolicy: {reason}"))
}

fn policy(text: &str) -> Result<String> {
    if text.len() > POLICY_BYTES_MAX || Document::parse(text, Kind::Resource).is_err() {
        return Err(invalid("Policy failed to parse"));
    }
    if !permissions::are_in_scope(text) {
        return Err(invalid("Policy statement action out of service scope!"));
    }
    Ok(text.to_owned())
}

/// Sets an attribute of a subscription. An empty value takes it away.
pub(crate) fn set_of_subscription(
    attributes: &mut Attributes,
    topic: &Topic,
    protocol: Protocol,
    name: &str,
    value: &str,
) -> Result<()> {
    let bad = |reason: &str| Err(invalid(format!("Attributes Reason: {reason}")));
    match name {
        "RawMessageDelivery" => {
            if truth(name, value)? && protocol == Protocol::Lambda {
                return bad("Delivery protocol [lambda] does not support raw message delivery.");
            }
        }
        "FilterPolicyScope" => {
            if !matches!(value, "MessageAttributes" | "MessageBody") {
                return bad(
                    "FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes",
                );
            }
        }
        "FilterPolicy" => {
            if matches!(value.trim(), "" | "{}") {
                attributes.remove(name);
                return Ok(());
            }
        }
        "RedrivePolicy" => {
            if value.is_empty() {
                attributes.remove(name);
                return Ok(());
            }
            let target = redrive_target(value).and_then(|arn| arn.parse::<QueueArn>().ok());
            let Some(queue) = target else {
                return bad(
                    "RedrivePolicy: deadLetterTargetArn must be the ARN of a queue of Amazon SQS",
                );
            };
            if queue.name.ends_with(".fifo") && topic.order.is_none() {
                return bad(
                    "RedrivePolicy: the dead-letter queue of a standard topic is a standard queue",
                );
            }
        }
        "DeliveryPolicy" if protocol.is_http() => {
            if value.is_empty() {
                attributes.remove(name);
                return Ok(());
            }
            DeliveryPolicy::parse(value).map_err(bad_policy)?;
        }
        "DeliveryPolicy" => return bad("DeliveryPolicy: It is for endpoints of HTTP/S alone"),
        "SubscriptionRoleArn" | "ReplayPolicy" => {
            return bad(&format!("{name} is not available in this build of Tinderbox"));
        }
        _ => return Err(invalid("AttributeName")),
    }
    attributes.insert(name.to_owned(), value.to_owned());
    // Whether a policy is one depends on its scope.
    filter::check(attributes)
}

/// What a new subscription is told.
pub(crate) fn of_subscription(
    topic: &Topic,
    protocol: Protocol,
    told: &Attributes,
) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    // The scope before the policy that is for it.
    let (first, rest): (Vec<_>, Vec<_>) =
        told.iter().partition(|(name, _)| *name == "FilterPolicyScope");
    for (name, value) in first.into_iter().chain(rest) {
        set_of_subscription(&mut attributes, topic, protocol, name, value)?;
    }
    Ok(attributes)
}
