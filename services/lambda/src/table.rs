// SPDX-License-Identifier: Apache-2.0
//! All functions, in memory: what every read and every invocation looks at.
//!
//! Invariant: a function is here as it is on disk, or as it was a moment before. Whoever changes one writes to the
//! store first, and holds the function's lock from before the read until after `put` or `remove`.

use crate::function::{Function, Key};
use crate::recording::Wish;
use names::{AccountId, Region};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Enough that two functions rarely share one, few enough to cost nothing.
const LOCKS: usize = 256;

type Scopes = HashMap<AccountId, HashMap<Region, Scope>>;

/// What an account has in a region.
#[derive(Debug, Default)]
struct Scope {
    by_name: BTreeMap<String, Arc<Function>>,
    /// Of all versions of all functions.
    code_bytes: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) functions: usize,
    pub(crate) code_bytes: u64,
}

impl Scope {
    /// Answers the function that was there.
    fn put(&mut self, function: Arc<Function>) -> Option<Arc<Function>> {
        self.code_bytes = self.code_bytes.saturating_add(function.code_bytes());
        let (gate, held) = (Arc::clone(&function.gate), function.holding().count());
        let old = self.by_name.insert(function.key.name.to_string(), function);
        if let Some(old) = &old {
            self.code_bytes = self.code_bytes.saturating_sub(old.code_bytes());
        }
        gate.count_held(old.as_ref().map_or(0, |old| old.holding().count()), held);
        old
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Function>> {
        let old = self.by_name.remove(name)?;
        self.code_bytes = self.code_bytes.saturating_sub(old.code_bytes());
        old.gate.count_held(old.holding().count(), 0);
        Some(old)
    }
}

#[derive(Debug)]
pub(crate) struct Table {
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
    pub(crate) fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let (mut table, mut urls) = (Scopes::new(), HashMap::new());
        for function in functions {
            let function = ready(function);
            index_urls(&mut urls, None, Some(&function));
            scope(&mut table, &function.key).put(function);
        }
        Self {
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
        self.read().get(&key.account)?.get(&key.region)?.by_name.get(key.name.as_str()).cloned()
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

    /// Functions in the order of their names, from `from` on, until `each` says enough.
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
        for function in scope
            .by_name
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .map(|(_, function)| function)
        {
            if each(function).is_break() {
                return;
            }
        }
    }

    /// Every function, for whoever must look at all of them at start.
    pub(crate) fn all(&self) -> Vec<Arc<Function>> {
        self.read()
            .values()
            .flat_map(HashMap::values)
            .flat_map(|scope| scope.by_name.values())
            .cloned()
            .collect()
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
