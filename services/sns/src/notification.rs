// SPDX-License-Identifier: Apache-2.0
//! What subscriptions get of a message: AWS's notification, for a queue and for a function. Pure.

use crate::links;
use crate::message::Message;
use crate::signing::Signature;
use api::{sns, sqs};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use wire::Timestamp;

/// `Type`
pub(crate) const NOTIFICATION: &str = "Notification";
/// Attributes that a message of a queue may have.
pub(crate) const QUEUE_ATTRIBUTES_MAX: usize = 10;

/// What stands around a message.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    /// The message's, for this protocol.
    pub(crate) text: &'a str,
    pub(crate) subscription_arn: &'a str,
    /// What links begin with.
    pub(crate) base: Cow<'a, str>,
    pub(crate) signature: Option<Signature>,
}

/// What is signed of a notification with this text.
pub(crate) fn signed_text(message: &Message, text: &str) -> String {
    let (subject, time) = (message.subject.as_deref(), time(message));
    let mut all = vec![("Message", text), ("MessageId", &message.id)];
    all.extend(subject.map(|subject| ("Subject", subject)));
    all.extend([("Timestamp", &*time), ("TopicArn", &message.topic_arn), ("Type", NOTIFICATION)]);
    signed(&all)
}

/// What an endpoint is asked, or told when it has ended: that it may confirm its subscription with a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) kind: QuestionKind,
    pub(crate) token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum QuestionKind {
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl QuestionKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }

    /// AWS's words.
    pub(crate) fn text(self, topic_arn: &str, subscription_arn: &str) -> String {
        match self {
            Self::SubscriptionConfirmation => format!(
                "You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
            ),
            Self::UnsubscribeConfirmation => format!(
                "You have chosen to deactivate subscription {subscription_arn}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
            ),
        }
    }
}

/// What is signed of a question, whose text is the message's.
pub(crate) fn signed_question(message: &Message, question: &Question, base: &str) -> String {
    let time = time(message);
    let link = links::confirming(base, &message.topic_arn, &question.token);
    signed(&[
        ("Message", &message.text),
        ("MessageId", &message.id),
        ("SubscribeURL", &link),
        ("Timestamp", &time),
        ("Token", &question.token),
        ("TopicArn", &message.topic_arn),
        ("Type", question.kind.as_str()),
    ])
}

/// The question in JSON.
pub(crate) fn ask(
    message: &Message,
    question: &Question,
    base: &str,
    signature: &Signature,
) -> String {
    json!({
        "Type": question.kind.as_str(),
        "MessageId": message.id,
        "Token": question.token,
        "TopicArn": message.topic_arn,
        "Message": message.text,
        "SubscribeURL": links::confirming(base, &message.topic_arn, &question.token),
        "Timestamp": time(message),
        "SignatureVersion": signature.version.as_str(),
        "Signature": signature.text,
        "SigningCertURL": links::certificate(base, &signature.certificate),
    })
    .to_string()
}

/// In this order, as AWS has it.
fn signed(all: &[(&str, &str)]) -> String {
    all.iter().flat_map(|(name, value)| [*name, "\n", *value, "\n"]).collect()
}

/// A notification in JSON: the body of a queue's message.
pub(crate) fn envelop(message: &Message, envelope: &Envelope<'_>) -> String {
    let mut notification = Map::new();
    let mut add = |name: &str, value: Value| drop(notification.insert(name.to_owned(), value));
    add("Type", NOTIFICATION.into());
    add("MessageId", message.id.as_str().into());
    if let Some(sequence) = message.sequence {
        add("SequenceNumber", fifo::sequence_text(sequence).into());
    }
    add("TopicArn", message.topic_arn.as_str().into());
    if let Some(subject) = &message.subject {
        add("Subject", subject.as_str().into());
    }
    add("Message", envelope.text.into());
    add("Timestamp", time(message).into());
    if let Some(signature) = &envelope.signature {
        add("SignatureVersion", signature.version.as_str().into());
        add("Signature", signature.text.as_str().into());
        add("SigningCertURL", links::certificate(&envelope.base, &signature.certificate).into());
    }
    let unsubscribing = links::unsubscribing(&envelope.base, envelope.subscription_arn);
    add("UnsubscribeURL", unsubscribing.into());
    if !message.attributes.is_empty() {
        add("MessageAttributes", attributes(message));
    }
    Value::Object(notification).to_string()
}

/// The event of a function.
pub(crate) fn for_function(message: &Message, envelope: &Envelope<'_>) -> Bytes {
    let signature = envelope.signature.clone().unwrap_or_default();
    let event = json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": envelope.subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": message.id,
            "TopicArn": message.topic_arn,
            "Subject": message.subject,
            "Message": envelope.text,
            "Timestamp": time(message),
            "SignatureVersion": signature.version.as_str(),
            "Signature": signature.text,
            "SigningCertUrl": links::certificate(&envelope.base, &signature.certificate),
            "UnsubscribeUrl": links::unsubscribing(&envelope.base, envelope.subscription_arn),
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
            ..Message::default()
        }
    }

    fn envelope(subscription_arn: &str, signature: Option<Signature>) -> Envelope<'_> {
        Envelope {
            text: "hello",
            subscription_arn,
            base: "http://127.0.0.1:4566".into(),
            signature,
        }
    }

    fn signature() -> Option<Signature> {
        Some(Signature {
            text: "c2ln".to_owned(),
            certificate: "c.pem".to_owned(),
            ..Signature::default()
        })
    }

    #[test]
    fn functions_get_awss_event() {
        let envelope = envelope("arn:aws:sns:us-east-1:000000000000:t:s", signature());
        let event = for_function(&message(), &envelope);
        expect![[r#"{"Records":[{"EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:000000000000:t:s","EventVersion":"1.0","Sns":{"Message":"hello","MessageAttributes":{"a":{"Type":"String","Value":"v"}},"MessageId":"id","Signature":"c2ln","SignatureVersion":"1","SigningCertUrl":"http://127.0.0.1:4566/_tinderbox/sns/c.pem","Subject":null,"Timestamp":"1970-01-01T00:00:00.000Z","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Type":"Notification","UnsubscribeUrl":"http://127.0.0.1:4566/_tinderbox/sns/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:t:s"}}]}"#]].assert_eq(std::str::from_utf8(&event).unwrap());
    }

    #[test]
    fn queues_get_awss_notification() {
        expect![[r#"{"Message":"hello","MessageAttributes":{"a":{"Type":"String","Value":"v"}},"MessageId":"id","Signature":"c2ln","SignatureVersion":"1","SigningCertURL":"http://127.0.0.1:4566/_tinderbox/sns/c.pem","Timestamp":"1970-01-01T00:00:00.000Z","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Type":"Notification","UnsubscribeURL":"http://127.0.0.1:4566/_tinderbox/sns/?Action=Unsubscribe&SubscriptionArn=s"}"#]].assert_eq(&envelop(&message(), &envelope("s", signature())));
    }

    #[test]
    fn what_is_signed_is_awss() {
        let subject = Some("greeting".to_owned());
        let message = Message { subject, ..message() };
        expect![[r#"
            Message
            hello
            MessageId
            id
            Subject
            greeting
            Timestamp
            1970-01-01T00:00:00.000Z
            TopicArn
            arn:aws:sns:us-east-1:000000000000:t
            Type
            Notification
        "#]]
        .assert_eq(&signed_text(&message, "hello"));
    }
}
