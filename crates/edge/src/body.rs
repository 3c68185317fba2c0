// SPDX-License-Identifier: Apache-2.0
//! Bodies: read whole and within a limit, thrown away, sent from a file, or sent while they are made.

use bytes::Bytes;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

pub(crate) const ROOM_UNIT_BYTES: usize = 64 << 10;
const FILE_CHUNK_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(crate) enum ReadError {
    TooLarge,
    /// The sender paused for too long.
    Idle,
    /// The connection ended in the middle, or what came is not HTTP.
    Broken(hyper::Error),
}

/// How many units of room a body of `bytes` takes.
pub(crate) const fn units(bytes: usize) -> usize {
    bytes.div_ceil(ROOM_UNIT_BYTES)
}

/// Reads a body whole. Holds at most `bytes_max` and one frame of it.
pub(crate) async fn read(
    body: &mut Incoming,
    bytes_max: usize,
    idle_timeout: Duration,
) -> Result<Bytes, ReadError> {
    let is_too_large =
        |bytes: u64| u64::try_from(bytes_max).is_ok_and(|bytes_max| bytes > bytes_max);
    if is_too_large(body.size_hint().lower()) {
        return Err(ReadError::TooLarge);
    }

    let mut first = Bytes::new();
    let mut joined = Vec::new();
    while let Some(chunk) = next_chunk(body, idle_timeout).await? {
        if first.len() + joined.len() + chunk.len() > bytes_max {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() && joined.is_empty() {
            // Most bodies are one frame, and stay where they were received.
            first = chunk;
            continue;
        }
        joined.extend_from_slice(&std::mem::take(&mut first));
        joined.extend_from_slice(&chunk);
    }
    Ok(if joined.is_empty() { first } else { Bytes::from(joined) })
}

/// Reads what is left of a refused body, so that its sender comes to read the answer. `true` when it came to the end.
///
/// A sender that waits for `100 Continue` is not asked to continue.
pub(crate) async fn drain(
    body: &mut Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
    time_max: Duration,
) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if headers.contains_key(EXPECT) {
        return false;
    }
    let to_the_end = async {
        let mut left = bytes_max;
        while left > 0 {
            match next_chunk(body, time_max).await {
                Ok(None) => return true,
                Ok(Some(chunk)) => left = left.saturating_sub(chunk.len()),
                Err(_) => return false,
            }
        }
        false
    };
    timeout(time_max, to_the_end).await.unwrap_or(false)
}

pub(crate) async fn next_chunk(
    body: &mut Incoming,
    idle_timeout: Duration,
) -> Result<Option<Bytes>, ReadError> {
    loop {
        match timeout(idle_timeout, body.frame()).await {
            Err(_) => return Err(ReadError::Idle),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(ReadError::Broken(error)),
            Ok(Some(Ok(frame))) => {
                // Trailers are not for us.
                if let Ok(chunk) = frame.into_data() {
                    return Ok(Some(chunk));
                }
            }
        }
    }
}

/// What an answer is made of.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Bytes(Bytes),
    Stream(Box<Streamed>),
    File { file: tokio::fs::File, left: u64 },
}

/// A body that is still being made.
pub(crate) struct Streamed {
    body: wire::Body,
    bytes: u64,
    /// Told how many bytes were sent, when all were or the connection is gone.
    when_over: Option<Box<dyn FnOnce(u64) + Send>>,
}

impl Streamed {
    pub(crate) fn new(body: wire::Body, when_over: impl FnOnce(u64) + Send + 'static) -> Self {
        Self { body, bytes: 0, when_over: Some(Box::new(when_over)) }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        Poll::Ready(frame)
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if let Some(when_over) = self.when_over.take() {
            when_over(self.bytes);
        }
    }
}

impl std::fmt::Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streamed").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(streamed) => streamed.poll_frame(cx),
            Self::File { left: 0, .. } => Poll::Ready(None),
            Self::File { file, left } => {
                let length = usize::try_from(*left)
                    .map_or(FILE_CHUNK_BYTES, |left| left.min(FILE_CHUNK_BYTES));
                let mut chunk = vec![0; length];
                let mut buffer = ReadBuf::new(&mut chunk);
                ready!(Pin::new(file).poll_read(cx, &mut buffer))?;
                let filled = buffer.filled().len();
                if filled == 0 {
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                chunk.truncate(filled);
                *left = left.saturating_sub(u64::try_from(filled).unwrap_or(u64::MAX));
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Stream(streamed) => streamed.body.is_end_stream(),
            Self::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len())
                .map_or_else(|_| SizeHint::default(), SizeHint::with_exact),
            Self::Stream(streamed) => streamed.body.size_hint(),
            Self::File { left, .. } => SizeHint::with_exact(*left),
        }
    }
}
