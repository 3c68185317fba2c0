// SPDX-License-Identifier: Apache-2.0
//! What attributes of topics and subscriptions may be. Pure.

use crate::filter;
use crate::topic::{Protocol, TopicRecord, invalid, redrive_target};
use api::sns::Attributes;
use wire::Result;

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
        // What is so anyway.
        "FifoTopic" | "ContentBasedDeduplication" if value == "false" => {}
        "TracingConfig" if value == "PassThrough" => {}
        "SignatureVersion" if value == "1" => {}
        "FifoTopic"
        | "ContentBasedDeduplication"
        | "FifoThroughputScope"
        | "ArchivePolicy"
        | "DeliveryPolicy"
        | "KmsMasterKeyId"
        | "SignatureVersion"
        | "TracingConfig" => {
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

fn policy(text: &str) -> Result<String> {
    let is_object =
        serde_json::from_str(text).is_ok_and(|value: serde_json::Value| value.is_object());
    if !is_object || text.len() > POLICY_BYTES_MAX {
        return Err(invalid("Policy failed to parse"));
    }
    Ok(text.to_owned())
}

/// Sets an attribute of a subscription. An empty value takes it away.
pub(crate) fn set_of_subscription(
    attributes: &mut Attributes,
    protocol: Protocol,
    name: &str,
    value: &str,
) -> Result<()> {
    let bad = |reason: &str| Err(invalid(format!("Attributes Reason: {reason}")));
    match name {
        "RawMessageDelivery" => match value {
            "true" if protocol == Protocol::Lambda => {
                return bad("Delivery protocol [lambda] does not support raw message delivery.");
            }
            "true" | "false" => {}
            _ => {
                return bad(&format!(
                    "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                ));
            }
        },
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
            let target = redrive_target(value);
            if !target.is_some_and(|arn| arn.starts_with("arn:aws:sqs:")) {
                return bad(
                    "RedrivePolicy: deadLetterTargetArn must be the ARN of a queue of Amazon SQS",
                );
            }
        }
        "DeliveryPolicy" | "SubscriptionRoleArn" | "ReplayPolicy" => {
            return bad(&format!("{name} is not available in this build of Tinderbox"));
        }
        _ => return Err(invalid("AttributeName")),
    }
    attributes.insert(name.to_owned(), value.to_owned());
    // Whether a policy is one depends on its scope.
    filter::check(attributes)
}

/// What a new subscription is told.
pub(crate) fn of_subscription(protocol: Protocol, told: &Attributes) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    // The scope before the policy that is for it.
    let (first, rest): (Vec<_>, Vec<_>) =
        told.iter().partition(|(name, _)| *name == "FilterPolicyScope");
    for (name, value) in first.into_iter().chain(rest) {
        set_of_subscription(&mut attributes, protocol, name, value)?;
    }
    Ok(attributes)
}
