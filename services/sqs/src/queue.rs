// SPDX-License-Identifier: Apache-2.0
//! A queue: its name, its record, and its messages.

use crate::ledger::Ledger;
use crate::settings::Settings;
use api::sqs::fault;
use fifo::Deduplication;
use meter::Tally;
use names::{AccountId, Region};
use policy::{Document, Kind, Named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use tokio::sync::Notify;
use wire::{Context, Result};

/// The name of a queue. Invariant: 1 to 80 of `[a-zA-Z0-9_-]`, and `.fifo` at the end of a FIFO queue's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct QueueName(Box<str>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")]
pub(crate) struct InvalidQueueName;

impl QueueName {
    pub(crate) fn is_fifo(&self) -> bool {
        self.0.ends_with(".fifo")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueName {
    type Err = InvalidQueueName;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let stem = text.strip_suffix(".fifo").unwrap_or(text);
        if !stem.is_empty() && text.len() <= 80 && stem.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidQueueName)
        }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a queue is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: QueueName,
}

impl Key {
    /// The queue that a URL of ours, or of AWS, ends with.
    pub(crate) fn of_url(cx: &Context, url: &str) -> Result<Self> {
        let wrong =
            || fault::invalid_address(format!("The address {url} is not valid for this endpoint."));
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, account) = parts.next().zip(parts.next()).ok_or_else(wrong)?;
        let account = account.parse().map_err(|_| wrong())?;
        let name = name.parse().map_err(|_| nonexistent())?;
        Ok(Self { account, region: cx.region.clone(), name })
    }

    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.strip_prefix("arn:aws:sqs:")?.splitn(3, ':');
        let region = parts.next()?.parse().ok()?;
        let account = parts.next()?.parse().ok()?;
        Some(Self { account, region, name: parts.next()?.parse().ok()? })
    }

    /// As it stands in the store: `ACCOUNT/REGION/NAME`.
    pub(crate) fn of_record(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '/');
        let account = parts.next()?.parse().ok()?;
        let region = parts.next()?.parse().ok()?;
        Some(Self { account, region, name: parts.next()?.parse().ok()? })
    }

    pub(crate) fn record(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }

    /// Under the address that the caller used.
    pub(crate) fn url(&self, cx: &Context) -> String {
        format!("{}/{}/{}", cx.endpoint, self.account, self.name)
    }
}

pub(crate) fn nonexistent() -> wire::Fault {
    fault::queue_does_not_exist("The specified queue does not exist.")
}

/// What is kept of a queue. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of this queue, and of no other that has its name later.
    pub(crate) id: u64,
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
    pub(crate) settings: Settings,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// A record, and its policy as it is asked, made when it first is.
#[derive(Debug)]
struct Kept {
    record: Arc<Record>,
    policy: OnceLock<Named>,
}

impl Kept {
    fn new(record: Record) -> Self {
        Self { record: Arc::new(record), policy: OnceLock::new() }
    }
}

fn ready(text: &str) -> Named {
    let document = Document::parse(text, Kind::Resource).unwrap_or_else(|error| {
        // One that was kept before documents were checked.
        tracing::error!(error = %error, "policy of a queue not understood");
        Document::deny_all()
    });
    Named { name: "the queue's policy".into(), document: Arc::new(document) }
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) key: Key,
    pub(crate) id: u64,
    record: RwLock<Arc<Kept>>,
    ledger: Mutex<Ledger>,
    pub(crate) deduplication: Mutex<Deduplication>,
    /// Something became ready, or is due sooner. Wakes one who waits, who wakes the next when he leaves.
    pub(crate) changed: Notify,
    /// When it was purged last.
    pub(crate) purged: Mutex<Option<u64>>,
    pub(crate) tally: Tally,
    /// Something happened to it since its levels were told.
    pub(crate) is_touched: AtomicBool,
}

impl Queue {
    pub(crate) fn new(key: Key, record: Record) -> Self {
        Self {
            id: record.id,
            ledger: Mutex::new(Ledger::new(key.name.is_fifo())),
            key,
            record: RwLock::new(Arc::new(Kept::new(record))),
            deduplication: Mutex::default(),
            changed: Notify::new(),
            purged: Mutex::default(),
            tally: Tally::default(),
            is_touched: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.key.name.is_fifo()
    }

    pub(crate) fn record(&self) -> Arc<Record> {
        Arc::clone(&self.kept().record)
    }

    /// Its policy, to be asked.
    pub(crate) fn policy(&self) -> Option<Named> {
        let kept = self.kept();
        let text = kept.record.settings.policy.as_deref()?;
        Some(kept.policy.get_or_init(|| ready(text)).clone())
    }

    fn kept(&self) -> Arc<Kept> {
        Arc::clone(&self.record.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_record(&self, record: Record) {
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Kept::new(record));
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // No critical section calls what may panic half-way.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn deduplication(&self) -> MutexGuard<'_, Deduplication> {
        self.deduplication.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "a-b_C9", "q.fifo", &"x".repeat(80)] {
            assert!(good.parse::<QueueName>().is_ok(), "{good}");
        }
        for bad in ["", ".fifo", "a.b", "a b", "a/b", "q.fifo.fifo", &"x".repeat(81)] {
            assert!(bad.parse::<QueueName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_arn_and_a_record_lead_back_to_their_queue() {
        let key = Key::of_arn("arn:aws:sqs:eu-west-1:123456789012:a.fifo").unwrap();
        assert_eq!(key.arn(), "arn:aws:sqs:eu-west-1:123456789012:a.fifo");
        assert_eq!(Key::of_record(&key.record()), Some(key));
        for bad in ["arn:aws:sns:eu-west-1:123456789012:a", "arn:aws:sqs:eu-west-1:1:a", "a"] {
            assert_eq!(Key::of_arn(bad), None, "{bad}");
        }
    }
}
