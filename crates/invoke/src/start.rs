// SPDX-License-Identifier: Apache-2.0
//! Starting environments: who may have one more, when it is its turn, and what comes of it.

use crate::invoker::{InvokeError, Shared};
use crate::places::Place;
use crate::pools::{FunctionPool, Lease, Member};
use crate::turns::{Turn, Urgency};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use worker::{Environment, Function, Initialization, SnapStartError, StartError};

/// A start that takes longer than this lets the next one begin: it waits for something else than the CPU.
pub(crate) const START_TURN: Duration = Duration::from_millis(100);

impl Shared {
    /// Starts an environment for who waits at `pool`, if there may be one more.
    pub(crate) fn start_for(self: &Arc<Self>, pool: &Arc<FunctionPool>) {
        if !self.scaling.may_start(&pool.function, Instant::now()) {
            return pool.start_throttled();
        }
        match self.place(pool.memory_bytes()) {
            Some(place) => {
                let (shared, pool) = (Arc::clone(self), Arc::clone(pool));
                spawn(async move { shared.start(&pool, place).await });
            }
            None => pool.start_refused(),
        }
    }

    /// Starts one environment, when it is its turn and somebody still waits for it.
    async fn start(self: &Arc<Self>, pool: &Arc<FunctionPool>, place: Place) {
        let turn = self.turns.take(pool.function.deployment, Urgency::Event).await;
        if pool.lock().give_up_start() {
            return;
        }
        let started = match self.start_now(&pool.function, Initialization::OnDemand, turn).await {
            // The next event initialises again, in the same sandbox if that can be had.
            Err(StartError::Init(failed)) => failed.renew().await.map_err(StartError::Init),
            started => started,
        };
        match started {
            Ok(environment) => {
                let mut member = Member::new(environment, place);
                if member.measure() {
                    pool.measured(member.environment.memory_seen_bytes());
                }
                let given_back = pool.lock().started(member, self.now());
                pool.settle(given_back);
                self.watch(pool);
            }
            Err(StartError::Init(failed)) => pool.start_ended(Lease::FailedInit(failed, place)),
            Err(error) => pool.start_ended(Lease::Failed(failed_start(&pool.function, error))),
        }
    }

    pub(crate) async fn start_now(
        &self,
        function: &Arc<Function>,
        initialization: Initialization,
        turn: Turn,
    ) -> Result<Arc<Environment>, StartError> {
        let mut start = std::pin::pin!(self.worker.start(function, initialization));
        match tokio::time::timeout(START_TURN, &mut start).await {
            Ok(result) => {
                drop(turn);
                result
            }
            Err(_elapsed) => {
                drop(turn);
                start.await
            }
        }
    }

    /// A place for one more environment; those idle longest give up their own if there is no other.
    pub(crate) fn place(&self, memory_bytes: u64) -> Option<Place> {
        loop {
            if let Some(place) = self.places.take(memory_bytes) {
                return Some(place);
            }
            drop(self.pools.evict()?);
        }
    }
}

pub(crate) fn failed_start(function: &Function, error: StartError) -> InvokeError {
    if let StartError::RuntimeNotInstalled(error) = &error {
        return InvokeError::RuntimeNotInstalled(error.to_string());
    }
    if error.is_full() {
        return InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" };
    }
    match &error {
        StartError::SnapStart(SnapStartError::Timeout) => return InvokeError::SnapStartTimeout,
        StartError::SnapStart(SnapStartError::Hook) => return InvokeError::SnapStart,
        StartError::SnapStart(
            error @ (SnapStartError::Init { .. } | SnapStartError::Obstacle(_)),
        ) => return InvokeError::SnapStartRegeneration(error.to_string()),
        _ => {}
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

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "starts end within the init time, waits for extensions within the function's timeout, and who watches an environment with it"
    )]
    drop(tokio::spawn(task));
}
