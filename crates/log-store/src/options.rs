// SPDX-License-Identifier: Apache-2.0
//! The limits of logs.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes that a log group may have on the disk, compressed; the oldest events go first. Default: 67108864 (64 MiB).
    pub group_bytes_max: u64,
    /// Bytes that all log groups may have on the disk together; the oldest events go first. Default: 4294967296 (4 GiB).
    pub bytes_max: u64,
    /// Log groups that there may be. Functions log nothing to a group beyond that. Default: 100000.
    pub groups_max: usize,
    /// Log streams of a group. The oldest streams of functions go first; further ones of clients are refused. Default: 20000.
    pub group_streams_max: usize,
    /// Bytes of what functions print that may wait to be written, over all functions. Default: 16777216 (16 MiB).
    pub queue_bytes_max: usize,
    /// Days that events are kept in a group that does not say how long. `None`: for good.
    #[serde(skip)]
    pub retention_days: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group_bytes_max: 64 << 20,
            bytes_max: 4 << 30,
            groups_max: 100_000,
            group_streams_max: 20_000,
            queue_bytes_max: 16 << 20,
            retention_days: None,
        }
    }
}
