// SPDX-License-Identifier: Apache-2.0
//! Recording of invocations, for functions whose tag `tinderbox:record` asks for it: each attempt, however its event came.
//!
//! What is recorded is taken before an event goes on its way, and handed over when its answer is there: nothing is written, and
//! nothing copied but pointers, before the caller has it. A function that is not recorded pays a comparison.

use crate::Invoke;
use crate::error::Error;
use crate::function::Key;
use crate::invoke::Admitted;
use crate::read::Found;
use crate::service::Service;
use ::invoke::InvokeError;
use bytes::Bytes;
use recordings::{FunctionKey, Outcome, Recorded, Recording};
use std::collections::BTreeMap;
use tokio::time::Instant;

const TAG: &str = "tinderbox:record";

/// Which of its invocations a function wants to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wish {
    #[default]
    Nothing,
    Failures,
    All,
}

/// What is known of an invocation before it runs.
#[derive(Debug)]
pub(crate) struct Taken {
    recording: Recording,
    payload: Bytes,
    began: Instant,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) error_type: Option<String>,
    pub(crate) answer: Option<Bytes>,
}

impl Wish {
    pub(crate) fn of(tags: &BTreeMap<String, String>) -> Self {
        match tags.get(TAG).map(String::as_str) {
            Some("all") => Self::All,
            Some("failures") => Self::Failures,
            _ => Self::Nothing,
        }
    }
}

impl Ended {
    pub(crate) fn of(result: &Result<worker::Outcome, InvokeError>) -> Self {
        match result {
            Ok(ended) => Self {
                outcome: match ended.is_function_error {
                    true => Outcome::Failed,
                    false => Outcome::Answered,
                },
                error_type: None,
                // What was streamed has gone to the caller.
                answer: Some(ended.payload.clone()).filter(|answer| !answer.is_empty()),
            },
            Err(error) => {
                let error_type = Some(error.to_string());
                Self { outcome: Outcome::NotRun, error_type, answer: None }
            }
        }
    }
}

impl Key {
    pub(crate) fn recorded(&self) -> FunctionKey {
        let Self { account, region, name } = self.clone();
        FunctionKey { account, region, name: name.to_string() }
    }
}

impl<I: Invoke> Service<I> {
    /// Refuses a wish that is none, and one that nobody fulfils here. The words are ours.
    pub(crate) fn check_wish(&self, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        let Some(value) = tags.get(TAG) else { return Ok(()) };
        if Wish::of(tags) == Wish::Nothing {
            let text = format!("The tag {TAG} must be all or failures, and is {value}.");
            return Err(Error::InvalidParameter(text));
        }
        if !self.options.recordings.as_ref().is_some_and(recordings::Recordings::are_kept) {
            let text = format!("The tag {TAG} is refused: this server records nothing.");
            return Err(Error::InvalidParameter(text));
        }
        Ok(())
    }

    /// What there is to record of an invocation that was let in.
    pub(crate) fn take(&self, admitted: &Admitted) -> Option<Box<Taken>> {
        if admitted.found.function.recorded == Wish::Nothing {
            return None;
        }
        let Admitted { found, event, kind, .. } = admitted;
        let recording = Recording {
            request_id: event.request_id.to_string(),
            kind: *kind,
            time_ms: (self.options.clock)().epoch_ms(),
            qualifier: found.address.qualifier.as_ref().map(ToString::to_string),
            executed_version: found.version.number.to_string(),
            client_context: event.client_context.clone(),
            tenant_id: event.tenant_id.clone(),
            trace: event.trace_id.clone(),
            outcome: Outcome::NotRun,
            error_type: None,
            duration_us: 0,
            payload_bytes: 0,
            answer_bytes: None,
        };
        Some(Box::new(Taken { recording, payload: event.payload.clone(), began: Instant::now() }))
    }

    /// Hands over what was taken. What was throttled or cut off by a stop comes again, or its caller knows.
    pub(crate) fn record(
        &self,
        taken: Box<Taken>,
        found: &Found,
        result: &Result<worker::Outcome, InvokeError>,
    ) {
        if matches!(result, Err(InvokeError::Throttled { .. } | InvokeError::ShuttingDown)) {
            return;
        }
        let Ended { outcome, error_type, answer } = Ended::of(result);
        let Some(recordings) = &self.options.recordings else { return };
        if outcome == Outcome::Answered && found.function.recorded == Wish::Failures {
            return;
        }
        let Taken { mut recording, payload, began } = *taken;
        recording.duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        (recording.outcome, recording.error_type) = (outcome, error_type);
        let function = found.address.key.recorded();
        // One that is not taken is counted there.
        let _ = recordings.add(Recorded { function, recording, payload, answer });
    }
}
