// SPDX-License-Identifier: Apache-2.0
//! What pollers meet: queues, functions, and the roles that functions have.

use crate::mapping::Mapping;
use api::sqs;
use bytes::Bytes;
use names::{QueueArn, RequestId, TraceHeader, TraceId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wire::{Authority, BoxFuture, Caller, Result};

/// Queues, by the operations that clients call, and by a signal that no client has.
pub trait Queues: fmt::Debug + Send + Sync + 'static {
    /// Waits until a queue may have something to receive, or is no more. It may be given up at any time.
    fn wait<'a>(&'a self, queue: &'a QueueArn) -> BoxFuture<'a, ()>;

    fn get_queue_attributes<'a>(
        &'a self,
        cx: &'a wire::Context,
        input: sqs::GetQueueAttributesInput,
    ) -> BoxFuture<'a, Result<sqs::GetQueueAttributesOutput>>;

    fn receive_message<'a>(
        &'a self,
        cx: &'a wire::Context,
        input: sqs::ReceiveMessageInput,
    ) -> BoxFuture<'a, Result<sqs::ReceiveMessageOutput>>;

    fn delete_message_batch<'a>(
        &'a self,
        cx: &'a wire::Context,
        input: sqs::DeleteMessageBatchInput,
    ) -> BoxFuture<'a, Result<sqs::DeleteMessageBatchOutput>>;

    fn change_message_visibility_batch<'a>(
        &'a self,
        cx: &'a wire::Context,
        input: sqs::ChangeMessageVisibilityBatchInput,
    ) -> BoxFuture<'a, Result<sqs::ChangeMessageVisibilityBatchOutput>>;
}

/// Functions, by their ARNs.
pub trait Functions: Send + Sync + 'static {
    /// Who a function is at this moment. `None` when it is no more.
    fn owner(&self, function: &str) -> Option<Owner>;

    /// Whether an invocation of the function that goes on with this trace would end a loop.
    fn is_loop(&self, function: &str, trace: &TraceHeader) -> bool;

    /// Runs an event. It goes on with the trace of these that came by the function most often.
    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
        traces: &'a [TraceHeader],
    ) -> BoxFuture<'a, std::result::Result<Answer, NotInvoked>>;

    /// Counts events of a mapping that wants that.
    fn count(&self, mapping: &Mapping, counted: Counted, events: usize);
}

/// What of a function matters to who polls for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    pub role: String,
    pub timeout: Duration,
}

/// What a function answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub payload: Bytes,
    pub is_function_error: bool,
    pub request_id: RequestId,
    pub trace: TraceId,
}

/// The event did not come to the function: it was throttled, or can not run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInvoked {
    pub reason: String,
    pub is_throttled: bool,
}

/// What happens to an event of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    Polled,
    FilteredOut,
    Invoked,
    FailedInvoke,
    Deleted,
}

type Act = dyn Fn(&str, &str) -> (Caller, Authority) + Send + Sync;

/// Says who a session of a role is, and what it may do at this moment.
#[derive(Clone)]
pub struct Roles(Arc<Act>);

impl Roles {
    /// `act` is given the ARN of a role and the name of a session.
    pub fn new(act: impl Fn(&str, &str) -> (Caller, Authority) + Send + Sync + 'static) -> Self {
        Self(Arc::new(act))
    }

    pub(crate) fn act(&self, role: &str, session: &str) -> (Caller, Authority) {
        (self.0)(role, session)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Roles")
    }
}

/// Where messages come from, and as whom they are taken.
#[derive(Debug, Clone)]
pub struct Sources {
    pub queues: Arc<dyn Queues>,
    pub roles: Roles,
}
