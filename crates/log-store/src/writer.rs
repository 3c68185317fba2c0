// SPDX-License-Identifier: Apache-2.0
//! What functions print, on its way to the disk.
//!
//! Nothing on the path of an invocation waits: batches are queued, and one thread writes what has gathered. The queue has a
//! limit; what is above it is refused, and who printed it says so in its log.

use crate::group::{AppendError, Group};
use crate::news::News;
use crate::store::{GroupKey, Groups};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the thread lets batches gather after the first one.
const GATHER: Duration = Duration::from_millis(50);
/// How often it looks after the groups when there is nothing to write.
const TEND: Duration = Duration::from_secs(60);

/// A stream of a function. It is made when something is written to it, and its group too.
#[derive(Debug, Clone)]
pub struct LogStream(Arc<Target>);

#[derive(Debug)]
struct Target {
    group: GroupKey,
    name: String,
    /// Of the writer thread.
    found: Mutex<Option<Arc<Group>>>,
    queue: Arc<Queue>,
}

#[derive(Debug)]
pub(crate) struct Queue {
    bytes_max: usize,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    written: Condvar,
    news: Arc<News>,
}

/// Events that arrive together, made with [`put_event`](crate::put_event).
#[derive(Debug, Clone)]
pub struct Batch {
    pub events: Bytes,
    /// The trace header of the call that made them, where it is one of a chain: what they lead to goes on with it.
    pub cause: Option<Arc<str>>,
}

impl Batch {
    fn len(&self) -> usize {
        self.events.len() + self.cause.as_ref().map_or(0, |cause| cause.len())
    }
}

type Batches = Vec<(LogStream, Batch)>;
/// What goes to one group, by stream.
type Parts = Vec<(LogStream, Vec<Batch>)>;

#[derive(Debug, Default)]
struct Waiting {
    batches: Batches,
    /// Of the batches here and of those that are being written.
    bytes: usize,
    dropped_bytes: usize,
    /// Batches that were ever queued, and written.
    queued: u64,
    written: u64,
    /// Somebody waits for the disk: gather no longer.
    is_hurried: bool,
    is_stopping: bool,
}

/// What the thread is to do next.
enum Next {
    Write(Batches, usize),
    Tend,
    Stop,
}

/// The last one to go stops the thread, after all was written.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(groups: Arc<Groups>, bytes_max: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            bytes_max,
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
            news: Arc::clone(&groups.news),
        });
        let of_thread = Arc::clone(&queue);
        let handle = thread::Builder::new().name("logs".into()).spawn(move || {
            groups.read_all();
            of_thread.run(&groups);
        })?;
        Ok(Self { queue, handle: Mutex::new(Some(handle)) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.lock().is_stopping = true;
        self.queue.arrived.notify_one();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle
            && handle.join().is_err()
        {
            tracing::error!("log writer panicked");
        }
    }
}

impl LogStream {
    pub(crate) fn new(group: GroupKey, name: String, queue: &Arc<Queue>) -> Self {
        let (found, queue) = (Mutex::default(), Arc::clone(queue));
        Self(Arc::new(Target { group, name, found, queue }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn group(&self) -> &str {
        &self.0.group.name
    }

    /// Whether anybody may want to know what events come of.
    pub fn wants_causes(&self) -> bool {
        self.0.queue.news.is_wanted()
    }

    /// Queues events. `false` when there is no room for them.
    pub fn append(&self, batch: Batch) -> bool {
        let queue = &self.0.queue;
        let mut waiting = queue.lock();
        if waiting.bytes + batch.len() > queue.bytes_max {
            waiting.dropped_bytes += batch.len();
            metrics::LOG_DROPPED.add(u64::try_from(batch.len()).unwrap_or(u64::MAX));
            return false;
        }
        waiting.bytes += batch.len();
        waiting.queued += 1;
        waiting.batches.push((self.clone(), batch));
        if waiting.batches.len() == 1 {
            queue.arrived.notify_one();
        }
        true
    }

    /// The group, made anew if somebody has deleted it.
    fn find_group(&self, groups: &Groups) -> Option<Arc<Group>> {
        let mut found = self.0.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.as_ref().is_none_or(|group| group.is_deleted()) {
            *found = groups.find_or_make(&self.0.group);
        }
        found.clone()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything queued so far is in its group. Blocks the thread.
    pub(crate) fn flush(&self) {
        let mut waiting = self.lock();
        let wanted = waiting.queued;
        while waiting.written < wanted {
            waiting.is_hurried = true;
            self.arrived.notify_one();
            waiting = self.written.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The body of the thread.
    fn run(&self, groups: &Groups) {
        loop {
            match self.next() {
                Next::Stop => return,
                Next::Tend => groups.tend(),
                Next::Write(batches, dropped_bytes) => {
                    if dropped_bytes > 0 {
                        tracing::warn!(bytes = dropped_bytes, "log lines dropped");
                    }
                    let count = u64::try_from(batches.len()).unwrap_or(u64::MAX);
                    let bytes: usize = batches.iter().map(|(_, batch)| batch.len()).sum();
                    self.write(groups, batches);
                    {
                        let mut waiting = self.lock();
                        waiting.bytes -= bytes;
                        waiting.written += count;
                    }
                    self.written.notify_all();
                    groups.note_written(bytes);
                }
            }
        }
    }

    fn next(&self) -> Next {
        let mut waiting = self.lock();
        while waiting.batches.is_empty() {
            if waiting.is_stopping {
                return Next::Stop;
            }
            let waited = self.arrived.wait_timeout(waiting, TEND);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting = again;
            if timeout.timed_out() && waiting.batches.is_empty() {
                return Next::Tend;
            }
        }
        let goes_on = |waiting: &mut Waiting| !waiting.is_stopping && !waiting.is_hurried;
        let gathered = self.arrived.wait_timeout_while(waiting, GATHER, goes_on);
        waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        waiting.is_hurried = false;
        let dropped_bytes = std::mem::take(&mut waiting.dropped_bytes);
        Next::Write(std::mem::take(&mut waiting.batches), dropped_bytes)
    }

    /// Each group once, and of a group each stream once.
    fn write(&self, groups: &Groups, batches: Batches) {
        let mut by_stream: HashMap<*const Target, (LogStream, Vec<Batch>)> = HashMap::new();
        for (stream, batch) in batches {
            groups.look(&stream.0.group, &batch.events);
            let id = Arc::as_ptr(&stream.0);
            by_stream.entry(id).or_insert_with(|| (stream, Vec::new())).1.push(batch);
        }
        let mut by_group: HashMap<*const Group, (Arc<Group>, Parts)> = HashMap::new();
        for (stream, batches) in by_stream.into_values() {
            let Some(group) = stream.find_group(groups) else { continue };
            let place = by_group.entry(Arc::as_ptr(&group)).or_insert_with(|| (group, Vec::new()));
            place.1.push((stream, batches));
        }
        for (group, streams) in by_group.into_values() {
            let parts = streams.iter().map(|(stream, batches)| (stream.name(), batches.as_slice()));
            let mut result = group.append(parts.clone());
            // Somebody deleted it just now.
            if let (Err(AppendError::GroupDeleted), Some((first, _))) = (&result, streams.first())
                && let Some(again) = first.find_group(groups)
            {
                result = again.append(parts);
            }
            if let Err(error) = result {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(group = %group.settings().name, error, "log lines lost");
            }
        }
    }
}
