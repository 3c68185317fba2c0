// SPDX-License-Identifier: Apache-2.0
//! InvokeWithResponseStream: a response that its caller reads while the function makes it.
//!
//! The invocation is a task of its own: its timeout holds however slowly the caller reads, and it goes on when the
//! caller is gone. What it writes waits in `worker`'s few places until the caller has taken it.
//!
//! Until the function has begun to answer, an error is an ordinary one, with its status. After that it is told in the
//! last event, and the status stays 200.

use crate::error::Error;
use crate::invoke::{Admitted, Given, log_result};
use crate::service::Service;
use crate::{Invoke, tasks};
use api::lambda;
use bytes::Bytes;
use invoke::InvokeError;
use lambda::InvokeWithResponseStreamResponseEvent as ResponseEvent;
use recordings::Kind;
use std::future::{Future as _, poll_fn};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};
use tokio::sync::oneshot;
use wire::{Blob, Context, EventStream};
use worker::{Bandwidth, Outcome, Part, ResponseReader};

/// This much of a response AWS does not slow down.
const FREE_BYTES: usize = 6 << 20;

/// An invocation whose response is on its way.
#[derive(Debug)]
pub(crate) struct Streaming {
    parts: ResponseReader,
    outcome: oneshot::Receiver<Result<Outcome, InvokeError>>,
    ended: Option<Result<Outcome, InvokeError>>,
}

/// What comes next of it.
#[derive(Debug)]
pub(crate) enum Step {
    Part(Part),
    /// The last.
    Over(Result<Outcome, InvokeError>),
}

/// The response as AWS's events.
struct Events {
    streaming: Streaming,
    /// A step that was looked at already.
    first: Option<Step>,
    log_type: Option<lambda::LogType>,
    /// How the runtime says that its response failed: type and document.
    failed: Option<(String, String)>,
    is_over: bool,
    /// What is left to say then.
    last: Option<ResponseEvent>,
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn invoke_with_response_stream(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::InvokeWithResponseStreamInput,
    ) -> Result<lambda::InvokeWithResponseStreamOutput, Error> {
        let operation = "InvokeWithResponseStream";
        let found =
            self.find_invoked(cx, operation, &input.function_name, input.qualifier.as_deref())?;
        let dry_run = lambda::ResponseStreamingInvocationType::DryRun;
        let given = Given {
            payload: input.payload.into_bytes(),
            client_context: input.client_context.as_deref(),
            tenant_id: input.tenant_id.as_deref(),
            is_dry_run: input.invocation_type == Some(dry_run),
            kind: Kind::RequestResponse,
            wants_log_tail: input.log_type == Some(lambda::LogType::Tail),
        };
        let admitted = self.admit(cx.request_id, &cx.trace, found, given).await?;
        let Some(admitted) = admitted else {
            return Ok(lambda::InvokeWithResponseStreamOutput {
                status_code: Some(204),
                ..lambda::InvokeWithResponseStreamOutput::default()
            });
        };
        let executed_version = admitted.executed_version();
        let mut streaming = self.stream(admitted);
        let first = match poll_fn(|cx| streaming.poll_step(cx)).await {
            Step::Over(Err(error)) => return Err(error.into()),
            first => Some(first),
        };
        let log_type = input.log_type;
        let mut events =
            Events { streaming, first, log_type, failed: None, is_over: false, last: None };
        Ok(lambda::InvokeWithResponseStreamOutput {
            status_code: Some(200),
            executed_version: Some(executed_version),
            event_stream: Some(EventStream::new(move |cx| events.poll_next(cx))),
            response_stream_content_type: None,
        })
    }

    /// Starts an invocation whose response is read while it is made.
    pub(crate) fn stream(self: &Arc<Self>, mut admitted: Admitted) -> Streaming {
        let bytes_per_second = NonZeroU32::new(self.options.stream_bytes_per_second_max);
        let (writer, parts) = worker::response(
            bytes_per_second
                .map(|bytes_per_second| Bandwidth { free_bytes: FREE_BYTES, bytes_per_second }),
        );
        admitted.event.response = Some(writer);
        let (sender, outcome) = oneshot::channel();
        let service = Arc::clone(self);
        tasks::invocation(async move {
            // Whoever waited may be gone.
            drop(sender.send(service.run(admitted).await));
        });
        Streaming { parts, outcome, ended: None }
    }
}

impl Streaming {
    /// Not to be called again after `Over`.
    pub(crate) fn poll_step(&mut self, cx: &mut task::Context<'_>) -> Poll<Step> {
        if let Poll::Ready(Some(part)) = self.parts.poll_next(cx) {
            return Poll::Ready(Step::Part(part));
        }
        if self.ended.is_none() {
            let outcome = ready!(Pin::new(&mut self.outcome).poll(cx));
            // Nobody to tell it: the task panicked.
            self.ended = Some(outcome.unwrap_or(Err(InvokeError::StartFailed)));
        }
        // The last part may have come between the two looks.
        if let Some(part) = self.parts.take_next() {
            return Poll::Ready(Step::Part(part));
        }
        Poll::Ready(Step::Over(self.ended.take().unwrap_or(Err(InvokeError::StartFailed))))
    }
}

impl Events {
    fn poll_next(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<ResponseEvent>> {
        if self.is_over {
            return Poll::Ready(self.last.take());
        }
        loop {
            let step = match self.first.take() {
                Some(step) => step,
                None => ready!(self.streaming.poll_step(cx)),
            };
            match step {
                Step::Part(Part::Began { .. }) => {}
                Step::Part(Part::Piece(bytes)) => return Poll::Ready(Some(chunk(bytes))),
                Step::Part(Part::Failed { error_type, document }) => {
                    self.failed = Some((error_type, details(&document)));
                }
                Step::Over(result) => return Poll::Ready(Some(self.end(result))),
            }
        }
    }

    /// The first of the events that end the stream.
    fn end(&mut self, result: Result<Outcome, InvokeError>) -> ResponseEvent {
        self.is_over = true;
        let (whole, complete) = complete(result, self.failed.take(), self.log_type);
        let complete = ResponseEvent::InvokeComplete(complete);
        match whole {
            Some(whole) => {
                self.last = Some(complete);
                chunk(whole)
            }
            None => complete,
        }
    }
}

/// How the invocation ended, and its response if the function made it whole.
fn complete(
    result: Result<Outcome, InvokeError>,
    failed: Option<(String, String)>,
    log_type: Option<lambda::LogType>,
) -> (Option<Bytes>, lambda::InvokeWithResponseStreamCompleteEvent) {
    let Ok(outcome) = result else {
        let complete = lambda::InvokeWithResponseStreamCompleteEvent {
            error_code: Some("ServiceException".to_owned()),
            error_details: Some("An internal error occurred.".to_owned()),
            log_result: None,
        };
        return (None, complete);
    };
    let log_result = log_result(&outcome, log_type);
    let error = match failed {
        Some(failed) => Some(failed),
        None if outcome.is_function_error => {
            Some(("Unhandled".to_owned(), details(&outcome.payload)))
        }
        None => None,
    };
    let whole = (error.is_none() && !outcome.payload.is_empty()).then_some(outcome.payload);
    let (error_code, error_details) = error.unzip();
    let complete =
        lambda::InvokeWithResponseStreamCompleteEvent { error_code, error_details, log_result };
    (whole, complete)
}

fn chunk(bytes: Bytes) -> ResponseEvent {
    let payload = Blob::from(bytes);
    ResponseEvent::PayloadChunk(lambda::InvokeResponseStreamUpdate { payload })
}

fn details(document: &[u8]) -> String {
    String::from_utf8_lossy(document).into_owned()
}
