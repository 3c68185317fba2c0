// SPDX-License-Identifier: Apache-2.0
//! How values are distributed over buckets that never change.

use std::sync::{Mutex, PoisonError};

/// Where buckets end, in milliseconds: powers of two, which are bounds of the classes that durations come in.
pub const BOUNDS_MS: [f64; 23] = [
    0.25,
    0.5,
    1.0,
    2.0,
    4.0,
    8.0,
    16.0,
    32.0,
    64.0,
    128.0,
    256.0,
    512.0,
    1_024.0,
    2_048.0,
    4_096.0,
    8_192.0,
    16_384.0,
    32_768.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
];

#[derive(Debug)]
pub struct Histogram(Mutex<Sums>);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    /// Values below each bound, those below the ones before it included.
    pub(crate) below: [f64; BOUNDS_MS.len()],
    pub(crate) count: f64,
    pub(crate) sum_ms: f64,
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        let sums = Sums { below: [0.0; BOUNDS_MS.len()], count: 0.0, sum_ms: 0.0 };
        Self(Mutex::new(sums))
    }

    /// Adds `count` values that come to `sum_ms`; `below` says how many of them are below a bound.
    pub fn add(&self, count: f64, sum_ms: f64, below: impl Fn(f64) -> f64) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.count += count;
        sums.sum_ms += sum_ms;
        for (found, bound) in sums.below.iter_mut().zip(BOUNDS_MS) {
            *found += below(bound);
        }
    }

    pub(crate) fn sums(&self) -> Sums {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
