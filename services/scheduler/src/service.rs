// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how schedules and groups change.
//!
//! Invariant: a change is on the disk before it is in memory. Changes happen one after the other.

use crate::key::{GroupKey, ScheduleKey};
use crate::schedule::{Record, Schedule};
use crate::table::{Group, Table};
use crate::{OpenError, Options, clock, delivery, timer};
use api::scheduler::fault;
use events::Queue;
use events::disk::Directory;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Batch, Expectation, Keyspace, Store};
use targets::{Deliver, Roles};
use tokio::sync::{Mutex, MutexGuard, Notify, OnceCell};
use wire::{Fault, Result};

/// Schedules that are deleted together, with what they fired.
const DELETED_TOGETHER: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) table: Table,
    pub(crate) options: Options,
    pub(crate) targets: Arc<dyn Deliver>,
    pub(crate) roles: Roles,
    store: Store,
    /// `ACCOUNT/REGION/GROUP`
    groups: Keyspace,
    /// `ACCOUNT/REGION/GROUP/NAME`
    schedules: Keyspace,
    /// The last instant that was fired of each schedule that did.
    fired: Keyspace,
    dir: PathBuf,
    /// Opened with the first schedule, and with it the timer: who has none pays nothing.
    queue: OnceCell<Arc<Queue>>,
    changes: Mutex<()>,
    /// The first to wake may be another.
    pub(crate) changed: Arc<Notify>,
    is_stopping: AtomicBool,
}

/// The right to change schedules.
pub(crate) type Changing<'a> = MutexGuard<'a, ()>;

/// What a schedule came to by firing.
#[derive(Debug)]
pub(crate) enum Fired {
    Until(i64),
    /// It is deleted, as `ActionAfterCompletion` says.
    ForTheLastTime,
}

impl Service {
    pub(crate) async fn open(
        store: Store,
        dir: PathBuf,
        targets: Arc<dyn Deliver>,
        roles: Roles,
        options: Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let service = Arc::new(Self {
            table: Table::default(),
            options,
            targets,
            roles,
            groups: store.keyspace("scheduler-groups"),
            schedules: store.keyspace("scheduler-schedules"),
            fired: store.keyspace("scheduler-fired"),
            store,
            dir,
            queue: OnceCell::new(),
            changes: Mutex::new(()),
            changed: Arc::new(Notify::new()),
            is_stopping: AtomicBool::new(false),
        });
        service.load().await?;
        if !service.table.is_empty() || service.dir.is_dir() {
            service.open_queue().await?;
        }
        Ok(service)
    }

    async fn load(&self) -> std::result::Result<(), OpenError> {
        let mut entries = Vec::new();
        self.groups.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let key = GroupKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            self.table.put_group(key, entry.record.decode()?);
        }
        let mut entries = Vec::new();
        self.fired.load(|entry| entries.push(entry)).await?;
        let mut fired = BTreeMap::new();
        for entry in entries {
            let until: i64 = entry.record.decode()?;
            fired.insert(entry.key, until);
        }
        let now = clock::now_ms().div_euclid(1_000);
        let mut entries = Vec::new();
        self.schedules.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let after = fired.remove(&entry.key);
            let key = ScheduleKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            let schedule = Schedule::new(Arc::new(key), entry.record.decode()?, after);
            self.table.put(schedule.believing(now).unwrap_or(schedule));
        }
        // What a server was killed over.
        for group in self.table.deleting() {
            let changing = self.changing().await;
            if let Err(error) = self.empty_group(&changing, &group).await {
                tracing::error!(%error, group = group.arn(), "group not deleted");
            }
        }
        Ok(())
    }

    async fn open_queue(self: &Arc<Self>) -> std::result::Result<&Arc<Queue>, OpenError> {
        let open = || async {
            let (dir, options) = (self.dir.clone(), delivery::queue_options(&self.options));
            let open = move || {
                let disk = Directory::open(&dir)
                    .map_err(|source| events::OpenError::Directory { source })?;
                Queue::open(Arc::new(disk), options)
            };
            let queue =
                tokio::task::spawn_blocking(open).await.map_err(|_| OpenError::Stopped)??;
            let queue = Arc::new(queue);
            delivery::run(self, &queue);
            timer::start(self, &queue);
            Ok(queue)
        };
        self.queue.get_or_try_init(open).await
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.changed.notify_one();
        if let Some(queue) = self.queue.get() {
            queue.stop();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    pub(crate) async fn drain(&self, patience: Duration) {
        if let Some(queue) = self.queue.get() {
            queue.drain(patience).await;
        }
    }

    pub(crate) async fn changing(&self) -> Changing<'_> {
        self.changes.lock().await
    }

    /// Keeps a schedule as it is now: what it was due before is forgotten.
    pub(crate) async fn put_schedule(
        self: &Arc<Self>,
        _: &Changing<'_>,
        key: ScheduleKey,
        record: Record,
    ) -> Result<()> {
        self.open_queue().await.map_err(|error| failed(&error))?;
        let text = key.text();
        let batch = Batch::new()
            .put_json(&self.schedules, text.clone(), &record, Expectation::Any)
            .map_err(|error| failed(&error))?
            .delete(&self.fired, text, Expectation::Any);
        self.commit(batch).await?;
        self.table.put(Schedule::new(Arc::new(key), record, None));
        self.changed.notify_one();
        Ok(())
    }

    pub(crate) async fn delete_schedule(&self, _: &Changing<'_>, key: &ScheduleKey) -> Result<()> {
        self.commit(self.without(Batch::new(), key)).await?;
        self.table.remove(key);
        Ok(())
    }

    pub(crate) async fn put_group(
        &self,
        _: &Changing<'_>,
        key: GroupKey,
        group: Group,
    ) -> Result<()> {
        let batch = Batch::new().put_json(&self.groups, key.text(), &group, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        self.table.put_group(key, group);
        Ok(())
    }

    /// Deletes a group that says that it is being deleted, with all its schedules.
    pub(crate) async fn empty_group(&self, _: &Changing<'_>, key: &GroupKey) -> Result<()> {
        loop {
            let schedules = self.table.of_group(key, DELETED_TOGETHER);
            if schedules.is_empty() {
                break;
            }
            let batch = schedules.iter().fold(Batch::new(), |batch, key| self.without(batch, key));
            self.commit(batch).await?;
            schedules.iter().for_each(|key| self.table.remove(key));
        }
        self.commit(Batch::new().delete(&self.groups, key.text(), Expectation::Any)).await?;
        self.table.remove_group(key);
        Ok(())
    }

    /// Notes what has fired. What the disk does not take is noted in memory: it fires again after a restart, and not at once.
    pub(crate) async fn note_fired(&self, _: &Changing<'_>, fired: Vec<(Schedule, Fired)>) {
        let mut batch = Batch::new();
        for (schedule, fired) in &fired {
            let text = schedule.key.text();
            batch = match fired {
                Fired::Until(after) => {
                    batch.put(&self.fired, text, after.to_string(), Expectation::Any)
                }
                Fired::ForTheLastTime => self.without(batch, &schedule.key),
            };
        }
        let is_noted = self.commit(batch).await.is_ok();
        for (schedule, fired) in fired {
            match fired {
                Fired::Until(after) => self.table.put(schedule.advanced(after)),
                Fired::ForTheLastTime if is_noted => self.table.remove(&schedule.key),
                Fired::ForTheLastTime => self.table.put(schedule.advanced(i64::MAX)),
            }
        }
    }

    fn without(&self, batch: Batch, key: &ScheduleKey) -> Batch {
        let text = key.text();
        let batch = batch.delete(&self.schedules, text.clone(), Expectation::Any);
        batch.delete(&self.fired, text, Expectation::Any)
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        self.store.commit(batch).await.map(drop).map_err(|error| failed(&error))
    }
}

/// A failure of ours, which goes to the log and not to the client.
fn failed(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "failed to keep a schedule");
    fault::internal_server("An internal error occurred. Try again.")
}
