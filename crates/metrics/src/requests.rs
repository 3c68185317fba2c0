// SPDX-License-Identifier: Apache-2.0
//! Requests that were answered, by what they asked for: whoever answers one counts it.
//!
//! Names are those that are declared, so there are only so many. Counts lie in several maps, so that two processors rarely want
//! the same.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const SHARDS: usize = 8;

type Counts = BTreeMap<(&'static str, Option<&'static str>, u16), u64>;

static COUNTS: [Mutex<Counts>; SHARDS] = [const { Mutex::new(BTreeMap::new()) }; SHARDS];

/// Counts a request that was answered with `status`. `at` is any number that differs between requests.
pub fn count_request(
    service: Option<&'static str>,
    operation: Option<&'static str>,
    status: u16,
    at: u64,
) {
    // What a function answers through its URL may be any number.
    let status = if operation.is_some() { status } else { status / 100 };
    let shard = usize::try_from(at % SHARDS as u64).ok().and_then(|shard| COUNTS.get(shard));
    if let Some(shard) = shard {
        let key = (service.unwrap_or("-"), operation, status);
        *shard.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }
}

/// Service, operation and status, and how many.
pub(crate) fn requests() -> Vec<([Cow<'static, str>; 3], u64)> {
    let mut all = Counts::new();
    for shard in &COUNTS {
        for (key, count) in &*shard.lock().unwrap_or_else(PoisonError::into_inner) {
            *all.entry(*key).or_default() += count;
        }
    }
    let labels = |(service, operation, status): (&'static str, Option<&'static str>, u16)| {
        let status = if operation.is_some() { status.to_string() } else { format!("{status}xx") };
        [service.into(), operation.unwrap_or("-").into(), status.into()]
    };
    all.into_iter().map(|(key, count)| (labels(key), count)).collect()
}
