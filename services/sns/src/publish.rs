// SPDX-License-Identifier: Apache-2.0
//! Publishing: who wants a message is found, and both are on the disk before it is acknowledged.

use crate::filter::Mismatch;
use crate::message::{BYTES_MAX, Message, Told};
use crate::order::{self, Entered, Sent};
use crate::service::{Service, failed};
use crate::topic::{Subscription, Topic, invalid};
use crate::{Sns, delivery};
use api::sns::{self, PublishBatchRequestEntry, PublishOperations, fault};
use events::{Keeping, NotKept};
use fifo::First;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use wire::{Blame, Context, Fault, Result};

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
            group: input.message_group_id,
            deduplication: input.message_deduplication_id,
        };
        let message = Message::new(cx, &topic, told.sequenced(&topic)?, now_ms())?;
        let Kept { message_id, sequence } =
            self.service.begin(&topic, message).await?.kept().await?;
        Ok(sns::PublishOutput { message_id: Some(message_id), sequence_number: sequence })
    }

    async fn publish_batch(
        &self,
        cx: &Context,
        input: sns::PublishBatchInput,
    ) -> Result<sns::PublishBatchOutput> {
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        check_batch(&input.publish_batch_request_entries)?;
        // One without what a FIFO topic asks for refuses all.
        let told = input.publish_batch_request_entries.into_iter().map(|entry| {
            let id = entry.id.clone();
            Ok((id, told(entry).sequenced(&topic)?))
        });
        let told = told.collect::<Result<Vec<_>>>()?;
        let now = now_ms();
        let mut output = sns::PublishBatchOutput::default();
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for (id, told) in told {
            match Message::new(cx, &topic, told, now) {
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
        // In their order, and all of them before the first is waited for: they share an fsync.
        let mut begun = Vec::new();
        for (id, message) in messages {
            begun.push((id, self.service.begin(&topic, message).await));
        }
        for (id, begun) in begun {
            let kept = match begun {
                Ok(begun) => begun.kept().await,
                Err(error) => Err(error),
            };
            match kept {
                Ok(Kept { message_id, sequence }) => {
                    output.successful.push(sns::PublishBatchResultEntry {
                        id: Some(id),
                        message_id: Some(message_id),
                        sequence_number: sequence,
                    });
                }
                Err(error) => output.failed.push(failure(id, error)),
            }
        }
        Ok(output)
    }
}

/// What a publisher is answered.
struct Kept {
    message_id: String,
    sequence: Option<String>,
}

/// A message on its way to the disk.
enum Publishing {
    /// Nobody wants it.
    Over(Kept),
    Begun(Keeping, Kept, Option<Entered>),
    /// One that was first is, or was.
    Known(First),
}

impl Publishing {
    /// Waits until it is on the disk.
    async fn kept(self) -> Result<Kept> {
        match self {
            Self::Over(kept) => Ok(kept),
            Self::Begun(keeping, kept, entered) => {
                keeping.kept().await.map_err(|error| failed(&error))?;
                if let Some(entered) = entered {
                    entered.kept();
                }
                Ok(kept)
            }
            Self::Known(first) if *first.is_kept.wait().await => Ok(Kept {
                message_id: first.message_id,
                sequence: Some(fifo::sequence_text(first.id)),
            }),
            Self::Known(_) => {
                Err(fault::internal_error("The message with this id was not kept. Try again."))
            }
        }
    }
}

impl Service {
    /// Gives a message its place behind those that were published before.
    async fn begin(self: &Arc<Self>, topic: &Topic, mut message: Message) -> Result<Publishing> {
        let confirmed = topic.subscriptions.values().filter(|one| one.is_confirmed());
        let (mut wanting, mut others) = (Vec::new(), Vec::new());
        for one in confirmed {
            match one.filter.as_ref().and_then(|filter| filter.mismatch(&message)) {
                None => wanting.push(one),
                Some(mismatch) => others.push((one, mismatch)),
            }
        }
        let wanting: Vec<String> = wanting.into_iter().map(|one| one.id.clone()).collect();
        let kept = |message: &Message| Kept {
            message_id: message.id.clone(),
            sequence: message.sequence.map(fifo::sequence_text),
        };
        let (Some(order), Some(fifo)) = (&topic.order, &topic.record.fifo) else {
            note_published(topic, &message, &others);
            if wanting.is_empty() {
                return Ok(Publishing::Over(kept(&message)));
            }
            let new = delivery::published(&topic.key, &wanting, &message);
            let keeping = self.queue().await?.begin(new).await.map_err(not_kept)?;
            return Ok(Publishing::Begun(keeping, kept(&message), None));
        };
        let queue = self.queue().await?;
        let mut last = order.last.lock().await;
        let now = now_ms();
        let sequence = order::next_sequence(*last, now);
        let sent = Sent::new(message.key(fifo), message.id.clone(), sequence, now);
        let entered = match order.enter(&sent, now) {
            Ok(entered) => entered,
            Err(known) => return Ok(Publishing::Known(known)),
        };
        *last = sequence;
        note_published(topic, &message, &others);
        message.sequence = Some(sequence);
        let new = delivery::published_in_order(&topic.key, wanting, sent, &message);
        let keeping = queue.begin(new).await.map_err(not_kept)?;
        Ok(Publishing::Begun(keeping, kept(&message), Some(entered)))
    }
}

fn note_published(topic: &Topic, message: &Message, others: &[(&Arc<Subscription>, Mismatch)]) {
    topic.count_published(message);
    for (subscription, mismatch) in others {
        topic.count_filtered(*mismatch);
        delivery::tell_filtered(subscription, message);
    }
}

pub(crate) fn not_kept(error: NotKept) -> Fault {
    match error {
        NotKept::Refused(_) => fault::throttled("Too many messages wait to be delivered"),
        NotKept::Failed(error) => failed(&error),
    }
}

fn told(entry: PublishBatchRequestEntry) -> Told {
    Told {
        text: entry.message,
        subject: entry.subject,
        structure: entry.message_structure,
        attributes: entry.message_attributes.unwrap_or_default(),
        group: entry.message_group_id,
        deduplication: entry.message_deduplication_id,
    }
}

fn failure(id: String, error: Fault) -> sns::BatchResultErrorEntry {
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
pub(crate) fn now_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the time of day, which notifications tell")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
