// SPDX-License-Identifier: Apache-2.0
//! The limits of traces.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes that traces may have on the disk, compressed, of all accounts together; the oldest go first. Default: 1073741824 (1 GiB).
    pub bytes_max: u64,
    /// Days that traces are kept at most. Default: 30, as on AWS.
    pub days_max: u32,
    /// Bytes of segments that may wait to be written, over all functions. Default: 8388608 (8 MiB).
    pub queue_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes_max: 1 << 30, days_max: 30, queue_bytes_max: 8 << 20 }
    }
}
