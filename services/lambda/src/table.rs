// SPDX-License-Identifier: Apache-2.0
//! All functions, in memory: what every read and every invocation looks at.
//!
//! Invariants:
//! - a function is here as it is on disk, or as it was a moment before. Whoever changes one writes to the store first, and holds
//!   the function's lock from before the read until after `put` or `remove`;
//! - what was given out by `get` is the function from then on. One that sleeps and is only looked at goes on sleeping.

use crate::asleep::{Alarm, Asleep};
use crate::function::{Function, Key};
use crate::recording::Wish;
use crate::records::Sleepers;
use names::{AccountId, Region};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// Enough that two functions rarely share one, few enough to cost nothing.
const LOCKS: usize = 256;

type Scopes = HashMap<AccountId, HashMap<Region, Scope>>;

/// What an account has in a region.
#[derive(Debug, Default)]
struct Scope {
    by_name: BTreeMap<String, Slot>,
    /// Of all versions of all functions.
    code_bytes: u64,
}

/// A function's place.
#[derive(Debug, Default)]
struct Slot {
    /// If not, the other is there.
    awake: OnceLock<Arc<Function>>,
    asleep: Mutex<Option<Box<Asleep>>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) functions: usize,
    pub(crate) code_bytes: u64,
}

impl Slot {
    fn awake(function: Arc<Function>) -> Self {
        Self { awake: function.into(), asleep: Mutex::default() }
    }

    fn asleep(asleep: Asleep) -> Self {
        Self { awake: OnceLock::new(), asleep: Mutex::new(Some(Box::new(asleep))) }
    }

    /// Wakes it, if it sleeps. `key` makes its key.
    fn get(&self, alarm: &Alarm, key: impl FnOnce() -> Key) -> &Arc<Function> {
        self.awake.get_or_init(|| {
            let asleep = self.sleeper().take().expect("what is not awake sleeps");
            ready(alarm.wake(key(), &asleep))
        })
    }

    /// The function as it is. Nothing may run it: if it sleeps, it is another one when it wakes.
    fn look(&self, alarm: &Alarm, key: impl FnOnce() -> Key) -> Arc<Function> {
        if self.awake.get().is_none()
            && let Some(asleep) = &*self.sleeper()
        {
            return ready(alarm.wake(key(), asleep));
        }
        Arc::clone(self.get(alarm, key))
    }

    fn code_bytes(&self) -> u64 {
        match (self.awake.get(), &*self.sleeper()) {
            (Some(function), _) => function.code_bytes(),
            (None, asleep) => asleep.as_ref().map_or(0, |asleep| asleep.code_bytes),
        }
    }

    fn sleeper(&self) -> MutexGuard<'_, Option<Box<Asleep>>> {
        self.asleep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scope {
    /// Answers the function that was there, if it was awake. What sleeps holds no concurrency and has no URL.
    fn put(&mut self, function: Arc<Function>) -> Option<Arc<Function>> {
        self.code_bytes = self.code_bytes.saturating_add(function.code_bytes());
        let (gate, held) = (Arc::clone(&function.gate), function.holding().count());
        let old = self.by_name.insert(function.key.name.to_string(), Slot::awake(function));
        self.code_bytes = self.code_bytes.saturating_sub(old.as_ref().map_or(0, Slot::code_bytes));
        let old = old.and_then(|slot| slot.awake.into_inner());
        gate.count_held(old.as_ref().map_or(0, |old| old.holding().count()), held);
        old
    }

    fn put_asleep(&mut self, key: &Key, asleep: Asleep) {
        self.code_bytes = self.code_bytes.saturating_add(asleep.code_bytes);
        self.by_name.insert(key.name.to_string(), Slot::asleep(asleep));
    }

    /// Answers the function that was there, if it was awake.
    fn remove(&mut self, name: &str) -> Option<Arc<Function>> {
        let slot = self.by_name.remove(name)?;
        self.code_bytes = self.code_bytes.saturating_sub(slot.code_bytes());
        let old = slot.awake.into_inner()?;
        old.gate.count_held(old.holding().count(), 0);
        Some(old)
    }
}

#[derive(Debug)]
pub(crate) struct Table {
    alarm: Alarm,
    functions: RwLock<Scopes>,
    /// By id: the function that has the URL, and the qualifier. Written while `functions` is locked for writing.
    urls: RwLock<HashMap<String, (Key, String)>>,
    locks: Vec<tokio::sync::Mutex<()>>,
    hasher: RandomState,
}

/// The right to change one function.
#[derive(Debug)]
pub(crate) struct FunctionLock<'a> {
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

impl Table {
    pub(crate) fn new(alarm: Alarm, functions: Sleepers) -> Self {
        let (mut table, mut urls) = (Scopes::new(), HashMap::new());
        for (key, (mut asleep, known)) in functions {
            if alarm.lets_sleep(&mut asleep, &known) {
                scope(&mut table, &key).put_asleep(&key, asleep);
                continue;
            }
            let function = ready(alarm.wake(key, &asleep));
            index_urls(&mut urls, None, Some(&function));
            scope(&mut table, &function.key).put(function);
        }
        Self {
            alarm,
            functions: RwLock::new(table),
            urls: RwLock::new(urls),
            locks: (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until nobody else changes the function.
    pub(crate) async fn lock(&self, key: &Key) -> FunctionLock<'_> {
        let hash = usize::try_from(self.hasher.hash_one(key) % LOCKS as u64).unwrap_or_default();
        let lock = self.locks.get(hash).expect("a remainder by LOCKS is below LOCKS");
        FunctionLock { _guard: lock.lock().await }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Function>> {
        let table = self.read();
        let slot = table.get(&key.account)?.get(&key.region)?.by_name.get(key.name.as_str())?;
        Some(Arc::clone(slot.get(&self.alarm, || key.clone())))
    }

    pub(crate) fn put(&self, _lock: &FunctionLock<'_>, function: Function) -> Arc<Function> {
        let function = ready(function);
        let mut table = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        let old = scope(&mut table, &function.key).put(Arc::clone(&function));
        self.index(old.as_deref(), Some(&function));
        function
    }

    pub(crate) fn remove(&self, _lock: &FunctionLock<'_>, key: &Key) {
        let mut table = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        let old = scope(&mut table, key).remove(key.name.as_str());
        self.index(old.as_deref(), None);
    }

    /// The function that has the URL with this id, and the qualifier that the URL leads to.
    pub(crate) fn find_url(&self, id: &str) -> Option<(Arc<Function>, String)> {
        let urls = self.urls.read().unwrap_or_else(PoisonError::into_inner);
        let (key, qualifier) = urls.get(id)?.clone();
        drop(urls);
        Some((self.get(&key)?, qualifier))
    }

    fn index(&self, old: Option<&Function>, new: Option<&Function>) {
        let has_urls = |function: Option<&Function>| {
            function.is_some_and(|function| !function.urls.is_empty())
        };
        if has_urls(old) || has_urls(new) {
            index_urls(&mut self.urls.write().unwrap_or_else(PoisonError::into_inner), old, new);
        }
    }

    /// Functions in the order of their names, from `from` on, until `each` says enough: to look at, and not to run.
    pub(crate) fn visit(
        &self,
        account: &AccountId,
        region: &Region,
        from: &str,
        mut each: impl FnMut(&Arc<Function>) -> std::ops::ControlFlow<()>,
    ) {
        let table = self.read();
        let Some(scope) = table.get(account).and_then(|regions| regions.get(region)) else {
            return;
        };
        for (name, slot) in scope.by_name.range::<str, _>((Bound::Included(from), Bound::Unbounded))
        {
            let key = || Key {
                account: account.clone(),
                region: region.clone(),
                name: name.parse().expect("it was the name of a function"),
            };
            if each(&slot.look(&self.alarm, key)).is_break() {
                return;
            }
        }
    }

    /// Those that are awake. At start they are all for which something is to be done.
    pub(crate) fn awake(&self) -> Vec<Arc<Function>> {
        self.read()
            .values()
            .flat_map(HashMap::values)
            .flat_map(|scope| scope.by_name.values())
            .filter_map(|slot| slot.awake.get().cloned())
            .collect()
    }

    /// Whether the account has any, in whatever region.
    pub(crate) fn has_any_of(&self, account: &AccountId) -> bool {
        let table = self.read();
        let mut scopes = table.get(account).into_iter().flat_map(HashMap::values);
        scopes.any(|scope| !scope.by_name.is_empty())
    }

    pub(crate) fn usage(&self, account: &AccountId, region: &Region) -> Usage {
        let table = self.read();
        let scope = table.get(account).and_then(|regions| regions.get(region));
        scope.map_or_else(Usage::default, |scope| Usage {
            functions: scope.by_name.len(),
            code_bytes: scope.code_bytes,
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Scopes> {
        // No critical section calls what may panic while the maps are torn.
        self.functions.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What invocations want to know at once is read here, from wherever a function came.
fn ready(mut function: Function) -> Arc<Function> {
    function.recorded = Wish::of(&function.tags);
    Arc::new(function)
}

fn index_urls(
    urls: &mut HashMap<String, (Key, String)>,
    old: Option<&Function>,
    new: Option<&Function>,
) {
    for url in old.iter().flat_map(|function| function.urls.values()) {
        urls.remove(&url.id);
    }
    if let Some(function) = new {
        for (qualifier, url) in &function.urls {
            urls.insert(url.id.clone(), (function.key.clone(), qualifier.clone()));
        }
    }
}

fn scope<'a>(table: &'a mut Scopes, key: &Key) -> &'a mut Scope {
    table.entry(key.account.clone()).or_default().entry(key.region.clone()).or_default()
}
