// SPDX-License-Identifier: Apache-2.0
//! Which service and operation a request is for, from its head.
//!
//! A request that no service can serve still has a protocol: its error must be readable to whoever sent it.

use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use std::borrow::Cow;
use std::sync::Arc;
use wire::{Endpoint, Protocol, Route};

#[derive(Clone)]
pub(crate) enum Detected {
    Operation {
        endpoint: Arc<dyn Endpoint>,
        route: Route<'static>,
    },
    /// The service is here and has no such operation.
    UnknownOperation {
        service: &'static str,
        protocol: Protocol,
    },
    UnknownService {
        protocol: Protocol,
    },
}

impl Detected {
    pub(crate) const fn protocol(&self) -> Protocol {
        match self {
            Self::Operation { route, .. } => route.protocol,
            Self::UnknownOperation { protocol, .. } | Self::UnknownService { protocol } => {
                *protocol
            }
        }
    }

    pub(crate) fn service(&self) -> Option<&'static str> {
        match self {
            Self::Operation { endpoint, .. } => Some(endpoint.spec().signing_name),
            Self::UnknownOperation { service, .. } => Some(service),
            Self::UnknownService { .. } => None,
        }
    }
}

/// `signed_for` is the service in the signature's scope. Without one, the target, the host and the path tell.
pub(crate) fn detect(
    services: &[Arc<dyn Endpoint>],
    head: &Parts,
    signed_for: Option<&str>,
) -> Detected {
    let by_target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let by_host = head
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.split('.').next());
    let is_candidate = |endpoint: &&Arc<dyn Endpoint>| {
        let spec = endpoint.spec();
        match (signed_for, by_target) {
            (Some(name), _) => spec.signing_name == name,
            (None, Some(target)) => {
                spec.target_prefix.is_some_and(|prefix| target.starts_with(prefix))
            }
            (None, None) => true,
        }
    };
    let candidates = || services.iter().filter(is_candidate);
    let is_named_by_host =
        |endpoint: &&Arc<dyn Endpoint>| Some(endpoint.spec().signing_name) == by_host;

    let route_to = |endpoint: &Arc<dyn Endpoint>| {
        let route = owned(wire::route(endpoint.spec(), head)?);
        Some(Detected::Operation { endpoint: Arc::clone(endpoint), route })
    };
    let found = candidates()
        .filter(is_named_by_host)
        .find_map(route_to)
        .or_else(|| candidates().find_map(route_to));
    if let Some(found) = found {
        return found;
    }

    let named = match signed_for.or(by_target) {
        Some(_) => candidates().next(),
        None => services.iter().find(is_named_by_host),
    };
    match named.map(|endpoint| endpoint.spec()) {
        Some(spec) => {
            let spoken = guess(head);
            let protocol = if spec.protocols.contains(&spoken) {
                spoken
            } else {
                spec.protocols.first().copied().unwrap_or(spoken)
            };
            Detected::UnknownOperation { service: spec.signing_name, protocol }
        }
        None => Detected::UnknownService { protocol: guess(head) },
    }
}

/// The protocol that a request looks like.
fn guess(head: &Parts) -> Protocol {
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if head.headers.contains_key("smithy-protocol") {
        Protocol::RpcCbor
    } else if content_type.starts_with("application/x-amz-json-1.0") {
        Protocol::Json10
    } else if head.headers.contains_key("x-amz-target") {
        Protocol::Json11
    } else if content_type.starts_with("application/x-www-form-urlencoded") {
        Protocol::Query
    } else {
        Protocol::RestJson
    }
}

/// The labels outlive the head, which goes to the endpoint together with them.
fn owned(route: Route<'_>) -> Route<'static> {
    let Route { protocol, operation, labels } = route;
    let labels =
        labels.into_iter().map(|(name, value)| (name, Cow::Owned(value.into_owned()))).collect();
    Route { protocol, operation, labels }
}
