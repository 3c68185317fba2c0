// SPDX-License-Identifier: Apache-2.0
//! Receiving: who waits for messages is woken by the first that is there, and wakes the next when he leaves.

use crate::engine::{Ending, Engine, Moving};
use crate::entry::{Change, Entry, Head};
use crate::handle::Handle;
use crate::ledger::{Taken, Wanted};
use crate::message;
use crate::queue::{Queue, nonexistent};
use crate::service::unavailable;
use api::sqs::{Message, MessageAttributes, ReceiveMessageInput, fault};
use flow::{Fact, Outcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use wire::{Fault, Result};

const MESSAGES_MAX: i32 = 10;
pub(crate) const VISIBILITY_SECONDS_MAX: i32 = 43_200;
const WAIT_SECONDS_MAX: i32 = 20;
const STANDARD_IN_FLIGHT_MAX: usize = 120_000;
const FIFO_IN_FLIGHT_MAX: usize = 20_000;

/// What a receiver asks for.
#[derive(Debug)]
pub(crate) struct Request {
    count_max: usize,
    visibility_ms: u64,
    wait: Duration,
    show: Show,
}

/// What of a message is told beside its body.
#[derive(Debug, Default)]
struct Show {
    system: Vec<String>,
    attributes: Vec<String>,
}

const SYSTEM_ATTRIBUTES: [&str; 10] = [
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

impl Request {
    pub(crate) fn of(queue: &Queue, input: ReceiveMessageInput) -> Result<Self> {
        let settings = &queue.record().settings;
        let count = within("MaxNumberOfMessages", input.max_number_of_messages, 1..=MESSAGES_MAX)?;
        let visibility =
            within("VisibilityTimeout", input.visibility_timeout, 0..=VISIBILITY_SECONDS_MAX)?;
        let wait = within("WaitTimeSeconds", input.wait_time_seconds, 0..=WAIT_SECONDS_MAX)?;
        if input.receive_request_attempt_id.is_some() {
            return Err(fault::unsupported_operation(
                "ReceiveRequestAttemptId is not available in this build of Tinderbox: receive without it",
            ));
        }
        let mut system = input.attribute_names.unwrap_or_default();
        system.extend(input.message_system_attribute_names.unwrap_or_default());
        if let Some(name) = system.iter().find(|name| !SYSTEM_ATTRIBUTES.contains(&name.as_str())) {
            return Err(fault::invalid_attribute_name(format!("Unknown Attribute {name}.")));
        }
        let attributes = input.message_attribute_names.unwrap_or_default();
        Ok(Self {
            count_max: count.and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
            visibility_ms: 1_000 * u64::from(visibility.unwrap_or(settings.visibility_seconds)),
            wait: Duration::from_secs(u64::from(wait.unwrap_or(settings.wait_seconds))),
            show: Show { system, attributes },
        })
    }
}

/// A number of the request that is within bounds.
pub(crate) fn within(
    name: &str,
    given: Option<i32>,
    bounds: std::ops::RangeInclusive<i32>,
) -> Result<Option<u32>> {
    match given {
        None => Ok(None),
        Some(number) if bounds.contains(&number) => Ok(u32::try_from(number).ok()),
        Some(number) => Err(fault::invalid_parameter_value(format!(
            "Value {number} for parameter {name} is invalid. Reason: Must be >= {} and <= {}, if provided.",
            bounds.start(),
            bounds.end()
        ))),
    }
}

fn tell_dead(queue: &Queue, target: &Queue, count: usize) {
    flow::tell(|| {
        let fact = Fact::new(queue.key.arn(), target.key.arn(), Outcome::DeadLetter);
        fact.times(count).because("received too often")
    });
}

/// Wakes the next who waits, when whoever holds it leaves: nothing that is ready, or due, is waited for by nobody.
struct Baton<'a>(&'a Notify);

impl Drop for Baton<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// One of those who wait, who are counted.
struct Place<'a>(&'a Engine);

impl<'a> Place<'a> {
    fn take(engine: &'a Engine) -> Option<Self> {
        let place = Self(engine);
        let waiting = engine.waiting.fetch_add(1, Ordering::Relaxed);
        (waiting < engine.room.options().waiting_max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine {
    pub(crate) async fn receive(
        &self,
        queue: &Arc<Queue>,
        request: &Request,
    ) -> Result<Vec<Message>> {
        let deadline = Instant::now() + request.wait;
        let mut place = None;
        let mut baton = None;
        loop {
            let notified = queue.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            let taken = self.take(queue, request).await?;
            if !taken.is_empty() {
                let told = self.told(queue, request, taken).await?;
                self.count_received(queue, told.len());
                return Ok(told);
            }
            if self.queues.get(&queue.key).is_none_or(|found| found.id != queue.id) {
                return Err(nonexistent());
            }
            if place.is_none() && !request.wait.is_zero() {
                place = Place::take(self);
                baton = Some(Baton(&queue.changed));
            }
            if self.is_stopping() || place.is_none() || Instant::now() >= deadline {
                drop(baton);
                self.count_received(queue, 0);
                return Ok(Vec::new());
            }
            let due = queue.ledger().next_due().map(|due| self.clock.at(due));
            tokio::select! {
                () = notified => {}
                () = tokio::time::sleep_until(due.map_or(deadline, |due| due.min(deadline))) => {}
            }
        }
    }

    /// Waits until a queue may have something to receive, or is no more.
    pub(crate) async fn ready(&self, queue: &Queue) {
        // Whoever else waits is woken when this is given up.
        let _baton = Baton(&queue.changed);
        loop {
            let notified = queue.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            let due = {
                let ledger = queue.ledger();
                if ledger.is_ready() {
                    return;
                }
                ledger.next_due()
            };
            let is_there = self.queues.get(&queue.key).is_some_and(|found| found.id == queue.id);
            if !is_there || due.is_some_and(|due| due <= self.clock.now()) {
                return;
            }
            match due {
                Some(due) => tokio::select! {
                    () = notified => {}
                    () = tokio::time::sleep_until(self.clock.at(due)) => {}
                },
                None => notified.await,
            }
        }
    }

    /// What is ready now. What was received too often goes to the dead letters instead.
    async fn take(&self, queue: &Arc<Queue>, request: &Request) -> Result<Vec<Taken>> {
        loop {
            let dead_letters = self.dead_letters(queue);
            let (taken, dead) = {
                let now = self.clock.now();
                let mut ledger = queue.ledger();
                let in_flight = ledger.counts().in_flight;
                let in_flight_max =
                    if queue.is_fifo() { FIFO_IN_FLIGHT_MAX } else { STANDARD_IN_FLIGHT_MAX };
                if in_flight >= in_flight_max && ledger.next_due().is_none_or(|due| due > now) {
                    if queue.is_fifo() {
                        return Ok(Vec::new());
                    }
                    return Err(fault::over_limit(
                        "Too many messages in flight: delete them, or wait until they are visible again.",
                    ));
                }
                let taken = ledger.take(Wanted {
                    now,
                    count_max: request
                        .count_max
                        .min(in_flight_max.saturating_sub(in_flight).max(1)),
                    hidden_until: now + request.visibility_ms,
                    receives_max: dead_letters.as_ref().map(|(_, receives_max)| *receives_max),
                });
                if ledger.is_ready() {
                    queue.changed.notify_one();
                }
                taken
            };
            // All are held before anything is waited for: none is left behind if this is not waited for.
            let dead: Vec<Ending> = dead.into_iter().map(|id| self.ending(queue, id)).collect();
            let (are_none_dead, moved) = (dead.is_empty(), dead.len());
            if let Some((target, _)) = dead_letters {
                let moving = Moving { source: queue.key.arn(), is_new: false };
                for ending in dead {
                    if let Err(error) = self.relocate(ending, &target, &moving).await {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            queue = queue.key.arn(),
                            "dead letter not moved"
                        );
                        return if taken.is_empty() { Err(unavailable()) } else { Ok(taken) };
                    }
                }
                if moved > 0 {
                    tell_dead(queue, &target, moved);
                }
            }
            if !taken.is_empty() || are_none_dead {
                return Ok(taken);
            }
        }
    }

    /// Where the dead letters of a queue go, if that is there, and after how many receipts.
    fn dead_letters(&self, queue: &Queue) -> Option<(Arc<Queue>, u32)> {
        let record = queue.record();
        let redrive = record.settings.redrive.as_ref()?;
        let target = self.queues.get(&crate::queue::Key::of_arn(&redrive.target)?)?;
        Some((target, redrive.receives_max))
    }

    /// Messages as their receiver reads them.
    async fn told(
        &self,
        queue: &Arc<Queue>,
        request: &Request,
        taken: Vec<Taken>,
    ) -> Result<Vec<Message>> {
        let mut messages = Vec::with_capacity(taken.len());
        for Taken { id, progress, source, content } in taken {
            let received = Change::Received {
                receives: progress.receives,
                first_received: progress.first_received,
            };
            self.journal.note(Entry { id, change: received }.encode()).await;
            let content = match content {
                Some(content) => content,
                None => match self.content(queue, id).await {
                    Ok(Some(content)) => content,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::error!(%error, queue = queue.key.arn(), "message not read");
                        continue;
                    }
                },
            };
            let head = &content.head;
            let handle = Handle { queue: queue.id, id, receives: progress.receives };
            let mut system = request.show.system_of(head);
            let mut tell = |name: &str, value: String| {
                if request.show.wants(name) {
                    system.insert(name.to_owned(), value);
                }
            };
            tell("SentTimestamp", progress.sent.to_string());
            tell("ApproximateReceiveCount", progress.receives.to_string());
            tell("ApproximateFirstReceiveTimestamp", progress.first_received.to_string());
            if queue.is_fifo() {
                tell("SequenceNumber", fifo::sequence_text(id));
            }
            if let Some(source) = &source {
                tell("DeadLetterQueueSourceArn", source.to_string());
            }
            let attributes = request.show.attributes_of(&head.attributes);
            messages.push(Message {
                message_id: Some(head.message_id.clone()),
                receipt_handle: Some(handle.encode()),
                md5_of_body: Some(message::sum_of_body(&content.body)),
                body: Some(content.body.clone()),
                attributes: (!system.is_empty()).then_some(system),
                md5_of_message_attributes: message::sum(&attributes),
                message_attributes: (!attributes.is_empty()).then_some(attributes),
            });
        }
        Ok(messages)
    }
}

impl Show {
    fn wants(&self, name: &str) -> bool {
        self.system.iter().any(|wanted| wanted == name || wanted == "All")
    }

    fn system_of(&self, head: &Head) -> BTreeMap<String, String> {
        let known = [
            ("SenderId", Some(&head.sender)),
            ("MessageGroupId", head.group.as_ref()),
            ("MessageDeduplicationId", head.deduplication.as_ref()),
            ("AWSTraceHeader", head.trace.as_ref()),
        ];
        let told = known.into_iter().filter(|(name, _)| self.wants(name));
        told.filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect()
    }

    /// The attributes that were asked for: by name, by the beginning of a name (`a.*`), or all.
    fn attributes_of(&self, attributes: &MessageAttributes) -> MessageAttributes {
        let is_wanted = |name: &str| {
            self.attributes.iter().any(|wanted| match wanted.strip_suffix(".*") {
                Some(start) => name.strip_prefix(start).is_some_and(|rest| rest.starts_with('.')),
                None => wanted == "All" || wanted == name,
            })
        };
        let all = self.attributes.iter().any(|wanted| wanted == ".*");
        attributes
            .iter()
            .filter(|(name, _)| all || is_wanted(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// What a handle leads to, if it is one of this queue's.
pub(crate) fn handle_of(queue: &Queue, text: &str) -> Result<Handle, Fault> {
    Handle::decode(text).filter(|handle| handle.queue == queue.id).ok_or_else(|| {
        fault::receipt_handle_is_invalid(format!(
            "The input receipt handle \"{text}\" is not a valid receipt handle."
        ))
    })
}
