// SPDX-License-Identifier: Apache-2.0
//! Who is told what of an environment, and what is kept for those who are yet to subscribe.
//!
//! Invariants:
//! - telling never waits: a record is put into a buffer, or is counted as lost;
//! - without subscribers all of this is a look at a flag, but for the init phase, when somebody may yet subscribe.

use super::LogsDropped;
use super::buffer::{Buffer, Dropped, Due};
use super::event::PlatformEvent;
use super::record::Record;
use super::subscription::{Api, Category, Destination, Schema, Subscribed};
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What is kept during init for who subscribes later in it.
const BACKLOG_BYTES_MAX: usize = 256 * 1024;
/// How long an environment stays awake for a subscriber that does not take what waits for it.
const AWAKE_MAX: Duration = Duration::from_secs(1);
const REASON: &str =
    "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";

/// What is told of one environment, and to whom.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    is_on: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    subscribers: Vec<Arc<Subscriber>>,
    /// While it is open: what was told so far.
    backlog: Option<Vec<Record>>,
    backlog_bytes: usize,
    /// Since when the environment could rest, after the last invocation. Not since the last record: a subscriber that prints what it
    /// is told is told for ever.
    quiet_since: Option<Instant>,
}

/// An extension that is told.
#[derive(Debug)]
pub(crate) struct Subscriber {
    name: String,
    schema: Schema,
    categories: Vec<Category>,
    pub(super) destination: Destination,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug)]
struct Waiting {
    buffer: Buffer,
    /// A batch is on its way.
    is_sending: bool,
    /// What there is goes now.
    is_flushed: bool,
    /// The environment ends: nothing waits for more to come.
    is_hurried: bool,
}

/// Why there is no subscription.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotSubscribed {
    Closed,
    /// The environment has subscriptions through the other API.
    OtherApi,
}

impl Telemetry {
    /// An init phase begins. Whoever subscribed in a life before is gone.
    pub(crate) fn open(&self) {
        *self.inner() = Inner { backlog: Some(Vec::new()), ..Inner::default() };
        self.is_on.store(true, Ordering::Release);
    }

    /// Nobody may subscribe any more.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.backlog = None;
        self.is_on.store(!inner.subscribers.is_empty(), Ordering::Release);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Adds a subscriber, who gets all that was told before. `None` for one who has subscribed already.
    pub(crate) fn subscribe(
        &self,
        name: &str,
        subscribed: Subscribed,
    ) -> Result<Option<Arc<Subscriber>>, NotSubscribed> {
        let mut inner = self.inner();
        let Inner { subscribers, backlog: Some(backlog), .. } = &mut *inner else {
            return Err(NotSubscribed::Closed);
        };
        let api = subscribed.schema.api();
        if subscribers.iter().any(|other| other.schema.api() != api) {
            return Err(NotSubscribed::OtherApi);
        }
        if subscribers.iter().any(|other| other.name == name) {
            return Ok(None);
        }
        let subscriber = Arc::new(Subscriber::new(name, subscribed));
        for record in backlog.iter() {
            subscriber.tell(record);
        }
        subscribers.push(Arc::clone(&subscriber));
        Ok(Some(subscriber))
    }

    pub(crate) fn tell(&self, event: &PlatformEvent<'_>) {
        if matches!(event, PlatformEvent::Start(_)) {
            self.inner().quiet_since = None;
        }
        self.tell_record(Record::platform(event));
    }

    /// A line that was printed. `is_json` is what the log's format is.
    pub(crate) fn print(&self, category: Category, line: &[u8], is_json: bool) {
        self.tell_record(Record::printed(category, line, is_json));
    }

    fn tell_record(&self, record: Record) {
        let mut inner = self.inner();
        for subscriber in &inner.subscribers {
            subscriber.tell(&record);
        }
        let bytes = inner.backlog_bytes + record.length();
        if bytes <= BACKLOG_BYTES_MAX
            && let Some(backlog) = &mut inner.backlog
        {
            backlog.push(record);
            inner.backlog_bytes = bytes;
        }
    }

    /// Whether nobody waits for anything. What waits is sent on its way: an environment that rests delivers nothing.
    pub(crate) fn may_rest(&self) -> bool {
        if !self.is_on() {
            return true;
        }
        let mut inner = self.inner();
        let now = Instant::now();
        let since = *inner.quiet_since.get_or_insert(now);
        let waiting = inner.subscribers.iter().filter(|subscriber| !subscriber.flush()).count();
        waiting == 0 || now.duration_since(since) >= AWAKE_MAX
    }

    /// Sends on what waits, now and from now on, and waits until all of it has arrived.
    pub(crate) async fn drain(&self) {
        if !self.is_on() {
            return;
        }
        let subscribers = self.inner().subscribers.clone();
        for subscriber in &subscribers {
            subscriber.hurry();
        }
        for subscriber in subscribers {
            subscriber.delivered().await;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    fn new(name: &str, subscribed: Subscribed) -> Self {
        let Subscribed { schema, categories, buffering, destination } = subscribed;
        let buffer = Buffer::new(buffering);
        let waiting =
            Mutex::new(Waiting { buffer, is_sending: false, is_flushed: false, is_hurried: false });
        let name = name.to_owned();
        Self { name, schema, categories, destination, waiting, changed: Notify::new() }
    }

    pub(crate) fn category_names(&self) -> Vec<&'static str> {
        self.categories.iter().map(|category| category.name()).collect()
    }

    pub(crate) fn api(&self) -> Api {
        self.schema.api()
    }

    fn tell(&self, record: &Record) {
        if !self.categories.contains(&record.category) {
            return;
        }
        let Some(text) = record.text(self.schema) else { return };
        let wakes = {
            let mut waiting = self.waiting();
            let before = waiting.buffer.due();
            waiting.buffer.push(text, Instant::now());
            before == Due::Never || waiting.is_hurried || waiting.buffer.due() != before
        };
        if wakes {
            self.changed.notify_waiters();
        }
    }

    /// `true` when nothing waits.
    fn flush(&self) -> bool {
        let is_done = {
            let mut waiting = self.waiting();
            waiting.is_flushed = !waiting.buffer.is_empty();
            !waiting.is_flushed && !waiting.is_sending
        };
        if !is_done {
            self.changed.notify_waiters();
        }
        is_done
    }

    fn hurry(&self) {
        self.waiting().is_hurried = true;
        self.changed.notify_waiters();
    }

    /// Waits for the next batch. It counts as on its way until `sent`.
    pub(super) async fn next_batch(&self) -> Vec<Bytes> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let due = {
                let mut waiting = self.waiting();
                let now = Instant::now();
                let is_hurried = waiting.is_hurried || waiting.is_flushed;
                match waiting.buffer.due() {
                    Due::At(at) if at > now && !is_hurried => Due::At(at),
                    Due::Never => Due::Never,
                    Due::Now | Due::At(_) => {
                        waiting.is_sending = true;
                        waiting.is_flushed = false;
                        return self.with_loss(waiting.buffer.take(now));
                    }
                }
            };
            match due {
                Due::At(at) => drop(tokio::time::timeout_at(at, changed).await),
                Due::Now | Due::Never => changed.await,
            }
        }
    }

    /// A batch says at its end what was lost before it.
    fn with_loss(&self, (mut batch, dropped): (Vec<Bytes>, Dropped)) -> Vec<Bytes> {
        if dropped.records > 0 {
            let event = PlatformEvent::LogsDropped(LogsDropped {
                reason: REASON,
                dropped_records: dropped.records,
                dropped_bytes: dropped.bytes,
            });
            batch.extend(Record::platform(&event).text(self.schema));
        }
        batch
    }

    /// The batch has arrived.
    pub(super) fn sent(&self) {
        self.waiting().is_sending = false;
        self.changed.notify_waiters();
    }

    async fn delivered(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            {
                let waiting = self.waiting();
                if waiting.buffer.is_empty() && !waiting.is_sending {
                    return;
                }
            }
            changed.await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
