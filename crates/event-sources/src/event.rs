// SPDX-License-Identifier: Apache-2.0
//! The event that a function gets for a batch, and the record of one message in it.

use crate::mapping::Mapping;
use api::sqs::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use names::TraceHeader;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes of an event.
pub(crate) const BYTES_MAX: usize = 6 << 20;
const START: &[u8] = b"{\"Records\":[";
const END: &[u8] = b"]}";

/// A message that was received for a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// As it stands in an event.
    pub(crate) record: Vec<u8>,
    pub(crate) id: String,
    pub(crate) handle: String,
    pub(crate) trace: Option<TraceHeader>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: &'a BTreeMap<String, String>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<&'a str>,
    md5_of_body: &'a str,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [(); 0],
    binary_list_values: [(); 0],
    data_type: &'a str,
}

impl<'a> Attribute<'a> {
    fn of(value: &'a MessageAttributeValue) -> Self {
        Self {
            string_value: value.string_value.as_deref(),
            binary_value: value.binary_value.as_deref().map(|bytes| STANDARD.encode(bytes)),
            string_list_values: [],
            binary_list_values: [],
            data_type: &value.data_type,
        }
    }
}

impl Received {
    pub(crate) fn of(mapping: &Mapping, message: Message) -> Self {
        let attributes = message.attributes.unwrap_or_default();
        let of_message = message.message_attributes.as_ref();
        let id = message.message_id.unwrap_or_default();
        let handle = message.receipt_handle.unwrap_or_default();
        let record = Record {
            message_id: &id,
            receipt_handle: &handle,
            body: message.body.as_deref().unwrap_or_default(),
            attributes: &attributes,
            message_attributes: of_message
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str(), Attribute::of(value)))
                .collect(),
            md5_of_message_attributes: message.md5_of_message_attributes.as_deref(),
            md5_of_body: message.md5_of_body.as_deref().unwrap_or_default(),
            event_source: "aws:sqs",
            event_source_arn: &mapping.queue.to_string(),
            aws_region: mapping.queue.region.as_str(),
        };
        // Texts become JSON without fail.
        let record = serde_json::to_vec(&record).unwrap_or_default();
        let trace = attributes.get("AWSTraceHeader").and_then(|text| TraceHeader::parse(text));
        Self { record, id, handle, trace }
    }
}

/// One event of these.
pub(crate) fn event(received: &[Received]) -> Bytes {
    let records: usize = received.iter().map(|received| received.record.len() + 1).sum();
    let mut event = Vec::with_capacity(START.len() + records + END.len());
    event.extend_from_slice(START);
    for (place, received) in received.iter().enumerate() {
        if place > 0 {
            event.push(b',');
        }
        event.extend_from_slice(&received.record);
    }
    event.extend_from_slice(END);
    event.into()
}

/// As few events as it takes for each to be small enough, in their order.
pub(crate) fn parts(received: Vec<Received>) -> Vec<Vec<Received>> {
    let mut parts: Vec<Vec<Received>> = Vec::new();
    let mut bytes = usize::MAX;
    for received in received {
        let more = received.record.len() + 1;
        if bytes.saturating_add(more) > BYTES_MAX {
            parts.push(Vec::new());
            bytes = START.len() + END.len();
        }
        bytes += more;
        if let Some(last) = parts.last_mut() {
            last.push(received);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::tests::mapping;
    use serde_json::{Value, json};

    #[test]
    fn the_event_is_awss() {
        let number = MessageAttributeValue {
            string_value: Some("7".to_owned()),
            data_type: "Number".to_owned(),
            ..MessageAttributeValue::default()
        };
        let binary = MessageAttributeValue {
            binary_value: Some(vec![1, 2].into()),
            data_type: "Binary".to_owned(),
            ..MessageAttributeValue::default()
        };
        let message = Message {
            message_id: Some("id".to_owned()),
            receipt_handle: Some("handle".to_owned()),
            body: Some("a \"b\"".to_owned()),
            md5_of_body: Some("sum".to_owned()),
            attributes: Some(
                [("MessageGroupId", "g"), ("SentTimestamp", "1")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            ),
            message_attributes: Some([("n".to_owned(), number), ("b".to_owned(), binary)].into()),
            ..Message::default()
        };
        let received = Received::of(&mapping(), message);
        let event: Value = serde_json::from_slice(&event(&[received.clone(), received])).unwrap();
        let record = json!({
            "messageId": "id", "receiptHandle": "handle", "body": "a \"b\"", "md5OfBody": "sum",
            "attributes": {"MessageGroupId": "g", "SentTimestamp": "1"},
            "messageAttributes": {
                "n": {"stringValue": "7", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
                "b": {"binaryValue": "AQI=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
            },
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1",
        });
        assert_eq!(event, json!({"Records": [record, record]}));
    }

    #[test]
    fn events_stay_small_enough() {
        let received = |mb: usize| Received {
            record: vec![b'1'; mb << 20],
            id: mb.to_string(),
            handle: String::new(),
            trace: None,
        };
        let parts = parts([1, 2, 3, 1, 7, 1].map(received).into());
        let ids = parts.iter().map(|part| part.iter().map(|one| one.id.as_str()).collect());
        assert_eq!(ids.collect::<Vec<String>>(), ["12", "31", "7", "1"]);
        assert!(event(&parts[0]).len() <= BYTES_MAX);
        assert_eq!(event(&[]).as_ref(), b"{\"Records\":[]}");
    }
}
