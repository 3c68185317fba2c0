// SPDX-License-Identifier: Apache-2.0
//! A response that a runtime sends while it makes it.
//!
//! Whoever serves the runtime's connection carries each piece to the caller, and reads the next when there is room for
//! it. A caller that wants the response whole gets it whole, within the limit for whole ones.
//!
//! Invariant: the invocation stays the environment's until its response has ended, so that a timeout or an exit in the
//! middle of it is told as such.

use super::body::Trailers;
use super::connection::{Connection, Piece};
use super::{Served, refuse_length, reply_accepted, reply_error};
use crate::environment::{Environment, Streamed};
use crate::failure::{
    Failure, RESPONSE_BYTES_MAX, STREAMED_RESPONSE_BYTES_MAX, accepted_error_type,
};
use crate::response::{Part, ResponseWriter};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use names::RequestId;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long the end of a runtime may go unseen after its connection broke. One that asks for the next event lives.
const EXIT_MAX: Duration = Duration::from_secs(1);

/// An answer that has begun. Dropped before its end, it has broken off.
struct Begun<'a> {
    environment: &'a Environment,
    id: RequestId,
}

/// Where the pieces go.
pub(super) enum Sink {
    Caller {
        response: ResponseWriter,
        bytes: usize,
        /// Since when its bandwidth counts.
        slowed: Option<Instant>,
    },
    /// The caller wants it whole.
    Whole(BytesMut),
    /// The caller is gone.
    Nobody,
}

/// Receives the response to `id`, to its end.
pub(super) async fn receive(
    environment: &Arc<Environment>,
    mut connection: Connection,
    id: Option<RequestId>,
    content_type: Option<Box<str>>,
) -> io::Result<Served> {
    let Some((begun, sink)) = id.and_then(|id| begin(environment, id)) else {
        reply_error(&mut connection, 400, "InvalidRequestID", "Invalid request ID");
        connection.flush().await?;
        return Ok(Served::Open(connection));
    };
    let (result, streamed) = match sink.carry(&mut connection, content_type).await {
        Ok(carried) => carried,
        Err(error) => {
            drop((connection, begun));
            if tokio::time::timeout(EXIT_MAX, environment.ended()).await.is_err() {
                tell_broken(environment);
            }
            return Err(error);
        }
    };
    connection.try_flush_last()?;
    begun.end(result, streamed);
    Ok(Served::Answered(connection))
}

/// The runtime asks for an event while a response of its own is on the way. If that broke off, this may be seen first.
pub(super) async fn settle(environment: &Environment) {
    over(environment, EXIT_MAX).await;
    tell_broken(environment);
}

/// The runtime broke off in the middle of its response, and lives.
fn tell_broken(environment: &Environment) {
    // The guard must be gone before the answer is sent.
    let broken = environment.state().take_broken();
    if let Some(answer) = broken {
        answer.send(Err(Failure::Truncated));
    }
}

/// Waits for what is left of a response whose runtime has ended: what it wrote before is in the socket.
pub(crate) async fn rest_of_response(environment: &Environment) {
    until(environment, EXIT_MAX, || !environment.state().is_carried()).await;
    over(environment, environment.function().timeout).await;
}

/// Waits until no response is on its way, at most for `patience`.
async fn over(environment: &Environment, patience: Duration) {
    until(environment, patience, || !environment.state().is_answering()).await;
}

async fn until(environment: &Environment, patience: Duration, is_so: impl Fn() -> bool) {
    let waited = async {
        loop {
            let mut moved = std::pin::pin!(environment.response_moved.notified());
            moved.as_mut().enable();
            if is_so() {
                return;
            }
            moved.await;
        }
    };
    drop(tokio::time::timeout(patience, waited).await);
}

fn begin(environment: &Environment, id: RequestId) -> Option<(Begun<'_>, Sink)> {
    let response = environment.state().begin_answer(id)?.response.take();
    environment.response_moved.notify_waiters();
    let sink = Sink::of(response);
    Some((Begun { environment, id }, sink))
}

impl Begun<'_> {
    /// Nobody waits any more when the environment has ended meanwhile.
    fn end(self, result: Result<Bytes, Failure>, streamed: Streamed) {
        // The guard must be gone before the answer is sent.
        let answer = self.environment.state().end_answer(self.id);
        if let Some(answer) = answer {
            answer.send_streamed(result, streamed);
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.environment.state().break_answer(self.id);
        self.environment.response_moved.notify_waiters();
    }
}

impl Sink {
    /// To the caller who reads it as it comes, if there is one.
    pub(super) fn of(response: Option<ResponseWriter>) -> Self {
        match response {
            Some(response) => Self::Caller { response, bytes: 0, slowed: None },
            None => Self::Whole(BytesMut::new()),
        }
    }

    /// Reads a response to its end, passes it on, and queues what the runtime is told of it. An error is the connection's.
    pub(super) async fn carry(
        mut self,
        connection: &mut Connection,
        content_type: Option<Box<str>>,
    ) -> io::Result<(Result<Bytes, Failure>, Streamed)> {
        let mut streamed = Streamed { began: Instant::now(), bytes: 0 };
        self.write(Part::Began { content_type }).await;
        loop {
            match connection.read_piece().await? {
                Piece::Bytes(bytes) => {
                    streamed.bytes = streamed.bytes.saturating_add(bytes.len());
                    if let Err(bytes_max) = self.take(bytes).await {
                        return Ok((Err(refuse_length(connection, bytes_max)), streamed));
                    }
                }
                Piece::End(trailers) => {
                    reply_accepted(connection);
                    return Ok((self.end(trailers).await, streamed));
                }
            }
        }
    }

    /// Takes a piece, or says which limit it is beyond.
    async fn take(&mut self, piece: Bytes) -> Result<(), usize> {
        match self {
            Self::Caller { bytes, response, slowed } => {
                *bytes = bytes.saturating_add(piece.len());
                if *bytes > STREAMED_RESPONSE_BYTES_MAX {
                    return Err(STREAMED_RESPONSE_BYTES_MAX);
                }
                if let Some(time) = response.bandwidth.and_then(|limit| limit.time_of(*bytes)) {
                    sleep_until(*slowed.get_or_insert_with(Instant::now) + time).await;
                }
                self.write(Part::Piece(piece)).await;
            }
            Self::Whole(whole) => {
                if whole.len() + piece.len() > RESPONSE_BYTES_MAX {
                    return Err(RESPONSE_BYTES_MAX);
                }
                whole.extend_from_slice(&piece);
            }
            Self::Nobody => {}
        }
        Ok(())
    }

    async fn end(mut self, trailers: Trailers) -> Result<Bytes, Failure> {
        let Some(error_type) = trailers.error_type else {
            return Ok(match self {
                Self::Whole(whole) => whole.freeze(),
                Self::Caller { .. } | Self::Nobody => Bytes::new(),
            });
        };
        let body = trailers.error_body.unwrap_or_default();
        // What is not base64 is passed on as it is: it is for people to read.
        let document = STANDARD.decode(&body).map_or_else(|_| body.into(), Bytes::from);
        let accepted = accepted_error_type(Some(&error_type));
        self.write(Part::Failed { error_type, document: document.clone() }).await;
        Err(Failure::Reported { document, error_type: accepted })
    }

    async fn write(&mut self, part: Part) {
        if let Self::Caller { response, .. } = self
            && response.write(part).await.is_err()
        {
            *self = Self::Nobody;
        }
    }
}
