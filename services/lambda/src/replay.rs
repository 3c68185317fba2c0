// SPDX-License-Identifier: Apache-2.0
//! Replay: a recorded event runs again, on any version, with the payload, client context, tenant and trace that it had.
//!
//! Whoever asks was let in by the server's data directory, and acts as the root of the function's account: policies are not asked.
//! Everything else holds as for any invocation: concurrency, states, limits.

use crate::address::Address;
use crate::asynchronous::EventHead;
use crate::concurrency::Gate;
use crate::error::Error;
use crate::function::Key;
use crate::invoke::{check_tenant, event_payload};
use crate::recording::Ended;
use crate::service::Service;
use crate::{Invoke, Lambda};
use bytes::Bytes;
use names::{FunctionName, Qualifier, RequestId};
use recordings::{Kind, Outcome, Recorded};
use std::time::Duration;
use tokio::time::Instant;
use wire::{Fault, Result};
use worker::Event;

/// How a recorded event is invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It runs, and its end is waited for.
    RequestResponse,
    /// It is queued.
    Event,
}

/// What became of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub request_id: String,
    /// `None`: it was queued.
    pub run: Option<Run>,
}

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub executed_version: String,
    pub outcome: Outcome,
    pub error_type: Option<String>,
    pub duration: Duration,
    /// What the function returned, or its error document.
    pub answer: Option<Bytes>,
}

impl<I: Invoke> Lambda<I> {
    /// Invokes a function with what it was invoked with before, by another qualifier if one is given.
    ///
    /// # Errors
    ///
    /// As an `Invoke` is refused.
    pub async fn replay(
        &self,
        recorded: Recorded,
        qualifier: Option<Qualifier>,
        how: How,
    ) -> Result<Replayed> {
        self.service.replay(recorded, qualifier, how).await.map_err(Fault::from)
    }
}

impl<I: Invoke> Service<I> {
    async fn replay(
        &self,
        recorded: Recorded,
        qualifier: Option<Qualifier>,
        how: How,
    ) -> std::result::Result<Replayed, Error> {
        let Recorded { function, recording, payload, .. } = recorded;
        let recorded_qualifier = || recording.qualifier.as_deref()?.parse().ok();
        let not_found = || Error::FunctionNotFound { arn: function.name.clone() };
        let name: FunctionName = function.name.parse().map_err(|_| not_found())?;
        let key = Key { account: function.account.clone(), region: function.region.clone(), name };
        let mut found =
            self.find_address(Address { key, qualifier: qualifier.or_else(recorded_qualifier) })?;
        check_tenant(&found.version, recording.tenant_id.is_some())?;
        let request_id = RequestId::random();
        if how == How::Event {
            let head = EventHead {
                request_id: request_id.to_string(),
                qualifier: found.address.qualifier.as_ref().map(ToString::to_string),
                tenant_id: recording.tenant_id,
                trace: recording.trace,
            };
            self.keep_event(&found, &head, event_payload(payload)?).await?;
            return Ok(Replayed { request_id: request_id.to_string(), run: None });
        }
        found.route();
        let event = Event {
            request_id,
            payload,
            invoked_arn: found.address.arn(),
            client_context: recording.client_context,
            cognito_identity: None,
            tenant_id: recording.tenant_id,
            trace_id: recording.trace,
            // It is no part of the trace of then.
            sampled: None,
            response: None,
            wants_log_tail: false,
        };
        let admitted = self.enter(found, event, Kind::Replay, Gate::enter).await?;
        let executed_version = admitted.executed_version();
        let began = Instant::now();
        let result = self.run(admitted).await;
        let duration = began.elapsed();
        let Ended { outcome, answer, .. } = Ended::of(&result);
        result?;
        let error_type = answer.as_deref().filter(|_| outcome == Outcome::Failed);
        let error_type = error_type.and_then(recordings::error_type);
        let run = Run { executed_version, outcome, error_type, duration, answer };
        Ok(Replayed { request_id: request_id.to_string(), run: Some(run) })
    }
}
