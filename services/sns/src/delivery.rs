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

use crate::Options;
use crate::message::Message;
use crate::order::{self, Published, Sent};
use crate::publish::now_ms;
use crate::sending::Attempt;
use crate::service::Service;
use crate::topic::{Topic, TopicKey};
use bytes::Bytes;
use events::{Class, New, Next, Queue, Work};
use flow::{Fact, Outcome};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use targets::NotTaken;

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
        let found = topic.as_ref().and_then(|topic| Some((topic, topic.subscriptions.get(id)?)));
        let Some((topic, subscription)) = found else {
            tracing::info!(subscription = %work.line, message_id = message.id, "message of an ended subscription dropped");
            return Next::End(Vec::new());
        };
        let attempt = Attempt { service: self, topic, subscription, arn, message: &message };
        if let Some(DeadLetter { reason }) = DeadLetter::of(work) {
            return redrive(attempt, work, reason, true).await;
        }
        let (reason, is_over) = match attempt.send().await {
            Ok(()) => return Next::End(Vec::new()),
            Err(error @ NotTaken::NotNow { .. }) => (error, work.attempts + 1 >= ATTEMPTS_MAX),
            Err(error @ NotTaken::Never { .. }) => (error, true),
        };
        tracing::warn!(subscription = %work.line, message_id = message.id, %reason, is_over, "message not delivered");
        match is_over {
            false => Next::Retry { after: retry_after(work.attempts + 1) },
            true => redrive(attempt, work, reason.to_string(), false).await,
        }
    }
}

/// Has a dead-letter queue take what was not delivered, if there is one.
///
/// A queue that refuses it has no other chance, as on AWS. While a queue takes nothing the letter waits in a line of its own: what is
/// behind it in a group's order goes on.
async fn redrive(attempt: Attempt<'_>, work: &Work, reason: String, is_waiting: bool) -> Next {
    let Attempt { subscription, arn, message, .. } = attempt;
    let drop_it = |reason: String| {
        let endpoint = &subscription.record.endpoint;
        flow::tell(|| fact(message, endpoint, Outcome::Dropped).because(reason));
        Next::End(Vec::new())
    };
    let Some(target) = subscription.dead_letters() else { return drop_it(reason) };
    let Err(error) = attempt.send_dead_letter(&target).await else {
        flow::tell(|| fact(message, &target, Outcome::DeadLetter).because(reason));
        return Next::End(Vec::new());
    };
    tracing::warn!(subscription = %work.line, message_id = message.id, target, %error, "dead letter not taken");
    match error {
        NotTaken::NotNow { .. } if !is_waiting => Next::End(vec![New {
            line: arn.to_owned(),
            class: Class::Delivery,
            head: json(&DeadLetter { reason }),
            body: work.body.clone(),
        }]),
        NotTaken::NotNow { .. } if work.attempts + 1 < ATTEMPTS_MAX => {
            Next::Retry { after: retry_after(work.attempts + 1) }
        }
        error => drop_it(format!("{reason}; its dead-letter queue did not take it: {error}")),
    }
}

/// The head of a delivery that has failed, and waits until its dead-letter queue takes it. In the data directory.
#[derive(Debug, Serialize, Deserialize)]
struct DeadLetter {
    reason: String,
}

impl DeadLetter {
    fn of(work: &Work) -> Option<Self> {
        if work.head.is_empty() { None } else { serde_json::from_slice(&work.head).ok() }
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
