// SPDX-License-Identifier: Apache-2.0
//! The Runtime API, version 2018-06-01: how a runtime asks for events and answers them.
//!
//! This module reads a request, decides, and writes the answer. What an answer means for the environment is decided in
//! `state`; what it means for the caller, in `run`. Events and responses pass through as bytes: they are never parsed.
//! A response that a runtime sends while it makes it is `streaming`'s.

mod body;
mod connection;
mod multi;
mod request;
mod room;
mod streaming;

pub(crate) use connection::Connection;
pub(crate) use multi::answer_multi;
use request::CREDENTIALS_PATH;
pub(crate) use request::{Body, Method, Request};
pub(crate) use room::Room;
pub(crate) use streaming::rest_of_response;

use crate::clock;
use crate::environment::{Answer, Environment};
use crate::extensions::{self, Call, api_of};
use crate::failure::{Failure, RESPONSE_BYTES_MAX, accepted_error_type};
use crate::host::Session;
use crate::life::Living;
use crate::state::Next;
use crate::telemetry::Api;
use bytes::Bytes;
use names::RequestId;
use std::io;
use std::sync::Arc;

const PREFIX: &str = "/2018-06-01/runtime/";

/// What serving one request led to.
pub(crate) enum Served {
    /// The connection goes on.
    Open(Connection),
    /// The running invocation has its answer; the connection goes on.
    Answered(Connection),
    /// The connection waits for an event, and belongs to the environment's state now.
    Parked,
}

enum Operation<'a> {
    Next,
    Response(&'a str),
    Error(&'a str),
    InitError,
    /// A runtime that has initialised waits to be restored from its snapshot.
    RestoreNext,
    RestoreError,
    Credentials,
    Ping,
    /// A stem asks which function it is.
    Function,
    Extension(Call),
    Subscribe(Api),
    /// A path of this API that this build does not serve.
    Unknown,
}

/// Serves a connection until it is parked or closed.
pub(crate) async fn serve<E: Living>(environment: Arc<E>, mut connection: Connection) {
    loop {
        match serve_one(&environment, connection).await {
            Ok(Some(Served::Open(open) | Served::Answered(open))) => connection = open,
            Ok(Some(Served::Parked)) => return,
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "runtime connection ended");
                break;
            }
        }
    }
    environment.connection_closed();
}

/// Serves the next request of a connection; `None` when the runtime closed it.
async fn serve_one<E: Living>(
    environment: &Arc<E>,
    mut connection: Connection,
) -> io::Result<Option<Served>> {
    match read(&mut connection).await? {
        Some(request) => environment.answer(connection, request).await.map(Some),
        None => Ok(None),
    }
}

/// Reads one request. May be dropped and called again.
pub(crate) async fn read(connection: &mut Connection) -> io::Result<Option<Request>> {
    connection.read_request(RESPONSE_BYTES_MAX).await
}

/// Decides and answers one request to an environment that runs one invocation at a time.
pub(crate) async fn answer(
    environment: &Arc<Environment>,
    mut connection: Connection,
    request: Request,
) -> io::Result<Served> {
    match operation(&request) {
        Operation::Next => return next(environment, connection).await,
        Operation::Response(id) => {
            if matches!(request.body, Body::Streamed) {
                let id = RequestId::parse(id);
                return streaming::receive(environment, connection, id, request.content_type).await;
            }
            if let Some(id) = take_answer(environment, &mut connection, id) {
                let result = match request.body {
                    _ if request.response_mode.is_some() => {
                        reply_error(
                            &mut connection,
                            400,
                            "InvalidFunctionResponseMode",
                            "Invalid response mode",
                        );
                        Err(Failure::InvalidResponseMode)
                    }
                    Body::Whole(body) => {
                        reply_accepted(&mut connection);
                        Ok(body)
                    }
                    Body::TooLarge | Body::Streamed => {
                        Err(refuse_length(&mut connection, RESPONSE_BYTES_MAX))
                    }
                };
                connection.try_flush_last()?;
                id.send(result);
                return Ok(Served::Answered(connection));
            }
        }
        Operation::Error(id) => {
            if let Some(id) = take_answer(environment, &mut connection, id) {
                reply_accepted(&mut connection);
                connection.try_flush_last()?;
                id.send(Err(reported(request)));
                return Ok(Served::Answered(connection));
            }
        }
        Operation::RestoreNext => return restore_next(environment, connection).await,
        Operation::Credentials => {
            let token = request.authorization.as_deref();
            let is_to_be_taken = environment.is_to_be_taken();
            answer_credentials(&mut connection, environment.credentials(token), is_to_be_taken);
        }
        Operation::Function if environment.identity().is_some() => {
            connection.queue(environment.identity().map_or(&[], |told| &told[..]), Bytes::new());
        }
        _ => return answer_else(environment, connection, request).await,
    }
    connection.flush().await?;
    Ok(Served::Open(connection))
}

/// What is answered alike in every environment.
async fn answer_else<E: Living>(
    environment: &Arc<E>,
    mut connection: Connection,
    request: Request,
) -> io::Result<Served> {
    match operation(&request) {
        Operation::Subscribe(api) => {
            return extensions::answer_subscriber(environment, api, connection, &request).await;
        }
        Operation::Extension(call) => {
            return extensions::answer(environment, call, connection, &request).await;
        }
        Operation::InitError | Operation::RestoreError => {
            reply_accepted(&mut connection);
            connection.flush().await?;
            environment.life().settle_init(Err(reported(request)));
        }
        Operation::Ping => answer_ping(&mut connection),
        _ => reply(&mut connection, "404 Not Found", "text/plain", "404 page not found\n"),
    }
    connection.flush().await?;
    Ok(Served::Open(connection))
}

/// Whether a stem asks which function it is. This call is ours: AWS's runtimes are started after that is known.
pub(crate) fn asks_for_function(request: &Request) -> bool {
    request.method == Method::Get && request.path.strip_prefix(PREFIX) == Some("function")
}

pub(crate) fn is_ping(request: &Request) -> bool {
    matches!(&*request.path, "/ping" | "/2018-06-01/ping")
}

pub(crate) fn answer_ping(connection: &mut Connection) {
    reply(connection, "200 OK", "text/plain", "pong");
}

fn operation(request: &Request) -> Operation<'_> {
    if asks_for_function(request) {
        return Operation::Function;
    }
    if is_ping(request) {
        return Operation::Ping;
    }
    let Some(path) = request.path.strip_prefix(PREFIX) else {
        if request.method == Method::Get && &*request.path == CREDENTIALS_PATH {
            return Operation::Credentials;
        }
        let call = Call::of(request.method, &request.path).map(Operation::Extension);
        let api = || api_of(request.method, &request.path).map(Operation::Subscribe);
        return call.or_else(api).unwrap_or(Operation::Unknown);
    };
    match (request.method, path) {
        (Method::Get, "invocation/next") => Operation::Next,
        (Method::Post, "init/error") => Operation::InitError,
        (Method::Get, "restore/next") => Operation::RestoreNext,
        (Method::Post, "restore/error") => Operation::RestoreError,
        (Method::Post, path) => {
            match path.strip_prefix("invocation/").and_then(|path| path.split_once('/')) {
                Some((id, "response")) => Operation::Response(id),
                Some((id, "error")) => Operation::Error(id),
                Some(_) | None => Operation::Unknown,
            }
        }
        (Method::Get | Method::Put | Method::Other, _) => Operation::Unknown,
    }
}

async fn next(environment: &Environment, connection: Connection) -> io::Result<Served> {
    let mut step = environment.state().next(connection);
    if let Next::Refused(connection) = step {
        streaming::settle(environment).await;
        step = environment.state().next(connection);
    }
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
        Next::Refused(mut connection) => {
            reply_error(
                &mut connection,
                403,
                "InvalidStateTransition",
                "State transition from Running to Ready failed",
            );
            connection.flush().await?;
            Ok(Served::Open(connection))
        }
    }
}

/// The runtime gets no answer here: what goes on from its snapshot does.
async fn restore_next(environment: &Environment, connection: Connection) -> io::Result<Served> {
    let Some(mut connection) = environment.wait_for_restore(connection) else {
        return Ok(Served::Parked);
    };
    let message =
        "State transition to Restoring failed for runtime. Error: State transition is not allowed";
    reply_error(&mut connection, 403, "InvalidStateTransition", message);
    connection.flush().await?;
    Ok(Served::Open(connection))
}

/// The answer to `restore/next`, in an environment that goes on from a snapshot. AWS's is empty; a body says what of the function's
/// environment variables is no longer as it was.
pub(crate) fn answer_restore(connection: &mut Connection, log_stream: &str) {
    let body = serde_json::json!({ "AWS_LAMBDA_LOG_STREAM_NAME": log_stream }).to_string();
    reply(connection, "200 OK", "application/json", &body);
}

fn answer_credentials(
    connection: &mut Connection,
    session: Option<&Session>,
    is_to_be_taken: bool,
) {
    let Some(session) = session else {
        return reply(connection, "403 Forbidden", "text/plain", "the token is wrong\n");
    };
    // They last longer than the environment. Clients that come out of a snapshot would go on with the keys of an environment that
    // is no more: they ask again where keys are about to end.
    let end_ms = if is_to_be_taken {
        clock::epoch_ms().saturating_add(BEFORE_SNAPSHOT_MS)
    } else {
        session.expires_at_ms
    };
    let body = serde_json::json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": clock::timestamp_of(end_ms),
    });
    reply(connection, "200 OK", "application/json", &body.to_string());
}

/// Less than what any SDK holds for enough.
const BEFORE_SNAPSHOT_MS: u64 = 60 * 1000;

/// The one who waits for the answer to `id`; a wrong id is refused.
fn take_answer(environment: &Environment, connection: &mut Connection, id: &str) -> Option<Answer> {
    let id = RequestId::parse(id);
    let answer = id.and_then(|id| environment.state().answer(id));
    if answer.is_none() {
        if id.is_some_and(|id| environment.state().was_answered(id)) {
            let message = "State transition from ResponseSent to InvocationResponse failed for runtime. Error: State transition is not allowed";
            reply_error(connection, 403, "InvalidStateTransition", message);
        } else {
            reply_error(connection, 400, "InvalidRequestID", "Invalid request ID");
        }
    }
    answer
}

fn reported(request: Request) -> Failure {
    let error_type = accepted_error_type(request.error_type.as_deref());
    match request.body {
        Body::Whole(document) => Failure::Reported { document, error_type },
        Body::TooLarge | Body::Streamed => {
            Failure::ResponseTooLarge { bytes_max: RESPONSE_BYTES_MAX }
        }
    }
}

pub(crate) fn reply_accepted(connection: &mut Connection) {
    let answer = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
    connection.queue(answer.as_bytes(), Bytes::new());
}

fn refuse_length(connection: &mut Connection, bytes_max: usize) -> Failure {
    let message = format!("Exceeded maximum allowed payload size ({bytes_max} bytes).");
    reply_error(connection, 413, "RequestEntityTooLarge", &message);
    Failure::ResponseTooLarge { bytes_max }
}

fn reply_error(connection: &mut Connection, status: u16, error_type: &str, message: &str) {
    let status = match status {
        400 => "400 Bad Request",
        403 => "403 Forbidden",
        _ => "413 Request Entity Too Large",
    };
    let body = format!(r#"{{"errorMessage":"{message}","errorType":"{error_type}"}}"#);
    reply(connection, status, "application/json", &body);
}

pub(crate) fn reply(connection: &mut Connection, status: &str, content_type: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.queue(head.as_bytes(), Bytes::new());
}
