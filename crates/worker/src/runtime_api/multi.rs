// SPDX-License-Identifier: Apache-2.0
//! The Runtime API of an environment that runs several invocations at once.
//!
//! The same calls. As many `next` as there are slots may wait; an answer that is too late is told so (`InvokeTimeout`, 410).

use super::connection::Connection;
use super::request::{Body, Request};
use super::streaming::Sink;
use super::{
    Operation, RESPONSE_BYTES_MAX, Served, answer_else, operation, refuse_length, reply,
    reply_accepted, reply_error, reported,
};
use crate::environment::Answer;
use crate::extensions;
use crate::failure::Failure;
use crate::multi::{self, MultiEnvironment, Next};
use names::RequestId;
use std::io;
use std::sync::Arc;

/// Decides and answers one request.
pub(crate) async fn answer_multi(
    environment: &Arc<MultiEnvironment>,
    mut connection: Connection,
    request: Request,
) -> io::Result<Served> {
    match operation(&request) {
        Operation::Next => return next(environment, connection).await,
        Operation::Response(id) => {
            if let Some((id, answer)) = take_answer(environment, &mut connection, id) {
                return respond(environment, connection, request, id, answer).await;
            }
        }
        Operation::Error(id) => {
            if let Some((id, answer)) = take_answer(environment, &mut connection, id) {
                reply_accepted(&mut connection);
                connection.try_flush_last()?;
                environment.state().end_answer(id);
                answer.send(Err(reported(request)));
                return Ok(Served::Answered(connection));
            }
        }
        _ => return answer_else(environment, connection, request).await,
    }
    connection.flush().await?;
    Ok(Served::Open(connection))
}

async fn next(environment: &MultiEnvironment, connection: Connection) -> io::Result<Served> {
    // The guard must be gone before the first await.
    let step = environment.state().next(connection);
    match step {
        Next::Parked { was_init } => {
            extensions::runtime_parked(environment, was_init);
            Ok(Served::Parked)
        }
        Next::Write(mut connection, delivery) => {
            delivery.queue_on(&mut connection);
            connection.flush().await?;
            Ok(Served::Open(connection))
        }
        Next::TooMany(mut connection) => {
            // As AWS's emulator does, which knows it as Runtime.TooManyIdleRuntimes and does not say so.
            let body =
                r#"{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}"#;
            reply(&mut connection, "500 Internal Server Error", "application/json", body);
            connection.flush().await?;
            Ok(Served::Open(connection))
        }
    }
}

/// Takes a response, whole or piece by piece.
async fn respond(
    environment: &MultiEnvironment,
    mut connection: Connection,
    request: Request,
    id: RequestId,
    answer: Answer,
) -> io::Result<Served> {
    let result = match request.body {
        Body::Streamed => {
            return receive(environment, connection, id, answer, request.content_type).await;
        }
        _ if request.response_mode.is_some() => {
            let message = "Invalid function response mode";
            reply_error(&mut connection, 400, "InvalidFunctionResponseMode", message);
            Err(Failure::InvalidResponseMode)
        }
        Body::Whole(body) => {
            reply_accepted(&mut connection);
            Ok(body)
        }
        Body::TooLarge => Err(refuse_length(&mut connection, RESPONSE_BYTES_MAX)),
    };
    connection.try_flush_last()?;
    environment.state().end_answer(id);
    answer.send(result);
    Ok(Served::Answered(connection))
}

/// A response that the runtime makes while it sends it. Whoever waits for it may have gone, since its time was up.
async fn receive(
    environment: &MultiEnvironment,
    mut connection: Connection,
    id: RequestId,
    mut answer: Answer,
    content_type: Option<Box<str>>,
) -> io::Result<Served> {
    let sink = Sink::of(answer.response.take());
    let (result, streamed) = match sink.carry(&mut connection, content_type).await {
        Ok(carried) => carried,
        Err(error) => {
            environment.state().end_answer(id);
            answer.send(Err(Failure::Truncated));
            return Err(error);
        }
    };
    connection.try_flush_last()?;
    environment.state().end_answer(id);
    answer.send_streamed(result, streamed);
    Ok(Served::Answered(connection))
}

/// The one who waits for the answer to `id`; a wrong id is refused, and one that is too late told so.
fn take_answer(
    environment: &MultiEnvironment,
    connection: &mut Connection,
    id: &str,
) -> Option<(RequestId, Answer)> {
    let id = RequestId::parse(id);
    let answer = id.map_or(multi::Answer::Unknown, |id| environment.state().begin_answer(id));
    match answer {
        multi::Answer::To(answer) => return id.map(|id| (id, answer)),
        multi::Answer::Late => {
            let body = r#"{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}"#;
            reply(connection, "410 Gone", "application/json", body);
        }
        multi::Answer::Unknown => {
            reply_error(connection, 400, "InvalidRequestID", "Invalid request ID");
        }
    }
    None
}
