// SPDX-License-Identifier: Apache-2.0
//! Capacity: how many vCPUs the environments of all versions on one capacity provider have together. Pure.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// In thousandths of a vCPU.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    max: AtomicU64,
    used: AtomicU64,
}

/// What one environment has of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    capacity: Arc<Capacity>,
    millis: u64,
}

/// Those of all providers, by their ARN.
#[derive(Debug, Default)]
pub(crate) struct Capacities(Mutex<HashMap<String, Arc<Capacity>>>);

impl Capacities {
    pub(crate) fn get(&self, provider: &str) -> Arc<Capacity> {
        let mut capacities = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(capacities.entry(provider.to_owned()).or_default())
    }

    /// From now on there are so many vCPUs. What is more than that already stays; with none the provider is forgotten.
    pub(crate) fn limit(&self, provider: &str, vcpus_max: u32) {
        self.get(provider).max.store(u64::from(vcpus_max) * 1000, Ordering::Release);
        if vcpus_max == 0 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(provider);
        }
    }
}

impl Capacity {
    /// A share of so many thousandths, if it is left.
    pub(crate) fn take(self: &Arc<Self>, millis: u64) -> Option<Share> {
        let max = self.max.load(Ordering::Acquire);
        let more = |used: u64| Some(used.saturating_add(millis)).filter(|used| *used <= max);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Share { capacity: Arc::clone(self), millis })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.capacity.used.fetch_sub(self.millis, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_what_there_is() {
        let capacities = Capacities::default();
        let capacity = capacities.get("p");
        assert!(capacity.take(1).is_none(), "nobody said how much there is");
        capacities.limit("p", 3);
        let (one, two) = (capacity.take(2000).unwrap(), capacity.take(1000));
        assert!(two.is_some() && capacity.take(1).is_none());
        drop(one);
        capacities.limit("p", 2);
        assert!(capacity.take(1001).is_none() && capacity.take(1000).is_some());
        capacities.limit("p", 0);
        assert!(capacities.get("p").take(1).is_none());
    }
}
