// SPDX-License-Identifier: Apache-2.0
//! One invocation on one environment, from the START line to the REPORT line.
//!
//! On the warm path nothing here wakes another task: the invoking task takes the parked connection, writes the event,
//! and reads the answer from the same connection itself.

use crate::clock;
use crate::delivery::Delivery;
use crate::environment::{Answer, Answered, Environment, Streamed};
use crate::event::{Event, Outcome};
use crate::extensions::{self, Reason};
use crate::failure::Failure;
use crate::function::{Function, Initialization};
use crate::life::{Living, spawn};
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection, Served};
use crate::state::Assigned;
use crate::telemetry::{Ending, InitPhase, Invocation};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// An event that takes longer may be computing, and is looked at.
const LONG: Duration = Duration::from_millis(10);

/// What a function gave back.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) result: Result<Bytes, Failure>,
    /// If it was made piece by piece, to its end.
    pub(crate) streamed: Option<Streamed>,
}

impl From<Result<Bytes, Failure>> for Given {
    fn from(result: Result<Bytes, Failure>) -> Self {
        Self { result, streamed: None }
    }
}

/// The environment ended before its runtime took the event, which may run elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDelivered;

impl Environment {
    /// Runs `event` to its end, within the function's timeout.
    ///
    /// # Errors
    ///
    /// `NotDelivered` when the event never reached the function.
    pub async fn run(self: &Arc<Self>, event: &Event) -> Result<Outcome, NotDelivered> {
        let mut left = self.function().timeout;
        if self.is_dormant() {
            return self.run_with_init(event, left).await;
        }
        if self.extensions().has_any() {
            left = self.wait_for_extensions(left).await;
            self.report_last();
        }
        let invocation = Invocation::new(self.log(), self.function(), event);
        invocation.tell_start(self.function(), event);
        self.thaw();
        let deadline = Instant::now() + left;
        let given = self.answer(event, left).await?;
        Ok(self.conclude(invocation, event, given, deadline).await)
    }

    /// Initialises inside the invocation, within its time, as AWS does after a reset. The START line comes after that.
    async fn run_with_init(
        self: &Arc<Self>,
        event: &Event,
        timeout: Duration,
    ) -> Result<Outcome, NotDelivered> {
        let mut invocation = Invocation::new(self.log(), self.function(), event);
        let deadline = Instant::now() + timeout;
        let woken = self.suppressed_init(deadline).await;
        invocation.initialised();
        invocation.tell_start(self.function(), event);
        let left = timeout.saturating_sub(invocation.elapsed());
        let given = match woken {
            Ok(()) => self.answer(event, left).await?,
            Err(failure) => Err(failure).into(),
        };
        Ok(self.conclude(invocation, event, given, deadline).await)
    }

    /// Tells how an invocation came out, at once or when extensions are done with it too, and makes what the caller gets.
    pub(crate) async fn conclude(
        self: &Arc<Self>,
        mut invocation: Invocation,
        event: &Event,
        given: Given,
        deadline: Instant,
    ) -> Outcome {
        invocation.answered(&given, self.take_before());
        self.ground().hear(event);
        if self.is_provisioned() {
            invocation.was_provisioned();
        }
        if self.is_settled() {
            invocation.tell_report(self.memory_peak_bytes());
        } else {
            self.report_later(invocation, deadline);
            if event.wants_log_tail {
                self.wait_for_report().await;
            }
        }
        outcome(self.log(), self.function(), event, given.result)
    }

    async fn suppressed_init(self: &Arc<Self>, deadline: Instant) -> Result<(), Failure> {
        let log = self.log();
        let initialization = Initialization::OnDemand;
        let installed = self.installed();
        log.tell_init_start(self.function(), installed, initialization, InitPhase::Invoke);
        let woken = self.wake(deadline).await;
        if let Err(failure) = &woken {
            self.stop_after(failure);
        }
        log.tell_init_report(woken.as_ref().err().map_or(Ending::SUCCESS, Failure::ending));
        woken
    }

    /// Gives `event` to the runtime and waits for what comes of it, at most for `left`.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        event: &Event,
        left: Duration,
    ) -> Result<Given, NotDelivered> {
        if let Some(sampled) = &event.sampled {
            Box::pin(self.ground().listen(self.function(), sampled)).await;
        }
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = clock::epoch_ms().saturating_add(left_ms);
        let delivery = Delivery::new(event, deadline_ms);
        let (answer, answered) = Answer::pair(event.response.clone());
        // The guard must be gone before the first await.
        let assigned = self.state().assign(event.request_id, delivery, answer);
        let mut connection = match assigned {
            Assigned::Write(mut connection, delivery) => {
                delivery.queue_on(&mut connection);
                Some(connection)
            }
            Assigned::Waits => None,
            Assigned::Refused => return Err(NotDelivered),
        };
        if self.extensions().has_any() {
            self.tell_extensions(event, deadline_ms);
        }
        let given = match self.within(left, wait(self, answered, &mut connection)).await {
            Ok(Answered::Result(result, streamed)) => Given { result, streamed },
            Ok(Answered::NotDelivered) => return Err(NotDelivered),
            Err(_elapsed) => {
                self.let_go();
                extensions::stop(self, Reason::Timeout);
                Err(Failure::TimedOut).into()
            }
        };
        if let Some(connection) = connection {
            serve_on(Arc::clone(self), connection);
        }
        self.drain_output();
        Ok(given)
    }

    /// Waits for an answer, at most for `left`. While one is long in coming, the function lets others go first, if it computes.
    async fn within<T>(
        &self,
        left: Duration,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        let mut waiting = std::pin::pin!(waiting);
        let begun = Instant::now();
        let end = begun + left;
        // From an event before this one.
        if self.process().stands_back() {
            self.process().pace();
        }
        let mut look = begun + LONG;
        loop {
            match tokio::time::timeout_at(look.min(end), waiting.as_mut()).await {
                Err(_elapsed) if look < end => look = Instant::now() + self.process().pace(),
                result => return result,
            }
        }
    }
}

/// Waits for the answer, serving the connection that got the event meanwhile.
pub(crate) async fn wait<E: Living>(
    environment: &Arc<E>,
    mut answered: oneshot::Receiver<Answered>,
    connection: &mut Option<Connection>,
) -> Answered {
    loop {
        tokio::select! {
            biased;
            result = &mut answered => return result.unwrap_or(Answered::NotDelivered),
            () = serve_one(environment, connection), if connection.is_some() => {}
        }
    }
}

/// Serves a connection after its answer. The request for the next event is often there already; then the connection is parked
/// at once, and no task is needed.
pub(crate) fn serve_on<E: Living>(environment: Arc<E>, connection: Connection) {
    let mut serving = Box::pin(runtime_api::serve(environment, connection));
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    if serving.as_mut().poll(&mut nobody).is_pending() {
        spawn(serving);
    }
}

/// Serves one request. A connection that broke is given up: the answer may come on another, or the exit will tell.
async fn serve_one<E: Living>(environment: &Arc<E>, connection: &mut Option<Connection>) {
    let Some(open) = connection else { return };
    let request = runtime_api::read(open).await;
    let Some(open) = connection.take() else { return };
    match request {
        Ok(Some(request)) => match environment.answer(open, request).await {
            Ok(Served::Open(open) | Served::Answered(open)) => *connection = Some(open),
            Ok(Served::Parked) => {}
            Err(error) => lost(environment.as_ref(), Some(&error)),
        },
        Ok(None) => lost(environment.as_ref(), None),
        Err(error) => lost(environment.as_ref(), Some(&error)),
    }
}

fn lost<E: Living>(environment: &E, error: Option<&std::io::Error>) {
    if let Some(error) = error {
        tracing::debug!(%error, "runtime connection ended");
    }
    environment.let_go();
}

/// What the caller of an invocation gets, with the end of its log as far as it is written.
pub(crate) fn outcome(
    log: &LogStream,
    function: &Function,
    event: &Event,
    result: Result<Bytes, Failure>,
) -> Outcome {
    let log_tail = log.end();
    match result {
        Ok(payload) => Outcome { payload, is_function_error: false, log_tail },
        Err(failure) => {
            let payload = failure.document(&event.request_id.to_string(), function.timeout);
            Outcome { payload, is_function_error: true, log_tail }
        }
    }
}
