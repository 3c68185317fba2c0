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

/// All versions of a function.
type Key = (AccountId, Region, String);

#[derive(Debug)]
pub(crate) struct Scaling {
    rate: Option<Rate>,
    since: Instant,
    functions: Mutex<Functions>,
}

#[derive(Debug, Default)]
struct Functions {
    buckets: HashMap<Key, Bucket>,
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
        let Function { account, region, name, .. } = function;
        self.take((account.clone(), region.clone(), name.clone()), now)
    }

    fn take(&self, key: Key, now: Instant) -> bool {
        let Some(rate) = self.rate else { return true };
        let now = now.saturating_duration_since(self.since);
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if functions.buckets.len() >= functions.tidy_at {
            functions.buckets.retain(|_, bucket| !bucket.is_full(now));
            functions.tidy_at = FUNCTIONS_MIN.max(functions.buckets.len() * 2);
        }
        functions.buckets.entry(key).or_default().take(rate, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn key(name: &str) -> Key {
        ("000000000000".parse().unwrap(), "us-east-1".parse().unwrap(), name.to_owned())
    }

    #[test]
    fn each_function_has_a_rate_of_its_own() {
        let scaling = Scaling::new(Some(Rate { per_second: 1, burst: 2 }));
        let now = scaling.since + Duration::from_secs(1);
        assert!(scaling.take(key("one"), now) && scaling.take(key("one"), now));
        assert!(!scaling.take(key("one"), now));
        assert!(scaling.take(key("other"), now));
        assert!(scaling.take(key("one"), now + Duration::from_secs(1)));
        let unlimited = Scaling::new(None);
        assert!((0..9_999).all(|_| unlimited.take(key("one"), now)));
    }

    #[test]
    fn functions_at_rest_are_not_remembered() {
        let scaling = Scaling::new(Some(Rate { per_second: 100, burst: 100 }));
        for second in 0..3 * FUNCTIONS_MIN as u64 {
            let now = scaling.since + Duration::from_secs(second);
            assert!(scaling.take(key(&second.to_string()), now));
        }
        assert!(scaling.functions.lock().unwrap().buckets.len() <= FUNCTIONS_MIN);
    }
}
