// SPDX-License-Identifier: Apache-2.0
//! One call of one operation: reads its input and writes its answer, in the caller's protocol.
//!
//! The code `#[service]` writes is a thin dispatch over this. No service logic is here, and no
//! protocol detail is there.
//!
//! A call knows its service's protocols while it is compiled: that a type can be read and written in others too costs megabytes
//! of code that nothing ever runs.

use crate::input::{self, Head};
use crate::{
    Access, Body, Context, Fault, Input, OperationSpec, Output, Protocol, Protocols, Request,
    Response, Result, Route, ServiceSpec, cbor, event_stream, form, gzip, json, protocol, route,
    xml,
};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{HeaderValue, StatusCode};
use std::marker::PhantomData;

#[derive(Debug)]
pub struct Call<'a, P> {
    spec: &'static ServiceSpec,
    index: usize,
    operation: &'static OperationSpec,
    cx: &'a Context,
    route: Route<'a>,
    head: http::request::Parts,
    body: Bytes,
    protocols: PhantomData<fn() -> P>,
}

impl<'a, P: Protocols> Call<'a, P> {
    /// Settles the operation, which a form says in its body. `Err` is the answer to a request for none.
    pub fn open(
        spec: &'static ServiceSpec,
        cx: &'a Context,
        route: Route<'a>,
        request: Request,
    ) -> std::result::Result<Self, Box<Response>> {
        let (head, body) = request.into_parts();
        // The bodies of REST operations are compressed by nobody.
        let body = match route.protocol {
            Protocol::RestJson => Ok(body),
            _ => gzip::body(&head.headers, body),
        };
        let found = body.and_then(|body| match route.operation {
            Some(index) => {
                let operation = spec.operations.get(index).ok_or_else(Fault::unknown_operation);
                operation.map(|operation| (index, operation, body))
            }
            None => form_operation(spec, &body).map(|(index, operation)| (index, operation, body)),
        });
        let protocol = route.protocol;
        match found {
            Ok((index, operation, body)) => {
                Ok(Self { spec, index, operation, cx, route, head, body, protocols: PhantomData })
            }
            Err(fault) => {
                let response = protocol::write_fault(protocol, &fault, &cx.request_id, spec);
                Err(Box::new(response))
            }
        }
    }

    /// Where the operation stands in `ServiceSpec::operations`.
    pub const fn operation(&self) -> usize {
        self.index
    }

    /// Reads the input. The body is gone afterwards, so that its memory can go before the operation ran.
    pub fn read<I: Input>(&mut self) -> Result<I> {
        let body = std::mem::take(&mut self.body);
        let draft = match self.route.protocol {
            Protocol::RestJson if P::HAS_REST_JSON => {
                let mut draft = if I::HAS_BODY { json::read(&body)? } else { I::Draft::default() };
                let query = self.head.uri.query().unwrap_or_default();
                let head = Head { labels: &self.route.labels, query, headers: &self.head.headers };
                I::bind(&mut draft, &head, body)?;
                draft
            }
            Protocol::Json10 | Protocol::Json11 if P::HAS_JSON => json::read(&body)?,
            Protocol::Query if P::HAS_QUERY => form::read(form(&self.head, &body)?)?,
            Protocol::RpcCbor if P::HAS_RPC_CBOR => cbor::read(&body)?,
            // No route leads to what the service does not speak.
            _ => return Err(Fault::internal()),
        };
        input::build::<I>(draft).map_err(|mut fault| {
            fault.code = self.spec.validation.into();
            fault
        })
    }

    /// Refuses a caller that may not do what the operation does.
    pub fn admit(&self, on: impl FnOnce() -> Access) -> Result<()> {
        let admitted = self.cx.authority.check(self.cx, self.operation.action, on);
        admitted.map_err(|sentence| {
            // Amazon SNS has an error of its own for this.
            match self.spec.faults.iter().find(|fault| fault.code == "AuthorizationError") {
                Some(declared) => declared.fault(sentence),
                None => Fault::access_denied(self.route.protocol, sentence),
            }
        })
    }

    /// Writes what the operation answered.
    pub fn write<O: Output>(&self, result: Result<O>) -> Response {
        result.and_then(|output| self.success(output)).unwrap_or_else(|fault| self.fault(fault))
    }

    /// The answer of an operation that is declared and not built.
    pub fn not_implemented(&self) -> Response {
        self.fault(Fault::not_implemented(self.operation.name))
    }

    fn fault(&self, fault: Fault) -> Response {
        let fault = fault.modelled_by(self.spec.faults);
        protocol::write_fault(self.route.protocol, &fault, &self.cx.request_id, self.spec)
    }

    fn success<O: Output>(&self, mut output: O) -> Result<Response> {
        match self.route.protocol {
            Protocol::RestJson if P::HAS_REST_JSON => self.rest_success(&mut output),
            protocol @ (Protocol::Json10 | Protocol::Json11) if P::HAS_JSON => {
                if let Some(events) = output.take_stream() {
                    let events =
                        event_stream::with_initial_response(events, protocol.content_type())?;
                    let (content_type, headers) = (event_stream::CONTENT_TYPE, HeaderMap::new());
                    return Ok(self.response(
                        StatusCode::OK,
                        headers,
                        content_type,
                        Body::Stream(events),
                    ));
                }
                let body = if O::HAS_BODY { json::write(&output)? } else { b"{}".to_vec() };
                Ok(self.response(
                    StatusCode::OK,
                    HeaderMap::with_capacity(4),
                    protocol.content_type(),
                    Bytes::from(body).into(),
                ))
            }
            Protocol::Query if P::HAS_QUERY => self.query_success(&output),
            Protocol::RpcCbor if P::HAS_RPC_CBOR => self.cbor_success(&output),
            _ => Err(Fault::internal()),
        }
    }

    fn rest_success<O: Output>(&self, output: &mut O) -> Result<Response> {
        let status = output.status().unwrap_or(self.operation.status);
        let status = StatusCode::from_u16(status).map_err(|_| Fault::internal())?;
        let mut headers = HeaderMap::with_capacity(8);
        output.write_headers(&mut headers)?;
        if let Some(pieces) = output.take_stream() {
            let body = Body::Stream(pieces);
            return Ok(self.response(status, headers, event_stream::CONTENT_TYPE, body));
        }
        let body = match output.take_payload() {
            Some(payload) => payload,
            None if O::HAS_BODY => json::write(output)?.into(),
            None => Bytes::new(),
        };
        Ok(self.response(status, headers, self.route.protocol.content_type(), body.into()))
    }

    fn cbor_success<O: Output>(&self, output: &O) -> Result<Response> {
        let mut headers = HeaderMap::with_capacity(4);
        protocol::set_smithy(&mut headers, Protocol::RpcCbor);
        // Nothing has no body, and no content type.
        let body = if O::HAS_BODY { cbor::write(output)? } else { Vec::new() };
        let content_type = Protocol::RpcCbor.content_type();
        Ok(self.response(StatusCode::OK, headers, content_type, Bytes::from(body).into()))
    }

    fn query_success<O: Output>(&self, output: &O) -> Result<Response> {
        let (name, namespace) = (self.operation.name, self.spec.xml_namespace);
        let mut text = format!("<{name}Response xmlns=\"{namespace}\">");
        // An operation with a result has the element, be it empty.
        if O::SHAPE.structure().is_some_and(|structure| !structure.name.is_empty()) {
            text.push_str(&format!("<{name}Result>"));
            xml::write(&mut text, output)?;
            text.push_str(&format!("</{name}Result>"));
        }
        let request_id = self.cx.request_id;
        text.push_str(&format!(
            "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
        ));
        let headers = HeaderMap::with_capacity(4);
        Ok(self.response(StatusCode::OK, headers, Protocol::Query.content_type(), text.into()))
    }

    fn response(
        &self,
        status: StatusCode,
        mut headers: HeaderMap,
        content_type: &'static str,
        body: Body,
    ) -> Response {
        let is_empty = body.whole().is_some_and(Bytes::is_empty);
        if !is_empty && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        protocol::set_request_id(&mut headers, &self.cx.request_id);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn form_operation(
    spec: &'static ServiceSpec,
    body: &[u8],
) -> Result<(usize, &'static OperationSpec)> {
    let form = std::str::from_utf8(body).map_err(|_| not_a_form())?;
    route::action(spec, form).map_err(|action| {
        if action.is_empty() {
            return Fault::new("MissingAction", 400, "Must provide an operation name.");
        }
        let version = spec.api_version;
        Fault::new(
            "InvalidAction",
            400,
            format!("Could not find operation {action} for version {version}"),
        )
    })
}

/// The parameters of a Query request: its body, or the query string of one without.
fn form<'b>(head: &'b http::request::Parts, body: &'b [u8]) -> Result<&'b str> {
    if body.is_empty() {
        return Ok(head.uri.query().unwrap_or_default());
    }
    std::str::from_utf8(body).map_err(|_| not_a_form())
}

fn not_a_form() -> Fault {
    Fault::new("MalformedInput", 400, "The request body is not a form")
}
