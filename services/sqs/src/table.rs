// SPDX-License-Identifier: Apache-2.0
//! All queues, in memory.

use crate::queue::{Key, Queue};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, Default)]
pub(crate) struct Table(RwLock<BTreeMap<Key, Arc<Queue>>>);

impl Table {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Queue>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn insert(&self, queue: Arc<Queue>) {
        let mut queues = self.0.write().unwrap_or_else(PoisonError::into_inner);
        queues.insert(queue.key.clone(), queue);
    }

    pub(crate) fn remove(&self, key: &Key) -> Option<Arc<Queue>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The queues of the account and region of `like`, in the order of their names, after `after`.
    pub(crate) fn of_region(&self, like: &Key, after: Option<&Key>) -> Vec<Arc<Queue>> {
        let queues = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let is_there = |key: &Key| key.account == like.account && key.region == like.region;
        let range = queues.range((from, Bound::Unbounded));
        range.filter(|(key, _)| is_there(key)).map(|(_, queue)| Arc::clone(queue)).collect()
    }
}
