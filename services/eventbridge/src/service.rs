// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how buses and rules change.
//!
//! Invariant: a change is on the disk before it is in memory. Changes happen one after the other.

use crate::address::{BusKey, RuleKey, no_bus, no_rule};
use crate::bus::{Bus, BusRecord};
use crate::delivery;
use crate::rule::{Rule, RuleRecord};
use crate::table::Table;
use crate::{OpenError, Options};
use api::eventbridge::fault;
use events::Queue;
use events::disk::Directory;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{Batch, Expectation, Keyspace, Store};
use targets::Deliver;
use tokio::sync::{Mutex, MutexGuard, Notify, OnceCell};
use wire::{Context, Fault, Result};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) table: Table,
    pub(crate) options: Options,
    pub(crate) targets: Arc<dyn Deliver>,
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    buses: Keyspace,
    /// `ACCOUNT/REGION/BUS/NAME`
    rules: Keyspace,
    /// When rules are due may have changed.
    pub(crate) schedules_changed: Notify,
    dir: PathBuf,
    /// Opened with the first event that somebody wants: who has none pays nothing.
    queue: OnceCell<Arc<Queue>>,
    changes: Mutex<()>,
}

/// The right to change buses and rules.
pub(crate) type Changing<'a> = MutexGuard<'a, ()>;

impl Service {
    pub(crate) async fn open(
        store: Store,
        dir: PathBuf,
        targets: Arc<dyn Deliver>,
        options: Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let (buses, rules) =
            (store.keyspace("eventbridge-buses"), store.keyspace("eventbridge-rules"));
        let service = Arc::new(Self {
            table: Table::default(),
            options,
            targets,
            store,
            buses,
            rules,
            schedules_changed: Notify::new(),
            dir,
            queue: OnceCell::new(),
            changes: Mutex::new(()),
        });
        service.load().await?;
        if service.dir.is_dir() {
            service.queue().await?;
        }
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
            bus.rules.insert(key.name.clone(), Arc::new(Rule::new(key, record)));
        }
        buses.into_values().for_each(|bus| self.table.put(bus));
        Ok(())
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
        changed.rules.insert(name.to_owned(), Arc::new(Rule::new(key, record)));
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

    async fn commit(&self, batch: Batch) -> Result<()> {
        self.store.commit(batch).await.map(drop).map_err(|error| failed(&error))
    }
}

/// A failure of ours, which goes to the log and not to the client.
pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "failed to keep a bus, a rule or an event");
    fault::internal("An internal error occurred. Try again.")
}
