// SPDX-License-Identifier: Apache-2.0
//! All topics, in memory.

use crate::topic::{Topic, TopicKey};
use names::{AccountId, Region};
use policy::Denials;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, Default)]
pub(crate) struct Table {
    topics: RwLock<BTreeMap<TopicKey, Arc<Topic>>>,
    denials: Denials,
}

impl Table {
    pub(crate) fn get(&self, key: &TopicKey) -> Option<Arc<Topic>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn put(&self, topic: Topic) {
        self.denials.note(topic.record.policy.as_deref());
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(topic.key.clone(), Arc::new(topic));
    }

    /// Whether the policy of any may deny something.
    pub(crate) fn may_deny(&self) -> bool {
        self.denials.may_be()
    }

    pub(crate) fn remove(&self, key: &TopicKey) {
        self.topics.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Those of an account and a region, in the order of their names, from `from` on.
    pub(crate) fn of_region(
        &self,
        account: &AccountId,
        region: &Region,
        from: &str,
    ) -> Vec<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let first =
            TopicKey { account: account.clone(), region: region.clone(), name: from.to_owned() };
        let is_there = |key: &TopicKey| key.account == *account && key.region == *region;
        let found = topics.range(first..).take_while(|(key, _)| is_there(key));
        found.map(|(_, topic)| Arc::clone(topic)).collect()
    }
}
