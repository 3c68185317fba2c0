// SPDX-License-Identifier: Apache-2.0
//! Runs events on functions: the one way to invoke, for API calls and event sources alike.

use crate::lease::{Home, Leased};
use crate::managed::Fleets;
use crate::options::Options;
use crate::places::{Place, Places};
use crate::pools::{FunctionPool, Lease, Member, Pools};
use crate::provisioned::Provisions;
use crate::scaling::Scaling;
use crate::start::failed_start;
use crate::turns::Turns;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::oneshot;
use worker::{Deployment, Event, FailedInit, Function, Outcome, StartError, Worker};

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
    /// The environment did not come back from its snapshot in time.
    #[error("restoring the snapshot took too long")]
    SnapStartTimeout,
    /// A hook of the function's failed after the snapshot was restored.
    #[error("an after-restore hook failed")]
    SnapStart,
    /// The snapshot was gone, and could not be taken again. The text is for the customer.
    #[error("{0}")]
    SnapStartRegeneration(String),
    /// The server is going down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

#[derive(Debug, Clone)]
pub struct Invoker(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) worker: Worker,
    pub(crate) options: Options,
    pub(crate) pools: Pools,
    pub(crate) provisions: Provisions,
    pub(crate) fleets: Fleets,
    /// Invocations that were admitted and have not ended.
    pub(crate) running: AtomicUsize,
    pub(crate) places: Arc<Places>,
    /// Environments whose extensions are still busy with an event that has its answer.
    pub(crate) settling: AtomicUsize,
    pub(crate) turns: Arc<Turns>,
    pub(crate) scaling: Scaling,
    pub(crate) is_stopping: AtomicBool,
}

impl Invoker {
    pub fn new(worker: Worker, options: Options) -> Self {
        let environments_max = options.environments_max(worker.environments_max());
        Self(Arc::new(Shared {
            worker,
            pools: Pools::new(),
            provisions: Provisions::default(),
            fleets: Fleets::default(),
            running: AtomicUsize::new(0),
            places: Places::new(environments_max, options.memory_bytes_max()),
            settling: AtomicUsize::new(0),
            turns: Turns::new(options.starts_max()),
            scaling: Scaling::new(options.scaling_rate()),
            is_stopping: AtomicBool::new(false),
            options,
        }))
    }

    /// Runs one event to its end. `provisioned` is the qualifier whose provisioned environments may serve it; when none
    /// of them is free, it runs like any other.
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
        provisioned: Option<&str>,
    ) -> Result<Outcome, InvokeError> {
        if self.0.is_stopping.load(Ordering::Acquire) {
            return Err(InvokeError::ShuttingDown);
        }
        let _running = Admitted::new(&self.0)?;
        if function.max_concurrency.is_some() {
            return self.0.run_managed(function, &event).await;
        }
        if let Some(qualifier) = provisioned
            && let Some(outcome) = self.0.run_provisioned(function, &event, qualifier).await
        {
            return Ok(outcome);
        }
        self.0.run(function, &event).await
    }

    /// A function like this one may be invoked soon: makes ready what does not depend on its code.
    pub fn expect(&self, function: &Function) {
        self.0.worker.expect(function);
    }

    /// The code of `function` is unpacked: makes ready what depends on nothing else.
    pub fn compile(&self, function: &Arc<Function>) {
        self.0.worker.compile_code(function);
    }

    /// Whether versions can have snapshots here. The reason is for the customer.
    pub fn check_snap_start(&self) -> Result<(), &'static str> {
        self.0.worker.check_snap_start()
    }

    /// Initialises a version that has SnapStart, and keeps its snapshot.
    pub async fn take_snapshot(&self, function: &Arc<Function>) -> Result<(), StartError> {
        self.0.worker.take_snapshot(function).await
    }

    /// Forgets the snapshot of a version that is no more.
    pub fn forget_snapshot(&self, name: &str) {
        self.0.worker.forget_snapshot(name);
    }

    /// Forgets all snapshots that are not of these names.
    pub fn retain_snapshots(&self, used: &HashSet<String>) {
        self.0.worker.retain_snapshots(used);
    }

    /// The id of the version of a runtime that functions run on: the newest, or the one with this id. It may read directories.
    ///
    /// # Errors
    ///
    /// When there is none. The text says how to install it.
    pub fn runtime_version(&self, runtime: &str, id: Option<&str>) -> Result<String, String> {
        self.0.worker.runtime_version(runtime, id).map_err(|error| error.to_string())
    }

    /// No new event runs on `deployment`: idle environments stop now, busy ones after their invocation.
    pub fn retire(&self, deployment: Deployment) {
        for pool in self.0.pools.remove(deployment) {
            drop(pool.lock().retire());
        }
    }
}

impl Shared {
    async fn run(
        self: &Arc<Self>,
        function: &Arc<Function>,
        event: &Event,
    ) -> Result<Outcome, InvokeError> {
        let pool = self.pools.get(function, event.tenant_id.as_deref());
        loop {
            // The guard must be gone before the next await.
            let leased = pool.lock().lease();
            let lease = match leased {
                Some(member) => Lease::Environment(member),
                None => self.wait(&pool).await?,
            };
            match lease {
                Lease::Environment(member) => {
                    let leased = Leased::new(self, Home::Pool(&pool), member);
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

    /// Runs it on a provisioned environment, if one is free.
    async fn run_provisioned(
        self: &Arc<Self>,
        function: &Function,
        event: &Event,
        qualifier: &str,
    ) -> Option<Outcome> {
        let pool = self.provisions.get(function.deployment, qualifier)?;
        loop {
            // The guard must be gone before the next await.
            let member = pool.lock().lease()?;
            let leased = Leased::new(self, Home::Provision(&pool), member);
            if let Ok(outcome) = leased.run(event).await {
                return Some(outcome);
            }
        }
    }

    async fn run_with_init(
        self: &Arc<Self>,
        pool: &Arc<FunctionPool>,
        failed: FailedInit,
        place: Place,
        event: &Event,
    ) -> Result<Outcome, InvokeError> {
        let result = self.worker.run_with_init(&pool.function, failed, event).await;
        let (outcome, environment) = result.map_err(|error| failed_start(&pool.function, error))?;
        if let Some(environment) = environment.filter(|environment| environment.is_usable()) {
            let given_back = pool.lock().adopt(Member::new(environment, place), self.now());
            pool.settle(given_back);
            self.watch(pool);
        }
        Ok(outcome)
    }

    /// Waits for the first environment that is free, and starts one if none is bound to be free soon and no start is under way
    /// for this caller.
    async fn wait(self: &Arc<Self>, pool: &Arc<FunctionPool>) -> Result<Lease, InvokeError> {
        let (sender, mut receiver) = oneshot::channel();
        let (patience, mut should_start) = {
            let mut pool = pool.lock();
            // One may have come back meanwhile.
            if let Some(member) = pool.lease() {
                return Ok(Lease::Environment(member));
            }
            pool.wait(sender);
            let patience = pool.patience();
            (patience, patience.is_none() && pool.should_start())
        };
        if let Some(patience) = patience {
            match tokio::time::timeout(patience, &mut receiver).await {
                Ok(lease) => return lease.map_err(|_gone| InvokeError::ShuttingDown),
                Err(_elapsed) => should_start = pool.lock().should_start(),
            }
        }
        if should_start {
            self.start_for(pool);
        }
        receiver.await.map_err(|_gone| InvokeError::ShuttingDown)
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
