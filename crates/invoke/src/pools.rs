// SPDX-License-Identifier: Apache-2.0
//! All warm pools: one for each deployment, or for each tenant of one.
//!
//! Nothing on the warm path grows with the number of pools. What must look at all of them (who has been idle longest?)
//! remembers what it saw.

use crate::InvokeError;
use crate::places::Place;
use crate::pool::{GivenBack, Pool};
use crate::states::States;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use worker::{Deployment, Environment, FailedInit, Function};

/// Enough that processors rarely meet at one.
const SHARDS: usize = 64;
/// How many pools one look over all of them finds for eviction.
const CANDIDATES: usize = 64;

/// Whose environments are alike: those of one deployment, and of one tenant of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    pub(crate) deployment: Deployment,
    pub(crate) tenant: Option<Box<str>>,
}

#[derive(Debug)]
pub(crate) struct FunctionPool {
    pub(crate) function: Arc<Function>,
    pool: Mutex<Pool<Member, oneshot::Sender<Lease>>>,
    /// The most that one of its environments was seen to use.
    memory_bytes: AtomicU64,
}

/// An environment and its place among all. Dropping it stops the environment.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) environment: Arc<Environment>,
    pub(crate) place: Place,
    /// How long it was busy with its last event.
    pub(crate) busy: Duration,
}

/// What a caller waits for.
#[derive(Debug)]
pub(crate) enum Lease {
    Environment(Member),
    /// The init phase failed: the caller's invocation tries it again.
    FailedInit(FailedInit, Place),
    Failed(InvokeError),
}

type Shard = HashMap<PoolKey, Arc<FunctionPool>>;

#[derive(Debug)]
pub(crate) struct Pools {
    shards: Vec<Mutex<Shard>>,
    /// Pools whose environments came back lately and are not all frozen yet.
    recent: Mutex<Vec<Arc<FunctionPool>>>,
    /// Found idle at the last look over all pools, and since when. The oldest at the end.
    candidates: Mutex<Vec<(Instant, Weak<FunctionPool>)>>,
}

impl Pools {
    pub(crate) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, recent: Mutex::default(), candidates: Mutex::default() }
    }

    /// The pool for events of `tenant` on `function`.
    pub(crate) fn get(&self, function: &Arc<Function>, tenant: Option<&str>) -> Arc<FunctionPool> {
        let key = PoolKey { deployment: function.deployment, tenant: tenant.map(Box::from) };
        let new = || Arc::new(FunctionPool::new(Arc::clone(function)));
        Arc::clone(self.shard(key.deployment).entry(key).or_insert_with(new))
    }

    /// Takes out the pools of `deployment`.
    pub(crate) fn remove(&self, deployment: Deployment) -> Vec<Arc<FunctionPool>> {
        let mut shard = self.shard(deployment);
        let removed = shard.extract_if(|key, _| key.deployment == deployment);
        removed.map(|(_, pool)| pool).collect()
    }

    /// Takes out all pools.
    pub(crate) fn clear(&self) -> Vec<Arc<FunctionPool>> {
        self.shards
            .iter()
            .flat_map(|shard| std::mem::take(&mut *lock(shard)).into_values())
            .collect()
    }

    /// Looks at each pool, and takes out those for which `keep` says so and which nobody is about to use.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&FunctionPool) -> bool) {
        for shard in &self.shards {
            // A pool that somebody just took from the table is about to be used.
            lock(shard).retain(|_, pool| keep(pool) || Arc::strong_count(pool) > 1);
        }
    }

    /// Notes that an environment of `pool` came back and is to be frozen before long.
    pub(crate) fn note_recent(&self, pool: &Arc<FunctionPool>) {
        lock(&self.recent).push(Arc::clone(pool));
    }

    pub(crate) fn take_recent(&self) -> Vec<Arc<FunctionPool>> {
        std::mem::take(&mut lock(&self.recent))
    }

    pub(crate) fn states(&self) -> States {
        let of_shard =
            |shard: &Mutex<Shard>| lock(shard).values().map(|pool| pool.lock().states()).sum();
        self.shards.iter().map::<States, _>(of_shard).sum()
    }

    /// Takes out the environment that has been idle longest, of all there are.
    pub(crate) fn evict(&self) -> Option<Member> {
        let mut candidates = lock(&self.candidates);
        let mut has_looked = false;
        loop {
            match candidates.pop() {
                Some((since, pool)) => {
                    let Some(pool) = pool.upgrade() else { continue };
                    let mut pool = pool.lock();
                    // Another one than was seen may be younger than those of other pools.
                    if pool.idle_since() == Some(since)
                        && let Some(member) = pool.evict()
                    {
                        metrics::EVICTED.add(1);
                        return Some(member);
                    }
                }
                None if has_looked => return None,
                None => {
                    has_looked = true;
                    *candidates = self.longest_idle();
                }
            }
        }
    }

    fn longest_idle(&self) -> Vec<(Instant, Weak<FunctionPool>)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            for pool in lock(shard).values() {
                found.extend(pool.lock().idle_since().map(|since| (since, Arc::downgrade(pool))));
            }
        }
        found.sort_unstable_by_key(|(since, _)| *since);
        found.truncate(CANDIDATES);
        found.reverse();
        found
    }

    fn shard(&self, deployment: Deployment) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(deployment.0 % SHARDS as u64).unwrap_or_default();
        lock(self.shards.get(index).expect("a remainder by SHARDS is below SHARDS"))
    }
}

impl FunctionPool {
    fn new(function: Arc<Function>) -> Self {
        let memory_bytes = AtomicU64::new(unknown_memory_bytes(&function));
        Self { function, pool: Mutex::default(), memory_bytes }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Pool<Member, oneshot::Sender<Lease>>> {
        lock(&self.pool)
    }

    /// What another environment is expected to use.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// One of its environments was seen to use this much.
    pub(crate) fn measured(&self, memory_bytes: u64) {
        self.memory_bytes.fetch_max(memory_bytes, Ordering::Relaxed);
    }

    /// Hands an environment on, until somebody takes it or the pool keeps it.
    pub(crate) fn settle(&self, mut given_back: GivenBack<Member, oneshot::Sender<Lease>>) {
        while let GivenBack::Hand(caller, member) = given_back {
            given_back = match caller.send(Lease::Environment(member)) {
                Err(Lease::Environment(member)) => self.lock().give_back(member, Instant::now()),
                Ok(()) | Err(Lease::FailedInit(..) | Lease::Failed(_)) => return,
            };
        }
    }

    pub(crate) fn start_ended(&self, lease: Lease) {
        // The guard must be gone before the caller is told.
        let caller = self.lock().start_ended();
        if let Some(caller) = caller {
            drop(caller.send(lease));
        }
    }

    /// There is no place for another environment. Those who wait are served by the ones there are, if any.
    pub(crate) fn start_refused(&self) {
        let caller = self.lock().start_refused();
        turn_away(caller, "ConcurrentInvocationLimitExceeded");
    }

    /// The function adds environments too fast. Who waits for this one is turned away, whoever else may be free soon.
    pub(crate) fn start_throttled(&self) {
        let caller = self.lock().start_throttled();
        turn_away(caller, "FunctionInvocationRateLimitExceeded");
    }
}

/// What an environment is taken to use before one of its kind was measured.
pub(crate) fn unknown_memory_bytes(function: &Function) -> u64 {
    (u64::from(function.memory_mb) << 20).min(16 << 20)
}

fn turn_away(caller: Option<oneshot::Sender<Lease>>, reason: &'static str) {
    if let Some(caller) = caller {
        drop(caller.send(Lease::Failed(InvokeError::Throttled { reason })));
    }
}

impl Member {
    pub(crate) fn new(environment: Arc<Environment>, place: Place) -> Self {
        Self { environment, place, busy: Duration::ZERO }
    }

    /// Looks at what its environment has used. Whether that is more than was known.
    pub(crate) fn measure(&mut self) -> bool {
        self.place.measured(self.environment.memory_seen_bytes())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.environment.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
