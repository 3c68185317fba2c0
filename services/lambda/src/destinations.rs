// SPDX-License-Identifier: Apache-2.0
//! Where the end of an event is told: destinations, and how a record gets there.
//!
//! A delivery is an item of the queue like an event: it is on the disk before its event has ended, and stays until its
//! destination has it. A destination that can not be reached, or that no service of this build is behind, keeps it
//! waiting: it is tried again, each time after longer, at most five minutes, and counts against the limits of its function. So a destination
//! may be configured before its service is there, and nothing that it was promised is lost; `tinderbox queue` shows it.

use crate::Invoke;
use crate::asynchronous::{EventHead, json};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::invoke::event_payload;
use crate::service::Service;
use crate::version::Version;
use api::lambda;
use bytes::Bytes;
use events::{Class, New, Next, Work};
use lambda::DestinationConfig;
use names::{FunctionArn, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
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
}

/// What is kept of a delivery beside its record. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryHead {
    pub(crate) request_id: String,
    pub(crate) destination: String,
    trace: String,
}

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
        }
    }

    /// AWS's word. That of a function that is switched off was not checked.
    const fn condition(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "Success",
            Self::Failed { .. } => "RetriesExhausted",
            Self::TooOld => "EventAgeExceeded",
            Self::SwitchedOff => "ZeroReservedConcurrency",
        }
    }

    const fn run(&self) -> Option<(&Arc<Version>, &Outcome)> {
        match self {
            Self::Succeeded { version, outcome } | Self::Failed { version, outcome } => {
                Some((version, outcome))
            }
            Self::TooOld | Self::SwitchedOff => None,
        }
    }
}

impl Ended<'_> {
    /// What is to be delivered of it.
    pub(crate) fn deliveries(
        &self,
        destinations: Option<&DestinationConfig>,
        now: Timestamp,
    ) -> Vec<New> {
        let is_success = matches!(self.how, How::Succeeded { .. });
        let destination = destinations.and_then(|config| match is_success {
            true => config.on_success.as_ref()?.destination.as_ref(),
            false => config.on_failure.as_ref()?.destination.as_ref(),
        });
        let Some(destination) = destination.filter(|arn| !arn.is_empty()) else {
            return Vec::new();
        };
        let head = DeliveryHead {
            request_id: self.head.request_id.clone(),
            destination: destination.clone(),
            trace: self.head.trace.clone(),
        };
        let line = self.work.line.to_string();
        vec![New { line, class: Class::Delivery, head: json(&head), body: json(&self.record(now)) }]
    }

    fn record(&self, now: Timestamp) -> Record<'_> {
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

/// Why a delivery did not arrive.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("no service behind this destination is in this build of Tinderbox")]
    NoService,
    #[error("the destination is not there")]
    NotFound,
    #[error("the destination does not take the record")]
    NotTaken(#[source] Error),
}

impl<I: Invoke> Service<I> {
    /// Tries to deliver. What is taken is kept as the destination's own before the delivery ends.
    pub(crate) fn deliver(&self, work: &Work) -> Next {
        let Ok(head) = serde_json::from_slice::<DeliveryHead>(&work.head) else {
            tracing::error!(function = %work.line, "delivery of another build dropped");
            return Next::End(Vec::new());
        };
        let DeliveryHead { request_id, destination, .. } = &head;
        match self.taken_by(&head, &work.body) {
            Ok(new) => {
                tracing::info!(request_id, destination, function = %work.line, "record delivered");
                Next::End(vec![new])
            }
            Err(error) => {
                tracing::warn!(request_id, destination, function = %work.line, error = &error as &dyn std::error::Error, "record not delivered");
                Next::PutOff { at_most: Duration::MAX }
            }
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
