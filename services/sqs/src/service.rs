// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how a queue's record changes.
//!
//! Invariant: a change is on the disk before it is in memory. Changes of records happen one after the other.

use crate::engine::{Clock, Engine};
use crate::move_tasks::Tasks;
use crate::queue::{Key, Queue, Record, nonexistent};
use crate::room::Options;
use crate::table::Table;
use crate::{OpenError, recovery};
use api::sqs::fault;
use journal::disk::Disk;
use std::sync::Arc;
use store::{Batch, Expectation, Keyspace, Store};
use tokio::sync::Mutex;
use wire::{Authority, Context, Fault, Result};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) options: Options,
    records: Keyspace,
    pub(crate) tasks: Tasks,
    /// Held by whoever changes the record of a queue.
    changes: Mutex<()>,
}

impl Service {
    pub(crate) async fn open(
        store: Store,
        disk: Arc<dyn Disk>,
        options: Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let records = store.keyspace("sqs-queues");
        let mut loaded = Vec::new();
        records.load(|entry| loaded.push(entry)).await?;
        let queues = Table::default();
        for entry in loaded {
            let key = Key::of_record(&entry.key).ok_or(OpenError::Key(entry.key))?;
            queues.insert(Arc::new(Queue::new(key, entry.record.decode()?)));
        }
        let clock = Clock::new(wall_ms());
        let (opened, runtime) = (options.clone(), tokio::runtime::Handle::current());
        let open = move || {
            let _entered = runtime.enter();
            recovery::open(disk, opened, queues, clock)
        };
        let engine = tokio::task::spawn_blocking(open).await.map_err(|_| OpenError::Stopped)??;
        let tasks = Tasks::load(store.keyspace("sqs-move-tasks")).await?;
        let service = Arc::new(Self { engine, options, records, tasks, changes: Mutex::new(()) });
        service.resume_tasks();
        Ok(service)
    }

    /// The queue of a URL, which is of the caller's account: for operations that no policy opens to others.
    pub(crate) fn find(&self, cx: &Context, url: &str) -> Result<Arc<Queue>> {
        let key = Key::of_url(cx, url)?;
        // What is another account's is not seen.
        if key.account != cx.account {
            return Err(nonexistent());
        }
        self.engine.queues.get(&key).ok_or_else(nonexistent)
    }

    /// The queue of a URL, for operations whose dispatch asked about it: it may be another account's, when its policy has let
    /// the caller in.
    pub(crate) fn find_admitted(&self, cx: &Context, url: &str) -> Result<Arc<Queue>> {
        self.admitted(cx, &Key::of_url(cx, url)?)
    }

    /// The same by its key.
    pub(crate) fn admitted(&self, cx: &Context, key: &Key) -> Result<Arc<Queue>> {
        let is_admitted = matches!(cx.authority, Authority::Limited(_));
        let found =
            self.engine.queues.get(key).filter(|_| key.account == cx.account || is_admitted);
        found.ok_or_else(nonexistent)
    }

    /// The queue of an ARN, of the caller's account and region.
    pub(crate) fn find_arn(&self, cx: &Context, arn: &str) -> Option<Arc<Queue>> {
        let key = Key::of_arn(arn)?;
        let is_here = key.account == cx.account && key.region == cx.region;
        self.engine.queues.get(&key).filter(|_| is_here)
    }

    pub(crate) async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changes.lock().await
    }

    /// Keeps the record of a queue. The caller holds `changing`.
    pub(crate) async fn keep(&self, key: &Key, record: &Record) -> Result<()> {
        let batch = Batch::new().put_json(&self.records, key.record(), record, Expectation::Any);
        let batch = batch.map_err(|error| failed(&error))?;
        self.records.store().commit(batch).await.map(drop).map_err(|error| failed(&error))
    }

    /// Forgets the record of a queue. The caller holds `changing`.
    pub(crate) async fn forget(&self, key: &Key) -> Result<()> {
        let batch = Batch::new().delete(&self.records, key.record(), Expectation::Any);
        self.records.store().commit(batch).await.map(drop).map_err(|error| failed(&error))
    }

    /// Changes the record of a queue, unless `change` refuses or leaves it as it is.
    pub(crate) async fn change(
        &self,
        queue: &Queue,
        change: impl FnOnce(&mut Record) -> Result<()>,
    ) -> Result<()> {
        let _changing = self.changing().await;
        let is_there = self.engine.queues.get(&queue.key).is_some_and(|found| found.id == queue.id);
        if !is_there {
            return Err(nonexistent());
        }
        let before = queue.record();
        let mut record = (*before).clone();
        change(&mut record)?;
        if record == *before {
            return Ok(());
        }
        record.modified_ms = self.engine.clock.now();
        self.keep(&queue.key, &record).await?;
        self.engine.queues.change(queue, record);
        // Who waits may have to wait for something else.
        queue.changed.notify_one();
        Ok(())
    }
}

/// A failure of ours, which goes to the log and not to the client.
pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "failed to keep a queue");
    fault::internal()
}

/// The disk did not take a message.
pub(crate) fn unavailable() -> Fault {
    fault::internal()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one look at the time of day: from there on the engine's clock counts"
)]
fn wall_ms() -> u64 {
    let elapsed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
