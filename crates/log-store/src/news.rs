// SPDX-License-Identifier: Apache-2.0
//! Which groups that somebody follows have got events.
//!
//! Invariant: a writer never waits, and what waits here is the key of a group at most, not its events.

use crate::settings::Settings;
use crate::store::GroupKey;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct News {
    groups: Mutex<BTreeSet<GroupKey>>,
    arrived: Notify,
    /// Some group has, or had, filters.
    is_wanted: AtomicBool,
}

impl News {
    /// Those that got events since somebody asked, once there are some. One task asks.
    pub async fn take(&self) -> BTreeSet<GroupKey> {
        loop {
            let taken = std::mem::take(&mut *self.lock());
            if !taken.is_empty() {
                return taken;
            }
            self.arrived.notified().await;
        }
    }

    pub(crate) fn note(&self, group: &GroupKey) {
        let is_new = {
            let mut groups = self.lock();
            !groups.contains(group) && groups.insert(group.clone())
        };
        if is_new {
            self.arrived.notify_one();
        }
    }

    pub(crate) fn want(&self, settings: &Settings) {
        if settings.is_followed() {
            self.is_wanted.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<GroupKey>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
