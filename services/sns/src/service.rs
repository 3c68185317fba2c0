// SPDX-License-Identifier: Apache-2.0
//! The parts of the service, and how topics and subscriptions change.
//!
//! Invariant: a change is on the disk before it is in memory. Changes happen one after the other.

use crate::delivery;
use crate::links::Links;
use crate::order::{self, Published, Sent};
use crate::post::Poster;
use crate::publish::now_ms;
use crate::reach::Reach;
use crate::signing::Signer;
use crate::table::Table;
use crate::topic::{
    State, Subscription, SubscriptionRecord, Topic, TopicKey, TopicRecord, invalid, no_topic,
};
use crate::{OpenError, Options, Place};
use api::sns::fault;
use events::Queue;
use events::disk::Directory;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::{Batch, Expectation, Keyspace, Store};
use targets::Deliver;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use wire::{Authority, Context, Fault, Result};

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) table: Table,
    pub(crate) options: Options,
    pub(crate) targets: Arc<dyn Deliver>,
    pub(crate) signer: Signer,
    pub(crate) links: Links,
    pub(crate) poster: Poster,
    store: Store,
    /// `ACCOUNT/REGION/NAME`
    topics: Keyspace,
    /// `ACCOUNT/REGION/NAME/ID`
    subscriptions: Keyspace,
    dir: PathBuf,
    /// Opened with the first topic: who has none pays nothing.
    queue: OnceCell<Arc<Queue>>,
    changes: Mutex<()>,
}

/// The right to change topics.
pub(crate) type Changing<'a> = MutexGuard<'a, ()>;

impl Service {
    pub(crate) async fn open(
        store: Store,
        place: Place,
        targets: Arc<dyn Deliver>,
        options: Options,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let (topics, subscriptions) =
            (store.keyspace("sns-topics"), store.keyspace("sns-subscriptions"));
        let Place { dir, sealer, address } = place;
        let reach = Reach::new(options.endpoint_networks.as_deref(), address.ip().is_loopback());
        let poster = Poster::new(reach, options.ca_file.clone(), options.posts_max);
        let service = Arc::new(Self {
            table: Table::default(),
            signer: Signer::new(&store, sealer),
            links: Links::new(&options.url, address),
            poster,
            options,
            targets,
            store,
            topics,
            subscriptions,
            dir,
            queue: OnceCell::new(),
            changes: Mutex::new(()),
        });
        service.load().await?;
        if !service.table.is_empty() || service.dir.is_dir() {
            service.open_queue().await?;
        }
        Ok(service)
    }

    async fn load(&self) -> std::result::Result<(), OpenError> {
        let mut entries = Vec::new();
        self.topics.load(|entry| entries.push(entry)).await?;
        let mut topics = BTreeMap::new();
        for entry in entries {
            let key = TopicKey::of_text(&entry.key).ok_or(OpenError::Key(entry.key))?;
            let record: TopicRecord = entry.record.decode()?;
            topics.insert(key.clone(), Topic::new(key, record));
        }
        let mut entries = Vec::new();
        self.subscriptions.load(|entry| entries.push(entry)).await?;
        for entry in entries {
            let found = entry.key.rsplit_once('/');
            let found = found.and_then(|(topic, id)| {
                Some((topics.get_mut(&TopicKey::of_text(topic)?)?, id.to_owned()))
            });
            let Some((topic, id)) = found else { return Err(OpenError::Key(entry.key)) };
            let record: SubscriptionRecord = entry.record.decode()?;
            topic.subscriptions.insert(id.clone(), Arc::new(Subscription::new(id, record)));
        }
        topics.into_values().for_each(|topic| self.table.put(topic));
        Ok(())
    }

    async fn open_queue(self: &Arc<Self>) -> std::result::Result<&Arc<Queue>, OpenError> {
        let open = || async {
            let (dir, options) = (self.dir.clone(), delivery::queue_options(&self.options));
            let open = move || {
                let disk = Directory::open(&dir)
                    .map_err(|source| events::OpenError::Directory { source })?;
                Queue::open_with(Arc::new(disk), options, order::is_in_order)
            };
            let queue =
                tokio::task::spawn_blocking(open).await.map_err(|_| OpenError::Stopped)??;
            let queue = Arc::new(queue);
            self.remember(&queue).await?;
            delivery::run(self, &queue);
            Ok(queue)
        };
        self.queue.get_or_try_init(open).await
    }

    /// Finds out again what was published to FIFO topics lately.
    async fn remember(&self, queue: &Queue) -> std::result::Result<(), OpenError> {
        let of = |line: &str, head: &[u8]| -> Option<(TopicKey, Sent)> {
            if let Some(key) = order::remembering(line) {
                return Some((key, serde_json::from_slice(head).ok()?));
            }
            let (key, None) = TopicKey::split(order::owner(line))? else { return None };
            Some((key, serde_json::from_slice::<Published>(head).ok()?.sent))
        };
        for line in queue.lines().into_keys() {
            let is_published = TopicKey::split(order::owner(&line))
                .is_some_and(|(key, subscription)| key.is_fifo() && subscription.is_none());
            if !is_published {
                continue;
            }
            let items = queue.items(&line, usize::MAX).await.map_err(OpenError::Message)?;
            for (key, sent) in items.iter().filter_map(|item| of(&line, &item.head)) {
                if let Some(order) = self.table.get(&key).and_then(|topic| topic.order.clone()) {
                    order.remember(&sent, now_ms()).await;
                }
            }
        }
        Ok(())
    }

    /// Where what is published waits.
    pub(crate) async fn queue(self: &Arc<Self>) -> Result<&Arc<Queue>> {
        self.open_queue().await.map_err(|error| failed(&error))
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

    /// The topic of an ARN, as member `name` has it. What is another account's is seen when its policy has let the caller in:
    /// then the dispatch asked about it.
    pub(crate) fn find(&self, cx: &Context, arn: &str, name: &str) -> Result<Arc<Topic>> {
        let Some((key, None)) = TopicKey::split(arn) else {
            return Err(invalid(bad_arn(arn, name)));
        };
        let is_admitted = matches!(cx.authority, Authority::Limited(_));
        if (key.account != cx.account && !is_admitted) || key.region != cx.region {
            return Err(no_topic());
        }
        self.table.get(&key).ok_or_else(no_topic)
    }

    /// The topic of a subscription's ARN, and the subscription, if it is there and the caller is of the account of either.
    pub(crate) fn find_subscription(
        &self,
        cx: &Context,
        arn: &str,
    ) -> Result<Option<(Arc<Topic>, Arc<Subscription>)>> {
        let Some((key, Some(id))) = TopicKey::split(arn) else {
            return Err(invalid(bad_arn(arn, "SubscriptionArn")));
        };
        let found = self.table.get(&key).filter(|_| key.region == cx.region);
        Ok(found.and_then(|topic| {
            let subscription = topic.subscriptions.get(id).cloned()?;
            let is_there = subscription.record.state != State::Ended;
            if !is_there || subscription.is_over(now_ms()) {
                return None;
            }
            let is_its = key.account == cx.account || subscription.owner(&key) == &cx.account;
            is_its.then_some((topic, subscription))
        }))
    }

    /// Keeps the record of a topic.
    pub(crate) async fn put_topic(&self, _: &Changing<'_>, mut topic: Topic) -> Result<()> {
        let batch = Batch::new();
        let batch = batch.put_json(&self.topics, topic.key.text(), &topic.record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        topic.policy = OnceLock::new();
        self.table.put(topic);
        Ok(())
    }

    pub(crate) async fn delete_topic(&self, _: &Changing<'_>, topic: &Topic) -> Result<()> {
        let mut batch = Batch::new().delete(&self.topics, topic.key.text(), Expectation::Any);
        for id in topic.subscriptions.keys() {
            let key = subscription_text(&topic.key, id);
            batch = batch.delete(&self.subscriptions, key, Expectation::Any);
        }
        self.commit(batch).await?;
        self.table.remove(&topic.key);
        // What was published to it says nothing of the next of its name.
        if let Some(queue) = self.queue.get().filter(|_| topic.order.is_some()) {
            queue.purge(Some(&topic.key.arn()), None).await;
        }
        Ok(())
    }

    /// Keeps the record of a subscription.
    pub(crate) async fn put_subscription(
        &self,
        _: &Changing<'_>,
        topic: &Topic,
        subscription: Subscription,
    ) -> Result<()> {
        let key = subscription_text(&topic.key, &subscription.id);
        let batch = Batch::new();
        let batch =
            batch.put_json(&self.subscriptions, key, &subscription.record, Expectation::Any);
        self.commit(batch.map_err(|error| failed(&error))?).await?;
        let mut changed = topic.clone();
        changed.subscriptions.insert(subscription.id.clone(), Arc::new(subscription));
        self.table.put(changed);
        Ok(())
    }

    pub(crate) async fn delete_subscription(
        &self,
        _: &Changing<'_>,
        topic: &Topic,
        id: &str,
    ) -> Result<()> {
        let key = subscription_text(&topic.key, id);
        self.commit(Batch::new().delete(&self.subscriptions, key, Expectation::Any)).await?;
        let mut changed = topic.clone();
        changed.subscriptions.remove(id);
        self.table.put(changed);
        Ok(())
    }

    /// The topic without subscriptions that nobody confirmed in time.
    pub(crate) async fn without_overdue(
        &self,
        _: &Changing<'_>,
        topic: Arc<Topic>,
    ) -> Result<Arc<Topic>> {
        let now = now_ms();
        if !topic.subscriptions.values().any(|subscription| subscription.is_over(now)) {
            return Ok(topic);
        }
        let (mut changed, mut batch) = (Topic::clone(&topic), Batch::new());
        for (id, subscription) in &topic.subscriptions {
            if subscription.is_over(now) {
                let key = subscription_text(&topic.key, id);
                batch = batch.delete(&self.subscriptions, key, Expectation::Any);
                changed.subscriptions.remove(id);
            }
        }
        self.commit(batch).await?;
        self.table.put(changed.clone());
        Ok(Arc::new(changed))
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        self.store.commit(batch).await.map(drop).map_err(|error| failed(&error))
    }
}

fn subscription_text(topic: &TopicKey, id: &str) -> String {
    format!("{}/{id}", topic.text())
}

fn bad_arn(arn: &str, name: &str) -> String {
    let count = arn.split(':').count();
    match count {
        0..=5 => format!("{name} Reason: An ARN must have at least 6 elements, not {count}"),
        _ => name.to_owned(),
    }
}

/// A failure of ours, which goes to the log and not to the client.
pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Fault {
    tracing::error!(error, "failed to keep a topic or a message");
    fault::internal_error("An internal error occurred. Try again.")
}
