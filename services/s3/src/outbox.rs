// SPDX-License-Identifier: Apache-2.0
//! Notifications on their way: written with the change that they tell of, then brought to a durable queue, and from there to their
//! targets.
//!
//! ```text
//! a change ──one commit with its notices──> rows ──relay──> queue ──run──> delivered
//!                                                             │ not now: again, for longer each time
//!                                                             └ never, or too old: the log
//! ```
//!
//! Invariants:
//! - what was acknowledged has its notices on the disk, and each is delivered at least once unless its target refuses it;
//! - a row goes after the queue has it; a bucket without rules pays nothing.

use crate::happening::Happening;
use crate::notification_rules::Kind;
use crate::{OpenError, Options, fault};
use api::eventbridge::{PutEventsInput, PutEventsRequestEntry};
use api::sns::PublishInput;
use api::sqs::SendMessageInput;
use bytes::Bytes;
use events::disk::Directory;
use events::{Class, New, Next, NotKept, Queue, Work};
use names::{AccountId, TraceHeader};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use store::{Batch, Entry, Expectation, Keyspace, Scan, Store};
use targets::{Deliver, NotTaken, Parcel, Sender};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use wire::{Result, Timestamp};

/// Rows that are looked at, at once.
const PAGE: usize = 100;
/// How long a notification is tried: a week in which the server runs.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the relay rests when the queue has no room.
const REST: Duration = Duration::from_secs(1);
pub(crate) const SENDER: &str = "s3.amazonaws.com";
const SUBJECT: &str = "Amazon S3 Notification";
/// Of events on buses.
const SOURCE: &str = "aws.s3";

/// What a message is, and so how it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Form {
    /// What the target of a rule gets.
    Ruled(Kind),
    /// The detail of an event on a bus.
    Detail { detail_type: String, time_ms: i64 },
}

/// In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) bucket_arn: String,
    pub(crate) owner: AccountId,
    #[serde(rename = "kind")]
    pub(crate) form: Form,
    pub(crate) target: String,
    /// The trace header of the change.
    pub(crate) trace: String,
    pub(crate) message: String,
}

impl Notice {
    pub(crate) fn sender(&self) -> Sender {
        Sender::Service {
            name: SENDER,
            source_arn: self.bucket_arn.clone(),
            source_account: self.owner.clone(),
        }
    }

    /// `None`: the ARN is none. It was looked at before it was kept.
    fn parcel(&self) -> Option<Parcel> {
        let message = self.message.clone();
        Some(match &self.form {
            Form::Ruled(Kind::Function) => {
                let payload = message.into_bytes().into();
                Parcel::Invocation { function_arn: self.target.clone(), payload }
            }
            Form::Ruled(Kind::Queue) => Parcel::Message {
                queue: self.target.parse().ok()?,
                input: SendMessageInput { message_body: message, ..SendMessageInput::default() },
            },
            Form::Ruled(Kind::Topic) => Parcel::Notification {
                input: PublishInput {
                    topic_arn: Some(self.target.clone()),
                    subject: Some(SUBJECT.to_owned()),
                    message,
                    ..PublishInput::default()
                },
            },
            Form::Detail { detail_type, time_ms } => {
                let entry = PutEventsRequestEntry {
                    time: Some(Timestamp::from_epoch_ms(*time_ms)),
                    source: Some(SOURCE.to_owned()),
                    resources: Some(vec![self.bucket_arn.clone()]),
                    detail_type: Some(detail_type.clone()),
                    detail: Some(message),
                    ..PutEventsRequestEntry::default()
                };
                let input = PutEventsInput { entries: vec![entry], ..PutEventsInput::default() };
                Parcel::Events { bus_arn: self.target.clone(), input }
            }
        })
    }

    pub(crate) async fn send(&self, to: &dyn Deliver) -> std::result::Result<(), NotTaken> {
        let parcel = self.parcel().ok_or_else(|| NotTaken::no_such_target(&self.target))?;
        let trace = TraceHeader::parse(&self.trace).unwrap_or_else(|| TraceHeader::start(0));
        to.deliver(&self.sender(), trace, parcel).await
    }
}

#[derive(Debug)]
pub(crate) struct Outbox {
    rows: Keyspace,
    pub(crate) targets: Arc<dyn Deliver>,
    dir: PathBuf,
    options: events::Options,
    /// Opened with the first notice: who has none pays nothing.
    queue: OnceCell<Arc<Queue>>,
    /// Rows that were committed and are not in the queue. For a moment a row may be gone before it is counted.
    waiting: AtomicI64,
    waiting_max: i64,
    sequence: AtomicU64,
    is_relaying: AtomicBool,
    is_stopping: AtomicBool,
}

impl Outbox {
    /// Opens what an earlier process left, if it left anything.
    pub(crate) async fn open(
        store: &Store,
        dir: PathBuf,
        targets: Arc<dyn Deliver>,
        options: &Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let events = events::Options {
            events_max: options.notifications_max,
            bytes_max: options.notifications_bytes_max,
            function_events_max: options.notifications_max,
            function_bytes_max: options.notifications_bytes_max,
            ..events::Options::default()
        };
        let outbox = Arc::new(Self {
            rows: store.keyspace("s3-notices"),
            targets,
            dir,
            options: events,
            queue: OnceCell::new(),
            waiting: AtomicI64::new(0),
            waiting_max: i64::try_from(options.notifications_max).unwrap_or(i64::MAX),
            sequence: AtomicU64::new(0),
            is_relaying: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
        });
        if outbox.dir.is_dir() {
            outbox.queue().await?;
        }
        let mut left = 0;
        outbox.rows.load(|_| left += 1).await?;
        outbox.committed(left);
        Ok(outbox)
    }

    async fn queue(&self) -> std::result::Result<&Arc<Queue>, OpenError> {
        let open = || async {
            let (dir, options) = (self.dir.clone(), self.options.clone());
            let open = move || {
                let disk = Directory::open(&dir)
                    .map_err(|source| events::OpenError::Directory { source })?;
                Queue::open(Arc::new(disk), options)
            };
            let queue =
                tokio::task::spawn_blocking(open).await.map_err(|_| OpenError::Stopped)??;
            let targets = Arc::clone(&self.targets);
            queue.start(move |work| {
                let targets = Arc::clone(&targets);
                async move { run(&*targets, &work).await }
            });
            Ok(Arc::new(queue))
        };
        self.queue.get_or_try_init(open).await
    }

    /// The place of an event among all others of its key, restarts included, as long as the clock does not go back while none runs.
    pub(crate) fn next_sequence(&self, now_ms: i64) -> u64 {
        let now = u64::try_from(now_ms).unwrap_or_default().saturating_mul(1_000);
        let next = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = self.sequence.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        last.ok().and_then(next).unwrap_or(now)
    }

    /// A notice with `batch` for everybody who wants to know, and how many those are. Once it is committed, [`Self::committed`]
    /// has them go.
    pub(crate) fn add(&self, mut batch: Batch, happening: &Happening<'_>) -> Result<(Batch, i64)> {
        let Some(rules) = happening.bucket.rules() else { return Ok((batch, 0)) };
        let notice = |form, target, message| Notice {
            bucket_arn: happening.bucket.arn(),
            owner: happening.bucket.record().owner.clone(),
            form,
            target,
            trace: happening.by.trace(),
            message,
        };
        let ruled = rules.for_event(happening.name(), happening.key).map(|rule| {
            notice(Form::Ruled(rule.kind), rule.target.clone(), happening.message(rule))
        });
        let told = rules.has_bus.then(|| {
            let detail_type = happening.deed.detail_type().to_owned();
            let form = Form::Detail { detail_type, time_ms: happening.time_ms };
            notice(form, happening.bucket.bus_arn(), happening.detail())
        });
        let mut count = 0;
        for notice in ruled.chain(told) {
            let key = format!("{:020}/{count}", happening.sequence);
            batch = batch
                .put_json(&self.rows, key, &notice, Expectation::Absent)
                .map_err(|error| fault::internal(&error))?;
            count += 1;
        }
        if count > 0 && self.waiting.load(Ordering::Acquire) >= self.waiting_max {
            return Err(fault::slow_down());
        }
        Ok((batch, count))
    }

    pub(crate) fn committed(self: &Arc<Self>, count: i64) {
        if count == 0 {
            return;
        }
        self.waiting.fetch_add(count, Ordering::AcqRel);
        if self.is_relaying.swap(true, Ordering::AcqRel) {
            return;
        }
        let outbox = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "ends when nothing waits, or the server stops"
        )]
        tokio::spawn(async move { outbox.relay().await });
    }

    /// Brings rows to the queue until there are none.
    async fn relay(self: Arc<Self>) {
        while !self.is_stopping.load(Ordering::Acquire) {
            match self.relay_all().await {
                Ok(Relayed::All) => {
                    self.is_relaying.store(false, Ordering::Release);
                    let is_empty = self.waiting.load(Ordering::Acquire) <= 0;
                    if is_empty || self.is_relaying.swap(true, Ordering::AcqRel) {
                        return;
                    }
                }
                Ok(Relayed::Some) => tokio::time::sleep(REST).await,
                Err(error) => {
                    tracing::error!(error = &*error, "notifications not relayed");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn relay_all(
        &self,
    ) -> std::result::Result<Relayed, Box<dyn std::error::Error + Send + Sync>> {
        let queue = self.queue().await?;
        let (mut after, mut relayed) = (None, Relayed::All);
        loop {
            let scan = Scan { prefix: String::new(), after: after.take(), limit: PAGE };
            let page = self.rows.scan(scan).await?;
            let Some(last) = page.last() else { return Ok(relayed) };
            after = Some(last.key.clone());
            let mut keeping = JoinSet::new();
            for entry in page {
                let queue = Arc::clone(queue);
                keeping.spawn(async move { keep(&queue, entry).await });
            }
            let (mut batch, mut count) = (Batch::new(), 0);
            while let Some(kept) = keeping.join_next().await {
                match kept? {
                    Some(key) => {
                        batch = batch.delete(&self.rows, key, Expectation::Any);
                        count += 1;
                    }
                    None => relayed = Relayed::Some,
                }
            }
            self.rows.store().commit(batch).await?;
            self.waiting.fetch_sub(count, Ordering::AcqRel);
        }
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        if let Some(queue) = self.queue.get() {
            queue.stop();
        }
    }

    pub(crate) async fn drain(&self, patience: Duration) {
        if let Some(queue) = self.queue.get() {
            queue.drain(patience).await;
        }
    }
}

enum Relayed {
    All,
    /// The queue had no room for the others.
    Some,
}

/// Has the queue keep a row, and answers its key if it did.
async fn keep(queue: &Queue, entry: Entry) -> Option<String> {
    let Ok(notice) = entry.record.decode::<Notice>() else {
        tracing::error!(row = entry.key, "notification of another build dropped");
        return Some(entry.key);
    };
    let line = format!("{} {}", notice.bucket_arn, notice.target);
    let (head, body) = (Bytes::new(), Bytes::from(entry.record.value));
    match queue.keep(New { line, class: Class::Event, head, body }).await {
        Ok(()) => Some(entry.key),
        Err(NotKept::Refused(_)) => None,
        Err(NotKept::Failed(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "notification not kept");
            None
        }
    }
}

async fn run(targets: &dyn Deliver, work: &Work) -> Next {
    let Ok(notice) = serde_json::from_slice::<Notice>(&work.body) else {
        tracing::error!(line = %work.line, "notification of another build dropped");
        return Next::End(Vec::new());
    };
    let (error, is_over) = match notice.send(targets).await {
        Ok(()) => return Next::End(Vec::new()),
        Err(error @ NotTaken::NotNow { .. }) => (error, work.age >= AGE_MAX),
        Err(error @ NotTaken::Never { .. }) => (error, true),
    };
    tracing::warn!(bucket = notice.bucket_arn, target = notice.target, %error, is_over, "notification not delivered");
    if is_over { Next::End(Vec::new()) } else { Next::PutOff { at_most: Duration::MAX } }
}
