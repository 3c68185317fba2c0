// SPDX-License-Identifier: Apache-2.0
//! The limits of the queue, and its times.

use crate::ledger::Limits;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Events of all functions that may wait. Each takes some hundred bytes of memory; its payload is on the disk.
    /// Further ones are throttled. Default: 500000.
    pub events_max: usize,
    /// Bytes of all events that may wait. The files on the disk take at most about twice as many. Default: 8 GiB.
    pub bytes_max: u64,
    /// Events of one function that may wait. Default: 100000.
    pub function_events_max: usize,
    /// Bytes of one function's events that may wait. Default: 2 GiB.
    pub function_bytes_max: u64,
    /// Events that may run at once. One function alone gets a quarter, and every function its first. Default: 512.
    pub running_max: usize,
    /// Milliseconds from the first failed attempt to the second. Default: 60000, as AWS has.
    pub first_retry_ms: u64,
    /// Milliseconds from the second failed attempt to the third. Default: 120000, as AWS has.
    pub second_retry_ms: u64,
    /// Milliseconds until an event that was throttled is tried again. Doubles each time. Default: 1000, as AWS has.
    pub throttled_ms: u64,
    /// Where that ends. Default: 300000 (5 minutes), as AWS has.
    pub throttled_ms_max: u64,
    /// Bytes of one file of the journal. Default: 64 MiB.
    pub file_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            events_max: 500_000,
            bytes_max: 8 << 30,
            function_events_max: 100_000,
            function_bytes_max: 2 << 30,
            running_max: 512,
            first_retry_ms: 60_000,
            second_retry_ms: 120_000,
            throttled_ms: 1_000,
            throttled_ms_max: 300_000,
            file_bytes: 64 << 20,
        }
    }
}

impl Options {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            items_max: self.events_max,
            bytes_max: self.bytes_max,
            line_items_max: self.function_events_max,
            line_bytes_max: self.function_bytes_max,
            running_max: self.running_max.max(1),
        }
    }

    /// How long an event waits after so many failed attempts.
    pub fn retry_after(&self, attempts: u32) -> Duration {
        Duration::from_millis(match attempts {
            0 | 1 => self.first_retry_ms,
            _ => self.second_retry_ms,
        })
    }

    /// How long what was put off so many times is put off once more.
    pub(crate) fn delay_ms(&self, delays: u32) -> u64 {
        let doubled =
            self.throttled_ms.saturating_mul(1_u64.checked_shl(delays).unwrap_or(u64::MAX));
        doubled.min(self.throttled_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_from_a_second_to_five_minutes() {
        let options = Options::default();
        let seconds: Vec<_> = (0..12).map(|delays| options.delay_ms(delays) / 1_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(options.delay_ms(u32::MAX), 300_000);
    }
}
