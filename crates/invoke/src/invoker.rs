// SPDX-License-Identifier: Apache-2.0
//! Runs events on functions: the one way to invoke, for API calls and event sources alike.

use crate::pool::{GivenBack, Pool};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use worker::{
    Deployment, Environment, Event, FailedInit, Function, Initialization, NotDelivered, Outcome,
    StartError, Worker,
};

/// A start that takes longer than this lets the next one begin: it waits for something else than the CPU.
const START_TURN: Duration = Duration::from_millis(100);
/// What the worker gives environments to shut down, and a little more.
const SHUTDOWN_MAX: Duration = Duration::from_millis(2500);
/// How often idle environments are looked over, at most.
const REAP_INTERVAL_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Invocations that may run at once, over all functions; more are throttled. Default: 1000, as a new AWS account has.
    pub concurrency_max: usize,
    /// Environments that may exist at once, idle ones too. Above it the one idle longest goes first. Default: 1000.
    pub environments_max: usize,
    /// Environments that may be starting at once. 0 (the default): one more than the machine has CPUs.
    pub concurrent_starts_max: usize,
    /// Milliseconds after which an idle environment is frozen: its processes stand still until the next event. 0: never.
    /// Default: 100.
    pub freeze_after_ms: u64,
    /// Milliseconds after which an idle environment is stopped. Default: 300000 (5 minutes).
    pub idle_max_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency_max: 1000,
            environments_max: 1000,
            concurrent_starts_max: 0,
            freeze_after_ms: 100,
            idle_max_ms: 300_000,
        }
    }
}

/// Why an event did not reach a function. What the function itself did wrong is in `Outcome`.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No environment was free and none may be added. Retry later.
    #[error("throttled: {reason}")]
    Throttled {
        /// `ConcurrentInvocationLimitExceeded`, `ReservedFunctionConcurrentInvocationLimitExceeded`
        reason: &'static str,
    },
    /// The runtime is not installed on this machine. The text says how to install it.
    #[error("{0}")]
    RuntimeNotInstalled(String),
    /// The sandbox could not be built. Our fault; the cause was logged.
    #[error("failed to start an execution environment")]
    StartFailed,
    /// The server is going down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

#[derive(Debug, Clone)]
pub struct Invoker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    worker: Worker,
    options: Options,
    pools: Mutex<HashMap<Deployment, Arc<FunctionPool>>>,
    /// Invocations that were admitted and have not ended.
    running: AtomicUsize,
    environments: Arc<AtomicUsize>,
    /// Environments whose extensions are still busy with an event that has its answer.
    settling: Arc<AtomicUsize>,
    starts: Arc<Semaphore>,
    is_stopping: AtomicBool,
}

#[derive(Debug)]
struct FunctionPool {
    function: Arc<Function>,
    pool: Mutex<Pool<Member, oneshot::Sender<Lease>>>,
}

/// An environment and its place among all. Dropping it stops the environment.
#[derive(Debug)]
struct Member {
    environment: Arc<Environment>,
    _place: Counted,
}

/// An environment while it runs an event. Dropped before the end, it stops the environment.
struct Leased<'a> {
    shared: &'a Arc<Shared>,
    pool: &'a Arc<FunctionPool>,
    member: Option<Member>,
}

/// What a caller waits for.
#[derive(Debug)]
enum Lease {
    Environment(Member),
    /// The init phase failed: the caller's invocation tries it again.
    FailedInit(FailedInit, Counted),
    Failed(InvokeError),
}

/// One of a counted number, given back when dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Invoker {
    pub fn new(worker: Worker, options: Options) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let starts = if options.concurrent_starts_max == 0 {
            cpus + 1
        } else {
            options.concurrent_starts_max
        };
        Self(Arc::new(Shared {
            worker,
            options,
            pools: Mutex::default(),
            running: AtomicUsize::new(0),
            environments: Arc::default(),
            settling: Arc::default(),
            starts: Arc::new(Semaphore::new(starts)),
            is_stopping: AtomicBool::new(false),
        }))
    }

    /// Runs one event to its end.
    ///
    /// Whoever drops the future stops the environment that runs the event: a caller whose own caller may go away polls
    /// this in a way that outlives it, as the edge does.
    ///
    /// # Errors
    ///
    /// When the event did not reach the function. What the function did wrong is in `Outcome`.
    pub async fn invoke(
        &self,
        function: &Arc<Function>,
        event: Event,
    ) -> Result<Outcome, InvokeError> {
        if self.0.is_stopping.load(Ordering::Acquire) {
            return Err(InvokeError::ShuttingDown);
        }
        let _running = Admitted::new(&self.0)?;
        self.0.run(function, &event).await
    }

    /// A function like this one may be invoked soon: makes ready what does not depend on its code.
    pub fn expect(&self, function: &Function) {
        self.0.worker.expect(function);
    }

    /// No new event runs on `deployment`: idle environments stop now, busy ones after their invocation.
    pub fn retire(&self, deployment: Deployment) {
        let pool = self.0.pools().remove(&deployment);
        if let Some(pool) = pool {
            drop(pool.lock().retire());
        }
    }

    /// Freezes environments that are idle and stops those that have been idle too long, for as long as the server runs.
    pub async fn tend(&self) {
        tokio::join!(self.freeze(), self.reap());
    }

    async fn reap(&self) {
        let idle_max = Duration::from_millis(self.0.options.idle_max_ms);
        loop {
            tokio::time::sleep((idle_max / 4).clamp(Duration::from_millis(10), REAP_INTERVAL_MAX))
                .await;
            self.0.reap(Instant::now(), idle_max);
            self.0.worker.reap(Instant::now());
        }
    }

    async fn freeze(&self) {
        let idle_min = Duration::from_millis(self.0.options.freeze_after_ms);
        if idle_min.is_zero() {
            return;
        }
        loop {
            tokio::time::sleep(idle_min / 2).await;
            let pools: Vec<_> = self.0.pools().values().map(Arc::clone).collect();
            for pool in pools {
                // Under the lock, so that none of them is leased meanwhile.
                pool.lock()
                    .idle_for(Instant::now(), idle_min)
                    .for_each(|member| member.environment.freeze());
            }
        }
    }

    /// Takes no more events, waits until the running ones have ended, at most for `patience`, and stops every
    /// environment. Says how many invocations were cut off.
    pub async fn shut_down(&self, patience: Duration) -> usize {
        self.0.is_stopping.store(true, Ordering::Release);
        let deadline = Instant::now() + patience;
        let is_busy = || {
            let counts = [&self.0.running, &*self.0.settling];
            counts.iter().any(|count| count.load(Ordering::Acquire) > 0)
        };
        while is_busy() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let pools = std::mem::take(&mut *self.0.pools());
        let mut stopped = Vec::new();
        for pool in pools.into_values() {
            // Each is stopped as its member is dropped.
            let retired = pool.lock().retire();
            stopped.extend(retired.into_iter().map(|member| Arc::clone(&member.environment)));
        }
        // Their extensions have some time to shut down.
        let all_ended = async {
            for environment in stopped {
                environment.ended().await;
            }
        };
        drop(tokio::time::timeout(SHUTDOWN_MAX, all_ended).await);
        self.0.running.load(Ordering::Acquire)
    }
}

impl Shared {
    async fn run(
        self: &Arc<Self>,
        function: &Arc<Function>,
        event: &Event,
    ) -> Result<Outcome, InvokeError> {
        let pool = self.pool(function);
        loop {
            // The guard must be gone before the next await.
            let leased = pool.lock().lease();
            let lease = match leased {
                Some(member) => Lease::Environment(member),
                None => self.wait(&pool).await?,
            };
            match lease {
                Lease::Environment(member) => {
                    let leased = Leased { shared: self, pool: &pool, member: Some(member) };
                    // Not delivered: the environment ended first, and another one takes the event.
                    if let Ok(outcome) = leased.run(event).await {
                        return Ok(outcome);
                    }
                }
                Lease::FailedInit(failed, place) => {
                    return self.run_with_init(&pool, failed, place, event).await;
                }
                Lease::Failed(error) => return Err(error),
            }
        }
    }

    async fn run_with_init(
        &self,
        pool: &FunctionPool,
        failed: FailedInit,
        place: Counted,
        event: &Event,
    ) -> Result<Outcome, InvokeError> {
        let result = self.worker.run_with_init(&pool.function, failed, event).await;
        let (outcome, environment) = result.map_err(|error| failed_start(&pool.function, error))?;
        if let Some(environment) = environment {
            pool.adopt(Member { environment, _place: place });
        }
        Ok(outcome)
    }

    /// Waits for the first environment that is free, and starts one if no start is under way for this caller.
    async fn wait(self: &Arc<Self>, pool: &Arc<FunctionPool>) -> Result<Lease, InvokeError> {
        let (sender, receiver) = oneshot::channel();
        let should_start = {
            let mut pool = pool.lock();
            // One may have come back meanwhile.
            if let Some(member) = pool.lease() {
                return Ok(Lease::Environment(member));
            }
            pool.wait(sender);
            pool.should_start()
        };
        if should_start {
            self.start_for(pool);
        }
        receiver.await.map_err(|_gone| InvokeError::ShuttingDown)
    }

    /// Extensions may be busy with an event for longer than its caller waits.
    fn give_back_when_settled(self: &Arc<Self>, pool: &Arc<FunctionPool>, member: Member) {
        if member.environment.is_settled() {
            return self.give_back(pool, member);
        }
        let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
        let settling = Counted::take(&self.settling, usize::MAX);
        spawn(async move {
            member.environment.settled().await;
            shared.give_back(&pool, member);
            drop(settling);
        });
    }

    fn give_back(self: &Arc<Self>, pool: &Arc<FunctionPool>, member: Member) {
        if member.environment.is_usable() {
            let given_back = pool.lock().give_back(member, Instant::now());
            pool.settle(given_back);
        } else {
            drop(member);
            self.forget(pool);
        }
    }

    /// A leased environment ended. Who counted on its return may need another.
    fn forget(self: &Arc<Self>, pool: &Arc<FunctionPool>) {
        let should_start = {
            let mut pool = pool.lock();
            pool.forget();
            pool.should_start()
        };
        if should_start {
            self.start_for(pool);
        }
    }

    fn start_for(self: &Arc<Self>, pool: &Arc<FunctionPool>) {
        match self.place() {
            Some(place) => {
                let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
                spawn(async move { shared.start(&pool, place).await });
            }
            None => pool.start_refused(),
        }
    }

    /// Starts one environment, when it is its turn and somebody still waits for it.
    async fn start(&self, pool: &FunctionPool, place: Counted) {
        let turn = Arc::clone(&self.starts).acquire_owned().await;
        if pool.lock().give_up_start() {
            return;
        }
        let mut start = std::pin::pin!(self.worker.start(&pool.function, Initialization::OnDemand));
        let result = match tokio::time::timeout(START_TURN, &mut start).await {
            Ok(result) => result,
            Err(_elapsed) => {
                drop(turn);
                start.await
            }
        };
        match result {
            Ok(environment) => pool.started(Member { environment, _place: place }),
            Err(StartError::Init(failed)) => pool.start_ended(Lease::FailedInit(failed, place)),
            Err(error) => pool.start_ended(Lease::Failed(failed_start(&pool.function, error))),
        }
    }

    fn pool(&self, function: &Arc<Function>) -> Arc<FunctionPool> {
        let mut pools = self.pools();
        let new =
            || Arc::new(FunctionPool { function: Arc::clone(function), pool: Mutex::default() });
        Arc::clone(pools.entry(function.deployment).or_insert_with(new))
    }

    /// A place for one more environment; the environment idle longest gives up its own if there is no other.
    fn place(&self) -> Option<Counted> {
        let places_max = self.options.environments_max;
        Counted::take(&self.environments, places_max).or_else(|| {
            drop(self.longest_idle()?.lock().evict());
            Counted::take(&self.environments, places_max)
        })
    }

    fn longest_idle(&self) -> Option<Arc<FunctionPool>> {
        let pools = self.pools();
        let idle = pools.values().filter_map(|pool| Some((pool.lock().idle_since()?, pool)));
        idle.min_by_key(|(since, _)| *since).map(|(_, pool)| Arc::clone(pool))
    }

    fn reap(&self, now: Instant, idle_max: Duration) {
        let mut reaped = Vec::new();
        self.pools().retain(|_, pool| {
            // A pool that somebody just took from the table is about to be used.
            let is_taken = Arc::strong_count(pool) > 1;
            let mut pool = pool.lock();
            reaped.extend(pool.reap(now, idle_max));
            is_taken || !pool.is_empty()
        });
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Deployment, Arc<FunctionPool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionPool {
    fn lock(&self) -> MutexGuard<'_, Pool<Member, oneshot::Sender<Lease>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self, member: Member) {
        let given_back = self.lock().started(member, Instant::now());
        self.settle(given_back);
    }

    /// Takes in an environment that was made outside of the pool.
    fn adopt(&self, member: Member) {
        if member.environment.is_usable() {
            let given_back = self.lock().adopt(member, Instant::now());
            self.settle(given_back);
        }
    }

    /// Hands an environment on, until somebody takes it or the pool keeps it.
    fn settle(&self, mut given_back: GivenBack<Member, oneshot::Sender<Lease>>) {
        while let GivenBack::Hand(caller, member) = given_back {
            given_back = match caller.send(Lease::Environment(member)) {
                Err(Lease::Environment(member)) => self.lock().give_back(member, Instant::now()),
                Ok(()) | Err(Lease::FailedInit(..) | Lease::Failed(_)) => return,
            };
        }
    }

    fn start_ended(&self, lease: Lease) {
        let caller = self.lock().start_ended();
        if let Some(caller) = caller {
            drop(caller.send(lease));
        }
    }

    /// There is no place for another environment. Those who wait are served by the ones there are, if any.
    fn start_refused(&self) {
        let mut pool = self.lock();
        let caller = pool.start_refused();
        drop(pool);
        if let Some(caller) = caller {
            let reason = "ConcurrentInvocationLimitExceeded";
            drop(caller.send(Lease::Failed(InvokeError::Throttled { reason })));
        }
    }
}

impl Leased<'_> {
    async fn run(mut self, event: &Event) -> Result<Outcome, NotDelivered> {
        let member = self.member.as_ref().ok_or(NotDelivered)?;
        let outcome = member.environment.run(event).await?;
        if let Some(member) = self.member.take() {
            self.shared.give_back_when_settled(self.pool, member);
        }
        Ok(outcome)
    }
}

impl Drop for Leased<'_> {
    fn drop(&mut self) {
        if let Some(member) = self.member.take() {
            drop(member);
            self.shared.forget(self.pool);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.environment.stop();
    }
}

impl Counted {
    fn take(count: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let more = |now: usize| (now < max).then_some(now + 1);
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(Arc::clone(count)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An invocation's place within the account's concurrency.
struct Admitted(Arc<Shared>);

impl Admitted {
    fn new(shared: &Arc<Shared>) -> Result<Self, InvokeError> {
        let before = shared.running.fetch_add(1, Ordering::AcqRel);
        let admitted = Self(Arc::clone(shared));
        if before < shared.options.concurrency_max {
            Ok(admitted)
        } else {
            Err(InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" })
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

fn failed_start(function: &Function, error: StartError) -> InvokeError {
    if let StartError::RuntimeNotInstalled(error) = &error {
        return InvokeError::RuntimeNotInstalled(error.to_string());
    }
    let mut causes = String::new();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes += &format!(": {error}");
        cause = error.source();
    }
    tracing::error!(function = %function.name, error = format!("{error}{causes}"), "environment start failed");
    InvokeError::StartFailed
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "starts end within the init time, and the wait for extensions within the function's timeout"
    )]
    drop(tokio::spawn(task));
}
