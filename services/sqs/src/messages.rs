// SPDX-License-Identifier: Apache-2.0
//! The operations on messages, one by one.

use crate::Sqs;
use crate::batch;
use crate::engine::{SendError, Sent};
use crate::ledger::NotHeld;
use crate::message::{self, Checked, Sums};
use crate::queue::Queue;
use crate::receive::{Request, VISIBILITY_SECONDS_MAX, handle_of, within};
use crate::service::{Service, failed};
use api::sqs::{self, MessageOperations, fault};
use std::sync::Arc;
use wire::{Context, Fault, Result};

impl MessageOperations for Sqs {
    async fn send_message(
        &self,
        cx: &Context,
        input: sqs::SendMessageInput,
    ) -> Result<sqs::SendMessageOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        let checked = message::check(cx, &queue.record().settings, queue.is_fifo(), input)?;
        let (sent, sums) = self.service.send(&queue, checked).await?;
        Ok(sqs::SendMessageOutput {
            md5_of_message_body: Some(sums.body),
            md5_of_message_attributes: sums.attributes,
            md5_of_message_system_attributes: sums.system_attributes,
            message_id: Some(sent.message_id),
            sequence_number: sent.sequence,
        })
    }

    async fn send_message_batch(
        &self,
        cx: &Context,
        input: sqs::SendMessageBatchInput,
    ) -> Result<sqs::SendMessageBatchOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        batch::check(&input.entries)?;
        batch::check_size(&input.entries)?;
        let url = &input.queue_url;
        let (service, queue) = (&self.service, &queue);
        let send = |entry: sqs::SendMessageBatchRequestEntry| async move {
            let settings = &queue.record().settings;
            let input = batch::message(entry, url);
            let checked = message::check(cx, settings, queue.is_fifo(), input)?;
            service.send(queue, checked).await
        };
        // All at once, in their order: they share an fsync.
        let (sent, failed) = batch::run(input.entries, send).await;
        let successful =
            sent.into_iter().map(|(id, (sent, sums))| sqs::SendMessageBatchResultEntry {
                id,
                message_id: sent.message_id,
                md5_of_message_body: sums.body,
                md5_of_message_attributes: sums.attributes,
                md5_of_message_system_attributes: sums.system_attributes,
                sequence_number: sent.sequence,
            });
        Ok(sqs::SendMessageBatchOutput { successful: successful.collect(), failed })
    }

    async fn receive_message(
        &self,
        cx: &Context,
        input: sqs::ReceiveMessageInput,
    ) -> Result<sqs::ReceiveMessageOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        let request = Request::of(&queue, input)?;
        let messages = self.service.engine.receive(&queue, &request).await?;
        Ok(sqs::ReceiveMessageOutput { messages: (!messages.is_empty()).then_some(messages) })
    }

    async fn delete_message(&self, cx: &Context, input: sqs::DeleteMessageInput) -> Result<()> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        self.service.delete(&queue, &input.receipt_handle).await
    }

    async fn delete_message_batch(
        &self,
        cx: &Context,
        input: sqs::DeleteMessageBatchInput,
    ) -> Result<sqs::DeleteMessageBatchOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        batch::check(&input.entries)?;
        let (service, queue) = (&self.service, &queue);
        let delete = |entry: sqs::DeleteMessageBatchRequestEntry| async move {
            service.delete(queue, &entry.receipt_handle).await
        };
        let (done, failed) = batch::run(input.entries, delete).await;
        let result = |(id, ())| sqs::DeleteMessageBatchResultEntry { id };
        Ok(sqs::DeleteMessageBatchOutput {
            successful: done.into_iter().map(result).collect(),
            failed,
        })
    }

    async fn change_message_visibility(
        &self,
        cx: &Context,
        input: sqs::ChangeMessageVisibilityInput,
    ) -> Result<()> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        self.service.hide(&queue, &input.receipt_handle, input.visibility_timeout)
    }

    async fn change_message_visibility_batch(
        &self,
        cx: &Context,
        input: sqs::ChangeMessageVisibilityBatchInput,
    ) -> Result<sqs::ChangeMessageVisibilityBatchOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        batch::check(&input.entries)?;
        let (service, queue) = (&self.service, &queue);
        let hide = |entry: sqs::ChangeMessageVisibilityBatchRequestEntry| async move {
            let timeout =
                entry.visibility_timeout.ok_or_else(|| message::missing("VisibilityTimeout"))?;
            service.hide(queue, &entry.receipt_handle, timeout)
        };
        let (done, failed) = batch::run(input.entries, hide).await;
        let result = |(id, ())| sqs::ChangeMessageVisibilityBatchResultEntry { id };
        Ok(sqs::ChangeMessageVisibilityBatchOutput {
            successful: done.into_iter().map(result).collect(),
            failed,
        })
    }
}

impl Service {
    async fn send(&self, queue: &Arc<Queue>, checked: Checked) -> Result<(Sent, Sums)> {
        let Checked { content, delay_ms, md5 } = checked;
        match self.engine.send(queue, content, delay_ms).await {
            Ok(sent) => Ok((sent, md5)),
            Err(SendError::NoRoom) => Err(fault::request_throttled(
                "Too many messages wait on this server: sqs.messages_max and sqs.bytes_max say how many may.",
            )),
            Err(error @ SendError::Keep(_)) => Err(failed(&error)),
        }
    }

    async fn delete(&self, queue: &Arc<Queue>, text: &str) -> Result<()> {
        let handle = handle_of(queue, text)?;
        let now = self.engine.clock.now();
        let begun = queue.ledger().begin_delete(handle.id, handle.receives, now);
        match begun {
            Ok(()) => self.engine.end(queue, handle.id).await.map_err(|error| failed(&error))?,
            // It was deleted before, or is another's by now.
            Err(NotHeld::Gone | NotHeld::Stale) => {}
            Err(NotHeld::Visible) => {
                return Err(invalid_handle(text, "The receipt handle has expired."));
            }
        }
        self.engine.count_deleted(queue);
        Ok(())
    }

    fn hide(&self, queue: &Queue, text: &str, seconds: i32) -> Result<()> {
        let handle = handle_of(queue, text)?;
        let seconds = within("VisibilityTimeout", Some(seconds), 0..=VISIBILITY_SECONDS_MAX)?;
        let now = self.engine.clock.now();
        let until = now + 1_000 * u64::from(seconds.unwrap_or_default());
        let hidden = queue.ledger().hide(handle.id, handle.receives, until, now);
        queue.changed.notify_one();
        hidden.map_err(|error| match error {
            NotHeld::Gone => invalid_handle(
                text,
                "Message does not exist or is not available for visibility timeout change.",
            ),
            NotHeld::Stale | NotHeld::Visible => fault::message_not_inflight(""),
        })
    }
}

fn invalid_handle(text: &str, reason: &str) -> Fault {
    fault::invalid_parameter_value(format!(
        "Value {text} for parameter ReceiptHandle is invalid. Reason: {reason}"
    ))
}
