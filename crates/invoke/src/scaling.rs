// SPDX-License-Identifier: Apache-2.0
//! How fast each function may add environments.
//!
//! Looked at by cold starts alone. A function that has not started any for a while is not remembered.

use crate::rate::{Bucket, Rate};
use names::{AccountId, Region};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;
use worker::Function;

/// Above so many functions those are forgotten that may start as many as ever.
const FUNCTIONS_MIN: usize = 1024;

#[derive(Debug)]
pub(crate) struct Scaling {
    rate: Option<Rate>,
    since: Instant,
    functions: Mutex<Functions>,
}

#[derive(Debug, Default)]
struct Functions {
    /// All versions of a function share one.
    buckets: HashMap<(AccountId, Region, String), Bucket>,
    /// At this number it is tidied up.
    tidy_at: usize,
}

impl Scaling {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let functions = Functions { tidy_at: FUNCTIONS_MIN, ..Functions::default() };
        Self { rate, since: Instant::now(), functions: Mutex::new(functions) }
    }

    /// Whether `function` may start one more environment now. If so, it is counted.
    pub(crate) fn may_start(&self, function: &Function, now: Instant) -> bool {
        let Some(rate) = self.rate else { return true };
        let now = now.saturating_duration_since(self.since);
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if functions.buckets.len() >= functions.tidy_at {
            functions.buckets.retain(|_, bucket| !bucket.is_full(now));
            functions.tidy_at = FUNCTIONS_MIN.max(functions.buckets.len() * 2);
        }
        let Function { account, region, name, .. } = function;
        let key = (account.clone(), region.clone(), name.clone());
        functions.buckets.entry(key).or_default().take(rate, now)
    }
}
