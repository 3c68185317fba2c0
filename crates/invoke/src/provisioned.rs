// SPDX-License-Identifier: Apache-2.0
//! Provisioned concurrency: keeps as many environments ready as were asked for.
//!
//! Whoever knows what should be there tells all of it, by owner, as often as it likes: what is there already stays.

use crate::invoker::{Invoker, Shared};
use crate::pools::{Member, unknown_memory_bytes};
use crate::provision::{Provision, Provisioned, Shortage};
use crate::start::{failed_start, spawn};
use crate::turns::Urgency;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use tokio::time::Instant;
use worker::{Deployment, Environment, Function, Initialization, StartError};

/// So many environments of `function`, for the events that come by `qualifier`.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub function: Arc<Function>,
    pub qualifier: String,
    pub count: usize,
}

/// The provisioned environments of one version behind one qualifier.
#[derive(Debug)]
pub(crate) struct ProvisionPool {
    function: Arc<Function>,
    qualifier: Box<str>,
    provision: Mutex<Provision<Member>>,
}

#[derive(Debug, Default)]
pub(crate) struct Provisions {
    /// A version has one, or one for each alias that leads to it.
    by_deployment: RwLock<HashMap<Deployment, Vec<Arc<ProvisionPool>>>>,
    by_owner: Mutex<HashMap<String, Vec<Arc<ProvisionPool>>>>,
}

impl Invoker {
    /// Sees to it that what is `wanted` is there and nothing else of `owner`, from now on. What had failed before is tried
    /// again.
    pub fn provision(&self, owner: &str, wanted: Vec<Wanted>) {
        if self.0.is_stopping.load(Ordering::Acquire) {
            return;
        }
        let mut by_owner = lock(&self.0.provisions.by_owner);
        let old = by_owner.remove(owner).unwrap_or_default();
        let mut new = Vec::with_capacity(wanted.len());
        for Wanted { function, qualifier, count } in wanted {
            let is_same = |pool: &&Arc<ProvisionPool>| pool.is(function.deployment, &qualifier);
            let pool = old.iter().find(is_same).map_or_else(
                || self.0.provisions.add(ProvisionPool::new(&function, &qualifier)),
                Arc::clone,
            );
            // The guard must be gone before the surplus is stopped.
            let surplus = pool.lock().want(count);
            drop(surplus);
            self.0.fill(&pool);
            new.push(pool);
        }
        for pool in old.iter().filter(|old| !new.iter().any(|new| Arc::ptr_eq(old, new))) {
            self.0.provisions.remove(pool);
            let surplus = pool.lock().want(0);
            drop(surplus);
        }
        if !new.is_empty() {
            by_owner.insert(owner.to_owned(), new);
        }
    }

    /// How far the environments of `deployment` for `qualifier` have come. `None` if none were asked for.
    pub fn provisioned(&self, deployment: Deployment, qualifier: &str) -> Option<Provisioned> {
        let pool = self.0.provisions.get(deployment, qualifier)?;
        let progress = pool.lock().progress();
        Some(progress)
    }

    /// All that is provisioned now: of which version, by which qualifier, and how far it has come.
    pub fn all_provisioned(&self) -> Vec<(Arc<Function>, Box<str>, Provisioned)> {
        let of_pool = |pool: Arc<ProvisionPool>| {
            let progress = pool.lock().progress();
            (Arc::clone(&pool.function), pool.qualifier.clone(), progress)
        };
        self.0.provisions.all().into_iter().map(of_pool).collect()
    }
}

impl Shared {
    /// Begins the starts that are missing.
    pub(crate) fn fill(self: &Arc<Self>, pool: &Arc<ProvisionPool>) {
        while !self.is_stopping.load(Ordering::Acquire) && pool.lock().should_start() {
            let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
            spawn(async move { shared.start_provisioned(pool).await });
        }
    }

    async fn start_provisioned(self: Arc<Self>, pool: Arc<ProvisionPool>) {
        let turn = self.turns.take(pool.function.deployment, Urgency::Ahead).await;
        if pool.lock().give_up_start() {
            return;
        }
        let function = &pool.function;
        let Some(place) = self.place(unknown_memory_bytes(function)) else {
            tracing::warn!(function = %function.name, "no place for a provisioned environment");
            return self.start_again(pool, Shortage::Platform).await;
        };
        match self.start_now(function, Initialization::Provisioned, turn).await {
            Ok(environment) => {
                let mut member = Member::new(Arc::clone(&environment), place);
                member.measure();
                // The guard must be gone before the surplus is stopped.
                let surplus = pool.lock().started(member, Instant::now());
                drop(surplus);
                self.replace_when_ended(pool, environment).await;
            }
            Err(error) => {
                let shortage = match &error {
                    StartError::Init(_) => Shortage::Init,
                    StartError::RuntimeNotInstalled(_) => Shortage::NoRuntime,
                    // Versions with snapshots have nothing provisioned.
                    StartError::Compile(_)
                    | StartError::Launch(_)
                    | StartError::Watch(_)
                    | StartError::SnapStart(_) => Shortage::Platform,
                };
                if shortage == Shortage::Platform {
                    failed_start(function, error);
                }
                drop(place);
                self.start_again(pool, shortage).await;
            }
        }
    }

    /// After a failure: waits, and begins the starts that are missing, unless it has failed too often.
    async fn start_again(self: Arc<Self>, pool: Arc<ProvisionPool>, why: Shortage) {
        // The guard must be gone before the wait.
        let pause = pool.lock().start_failed(why);
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
            self.fill(&pool);
        }
    }

    /// An environment that ends while it is idle is told by nobody who runs an event on it.
    async fn replace_when_ended(
        self: Arc<Self>,
        pool: Arc<ProvisionPool>,
        environment: Arc<Environment>,
    ) {
        environment.ended().await;
        let is_it = |member: &Member| Arc::ptr_eq(&member.environment, &environment);
        let ended = pool.lock().ended(is_it);
        if let Some((member, pause)) = ended {
            drop(member);
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                self.fill(&pool);
            }
        }
    }
}

impl Provisions {
    pub(crate) fn get(
        &self,
        deployment: Deployment,
        qualifier: &str,
    ) -> Option<Arc<ProvisionPool>> {
        let pools = self.read();
        let of_version = pools.get(&deployment)?;
        of_version.iter().find(|pool| &*pool.qualifier == qualifier).map(Arc::clone)
    }

    pub(crate) fn all(&self) -> Vec<Arc<ProvisionPool>> {
        self.read().values().flatten().map(Arc::clone).collect()
    }

    fn add(&self, pool: ProvisionPool) -> Arc<ProvisionPool> {
        let pool = Arc::new(pool);
        let mut pools = self.by_deployment.write().unwrap_or_else(PoisonError::into_inner);
        pools.entry(pool.function.deployment).or_default().push(Arc::clone(&pool));
        pool
    }

    fn remove(&self, gone: &Arc<ProvisionPool>) {
        let mut pools = self.by_deployment.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_version) = pools.get_mut(&gone.function.deployment) {
            of_version.retain(|pool| !Arc::ptr_eq(pool, gone));
            if of_version.is_empty() {
                pools.remove(&gone.function.deployment);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Deployment, Vec<Arc<ProvisionPool>>>> {
        self.by_deployment.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProvisionPool {
    fn new(function: &Arc<Function>, qualifier: &str) -> Self {
        let provision = Mutex::default();
        Self { function: Arc::clone(function), qualifier: qualifier.into(), provision }
    }

    fn is(&self, deployment: Deployment, qualifier: &str) -> bool {
        self.function.deployment == deployment && &*self.qualifier == qualifier
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Provision<Member>> {
        lock(&self.provision)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
