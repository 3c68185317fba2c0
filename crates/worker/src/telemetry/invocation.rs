// SPDX-License-Identifier: Apache-2.0
//! What is told of an invocation: that it starts, that it was answered, that the runtime is through with it, and how it came out.
//!
//! What extensions do after the answer is a part of the invocation: its report waits for them, its answer does not.

use super::traced::{Course, Traced};
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
use meter::{Meter, Use};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An invocation that has its START line and lacks its REPORT line.
#[derive(Debug)]
pub(crate) struct Invocation {
    log: Arc<LogStream>,
    request_id: String,
    tenant_id: Option<String>,
    /// If its trace is sampled.
    traced: Option<Box<Traced>>,
    timeout: Duration,
    memory_mb: u32,
    tmp_mb: u32,
    /// What it uses is counted here.
    meter: Option<Arc<Meter>>,
    /// What its caller named, if that was more than the function.
    qualifier: Option<Box<str>>,
    is_provisioned: bool,
    started: Instant,
    started_us: u64,
    /// Of the environment, if this is its first, and when that was over.
    before: Option<(Before, Instant)>,
    /// How long the environment initialised inside, if it did.
    initialised: Option<Duration>,
    answered: Option<Answered>,
    status: Status,
    error_type: Option<String>,
    is_runtime_done: bool,
    /// When the runtime was done, if extensions were not.
    runtime_done_after: Option<Duration>,
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
        log.begin(&event.trace_id);
        Self::beside_others(log, function, event)
    }

    /// One whose log goes on with what others print.
    pub(crate) fn beside_others(log: &Arc<LogStream>, function: &Function, event: &Event) -> Self {
        Self {
            log: Arc::clone(log),
            request_id: event.request_id.to_string(),
            tenant_id: event.tenant_id.clone(),
            traced: Traced::new(function, event),
            timeout: function.timeout,
            memory_mb: function.memory_mb,
            tmp_mb: function.tmp_mb,
            meter: function.meter.get().map(Arc::clone),
            qualifier: qualifier(&event.invoked_arn).map(Box::from),
            is_provisioned: false,
            started: Instant::now(),
            started_us: clock::epoch_us(),
            before: None,
            initialised: None,
            answered: None,
            status: Status::Success,
            error_type: None,
            is_runtime_done: false,
            runtime_done_after: None,
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

    /// The environment initialised inside, until now.
    pub(crate) fn initialised(&mut self) {
        self.initialised = Some(self.started.elapsed());
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The caller has its answer.
    pub(crate) fn answered(&mut self, given: &Given, before: Option<(Before, Instant)>) {
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

    /// Its environment was started ahead of events.
    pub(crate) fn was_provisioned(&mut self) {
        self.is_provisioned = true;
    }

    /// It came out badly: so the log says, in words.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        let line = failure.log_line(&self.request_id, self.timeout, &clock::timestamp());
        if let Some(line) = line {
            self.log.tell(&PlatformEvent::Fault(&line));
        }
        if let Some(traced) = &mut self.traced {
            traced.error = Some(failure.error(self.timeout));
        }
        let Ending { status, error_type } = failure.ending();
        self.status = status;
        self.error_type = error_type.map(str::to_owned);
    }

    /// The runtime waits for the next event, or for nothing any more, and extensions go on.
    pub(crate) fn runtime_done(&mut self) {
        self.runtime_done_after.get_or_insert(self.started.elapsed());
        self.tell_runtime_done();
    }

    /// The first time counts.
    fn tell_runtime_done(&mut self) {
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
        let (duration, before) = (self.duration(), self.before.map(|(before, _)| before));
        let request_id = &self.request_id;
        self.log.tell(&PlatformEvent::End(End { request_id }));
        let metrics = ReportMetrics::new(duration, before, self.memory_mb, memory_peak_bytes);
        self.log.tell(&PlatformEvent::Report(Report {
            request_id,
            metrics,
            tenant_id: self.tenant_id.as_deref(),
            tracing: self.tracing(),
            status: self.status,
            error_type: self.error_type.as_deref(),
        }));
        self.log.flush();
        if let Some(traced) = &self.traced {
            traced.tell(request_id, self.course(duration));
        }
        // After the line is on its way: what is counted was told.
        self.count(&metrics);
    }

    /// The one place where an invocation is counted: with the numbers of its report.
    fn count(&self, metrics: &ReportMetrics) {
        let Some(meter) = &self.meter else { return };
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let post_runtime = |done| us(metrics.duration.saturating_sub(done));
        meter.count(&Use {
            qualifier: self.qualifier.as_deref(),
            started_ms: self.started_us / 1_000,
            reported_ms: clock::epoch_ms(),
            billed_ms: metrics.billed_ms,
            memory_mb: self.memory_mb,
            tmp_mb: self.tmp_mb,
            duration_us: us(metrics.duration),
            post_runtime_us: self.runtime_done_after.map(post_runtime),
            is_error: self.status != Status::Success,
            is_provisioned: self.is_provisioned,
        });
    }

    /// Nobody runs longer than the timeout, whenever that is noticed.
    fn duration(&self) -> Duration {
        match self.status {
            Status::Timeout => self.timeout,
            Status::Success | Status::Error => self.started.elapsed(),
        }
    }

    fn tracing(&self) -> Option<Tracing<'_>> {
        self.traced.as_deref().map(Traced::tracing)
    }

    fn course(&self, duration: Duration) -> Course {
        let ago = |over: Instant| self.started.saturating_duration_since(over);
        Course {
            started_us: self.started_us,
            before: self.before.map(|(before, over)| (before, ago(over))),
            initialised: self.initialised,
            answered: self.answered.map_or(duration, |answered| answered.after),
            ended: duration,
        }
    }

    fn spans(&self, answered: Answered, duration: Duration) -> [Span; 3] {
        let at = |after: Duration| {
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            clock::timestamp_of((self.started_us / 1_000).saturating_add(after_ms))
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

/// What follows the name in the ARN of a function.
fn qualifier(arn: &str) -> Option<&str> {
    arn.splitn(8, ':').nth(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualifier_is_what_follows_the_name() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(qualifier(arn), None);
        assert_eq!(qualifier(&format!("{arn}:live")), Some("live"));
    }
}
