// SPDX-License-Identifier: Apache-2.0
//! Amazon SQS: queues of messages, standard and FIFO.
//!
//! Start at `engine.rs` for what lasts of messages, at `ledger.rs` for whose turn it is, at `receive.rs` for who waits. What
//! queues are is in the store, and all of it in memory.
//!
//! Invariants:
//! - what was acknowledged is on the disk: a message that was sent, one that was deleted, one that was moved;
//! - nothing is asked again and again: who waits for a message is woken by it.
//!
//! Not here: who polls a queue for a function. Who may call what is decided before a call comes here, by policies of queues too.

mod batch;
mod engine;
mod entry;
mod handle;
mod ledger;
mod message;
mod messages;
mod metrics;
mod move_tasks;
mod permissions;
mod queue;
mod queues;
mod receive;
mod recovery;
mod room;
mod service;
mod settings;
mod table;

pub use room::Options;

use crate::queue::{Key, Queue};
use crate::service::Service;
use journal::disk::Directory;
use names::{AccountId, QueueArn};
use policy::Named;
use std::path::PathBuf;
use std::sync::Arc;
use store::{DecodeError, ReadError, Store};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the queues")]
    Read(#[from] ReadError),
    #[error("failed to read a queue")]
    Decode(#[from] DecodeError),
    #[error("`{0}` is not the name of a queue's record")]
    Key(String),
    #[error("failed to open the messages")]
    Journal(#[from] journal::OpenError),
    #[error("failed to prepare the directory of the messages")]
    Directory(#[source] std::io::Error),
    #[error("the server stops")]
    Stopped,
}

/// Amazon SQS. Clones share it; it stops when the last is gone.
#[derive(Debug, Clone)]
pub struct Sqs {
    pub(crate) service: Arc<Service>,
}

impl Sqs {
    /// Opens the queues of a store, and their messages in `dir`, which belongs to this service alone.
    ///
    /// # Errors
    ///
    /// When either can not be read.
    pub async fn open(store: Store, dir: PathBuf, options: Options) -> Result<Self, OpenError> {
        let disk = Directory::open(&dir).map_err(OpenError::Directory)?;
        Ok(Self { service: Service::open(store, Arc::new(disk), options).await? })
    }

    /// Waits until a queue may have something to receive, or is no more: for whoever receives in this server, and would
    /// otherwise have to ask. It may be given up at any time.
    pub async fn ready(&self, arn: &QueueArn) {
        let engine = &self.service.engine;
        let queue = Key::of_arn(&arn.to_string()).and_then(|key| engine.queues.get(&key));
        if let Some(queue) = queue {
            engine.ready(&queue).await;
        }
    }

    /// Counts how many messages there are in queues that something happens to, for their metrics. To be called every second or so.
    pub fn note_levels(&self) {
        self.service.engine.note_levels();
    }

    /// Whether there is a queue of the account.
    pub fn holds(&self, account: &AccountId) -> bool {
        self.service.engine.queues.all().iter().any(|queue| queue.key.account == *account)
    }

    /// The policy of the queue with this ARN.
    pub fn attached_policies(&self, arn: &str) -> Vec<Named> {
        self.queue(arn).and_then(|queue| queue.policy()).into_iter().collect()
    }

    /// Whether any of these policies may deny something.
    pub fn may_deny(&self) -> bool {
        self.service.engine.queues.may_deny()
    }

    /// A tag of it, in letters of either case.
    pub fn tag_of(&self, arn: &str, key: &str) -> Option<String> {
        let record = self.queue(arn)?.record();
        let mut tags = record.tags.iter();
        tags.find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone())
    }

    fn queue(&self, arn: &str) -> Option<Arc<Queue>> {
        self.service.engine.queues.get(&Key::of_arn(arn)?)
    }

    /// Lets go whoever waits for messages.
    pub fn stop(&self) {
        self.service.engine.stop();
    }
}
