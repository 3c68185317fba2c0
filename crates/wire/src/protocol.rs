// SPDX-License-Identifier: Apache-2.0
//! What differs between the protocols in every response: content types and the form of errors.

use crate::{Blame, Fault, MessageKey, Protocol, Response, ServiceSpec, cbor, xml};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use names::RequestId;
use serde_json::Value;
use std::collections::BTreeMap;

impl Protocol {
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::RestJson => "application/json",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Query => "text/xml",
            Self::RpcCbor => "application/cbor",
            Self::RestXml => "application/xml",
        }
    }

    /// Sets the id under which this protocol's clients know a request.
    pub fn set_request_id(self, headers: &mut HeaderMap, request_id: &RequestId) {
        match self {
            Self::RestXml => set_object_request_id(headers, request_id),
            _ => set_request_id(headers, request_id),
        }
    }

    /// Writes `fault` as this protocol's error response.
    pub fn write_fault(self, fault: &Fault, request_id: &RequestId) -> Response {
        write_fault(self, fault, request_id, &ServiceSpec::EMPTY)
    }
}

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
static ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// What a client that once spoke Query knows an error as.
static QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
static SMITHY: HeaderName = HeaderName::from_static("smithy-protocol");

/// Smithy's protocol is told in both directions.
pub(crate) fn set_smithy(headers: &mut HeaderMap, protocol: Protocol) {
    if protocol == Protocol::RpcCbor {
        headers.insert(SMITHY.clone(), HeaderValue::from_static("rpc-v2-cbor"));
    }
}

pub(crate) fn set_request_id(headers: &mut HeaderMap, request_id: &RequestId) {
    let value = HeaderValue::try_from(request_id.to_string())
        .expect("a request id is hexadecimal digits and dashes");
    headers.insert(REQUEST_ID.clone(), value);
}

/// Amazon S3 has a name of its own for it, and a second one, of the host that answered.
fn set_object_request_id(headers: &mut HeaderMap, request_id: &RequestId) {
    set_request_id(headers, request_id);
    for name in ["x-amz-request-id", "x-amz-id-2"] {
        if let Some(value) = headers.get(&REQUEST_ID).cloned() {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

pub(crate) fn write_fault(
    protocol: Protocol,
    fault: &Fault,
    request_id: &RequestId,
    spec: &ServiceSpec,
) -> Response {
    let body = match protocol {
        Protocol::RestJson => rest_body(fault).into(),
        Protocol::Json10 | Protocol::Json11 => object(typed(fault)).into(),
        Protocol::Query => query_body(fault, request_id, spec.xml_namespace).into(),
        Protocol::RpcCbor => Bytes::from(cbor_body(fault)).into(),
        Protocol::RestXml => object_body(fault, request_id).into(),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(protocol.content_type()));
    set_request_id(headers, request_id);
    if protocol == Protocol::RestXml {
        set_object_request_id(headers, request_id);
    }
    if protocol == Protocol::RestJson
        && let Ok(code) = HeaderValue::from_str(&fault.code)
    {
        headers.insert(ERROR_TYPE.clone(), code);
    }
    set_smithy(headers, protocol);
    if matches!(protocol, Protocol::Json10 | Protocol::Json11 | Protocol::RpcCbor)
        && spec.protocols.contains(&Protocol::Query)
        && let Ok(code) = HeaderValue::from_str(&format!("{};{}", query_code(fault), sender(fault)))
    {
        headers.insert(QUERY_ERROR.clone(), code);
    }
    if let Some(seconds) = fault.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// `{"Type":"User","Message":"..."}`; errors of the front layer have no `Type`.
fn rest_body(fault: &Fault) -> String {
    let kind = match fault.blame() {
        Blame::Customer => "User",
        Blame::Platform => "Service",
    };
    let kind = (fault.is_modelled && fault.has_type).then_some(("Type", kind));
    object(members(fault).chain(kind).chain([(message_key(fault), fault.message.as_str())]))
}

/// `{"__type":"...","message":"..."}`
fn typed(fault: &Fault) -> impl Iterator<Item = (&'static str, &str)> {
    let message = (message_key(fault), fault.message.as_str());
    [("__type", fault.code.as_ref())].into_iter().chain(members(fault)).chain([message])
}

fn cbor_body(fault: &Fault) -> Vec<u8> {
    let members: BTreeMap<&str, &str> = typed(fault).collect();
    cbor::write(&members).unwrap_or_default()
}

fn members(fault: &Fault) -> impl Iterator<Item = (&'static str, &str)> {
    fault.members.iter().map(|(name, value)| (*name, value.as_str()))
}

/// A JSON object of texts, in this order.
fn object<'a>(members: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let members: Vec<String> = members
        .map(|(name, value)| format!("{}:{}", Value::from(name), Value::from(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

const fn message_key(fault: &Fault) -> &'static str {
    match fault.message_key {
        MessageKey::Lower => "message",
        MessageKey::Upper => "Message",
    }
}

/// Two errors of the front layer have another name in the Query protocol.
fn query_code(fault: &Fault) -> &str {
    if let Some(code) = fault.query_code {
        return code;
    }
    match fault.code.as_ref() {
        "ValidationException" => "ValidationError",
        "ServiceException" => "InternalFailure",
        code => code,
    }
}

const fn sender(fault: &Fault) -> &'static str {
    match fault.blame() {
        Blame::Customer => "Sender",
        Blame::Platform => "Receiver",
    }
}

fn query_body(fault: &Fault, request_id: &RequestId, namespace: &str) -> String {
    let kind = sender(fault);
    let namespace =
        if namespace.is_empty() { String::new() } else { format!(" xmlns=\"{namespace}\"") };
    let mut text = format!("<ErrorResponse{namespace}><Error><Type>{kind}</Type><Code>");
    xml::escape(&mut text, query_code(fault));
    text.push_str("</Code><Message>");
    xml::escape(&mut text, &fault.message);
    text.push_str("</Message></Error><RequestId>");
    text.push_str(&request_id.to_string());
    text.push_str("</RequestId></ErrorResponse>");
    text
}

/// Amazon S3's errors stand alone.
fn object_body(fault: &Fault, request_id: &RequestId) -> String {
    let mut text = String::from(xml::DECLARATION);
    text.push_str("<Error>");
    let request_id = request_id.to_string();
    let known = [("Code", query_code(fault)), ("Message", fault.message.as_str())];
    let last = [("RequestId", request_id.as_str()), ("HostId", request_id.as_str())];
    for (name, value) in known.into_iter().chain(members(fault)).chain(last) {
        xml::push_element(&mut text, name, value);
    }
    text.push_str("</Error>");
    text
}
