// SPDX-License-Identifier: Apache-2.0
//! Publishing: who wants a message is found, and both are on the disk before it is acknowledged.

use crate::message::{BYTES_MAX, Message, Told};
use crate::service::{Service, failed};
use crate::topic::{Topic, invalid};
use crate::{Sns, delivery};
use api::sns::{self, PublishBatchRequestEntry, PublishOperations, fault};
use events::NotKept;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use wire::{Blame, Context, Result};

const ENTRIES_MAX: usize = 10;
const ID_MAX: usize = 80;

impl PublishOperations for Sns {
    async fn publish(&self, cx: &Context, input: sns::PublishInput) -> Result<sns::PublishOutput> {
        let Some(arn) = input.topic_arn.or(input.target_arn) else {
            let what = if input.phone_number.is_some() {
                "PhoneNumber Reason: Text messages are not available in this build of Tinderbox"
            } else {
                "TopicArn or TargetArn Reason: no value for required parameter"
            };
            return Err(invalid(what));
        };
        let topic = self.service.find(cx, &arn, "TopicArn")?;
        let told = Told {
            text: input.message,
            subject: input.subject,
            structure: input.message_structure,
            attributes: input.message_attributes.unwrap_or_default(),
            is_fifo: input.message_group_id.is_some() || input.message_deduplication_id.is_some(),
        };
        let message = Message::new(cx, topic.key.arn(), told, now_ms())?;
        self.service.keep(&topic, &message).await?;
        Ok(sns::PublishOutput { message_id: Some(message.id), sequence_number: None })
    }

    async fn publish_batch(
        &self,
        cx: &Context,
        input: sns::PublishBatchInput,
    ) -> Result<sns::PublishBatchOutput> {
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        check_batch(&input.publish_batch_request_entries)?;
        let now = now_ms();
        let mut output = sns::PublishBatchOutput::default();
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for entry in input.publish_batch_request_entries {
            let id = entry.id.clone();
            match Message::new(cx, topic.key.arn(), told(entry), now) {
                Ok(message) => {
                    bytes += message.bytes();
                    messages.push((id, message));
                }
                Err(error) => output.failed.push(failure(id, error)),
            }
        }
        if bytes > BYTES_MAX {
            return Err(fault::batch_request_too_long(
                "The length of all the messages put together is more than the limit.",
            ));
        }
        for (id, message) in messages {
            match self.service.keep(&topic, &message).await {
                Ok(()) => output.successful.push(sns::PublishBatchResultEntry {
                    id: Some(id),
                    message_id: Some(message.id),
                    sequence_number: None,
                }),
                Err(error) => output.failed.push(failure(id, error)),
            }
        }
        Ok(output)
    }
}

impl Service {
    /// On the disk when this returns, if anybody wants it.
    async fn keep(self: &Arc<Self>, topic: &Topic, message: &Message) -> Result<()> {
        let wants = |subscription: &crate::topic::Subscription| {
            subscription.filter.as_ref().is_none_or(|filter| filter.wants(message))
        };
        let wanting = topic.subscriptions.values().filter(|subscription| wants(subscription));
        let wanting: Vec<&str> = wanting.map(|subscription| subscription.id.as_str()).collect();
        if wanting.is_empty() {
            return Ok(());
        }
        let published = delivery::published(&topic.key, &wanting, message);
        match self.queue().await?.keep(published).await {
            Ok(()) => Ok(()),
            Err(NotKept::Refused(_)) => {
                Err(fault::throttled("Too many messages wait to be delivered"))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

fn told(entry: PublishBatchRequestEntry) -> Told {
    Told {
        text: entry.message,
        subject: entry.subject,
        structure: entry.message_structure,
        attributes: entry.message_attributes.unwrap_or_default(),
        is_fifo: entry.message_group_id.is_some() || entry.message_deduplication_id.is_some(),
    }
}

fn failure(id: String, error: wire::Fault) -> sns::BatchResultErrorEntry {
    sns::BatchResultErrorEntry {
        id,
        code: error.code.clone().into_owned(),
        sender_fault: error.blame() == Blame::Customer,
        message: Some(error.message),
    }
}

fn check_batch(entries: &[PublishBatchRequestEntry]) -> Result<()> {
    if entries.is_empty() {
        return Err(fault::empty_batch_request("The batch request doesn't contain any entries."));
    }
    if entries.len() > ENTRIES_MAX {
        return Err(fault::too_many_entries_in_batch_request(
            "The batch request contains more entries than permissible.",
        ));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_id = |id: &str| (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_allowed);
    if !entries.iter().all(|entry| is_id(&entry.id)) {
        return Err(fault::invalid_batch_entry_id(
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        ));
    }
    let mut ids = HashSet::new();
    if !entries.iter().all(|entry| ids.insert(&entry.id)) {
        return Err(fault::batch_entry_ids_not_distinct(
            "Two or more batch entries in the request have the same Id.",
        ));
    }
    Ok(())
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the time of day, which notifications tell")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
