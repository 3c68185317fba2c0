// SPDX-License-Identifier: Apache-2.0
//! What lasts of messages: every change is an entry of the journal before anybody is told of it.
//!
//! ```text
//! send ──on disk──> ready ──receive──> in flight ──delete, on disk──> gone
//!           delayed ──due──^    <──due──┘ └─ received too often ──on disk──> ready in the dead-letter queue
//! ```
//!
//! That a message is in flight is in memory alone: after a crash it is visible again. How often it was received is noted.
//!
//! Invariants:
//! - what `send` acknowledged is on the disk, and is received until it was deleted, moved or too old;
//! - a message is in one queue at any time, whenever the machine goes down.

use crate::entry::{self, Change, Content, Entry, Progress};
use crate::ledger::Message;
use crate::message;
use crate::metrics::Active;
use crate::queue::Queue;
use crate::room::{Reserved, Room};
use crate::table::Table;
use fifo::{First, Key, WINDOW_MS, sequence_text};
use flow::{Fact, NOBODY, Outcome};
use journal::{Journal, KeepError, Place};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How often old messages, and files that are not needed, are looked for.
const TICK: Duration = Duration::from_secs(10);
/// An id begins with the time at which it was given.
const ID_BITS: u32 = 20;

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) journal: Journal,
    pub(crate) room: Arc<Room>,
    pub(crate) queues: Table,
    pub(crate) clock: Clock,
    next_id: AtomicU64,
    pub(crate) waiting: AtomicUsize,
    is_stopping: AtomicBool,
    pub(crate) active: Active,
}

/// The time of day at start, and what has passed since: it never goes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    wall: u64,
    since: Instant,
}

impl Clock {
    pub(crate) fn new(wall: u64) -> Self {
        Self { wall, since: Instant::now() }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.wall + u64::try_from(self.since.elapsed().as_millis()).unwrap_or_default()
    }

    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.since + Duration::from_millis(ms.saturating_sub(self.wall))
    }
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message_id: String,
    /// Of FIFO queues.
    pub(crate) sequence: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("too many messages wait")]
    NoRoom,
    #[error("failed to keep a message")]
    Keep(#[from] KeepError),
}

/// A message on its way to the disk. Dropped before it is there, it was not sent.
struct Entering {
    queue: Arc<Queue>,
    id: u64,
    progress: Progress,
    content: Arc<Content>,
    reserved: Option<Reserved>,
    room: Arc<Room>,
    first: Option<(Key, First)>,
}

impl Entering {
    fn kept(mut self, place: Place) {
        let Some(reserved) = self.reserved.take() else { return };
        if let Some((_, first)) = self.first.take() {
            self.room.deduplicates(place.segment, self.progress.sent + WINDOW_MS);
            drop(first.is_kept.set(true));
        }
        let content = reserved.is_in_memory().then(|| Arc::clone(&self.content));
        let mut ledger = self.queue.ledger();
        let group = ledger.group(self.content.head.group.as_deref());
        let message = Message::new(self.progress, group, None, reserved.stored(place), content);
        ledger.insert(self.id, message, self.progress.sent);
        drop(ledger);
        self.queue.changed.notify_one();
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        if let Some((key, first)) = self.first.take() {
            self.queue.deduplication().leave(&key, self.id);
            drop(first.is_kept.set(false));
        }
    }
}

/// A message on its way out of its queue. Dropped before that is on the disk, it stays.
#[derive(Debug)]
pub(crate) struct Ending {
    queue: Arc<Queue>,
    pub(crate) id: u64,
    clock: Clock,
    is_over: bool,
}

impl Ending {
    fn over(mut self) -> Option<Message> {
        self.is_over = true;
        self.queue.ledger().remove(self.id, self.clock.now())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.is_over {
            self.queue.ledger().resume(self.id, self.clock.now());
        }
        self.queue.changed.notify_one();
    }
}

/// How a message goes on in another queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moving {
    /// Where its dead letters come from. Empty for one that goes back.
    pub(crate) source: String,
    /// It is as if it was sent now.
    pub(crate) is_new: bool,
}

impl Engine {
    pub(crate) fn new(
        journal: Journal,
        room: Arc<Room>,
        queues: Table,
        clock: Clock,
        id_max: u64,
    ) -> Arc<Self> {
        let next_id = (id_max + 1).max(clock.now() << ID_BITS);
        let engine = Arc::new(Self {
            journal,
            room,
            queues,
            clock,
            next_id: AtomicU64::new(next_id),
            waiting: AtomicUsize::new(0),
            is_stopping: AtomicBool::new(false),
            active: Active::default(),
        });
        let tended = Arc::downgrade(&engine);
        spawn(async move {
            let mut tick = Instant::now();
            while let Some(engine) = tended.upgrade().filter(|engine| !engine.is_stopping()) {
                engine.expire().await;
                engine.tidy().await;
                drop(engine);
                tick += TICK;
                tokio::time::sleep_until(tick).await;
            }
        });
        engine
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Who waits for messages waits no longer.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        for queue in self.queues.all() {
            queue.changed.notify_waiters();
        }
    }

    /// Keeps a message. When this returns, it is on the disk.
    pub(crate) async fn send(
        &self,
        queue: &Arc<Queue>,
        content: Content,
        delay_ms: u64,
    ) -> Result<Sent, SendError> {
        let content = Arc::new(content);
        let bytes = content.body.len() + 256;
        loop {
            let reserved = self.room.reserve(bytes as u64).ok_or(SendError::NoRoom)?;
            let (id, now) = (self.next_id.fetch_add(1, Ordering::Relaxed), self.clock.now());
            let first = match self.enter(queue, &content, id, now) {
                Ok(first) => first,
                Err(known) => match known.is_kept.wait().await {
                    true => {
                        self.count_sent_again(queue);
                        return Ok(known.into());
                    }
                    false => continue,
                },
            };
            let progress = Progress { sent: now, due: now + delay_ms, ..Progress::default() };
            let frame = entry::kept(id, queue.id, progress, &content);
            let entering = Entering {
                queue: Arc::clone(queue),
                id,
                progress,
                content: Arc::clone(&content),
                reserved: Some(reserved),
                room: Arc::clone(&self.room),
                first,
            };
            let then = move |placed: Result<Place, &io::Error>| {
                if let Ok(place) = placed {
                    entering.kept(place);
                }
            };
            self.journal.append(frame, then).await?;
            self.count_sent(queue, message::size(&content.body, Some(&content.head.attributes)));
            let sequence = queue.is_fifo().then(|| sequence_text(id));
            return Ok(Sent { message_id: content.head.message_id.clone(), sequence });
        }
    }

    /// The message is the first with its id for deduplication, if it has one. `Err` is the one that was before.
    fn enter(
        &self,
        queue: &Queue,
        content: &Content,
        id: u64,
        now: u64,
    ) -> Result<Option<(Key, First)>, First> {
        let Some(deduplication) = content.head.deduplication.clone().filter(|_| queue.is_fifo())
        else {
            return Ok(None);
        };
        let by_group = queue.record().settings.deduplicates_by_group;
        let key = (content.head.group.clone().filter(|_| by_group), deduplication);
        let message_id = content.head.message_id.clone();
        let first = First { id, message_id, is_kept: Arc::default() };
        let mut known = queue.deduplication();
        match known.enter(key.clone(), first.clone(), now, now + WINDOW_MS) {
            Some(known) => Err(known),
            None => Ok(Some((key, first))),
        }
    }

    /// Deletes a message that is ending. When this returns, that is on the disk.
    pub(crate) async fn end(&self, queue: &Arc<Queue>, id: u64) -> Result<(), KeepError> {
        let ending = self.ending(queue, id);
        let then = move |placed: Result<Place, &io::Error>| {
            if placed.is_ok() {
                drop(ending.over());
            }
        };
        self.journal.append(Entry::deleted(id).encode(), then).await.map(drop)
    }

    /// Moves a message that is ending to another queue. When this returns, that is on the disk.
    pub(crate) async fn relocate(
        &self,
        ending: Ending,
        target: &Arc<Queue>,
        moving: &Moving,
    ) -> Result<(), KeepError> {
        let (id, now) = (ending.id, self.clock.now());
        let before = ending.queue.ledger().get(id).map(|message| message.progress);
        let Some(before) = before else { return Ok(()) };
        let progress = if moving.is_new {
            Progress { sent: now, ..Progress::default() }
        } else {
            Progress { due: 0, ..before }
        };
        let source = moving.source.clone();
        let Progress { sent, receives, .. } = progress;
        let change = Change::Moved { queue: target.id, sent, receives, source: source.clone() };
        let source: Option<Arc<str>> = (!source.is_empty()).then(|| source.into());
        self.active.touch(target);
        let target = Arc::clone(target);
        let then = move |placed: Result<Place, &io::Error>| {
            if placed.is_ok()
                && let Some(message) = ending.over()
            {
                let Message { group, stored, content, .. } = message;
                let moved = Message::new(progress, group, source, stored, content);
                target.ledger().insert(id, moved, now);
                target.changed.notify_one();
            }
        };
        self.journal.append(Entry { id, change }.encode(), then).await.map(drop)
    }

    /// Holds a message that the ledger says is ending.
    pub(crate) fn ending(&self, queue: &Arc<Queue>, id: u64) -> Ending {
        Ending { queue: Arc::clone(queue), id, clock: self.clock, is_over: false }
    }

    /// Deletes everything that a queue has. When this returns, that is on the disk.
    pub(crate) async fn purge(&self, queue: &Queue) -> Result<(), KeepError> {
        let (id, emptied) = queue.ledger().clear();
        drop(emptied);
        let Some(id) = id else { return Ok(()) };
        let purged = Entry { id, change: Change::Purged { queue: queue.id } };
        self.journal.append(purged.encode(), |_| ()).await.map(drop)
    }

    /// What a message says, from memory or from the disk. `None` for one that is gone.
    pub(crate) async fn content(&self, queue: &Queue, id: u64) -> io::Result<Option<Arc<Content>>> {
        loop {
            let Some(place) = queue.ledger().get(id).map(|message| message.stored.place) else {
                return Ok(None);
            };
            match self.read(place).await {
                Ok(content) => return Ok(Some(Arc::new(content))),
                // Its file was removed meanwhile, because it was moved.
                Err(error) => {
                    let is_there = |message: &Message| message.stored.place == place;
                    if queue.ledger().get(id).is_some_and(is_there) {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn read(&self, place: Place) -> io::Result<Content> {
        let files = Arc::clone(self.journal.files());
        let read = tokio::task::spawn_blocking(move || files.read(place)).await;
        let entry = read.map_err(io::Error::other)??;
        match Entry::decode(entry).map(|entry| entry.change) {
            Some(Change::Kept { content, .. }) => Ok(content),
            Some(_) | None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Forgets what is older than its queue keeps it.
    async fn expire(&self) {
        for queue in self.queues.all() {
            let now = self.clock.now();
            let kept_ms = u64::from(queue.record().settings.retention_seconds) * 1_000;
            let old = queue.ledger().expire(now.saturating_sub(kept_ms), ID_BITS, now);
            for id in &old {
                self.journal.note(Entry::deleted(*id).encode()).await;
            }
            if !old.is_empty() {
                tracing::info!(queue = queue.key.arn(), messages = old.len(), "messages expired");
                flow::tell(|| {
                    let fact = Fact::new(queue.key.arn(), NOBODY, Outcome::TooOld);
                    fact.times(old.len()).because("its queue keeps messages no longer")
                });
            }
        }
    }

    /// Removes files of which nothing is needed, and makes some of which little is.
    async fn tidy(&self) {
        while let Some((oldest, total)) = self.journal.files().oldest_of_several() {
            let (has_messages, deduplicates) = self.room.needs(oldest, self.clock.now());
            if deduplicates {
                return;
            }
            if has_messages {
                let spare = 2 * self.room.options().file_bytes;
                let is_wasteful = total > self.room.used_bytes().saturating_mul(2) + spare;
                if !is_wasteful || !self.move_all(oldest).await {
                    return;
                }
            }
            // In the order of their age: what a later file ends may stand in an older one.
            let files = Arc::clone(self.journal.files());
            let removed = tokio::task::spawn_blocking(move || files.remove(oldest)).await;
            if !matches!(removed, Ok(Ok(()))) {
                tracing::error!(file = oldest, "file of messages not removed");
                return;
            }
            self.room.forget(oldest);
        }
    }

    /// Writes what is needed of a file once more. Whether all of it was.
    async fn move_all(&self, segment: u64) -> bool {
        for queue in self.queues.all() {
            let ids = queue.ledger().in_segment(segment);
            for id in ids {
                if !self.copy(&queue, id).await {
                    return false;
                }
            }
        }
        true
    }

    async fn copy(&self, queue: &Arc<Queue>, id: u64) -> bool {
        let Ok(Some(content)) = self.content(queue, id).await else {
            return queue.ledger().get(id).is_none();
        };
        let Some((progress, source)) = queue
            .ledger()
            .get(id)
            .map(|message| (message.progress, message.source.as_deref().map(str::to_owned)))
        else {
            return true;
        };
        let Content { head, body } = (*content).clone();
        let content = Content { head: entry::Head { source, ..head }, body };
        let (there, is_there) = (Arc::clone(queue), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&is_there);
        let then = move |placed: Result<Place, &io::Error>| {
            if let (Ok(place), Some(message)) = (placed, there.ledger().get_mut(id)) {
                message.stored.move_to(place);
                told.store(true, Ordering::Release);
            }
        };
        let frame = entry::kept(id, queue.id, progress, &content);
        let Ok(place) = self.journal.append(frame, then).await else { return false };
        if !is_there.load(Ordering::Acquire) {
            self.mend(id, place).await;
        }
        true
    }

    /// A message was deleted or moved while its copy was written: that is said again behind the copy.
    async fn mend(&self, id: u64, place: Place) {
        let moved = self.queues.all().into_iter().find_map(|queue| {
            let mut ledger = queue.ledger();
            let message = ledger.get_mut(id)?;
            message.stored.move_to(place);
            let Progress { sent, receives, .. } = message.progress;
            let source = message.source.as_deref().unwrap_or_default().to_owned();
            Some(Change::Moved { queue: queue.id, sent, receives, source })
        });
        let entry = moved.map_or_else(|| Entry::deleted(id), |change| Entry { id, change });
        self.journal.note(entry.encode()).await;
    }
}

impl From<First> for Sent {
    /// What a duplicate is answered.
    fn from(first: First) -> Self {
        Self { sequence: Some(sequence_text(first.id)), message_id: first.message_id }
    }
}

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "ends when the engine stops, which it looks at again and again"
    )]
    drop(tokio::spawn(task));
}
