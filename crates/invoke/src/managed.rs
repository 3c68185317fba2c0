// SPDX-License-Identifier: Apache-2.0
//! Versions on capacity providers: their environments run several invocations each, and are there before the first.
//!
//! Whoever knows what should be there tells all of it, by owner, as often as it likes: what is there already stays. An event
//! goes to an environment that has a free slot; when none has, it is throttled, and whether there will be more is decided
//! beside it (`fleet.rs`).

use crate::InvokeError;
use crate::capacity::{Capacities, Capacity, Share};
use crate::fleet::{Bounds, Fleet, Slots};
use crate::invoker::{Invoker, Shared};
use crate::places::Place;
use crate::pools::unknown_memory_bytes;
use crate::provision::{Provisioned, Shortage};
use crate::start::{START_TURN, failed_start, spawn};
use crate::states::States;
use crate::turns::Urgency;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use worker::{Deployment, Event, Function, MultiEnvironment, Outcome, StartError};

/// How often an environment that is to stop is asked whether its invocations have ended.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// Between `min` and `max` environments of `function`, on the capacity provider whose ARN is `provider`.
#[derive(Debug, Clone)]
pub struct Managed {
    pub function: Arc<Function>,
    /// Invocations that each environment runs at once.
    pub slots: usize,
    pub min: usize,
    pub max: usize,
    pub provider: String,
    /// Of each environment, in thousandths.
    pub vcpu_millis: u64,
}

/// An environment, and what it holds of the machine and of its provider. Dropping the last reference stops it.
#[derive(Debug)]
pub(crate) struct Member {
    environment: Arc<MultiEnvironment>,
    place: Mutex<Place>,
    _share: Share,
}

#[derive(Debug)]
pub(crate) struct FleetPool {
    function: Arc<Function>,
    capacity: Arc<Capacity>,
    vcpu_millis: u64,
    slots: usize,
    fleet: Mutex<Fleet<Arc<Member>>>,
    /// Environments came, or will not.
    moved: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Fleets {
    by_deployment: RwLock<HashMap<Deployment, Arc<FleetPool>>>,
    by_owner: Mutex<HashMap<String, Vec<Arc<FleetPool>>>>,
    capacities: Capacities,
}

impl Slots for Arc<Member> {
    fn taken(&self) -> Option<usize> {
        self.environment.taken()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.environment.stop();
    }
}

impl Member {
    /// Looks at what its environment has used. Whether that is more than was known.
    fn measure(&self) -> bool {
        lock(&self.place).measured(self.environment.memory_peak_bytes())
    }

    /// Stops it once its invocations have ended, at most after their time.
    async fn drain(self: Arc<Self>) {
        let deadline = Instant::now() + self.environment.function().timeout;
        while self.taken().is_some_and(|taken| taken > 0) && Instant::now() < deadline {
            tokio::time::sleep(DRAIN_INTERVAL).await;
        }
    }
}

impl Invoker {
    /// Sees to it that what is `wanted` is there and nothing else of `owner`, from now on. What had failed before is tried
    /// again.
    pub fn manage(&self, owner: &str, wanted: Vec<Managed>) {
        if self.0.is_stopping.load(Ordering::Acquire) {
            return;
        }
        let fleets = &self.0.fleets;
        let mut by_owner = lock(&fleets.by_owner);
        let old = by_owner.remove(owner).unwrap_or_default();
        let mut new = Vec::with_capacity(wanted.len());
        for managed in wanted {
            let is_same =
                |pool: &&Arc<FleetPool>| pool.function.deployment == managed.function.deployment;
            let pool = old.iter().find(is_same).map_or_else(|| fleets.add(&managed), Arc::clone);
            pool.bound(Bounds { min: managed.min, max: managed.max });
            self.0.fill_fleet(&pool);
            new.push(pool);
        }
        for pool in old.iter().filter(|old| !new.iter().any(|new| Arc::ptr_eq(old, new))) {
            fleets.remove(pool);
            pool.bound(Bounds { min: 0, max: 0 });
        }
        if !new.is_empty() {
            by_owner.insert(owner.to_owned(), new);
        }
    }

    /// How far the environments of `deployment` have come. `None` if none were asked for.
    pub fn managed(&self, deployment: Deployment) -> Option<Provisioned> {
        let pool = self.0.fleets.get(deployment)?;
        let progress = pool.lock().progress();
        Some(progress)
    }

    /// The same, once there are as many as there should be at least, or never will be.
    pub async fn managed_settled(&self, deployment: Deployment) -> Option<Provisioned> {
        loop {
            let pool = self.0.fleets.get(deployment)?;
            let mut moved = std::pin::pin!(pool.moved.notified());
            moved.as_mut().enable();
            if pool.lock().is_settled() {
                return self.managed(deployment);
            }
            moved.await;
        }
    }

    /// How many vCPUs all environments on a provider may have together. 0: there is no such provider any more.
    pub fn limit_provider(&self, provider: &str, vcpus_max: u32) {
        self.0.fleets.capacities.limit(provider, vcpus_max);
    }
}

impl Shared {
    /// Runs an event of a version that has a capacity provider.
    pub(crate) async fn run_managed(
        self: &Arc<Self>,
        function: &Function,
        event: &Event,
    ) -> Result<Outcome, InvokeError> {
        const THROTTLED: InvokeError =
            InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" };
        loop {
            let pool = self.fleets.get(function.deployment).ok_or(THROTTLED)?;
            let mut moved = std::pin::pin!(pool.moved.notified());
            moved.as_mut().enable();
            // The guard must be gone before the next await.
            let ((picked, grows), is_coming) = {
                let mut fleet = pool.lock();
                (fleet.pick(Instant::now()), fleet.is_coming())
            };
            if grows {
                self.start_member(&pool);
            }
            match picked {
                // Unless another event was faster, or the environment ended.
                Some(member) => {
                    if let Ok(outcome) = member.environment.run(event).await {
                        return Ok(outcome);
                    }
                }
                // The server has just begun.
                None if is_coming => moved.await,
                None => return Err(THROTTLED),
            }
        }
    }

    /// Begins the starts that are missing.
    fn fill_fleet(self: &Arc<Self>, pool: &Arc<FleetPool>) {
        while !self.is_stopping.load(Ordering::Acquire) && pool.lock().should_start() {
            self.start_member(pool);
        }
    }

    /// Begins a start that was counted.
    fn start_member(self: &Arc<Self>, pool: &Arc<FleetPool>) {
        let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
        spawn(async move {
            shared.start_in(&pool).await;
            pool.moved.notify_waiters();
        });
    }

    async fn start_in(self: &Arc<Self>, pool: &Arc<FleetPool>) {
        let turn = self.turns.take(pool.function.deployment, Urgency::Ahead).await;
        if pool.lock().give_up_start() {
            return;
        }
        let function = &pool.function;
        let Some(share) = pool.capacity.take(pool.vcpu_millis) else {
            return pool.lock().start_refused(Shortage::Capacity, Instant::now());
        };
        let Some(place) = self.place(unknown_memory_bytes(function)) else {
            return pool.lock().start_refused(Shortage::Platform, Instant::now());
        };
        let mut start = std::pin::pin!(self.worker.start_multi(function, pool.slots));
        let started = match tokio::time::timeout(START_TURN, &mut start).await {
            Ok(result) => {
                drop(turn);
                result
            }
            Err(_elapsed) => {
                drop(turn);
                start.await
            }
        };
        match started {
            Ok(environment) => {
                let place = Mutex::new(place);
                let member = Arc::new(Member { environment, place, _share: share });
                member.measure();
                self.watch_member(pool, &member);
                // The guard must be gone before the surplus is stopped.
                let surplus = pool.lock().started(member);
                drop(surplus);
            }
            Err(error) => {
                drop((share, place));
                let shortage = shortage(&error);
                if shortage == Shortage::Platform {
                    failed_start(function, error);
                }
                let pause = pool.lock().start_failed(shortage);
                self.fill_later(pool, pause);
            }
        }
    }

    /// Sees to it that an environment that ends is replaced.
    fn watch_member(self: &Arc<Self>, pool: &Arc<FleetPool>, member: &Arc<Member>) {
        let environment = Arc::clone(&member.environment);
        let (shared, pool) = (Arc::clone(self), Arc::downgrade(pool));
        spawn(async move {
            environment.ended().await;
            let Some(pool) = pool.upgrade() else { return };
            let is_it = |member: &Arc<Member>| Arc::ptr_eq(&member.environment, &environment);
            // The guard must be gone before the member is dropped.
            let ended = pool.lock().ended(is_it);
            if let Some((member, pause)) = ended {
                drop(member);
                shared.fill_later(&pool, pause);
                pool.moved.notify_waiters();
            }
        });
    }

    /// After a failure: waits, and begins the starts that are missing, unless it has failed too often.
    fn fill_later(self: &Arc<Self>, pool: &Arc<FleetPool>, pause: Option<Duration>) {
        let Some(pause) = pause else { return };
        let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
        spawn(async move {
            tokio::time::sleep(pause).await;
            shared.fill_fleet(&pool);
        });
    }

    /// Measures what environments use, stops those that have not been needed for `idle_max`, and replaces those that are too
    /// old.
    pub(crate) fn tend_fleets(self: &Arc<Self>, now: Instant, idle_max: Duration) {
        let age_max = self.options.age_max();
        for pool in self.fleets.all() {
            // The guard must be gone before anything is stopped.
            let (members, spare, worn) = {
                let mut fleet = pool.lock();
                let worn = fleet.wear_out(|member| member.environment.age() >= age_max);
                let spare = fleet.shrink(now, idle_max);
                (fleet.members().to_vec(), spare, worn)
            };
            drop((spare, worn));
            self.fill_fleet(&pool);
            for member in members {
                member.measure();
            }
        }
    }

    pub(crate) fn states_of_fleets(&self) -> States {
        self.fleets.all().iter().map(|pool| pool.lock().states()).sum()
    }

    /// Takes out every environment, for a server that goes down.
    pub(crate) fn retire_fleets(&self) -> Vec<Arc<Member>> {
        let retire = |pool: Arc<FleetPool>| pool.lock().bound(Bounds { min: 0, max: 0 });
        self.fleets.all().into_iter().flat_map(retire).collect()
    }
}

impl Member {
    pub(crate) fn environment(&self) -> &Arc<MultiEnvironment> {
        &self.environment
    }
}

impl Fleets {
    pub(crate) fn get(&self, deployment: Deployment) -> Option<Arc<FleetPool>> {
        self.read().get(&deployment).map(Arc::clone)
    }

    fn all(&self) -> Vec<Arc<FleetPool>> {
        self.read().values().map(Arc::clone).collect()
    }

    fn add(&self, managed: &Managed) -> Arc<FleetPool> {
        let pool = Arc::new(FleetPool {
            function: Arc::clone(&managed.function),
            capacity: self.capacities.get(&managed.provider),
            vcpu_millis: managed.vcpu_millis,
            slots: managed.slots,
            fleet: Mutex::new(Fleet::new(managed.slots)),
            moved: Notify::new(),
        });
        let mut pools = self.by_deployment.write().unwrap_or_else(PoisonError::into_inner);
        pools.insert(pool.function.deployment, Arc::clone(&pool));
        pool
    }

    fn remove(&self, gone: &FleetPool) {
        let mut pools = self.by_deployment.write().unwrap_or_else(PoisonError::into_inner);
        pools.remove(&gone.function.deployment);
        gone.moved.notify_waiters();
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Deployment, Arc<FleetPool>>> {
        self.by_deployment.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FleetPool {
    fn lock(&self) -> MutexGuard<'_, Fleet<Arc<Member>>> {
        lock(&self.fleet)
    }

    /// Environments that are too many stop when their invocations have ended.
    fn bound(&self, bounds: Bounds) {
        // The guard must be gone before anything is stopped.
        let surplus = self.lock().bound(bounds);
        for member in surplus {
            spawn(member.drain());
        }
        self.moved.notify_waiters();
    }
}

fn shortage(error: &StartError) -> Shortage {
    match error {
        StartError::Init(_) => Shortage::Init,
        StartError::RuntimeNotInstalled(_) => Shortage::NoRuntime,
        // Functions on capacity providers have no snapshots.
        StartError::Compile(_)
        | StartError::Launch(_)
        | StartError::Watch(_)
        | StartError::SnapStart(_) => Shortage::Platform,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
