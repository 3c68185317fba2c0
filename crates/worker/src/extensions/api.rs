// SPDX-License-Identifier: Apache-2.0
//! The requests of extensions: read, decided by the roster, answered. What an answer means for the environment is told to
//! the caller and done in `life`.

use super::roster::{EXTENSIONS_MAX, Events, Next, Refusal};
use super::{Extensions, queue_event};
use crate::failure::Failure;
use crate::function::Function;
use crate::runtime_api::{self, Body, Connection, Method, Request};
use bytes::Bytes;
use serde::Deserialize;
use std::io;
use std::sync::atomic::Ordering;
use uuid::Uuid;

const PREFIX: &str = "/2020-01-01/extension/";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Register,
    Next,
    InitError,
    ExitError,
}

/// What a request led to.
#[derive(Debug)]
pub(super) enum Led {
    /// To an answer; the connection goes on.
    Answered(Connection),
    /// To one extension more that waits for its event.
    Parked,
    /// To the end of the environment.
    Failed(Connection, Failure),
}

/// A refused request: AWS's code, and its words.
pub(super) type Refused = (&'static str, String);

#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
    #[serde(default, rename = "configurationKeys")]
    configuration_keys: Vec<String>,
}

impl Call {
    pub(crate) fn of(method: Method, path: &str) -> Option<Self> {
        match (method, path.strip_prefix(PREFIX)?) {
            (Method::Post, "register") => Some(Self::Register),
            (Method::Get, "event/next") => Some(Self::Next),
            (Method::Post, "init/error") => Some(Self::InitError),
            (Method::Post, "exit/error") => Some(Self::ExitError),
            _ => None,
        }
    }
}

impl Extensions {
    /// Decides and answers one request.
    pub(super) async fn answer(
        &self,
        function: &Function,
        call: Call,
        mut connection: Connection,
        request: &Request,
    ) -> io::Result<Led> {
        let mut failure = None;
        let refused = match call {
            Call::Next => match self.next(connection, request) {
                (None, _) => return Ok(Led::Parked),
                (Some(open), refused) => {
                    connection = open;
                    refused
                }
            },
            Call::Register => self.register(function, &mut connection, request).err(),
            Call::InitError | Call::ExitError => match self.error(call, request) {
                Ok(reported) => {
                    runtime_api::reply_accepted(&mut connection);
                    failure = Some(reported);
                    None
                }
                Err(refused) => Some(refused),
            },
        };
        if let Some((error_type, message)) = refused {
            let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
            let body = body.to_string();
            runtime_api::reply(&mut connection, "403 Forbidden", "application/json", &body);
        }
        connection.flush().await?;
        Ok(match failure {
            Some(failure) => Led::Failed(connection, failure),
            None => Led::Answered(connection),
        })
    }

    fn register(
        &self,
        function: &Function,
        connection: &mut Connection,
        request: &Request,
    ) -> Result<(), Refused> {
        let headers = request.extension.as_deref();
        let name = headers.and_then(|headers| headers.name.as_deref()).unwrap_or_default();
        if name.is_empty() {
            return Err(("Extension.InvalidExtensionName", "Empty extension name".to_owned()));
        }
        let events = registration(&request.body)?;
        let id = Uuid::new_v4();
        // The guard must be gone before the refusal is put in words.
        let registered = self.roster().register(name, events, id);
        registered.map_err(|refusal| refused(&refusal, name))?;
        self.has_any.store(true, Ordering::Release);
        let Function { name, version, handler, account, .. } = function;
        let mut body = serde_json::json!({
            "functionName": name,
            "functionVersion": version,
            "handler": handler,
        });
        let features = headers.and_then(|headers| headers.features.as_deref()).unwrap_or_default();
        if let Some(body) = body.as_object_mut()
            && features.split(',').any(|feature| feature.trim() == "accountId")
        {
            body.insert("accountId".to_owned(), account.to_string().into());
        }
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Extension-Identifier: {id}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        connection.queue(answer.as_bytes(), Bytes::new());
        Ok(())
    }

    /// Keeps the connection until there is an event, or gives it back with what was queued on it or is to be.
    fn next(
        &self,
        connection: Connection,
        request: &Request,
    ) -> (Option<Connection>, Option<Refused>) {
        let id = match identifier(request) {
            Ok(id) => id,
            Err(refused) => return (Some(connection), Some(refused)),
        };
        let next = self.roster().next(id, connection);
        match next {
            Next::Parked => (None, None),
            Next::ShutDown(mut connection) => {
                queue_event(&mut connection, self.shutdown.get().map_or("", String::as_str));
                (Some(connection), None)
            }
            Next::Refused(connection, refusal) => {
                (Some(connection), Some(refused(&refusal, &id.to_string())))
            }
        }
    }

    fn error(&self, call: Call, request: &Request) -> Result<Failure, Refused> {
        let id = identifier(request)?;
        let headers = request.extension.as_deref();
        let Some(error_type) = headers.and_then(|headers| headers.error_type.as_deref()) else {
            let message = "Lambda-Extension-Function-Error-Type not found".to_owned();
            return Err(("Extension.MissingHeader", message));
        };
        let mut roster = self.roster();
        let (result, kind) = match call {
            Call::InitError => (roster.init_error(id, error_type), "Extension.InitError"),
            Call::ExitError | Call::Register | Call::Next => {
                (roster.exit_error(id, error_type), "Extension.ExitError")
            }
        };
        drop(roster);
        result.map_err(|refusal| match refusal {
            // The two calls have words of their own for it.
            Refusal::Unknown => (
                "Extension.UnknownExtensionIdentifier",
                "Unknown Lambda-Extension-Identifier".to_owned(),
            ),
            refusal => refused(&refusal, &id.to_string()),
        })?;
        Ok(Failure::Extension { error_type: kind, reason: error_type.to_owned() })
    }
}

pub(super) fn identifier(request: &Request) -> Result<Uuid, Refused> {
    let headers = request.extension.as_deref();
    match headers.and_then(|headers| headers.identifier.as_deref()).filter(|id| !id.is_empty()) {
        None => Err((
            "Extension.MissingExtensionIdentifier",
            "Missing Lambda-Extension-Identifier header".to_owned(),
        )),
        Some(id) => Uuid::parse_str(id).map_err(|_| {
            (
                "Extension.InvalidExtensionIdentifier",
                "Invalid Lambda-Extension-Identifier".to_owned(),
            )
        }),
    }
}

fn registration(body: &Body) -> Result<Events, Refused> {
    const FORMAT: &str = "InvalidRequestFormat";
    let Body::Whole(body) = body else { return Err((FORMAT, "the body is too large".to_owned())) };
    let parsed = serde_json::from_slice::<Registration>(body);
    let registration = parsed.map_err(|error| (FORMAT, error.to_string()))?;
    if !registration.configuration_keys.is_empty() {
        let message = "configurationKeys are deprecated; use environment variables instead";
        return Err((FORMAT, message.to_owned()));
    }
    let mut events = Events::default();
    for event in registration.events {
        match event.as_str() {
            "INVOKE" => events.invoke = true,
            "SHUTDOWN" => events.shutdown = true,
            _ => {
                let message = format!("{event}: ErrorInvalidEventType");
                return Err(("Extension.InvalidEventType", message));
            }
        }
    }
    Ok(events)
}

/// `who` is the name or the identifier, whichever the request gave.
pub(super) fn refused(refusal: &Refusal, who: &str) -> Refused {
    match refusal {
        Refusal::RegistrationClosed => {
            ("Extension.RegistrationClosed", "Extension registration closed already".to_owned())
        }
        Refusal::NameTaken => (
            "Extension.InvalidExtensionState",
            "Extension with this name already registered".to_owned(),
        ),
        Refusal::TooMany => {
            ("Extension.TooManyExtensions", format!("Extension limit ({EXTENSIONS_MAX}) reached"))
        }
        Refusal::ShutdownOfInternal => (
            "Extension.InvalidEventType",
            "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension".to_owned(),
        ),
        // As AWS's emulator for such environments says it.
        Refusal::InvokeBesideSeveral => {
            ("Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType".to_owned())
        }
        Refusal::EventsOfInternal => {
            ("Extension.InvalidEventType", "No events allowed for internal extensions".to_owned())
        }
        Refusal::Unknown => {
            ("Extension.UnknownExtensionIdentifier", format!("Unknown extension {who}"))
        }
        Refusal::Step { from, to } => (
            "Extension.InvalidExtensionState",
            format!(
                "State transition from {from} to {to} failed for extension {who}. Error: State transition is not allowed"
            ),
        ),
    }
}
