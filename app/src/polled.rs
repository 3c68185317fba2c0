// SPDX-License-Identifier: Apache-2.0
//! What event source mappings poll: queues of Amazon SQS, as the roles of functions.

use ::sqs::Sqs;
use api::sqs::{self, MessageOperations as _, QueueOperations as _};
use edge::Edge;
use event_sources::{Queues, Roles, Sources};
use names::QueueArn;
use std::sync::Arc;
use wire::{BoxFuture, Context, Result};

/// Its operations, and the signal that there may be messages.
#[derive(Debug)]
struct SqsQueues(Sqs);

pub(crate) fn sources(queues: Sqs, edge: &Arc<Edge>) -> Sources {
    let edge = Arc::clone(edge);
    Sources {
        queues: Arc::new(SqsQueues(queues)),
        roles: Roles::new(move |role, session| edge.act_as(role, session)),
    }
}

impl Queues for SqsQueues {
    fn wait<'a>(&'a self, queue: &'a QueueArn) -> BoxFuture<'a, ()> {
        Box::pin(self.0.ready(queue))
    }

    fn get_queue_attributes<'a>(
        &'a self,
        cx: &'a Context,
        input: sqs::GetQueueAttributesInput,
    ) -> BoxFuture<'a, Result<sqs::GetQueueAttributesOutput>> {
        Box::pin(self.0.get_queue_attributes(cx, input))
    }

    fn receive_message<'a>(
        &'a self,
        cx: &'a Context,
        input: sqs::ReceiveMessageInput,
    ) -> BoxFuture<'a, Result<sqs::ReceiveMessageOutput>> {
        Box::pin(self.0.receive_message(cx, input))
    }

    fn delete_message_batch<'a>(
        &'a self,
        cx: &'a Context,
        input: sqs::DeleteMessageBatchInput,
    ) -> BoxFuture<'a, Result<sqs::DeleteMessageBatchOutput>> {
        Box::pin(self.0.delete_message_batch(cx, input))
    }

    fn change_message_visibility_batch<'a>(
        &'a self,
        cx: &'a Context,
        input: sqs::ChangeMessageVisibilityBatchInput,
    ) -> BoxFuture<'a, Result<sqs::ChangeMessageVisibilityBatchOutput>> {
        Box::pin(self.0.change_message_visibility_batch(cx, input))
    }
}
