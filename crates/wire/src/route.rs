// SPDX-License-Identifier: Apache-2.0
//! Which operation a request asks for, from its head alone.

use crate::{OperationSpec, PathTemplate, Protocol, Route, Segment, ServiceSpec, percent};
use http::request::Parts;
use std::borrow::Cow;

/// Finds the operation of `spec` that a request with this head asks for.
///
/// `None`: no operation has this method and path, or no protocol of the service fits. A `Query`
/// request is routed before its body was read, so its operation is known only if the action stands
/// in the query string.
pub fn route<'a>(spec: &'static ServiceSpec, head: &'a Parts) -> Option<Route<'a>> {
    if let Some(target) = head.headers.get("x-amz-target") {
        return target_route(spec, target.to_str().ok()?);
    }
    if let Some(protocol) = head.headers.get("smithy-protocol") {
        return if protocol == "rpc-v2-cbor" { rpc_route(spec, head.uri.path()) } else { None };
    }
    spec.protocols.iter().find_map(|protocol| match protocol {
        Protocol::RestJson => rest_route(spec, head),
        Protocol::Query => query_route(spec, head),
        // The last has rules of its own: see `StreamEndpoint::find`.
        Protocol::Json10 | Protocol::Json11 | Protocol::RpcCbor | Protocol::RestXml => None,
    })
}

fn target_route<'a>(spec: &'static ServiceSpec, target: &str) -> Option<Route<'a>> {
    let is_json = |protocol: &&Protocol| matches!(protocol, Protocol::Json10 | Protocol::Json11);
    let protocol = *spec.protocols.iter().find(is_json)?;
    let name = target.strip_prefix(spec.target_prefix?)?.strip_prefix('.')?;
    let operation = spec.operations.iter().position(|operation| operation.name == name)?;
    Some(Route { protocol, operation: Some(operation), labels: Vec::new() })
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`, perhaps behind a prefix.
fn rpc_route<'a>(spec: &'static ServiceSpec, path: &str) -> Option<Route<'a>> {
    let (rest, name) = path.rsplit_once("/operation/")?;
    let (_, service) = rest.rsplit_once("/service/")?;
    if !spec.protocols.contains(&Protocol::RpcCbor) || Some(service) != spec.target_prefix {
        return None;
    }
    let operation = spec.operations.iter().position(|operation| operation.name == name)?;
    Some(Route { protocol: Protocol::RpcCbor, operation: Some(operation), labels: Vec::new() })
}

fn query_route<'a>(spec: &'static ServiceSpec, head: &'a Parts) -> Option<Route<'a>> {
    let query = head.uri.query().unwrap_or_default();
    let action = percent::pairs(query).find(|(key, _)| key == "Action");
    let operation = match action {
        Some((_, name)) => {
            Some(spec.operations.iter().position(|operation| operation.name == name)?)
        }
        None if head.method == http::Method::POST => None,
        None => return None,
    };
    Some(Route { protocol: Protocol::Query, operation, labels: Vec::new() })
}

fn rest_route<'a>(spec: &'static ServiceSpec, head: &'a Parts) -> Option<Route<'a>> {
    let path = head.uri.path();
    // Older clients end a path with a slash.
    let path = path.strip_suffix('/').unwrap_or(path).strip_prefix('/')?;
    let segment_count = path.split('/').count();
    let query = head.uri.query().unwrap_or_default();
    let mut found = None;
    for (index, operation) in spec.operations.iter().enumerate() {
        let Some(template) = &operation.path else { continue };
        if template.segments.len() != segment_count
            || template.method != head.method.as_str()
            || !fits(template, path)
        {
            continue;
        }
        if template.query.is_empty() {
            found = found.or(Some((index, template)));
        } else if has_pairs(query, template.query) {
            found = Some((index, template));
            break;
        }
        if query.is_empty() && found.is_some() {
            break;
        }
    }
    let (index, template) = found?;
    Some(Route {
        protocol: Protocol::RestJson,
        operation: Some(index),
        labels: labels(template, path),
    })
}

fn fits(template: &PathTemplate, path: &str) -> bool {
    template.segments.iter().zip(path.split('/')).all(|(segment, text)| match segment {
        Segment::Literal(literal) => *literal == text,
        Segment::Label(_) => true,
    })
}

fn has_pairs(query: &str, pairs: &[(&str, &str)]) -> bool {
    pairs.iter().all(|(name, value)| {
        percent::pairs(query).any(|(key, text)| key == *name && text == *value)
    })
}

fn labels<'a>(template: &PathTemplate, path: &'a str) -> Vec<(&'static str, Cow<'a, str>)> {
    let pairs = template.segments.iter().zip(path.split('/'));
    pairs
        .filter_map(|(segment, text)| match segment {
            Segment::Literal(_) => None,
            Segment::Label(name) => Some((*name, percent::decode_label(text))),
        })
        .collect()
}

/// The operation a form asks for, or the action it asks for in vain.
pub(crate) fn action<'a>(
    spec: &'static ServiceSpec,
    form: &'a str,
) -> Result<(usize, &'static OperationSpec), Cow<'a, str>> {
    let action = percent::pairs(form)
        .find(|(key, _)| key == "Action")
        .map(|(_, value)| value)
        .unwrap_or_default();
    spec.operations.iter().enumerate().find(|(_, operation)| operation.name == action).ok_or(action)
}
