// SPDX-License-Identifier: Apache-2.0
//! A message: what may be published, and what is kept of it until everybody has it.

use crate::topic::{Fifo, Protocol, Scope, Topic, invalid};
use api::sns::{MessageAttributes, fault};
use fifo::Key;
use names::TraceHeader;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{Context, Result};

pub(crate) const BYTES_MAX: usize = 262_144;
const SUBJECT_MAX: usize = 100;

/// In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) topic_arn: String,
    pub(crate) subject: Option<String>,
    /// For those protocols that have none of their own.
    pub(crate) text: String,
    pub(crate) by_protocol: BTreeMap<String, String>,
    pub(crate) attributes: MessageAttributes,
    /// Milliseconds since 1970.
    pub(crate) time_ms: i64,
    /// The trace header that it was published with.
    pub(crate) trace: String,
    pub(crate) group: Option<String>,
    /// Of a message of a FIFO topic.
    pub(crate) deduplication: Option<String>,
    pub(crate) sequence: Option<u64>,
    /// How the publisher reached this server: `http://127.0.0.1:4566`.
    pub(crate) endpoint: String,
}

/// What `Publish` and the entries of `PublishBatch` have in common.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) subject: Option<String>,
    pub(crate) structure: Option<String>,
    pub(crate) attributes: MessageAttributes,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
}

impl Message {
    pub(crate) fn new(cx: &Context, topic: &Topic, told: Told, time_ms: u64) -> Result<Self> {
        let Told { text, subject, structure, attributes, group, deduplication } = told;
        if text.is_empty() {
            return Err(invalid("Empty message"));
        }
        check_subject(subject.as_deref())?;
        check_attributes(&attributes)?;
        let (text, by_protocol) = match structure.as_deref() {
            None | Some("") => (text, BTreeMap::new()),
            Some("json") => by_protocol(&text)?,
            Some(_) => return Err(invalid("MessageStructure")),
        };
        let message = Self {
            id: uuid::Uuid::new_v4().to_string(),
            topic_arn: topic.key.arn(),
            subject: subject.filter(|subject| !subject.is_empty()),
            text,
            by_protocol,
            attributes,
            time_ms: i64::try_from(time_ms).unwrap_or(i64::MAX),
            group,
            deduplication,
            sequence: None,
            trace: cx.trace.to_string(),
            endpoint: cx.endpoint.clone(),
        };
        if message.bytes() > BYTES_MAX {
            return Err(invalid("Message too long"));
        }
        Ok(message)
    }

    /// What asks an endpoint to confirm.
    pub(crate) fn asking(cx: &Context, topic: &Topic, text: String, time_ms: u64) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            topic_arn: topic.key.arn(),
            text,
            time_ms: i64::try_from(time_ms).unwrap_or(i64::MAX),
            trace: cx.trace.to_string(),
            endpoint: cx.endpoint.clone(),
            ..Self::default()
        }
    }

    /// What counts against AWS's limit: the texts, and the attributes with names and types.
    pub(crate) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| {
            let text = value.string_value.as_ref().map_or(0, String::len);
            let binary = value.binary_value.as_ref().map_or(0, |binary| binary.len());
            name.len() + value.data_type.len() + text + binary
        });
        let texts = self.by_protocol.values().map(String::len);
        self.text.len() + texts.sum::<usize>() + attributes.sum::<usize>()
    }

    pub(crate) fn text_for(&self, protocol: Protocol) -> &str {
        self.by_protocol.get(protocol.as_str()).unwrap_or(&self.text)
    }

    /// Under what its topic knows that it was published, if that is a FIFO topic.
    pub(crate) fn key(&self, fifo: &Fifo) -> Key {
        let group = self.group.clone().filter(|_| fifo.scope == Scope::MessageGroup);
        (group, self.deduplication.clone().unwrap_or_default())
    }

    pub(crate) fn trace(&self) -> TraceHeader {
        TraceHeader::parse(&self.trace).unwrap_or_else(|| TraceHeader::start(0))
    }
}

impl Told {
    /// Has what its topic asks for: of a FIFO topic a group, and an id for deduplication.
    pub(crate) fn sequenced(mut self, topic: &Topic) -> Result<Self> {
        for (name, id) in
            [("MessageGroupId", &self.group), ("MessageDeduplicationId", &self.deduplication)]
        {
            if id.as_ref().is_some_and(|id| !fifo::is_id(id)) {
                return Err(invalid(format!(
                    "{name} Reason: {name} can only include alphanumeric and punctuation characters, 1 to 128 in length"
                )));
            }
        }
        let Some(fifo) = &topic.record.fifo else {
            return match self.deduplication {
                None => Ok(self),
                Some(_) => Err(invalid(
                    "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
                )),
            };
        };
        if self.group.is_none() {
            return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
        }
        if self.deduplication.is_none() {
            if !fifo.knows_content {
                return Err(invalid(
                    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
                ));
            }
            self.deduplication = Some(fifo::id_of_content(&self.text));
        }
        Ok(self)
    }
}

/// The default text, and those of the protocols that we serve.
fn by_protocol(text: &str) -> Result<(String, BTreeMap<String, String>)> {
    let texts: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    let of = |name: &str| texts.get(name).and_then(|text| text.as_str()).map(str::to_owned);
    let Some(default) = of("default") else {
        return Err(invalid("Message Structure - No default entry in JSON message body"));
    };
    let known =
        [Protocol::Sqs, Protocol::Lambda, Protocol::Http, Protocol::Https].map(Protocol::as_str);
    let own = known.iter().filter_map(|name| Some(((*name).to_owned(), of(name)?)));
    Ok((default, own.collect()))
}

fn check_subject(subject: Option<&str>) -> Result<()> {
    let is_good = |subject: &str| {
        subject.chars().count() <= SUBJECT_MAX
            && !subject.starts_with(char::is_whitespace)
            && !subject.contains(char::is_control)
    };
    match subject {
        Some(subject) if !is_good(subject) => Err(invalid("Subject")),
        _ => Ok(()),
    }
}

fn check_attributes(attributes: &MessageAttributes) -> Result<()> {
    let refused = |text: String| Err(fault::invalid_parameter_value(text));
    for (name, value) in attributes {
        let kind = value.data_type.split('.').next().unwrap_or_default();
        let text = value.string_value.as_deref().filter(|text| !text.is_empty());
        let is_there = match kind {
            "String" | "Number" => text.is_some(),
            "Binary" => value.binary_value.as_ref().is_some_and(|binary| !binary.is_empty()),
            _ => {
                return refused(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                ));
            }
        };
        if !is_there {
            return refused(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{}'.",
                value.data_type
            ));
        }
        if kind == "Number" && text.is_some_and(|text| text.trim().parse::<f64>().is_err()) {
            return refused(format!("Could not cast message attribute '{name}' value to number."));
        }
    }
    Ok(())
}
