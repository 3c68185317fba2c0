// SPDX-License-Identifier: Apache-2.0
//! A queue as the role of a function reaches it.

use crate::seams::{Owner, Queues, Sources};
use api::sqs;
use flow::Outcome;
use names::{QueueArn, RequestId, TraceHeader};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use wire::{Access, Context, Fault};

/// What one call takes.
const BATCH_MAX: usize = 10;

/// What the role needs to be allowed.
const ACTIONS: [(&str, &str); 3] = [
    ("sqs:ReceiveMessage", "ReceiveMessage"),
    ("sqs:DeleteMessage", "DeleteMessage"),
    ("sqs:GetQueueAttributes", "GetQueueAttributes"),
];

/// Why a queue is not polled, in words for its mapping's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Denied { operation: &'static str },
    Refused { operation: &'static str, code: String, message: String },
    NoFunction,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied { operation } => write!(
                f,
                "The provided execution role does not have permissions to call {operation} on SQS"
            ),
            Self::Refused { operation, code, message } => write!(
                f,
                "Error occurred while {operation}. SQS Error Code: {code}. SQS Error Message: {message}"
            ),
            Self::NoFunction => f.write_str("The function does not exist"),
        }
    }
}

impl Problem {
    /// What the mapping's messages come to meanwhile.
    pub(crate) const fn outcome(&self) -> Outcome {
        match self {
            Self::Denied { .. } => Outcome::NotAllowed,
            Self::Refused { .. } | Self::NoFunction => Outcome::Retried,
        }
    }

    fn refused(operation: &'static str, fault: &Fault) -> Self {
        let code = fault.query_code.unwrap_or(&fault.code).to_owned();
        Self::Refused { operation, code, message: fault.message.clone() }
    }
}

#[derive(Debug)]
pub struct Reach {
    queues: Arc<dyn Queues>,
    cx: Context,
    url: String,
}

impl Sources {
    /// The queue, if the role of its function may do with it what a mapping needs. The policies that count are those of now. Of another
    /// account's queue that is its policy, too.
    ///
    /// # Errors
    ///
    /// When it may not.
    pub fn reach(&self, queue: &QueueArn, owner: &Owner) -> Result<Reach, Problem> {
        let (caller, authority) = self.roles.act(&owner.role, &owner.name);
        let denied = || Problem::Denied { operation: "ReceiveMessage" };
        let account = owner.role.split(':').nth(4).and_then(|account| account.parse().ok());
        let mut cx = Context {
            account: account.ok_or_else(denied)?,
            region: queue.region.clone(),
            request_id: RequestId::random(),
            trace: TraceHeader::start(0),
            caller,
            authority,
            endpoint: String::new(),
        };
        for (action, operation) in ACTIONS {
            let on = || Access::to(queue.to_string());
            if let Err(denial) = cx.authority.check(&cx, action, on) {
                tracing::debug!(denial, "queue not reached");
                return Err(Problem::Denied { operation });
            }
        }
        cx.account = queue.account.clone();
        Ok(Reach { queues: Arc::clone(&self.queues), cx, url: queue.url_path() })
    }
}

impl Reach {
    /// For how long the queue hides what was received.
    ///
    /// # Errors
    ///
    /// When the queue does not answer.
    pub async fn visibility(&self) -> Result<Duration, Problem> {
        const NAME: &str = "VisibilityTimeout";
        let input = sqs::GetQueueAttributesInput {
            queue_url: self.url.clone(),
            attribute_names: Some(vec![NAME.to_owned()]),
        };
        let found = self.queues.get_queue_attributes(&self.cx, input).await;
        // AWS names this call, whichever one it was.
        let found = found.map_err(|fault| Problem::refused("ReceiveMessage", &fault))?;
        let seconds = found.attributes.and_then(|mut found| found.remove(NAME)?.parse().ok());
        Ok(Duration::from_secs(seconds.unwrap_or_default()))
    }

    /// What is there now, at most so many.
    pub(crate) async fn receive(&self, count_max: usize) -> Result<Vec<sqs::Message>, Problem> {
        let input = sqs::ReceiveMessageInput {
            queue_url: self.url.clone(),
            message_system_attribute_names: Some(vec!["All".to_owned()]),
            message_attribute_names: Some(vec!["All".to_owned()]),
            max_number_of_messages: i32::try_from(count_max.min(BATCH_MAX)).ok(),
            wait_time_seconds: Some(0),
            ..sqs::ReceiveMessageInput::default()
        };
        let received = self.queues.receive_message(&self.cx, input).await;
        let received = received.map_err(|fault| Problem::refused("ReceiveMessage", &fault))?;
        Ok(received.messages.unwrap_or_default())
    }

    /// Deletes messages, all at once: they share an fsync. How many are gone is answered; the others come again.
    pub(crate) async fn delete(self: &Arc<Self>, handles: Vec<String>) -> usize {
        let mut deletions = JoinSet::new();
        let count = handles.len();
        for handles in handles.chunks(BATCH_MAX) {
            let reach = Arc::clone(self);
            let entry = |(place, handle): (usize, &String)| sqs::DeleteMessageBatchRequestEntry {
                id: place.to_string(),
                receipt_handle: handle.clone(),
            };
            let entries = handles.iter().enumerate().map(entry).collect();
            let input = sqs::DeleteMessageBatchInput { queue_url: self.url.clone(), entries };
            let delete = async move {
                let deleted = reach.queues.delete_message_batch(&reach.cx, input).await;
                deleted.map_or(0, |deleted| deleted.successful.len())
            };
            deletions.spawn(delete);
        }
        let mut deleted = 0;
        while let Some(done) = deletions.join_next().await {
            deleted += done.unwrap_or_default();
        }
        if deleted < count {
            tracing::warn!(
                queue = self.url,
                messages = count - deleted,
                "messages not deleted: they come again"
            );
        }
        deleted
    }

    /// Others may have these messages at once. Those that are not given back are visible after their time.
    pub(crate) async fn give_back(&self, handles: &[String]) {
        for handles in handles.chunks(BATCH_MAX) {
            let entry =
                |(place, handle): (usize, &String)| sqs::ChangeMessageVisibilityBatchRequestEntry {
                    id: place.to_string(),
                    receipt_handle: handle.clone(),
                    visibility_timeout: Some(0),
                };
            let input = sqs::ChangeMessageVisibilityBatchInput {
                queue_url: self.url.clone(),
                entries: handles.iter().enumerate().map(entry).collect(),
            };
            drop(self.queues.change_message_visibility_batch(&self.cx, input).await);
        }
    }
}
