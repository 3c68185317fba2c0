// SPDX-License-Identifier: Apache-2.0
//! Which messages were sent already, for five minutes.
//!
//! Invariant: a message is answered as a duplicate only when the one that was first is on the disk.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::SetOnce;

pub const WINDOW_MS: u64 = 5 * 60 * 1_000;

/// The group where that is the scope, and the id.
pub type Key = (Option<String>, String);

/// The message that was first.
#[derive(Debug, Clone)]
pub struct First {
    pub id: u64,
    pub message_id: String,
    /// Whether it is kept: `false` once it is known not to be.
    pub is_kept: Arc<SetOnce<bool>>,
}

#[derive(Debug, Default)]
pub struct Deduplication {
    firsts: HashMap<Key, First>,
    until: VecDeque<(u64, u64, Key)>,
}

impl Deduplication {
    /// The message that was first with this key, or `first` is from here on.
    pub fn enter(&mut self, key: Key, first: First, now: u64, until: u64) -> Option<First> {
        while self.until.front().is_some_and(|(until, ..)| *until <= now)
            && let Some((_, id, key)) = self.until.pop_front()
        {
            self.leave(&key, id);
        }
        if let Some(known) = self.firsts.get(&key) {
            return Some(known.clone());
        }
        self.until.push_back((until, first.id, key.clone()));
        self.firsts.insert(key, first);
        None
    }

    /// It was not kept.
    pub fn leave(&mut self, key: &Key, id: u64) {
        if self.firsts.get(key).is_some_and(|first| first.id == id) {
            self.firsts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(id: u64) -> First {
        First { id, message_id: format!("m{id}"), is_kept: Arc::default() }
    }

    #[test]
    fn an_id_counts_for_its_time_and_no_longer() {
        let mut known = Deduplication::default();
        let key = || (None, "a".to_owned());
        let mut enter =
            |id, now| known.enter(key(), first(id), now, now + 10).map(|first| first.id);
        assert_eq!(enter(1, 0), None);
        assert_eq!(enter(2, 9), Some(1));
        assert_eq!(enter(3, 10), None);
        assert_eq!(enter(4, 19), Some(3));
    }

    #[test]
    fn what_was_not_kept_was_not_sent() {
        let mut known = Deduplication::default();
        let key = (Some("g".to_owned()), "a".to_owned());
        assert!(known.enter(key.clone(), first(1), 0, 10).is_none());
        known.leave(&key, 1);
        assert!(known.enter(key.clone(), first(2), 0, 10).is_none());
        known.leave(&key, 1);
        assert!(known.enter(key, first(3), 1, 10).is_some(), "another's place is not given up");
    }
}
