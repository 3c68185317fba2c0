// SPDX-License-Identifier: Apache-2.0
//! Which invocations are traced, and what the service itself says of them.
//!
//! Who is upstream decides whether a trace is sampled. Where nobody has, a function with active tracing does, at AWS's rate; one
//! without passes on what it was given. Only functions with active tracing have segments. What the function did, the worker
//! says; here is when the request came and how it was answered.
//!
//! An asynchronous invocation has its segment when it is accepted. Each attempt is a part of that, told on its own.

use crate::Invoke;
use crate::error::{Error, status_of};
use crate::invoke::Admitted;
use crate::read::Found;
use crate::service::Service;
use ::invoke::InvokeError;
use names::{RequestId, SegmentId, TraceHeader, TraceId};
use segments::{Ids, Interval, Owner, Sampled, ServiceSegment, Sink, Subsegment};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use worker::Outcome;

/// Where segments go, and whose may.
#[derive(Clone)]
pub struct Tracer {
    sink: Arc<dyn Sink>,
    may_send: Arc<MaySend>,
}

type MaySend = dyn Fn(&str) -> bool + Send + Sync;

/// What the service tells when it is over.
pub(crate) struct Told {
    sink: Arc<dyn Sink>,
    owner: Owner,
    trace: TraceId,
    id: SegmentId,
    parent: Option<SegmentId>,
    name: String,
    arn: String,
    request_id: String,
    started_us: u64,
    started: Instant,
    what: What,
}

enum What {
    Request,
    /// Of an asynchronous invocation, counted from 1.
    Attempt(u32),
}

impl Tracer {
    /// `may_send` is given the ARN of a role, and says whether it may send segments.
    pub fn new(
        sink: Arc<dyn Sink>,
        may_send: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { sink, may_send: Arc::new(may_send) }
    }

    pub(crate) fn may_send(&self, role: &str) -> bool {
        (self.may_send)(role)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("sink", &self.sink).finish_non_exhaustive()
    }
}

impl<I: Invoke> Service<I> {
    /// Decides whether the trace of an invocation is sampled, if nobody has.
    fn is_sampled(&self, found: &Found, trace: &TraceHeader) -> bool {
        trace.is_sampled_or(|| {
            let version = &found.version;
            version.record.settings.is_traced && {
                let now_s = self.now_us() / 1_000_000;
                version.sampler.is_sampled(now_s, draw())
            }
        })
    }

    /// What the invocation is told of its trace if that is sampled, and what is to be told when it has ended.
    pub(crate) fn trace(
        &self,
        found: &Found,
        trace: &TraceHeader,
        request_id: RequestId,
    ) -> (Option<Box<Sampled>>, Option<Box<Told>>) {
        if !self.is_sampled(found, trace) {
            return (None, None);
        }
        self.sampled(found, trace, request_id, What::Request)
    }

    /// The same of an attempt to run an event, whose trace was decided about when it was accepted.
    pub(crate) fn trace_attempt(
        &self,
        found: &Found,
        trace: &TraceHeader,
        request_id: RequestId,
        attempt: u32,
    ) -> (Option<Box<Sampled>>, Option<Box<Told>>) {
        if !trace.is_sampled() {
            return (None, None);
        }
        self.sampled(found, trace, request_id, What::Attempt(attempt))
    }

    fn sampled(
        &self,
        found: &Found,
        trace: &TraceHeader,
        request_id: RequestId,
        what: What,
    ) -> (Option<Box<Sampled>>, Option<Box<Told>>) {
        let sink = self.sink(found);
        let told = sink.clone().and_then(|sink| self.told(found, trace, request_id, what, sink));
        let platform = told.as_ref().map(|told| Ids {
            trace: told.trace.clone(),
            parent: told.id,
            segment: SegmentId::random(),
            invocation: SegmentId::random(),
        });
        let sampled = Sampled { owner: owner(found), sink, platform };
        (Some(Box::new(sampled)), told)
    }

    /// Where the function of an invocation may send segments to.
    fn sink(&self, found: &Found) -> Option<Arc<dyn Sink>> {
        let tracer = self.options.tracer.as_ref()?;
        let may_send = tracer.may_send(&found.version.record.settings.role);
        may_send.then(|| Arc::clone(&tracer.sink))
    }

    fn told(
        &self,
        found: &Found,
        trace: &TraceHeader,
        request_id: RequestId,
        what: What,
        sink: Arc<dyn Sink>,
    ) -> Option<Box<Told>> {
        if !found.version.record.settings.is_traced {
            return None;
        }
        Some(Box::new(Told {
            sink,
            owner: owner(found),
            trace: trace.root(),
            id: SegmentId::random(),
            parent: trace.parent(),
            name: found.address.key.name.to_string(),
            arn: found.address.arn(),
            request_id: request_id.to_string(),
            started_us: self.now_us(),
            started: Instant::now(),
            what,
        }))
    }

    /// The header that an accepted event keeps. If its trace is sampled, that it was accepted is told.
    pub(crate) fn trace_accepted(
        &self,
        found: &Found,
        trace: &TraceHeader,
        request_id: RequestId,
    ) -> TraceHeader {
        if !self.is_sampled(found, trace) {
            return trace.clone();
        }
        let sink = self.sink(found);
        let told = sink.and_then(|sink| self.told(found, trace, request_id, What::Request, sink));
        let Some(told) = told else { return trace.clone() };
        let below = trace.below(told.id);
        told.end(202, false);
        below
    }

    fn now_us(&self) -> u64 {
        u64::try_from((self.options.clock)().epoch_ms()).unwrap_or_default().saturating_mul(1_000)
    }
}

impl Told {
    fn end(&self, status: u16, has_failed: bool) {
        let end_us = self.started_us.saturating_add(us(self.started.elapsed()));
        let interval = Interval { start_us: self.started_us, end_us };
        let document = match (&self.what, self.parent) {
            (What::Attempt(attempt), Some(parent)) => {
                let name = format!("Attempt #{attempt}");
                let has_failed = has_failed || status != 200;
                let (trace, id) = (&self.trace, self.id);
                let function = &self.name;
                Subsegment { trace, id, parent, name: &name, function, interval, has_failed }
                    .document()
            }
            (What::Request | What::Attempt(_), parent) => ServiceSegment {
                trace: &self.trace,
                id: self.id,
                parent,
                function: segments::Function {
                    name: &self.name,
                    arn: &self.arn,
                    account: &self.owner.account,
                },
                request_id: &self.request_id,
                interval,
                status,
                has_failed,
            }
            .document(),
        };
        self.sink.keep(&self.owner, document);
    }

    /// Tells how long an event waited for this, its first attempt.
    pub(crate) fn tell_dwell_time(&self, age: Duration) {
        let Some(parent) = self.parent else { return };
        let start_us = self.started_us.saturating_sub(us(age));
        let waited = Subsegment {
            trace: &self.trace,
            id: SegmentId::random(),
            parent,
            name: "Dwell Time",
            function: &self.name,
            interval: Interval { start_us, end_us: self.started_us },
            has_failed: false,
        };
        self.sink.keep(&self.owner, waited.document());
    }

    pub(crate) fn end_with(&self, result: &Result<Outcome, InvokeError>) {
        match result {
            Ok(outcome) => self.end(200, outcome.is_function_error),
            Err(error) => self.end(status_of(error), false),
        }
    }

    /// The invocation was not let in.
    pub(crate) fn end_refused(&self, error: &Error) {
        self.end(error.status(), false);
    }
}

impl Admitted {
    /// With what is to be told when it has ended.
    pub(crate) fn telling(mut self, told: Option<Box<Told>>) -> Self {
        self.told = told;
        self
    }
}

/// The header that goes to a function with active tracing: what it calls is a part of its handler's work.
pub(crate) fn header_for(trace: &TraceHeader, sampled: Option<&Sampled>) -> Option<TraceHeader> {
    let ids = sampled?.platform.as_ref()?;
    Some(trace.below(ids.invocation))
}

fn owner(found: &Found) -> Owner {
    let key = &found.address.key;
    Owner { account: key.account.clone(), region: key.region.clone() }
}

fn draw() -> u32 {
    let [a, b, c, d, ..] = uuid::Uuid::new_v4().into_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
