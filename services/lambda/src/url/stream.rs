// SPDX-License-Identifier: Apache-2.0
//! An answer that its client reads while the function makes it.
//!
//! A function that says so begins with a head: JSON, then eight zero bytes, then the body. Once the head was sent, a failure
//! can only be told by cutting the connection.

use super::response::{self, Head};
use crate::invoke_stream::{Step, Streaming};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode};
use http_body::{Body, Frame};
use invoke::InvokeError;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use worker::{Outcome, Part};

/// The content type by which a function says that its response begins with a head.
const WITH_HEAD: &str = "application/vnd.awslambda.http-integration-response";
const END_OF_HEAD: [u8; 8] = [0; 8];
/// Bytes of a head: more than any client takes.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// How an answer begins.
pub(crate) enum Beginning {
    Streams(Head, Rest),
    /// All of it is there.
    Whole(Outcome),
    /// Not one byte of a response, or of a head that can be read.
    Failed,
    NotRun(InvokeError),
}

/// What comes after the head.
pub(crate) struct Rest {
    first: Bytes,
    /// `None` when it is over.
    streaming: Option<Streaming>,
}

/// Waits for the head.
pub(crate) async fn begin(mut streaming: Streaming) -> Beginning {
    let content_type = match next(&mut streaming).await {
        Step::Part(Part::Began { content_type }) => content_type,
        Step::Part(Part::Piece(_) | Part::Failed { .. }) => return Beginning::Failed,
        Step::Over(Ok(outcome)) => return Beginning::Whole(outcome),
        Step::Over(Err(error)) => return Beginning::NotRun(error),
    };
    let content_type = content_type.as_deref().unwrap_or("application/octet-stream");
    if !content_type.starts_with(WITH_HEAD) {
        let Ok(content_type) = HeaderValue::from_str(content_type) else {
            return Beginning::Failed;
        };
        // A function that fails before its first byte has said nothing yet.
        let rest = match next(&mut streaming).await {
            Step::Part(Part::Piece(first)) => Rest { first, streaming: Some(streaming) },
            Step::Over(Ok(outcome)) if !outcome.is_function_error => {
                Rest { first: outcome.payload, streaming: None }
            }
            Step::Part(Part::Began { .. } | Part::Failed { .. }) | Step::Over(_) => {
                return Beginning::Failed;
            }
        };
        return Beginning::Streams(Head::new(StatusCode::OK, content_type), rest);
    }

    let mut received = BytesMut::new();
    let end = loop {
        if let Some(end) = find_end(&received) {
            break end;
        }
        match next(&mut streaming).await {
            Step::Part(Part::Piece(piece)) if received.len() + piece.len() <= HEAD_BYTES_MAX => {
                received.extend_from_slice(&piece);
            }
            Step::Part(Part::Began { .. }) => {}
            Step::Part(Part::Piece(_) | Part::Failed { .. }) | Step::Over(_) => {
                return Beginning::Failed;
            }
        }
    };
    let mut first = received.freeze();
    let json = first.split_to(end);
    match response::prelude(&json) {
        Some(head) => {
            let first = first.slice(END_OF_HEAD.len()..);
            Beginning::Streams(head, Rest { first, streaming: Some(streaming) })
        }
        None => Beginning::Failed,
    }
}

async fn next(streaming: &mut Streaming) -> Step {
    poll_fn(|cx| streaming.poll_step(cx)).await
}

fn find_end(received: &[u8]) -> Option<usize> {
    received.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD)
}

impl Rest {
    fn cut(&mut self) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.streaming = None;
        Poll::Ready(Some(Err(io::Error::other("the function failed in its response"))))
    }
}

impl Body for Rest {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        loop {
            let Some(streaming) = self.streaming.as_mut() else { return Poll::Ready(None) };
            match ready!(streaming.poll_step(cx)) {
                Step::Part(Part::Began { .. }) => {}
                Step::Part(Part::Piece(piece)) => {
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                Step::Part(Part::Failed { .. }) | Step::Over(Err(_)) => return self.cut(),
                Step::Over(Ok(outcome)) if outcome.is_function_error => return self.cut(),
                Step::Over(Ok(_)) => {
                    self.streaming = None;
                    return Poll::Ready(None);
                }
            }
        }
    }
}
