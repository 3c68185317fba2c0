// SPDX-License-Identifier: Apache-2.0
//! All queues, in memory.

use crate::queue::{Key, Queue, Record};
use policy::Denials;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, Default)]
pub(crate) struct Table {
    queues: RwLock<BTreeMap<Key, Arc<Queue>>>,
    denials: Denials,
}

impl Table {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Queue>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn insert(&self, queue: Arc<Queue>) {
        self.note(&queue.record());
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.insert(queue.key.clone(), queue);
    }

    /// Gives one of them another record.
    pub(crate) fn change(&self, queue: &Queue, record: Record) {
        self.note(&record);
        queue.set_record(record);
    }

    /// Whether the policy of any may deny something.
    pub(crate) fn may_deny(&self) -> bool {
        self.denials.may_be()
    }

    fn note(&self, record: &Record) {
        self.denials.note(record.settings.policy.as_deref());
    }

    pub(crate) fn remove(&self, key: &Key) -> Option<Arc<Queue>> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The queues of the account and region of `like`, in the order of their names, after `after`.
    pub(crate) fn of_region(&self, like: &Key, after: Option<&Key>) -> Vec<Arc<Queue>> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let is_there = |key: &Key| key.account == like.account && key.region == like.region;
        let range = queues.range((from, Bound::Unbounded));
        range.filter(|(key, _)| is_there(key)).map(|(_, queue)| Arc::clone(queue)).collect()
    }
}
