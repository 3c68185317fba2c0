// SPDX-License-Identifier: Apache-2.0
//! The metrics of queues: what happens to messages, and how many there are in which state.
//!
//! As on AWS, levels are told of queues that something happened to within the last six hours, and of others not at all.

use crate::engine::Engine;
use crate::queue::Queue;
use meter::{Measure, Resource};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

const SENT: Measure = Measure::count("NumberOfMessagesSent");
const SENT_SIZE: Measure = Measure::bytes("SentMessageSize");
const SENT_AGAIN: Measure = Measure::count("NumberOfDeduplicatedSentMessages");
const RECEIVED: Measure = Measure::count("NumberOfMessagesReceived");
const RECEIVED_NOTHING: Measure = Measure::count("NumberOfEmptyReceives");
const DELETED: Measure = Measure::count("NumberOfMessagesDeleted");
const VISIBLE: Measure = Measure::count("ApproximateNumberOfMessagesVisible");
const NOT_VISIBLE: Measure = Measure::count("ApproximateNumberOfMessagesNotVisible");
const DELAYED: Measure = Measure::count("ApproximateNumberOfMessagesDelayed");
const OLDEST: Measure = Measure::seconds("ApproximateAgeOfOldestMessage");

/// How long levels are told of a queue that nothing happens to.
const ACTIVE: Duration = Duration::from_secs(6 * 3_600);
/// How often.
const EVERY: Duration = Duration::from_secs(60);

/// The queues that something happens to.
#[derive(Debug, Default)]
pub(crate) struct Active {
    /// Since levels were told last.
    touched: Mutex<Vec<Arc<Queue>>>,
    /// By their ids.
    known: Mutex<HashMap<u64, Known>>,
}

#[derive(Debug)]
struct Known {
    queue: Weak<Queue>,
    until: Instant,
    next: Instant,
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn float(count: usize) -> f64 {
    count as f64
}

impl Engine {
    pub(crate) fn count_sent(&self, queue: &Arc<Queue>, bytes: usize) {
        self.count(queue, &[(SENT, 1.0), (SENT_SIZE, float(bytes))]);
    }

    pub(crate) fn count_sent_again(&self, queue: &Arc<Queue>) {
        self.count(queue, &[(SENT_AGAIN, 1.0)]);
    }

    pub(crate) fn count_received(&self, queue: &Arc<Queue>, messages: usize) {
        match messages {
            0 => self.count(queue, &[(RECEIVED_NOTHING, 1.0)]),
            messages => self.count(queue, &[(RECEIVED, float(messages))]),
        }
    }

    pub(crate) fn count_deleted(&self, queue: &Arc<Queue>) {
        self.count(queue, &[(DELETED, 1.0)]);
    }

    fn count(&self, queue: &Arc<Queue>, values: &[(Measure, f64)]) {
        queue.tally.add(|| resource(queue), values);
        self.active.touch(queue);
    }

    /// Counts how many messages there are in the queues that are active: in those that something happened to now, and in the others
    /// once a minute.
    pub(crate) fn note_levels(&self) {
        let now = Instant::now();
        let touched = std::mem::take(&mut *lock(&self.active.touched));
        let mut known = lock(&self.active.known);
        for queue in touched {
            queue.is_touched.store(false, Ordering::Release);
            let one = Known { queue: Arc::downgrade(&queue), until: now + ACTIVE, next: now };
            known.insert(queue.id, one);
        }
        known.retain(|_, one| {
            let Some(queue) = one.queue.upgrade().filter(|_| now < one.until) else { return false };
            if now >= one.next {
                one.next = now + EVERY;
                queue.tally.add(|| resource(&queue), &self.levels(&queue));
            }
            true
        });
    }

    fn levels(&self, queue: &Queue) -> Vec<(Measure, f64)> {
        let ledger = queue.ledger();
        let counts = ledger.counts();
        let mut levels = vec![
            (VISIBLE, float(counts.ready)),
            (NOT_VISIBLE, float(counts.in_flight)),
            (DELAYED, float(counts.delayed)),
        ];
        if let Some(sent) = ledger.oldest() {
            let age = Duration::from_millis(self.clock.now().saturating_sub(sent));
            levels.push((OLDEST, age.as_secs_f64().floor()));
        }
        levels
    }
}

impl Active {
    /// Something happened to the queue, or it was full when this server began.
    pub(crate) fn touch(&self, queue: &Arc<Queue>) {
        if !queue.is_touched.load(Ordering::Acquire)
            && !queue.is_touched.swap(true, Ordering::AcqRel)
        {
            lock(&self.touched).push(Arc::clone(queue));
        }
    }
}

fn resource(queue: &Queue) -> Resource {
    Resource {
        account: queue.key.account.clone(),
        region: queue.key.region.clone(),
        namespace: "AWS/SQS",
        dimensions: vec![vec![("QueueName", queue.key.name.to_string())]],
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
