// SPDX-License-Identifier: Apache-2.0
//! Where the end of an event is told: destinations, and how a record gets there.
//!
//! A delivery is an item of the queue like an event: it is on the disk before its event has ended, and stays until its
//! destination has it: a function, by the same queue, or a queue, a topic, a bus or a bucket, by their own operations. The role of the
//! version that ran is asked each time, and across accounts the policy of what is there. A destination that can not be reached, or that no service
//! of this build is behind, keeps it waiting: it is tried again, each time after longer, at most five minutes, and counts against the limits of its function. A record that
//! is too long for its destination, or that its role may not send, is dropped, as on AWS. So a destination
//! may be configured before its service is there, and nothing that it was promised is lost; `tinderbox queue` shows it.

use crate::Invoke;
use crate::asynchronous::{EventHead, json};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::invoke::event_payload;
use crate::service::Service;
use crate::version::Version;
use crate::watched;
use api::eventbridge::{PutEventsInput, PutEventsRequestEntry};
use api::lambda;
use api::sns::{self, PublishInput};
use api::sqs::{self, SendMessageInput};
use bytes::Bytes;
use events::{Class, New, Next, Work};
use lambda::DestinationConfig;
use meter::Metric;
use names::{FunctionArn, RequestId, TraceHeader};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use targets::{NotTaken, Parcel, Sender};
use wire::Timestamp;
use worker::Outcome;

/// An event at its end.
pub(crate) struct Ended<'a> {
    pub(crate) work: &'a Work,
    pub(crate) head: &'a EventHead,
    pub(crate) function: &'a Function,
    pub(crate) attempts: u32,
    pub(crate) how: How,
}

/// How an event ended.
pub(crate) enum How {
    Succeeded {
        version: Arc<Version>,
        outcome: Outcome,
    },
    /// Each attempt that it had came back with a function error.
    Failed {
        version: Arc<Version>,
        outcome: Outcome,
    },
    /// It became older than its function wants events to be.
    TooOld,
    /// Its function has a reserved concurrency of none.
    SwitchedOff,
    /// Its chain came by its function too often.
    Recursive,
}

/// What is kept of a delivery beside its record. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryHead {
    pub(crate) request_id: String,
    pub(crate) destination: String,
    trace: String,
    /// Of a dead letter, whose body is the event itself: what the function failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_letter: Option<DeadLetter>,
    /// The version that ran, or what the event was for: its role sends. Without, `$LATEST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    /// Of a record for a bucket: its key, so that it is one object however often it is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object_key: Option<String>,
}

/// The attributes of a dead letter's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeadLetter {
    error_code: u16,
    error_message: String,
}

/// The condition of an event that succeeded.
const SUCCESS: &str = "Success";
/// Bytes of a dead letter's `ErrorMessage`.
const ERROR_MESSAGE_BYTES_MAX: usize = 1_024;

/// A record as destinations get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    version: &'static str,
    timestamp: String,
    request_context: RequestContext<'a>,
    request_payload: Document<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Document<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: String,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    status_code: u16,
    executed_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
}

/// A payload in a record: as it is if it is JSON, and as text otherwise.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Document<'a> {
    Json(&'a RawValue),
    Text(String),
}

impl<'a> Document<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(document) => Self::Json(document),
            Err(_) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

impl How {
    /// For the log.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "ok",
            Self::Failed { .. } => "function_error",
            Self::TooOld => "too_old",
            Self::SwitchedOff => "switched_off",
            Self::Recursive => "recursive",
        }
    }

    /// AWS's word. Those of a function that is switched off and of a loop were not checked.
    const fn condition(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => SUCCESS,
            Self::Failed { .. } => "RetriesExhausted",
            Self::TooOld => "EventAgeExceeded",
            Self::SwitchedOff => "ZeroReservedConcurrency",
            Self::Recursive => "RecursiveInvocation",
        }
    }

    const fn run(&self) -> Option<(&Arc<Version>, &Outcome)> {
        match self {
            Self::Succeeded { version, outcome } | Self::Failed { version, outcome } => {
                Some((version, outcome))
            }
            Self::TooOld | Self::SwitchedOff | Self::Recursive => None,
        }
    }
}

impl Ended<'_> {
    /// The delivery of its record, if it has a destination.
    pub(crate) fn record(&self, config: Option<&DestinationConfig>, now: Timestamp) -> Option<New> {
        let destination = match self.how {
            How::Succeeded { .. } => config?.on_success.as_ref()?.destination.as_ref(),
            _ => config?.on_failure.as_ref()?.destination.as_ref(),
        };
        let destination = destination.filter(|arn| !arn.is_empty())?;
        let object_key = is_bucket(destination).then(|| self.object_key(now));
        let head = DeliveryHead { object_key, ..self.head(destination) };
        Some(self.delivery(&head, json(&self.document(now))))
    }

    /// The delivery of the event itself to where its function's dead letters go, if it failed.
    pub(crate) fn dead_letter(&self, target: &str) -> Option<New> {
        let error_message = match &self.how {
            How::Succeeded { .. } => return None,
            How::Failed { outcome, .. } => message_in(&outcome.payload),
            how => how.condition().to_owned(),
        };
        let dead_letter = Some(DeadLetter { error_code: 200, error_message });
        let head = DeliveryHead { dead_letter, ..self.head(target) };
        Some(self.delivery(&head, self.work.body.clone()))
    }

    fn head(&self, destination: &str) -> DeliveryHead {
        let ran = self.how.run().map(|(version, _)| version.number.to_string());
        DeliveryHead {
            request_id: self.head.request_id.clone(),
            destination: destination.to_owned(),
            trace: self.head.trace.clone(),
            dead_letter: None,
            qualifier: ran.or_else(|| self.head.qualifier.clone()),
            object_key: None,
        }
    }

    fn delivery(&self, head: &DeliveryHead, body: Bytes) -> New {
        let line = self.work.line.to_string();
        New { line, class: Class::Delivery, head: json(head), body }
    }

    /// `PREFIX/2026/11/23/2026-11-23T04.00.00-UUID`
    fn object_key(&self, now: Timestamp) -> String {
        let text = now.iso_milli_text();
        let (date, time) = text.split_once('T').unwrap_or((&text, ""));
        let time = time.split('.').next().unwrap_or_default().replace(':', ".");
        let (days, unique) = (date.replace('-', "/"), RequestId::random());
        format!("{}{days}/{date}T{time}-{unique}", object_prefix(&self.function.key))
    }

    fn document(&self, now: Timestamp) -> Record<'_> {
        let qualifier = self.head.qualifier.as_deref().unwrap_or("$LATEST");
        let run = self.how.run();
        Record {
            version: "1.0",
            timestamp: now.iso_milli_text(),
            request_context: RequestContext {
                request_id: &self.head.request_id,
                function_arn: self.function.key.qualified_arn(qualifier),
                condition: self.how.condition(),
                approximate_invoke_count: self.attempts,
            },
            request_payload: Document::of(&self.work.body),
            response_context: run.map(|(version, outcome)| ResponseContext {
                status_code: 200,
                executed_version: version.number.to_string(),
                function_error: outcome.is_function_error.then_some("Unhandled"),
            }),
            response_payload: run.map(|(_, outcome)| Document::of(&outcome.payload)),
        }
    }
}

impl DeliveryHead {
    pub(crate) const fn is_dead_letter(&self) -> bool {
        self.dead_letter.is_some()
    }

    pub(crate) fn trace_text(&self) -> &str {
        &self.trace
    }

    fn trace(&self) -> Option<TraceHeader> {
        TraceHeader::parse(&self.trace)
    }

    fn to_queue(&self, body: &Bytes) -> Option<Parcel> {
        let input = SendMessageInput {
            message_body: String::from_utf8_lossy(body).into_owned(),
            message_attributes: self.dead_letter.as_ref().map(|letter| letter.of_queue(self)),
            ..SendMessageInput::default()
        };
        Some(Parcel::Message { queue: self.destination.parse().ok()?, input })
    }

    fn to_topic(&self, body: &Bytes) -> Parcel {
        let input = PublishInput {
            topic_arn: Some(self.destination.clone()),
            message: String::from_utf8_lossy(body).into_owned(),
            message_attributes: self.dead_letter.as_ref().map(|letter| letter.of_topic(self)),
            ..PublishInput::default()
        };
        Parcel::Notification { input }
    }

    fn to_bus(&self, function: &Key, record: &Bytes) -> Parcel {
        let how = if succeeded(record) { "Success" } else { "Failure" };
        let entry = PutEventsRequestEntry {
            source: Some("lambda".to_owned()),
            detail_type: Some(format!("Lambda Function Invocation Result - {how}")),
            resources: Some(vec![self.destination.clone(), function.arn()]),
            detail: Some(String::from_utf8_lossy(record).into_owned()),
            ..PutEventsRequestEntry::default()
        };
        let input = PutEventsInput { entries: vec![entry], ..PutEventsInput::default() };
        Parcel::Events { bus_arn: self.destination.clone(), input }
    }

    fn to_bucket(&self, record: &Bytes) -> Option<Parcel> {
        let bucket = self.destination.rsplit(':').next()?.to_owned();
        let (key, body) = (self.object_key.clone()?, record.clone().into());
        Some(Parcel::Object { bucket, key, body })
    }
}

impl DeadLetter {
    /// Name, type and value of each.
    fn attributes(&self, head: &DeliveryHead) -> impl Iterator<Item = (String, String, String)> {
        let all = [
            ("RequestID", "String", head.request_id.clone()),
            ("ErrorCode", "Number", self.error_code.to_string()),
            ("ErrorMessage", "String", self.error_message.clone()),
        ];
        // An attribute has a value, or is not there.
        let told = all.into_iter().filter(|(.., value)| !value.is_empty());
        told.map(|(name, kind, value)| (name.to_owned(), kind.to_owned(), value))
    }

    fn of_queue(&self, head: &DeliveryHead) -> sqs::MessageAttributes {
        let attribute = |(name, data_type, value)| {
            let value = sqs::MessageAttributeValue {
                string_value: Some(value),
                data_type,
                ..sqs::MessageAttributeValue::default()
            };
            (name, value)
        };
        self.attributes(head).map(attribute).collect()
    }

    fn of_topic(&self, head: &DeliveryHead) -> sns::MessageAttributes {
        let attribute = |(name, data_type, value)| {
            let string_value = Some(value);
            (name, sns::MessageAttributeValue { data_type, string_value, binary_value: None })
        };
        self.attributes(head).map(attribute).collect()
    }
}

/// Whether a record is of an event that succeeded.
fn succeeded(record: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told<'a> {
        #[serde(borrow)]
        request_context: Context<'a>,
    }
    #[derive(Deserialize)]
    struct Context<'a> {
        condition: &'a str,
    }
    let told: Option<Told<'_>> = serde_json::from_slice(record).ok();
    told.is_some_and(|told| told.request_context.condition == SUCCESS)
}

/// What a function's error document says, as far as a dead letter tells it.
fn message_in(document: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "errorMessage")]
        error_message: String,
    }
    let failure: Option<Failure> = serde_json::from_slice(document).ok();
    let mut message = failure.map(|failure| failure.error_message).unwrap_or_default();
    message.truncate(message.floor_char_boundary(ERROR_MESSAGE_BYTES_MAX));
    message
}

fn is_bucket(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("s3")
}

/// Before the keys of a function's records in a bucket.
fn object_prefix(key: &Key) -> String {
    format!("aws/lambda/async/{}/", key.name)
}

/// A session of the function's role, as the function itself has one.
fn sender(key: &Key, role: &str) -> Sender {
    let (arn, session) = (role.to_owned(), key.name.to_string());
    Sender::Role { arn, session, source_arn: key.arn() }
}

/// What AWS calls the operation that sends there, and its service.
fn operation_at(arn: &str) -> (&'static str, &'static str) {
    match arn.split(':').nth(2) {
        Some("sqs") => ("SendMessage", "SQS"),
        Some("sns") => ("Publish", "SNS"),
        Some("events") => ("PutEvents", "EventBridge"),
        Some("lambda") => ("InvokeFunction", "Lambda"),
        _ => ("PutObject", "S3"),
    }
}

/// Why a delivery did not arrive.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("no service behind this destination is in this build of Tinderbox")]
    NoService,
    #[error("the destination is not there")]
    NotFound,
    #[error("what ran is not there any more, and its role is not known")]
    NoRole,
    #[error("the destination does not take the record")]
    NotTaken(#[source] Error),
    #[error("the destination does not take the record, or not from this function's role")]
    NotSent(#[from] NotTaken),
}

impl Undelivered {
    /// Whether the record is not taken, be it today or tomorrow: it is too long, has letters that a queue refuses, or nobody lets the
    /// role send it. A destination that is not there may be, some day.
    fn is_of_the_record(&self) -> bool {
        match self {
            Self::NoService | Self::NotFound | Self::NotSent(NotTaken::NotNow { .. }) => false,
            Self::NoRole | Self::NotTaken(_) => true,
            Self::NotSent(NotTaken::Never { code, .. }) => {
                let absent = ["NotFound", "NonExistentQueue", "NoSuchBucket", "QueueDoesNotExist"];
                !absent.iter().any(|word| code.contains(word))
            }
        }
    }
}

impl<I: Invoke> Service<I> {
    /// Tries to deliver. What is taken is kept as the destination's own before the delivery ends.
    pub(crate) async fn deliver(&self, work: &Work) -> Next {
        let Ok(head) = serde_json::from_slice::<DeliveryHead>(&work.head) else {
            tracing::error!(function = %work.line, "delivery of another build dropped");
            return Next::End(Vec::new());
        };
        let DeliveryHead { request_id, destination, .. } = &head;
        let taken = self.hand_over(work, &head).await;
        match taken {
            Ok(follows) => {
                tracing::info!(request_id, destination, function = %work.line, "record delivered");
                watched::delivered(work, &head);
                Next::End(follows)
            }
            Err(error) => {
                let is_dropped = error.is_of_the_record();
                tracing::warn!(request_id, destination, function = %work.line, is_dropped, error = &error as &dyn std::error::Error, "record not delivered");
                watched::undelivered(work, &head, &error, is_dropped);
                self.note_undelivered(work, &head);
                match is_dropped {
                    true => Next::End(Vec::new()),
                    false => Next::PutOff { at_most: Duration::MAX },
                }
            }
        }
    }

    fn note_undelivered(&self, work: &Work, head: &DeliveryHead) {
        let metric = match head.dead_letter {
            Some(_) => Metric::DeadLetterErrors,
            None => Metric::DestinationDeliveryFailures,
        };
        if let Ok(FunctionArn { account, region, name, .. }) = work.line.parse() {
            self.note(&Key { account, region, name }, None, metric);
        }
    }

    /// Sends a record, or a dead letter with what its function failed with, as the role that what ran has now. What follows
    /// in this queue is for a function.
    async fn hand_over(&self, work: &Work, head: &DeliveryHead) -> Result<Vec<New>, Undelivered> {
        let destination = &head.destination;
        let Some(targets) = &self.options.targets else {
            return self.taken_by(head, &work.body).map(|new| vec![new]);
        };
        let FunctionArn { account, region, name, .. } =
            work.line.parse().map_err(|_| Undelivered::NoRole)?;
        let key = Key { account, region, name };
        let function = self.table.get(&key).ok_or(Undelivered::NoRole)?;
        let qualifier = head.qualifier.as_deref().and_then(|text| text.parse().ok());
        let version = function.find(qualifier.as_ref()).ok_or(Undelivered::NoRole)?;
        let sender = sender(&key, &version.record.settings.role);
        let parcel = match destination.split(':').nth(2) {
            Some("sqs") => head.to_queue(&work.body),
            Some("sns") => Some(head.to_topic(&work.body)),
            Some("events") => Some(head.to_bus(&key, &work.body)),
            Some("s3") => head.to_bucket(&work.body),
            _ => {
                targets.check(&sender, destination).await?;
                return self.taken_by(head, &work.body).map(|new| vec![new]);
            }
        };
        let parcel = parcel.ok_or(Undelivered::NotFound)?;
        let trace = head.trace().ok_or(Undelivered::NotFound)?;
        targets.deliver(&sender, trace, parcel).await?;
        Ok(Vec::new())
    }

    /// Refuses a target that a function's role may not send to. Whether it is there shows when something is delivered.
    pub(crate) async fn check_target(&self, key: &Key, role: &str, arn: &str) -> Result<(), Error> {
        let Some(targets) = &self.options.targets else { return Ok(()) };
        let object = is_bucket(arn).then(|| format!("{arn}/{}", object_prefix(key)));
        match targets.check(&sender(key, role), object.as_deref().unwrap_or(arn)).await {
            Err(NotTaken::Never { code, .. }) if code.starts_with("AccessDenied") => {
                let (operation, service) = operation_at(arn);
                Err(Error::InvalidParameter(format!(
                    "The provided execution role does not have permissions to call {operation} on {service}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// What a record becomes at its destination.
    fn taken_by(&self, head: &DeliveryHead, record: &Bytes) -> Result<New, Undelivered> {
        let arn: FunctionArn = head.destination.parse().map_err(|_| Undelivered::NoService)?;
        let key = Key { account: arn.account, region: arn.region, name: arn.name };
        let function = self.table.get(&key).ok_or(Undelivered::NotFound)?;
        function.find(arn.qualifier.as_ref()).ok_or(Undelivered::NotFound)?;
        let payload = event_payload(record.clone()).map_err(Undelivered::NotTaken)?;
        let head = EventHead {
            request_id: RequestId::random().to_string(),
            qualifier: arn.qualifier.map(|qualifier| qualifier.to_string()),
            tenant_id: None,
            trace: head.trace.clone(),
        };
        Ok(head.item(&key, payload))
    }
}
