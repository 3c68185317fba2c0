// SPDX-License-Identifier: Apache-2.0
//! All schedules and groups, in memory, and which schedule wakes next.

use crate::key::{DEFAULT_GROUP, GroupKey, ScheduleKey};
use crate::schedule::Schedule;
use api::scheduler::ScheduleGroupState;
use names::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use wire::Context;

/// What is kept of a group. In the data directory: a new member needs `#[serde(default)]`.
///
/// The group `default` is there without a record, until it has tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// None of the group `default`.
    pub(crate) created_ms: Option<i64>,
    pub(crate) modified_ms: Option<i64>,
    pub(crate) state: ScheduleGroupState,
    /// Of the request that created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub(crate) struct Table(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    groups: BTreeMap<GroupKey, Arc<Group>>,
    schedules: BTreeMap<Arc<ScheduleKey>, Schedule>,
    /// How many an account has in a region.
    counts: BTreeMap<(AccountId, Region), usize>,
    /// Those that wake, in the order in which they do.
    waking: BTreeSet<(i64, Arc<ScheduleKey>)>,
}

impl Group {
    pub(crate) fn default_one() -> Self {
        Self {
            created_ms: None,
            modified_ms: None,
            state: ScheduleGroupState::Active,
            client_token: None,
            tags: BTreeMap::new(),
        }
    }
}

impl Table {
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read().schedules.is_empty()
    }

    pub(crate) fn get(&self, key: &ScheduleKey) -> Option<Schedule> {
        self.read().schedules.get(key).cloned()
    }

    pub(crate) fn put(&self, schedule: Schedule) {
        let mut tables = self.write();
        tables.remove(&schedule.key);
        if let Some(wake) = schedule.wake {
            tables.waking.insert((wake, Arc::clone(&schedule.key)));
        }
        *tables.counts.entry(owner(&schedule.key)).or_default() += 1;
        tables.schedules.insert(Arc::clone(&schedule.key), schedule);
    }

    pub(crate) fn remove(&self, key: &ScheduleKey) {
        self.write().remove(key);
    }

    /// Those of an account and a region that stand at `from` or behind it: a name of a group and one of a schedule. Each is looked at
    /// until `count` of them are `wanted`.
    pub(crate) fn list(
        &self,
        cx: &Context,
        from: (&str, &str),
        count: usize,
        wanted: impl Fn(&Schedule) -> bool,
    ) -> Vec<Schedule> {
        let tables = self.read();
        let first = ScheduleKey { group: GroupKey::new(cx, from.0), name: from.1.to_owned() };
        let is_there =
            |key: &ScheduleKey| key.group.account == cx.account && key.group.region == cx.region;
        let found = tables.schedules.range(Arc::new(first)..);
        let found = found.take_while(|(key, _)| is_there(key)).map(|(_, schedule)| schedule);
        found.filter(|schedule| wanted(schedule)).take(count).cloned().collect()
    }

    /// How many schedules an account has in a region.
    pub(crate) fn count(&self, cx: &Context) -> usize {
        let owner = (cx.account.clone(), cx.region.clone());
        self.read().counts.get(&owner).copied().unwrap_or_default()
    }

    pub(crate) fn holds(&self, account: &AccountId) -> bool {
        let tables = self.read();
        tables.counts.iter().any(|((owner, _), count)| owner == account && *count > 0)
    }

    pub(crate) fn group(&self, key: &GroupKey) -> Option<Arc<Group>> {
        let found = self.read().groups.get(key).cloned();
        let is_default = key.name == DEFAULT_GROUP;
        found.or_else(|| is_default.then(|| Arc::new(Group::default_one())))
    }

    pub(crate) fn put_group(&self, key: GroupKey, group: Group) {
        self.write().groups.insert(key, Arc::new(group));
    }

    pub(crate) fn remove_group(&self, key: &GroupKey) {
        self.write().groups.remove(key);
    }

    /// Those of an account and a region, in the order of their names. The group `default` is among them.
    pub(crate) fn groups(&self, cx: &Context) -> Vec<(GroupKey, Arc<Group>)> {
        let tables = self.read();
        let is_there = |key: &GroupKey| key.account == cx.account && key.region == cx.region;
        let found = tables.groups.range(GroupKey::new(cx, "")..);
        let found = found.take_while(|(key, _)| is_there(key));
        let mut groups: BTreeMap<_, _> =
            found.map(|(key, group)| (key.clone(), Arc::clone(group))).collect();
        let default = GroupKey::new(cx, DEFAULT_GROUP);
        groups.entry(default).or_insert_with(|| Arc::new(Group::default_one()));
        groups.into_iter().collect()
    }

    /// Groups whose deletion has begun.
    pub(crate) fn deleting(&self) -> Vec<GroupKey> {
        let tables = self.read();
        let is_deleting = |group: &Group| group.state == ScheduleGroupState::Deleting;
        let found = tables.groups.iter().filter(|(_, group)| is_deleting(group));
        found.map(|(key, _)| key.clone()).collect()
    }

    /// Up to `count` schedules of a group.
    pub(crate) fn of_group(&self, group: &GroupKey, count: usize) -> Vec<Arc<ScheduleKey>> {
        let tables = self.read();
        let first = ScheduleKey { group: group.clone(), name: String::new() };
        let found = tables.schedules.range(Arc::new(first)..);
        let found = found.take_while(|(key, _)| key.group == *group);
        found.take(count).map(|(key, _)| Arc::clone(key)).collect()
    }

    /// The first `count` that wake until `now`.
    pub(crate) fn awake(&self, now: i64, count: usize) -> Vec<Schedule> {
        let tables = self.read();
        let awake = tables.waking.iter().take_while(|(wake, _)| *wake <= now).take(count);
        awake.filter_map(|(_, key)| tables.schedules.get(key).cloned()).collect()
    }

    /// When the first of them wakes.
    pub(crate) fn next_wake(&self) -> Option<i64> {
        self.read().waking.first().map(|(wake, _)| *wake)
    }

    /// The clock was put back: those that fired in what is the future now are believed to have fired until now.
    pub(crate) fn believe(&self, now: i64) {
        let changed: Vec<Schedule> =
            self.read().schedules.values().filter_map(|schedule| schedule.believing(now)).collect();
        changed.into_iter().for_each(|schedule| self.put(schedule));
    }
}

impl Tables {
    fn remove(&mut self, key: &ScheduleKey) {
        let Some(old) = self.schedules.remove(key) else { return };
        if let Some(wake) = old.wake {
            self.waking.remove(&(wake, old.key));
        }
        if let Some(count) = self.counts.get_mut(&owner(key)) {
            *count -= 1;
        }
    }
}

fn owner(key: &ScheduleKey) -> (AccountId, Region) {
    (key.group.account.clone(), key.group.region.clone())
}
