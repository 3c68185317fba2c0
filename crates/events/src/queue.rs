// SPDX-License-Identifier: Apache-2.0
//! The queue: takes what must not be lost, has it run, and keeps it until it has ended.
//!
//! ```text
//! keep ──on disk──> ready <──due── delayed
//!                     │turn            ▲
//!                     ▼                │ again: an attempt failed, or it was put off
//!                  running ────────────┤
//!                                      └─> end: done, and what follows from it kept first
//! ```
//!
//! Time is queue time: milliseconds while a server ran on this directory. Neither the wall clock nor an outage ages an
//! event or makes it due; a crash takes back ten seconds of it at most.
//!
//! Invariants:
//! - what `keep` acknowledged is on the disk, and runs until its end is known: at least once;
//! - what follows from a run is on the disk before the run's own end is noted.

use crate::entry::{Change, Class, Entry, FORMAT, Kept, Progress};
use crate::ledger::{Item, Ledger, LineState, Refused};
use crate::options::Options;
use crate::recovery::{Standing, recover};
use bytes::Bytes;
use journal::disk::Disk;
use journal::{Begun, Files, Journal, KeepError, OpenError, Place};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often time is noted while something waits, and files are looked at.
const TICK: Duration = Duration::from_secs(10);

/// Something to keep. What `head` and `body` mean, the queue does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Whose it is: lines take turns.
    pub line: String,
    pub class: Class,
    pub head: Bytes,
    pub body: Bytes,
}

/// Something to run.
#[derive(Debug, Clone)]
pub struct Work {
    pub line: Arc<str>,
    pub class: Class,
    pub head: Bytes,
    pub body: Bytes,
    /// Runs of it that failed.
    pub attempts: u32,
    /// How long ago it was accepted.
    pub age: Duration,
}

/// Something that has not ended, for whoever looks.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub class: Class,
    pub head: Bytes,
    pub attempts: u32,
    pub is_running: bool,
    pub age: Duration,
    /// Zero if it is its line's turn that it waits for.
    pub due_in: Duration,
}

/// What becomes of an item after a run.
#[derive(Debug)]
pub enum Next {
    /// It has ended, and these follow from it.
    End(Vec<New>),
    /// The attempt failed, and there is another one.
    Retry { after: Duration },
    /// It could not be tried. It is put off, for longer each time, and at most for this long.
    PutOff { at_most: Duration },
}

#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("failed to keep an event")]
    Failed(#[from] KeepError),
}

/// An item on its way to the disk.
#[derive(Debug)]
pub struct Keeping(Begun);

impl Keeping {
    /// Waits until it is there.
    ///
    /// # Errors
    ///
    /// As `Queue::keep`.
    pub async fn kept(self) -> Result<(), KeepError> {
        self.0.placed().await.map(drop)
    }
}

/// A queue. It stops when this is dropped.
#[derive(Debug)]
pub struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    journal: Journal,
    state: Arc<State>,
    clock: Clock,
    next_id: AtomicU64,
    is_stopping: AtomicBool,
}

/// What the journal's thread knows too.
#[derive(Debug)]
struct State {
    ledger: Mutex<Ledger>,
    /// Something may have become ready, or ended.
    changed: Notify,
}

/// Queue time.
#[derive(Debug)]
struct Clock {
    base: u64,
    since: Instant,
}

impl Clock {
    fn now(&self) -> u64 {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.base.saturating_add(elapsed)
    }

    fn at(&self, queue_time: u64) -> Instant {
        self.since + Duration::from_millis(queue_time.saturating_sub(self.base))
    }
}

impl State {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // No critical section calls what may panic half-way.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Reads what an earlier process left on `disk`. Blocks.
    ///
    /// # Errors
    ///
    /// When the disk can not be read, or holds what this build does not know.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Self, OpenError> {
        Self::open_with(disk, options, |_| false)
    }

    /// The same, with lines that run in order: each item after the one before it ended.
    ///
    /// # Errors
    ///
    /// As `open`.
    pub fn open_with(
        disk: Arc<dyn Disk>,
        options: Options,
        is_in_order: fn(&str) -> bool,
    ) -> Result<Self, OpenError> {
        let files = Arc::new(Files::new(disk, FORMAT));
        let (recovered, found) = recover(&files)?;
        let journal = Journal::start(files, found.next_number, options.file_bytes)
            .map_err(|source| OpenError::Directory { source })?;
        let mut ledger = Ledger::new(options.limits(), is_in_order);
        for (id, Standing { place, kept }) in recovered.items {
            let line = String::from_utf8_lossy(&kept.line);
            let bytes = u64::from(place.bytes);
            let Kept { progress, accepted, class, .. } = kept;
            let line = ledger.reserve_always(&line, bytes);
            ledger.insert(id, Item { line, class, place, bytes, accepted, progress });
        }
        Ok(Self(Arc::new(Inner {
            options,
            journal,
            state: Arc::new(State { ledger: Mutex::new(ledger), changed: Notify::new() }),
            clock: Clock { base: recovered.at, since: Instant::now() },
            next_id: AtomicU64::new(recovered.id_max + 1),
            is_stopping: AtomicBool::new(false),
        })))
    }

    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Begins to run what waits. Each item is given to `run`, at least once, until it answers `Next::End`.
    pub fn start<F>(&self, run: impl Fn(Work) -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = Next> + Send + 'static,
    {
        spawn(schedule(Arc::clone(&self.0), run));
    }

    /// Keeps an item. When this returns `Ok`, it is on the disk.
    ///
    /// # Errors
    ///
    /// `NotKept::Refused` if too much waits already; `NotKept::Failed` if the disk did not take it: then it may still
    /// be there after a crash, and run.
    pub async fn keep(&self, new: New) -> Result<(), NotKept> {
        Ok(self.begin(new).await?.kept().await?)
    }

    /// The first half of `keep`: when it returns, the item stands behind those that were begun before, and is not on the disk yet.
    ///
    /// # Errors
    ///
    /// As `keep`.
    pub async fn begin(&self, new: New) -> Result<Keeping, NotKept> {
        let line = self.0.state.ledger().reserve(&new.line, new.bytes())?;
        Ok(Keeping(self.0.begin(line, new).await?))
    }

    /// How many items have not ended.
    pub fn waiting(&self) -> usize {
        self.0.state.ledger().waiting()
    }

    /// How it stands with each line, and how old the oldest of its items is.
    pub fn lines(&self) -> BTreeMap<Arc<str>, (LineState, Duration)> {
        let now = self.0.clock.now();
        let lines = self.0.state.ledger().lines();
        let age = |line: &LineState| Duration::from_millis(now.saturating_sub(line.oldest));
        lines
            .into_iter()
            .map(|(name, line)| {
                let age = age(&line);
                (name, (line, age))
            })
            .collect()
    }

    /// The first `count_max` items of a line, in the order in which they were accepted, with their heads.
    ///
    /// # Errors
    ///
    /// When the disk can not be read.
    pub async fn items(&self, line: &str, count_max: usize) -> io::Result<Vec<Waiting>> {
        let now = self.0.clock.now();
        let items = self.0.state.ledger().items_of(line, count_max);
        let files = Arc::clone(self.0.journal.files());
        let read = tokio::task::spawn_blocking(move || {
            let read = items.into_iter().map(|(item, is_running)| {
                let kept = read(&files, item.place)?;
                let Progress { attempts, due, .. } = item.progress;
                Ok(Waiting {
                    class: item.class,
                    head: kept.head,
                    attempts,
                    is_running,
                    age: Duration::from_millis(now.saturating_sub(item.accepted)),
                    due_in: Duration::from_millis(due.saturating_sub(now)),
                })
            });
            read.collect()
        });
        read.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    /// Throws away what waits of `line`, or of all lines, and answers how many that were. What runs goes on.
    pub async fn purge(&self, line: Option<&str>, class: Option<Class>) -> usize {
        let purged = self.0.state.ledger().purge(line, class);
        for id in &purged {
            self.0.journal.note(self.0.entry(*id, Change::Ended).encode()).await;
        }
        self.0.journal.sync().await;
        purged.len()
    }

    /// Has everything of `line` that is put off, or of all lines, tried now, and answers how many that are.
    pub fn redrive(&self, line: Option<&str>) -> usize {
        let count = self.0.state.ledger().redrive(line);
        self.0.state.changed.notify_one();
        count
    }

    /// Starts nothing more.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
        self.0.state.changed.notify_one();
    }

    /// Stops, waits until what runs has ended, at most for `patience`, and answers how many still run. Those run again
    /// after the next start.
    pub async fn drain(&self, patience: Duration) -> usize {
        self.stop();
        let deadline = Instant::now() + patience;
        let running = || self.0.state.ledger().running();
        while running() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.0.journal.note(self.0.entry(0, Change::Time).encode()).await;
        self.0.journal.sync().await;
        running()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.stop();
    }
}

impl New {
    fn bytes(&self) -> u64 {
        (self.line.len() + self.head.len() + self.body.len()) as u64
    }
}

impl Inner {
    fn entry(&self, id: u64, change: Change) -> Entry {
        Entry { at: self.clock.now(), id, change }
    }

    /// Writes an item for which there is room. It is in the ledger before whoever wrote it knows.
    async fn begin(&self, line: Arc<str>, new: New) -> Result<Begun, KeepError> {
        let (id, now) = (self.next_id.fetch_add(1, Ordering::Relaxed), self.clock.now());
        let (bytes, class) = (new.bytes(), new.class);
        let kept = Kept {
            progress: Progress::default(),
            accepted: now,
            class,
            line: new.line.into(),
            head: new.head,
            body: new.body,
        };
        let room = Room { state: Arc::clone(&self.state), line: Some(line), bytes };
        let then = move |placed: Result<Place, &io::Error>| {
            let mut room = room;
            if let (Ok(place), Some(line)) = (placed, room.line.take()) {
                let progress = Progress::default();
                let item = Item { line, class, place, bytes, accepted: now, progress };
                room.state.ledger().insert(id, item);
                room.state.changed.notify_one();
            }
        };
        let entry = Entry { at: now, id, change: Change::Kept(kept) };
        self.journal.begin(entry.encode(), then).await
    }

    /// What a run has come to.
    async fn conclude(&self, id: u64, item: Item, next: Next) {
        let now = self.clock.now();
        let Progress { attempts, delays, .. } = item.progress;
        let (progress, is_through) = match next {
            Next::End(follows) => match self.keep_all(follows).await {
                Ok(()) => {
                    self.state.ledger().end(id);
                    self.journal.note(self.entry(id, Change::Ended).encode()).await;
                    return;
                }
                // Without what follows from it, it has not ended: it runs again.
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "outcome of an event not kept"
                    );
                    (self.put_off(attempts, delays, u64::MAX, now), true)
                }
            },
            Next::Retry { after } => (
                Progress {
                    attempts: attempts + 1,
                    delays: 0,
                    due: now.saturating_add(ms(after)).max(1),
                },
                true,
            ),
            Next::PutOff { at_most } => (self.put_off(attempts, delays, ms(at_most), now), false),
        };
        self.state.ledger().again(id, progress, is_through);
        self.journal.note(self.entry(id, Change::Again(progress)).encode()).await;
    }

    fn put_off(&self, attempts: u32, delays: u32, ms_max: u64, now: u64) -> Progress {
        let after = self.options.delay_ms(delays).min(ms_max);
        Progress {
            attempts,
            delays: delays.saturating_add(1),
            due: now.saturating_add(after).max(1),
        }
    }

    async fn keep_all(&self, follows: Vec<New>) -> Result<(), KeepError> {
        let mut begun = Vec::with_capacity(follows.len());
        for new in follows {
            let line = self.state.ledger().reserve_always(&new.line, new.bytes());
            begun.push(self.begin(line, new).await?);
        }
        for begun in begun {
            begun.placed().await?;
        }
        Ok(())
    }

    /// Reads an item and has it run.
    async fn run<F>(self: Arc<Self>, id: u64, item: Item, run: impl Fn(Work) -> F)
    where
        F: Future<Output = Next>,
    {
        let (files, place) = (Arc::clone(self.journal.files()), item.place);
        let kept = tokio::task::spawn_blocking(move || read(&files, place)).await;
        let kept = kept.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let next = match kept {
            Ok(kept) => {
                let age = Duration::from_millis(self.clock.now().saturating_sub(item.accepted));
                let (line, class) = (Arc::clone(&item.line), item.class);
                let (head, body, attempts) = (kept.head, kept.body, item.progress.attempts);
                run(Work { line, class, head, body, attempts, age }).await
            }
            Err(error) => {
                tracing::error!(%error, function = %item.line, "event not read");
                Next::PutOff { at_most: Duration::MAX }
            }
        };
        self.conclude(id, item, next).await;
        self.state.changed.notify_one();
    }

    /// Removes files of which nothing is needed, and makes some of which little is.
    async fn tidy(self: &Arc<Self>) {
        while let Some((oldest, total)) = self.journal.files().oldest_of_several() {
            let needed = self.state.ledger().use_of(oldest);
            if needed.items > 0 {
                let used = self.state.ledger().used_bytes();
                let is_wasteful = total > used.saturating_mul(2) + 2 * self.options.file_bytes;
                if !is_wasteful || !self.move_all(oldest).await {
                    return;
                }
            }
            // In the order of their age: what a later file ends may stand in an older one.
            let files = Arc::clone(self.journal.files());
            let removed = tokio::task::spawn_blocking(move || files.remove(oldest)).await;
            if !matches!(removed, Ok(Ok(()))) {
                tracing::error!(file = oldest, "file of events not removed");
                return;
            }
        }
    }

    /// Writes what is needed of a file once more. Whether all of it was.
    async fn move_all(&self, segment: u64) -> bool {
        let ids = self.state.ledger().items_in(segment);
        for id in ids {
            let Some(item) = self.state.ledger().get(id).cloned() else { continue };
            let (files, place) = (Arc::clone(self.journal.files()), item.place);
            let read = tokio::task::spawn_blocking(move || read(&files, place)).await;
            let Ok(Ok(kept)) = read else { return false };
            let change = Change::Kept(Kept { progress: item.progress, ..kept });
            let (state, is_there) = (Arc::clone(&self.state), Arc::new(AtomicBool::new(false)));
            let told = Arc::clone(&is_there);
            let then = move |placed: Result<Place, &io::Error>| {
                let moved = placed.is_ok_and(|place| state.ledger().moved(id, place));
                told.store(moved, Ordering::Release);
            };
            if self.journal.append(self.entry(id, change).encode(), then).await.is_err() {
                return false;
            }
            if !is_there.load(Ordering::Acquire) {
                // It ended meanwhile, and its end stands before its copy.
                self.journal.note(self.entry(id, Change::Ended).encode()).await;
            }
        }
        true
    }
}

/// Room in the ledger, until it is filled.
struct Room {
    state: Arc<State>,
    line: Option<Arc<str>>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.state.ledger().release(&line, self.bytes);
        }
    }
}

async fn schedule<F>(inner: Arc<Inner>, run: impl Fn(Work) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = Next> + Send + 'static,
{
    let mut tick = Instant::now() + TICK;
    inner.tidy().await;
    while !inner.is_stopping.load(Ordering::Acquire) {
        let (taken, next_due, is_empty) = {
            let mut ledger = inner.state.ledger();
            let taken = ledger.take(inner.clock.now());
            (taken, ledger.next_due(), ledger.is_empty())
        };
        for (id, item) in taken {
            spawn(Arc::clone(&inner).run(id, item, run.clone()));
        }
        let due = next_due.map_or(tick, |due| inner.clock.at(due).min(tick));
        tokio::select! {
            () = inner.state.changed.notified() => {}
            () = tokio::time::sleep_until(due) => {}
        }
        if Instant::now() >= tick {
            tick = Instant::now() + TICK;
            if !is_empty {
                inner.journal.note(inner.entry(0, Change::Time).encode()).await;
            }
            inner.tidy().await;
        }
    }
}

/// Reads an item. Blocks.
fn read(files: &Files, place: Place) -> io::Result<Kept> {
    match Entry::decode(files.read(place)?).map(|entry| entry.change) {
        Some(Change::Kept(kept)) => Ok(kept),
        Some(_) | None => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the scheduler ends when the queue stops, and each run with its function's timeout"
    )]
    drop(tokio::spawn(task));
}
