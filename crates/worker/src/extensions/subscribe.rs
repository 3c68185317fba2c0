// SPDX-License-Identifier: Apache-2.0
//! The Telemetry API (version 2022-07-01) and the Logs API (version 2020-08-15): one request each, by which an extension
//! subscribes.

use super::api::{Refused, identifier, refused};
use crate::life::Living;
use crate::runtime_api::{self, Body, Connection, Method, Request, Served};
use crate::telemetry::{self, Api, NotSubscribed, PlatformEvent, Subscription};
use std::io;
use std::sync::Arc;

/// The status and the error of a request that is refused.
type Answered = Result<(), (&'static str, Refused)>;

pub(crate) fn api_of(method: Method, path: &str) -> Option<Api> {
    match (method, path.trim_end_matches('/')) {
        (Method::Put, "/2022-07-01/telemetry") => Some(Api::Telemetry),
        (Method::Put, "/2020-08-15/logs") => Some(Api::Logs),
        _ => None,
    }
}

/// Answers a request to be told.
pub(crate) async fn answer_subscriber<E: Living>(
    environment: &Arc<E>,
    api: Api,
    mut connection: Connection,
    request: &Request,
) -> io::Result<Served> {
    let (status, body) = match subscribe(environment, api, request) {
        Ok(()) => ("200 OK", "\"OK\"".to_owned()),
        Err((status, (error_type, message))) => {
            let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
            (status, body.to_string())
        }
    };
    runtime_api::reply(&mut connection, status, "application/json", &body);
    connection.flush().await?;
    Ok(Served::Open(connection))
}

fn subscribe<E: Living>(environment: &Arc<E>, api: Api, request: &Request) -> Answered {
    const FORBIDDEN: &str = "403 Forbidden";
    const BAD: &str = "400 Bad Request";
    let id = identifier(request).map_err(|refused| (FORBIDDEN, refused))?;
    let life = environment.life();
    let name = life.extensions.roster().name_of(id);
    let name = name.map_err(|refusal| (FORBIDDEN, refused(&refusal, &id.to_string())))?;
    let invalid = |message: String| (BAD, (api.invalid(), message));
    let Body::Whole(body) = &request.body else {
        return Err(invalid("the body is too large".to_owned()));
    };
    let closed = || {
        let error_type = match api {
            Api::Telemetry => "Telemetry.SubscriptionClosed",
            Api::Logs => "Logs.SubscriptionClosed",
        };
        (FORBIDDEN, (error_type, format!("{} API subscription is closed already", api.title())))
    };
    if life.extensions.roster().is_closed() {
        return Err(closed());
    }
    let asked = telemetry::parse(api, body).map_err(invalid)?;
    match life.log.telemetry().subscribe(&name, asked) {
        Ok(Some(subscriber)) => {
            let types = subscriber.category_names();
            let told = Subscription { name: &name, state: "Subscribed", types: &types };
            life.log.tell(&match subscriber.api() {
                Api::Telemetry => PlatformEvent::TelemetrySubscription(told),
                Api::Logs => PlatformEvent::LogsSubscription(told),
            });
            telemetry::deliver(environment, subscriber);
            Ok(())
        }
        // Asked again: as the first time.
        Ok(None) => Ok(()),
        Err(NotSubscribed::Closed) => Err(closed()),
        Err(NotSubscribed::OtherApi) => {
            Err(invalid("an extension has subscribed through the other API already".to_owned()))
        }
    }
}
