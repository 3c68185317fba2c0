// SPDX-License-Identifier: Apache-2.0
//! Starts of environments that failed in a row: when to try again, and when to give up. Pure.

use crate::provision::Shortage;
use std::time::Duration;

/// Starts that may fail before a version is given up.
const FAILURES_MAX: u32 = 3;
/// Between two of them; twice as long each time.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    failures: u32,
    shortage: Option<Shortage>,
}

impl Setbacks {
    /// Another one. How long to wait before the next start; `None` if there is to be none.
    pub(crate) fn add(&mut self, why: Shortage) -> Option<Duration> {
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            self.shortage = Some(why);
            return None;
        }
        Some(RETRY_DELAY * 2_u32.saturating_pow(self.failures - 1))
    }

    /// No start has a chance.
    pub(crate) const fn give_up(&mut self, why: Shortage) {
        self.shortage = Some(why);
    }

    /// Something went well. What was given up stays so until it is asked for anew.
    pub(crate) const fn forgive(&mut self) {
        self.failures = 0;
    }

    /// Why there are no more starts, if there are none.
    pub(crate) const fn shortage(&self) -> Option<Shortage> {
        self.shortage
    }
}
