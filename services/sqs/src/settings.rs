// SPDX-License-Identifier: Apache-2.0
//! The attributes of a queue: what they may be, what they mean, and how they are told.

use crate::queue::{Key, QueueName};
use api::sqs::fault;
use policy::{Document, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use wire::{Fault, Result};

/// What a redrive policy's `maxReceiveCount` may be.
const RECEIVES: RangeInclusive<u32> = 1..=1_000;
const SOURCES_MAX: usize = 10;

/// In the data directory: a new member needs `#[serde(default)]`, which the structure has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) delay_seconds: u32,
    pub(crate) maximum_message_size: u32,
    pub(crate) retention_seconds: u32,
    pub(crate) wait_seconds: u32,
    pub(crate) visibility_seconds: u32,
    pub(crate) policy: Option<String>,
    pub(crate) redrive: Option<Redrive>,
    pub(crate) redrive_allow: Option<RedriveAllow>,
    pub(crate) content_based_deduplication: bool,
    pub(crate) deduplicates_by_group: bool,
    pub(crate) limits_by_group: bool,
    /// Stored only.
    pub(crate) kms_master_key_id: Option<String>,
    /// Stored only.
    pub(crate) kms_reuse_seconds: Option<u32>,
    /// Stored only.
    pub(crate) sqs_managed_sse: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay_seconds: 0,
            maximum_message_size: 1 << 20,
            retention_seconds: 345_600,
            wait_seconds: 0,
            visibility_seconds: 30,
            policy: None,
            redrive: None,
            redrive_allow: None,
            content_based_deduplication: false,
            deduplicates_by_group: false,
            limits_by_group: false,
            kms_master_key_id: None,
            kms_reuse_seconds: None,
            sqs_managed_sse: true,
        }
    }
}

/// Where a queue's dead letters go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrive {
    /// As it was given.
    text: String,
    pub(crate) target: String,
    pub(crate) receives_max: u32,
}

/// Whose dead letters a queue takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedriveAllow {
    text: String,
    permission: Permission,
    sources: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Permission {
    AllowAll,
    DenyAll,
    ByQueue,
}

/// `maxReceiveCount` is sent as a number and as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(i64),
    Text(String),
}

impl Settings {
    /// The settings after these attributes were set.
    pub(crate) fn with(
        &self,
        name: &QueueName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut settings = self.clone();
        for (attribute, value) in attributes {
            settings.set(name, attribute, value)?;
        }
        if settings.limits_by_group && !settings.deduplicates_by_group {
            return Err(fault::invalid_attribute_value(
                "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId needs DeduplicationScope messageGroup.",
            ));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &QueueName, attribute: &str, value: &str) -> Result<()> {
        let number = |range| number(attribute, value, range);
        match attribute {
            "DelaySeconds" => self.delay_seconds = number(0..=900)?,
            "MaximumMessageSize" => self.maximum_message_size = number(1_024..=1_048_576)?,
            "MessageRetentionPeriod" => self.retention_seconds = number(60..=1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(0..=20)?,
            "VisibilityTimeout" => self.visibility_seconds = number(0..=43_200)?,
            "KmsDataKeyReusePeriodSeconds" => {
                self.kms_reuse_seconds = Some(number(60..=86_400)?);
            }
            "KmsMasterKeyId" => {
                self.kms_master_key_id = (!value.is_empty()).then(|| value.to_owned());
                self.sqs_managed_sse &= value.is_empty();
            }
            "SqsManagedSseEnabled" => self.sqs_managed_sse = boolean(attribute, value)?,
            "Policy" => {
                if !value.is_empty() && Document::parse(value, Kind::Resource).is_err() {
                    return Err(invalid(attribute));
                }
                self.policy = (!value.is_empty()).then(|| value.to_owned());
            }
            "RedrivePolicy" => self.redrive = Redrive::parse(value)?,
            "RedriveAllowPolicy" => self.redrive_allow = RedriveAllow::parse(value)?,
            "FifoQueue" if name.is_fifo() && value == "true" => {}
            "ContentBasedDeduplication" if name.is_fifo() => {
                self.content_based_deduplication = boolean(attribute, value)?;
            }
            "DeduplicationScope" if name.is_fifo() => {
                self.deduplicates_by_group = one_of(attribute, value, "messageGroup", "queue")?;
            }
            "FifoThroughputLimit" if name.is_fifo() => {
                self.limits_by_group = one_of(attribute, value, "perMessageGroupId", "perQueue")?;
            }
            "FifoQueue" if name.is_fifo() => return Err(invalid(attribute)),
            _ => {
                return Err(fault::invalid_attribute_name(format!(
                    "Unknown Attribute {attribute}."
                )));
            }
        }
        Ok(())
    }

    /// All attributes that are settings, as they are told.
    pub(crate) fn attributes(&self, name: &QueueName) -> BTreeMap<&'static str, String> {
        let mut all = BTreeMap::from([
            ("DelaySeconds", self.delay_seconds.to_string()),
            ("MaximumMessageSize", self.maximum_message_size.to_string()),
            ("MessageRetentionPeriod", self.retention_seconds.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.wait_seconds.to_string()),
            ("VisibilityTimeout", self.visibility_seconds.to_string()),
            ("SqsManagedSseEnabled", self.sqs_managed_sse.to_string()),
        ]);
        if name.is_fifo() {
            let (scope, limit) = (self.deduplicates_by_group, self.limits_by_group);
            let scope = if scope { "messageGroup" } else { "queue" };
            let limit = if limit { "perMessageGroupId" } else { "perQueue" };
            let deduplication = self.content_based_deduplication.to_string();
            all.extend([
                ("FifoQueue", "true".to_owned()),
                ("ContentBasedDeduplication", deduplication),
                ("DeduplicationScope", scope.to_owned()),
                ("FifoThroughputLimit", limit.to_owned()),
            ]);
        }
        let optional = [
            ("Policy", self.policy.clone()),
            ("RedrivePolicy", self.redrive.as_ref().map(|redrive| redrive.text.clone())),
            ("RedriveAllowPolicy", self.redrive_allow.as_ref().map(|allow| allow.text.clone())),
            ("KmsMasterKeyId", self.kms_master_key_id.clone()),
            ("KmsDataKeyReusePeriodSeconds", self.kms_reuse_seconds.map(|all| all.to_string())),
        ];
        all.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        all
    }
}

impl Redrive {
    /// As it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Nothing for an empty text.
    fn parse(text: &str) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Given {
            dead_letter_target_arn: Option<String>,
            max_receive_count: Option<Count>,
        }
        if text.is_empty() {
            return Ok(None);
        }
        let not_read = |reason: &str| {
            fault::invalid_parameter_value(format!(
                "Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"
            ))
        };
        let given: Given = serde_json::from_str(text)
            .map_err(|_| not_read("Redrive policy is not a valid JSON map."))?;
        let target = given.dead_letter_target_arn.ok_or_else(|| {
            not_read("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = given.max_receive_count.ok_or_else(|| {
            not_read("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
        })?;
        let count = match count {
            Count::Number(count) => u32::try_from(count).ok(),
            Count::Text(count) => count.parse().ok(),
        };
        let receives_max = count.filter(|count| RECEIVES.contains(count)).ok_or_else(|| {
            not_read("Invalid value for maxReceiveCount: valid values are from 1 to 1000 both inclusive.")
        })?;
        Ok(Some(Self { text: text.to_owned(), target, receives_max }))
    }
}

impl RedriveAllow {
    fn parse(text: &str) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Given {
            redrive_permission: Permission,
            #[serde(default)]
            source_queue_arns: Vec<String>,
        }
        if text.is_empty() {
            return Ok(None);
        }
        let given: Option<Given> = serde_json::from_str(text).ok();
        let fits = |given: &Given| {
            let count = given.source_queue_arns.len();
            let is_by_queue = given.redrive_permission == Permission::ByQueue;
            if is_by_queue { (1..=SOURCES_MAX).contains(&count) } else { count == 0 }
        };
        let given = given.filter(fits).ok_or_else(|| invalid("RedriveAllowPolicy"))?;
        let (permission, sources) = (given.redrive_permission, given.source_queue_arns);
        Ok(Some(Self { text: text.to_owned(), permission, sources }))
    }

    pub(crate) fn allows(&self, source: &Key) -> bool {
        match self.permission {
            Permission::AllowAll => true,
            Permission::DenyAll => false,
            Permission::ByQueue => self.sources.contains(&source.arn()),
        }
    }
}

fn number(attribute: &str, value: &str, range: RangeInclusive<u32>) -> Result<u32> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| invalid(attribute))
}

fn boolean(attribute: &str, value: &str) -> Result<bool> {
    one_of(attribute, value, "true", "false")
}

fn one_of(attribute: &str, value: &str, yes: &str, no: &str) -> Result<bool> {
    match value {
        value if value == yes => Ok(true),
        value if value == no => Ok(false),
        _ => Err(invalid(attribute)),
    }
}

fn invalid(attribute: &str) -> Fault {
    fault::invalid_attribute_value(format!("Invalid value for the parameter {attribute}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, attribute: &str, value: &str) -> String {
        let name: QueueName = name.parse().unwrap();
        let given = [(attribute.to_owned(), value.to_owned())].into();
        match Settings::default().with(&name, &given) {
            Ok(settings) => settings.attributes(&name).get(attribute).cloned().unwrap_or_default(),
            Err(fault) => format!("{}: {}", fault.code, fault.message),
        }
    }

    #[test]
    fn bounds_hold_on_both_ends() {
        for (attribute, min, max) in [
            ("DelaySeconds", 0_i64, 900_i64),
            ("MaximumMessageSize", 1_024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("VisibilityTimeout", 0, 43_200),
        ] {
            for good in [min, max] {
                assert_eq!(set("q", attribute, &good.to_string()), good.to_string());
            }
            for bad in [(min - 1).to_string(), (max + 1).to_string(), "x".to_owned()] {
                let expected =
                    format!("InvalidAttributeValue: Invalid value for the parameter {attribute}.");
                assert_eq!(set("q", attribute, &bad), expected, "{bad}");
            }
        }
    }

    #[test]
    fn attributes_of_fifo_queues_are_theirs_alone() {
        assert_eq!(set("q.fifo", "ContentBasedDeduplication", "true"), "true");
        assert_eq!(
            set("q", "ContentBasedDeduplication", "true"),
            "InvalidAttributeName: Unknown Attribute ContentBasedDeduplication."
        );
        assert!(set("q.fifo", "FifoThroughputLimit", "perMessageGroupId").contains("needs"));
    }

    #[test]
    fn redrive_policies() {
        let good = r#"{"deadLetterTargetArn":"a","maxReceiveCount":"3"}"#;
        assert_eq!(set("q", "RedrivePolicy", good), good);
        assert_eq!(set("q", "RedrivePolicy", ""), "");
        for bad in [
            "x",
            r#"{"maxReceiveCount":3}"#,
            r#"{"deadLetterTargetArn":"a"}"#,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":1001}"#,
        ] {
            assert!(set("q", "RedrivePolicy", bad).starts_with("InvalidParameterValue"), "{bad}");
        }
        let allow = r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#;
        assert_eq!(set("q", "RedriveAllowPolicy", allow), allow);
        for bad in [
            r#"{"redrivePermission":"byQueue"}"#,
            r#"{"redrivePermission":"allowAll","sourceQueueArns":["a"]}"#,
            r#"{"redrivePermission":"some"}"#,
        ] {
            assert!(
                set("q", "RedriveAllowPolicy", bad).starts_with("InvalidAttributeValue"),
                "{bad}"
            );
        }
    }
}
