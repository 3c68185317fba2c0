// SPDX-License-Identifier: Apache-2.0
//! One invocation on one environment, from the START line to the REPORT line.
//!
//! On the warm path nothing here wakes another task: the invoking task takes the parked connection, writes the event,
//! and reads the answer from the same connection itself.

use crate::clock;
use crate::delivery::Delivery;
use crate::environment::{Answer, Answered, Environment, spawn};
use crate::event::{Event, Outcome};
use crate::extensions::Reason;
use crate::failure::Failure;
use crate::function::Function;
use crate::init_phase::InitPhase;
use crate::logs::LogStream;
use crate::logs::lines::{self, Report, Status};
use crate::runtime_api::{self, Connection, Served};
use crate::state::Assigned;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The environment ended before its runtime took the event, which may run elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDelivered;

/// An invocation that has its START line and lacks its REPORT line.
pub(crate) struct Running<'a> {
    function: &'a Function,
    log: &'a LogStream,
    request_id: String,
    started: Instant,
}

impl Environment {
    /// Runs `event` to its end, within the function's timeout.
    ///
    /// # Errors
    ///
    /// `NotDelivered` when the event never reached the function.
    pub async fn run(self: &Arc<Self>, event: &Event) -> Result<Outcome, NotDelivered> {
        let running = Running::new(self.function(), self.log(), event);
        if self.is_dormant() {
            return self.run_with_init(running, event).await;
        }
        running.start();
        self.thaw();
        let result = self.answer(event, self.function().timeout).await?;
        Ok(running.end(result, self.memory_peak_bytes(), self.take_init_duration()))
    }

    /// Initialises inside the invocation, within its time, as AWS does after a reset. The START line comes after that.
    async fn run_with_init(
        self: &Arc<Self>,
        running: Running<'_>,
        event: &Event,
    ) -> Result<Outcome, NotDelivered> {
        self.log().begin();
        let timeout = self.function().timeout;
        let result = match self.suppressed_init(running.started + timeout).await {
            Ok(()) => {
                running.print_start();
                let left = timeout.saturating_sub(running.elapsed());
                self.answer(event, left).await?
            }
            Err(failure) => {
                running.print_start();
                Err(failure)
            }
        };
        Ok(running.end(result, self.memory_peak_bytes(), None))
    }

    async fn suppressed_init(self: &Arc<Self>, deadline: Instant) -> Result<(), Failure> {
        let phase = InitPhase::begin(self.log(), self.runtime_version(), "invoke");
        let woken = self.wake(deadline).await;
        if let Err(failure) = &woken {
            self.stop_after(failure);
            phase.fail(failure);
        }
        woken
    }

    /// Gives `event` to the runtime and waits for what comes of it, at most for `left`.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        event: &Event,
        left: Duration,
    ) -> Result<Result<Bytes, Failure>, NotDelivered> {
        let has_extensions = self.extensions().has_any();
        let left = if has_extensions { self.wait_for_extensions(left).await } else { left };
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
        let deadline = has_extensions.then(|| {
            self.tell_extensions(event, deadline_ms);
            Instant::now() + left
        });
        let result = match tokio::time::timeout(left, self.wait(answered, &mut connection)).await {
            Ok(Answered::Result(result)) => result,
            Ok(Answered::NotDelivered) => return Err(NotDelivered),
            Err(_elapsed) => {
                self.stop_because(Reason::Timeout);
                Err(Failure::TimedOut)
            }
        };
        if let Some(connection) = connection {
            serve_on(Arc::clone(self), connection);
        }
        self.drain_output();
        if let Some(deadline) = deadline {
            self.watch_extensions(event, deadline);
        }
        Ok(result)
    }

    /// Waits for the answer, serving the connection that got the event meanwhile.
    async fn wait(
        self: &Arc<Self>,
        mut answered: oneshot::Receiver<Answered>,
        connection: &mut Option<Connection>,
    ) -> Answered {
        loop {
            tokio::select! {
                biased;
                result = &mut answered => return result.unwrap_or(Answered::NotDelivered),
                () = serve_one(self, connection), if connection.is_some() => {}
            }
        }
    }
}

/// Serves a connection after its answer. The request for the next event is often there already; then the connection is parked
/// at once, and no task is needed.
fn serve_on(environment: Arc<Environment>, connection: Connection) {
    let mut serving = Box::pin(runtime_api::serve(environment, connection));
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    if serving.as_mut().poll(&mut nobody).is_pending() {
        spawn(serving);
    }
}

/// Serves one request. A connection that broke is given up: the answer may come on another, or the exit will tell.
async fn serve_one(environment: &Arc<Environment>, connection: &mut Option<Connection>) {
    let Some(open) = connection else { return };
    let request = runtime_api::read(open).await;
    let Some(open) = connection.take() else { return };
    match request {
        Ok(Some(request)) => match runtime_api::answer(environment, open, request).await {
            Ok(Served::Open(open) | Served::Answered(open)) => *connection = Some(open),
            Ok(Served::Parked) => {}
            Err(error) => tracing::debug!(%error, "runtime connection ended"),
        },
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "runtime connection ended"),
    }
}

impl<'a> Running<'a> {
    pub(crate) fn new(function: &'a Function, log: &'a LogStream, event: &Event) -> Self {
        Self { function, log, request_id: event.request_id.to_string(), started: Instant::now() }
    }

    pub(crate) fn start(&self) {
        self.log.begin();
        self.print_start();
    }

    pub(crate) fn print_start(&self) {
        self.log.platform(&lines::start(&self.request_id, &self.function.version));
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Writes how it ended, and makes what the caller gets.
    pub(crate) fn end(
        self,
        result: Result<Bytes, Failure>,
        memory_peak_bytes: u64,
        init: Option<Duration>,
    ) -> Outcome {
        let Self { function, log, request_id, started } = &self;
        let duration = match &result {
            Err(Failure::TimedOut) => function.timeout,
            Ok(_) | Err(_) => started.elapsed(),
        };
        let failure = result.as_ref().err();
        if let Some(line) = failure
            .and_then(|failure| failure.log_line(request_id, function.timeout, &clock::timestamp()))
        {
            log.platform(&line);
        }
        let status = failure.map(|failure| match failure {
            Failure::TimedOut => Status::Timeout,
            other => Status::Error(other.report_type()),
        });
        let report = Report {
            request_id,
            duration,
            memory_mb: function.memory_mb,
            memory_peak_bytes,
            init,
            status,
        };
        log.platform(&lines::end(request_id));
        log.platform(&report.line());
        let log_tail = log.end();
        match result {
            Ok(payload) => Outcome { payload, is_function_error: false, log_tail },
            Err(failure) => Outcome {
                payload: failure.document(request_id, function.timeout),
                is_function_error: true,
                log_tail,
            },
        }
    }
}
