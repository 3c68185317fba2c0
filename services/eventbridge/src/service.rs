// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how buses and rules change.
//!
//! Invariant: a change is on the disk before it is in memory. Changes happen one after the other.

use crate::address::{ArchiveKey, BusKey, ReplayKey, RuleKey, no_bus, no_rule};
use crate::archive::{Archive, ArchiveRecord};
use crate::bus::{Bus, BusRecord};
use crate::delivery;
use crate::metrics::Accounts;
use crate::replay::Replay;
use crate::replaying::Replays;
use crate::rule::{Rule, RuleRecord};
use crate::shelf::Shelf;
use crate::table::Table;
use crate::{Dirs, OpenError, Options};
use api::eventbridge::fault;
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
use wire::{Context, Fault, Result};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) table: Table,
    pub(crate) options: Options,
    pub(crate) targets: Arc<dyn Deliver>,
    pub(crate) roles: Roles,
    pub(crate) replays: Replays,
    pub(crate) shelf: Shelf,
    pub(crate) accounts: Accounts,
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    buses: Keyspace,
    /// `ACCOUNT/REGION/BUS/NAME`
    rules: Keyspace,
    /// `ACCOUNT/REGION/NAME`
    archives: Keyspace,
    /// `ACCOUNT/REGION/NAME`
    replay_records: Keyspace,
    /// When rules are due may have changed.
    pub(crate) schedules_changed: Notify,
    dir: PathBuf,
    /// Opened with the first event that somebody wants: who has none pays nothing.
    queue: OnceCell<Arc<Queue>>,
    changes: Mutex<()>,
    is_stopping: AtomicBool,
}

/// The right to change buses and rules.
pub(crate) type Changing<'a> = MutexGuard<'a, ()>;

impl Service {
    pub(crate) async fn open(
        store: Store,
        dirs: Dirs,
        targets: Arc<dyn Deliver>,
        roles: Roles,
        options: Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let has_archives = dirs.archives.is_dir();
        let service = Arc::new(Self {
            table: Table::default(),
            shelf: Shelf::new(dirs.archives, &options),
            options,
            targets,
            roles,
            replays: Replays::default(),
            accounts: Accounts::default(),
            buses: store.keyspace("eventbridge-buses"),
            rules: store.keyspace("eventbridge-rules"),
            archives: store.keyspace("eventbridge-archives"),
            replay_records: store.keyspace("eventbridge-replays"),
            store,
            schedules_changed: Notify::new(),
            dir: dirs.events,
            queue: OnceCell::new(),
            changes: Mutex::new(()),
            is_stopping: AtomicBool::new(false),
        });
        service.load().await?;
        if service.dir.is_dir() {
            service.queue().await?;
        }
        if has_archives {
            let is_known = |key: &ArchiveKey| service.table.archive(key).is_some();
            service.shelf.sweep(is_known).await.map_err(OpenError::Archives)?;
        }
        service.load_replays().await?;
        Ok(service)
    }

    async fn load(&self) -> std::result::Result<(), OpenError> {
        let mut entries = Vec::new();
        self.buses.load(|entry| entries.push(entry)).await?;
        let mut buses = BTreeMap::new();
        for entry in entries {
            let key = BusKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            buses.insert(key.clone(), Bus::new(key, entry.record.decode()?));
        }
        let mut entries = Vec::new();
        self.rules.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let key = RuleKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            let record: RuleRecord = entry.record.decode()?;
            // A default bus has a record only if somebody changed it.
            let bus = buses
                .entry(key.bus.clone())
                .or_insert_with(|| Bus::new(key.bus.clone(), BusRecord::default()));
            bus.put_rule(Rule::new(key, record));
        }
        let mut entries = Vec::new();
        self.archives.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let key = ArchiveKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            let record: ArchiveRecord = entry.record.decode()?;
            let archive = Archive { key, record, line: Arc::default() };
            let key = archive.bus();
            let bus =
                buses.entry(key.clone()).or_insert_with(|| Bus::new(key, BusRecord::default()));
            bus.put_rule(Rule::of_archive(Arc::new(archive)));
        }
        buses.into_values().for_each(|bus| self.table.put(bus));
        Ok(())
    }

    /// Those that had not ended go on.
    async fn load_replays(self: &Arc<Self>) -> std::result::Result<(), OpenError> {
        let mut entries = Vec::new();
        self.replay_records.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let key = ReplayKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            let replay = Arc::new(Replay::new(key, entry.record.decode()?));
            self.replays.put(Arc::clone(&replay));
            if !replay.record().phase.has_ended() {
                self.replay(replay);
            }
        }
        Ok(())
    }

    pub(crate) const fn replay_records(&self) -> &Keyspace {
        &self.replay_records
    }

    /// Events and deliveries that have not ended.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.get().map_or(0, |queue| queue.waiting())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Where events wait.
    pub(crate) async fn queue(self: &Arc<Self>) -> std::result::Result<&Arc<Queue>, OpenError> {
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
            Ok(queue)
        };
        self.queue.get_or_try_init(open).await
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

    pub(crate) async fn changing(&self) -> Changing<'_> {
        self.changes.lock().await
    }

    /// The bus that a member names. What is another account's is not seen.
    pub(crate) fn find_bus(&self, cx: &Context, name: Option<&str>) -> Result<Arc<Bus>> {
        let key = BusKey::named(cx, name)?;
        let is_own = key.account == cx.account && key.region == cx.region;
        self.table.bus(&key).filter(|_| is_own).ok_or_else(|| no_bus(&key.name))
    }

    /// A rule of such a bus.
    pub(crate) fn find_rule(
        &self,
        cx: &Context,
        bus: Option<&str>,
        name: &str,
    ) -> Result<(Arc<Bus>, Arc<Rule>)> {
        let bus = self.find_bus(cx, bus)?;
        let rule = bus
            .rules
            .get(name)
            .cloned()
            .ok_or_else(|| no_rule(&RuleKey { bus: bus.key.clone(), name: name.to_owned() }))?;
        Ok((bus, rule))
    }

    /// The rule with this ARN, whoever's it is.
    pub(crate) fn rule_of(&self, key: &RuleKey) -> Option<Arc<Rule>> {
        self.table.bus(&key.bus)?.rules.get(&key.name).cloned()
    }

    /// Keeps the record of a bus.
    pub(crate) async fn put_bus(&self, _: &Changing<'_>, bus: Bus) -> Result<()> {
        let batch = Batch::new();
        let batch = batch.put_json(&self.buses, bus.key.text(), &bus.record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        self.table.put(bus);
        Ok(())
    }

    /// Deletes a bus, which has no rules.
    pub(crate) async fn delete_bus(&self, _: &Changing<'_>, bus: &Bus) -> Result<()> {
        self.commit(Batch::new().delete(&self.buses, bus.key.text(), Expectation::Any)).await?;
        self.table.remove(&bus.key);
        Ok(())
    }

    /// Keeps the record of a rule.
    pub(crate) async fn put_rule(
        &self,
        _: &Changing<'_>,
        bus: &Bus,
        name: &str,
        record: RuleRecord,
    ) -> Result<()> {
        let key = RuleKey { bus: bus.key.clone(), name: name.to_owned() };
        let batch = Batch::new();
        let batch = batch.put_json(&self.rules, key.text(), &record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        let mut changed = bus.clone();
        changed.put_rule(Rule::new(key, record));
        self.table.put(changed);
        self.schedules_changed.notify_one();
        Ok(())
    }

    pub(crate) async fn delete_rule(
        &self,
        _: &Changing<'_>,
        bus: &Bus,
        rule: &RuleKey,
    ) -> Result<()> {
        self.commit(Batch::new().delete(&self.rules, rule.text(), Expectation::Any)).await?;
        let mut changed = bus.clone();
        changed.rules.remove(&rule.name);
        self.table.put(changed);
        Ok(())
    }

    /// Keeps the record of an archive of this bus.
    pub(crate) async fn put_archive(
        &self,
        _: &Changing<'_>,
        bus: &Bus,
        archive: Arc<Archive>,
    ) -> Result<()> {
        let (key, record) = (archive.key.text(), &archive.record);
        let batch = Batch::new().put_json(&self.archives, key, record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        let mut changed = bus.clone();
        changed.put_rule(Rule::of_archive(archive));
        self.table.put(changed);
        Ok(())
    }

    /// Deletes an archive, and what is in it.
    pub(crate) async fn delete_archive(&self, _: &Changing<'_>, archive: &Archive) -> Result<()> {
        let batch = Batch::new().delete(&self.archives, archive.key.text(), Expectation::Any);
        self.commit(batch).await?;
        if let Some(bus) = self.table.bus(&archive.bus()) {
            let mut changed = Bus::clone(&bus);
            changed.rules.remove(&archive.rule_name());
            self.table.put(changed);
        }
        self.shelf.remove(&archive.key).await.map_err(|error| failed(&error))
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<()> {
        self.store.commit(batch).await.map(drop).map_err(|error| failed(&error))
    }
}

/// A failure of ours, which goes to the log and not to the client.
pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "failed to keep a bus, a rule or an event");
    fault::internal("An internal error occurred. Try again.")
}
