// SPDX-License-Identifier: Apache-2.0
//! What subscriptions get of a message: AWS's notification, for a queue and for a function. Pure.
//!
//! Nothing here is signed: `Signature` and the URL of its certificate are empty.

use crate::message::Message;
use crate::topic::Protocol;
use api::{sns, sqs};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use wire::Timestamp;

/// Attributes that a message of a queue may have.
pub(crate) const QUEUE_ATTRIBUTES_MAX: usize = 10;

/// The body of a queue's message.
pub(crate) fn for_queue(message: &Message, subscription_arn: &str) -> String {
    let mut notification = Map::new();
    let mut add = |name: &str, value: Value| drop(notification.insert(name.to_owned(), value));
    add("Type", "Notification".into());
    add("MessageId", message.id.as_str().into());
    if let Some(sequence) = message.sequence {
        add("SequenceNumber", fifo::sequence_text(sequence).into());
    }
    add("TopicArn", message.topic_arn.as_str().into());
    if let Some(subject) = &message.subject {
        add("Subject", subject.as_str().into());
    }
    add("Message", message.text_for(Protocol::Sqs).into());
    add("Timestamp", time(message).into());
    // FIFO topics sign nothing.
    if message.sequence.is_none() {
        add("SignatureVersion", "1".into());
        add("Signature", "".into());
        add("SigningCertURL", "".into());
    }
    add("UnsubscribeURL", unsubscribe_url(message, subscription_arn).into());
    if !message.attributes.is_empty() {
        add("MessageAttributes", attributes(message));
    }
    Value::Object(notification).to_string()
}

/// The event of a function.
pub(crate) fn for_function(message: &Message, subscription_arn: &str) -> Bytes {
    let event = json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": message.id,
            "TopicArn": message.topic_arn,
            "Subject": message.subject,
            "Message": message.text_for(Protocol::Lambda),
            "Timestamp": time(message),
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertUrl": "",
            "UnsubscribeUrl": unsubscribe_url(message, subscription_arn),
            "MessageAttributes": attributes(message),
        },
    }]});
    event.to_string().into()
}

/// The attributes of a message that is delivered as it was published. `None`: a queue does not take so many.
pub(crate) fn raw_attributes(message: &Message) -> Option<sqs::MessageAttributes> {
    let of_queue = |(name, value): (&String, &sns::MessageAttributeValue)| {
        let value = sqs::MessageAttributeValue {
            string_value: value.string_value.clone(),
            binary_value: value.binary_value.clone(),
            data_type: value.data_type.clone(),
            ..sqs::MessageAttributeValue::default()
        };
        (name.clone(), value)
    };
    (message.attributes.len() <= QUEUE_ATTRIBUTES_MAX)
        .then(|| message.attributes.iter().map(of_queue).collect())
}

fn attributes(message: &Message) -> Value {
    let member = |(name, value): (&String, &sns::MessageAttributeValue)| {
        let text = match &value.binary_value {
            Some(binary) => STANDARD.encode(&binary[..]),
            None => value.string_value.clone().unwrap_or_default(),
        };
        (name.clone(), json!({"Type": value.data_type, "Value": text}))
    };
    Value::Object(message.attributes.iter().map(member).collect())
}

fn time(message: &Message) -> String {
    Timestamp::from_epoch_ms(message.time_ms).iso_milli_text()
}

fn unsubscribe_url(message: &Message, subscription_arn: &str) -> String {
    format!("{}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}", message.endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn message() -> Message {
        let value = sns::MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some("v".to_owned()),
            binary_value: None,
        };
        Message {
            id: "id".to_owned(),
            topic_arn: "arn:aws:sns:us-east-1:000000000000:t".to_owned(),
            text: "hello".to_owned(),
            attributes: [("a".to_owned(), value)].into(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
            ..Message::default()
        }
    }

    #[test]
    fn functions_get_awss_event() {
        let event = for_function(&message(), "arn:aws:sns:us-east-1:000000000000:t:s");
        expect![[r#"{"Records":[{"EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:000000000000:t:s","EventVersion":"1.0","Sns":{"Message":"hello","MessageAttributes":{"a":{"Type":"String","Value":"v"}},"MessageId":"id","Signature":"","SignatureVersion":"1","SigningCertUrl":"","Subject":null,"Timestamp":"1970-01-01T00:00:00.000Z","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Type":"Notification","UnsubscribeUrl":"http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:t:s"}}]}"#]]
            .assert_eq(std::str::from_utf8(&event).unwrap());
    }

    #[test]
    fn queues_get_awss_notification() {
        expect![[r#"{"Message":"hello","MessageAttributes":{"a":{"Type":"String","Value":"v"}},"MessageId":"id","Signature":"","SignatureVersion":"1","SigningCertURL":"","Timestamp":"1970-01-01T00:00:00.000Z","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Type":"Notification","UnsubscribeURL":"http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn=s"}"#]]
            .assert_eq(&for_queue(&message(), "s"));
    }
}
