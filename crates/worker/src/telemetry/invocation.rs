// SPDX-License-Identifier: Apache-2.0
//! What is told of an invocation: that it starts, that it was answered, that the runtime is through with it, and how it came out.
//!
//! What extensions do after the answer is a part of the invocation: its report waits for them, its answer does not.

use super::{
    Before, End, Ending, PlatformEvent, Report, ReportMetrics, RuntimeDone, RuntimeDoneMetrics,
    Span, Start, Status, Tracing,
};
use crate::clock;
use crate::environment::Streamed;
use crate::event::Event;
use crate::failure::Failure;
use crate::function::Function;
use crate::logs::LogStream;
use crate::run::Given;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An invocation that has its START line and lacks its REPORT line.
#[derive(Debug)]
pub(crate) struct Invocation {
    log: Arc<LogStream>,
    request_id: String,
    tenant_id: Option<String>,
    /// If it is sampled.
    trace_id: Option<String>,
    timeout: Duration,
    memory_mb: u32,
    started: Instant,
    started_ms: u64,
    /// Of the environment, if this is its first.
    before: Option<Before>,
    answered: Option<Answered>,
    status: Status,
    error_type: Option<String>,
    is_runtime_done: bool,
}

#[derive(Debug, Clone, Copy)]
struct Answered {
    /// When the response began.
    begun: Duration,
    /// When all of it was there.
    after: Duration,
    produced_bytes: usize,
}

impl Invocation {
    /// Begins a new tail of the log.
    pub(crate) fn new(log: &Arc<LogStream>, function: &Function, event: &Event) -> Self {
        log.begin();
        Self::beside_others(log, function, event)
    }

    /// One whose log goes on with what others print.
    pub(crate) fn beside_others(log: &Arc<LogStream>, function: &Function, event: &Event) -> Self {
        Self {
            log: Arc::clone(log),
            request_id: event.request_id.to_string(),
            tenant_id: event.tenant_id.clone(),
            trace_id: Tracing::of(&event.trace_id).map(|tracing| tracing.value.to_owned()),
            timeout: function.timeout,
            memory_mb: function.memory_mb,
            started: Instant::now(),
            started_ms: clock::epoch_ms(),
            before: None,
            answered: None,
            status: Status::Success,
            error_type: None,
            is_runtime_done: false,
        }
    }

    pub(crate) fn tell_start(&self, function: &Function, event: &Event) {
        self.log.tell(&PlatformEvent::Start(Start {
            request_id: &self.request_id,
            function_arn: &event.invoked_arn,
            version: &function.version,
            tenant_id: self.tenant_id.as_deref(),
            tracing: self.tracing(),
        }));
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The caller has its answer.
    pub(crate) fn answered(&mut self, given: &Given, before: Option<Before>) {
        self.before = before;
        let after = self.started.elapsed();
        self.answered = match (&given.streamed, &given.result) {
            (Some(Streamed { began, bytes }), _) => {
                let begun = began.saturating_duration_since(self.started);
                Some(Answered { begun, after, produced_bytes: *bytes })
            }
            // It arrives whole.
            (None, Ok(payload)) => {
                Some(Answered { begun: after, after, produced_bytes: payload.len() })
            }
            (None, Err(_)) => None,
        };
        if let Err(failure) = &given.result {
            self.fail(failure);
        }
    }

    /// It came out badly: so the log says, in words.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        let line = failure.log_line(&self.request_id, self.timeout, &clock::timestamp());
        if let Some(line) = line {
            self.log.tell(&PlatformEvent::Fault(&line));
        }
        let Ending { status, error_type } = failure.ending();
        self.status = status;
        self.error_type = error_type.map(str::to_owned);
    }

    /// The runtime waits for the next event, or for nothing any more. The first time counts.
    pub(crate) fn tell_runtime_done(&mut self) {
        if std::mem::replace(&mut self.is_runtime_done, true) {
            return;
        }
        let status = self.status;
        if !self.log.tells_runtime_done(status) {
            return;
        }
        let duration = self.duration();
        let spans = self.answered.map(|answered| self.spans(answered, duration));
        self.log.tell(&PlatformEvent::RuntimeDone(RuntimeDone {
            request_id: &self.request_id,
            status,
            error_type: self.error_type.as_deref(),
            tenant_id: self.tenant_id.as_deref(),
            tracing: self.tracing(),
            spans: spans.as_ref().map_or(&[], |spans| spans.as_slice()),
            metrics: RuntimeDoneMetrics {
                duration,
                produced_bytes: self.answered.map_or(0, |answered| answered.produced_bytes),
            },
        }));
    }

    /// All are through with it. Ends the lines of this invocation.
    pub(crate) fn tell_report(mut self, memory_peak_bytes: u64) {
        self.tell_runtime_done();
        let (duration, before) = (self.duration(), self.before);
        let request_id = &self.request_id;
        self.log.tell(&PlatformEvent::End(End { request_id }));
        self.log.tell(&PlatformEvent::Report(Report {
            request_id,
            metrics: ReportMetrics::new(duration, before, self.memory_mb, memory_peak_bytes),
            tenant_id: self.tenant_id.as_deref(),
            tracing: self.tracing(),
            status: self.status,
            error_type: self.error_type.as_deref(),
        }));
        self.log.flush();
    }

    /// Nobody runs longer than the timeout, whenever that is noticed.
    fn duration(&self) -> Duration {
        match self.status {
            Status::Timeout => self.timeout,
            Status::Success | Status::Error => self.started.elapsed(),
        }
    }

    fn tracing(&self) -> Option<Tracing<'_>> {
        self.trace_id.as_deref().and_then(Tracing::of)
    }

    fn spans(&self, answered: Answered, duration: Duration) -> [Span; 3] {
        let at = |after: Duration| {
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            clock::timestamp_of(self.started_ms.saturating_add(after_ms))
        };
        let Answered { begun, after, .. } = answered;
        let span = |name, start, duration| Span { name, start: at(start), duration };
        [
            span("responseLatency", Duration::ZERO, begun),
            span("responseDuration", begun, after.saturating_sub(begun)),
            span("runtimeOverhead", after, duration.saturating_sub(after)),
        ]
    }
}
