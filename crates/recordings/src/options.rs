// SPDX-License-Identifier: Apache-2.0
//! The limits of recordings.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes that the recordings of all functions may have on the disk, compressed; the oldest go first. 0: functions that ask to
    /// be recorded are refused. Default: 1073741824 (1 GiB).
    pub bytes_max: u64,
    /// Bytes that the recordings of one function may have on the disk, compressed; the oldest go first. Default: 134217728
    /// (128 MiB).
    pub function_bytes_max: u64,
    /// Days that a recording is kept. Default: 7.
    pub retention_days: u32,
    /// Bytes of recordings that may wait to be written, over all functions. What is more is not recorded, and counted. Default:
    /// 33554432 (32 MiB).
    pub waiting_bytes_max: usize,
    /// Bytes of an answer that are recorded. Of a longer one, only how long it was. Default: 262144 (256 KiB).
    pub answer_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 30,
            function_bytes_max: 128 << 20,
            retention_days: 7,
            waiting_bytes_max: 32 << 20,
            answer_bytes_max: 256 << 10,
        }
    }
}

impl Options {
    pub(crate) fn log_store(&self) -> log_store::Options {
        log_store::Options {
            group_bytes_max: self.function_bytes_max,
            bytes_max: self.bytes_max,
            retention_days: Some(self.retention_days),
            ..log_store::Options::default()
        }
    }
}
