// SPDX-License-Identifier: Apache-2.0
//! What services send to: functions, queues, topics, buses, log groups and buckets, by their ARNs, on behalf of somebody who may.
//!
//! A service never calls a service. Whatever passes something on hands it to [`Deliver`], which asks the policies as AWS does and
//! then calls the operation that clients call.
//!
//! Invariants:
//! - nothing is sent that the target's policy, or the policies of the sender's role, do not allow at this moment; in the modes that do
//!   not enforce, nothing crosses accounts but by policy;
//! - what was delivered is durable at the target.
//!
//! Not here: who keeps a parcel until it is taken, how often it is tried, and what becomes of it then. Its sender knows.

use api::eventbridge::PutEventsInput;
use api::logs::InputLogEvent;
use api::sns::PublishInput;
use api::sqs::SendMessageInput;
use names::{AccountId, QueueArn, TraceHeader};
use std::fmt;
use std::sync::Arc;
use wire::{Blame, Blob, BoxFuture, Fault};

/// On whose behalf something is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A service for a resource of somebody's. What it sends to has to let it, also in the same account: as `aws:SourceArn` and
    /// `aws:SourceAccount` say.
    Service { name: &'static str, source_arn: String, source_account: AccountId },
    /// A session of a role, with the powers that it has now, for a resource of somebody's.
    Role { arn: String, session: String, source_arn: String },
}

impl Sender {
    /// What sends.
    pub fn source_arn(&self) -> &str {
        match self {
            Self::Service { source_arn, .. } | Self::Role { source_arn, .. } => source_arn,
        }
    }
}

/// What is sent, and to whom.
#[derive(Debug, Clone, PartialEq)]
pub enum Parcel {
    /// An event, for an asynchronous invocation.
    Invocation {
        function_arn: String,
        payload: Blob,
    },
    /// The queue's URL stands in no input: it is filled in.
    Message {
        queue: QueueArn,
        input: SendMessageInput,
    },
    /// The input says which topic.
    Notification {
        input: PublishInput,
    },
    /// Events for one bus, which the entries need not name: they are all for it.
    Events {
        bus_arn: String,
        input: PutEventsInput,
    },
    Object {
        bucket: String,
        key: String,
        body: Blob,
    },
    /// An event for a stream of a log group, which is made if it is not there.
    LogEvent {
        group_arn: String,
        stream: String,
        event: InputLogEvent,
    },
}

impl Parcel {
    /// The ARN of what it is for.
    pub fn target_arn(&self) -> String {
        match self {
            Self::Invocation { function_arn, .. } => function_arn.clone(),
            Self::Message { queue, .. } => queue.to_string(),
            Self::Notification { input } => input.topic_arn.clone().unwrap_or_default(),
            Self::Events { bus_arn, .. } => bus_arn.clone(),
            Self::Object { bucket, .. } => format!("arn:aws:s3:::{bucket}"),
            Self::LogEvent { group_arn, .. } => group_arn.clone(),
        }
    }
}

/// Why something did not arrive. The codes are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It never will: the target is not there, does not let the sender, or refuses what is in the parcel.
    #[error("{message} ({code})")]
    Never { code: String, message: String },
    /// It may, later: the target is throttled, is being made, or this server has a fault.
    #[error("{message} ({code}; it is tried again)")]
    NotNow { code: String, message: String },
}

impl NotTaken {
    /// No policy allows it.
    pub fn denied(sentence: String) -> Self {
        Self::Never { code: "AccessDeniedException".to_owned(), message: sentence }
    }

    /// There is nothing, or nothing that this server knows, behind the ARN.
    pub fn no_such_target(arn: &str) -> Self {
        let message = format!("{arn} is nothing that can be sent to");
        Self::Never { code: "ResourceNotFoundException".to_owned(), message }
    }
}

impl From<Fault> for NotTaken {
    fn from(fault: Fault) -> Self {
        // SQS and others throttle with a status that says the caller did something wrong.
        let is_throttled = fault.status == 429 || fault.code.contains("Throttl");
        let may_be_taken_later =
            is_throttled || fault.status == 409 || fault.blame() == Blame::Platform;
        let (code, message) = (fault.code.into_owned(), fault.message);
        match may_be_taken_later {
            true => Self::NotNow { code, message },
            false => Self::Never { code, message },
        }
    }
}

/// Whatever takes parcels: in a server it stands before all services.
pub trait Deliver: fmt::Debug + Send + Sync + 'static {
    /// Whether the target is there, and lets the sender. Nothing is sent. Of a bucket the ARN names the object that would be put.
    fn check<'a>(
        &'a self,
        sender: &'a Sender,
        target_arn: &'a str,
    ) -> BoxFuture<'a, Result<(), NotTaken>>;

    /// Sends, once. The trace goes on at the target.
    fn deliver<'a>(
        &'a self,
        sender: &'a Sender,
        trace: TraceHeader,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<(), NotTaken>>;
}

/// Says which roles services may assume: IAM knows.
#[derive(Clone)]
pub struct Roles(Arc<AreGood>);

type AreGood = dyn Fn(&str, &str, &str) -> bool + Send + Sync;

impl Roles {
    /// `are_good` is given the service, and the ARNs of the role and of what the role is for.
    pub fn new(are_good: impl Fn(&str, &str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(are_good))
    }

    pub fn are_good(&self, service: &str, role_arn: &str, source_arn: &str) -> bool {
        (self.0)(service, role_arn, source_arn)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roles")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_throttled_is_tried_again() {
        let is_final = |code: &'static str, status| {
            matches!(Fault::new(code, status, "").into(), NotTaken::Never { .. })
        };
        for (code, status) in [
            ("RequestThrottled", 400),
            ("KMS.ThrottlingException", 400),
            ("TooManyRequestsException", 429),
            ("ResourceConflictException", 409),
            ("ServiceException", 500),
        ] {
            assert!(!is_final(code, status), "{code}");
        }
        for (code, status) in [("AccessDeniedException", 403), ("InvalidParameterValue", 400)] {
            assert!(is_final(code, status), "{code}");
        }
    }
}
