// SPDX-License-Identifier: Apache-2.0
//! Amazon S3.
//!
//! Start at `route.rs` for what a request asks for, at `index.rs` for how an object changes, at `body.rs` for where its bytes are, at `outbox.rs`
//! for the way of notifications.
//!
//! Invariants:
//! - what was acknowledged is on the disk, whole;
//! - no body is in memory, but for a few pieces of it at a time;
//! - a key is never part of a path: files have random names.
//!
//! Not here: whose signature a request has, and what policies mean.

mod body;
mod bucket;
mod bucket_operations;
mod bucket_policy;
mod call;
mod checksum;
mod combine;
mod conditions;
mod copy;
mod cors;
mod crc;
mod delete;
mod delete_many;
mod documents;
mod fault;
mod get;
mod happening;
mod holds;
mod index;
mod inside;
mod intake;
mod lifecycle;
mod lifecycle_rules;
mod list;
mod metadata;
mod multipart;
mod multipart_lists;
mod name;
mod notification_rules;
mod notifications;
mod outbox;
mod outlet;
mod ownership;
mod parts;
mod put;
mod record;
mod route;
mod service;
mod site;
mod tags;
mod uploads;
mod versions;

pub use service::{Dirs, S3};

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes of one object that is put at once, or of one part. Default: 5 GiB.
    pub put_bytes_max: u64,
    /// Bytes of one object that is put together of parts. Default: 5 TiB.
    pub object_bytes_max: u64,
    /// Bytes that must stay free on the disk: what would take them is refused. Default: 1 GiB.
    pub free_bytes_min: u64,
    /// Buckets of one account. Default: 10000.
    pub buckets_max: usize,
    /// Notifications of all buckets that may wait. Changes that would add more are refused. Default: 200000.
    pub notifications_max: usize,
    /// Bytes of all notifications that may wait to be delivered. Default: 1 GiB.
    pub notifications_bytes_max: u64,
    /// Seconds between two looks at what lifecycle rules remove. Default: 3600.
    pub lifecycle_interval_seconds: u64,
    /// Seconds of what lifecycle rules call a day: fewer let tests see them at work. Default: 86400.
    pub lifecycle_day_seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            put_bytes_max: 5 << 30,
            object_bytes_max: 5 << 40,
            free_bytes_min: 1 << 30,
            buckets_max: 10_000,
            notifications_max: 200_000,
            notifications_bytes_max: 1 << 30,
            lifecycle_interval_seconds: 3_600,
            lifecycle_day_seconds: 86_400,
        }
    }
}

impl Options {
    pub(crate) const fn lifecycle_day(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.lifecycle_day_seconds)
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the buckets")]
    Read(#[from] store::ReadError),
    #[error("failed to read a bucket")]
    Decode(#[from] store::DecodeError),
    #[error("failed to open the notifications")]
    Notifications(#[from] events::OpenError),
    #[error("the server stops")]
    Stopped,
    #[error("failed to open the files of objects")]
    Files(#[source] Box<dyn std::error::Error + Send + Sync>),
}
