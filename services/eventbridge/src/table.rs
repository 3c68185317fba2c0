// SPDX-License-Identifier: Apache-2.0
//! All buses, in memory.

use crate::address::{ArchiveKey, BusKey, DEFAULT_BUS};
use crate::archive::Archive;
use crate::bus::{Bus, BusRecord};
use crate::rule::Rule;
use names::{AccountId, Region};
use policy::Denials;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Debug, Default)]
pub(crate) struct Table {
    buses: RwLock<BTreeMap<BusKey, Arc<Bus>>>,
    denials: Denials,
}

impl Table {
    /// Every account has a default bus in every region.
    pub(crate) fn bus(&self, key: &BusKey) -> Option<Arc<Bus>> {
        let found = self.buses.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let untouched = || Arc::new(Bus::new(key.clone(), BusRecord::default()));
        found.or_else(|| key.is_default().then(untouched))
    }

    pub(crate) fn put(&self, bus: Bus) {
        self.denials.note(bus.record.policy.as_deref());
        let mut buses = self.buses.write().unwrap_or_else(PoisonError::into_inner);
        buses.insert(bus.key.clone(), Arc::new(bus));
    }

    /// Whether the policy of any may deny something.
    pub(crate) fn may_deny(&self) -> bool {
        self.denials.may_be()
    }

    pub(crate) fn remove(&self, key: &BusKey) {
        self.buses.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Whether anything of this account is here that its owner can delete.
    pub(crate) fn holds(&self, account: &AccountId) -> bool {
        let buses = self.buses.read().unwrap_or_else(PoisonError::into_inner);
        let mut own = buses.values().filter(|bus| bus.key.account == *account);
        own.any(|bus| {
            let Bus { record, rules, .. } = &**bus;
            let is_untouched = record.policy.is_none() && record.tags.is_empty();
            !(bus.key.is_default() && rules.is_empty() && is_untouched)
        })
    }

    /// The archive of this name.
    pub(crate) fn archive(&self, key: &ArchiveKey) -> Option<Arc<Archive>> {
        let all = self.archives(&key.account, &key.region);
        all.into_iter().find(|archive| archive.key == *key)
    }

    /// The archives of an account and a region, in the order of their names.
    pub(crate) fn archives(&self, account: &AccountId, region: &Region) -> Vec<Arc<Archive>> {
        let buses = self.of_region(account, region);
        let rules = buses.iter().flat_map(|bus| bus.rules.values());
        let mut archives: Vec<_> = rules.filter_map(|rule| rule.archive.clone()).collect();
        archives.sort_by(|one, other| one.key.cmp(&other.key));
        archives
    }

    /// The rules that are due at times, each with its bus.
    pub(crate) fn scheduled(&self) -> Vec<(Arc<Bus>, Arc<Rule>)> {
        let buses = self.buses.read().unwrap_or_else(PoisonError::into_inner);
        let rules = buses.values().flat_map(|bus| bus.rules.values().map(move |rule| (bus, rule)));
        let scheduled = rules.filter(|(_, rule)| rule.has_schedule());
        scheduled.map(|(bus, rule)| (Arc::clone(bus), Arc::clone(rule))).collect()
    }

    /// Those of an account and a region, in the order of their names.
    pub(crate) fn of_region(&self, account: &AccountId, region: &Region) -> Vec<Arc<Bus>> {
        let (account_id, name) = (account.clone(), DEFAULT_BUS.to_owned());
        let default = BusKey { account: account_id, region: region.clone(), name };
        let first = BusKey { name: String::new(), ..default.clone() };
        let is_there = |key: &BusKey| key.account == *account && key.region == *region;
        let mut found: Vec<_> = {
            let buses = self.buses.read().unwrap_or_else(PoisonError::into_inner);
            let found = buses.range(first..).take_while(|(key, _)| is_there(key));
            found.map(|(_, bus)| Arc::clone(bus)).collect()
        };
        if !found.iter().any(|bus| bus.key == default) {
            found.extend(self.bus(&default));
            found.sort_by(|one, other| one.key.cmp(&other.key));
        }
        found
    }
}
