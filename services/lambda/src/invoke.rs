// SPDX-License-Identifier: Apache-2.0
//! Invoke: from a request to an event, from an outcome to an answer.
//!
//! Nothing here reads the disk: the function comes from memory, and its package was unpacked when it was activated.
//! The one exception is a package that a crash left without its directory.

use crate::Invoke;
use crate::alias;
use crate::code::CodeError;
use crate::concurrency::{Gate, Holding, Running};
use crate::error::Error;
use crate::image;
use crate::json_complaint;
use crate::provisioned::Provisioned;
use crate::read::Found;
use crate::service::Service;
use crate::traces::{Told, header_for};
use crate::version::{State, Version};
use api::lambda;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use invoke::InvokeError;
use meter::Metric;
use names::{Qualifier, RequestId, TraceHeader};
use recordings::Kind;
use serde::de::IgnoredAny;
use std::sync::Arc;
use wire::Context;
use worker::{Event, Outcome};

const PAYLOAD_BYTES_MAX: usize = 6_291_456;
const EVENT_BYTES_MAX: usize = 1 << 20;
const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;
const LOG_TAIL_BYTES_MAX: usize = 4_096;

/// What both ways to invoke are given.
pub(crate) struct Given<'a> {
    pub(crate) payload: Bytes,
    pub(crate) client_context: Option<&'a str>,
    pub(crate) tenant_id: Option<&'a str>,
    pub(crate) is_dry_run: bool,
    pub(crate) kind: Kind,
    pub(crate) wants_log_tail: bool,
}

/// An invocation that was let in.
pub(crate) struct Admitted {
    pub(crate) found: Found,
    pub(crate) event: Event,
    running: Running,
    pub(crate) kind: Kind,
    /// The qualifier whose provisioned environments may serve it.
    provisioned: Option<String>,
    /// What is told of it when it has ended, if it is traced.
    pub(crate) told: Option<Box<Told>>,
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn invoke(
        &self,
        cx: &Context,
        input: lambda::InvokeInput,
    ) -> Result<lambda::InvokeOutput, Error> {
        let found =
            self.find_invoked(cx, "Invoke", &input.function_name, input.qualifier.as_deref())?;
        if input.durable_execution_name.is_some() {
            return Err(Error::Unsupported {
                member: "DurableExecutionName",
                instead: "invoke without it",
            });
        }
        if input.invocation_type == Some(lambda::InvocationType::Event) {
            let tenant_id = input.tenant_id.as_deref();
            self.accept(cx, &found, input.payload.into_bytes(), tenant_id).await?;
            return Ok(lambda::InvokeOutput {
                status_code: Some(202),
                ..lambda::InvokeOutput::default()
            });
        }
        let given = Given {
            payload: input.payload.into_bytes(),
            client_context: input.client_context.as_deref(),
            tenant_id: input.tenant_id.as_deref(),
            is_dry_run: input.invocation_type == Some(lambda::InvocationType::DryRun),
            kind: Kind::RequestResponse,
            wants_log_tail: input.log_type == Some(lambda::LogType::Tail),
        };
        let admitted = self.admit(cx.request_id, &cx.trace, found, given).await?;
        let Some(admitted) = admitted else {
            return Ok(lambda::InvokeOutput {
                status_code: Some(204),
                ..lambda::InvokeOutput::default()
            });
        };
        let executed_version = admitted.executed_version();
        let outcome = self.run(admitted).await?;
        Ok(answer(executed_version, outcome, input.log_type))
    }

    /// Everything up to the event's way to the function. `None` for a dry run.
    pub(crate) async fn admit(
        &self,
        request_id: RequestId,
        trace: &TraceHeader,
        mut found: Found,
        given: Given<'_>,
    ) -> Result<Option<Admitted>, Error> {
        check_tenant(&found.version, given.tenant_id.is_some())?;
        let payload = payload(given.payload, "RequestResponse", PAYLOAD_BYTES_MAX)?;
        let client_context = given.client_context.map(client_context).transpose()?;
        if given.is_dry_run {
            return Ok(None);
        }
        found.route();
        let (sampled, told) = self.trace(&found, trace, request_id);
        let below = header_for(trace, sampled.as_deref());
        let next_hop = found.function.next_hop(below.as_ref().unwrap_or(trace));
        let trace_id = next_hop.inspect_err(|_loop| {
            let (key, qualifier) = (&found.address.key, found.address.qualifier.as_ref());
            self.note(key, qualifier, Metric::RecursiveInvocationsDropped);
        })?;
        let event = Event {
            request_id,
            payload,
            invoked_arn: found.address.arn(),
            client_context,
            cognito_identity: None,
            tenant_id: given.tenant_id.map(ToOwned::to_owned),
            trace_id,
            sampled,
            response: None,
            wants_log_tail: given.wants_log_tail,
        };
        match self.enter(found, event, given.kind, Gate::enter).await {
            Ok(admitted) => Ok(Some(admitted.telling(told))),
            Err(error) => {
                if let Some(told) = told {
                    told.end_refused(&error);
                }
                Err(error)
            }
        }
    }

    /// Lets an event in to its version, by one of the ways through the function's gate.
    pub(crate) async fn enter(
        &self,
        found: Found,
        event: Event,
        kind: Kind,
        enter: impl FnOnce(
            &Arc<Gate>,
            Holding,
            Option<&Qualifier>,
            Option<&Provisioned>,
        ) -> Result<Running, InvokeError>,
    ) -> Result<Admitted, Error> {
        check_state(&found)?;
        let provisioned = found.provisioned();
        let holding = found.function.holding();
        let (key, qualifier) = (&found.address.key, found.address.qualifier.as_ref());
        let gate = &found.function.gate;
        let running = enter(gate, holding, qualifier, provisioned.map(|(_, found)| found))
            .inspect_err(|error| self.note_throttle(key, qualifier, error))?;
        self.noticed.add(key, gate);
        if provisioned.is_some() && !running.is_provisioned() {
            self.note(key, qualifier, Metric::ProvisionedConcurrencySpilloverInvocations);
        }
        if !found.version.is_unpacked() {
            found.version.unpack(None).await.map_err(not_runnable)?;
        }
        let provisioned = provisioned.map(|(qualifier, _)| qualifier.to_owned());
        Ok(Admitted { found, event, running, kind, provisioned, told: None })
    }

    pub(crate) async fn run(&self, admitted: Admitted) -> Result<Outcome, InvokeError> {
        let taken = self.take(&admitted);
        let Admitted { found, event, running, provisioned, told, .. } = admitted;
        let runnable = &found.version.runnable;
        let result = self.invoker.invoke(runnable, event, provisioned.as_deref()).await;
        if let Some(taken) = taken {
            self.record(taken, &found, &result);
        }
        if let Err(error) = &result {
            self.note_throttle(&found.address.key, found.address.qualifier.as_ref(), error);
        }
        if let Some(told) = told {
            told.end_with(&result);
        }
        drop(running);
        // The last invocation of code that was replaced meanwhile lets go of its package here.
        drop(found);
        self.codes.sweep_soon();
        result
    }
}

impl Admitted {
    pub(crate) fn version(&self) -> Arc<Version> {
        Arc::clone(&self.found.version)
    }

    pub(crate) fn executed_version(&self) -> String {
        self.found.version.number.to_string()
    }
}

impl Found {
    /// The qualifier that this invocation came by, and its provisioned environments, if it has any.
    fn provisioned(&self) -> Option<(&str, &Provisioned)> {
        // Most functions have none: no qualifier is spelt out for them.
        if self.function.provisioned.is_empty() {
            return None;
        }
        let qualifier = self.address.qualifier.as_ref()?.to_string();
        let found = self.function.provisioned.get_key_value(&qualifier);
        found.map(|(qualifier, provisioned)| (qualifier.as_str(), provisioned))
    }

    /// The version that an invocation means. One that names none means `$LATEST.PUBLISHED`, if there is one.
    fn invoked(&self) -> &Arc<Version> {
        match (&self.address.qualifier, &self.function.latest_published) {
            (None, Some(published)) => published,
            _ => &self.version,
        }
    }

    /// The same, and an alias with two versions sends each invocation to one of them.
    pub(crate) fn route(&mut self) {
        self.version = Arc::clone(self.invoked());
        let Some(Qualifier::Alias(name)) = &self.address.qualifier else { return };
        let alias = self.function.aliases.get(name).filter(|alias| alias.additional.is_some());
        if let Some(version) =
            alias.and_then(|alias| self.function.version(alias.route(alias::draw())))
        {
            self.version = Arc::clone(version);
        }
    }
}

/// Whether the event says whose it is, if and only if the function has environments for each tenant.
pub(crate) fn check_tenant(version: &Version, has_tenant: bool) -> Result<(), Error> {
    let text = match (version.record.settings.is_tenant_isolated, has_tenant) {
        (true, true) | (false, false) => return Ok(()),
        (true, false) => {
            "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."
        }
        (false, true) => {
            "The invoked function is not enabled with tenancy configuration; remove the tenant ID and try again."
        }
    };
    Err(Error::InvalidParameter(text.to_owned()))
}

pub(crate) fn check_state(found: &Found) -> Result<(), Error> {
    let version = found.invoked();
    if version.record.settings.capacity.is_some() && !version.is_managed() {
        return Err(match found.address.qualifier {
            None => Error::NoPublishedVersion,
            Some(_) => Error::WrongState { state: "ActiveNonInvocable" },
        });
    }
    match &version.record.state {
        State::Active => Ok(()),
        State::Deactivated => Err(Error::WrongState { state: "Deactivated" }),
        State::Pending if version.record.snapshot.is_some() => Err(Error::SnapStartNotReady),
        State::Pending => Err(Error::WrongState { state: "Pending" }),
        State::Failed(_) => Err(Error::WrongState { state: "Failed" }),
    }
}

fn not_runnable(error: CodeError) -> Error {
    match error {
        CodeError::Invalid { reason, .. } => Error::PackageNotRunnable { reason },
        error => image::not_runnable(error),
    }
}

/// What an asynchronous invocation may carry.
pub(crate) fn event_payload(bytes: Bytes) -> Result<Bytes, Error> {
    payload(bytes, "Event", EVENT_BYTES_MAX)
}

/// The bytes as they came, once they are known to be JSON. Nothing is an empty object.
fn payload(payload: Bytes, kind: &'static str, bytes_max: usize) -> Result<Bytes, Error> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if payload.len() > bytes_max {
        return Err(Error::PayloadTooLarge { kind, bytes: payload.len(), bytes_max });
    }
    let invalid = |cause: &dyn std::fmt::Display| {
        Error::InvalidContent(format!("Could not parse payload into json: {cause}"))
    };
    // A parser that skips a string does not look at its encoding.
    let text = std::str::from_utf8(&payload).map_err(|error| invalid(&error))?;
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| invalid(&json_complaint::sentence(text, &error)))?;
    Ok(payload)
}

fn client_context(text: &str) -> Result<String, Error> {
    const TOO_LONG: Error =
        Error::InvalidClientContext("no more than 3583 bytes when base64-decoded.");
    const NOT_JSON: Error = Error::InvalidClientContext("a valid Base64-encoded JSON object.");
    let decoded = STANDARD.decode(text).map_err(|_| NOT_JSON)?;
    if decoded.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(TOO_LONG);
    }
    let decoded = String::from_utf8(decoded).map_err(|_| NOT_JSON)?;
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&decoded)
        .map_err(|_| NOT_JSON)?;
    Ok(decoded)
}

fn answer(
    executed_version: String,
    outcome: Outcome,
    log_type: Option<lambda::LogType>,
) -> lambda::InvokeOutput {
    lambda::InvokeOutput {
        status_code: Some(200),
        function_error: outcome.is_function_error.then(|| "Unhandled".to_owned()),
        log_result: log_result(&outcome, log_type),
        payload: outcome.payload.into(),
        executed_version: Some(executed_version),
        durable_execution_arn: None,
    }
}

/// The end of the log, for those who asked for it.
pub(crate) fn log_result(outcome: &Outcome, log_type: Option<lambda::LogType>) -> Option<String> {
    (log_type == Some(lambda::LogType::Tail)).then(|| {
        let start = outcome.log_tail.len().saturating_sub(LOG_TAIL_BYTES_MAX);
        STANDARD.encode(outcome.log_tail.slice(start..))
    })
}
