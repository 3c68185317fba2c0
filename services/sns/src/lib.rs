// SPDX-License-Identifier: Apache-2.0
//! Amazon SNS: topics, and who gets what is published to them.
//!
//! Start at `service.rs` for the parts, at `publish.rs` for the way of a message to the disk, at `delivery.rs` for its way from there
//! to each subscription, `sending.rs` for one attempt. `order.rs` is what FIFO topics add. What topics and subscriptions are is in the store, and all of it in memory.
//!
//! Invariants:
//! - what was acknowledged is on the disk: a published message reaches each subscription that wanted it then, at least once, or the
//!   dead-letter queue that it has;
//! - nobody who publishes waits for a subscription.
//!
//! Not here: subscriptions beside queues, functions and endpoints of HTTP/S. Who may call what is decided before a call comes here, and
//! whether a topic may send to a queue or a function, where it is sent.

mod certificate;
mod delivery;
mod delivery_policy;
mod endpoint;
mod filter;
mod links;
mod message;
mod metrics;
mod notification;
mod order;
mod pace;
mod permissions;
mod post;
mod publish;
mod reach;
mod sending;
mod service;
mod settings;
mod signing;
mod subscriptions;
mod table;
mod topic;
mod topics;

pub use crate::reach::Network;

use crate::service::Service;
use crate::topic::{Topic, TopicKey};
use policy::Named;
use secrets::Sealer;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{DecodeError, ReadError, Store};
use targets::Deliver;

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Topics of one account in one region. Default: 10000.
    pub topics_max: usize,
    /// Subscriptions of one topic. Default: 10000.
    pub topic_subscriptions_max: usize,
    /// Messages and deliveries of all topics that may wait. Further messages are refused. Default: 500000.
    pub waiting_max: usize,
    /// Bytes of all messages and deliveries that may wait. Default: 4 GiB.
    pub waiting_bytes_max: u64,
    /// What links in messages begin with (SigningCertURL, UnsubscribeURL): how those who get them reach this server. Default: the
    /// address that it listens on, and if that is every address, the one that the publisher used.
    pub url: String,
    /// Networks in which HTTP and HTTPS endpoints may be, as 10.0.0.0/8. Default: all that are public, and while the server listens
    /// on a loopback address, loopback and private ones too. Link-local ones are never without being named.
    pub endpoint_networks: Option<Vec<Network>>,
    /// The authorities that HTTPS endpoints must be certified by, in PEM. Default: those of this machine.
    pub ca_file: Option<PathBuf>,
    /// HTTP and HTTPS endpoints that are posted to at once. Default: 64.
    pub posts_max: usize,
    /// Seconds in which an endpoint can confirm its subscription. Default: 172800 (two days), as AWS has.
    pub confirmation_seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topics_max: 10_000,
            topic_subscriptions_max: 10_000,
            waiting_max: 500_000,
            waiting_bytes_max: 4 << 30,
            url: String::new(),
            endpoint_networks: None,
            ca_file: None,
            posts_max: 64,
            confirmation_seconds: 172_800,
        }
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the topics")]
    Read(#[from] ReadError),
    #[error("failed to read a topic")]
    Decode(#[from] DecodeError),
    #[error("`{0}` is not the name of a record of a topic")]
    Key(String),
    #[error("failed to open the messages")]
    Queue(#[from] events::OpenError),
    #[error("failed to read a message")]
    Message(#[source] std::io::Error),
    #[error("the server stops")]
    Stopped,
}

/// Where it is.
#[derive(Debug)]
pub struct Place {
    /// Belongs to this service alone.
    pub dir: PathBuf,
    /// Seals the key under which messages are signed.
    pub sealer: Sealer,
    /// The server listens there.
    pub address: SocketAddr,
}

/// Amazon SNS. Clones share it.
#[derive(Debug, Clone)]
pub struct Sns {
    pub(crate) service: Arc<Service>,
}

impl api::sns::OtherOperations for Sns {}

impl Sns {
    /// Opens the topics of a store, and what of their messages waits.
    ///
    /// # Errors
    ///
    /// When either can not be read.
    pub async fn open(
        store: Store,
        place: Place,
        targets: Arc<dyn Deliver>,
        options: Options,
    ) -> Result<Self, OpenError> {
        Ok(Self { service: Service::open(store, place, targets, options).await? })
    }

    /// The policy of a topic, which has a say in who may do what with it, if it was ever set: the default one lets nobody in.
    pub fn attached_policies(&self, arn: &str) -> Vec<Named> {
        self.topic(arn).and_then(|topic| topic.policy()).into_iter().collect()
    }

    /// Whether any of these policies may deny something.
    pub fn may_deny(&self) -> bool {
        self.service.table.may_deny()
    }

    /// A tag of it, in letters of either case.
    pub fn tag_of(&self, arn: &str, key: &str) -> Option<String> {
        let topic = self.topic(arn)?;
        let mut tags = topic.record.tags.iter();
        tags.find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone())
    }

    /// Somebody who did not sign, and follows a link of a message.
    pub fn nobody() -> wire::Caller {
        let name = "anonymous".to_owned();
        wire::Caller { arn: name.clone(), user_id: name, access_key_id: String::new() }
    }

    /// The certificate of this name, in PEM, if it is the one that messages are signed under.
    pub async fn certificate(&self, name: &str) -> wire::Result<Option<String>> {
        self.service.signer.certificate(name).await.map_err(|error| service::failed(&error))
    }

    fn topic(&self, arn: &str) -> Option<Arc<Topic>> {
        let (key, None) = TopicKey::split(arn)? else { return None };
        self.service.table.get(&key)
    }

    /// Starts no more deliveries.
    pub fn stop(&self) {
        self.service.stop();
    }

    /// Waits for the deliveries that run, so long. The others go on with the next server.
    pub async fn drain(&self, patience: Duration) {
        self.service.drain(patience).await;
    }
}
