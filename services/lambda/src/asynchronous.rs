// SPDX-License-Identifier: Apache-2.0
//! Asynchronous invocation: an event is accepted into the queue, and run from there until its end is known.
//!
//! What a function is called when its event runs is looked up then, as are its settings: an update while events wait
//! runs them on the new code. The decisions are AWS's: a function error is an attempt, and there are three; everything
//! that kept the event from the function is none, and is tried again until the event is too old.
//!
//! Invariant: an accepted event ends in one of these ways: it succeeded, its failure was told to where the function
//! says, or the function is no more. Each is in the log.

use crate::Invoke;
use crate::concurrency::Gate;
use crate::destinations::{Ended, How};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::invoke::{check_state, check_tenant, event_payload};
use crate::read::Found;
use crate::service::Service;
use crate::traces::header_for;
use crate::version::Version;
use crate::watched;
use api::lambda;
use bytes::Bytes;
use events::{Class, New, Next, Work};
use lambda::FunctionEventInvokeConfig;
use meter::Metric;
use names::{FunctionArn, Qualifier, RequestId, TraceHeader};
use recordings::Kind;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use wire::Context;
use worker::{Event, Outcome};

const RETRIES: u32 = 2;
const AGE_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// What is kept of an event beside its payload. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventHead {
    pub(crate) request_id: String,
    /// As the caller said it; without, it is `$LATEST`.
    pub(crate) qualifier: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) trace: String,
}

/// How a function's events are run, as its configuration says now.
struct Policy {
    retries: u32,
    age_max: Duration,
    config: Option<Arc<FunctionEventInvokeConfig>>,
    /// Where events go that failed, in their own words.
    dead_letters: Option<String>,
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn invoke_async(
        &self,
        cx: &Context,
        input: lambda::InvokeAsyncInput,
    ) -> Result<lambda::InvokeAsyncOutput, Error> {
        let found = self.find(cx, "InvokeAsync", &input.function_name, None)?;
        self.accept(cx, &found, input.invoke_args.into_bytes(), None).await?;
        Ok(lambda::InvokeAsyncOutput { status: Some(202) })
    }

    /// Takes an event. When this returns, it is on the disk.
    pub(crate) async fn accept(
        &self,
        cx: &Context,
        found: &Found,
        payload: Bytes,
        tenant_id: Option<&str>,
    ) -> Result<(), Error> {
        check_tenant(&found.version, tenant_id.is_some())?;
        let payload = event_payload(payload)?;
        let head = EventHead {
            request_id: cx.request_id.to_string(),
            qualifier: found.address.qualifier.as_ref().map(ToString::to_string),
            tenant_id: tenant_id.map(ToOwned::to_owned),
            trace: self.trace_accepted(found, &cx.trace, cx.request_id).to_string(),
        };
        self.keep_event(found, &head, payload).await?;
        watched::accepted(cx, found, &head);
        Ok(())
    }

    /// Takes an event with this head.
    pub(crate) async fn keep_event(
        &self,
        found: &Found,
        head: &EventHead,
        payload: Bytes,
    ) -> Result<(), Error> {
        check_state(found)?;
        self.queue.keep(head.item(&found.address.key, payload)).await?;
        let (key, qualifier) = (&found.address.key, found.address.qualifier.as_ref());
        self.note(key, qualifier, Metric::AsyncEventsReceived);
        Ok(())
    }

    /// Has what waits run, until the service is dropped or the queue is stopped.
    pub(crate) fn run_queue(self: &Arc<Self>) {
        let service = Arc::downgrade(self);
        self.queue.start(move |work| {
            let service = service.upgrade();
            async move {
                match service {
                    Some(service) => service.run_work(work).await,
                    None => Next::PutOff { at_most: Duration::MAX },
                }
            }
        });
    }

    async fn run_work(&self, work: Work) -> Next {
        match work.class {
            Class::Event => self.run_event(work).await,
            Class::Delivery => self.deliver(&work).await,
        }
    }

    async fn run_event(&self, work: Work) -> Next {
        let Some((mut head, function, found)) = self.find_event(&work) else {
            return Next::End(Vec::new());
        };
        let policy = Policy::of(&found, head.qualifier.as_deref());
        let hop = TraceHeader::parse(&head.trace).map(|trace| function.next_hop(&trace));
        let is_loop = matches!(hop, Some(Err(_)));
        if let Some(Ok(trace)) = hop {
            head.trace = trace;
        }
        let mut ended = Ended {
            work: &work,
            head: &head,
            function: &function,
            attempts: work.attempts,
            how: How::TooOld,
        };
        if is_loop {
            ended.how = How::Recursive;
            return self.end_event(&ended, &policy);
        }
        if function.reserved_concurrency == Some(0) {
            ended.how = How::SwitchedOff;
            return self.end_event(&ended, &policy);
        }
        let Some(left) = policy.age_max.checked_sub(work.age) else {
            return self.end_event(&ended, &policy);
        };
        self.note_age(&function.key, found.address.qualifier.as_ref(), work.age);
        let (version, outcome) = match self.run_found(found, &head, &work).await {
            Ok(run) => run,
            Err(error) => {
                tracing::debug!(request_id = head.request_id, function = %work.line, error = &error as &dyn std::error::Error, "event put off");
                watched::put_off(&work, &head, &error);
                return Next::PutOff { at_most: left };
            }
        };
        ended.attempts += 1;
        let after = self.queue.options().retry_after(ended.attempts);
        ended.how = match outcome.is_function_error {
            false => How::Succeeded { version, outcome },
            true if ended.attempts > policy.retries => How::Failed { version, outcome },
            true if after > left => How::TooOld,
            true => {
                watched::retried(&work, &head, ended.attempts, after);
                return Next::Retry { after };
            }
        };
        self.end_event(&ended, &policy)
    }

    /// The event's function as it is now. `None` when it is no more.
    fn find_event(&self, work: &Work) -> Option<(EventHead, Arc<Function>, Found)> {
        let head: Option<EventHead> = serde_json::from_slice(&work.head).ok();
        let arn: Option<FunctionArn> = work.line.parse().ok();
        let (Some(head), Some(arn)) = (head, arn) else {
            tracing::error!(function = %work.line, "event of another build dropped");
            return None;
        };
        let qualifier: Option<Qualifier> =
            head.qualifier.as_deref().and_then(|qualifier| qualifier.parse().ok());
        let Some(found) = self.find_arn(&FunctionArn { qualifier, ..arn }) else {
            tracing::warn!(request_id = head.request_id, function = %work.line, qualifier = head.qualifier, "event of a deleted function dropped");
            watched::gone(work, &head);
            return None;
        };
        Some((head, Arc::clone(&found.function), found))
    }

    /// Runs an event on its function. An error means that it did not come so far.
    async fn run_found(
        &self,
        mut found: Found,
        head: &EventHead,
        work: &Work,
    ) -> Result<(Arc<Version>, Outcome), Error> {
        check_tenant(&found.version, head.tenant_id.is_some())?;
        found.route();
        let request_id = RequestId::parse(&head.request_id).unwrap_or_else(RequestId::random);
        // None of an event of another build: it goes on without a trace.
        let trace = TraceHeader::parse(&head.trace);
        let (sampled, told) = match &trace {
            Some(trace) => self.trace_attempt(&found, trace, request_id, work.attempts + 1),
            None => (None, None),
        };
        let below = trace.as_ref().and_then(|trace| header_for(trace, sampled.as_deref()));
        let event = Event {
            request_id,
            payload: work.body.clone(),
            invoked_arn: found.address.arn(),
            client_context: None,
            cognito_identity: None,
            tenant_id: head.tenant_id.clone(),
            trace_id: below.map_or_else(|| head.trace.clone(), |below| below.to_string()),
            sampled,
            response: None,
            wants_log_tail: false,
        };
        let admitted =
            self.enter(found, event, Kind::Event, Gate::enter_queued).await?.telling(told);
        if work.attempts == 0
            && let Some(told) = &admitted.told
        {
            told.tell_dwell_time(work.age);
        }
        let version = admitted.version();
        Ok((version, self.run(admitted).await?))
    }

    /// An event has come to its end: it is told to where its function says.
    fn end_event(&self, ended: &Ended<'_>, policy: &Policy) -> Next {
        tracing::info!(
            request_id = ended.head.request_id,
            function = %ended.work.line,
            attempts = ended.attempts,
            age_ms = u64::try_from(ended.work.age.as_millis()).unwrap_or(u64::MAX),
            result = ended.how.name(),
            "event ended"
        );
        let qualifier = ended.head.qualifier.as_deref().and_then(|text| text.parse().ok());
        let note = |metric| self.note(&ended.function.key, qualifier.as_ref(), metric);
        if matches!(ended.how, How::Recursive) {
            note(Metric::RecursiveInvocationsDropped);
        }
        if !matches!(ended.how, How::Succeeded { .. }) {
            note(Metric::AsyncEventsDropped);
        }
        let config = policy.config.as_ref().and_then(|config| config.destination_config.as_ref());
        let mut follows = Vec::new();
        follows.extend(ended.record(config, (self.options.clock)()));
        follows.extend(policy.dead_letters.as_deref().and_then(|target| ended.dead_letter(target)));
        watched::ended(ended, !follows.is_empty());
        Next::End(follows)
    }
}

impl EventHead {
    /// What the queue keeps of an event with this head.
    pub(crate) fn item(&self, function: &Key, payload: Bytes) -> New {
        New { line: function.arn(), class: Class::Event, head: json(self), body: payload }
    }
}

impl Policy {
    fn of(found: &Found, qualifier: Option<&str>) -> Self {
        let config = found.function.event_invoke.get(qualifier.unwrap_or("$LATEST")).cloned();
        let retries = config.as_ref().and_then(|config| config.maximum_retry_attempts);
        let age_s = config.as_ref().and_then(|config| config.maximum_event_age_in_seconds);
        Self {
            retries: retries.map_or(RETRIES, |retries| u32::try_from(retries).unwrap_or_default()),
            age_max: age_s.map_or(AGE_MAX, |age_s| {
                Duration::from_secs(u64::try_from(age_s).unwrap_or_default())
            }),
            config,
            dead_letters: found.version.record.settings.dead_letters.clone(),
        }
    }
}

/// Text, numbers and nothing else become JSON without fail.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}
