// SPDX-License-Identifier: Apache-2.0
//! The way of a message from the disk to its subscriptions.
//!
//! ```text
//! published ──run──> a delivery for each subscription ──run──> delivered
//!                                          │ not now: again, as AWS's policy for its own endpoints says
//!                                          └ never, or too often ──> the dead-letter queue, or the log
//! ```
//!
//! Invariant: an item of the queue ends after what follows from it is on the disk, or was taken.

use crate::message::Message;
use crate::order::{self, Published, Sent};
use crate::publish::now_ms;
use crate::service::Service;
use crate::topic::{Protocol, Subscription, Topic, TopicKey};
use crate::{Options, notification};
use api::sqs::{self, SendMessageInput};
use bytes::Bytes;
use events::{Class, New, Next, Queue, Work};
use flow::{Fact, Outcome};
use names::QueueArn;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use targets::{NotTaken, Parcel, Sender};

/// Who sends, as policies call it.
const SERVICE: &str = "sns.amazonaws.com";
/// Attempts of a delivery, as AWS has it for queues and functions: over 23 days.
const ATTEMPTS_MAX: u32 = 100_015;

pub(crate) fn queue_options(options: &Options) -> events::Options {
    events::Options {
        events_max: options.waiting_max,
        bytes_max: options.waiting_bytes_max,
        function_events_max: options.waiting_max,
        function_bytes_max: options.waiting_bytes_max,
        ..events::Options::default()
    }
}

/// What `Publish` keeps: the message, and who wanted it then.
pub(crate) fn published(topic: &TopicKey, subscriptions: &[String], message: &Message) -> New {
    New { line: topic.arn(), class: Class::Event, head: json(subscriptions), body: json(message) }
}

/// The same to a FIFO topic, where it stays known for a while.
pub(crate) fn published_in_order(
    topic: &TopicKey,
    wanting: Vec<String>,
    sent: Sent,
    message: &Message,
) -> New {
    let line = order::line_of(&topic.arn(), message.group.as_deref().unwrap_or_default());
    let head = json(&Published { wanting, sent });
    New { line, class: Class::Event, head, body: json(message) }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// Has what waits run, until the service is gone or the queue is stopped.
pub(crate) fn run(service: &Arc<Service>, queue: &Queue) {
    let service = Arc::downgrade(service);
    queue.start(move |work| {
        let service = service.upgrade();
        async move {
            match service {
                Some(service) => service.run_work(&work).await,
                None => Next::PutOff { at_most: Duration::MAX },
            }
        }
    });
}

impl Service {
    async fn run_work(&self, work: &Work) -> Next {
        match work.class {
            Class::Event if order::is_in_order(&work.line) => Next::End(fan_out_in_order(work)),
            Class::Event if order::remembering(&work.line).is_some() => forget_in_time(work),
            Class::Event => Next::End(fan_out(work)),
            Class::Delivery => self.deliver(work).await,
        }
    }

    async fn deliver(&self, work: &Work) -> Next {
        let arn = order::owner(&work.line);
        let Some((key, Some(id))) = TopicKey::split(arn) else { return dropped(work) };
        let Ok(message) = serde_json::from_slice::<Message>(&work.body) else {
            return dropped(work);
        };
        let topic = self.table.get(&key);
        let Some(subscription) = topic.as_ref().and_then(|topic| topic.subscriptions.get(id))
        else {
            tracing::info!(subscription = %work.line, message_id = message.id, "message of an ended subscription dropped");
            return Next::End(Vec::new());
        };
        let (reason, is_over) = match self.send(subscription, arn, &message).await {
            Ok(()) => return Next::End(Vec::new()),
            Err(error @ NotTaken::NotNow { .. }) => (error, work.attempts + 1 >= ATTEMPTS_MAX),
            Err(error @ NotTaken::Never { .. }) => (error, true),
        };
        tracing::warn!(subscription = %work.line, message_id = message.id, %reason, is_over, "message not delivered");
        if !is_over {
            return Next::Retry { after: retry_after(work.attempts + 1) };
        }
        let Some(target) = subscription.dead_letters() else {
            let endpoint = &subscription.record.endpoint;
            flow::tell(|| fact(&message, endpoint, Outcome::Dropped).because(reason.to_string()));
            return Next::End(Vec::new());
        };
        match self.send_dead_letter(subscription, &target, arn, &message).await {
            Ok(()) => {
                flow::tell(|| {
                    fact(&message, &target, Outcome::DeadLetter).because(reason.to_string())
                });
                Next::End(Vec::new())
            }
            Err(error) => {
                tracing::warn!(subscription = %work.line, target, %error, "dead letter not taken");
                Next::PutOff { at_most: Duration::MAX }
            }
        }
    }

    async fn send(
        &self,
        subscription: &Subscription,
        arn: &str,
        message: &Message,
    ) -> Result<(), NotTaken> {
        match subscription.record.protocol {
            Protocol::Sqs => {
                self.send_to_queue(&subscription.record.endpoint, subscription, arn, message).await
            }
            Protocol::Lambda => {
                let function_arn = subscription.record.endpoint.clone();
                let payload = notification::for_function(message, arn).into();
                self.hand_over(message, Parcel::Invocation { function_arn, payload }).await
            }
        }
    }

    /// What a function did not take goes to a queue as it would have gone to the function.
    async fn send_dead_letter(
        &self,
        subscription: &Subscription,
        target: &str,
        arn: &str,
        message: &Message,
    ) -> Result<(), NotTaken> {
        match subscription.record.protocol {
            Protocol::Sqs => self.send_to_queue(target, subscription, arn, message).await,
            Protocol::Lambda => {
                let event = notification::for_function(message, arn);
                let body = String::from_utf8_lossy(&event).into_owned();
                self.send_message(target, body, None, message).await
            }
        }
    }

    async fn send_to_queue(
        &self,
        queue: &str,
        subscription: &Subscription,
        arn: &str,
        message: &Message,
    ) -> Result<(), NotTaken> {
        if !subscription.is_raw() {
            let body = notification::for_queue(message, arn);
            return self.send_message(queue, body, None, message).await;
        }
        let attributes = notification::raw_attributes(message).ok_or_else(|| {
            let message = "a queue's message has at most 10 attributes".to_owned();
            NotTaken::Never { code: "InvalidParameterValue".to_owned(), message }
        })?;
        let body = message.text_for(Protocol::Sqs).to_owned();
        self.send_message(queue, body, Some(attributes), message).await
    }

    async fn send_message(
        &self,
        queue: &str,
        message_body: String,
        message_attributes: Option<sqs::MessageAttributes>,
        message: &Message,
    ) -> Result<(), NotTaken> {
        let queue: QueueArn = queue.parse().map_err(|_| NotTaken::no_such_target(queue))?;
        // FIFO topics tell their groups to FIFO queues, and standard ones theirs to standard queues.
        let is_fifo = queue.name.ends_with(".fifo");
        let group = message.group.clone().filter(|_| is_fifo == message.sequence.is_some());
        let input = SendMessageInput {
            message_body,
            message_attributes,
            message_group_id: group,
            message_deduplication_id: message.deduplication.clone().filter(|_| is_fifo),
            ..SendMessageInput::default()
        };
        self.hand_over(message, Parcel::Message { queue, input }).await
    }

    /// Sends for the topic, which whoever gets it has to let.
    async fn hand_over(&self, message: &Message, parcel: Parcel) -> Result<(), NotTaken> {
        let source_arn = message.topic_arn.clone();
        let Some((TopicKey { account: source_account, .. }, _)) = TopicKey::split(&source_arn)
        else {
            return Err(NotTaken::no_such_target(&source_arn));
        };
        let sender = Sender::Service { name: SERVICE, source_arn, source_account };
        self.targets.deliver(&sender, message.trace(), parcel).await
    }
}

fn fact(message: &Message, target: &str, outcome: Outcome) -> Fact {
    Fact::new(&message.topic_arn, target, outcome).in_trace(message.trace().root())
}

/// To whom a message does not go.
pub(crate) fn tell_filtered(topic: &Topic, wanting: &[String], message: &Message) {
    for subscription in topic.subscriptions.values() {
        if !wanting.contains(&subscription.id) {
            flow::tell(|| fact(message, &subscription.record.endpoint, Outcome::Filtered));
        }
    }
}

/// A delivery for each who wanted the message when it was published.
fn fan_out(work: &Work) -> Vec<New> {
    let subscriptions: Vec<String> = serde_json::from_slice(&work.head).unwrap_or_default();
    let delivery = |id: String| New {
        line: format!("{}:{id}", work.line),
        class: Class::Delivery,
        head: Bytes::new(),
        body: work.body.clone(),
    };
    subscriptions.into_iter().map(delivery).collect()
}

/// The same in order, and that it was published.
fn fan_out_in_order(work: &Work) -> Vec<New> {
    let Ok(Published { wanting, sent }) = serde_json::from_slice(&work.head) else {
        dropped(work);
        return Vec::new();
    };
    let topic = order::owner(&work.line);
    let group = work.line.get(topic.len() + 1..).unwrap_or_default();
    let delivery = |id: String| New {
        line: order::line_of(&format!("{topic}:{id}"), group),
        class: Class::Delivery,
        head: Bytes::new(),
        body: work.body.clone(),
    };
    let known =
        New { line: topic.to_owned(), class: Class::Event, head: json(&sent), body: Bytes::new() };
    wanting.into_iter().map(delivery).chain([known]).collect()
}

/// That something was published is kept as long as it counts.
fn forget_in_time(work: &Work) -> Next {
    let Ok(Sent { until_ms, .. }) = serde_json::from_slice(&work.head) else {
        return dropped(work);
    };
    match until_ms.saturating_sub(now_ms()) {
        0 => Next::End(Vec::new()),
        left => Next::Retry { after: Duration::from_millis(left) },
    }
}

fn dropped(work: &Work) -> Next {
    tracing::error!(subscription = %work.line, "delivery of another build dropped");
    Next::End(Vec::new())
}

/// As AWS has it: three times at once, twice after a second, ten times after longer each time, then every 20 seconds.
fn retry_after(failures: u32) -> Duration {
    Duration::from_millis(match failures {
        0..=3 => 0,
        4..=5 => 1_000,
        6..=15 => 1_000 + u64::from(failures - 5) * 1_900,
        _ => 20_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_tried_again_as_often_as_awss() {
        let seconds: Vec<_> = (1..18).map(|n| retry_after(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 20]);
    }
}
