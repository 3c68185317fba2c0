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
use crate::notification::Question;
use crate::order::{self, Published, Sent};
use crate::publish::now_ms;
use crate::sending::{Attempt, fact};
use crate::service::Service;
use crate::topic::{Subscription, TopicKey};
use bytes::Bytes;
use events::{Class, New, Next, Queue, Work};
use flow::Outcome;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use targets::NotTaken;

/// Attempts of a delivery, as AWS has it for queues and functions: over 23 days.
const ATTEMPTS_MAX: u32 = 100_015;
/// How long something is put off that an endpoint was to get too early.
const THROTTLED_MAX: Duration = Duration::from_secs(5);

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
        let errand = Errand::of(work);
        let Some((topic, subscription)) = found.filter(|(_, found)| errand.is_for(found)) else {
            tracing::info!(subscription = %work.line, message_id = message.id, "message of an ended subscription dropped");
            return Next::End(Vec::new());
        };
        let attempt = Attempt { service: self, topic, subscription, arn, message: &message };
        match errand {
            Errand::DeadLetter { reason } => redrive(attempt, work, reason, true).await,
            Errand::Notification if subscription.record.protocol.is_http() => {
                post(attempt, work, None).await
            }
            Errand::Question(question) => post(attempt, work, Some(question)).await,
            Errand::Notification => {
                let after = |failures| (failures < ATTEMPTS_MAX).then(|| retry_after(failures));
                conclude(attempt, work, attempt.send().await, after, true).await
            }
        }
    }
}

/// One attempt at an endpoint of HTTP or HTTPS, when it is time for it.
async fn post(attempt: Attempt<'_>, work: &Work, question: Option<Question>) -> Next {
    let policy = attempt.policy();
    let Some(_place) = attempt.subscription.pace.admit(policy.gap()).await else {
        return Next::PutOff { at_most: THROTTLED_MAX };
    };
    let sent = match &question {
        Some(question) => attempt.ask(question).await,
        None => attempt.send().await,
    };
    let after = |failures| policy.retry_after(failures);
    conclude(attempt, work, sent, after, question.is_none()).await
}

/// What becomes of a message after an attempt. `after` says when the next one is after so many failures, if there is one. What is not
/// redriven is a question.
async fn conclude(
    attempt: Attempt<'_>,
    work: &Work,
    sent: Result<(), NotTaken>,
    after: impl FnOnce(u32) -> Option<Duration>,
    is_redriven: bool,
) -> Next {
    let Attempt { topic, subscription, .. } = attempt;
    let Err(reason) = sent else {
        if is_redriven {
            topic.count_delivered();
        }
        return Next::End(Vec::new());
    };
    let again = match &reason {
        NotTaken::NotNow { .. } => after(work.attempts + 1),
        NotTaken::Never { .. } => None,
    };
    let (message_id, is_over) = (&attempt.message.id, again.is_none());
    tracing::warn!(subscription = %work.line, message_id, %reason, is_over, "message not delivered");
    if is_redriven {
        topic.count_failed(subscription.record.protocol, is_over);
    }
    match again {
        Some(after) => Next::Retry { after },
        None if is_redriven => redrive(attempt, work, reason.to_string(), false).await,
        None => Next::End(Vec::new()),
    }
}

/// Has a dead-letter queue take what was not delivered, if there is one.
///
/// A queue that refuses it has no other chance, as on AWS. While a queue takes nothing the letter waits in a line of its own: what is
/// behind it in a group's order goes on.
async fn redrive(attempt: Attempt<'_>, work: &Work, reason: String, is_waiting: bool) -> Next {
    let Attempt { topic, subscription, arn, message, .. } = attempt;
    let drop_it = |reason: String| {
        flow::tell(|| fact(message, &subscription.endpoint(), Outcome::Dropped).because(reason));
        Next::End(Vec::new())
    };
    let Some(target) = subscription.dead_letters() else { return drop_it(reason) };
    let Err(error) = attempt.send_dead_letter(&target).await else {
        flow::tell(|| fact(message, &target, Outcome::DeadLetter).because(reason));
        topic.count_redriven(true);
        return Next::End(Vec::new());
    };
    tracing::warn!(subscription = %work.line, message_id = message.id, target, %error, "dead letter not taken");
    match error {
        NotTaken::NotNow { .. } if !is_waiting => Next::End(vec![New {
            line: arn.to_owned(),
            class: Class::Delivery,
            head: json(&Errand::DeadLetter { reason }),
            body: work.body.clone(),
        }]),
        NotTaken::NotNow { .. } if work.attempts + 1 < ATTEMPTS_MAX => {
            Next::Retry { after: retry_after(work.attempts + 1) }
        }
        error => {
            topic.count_redriven(false);
            drop_it(format!("{reason}; its dead-letter queue did not take it: {error}"))
        }
    }
}

/// The head of a delivery: what is to be done. In the data directory; a notification's is empty.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Errand {
    Notification,
    /// It has failed, and waits until its dead-letter queue takes it.
    DeadLetter {
        reason: String,
    },
    Question(Question),
}

impl Errand {
    fn of(work: &Work) -> Self {
        serde_json::from_slice(&work.head).unwrap_or(Self::Notification)
    }

    /// Whether it is still to be done for a subscription as that is now.
    fn is_for(&self, subscription: &Subscription) -> bool {
        let Self::Question(Question { token, .. }) = self else {
            return subscription.is_confirmed();
        };
        let known = subscription.record.token.as_ref();
        !subscription.is_confirmed() && known.is_some_and(|known| known.digest == digest(token))
    }
}

/// What is kept of a token.
pub(crate) fn digest(token: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A question on its way to an endpoint.
pub(crate) fn asked(subscription_arn: &str, question: Question, message: &Message) -> New {
    let line = subscription_arn.to_owned();
    New {
        line,
        class: Class::Delivery,
        head: json(&Errand::Question(question)),
        body: json(message),
    }
}

/// That a message does not go to somebody.
pub(crate) fn tell_filtered(subscription: &Subscription, message: &Message) {
    flow::tell(|| fact(message, &subscription.endpoint(), Outcome::Filtered));
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
