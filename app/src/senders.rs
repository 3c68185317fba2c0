// SPDX-License-Identifier: Apache-2.0
//! Services that send on what they took, and keep it until it is taken: topics, buses, buckets and schedules.

use crate::config::Config;
use crate::targets::Targets;
use ::targets::Roles;
use anyhow::Context;
use api::eventbridge::EventBridgeEndpoint;
use api::sns::SnsEndpoint;
use eventbridge::EventBridge;
use s3::S3;
use scheduler::Scheduler;
use secrets::KeyFile;
use sns::Sns;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

pub(crate) struct Senders {
    pub(crate) topics: Sns,
    pub(crate) buses: EventBridge,
    objects: S3,
    pub(crate) schedules: Scheduler,
}

impl Senders {
    /// Behind the queues. What they send to that is opened later they wait for, with what they send.
    pub(crate) async fn open(
        config: &Config,
        data_dir: &Path,
        store: Store,
        place: sns::Place,
        objects: &S3,
        targets: &Arc<Targets>,
        roles: &Roles,
    ) -> anyhow::Result<Self> {
        targets.objects.set(objects.clone());
        let (sends, options) = (Arc::clone(targets) as _, config.sns.clone());
        let topics = Sns::open(store.clone(), place, sends, options).await;
        let topics = topics.context("the topics were not opened")?;
        targets.topics.set(SnsEndpoint(topics.clone()));

        let dirs = eventbridge::Dirs {
            events: data_dir.join("buses"),
            archives: data_dir.join("archives"),
        };
        let (sends, options) = (Arc::clone(targets) as _, config.eventbridge.clone());
        let buses = EventBridge::open(store.clone(), dirs, sends, roles.clone(), options).await;
        let buses = buses.context("the buses were not opened")?;
        targets.buses.set(EventBridgeEndpoint(buses.clone()));

        let (dir, options) = (data_dir.join("firings"), config.scheduler.clone());
        let sends = Arc::clone(targets) as _;
        let schedules = Scheduler::open(store, dir, sends, roles.clone(), options).await;
        let schedules = schedules.context("the schedules were not opened")?;
        Ok(Self { topics, buses, objects: objects.clone(), schedules })
    }

    /// Sends what is due. It does not end.
    pub(crate) async fn run(&self) {
        self.buses.run().await;
    }

    /// Send nothing more.
    pub(crate) fn stop(&self) {
        self.topics.stop();
        self.buses.stop();
        self.objects.stop();
        self.schedules.stop();
    }

    /// Waits for what is being sent, so long.
    pub(crate) async fn drain(&self, patience: Duration) {
        tokio::join!(
            self.topics.drain(patience),
            self.buses.drain(patience),
            self.objects.drain(patience),
            self.schedules.drain(patience)
        );
    }
}

/// Where Amazon SNS is.
pub(crate) fn topics(data_dir: &Path, key_file: &KeyFile, address: SocketAddr) -> sns::Place {
    let (dir, sealer) = (data_dir.join("notifications"), key_file.sealer("notifications"));
    sns::Place { dir, sealer, address }
}

/// Opens Amazon S3, before everything that it notifies.
pub(crate) fn objects(
    config: &Config,
    data_dir: &Path,
    store: &Store,
    targets: &Arc<Targets>,
) -> impl Future<Output = Result<S3, s3::OpenError>> + Send + 'static {
    let dirs = s3::Dirs {
        objects: data_dir.join("objects"),
        notifications: data_dir.join("object-notifications"),
    };
    S3::open(store.clone(), dirs, Arc::clone(targets) as _, config.s3.clone())
}
