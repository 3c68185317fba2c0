// SPDX-License-Identifier: Apache-2.0
//! What a row counts: whole numbers, so that sums are exact.

use meter::Counted;
use serde::{Deserialize, Serialize};

/// In the data directory and on the control socket: a new member needs no default of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub requests: u64,
    /// Of them, those that failed.
    pub errors: u64,
    /// The sum of `Billed Duration` in the REPORT lines.
    pub billed_ms: u64,
    /// Megabytes of memory, each for so many billed milliseconds.
    pub memory_mb_ms: u64,
    /// The same of `/tmp` above 512 MB.
    pub tmp_mb_ms: u64,
    /// Of the requests, those on provisioned environments.
    pub provisioned_requests: u64,
    /// And of `memory_mb_ms` their part.
    pub provisioned_memory_mb_ms: u64,
    /// Megabytes of provisioned environments, each for so many milliseconds that it was there, used or not.
    pub provisioned_mb_ms: u64,
}

impl Totals {
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.requests, other.requests),
            (&mut self.errors, other.errors),
            (&mut self.billed_ms, other.billed_ms),
            (&mut self.memory_mb_ms, other.memory_mb_ms),
            (&mut self.tmp_mb_ms, other.tmp_mb_ms),
            (&mut self.provisioned_requests, other.provisioned_requests),
            (&mut self.provisioned_memory_mb_ms, other.provisioned_memory_mb_ms),
            (&mut self.provisioned_mb_ms, other.provisioned_mb_ms),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }
}

impl From<Counted> for Totals {
    fn from(counted: Counted) -> Self {
        let Counted {
            requests,
            errors,
            billed_ms,
            memory_mb_ms,
            tmp_mb_ms,
            provisioned_requests,
            provisioned_memory_mb_ms,
        } = counted;
        Self {
            requests,
            errors,
            billed_ms,
            memory_mb_ms,
            tmp_mb_ms,
            provisioned_requests,
            provisioned_memory_mb_ms,
            provisioned_mb_ms: 0,
        }
    }
}

/// Megabytes by milliseconds in gigabytes by seconds, exactly: `0.000125`.
pub fn gigabyte_seconds(mb_ms: u64) -> String {
    /// Megabytes in a gigabyte, milliseconds in a second.
    const ONE: u64 = 1_024 * 1_000;
    /// So many decimals hold every part of it.
    const DECIMALS: usize = 13;
    let fraction = (mb_ms % ONE) * (10_u64.pow(13) / ONE);
    let text = format!("{}.{fraction:0DECIMALS$}", mb_ms / ONE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabyte_seconds_are_exact() {
        for (mb_ms, text) in [
            (0, "0"),
            (1, "0.0000009765625"),
            (128, "0.000125"),
            (1_024_000, "1"),
            (1_536_000, "1.5"),
            (u64::MAX, "18014398509481.9839990234375"),
        ] {
            assert_eq!(gigabyte_seconds(mb_ms), text);
        }
    }
}
