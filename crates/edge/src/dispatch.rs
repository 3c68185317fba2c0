// SPDX-License-Identifier: Apache-2.0
//! The life of one request: head, service, signature, body, call, answer.

use crate::access_key::AccessKey;
use crate::body::{self, Outgoing, ReadError, Streamed};
use crate::detect::{Detected, detect};
use crate::facts::Origin;
use crate::page::{self, Access, Answer};
use crate::running::Running;
use crate::{Edge, clock, refusal};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Method};
use hyper::body::Incoming;
use names::{Region, RequestId, TraceHeader};
use sigv4::{Claim, PayloadHash, SignatureError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wire::{Authority, Context, Endpoint, Fault, OperationSpec, Protocol, Response, Route};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// Longer bodies are hashed off the async threads.
const HASHED_IN_PLACE_MAX: usize = 256 << 10;

/// The connection ends without an answer: its other side is gone, or in the middle of a body.
#[derive(Debug, thiserror::Error)]
#[error("the request was not received whole")]
pub(crate) struct Aborted {
    #[source]
    pub(crate) source: hyper::Error,
}

/// What of a request the log tells, whatever becomes of it.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) request_id: RequestId,
    began: Instant,
    pub(crate) service: Option<&'static str>,
    pub(crate) operation: Option<&'static str>,
}

enum Stop {
    Fault(Fault),
    Aborted(Aborted),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Edge {
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        peer: IpAddr,
    ) -> Result<http::Response<Outgoing>, Aborted> {
        let mut record = Record {
            request_id: RequestId::random(),
            began: Instant::now(),
            service: None,
            operation: None,
        };
        let (head, mut body) = request.into_parts();
        if let Some(found) = self.find_front(&head) {
            return self.answer_front(found, head, body, peer, record).await;
        }
        if head.uri.path().starts_with(page::ROOT) {
            return self.answer_page(head, body, record).await;
        }

        if let Some(objects) = self.find_objects(&head) {
            return self.answer_objects(objects, head, body, peer, record).await;
        }
        let claim = Claim::parse(&head);
        let signed_for = claim.as_ref().ok().map(|claim| claim.scope().service);
        let detected = detect(&self.services, &head, signed_for);
        let protocol = detected.protocol();
        record.service = detected.service();
        record.operation = operation_of(&detected).map(|operation| operation.name);

        match self.receive(&head, claim, detected, &mut body, &mut record, peer).await {
            Ok(received) => Ok(received.call(head, record).await),
            Err(Stop::Aborted(aborted)) => Err(aborted),
            Err(Stop::Fault(fault)) => {
                let mut response = protocol.write_fault(&fault, &record.request_id);
                // Whoever was too slow already is not waited for again.
                let is_whole = fault != refusal::idle() && self.drain(&mut body, &head).await;
                if !is_whole {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                record.log(&response, Some(&fault));
                Ok(finish(response))
            }
        }
    }

    /// Everything up to the call. Nothing here waits for anything but the body.
    async fn receive(
        &self,
        head: &Parts,
        claim: Result<Claim<'_>, SignatureError>,
        detected: Detected,
        body: &mut Incoming,
        record: &mut Record,
        peer: IpAddr,
    ) -> Result<Received, Stop> {
        let protocol = detected.protocol();
        let refuse = |error: SignatureError| Stop::Fault(refusal::unsigned(&error, protocol));
        let claim = claim.map_err(refuse)?;
        let signer = self
            .identity
            .find(claim.access_key_id(), claim.session_token())
            .ok_or_else(|| refuse(SignatureError::UnknownKey))?;
        let key = Arc::clone(&signer.key);
        claim.check_head(&key.credentials, clock::now()).map_err(refuse)?;
        if let Some(stated) = claim.payload() {
            claim.check_signature(head, &key.credentials, stated).map_err(refuse)?;
        }
        let region: Region = claim.scope().region.parse().map_err(|_| refusal::invalid_region())?;

        let operation = operation_of(&detected);
        let (endpoint, route) = match detected {
            Detected::Operation { endpoint, route } => (endpoint, route),
            Detected::UnknownOperation { .. } => return Err(Fault::unknown_operation().into()),
            Detected::UnknownService { .. } => {
                return Err(refusal::unknown_service(Some(claim.scope().service)).into());
            }
        };
        let bytes_max = operation.map_or(wire::BODY_MAX, |operation| operation.body_max);
        let room = self.room_for(body, bytes_max).await;
        let bytes = body::read(body, bytes_max, self.options.body_idle_timeout()).await.map_err(
            |error| match error {
                ReadError::TooLarge => {
                    Stop::Fault(refusal::too_large(endpoint.spec(), operation, bytes_max))
                }
                ReadError::Idle => Stop::Fault(refusal::idle()),
                ReadError::Broken(source) => Stop::Aborted(Aborted { source }),
            },
        )?;

        let hash = hash(&bytes).await;
        match claim.payload() {
            Some(stated) if stated != hash => return Err(refuse(SignatureError::Mismatch)),
            Some(_) => {}
            None => claim.check_signature(head, &key.credentials, hash).map_err(refuse)?,
        }
        if key.is_expired(clock::epoch_seconds()) {
            return Err(refuse(SignatureError::ExpiredToken));
        }
        record.operation = record.operation.or_else(|| action_of(&endpoint, &bytes));
        let has_several_accounts = self.identity.has_several_accounts();
        let origin = || Origin::of(peer, &head.headers);
        let authority = self.guard.authority(signer, has_several_accounts, origin);
        let cx = context(head, &key, authority, region, record.request_id);
        Ok(Received { endpoint, route, cx, bytes, room })
    }

    /// Waits until there is room for a large body among those that are held.
    pub(crate) async fn room_for(
        &self,
        body: &Incoming,
        bytes_max: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let stated =
            http_body::Body::size_hint(body).exact().and_then(|bytes| usize::try_from(bytes).ok());
        let units = body::units(
            stated.unwrap_or(bytes_max).min(bytes_max).min(self.options.bodies_bytes_max),
        );
        if units <= 1 {
            return None;
        }
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(units).await.ok()
    }

    pub(crate) async fn drain(&self, body: &mut Incoming, head: &Parts) -> bool {
        let time_max = Duration::from_millis(self.options.drain_timeout_ms);
        body::drain(body, &head.headers, self.options.drained_bytes_max, time_max).await
    }

    async fn answer_page(
        &self,
        head: Parts,
        mut body: Incoming,
        mut record: Record,
    ) -> Result<http::Response<Outgoing>, Aborted> {
        record.service = Some("tinderbox");
        let answered = match self.find_page(&head) {
            Err(fault) => Err(fault),
            Ok(None) => Ok(Answer::Response(page::health())),
            Ok(Some((registered, rest_start))) => {
                match body::read(&mut body, page::BODY_MAX, self.options.body_idle_timeout()).await
                {
                    Err(ReadError::Broken(source)) => return Err(Aborted { source }),
                    Err(ReadError::Idle) => Err(refusal::idle()),
                    Err(ReadError::TooLarge) => {
                        Err(Fault::new("RequestEntityTooLargeException", 413, ""))
                    }
                    Ok(bytes) => {
                        let path = head.uri.path().to_owned();
                        let rest = path.get(rest_start..).unwrap_or_default();
                        registered.page.answer(rest, http::Request::from_parts(head, bytes)).await
                    }
                }
            }
        };
        Ok(match answered {
            Ok(Answer::Response(mut response)) => {
                set_request_id(&mut response, record.request_id);
                record.log(&response, None);
                finish(response)
            }
            Ok(Answer::File { file, content_type }) => record.answer_file(file, content_type),
            Err(fault) => {
                let mut response = Protocol::RestJson.write_fault(&fault, &record.request_id);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                record.log(&response, Some(&fault));
                finish(response)
            }
        })
    }

    /// The page, and where in the path its own part begins. `None` is health.
    fn find_page(&self, head: &Parts) -> Result<Option<(&page::Registered, usize)>, Fault> {
        let path = head.uri.path();
        if path == "/_tinderbox/health" {
            let is_read = matches!(head.method, Method::GET | Method::HEAD);
            return if is_read {
                Ok(None)
            } else {
                Err(Fault::new("MethodNotAllowedException", 405, ""))
            };
        }
        let Some((registered, rest)) = page::find(&self.pages, path) else {
            return Err(Fault::unknown_operation());
        };
        if registered.access == Access::Link {
            self.check_link(head).map_err(|error| refusal::unsigned(&error, Protocol::RestJson))?;
        }
        Ok(Some((registered, path.len() - rest.len())))
    }

    fn check_link(&self, head: &Parts) -> Result<(), SignatureError> {
        let claim = Claim::parse(head)?;
        let key =
            self.identity.find_link_key(claim.access_key_id()).ok_or(SignatureError::UnknownKey)?;
        claim.check_head(&key.credentials, clock::now())?;
        claim.check_signature(head, &key.credentials, PayloadHash::of(b""))
    }
}

/// A request that will be called: signed, whole, and within its limit.
struct Received {
    endpoint: Arc<dyn Endpoint>,
    route: Route<'static>,
    cx: Context,
    bytes: Bytes,
    /// Given back when the call has ended.
    room: Option<OwnedSemaphorePermit>,
}

impl Received {
    async fn call(self, head: Parts, record: Record) -> http::Response<Outgoing> {
        let protocol = self.route.protocol;
        match Running::new(self.run(head, record)).await {
            Ok(response) => response,
            Err(_panicked) => {
                metrics::CALLS_PANICKED.add(1);
                tracing::error!(request_id = %record.request_id, "call panicked");
                let response = protocol.write_fault(&Fault::internal(), &record.request_id);
                record.log(&response, Some(&Fault::internal()));
                finish(response)
            }
        }
    }

    async fn run(self, head: Parts, record: Record) -> http::Response<Outgoing> {
        let Self { endpoint, route, cx, bytes, room } = self;
        let mut response = endpoint.call(&cx, route, http::Request::from_parts(head, bytes)).await;
        set_request_id(&mut response, record.request_id);
        set_trace(&mut response, &cx.trace);
        record.send(response, room)
    }
}

impl Record {
    /// Logs the response once it is sent, and then gives `room` back.
    pub(crate) fn send(
        self,
        response: Response,
        room: Option<OwnedSemaphorePermit>,
    ) -> http::Response<Outgoing> {
        if matches!(response.body(), wire::Body::Whole(_)) {
            self.log(&response, None);
            return finish(response);
        }
        // It has begun, and ends when its last piece was taken, or its caller is gone.
        let status = response.status();
        response.map(|body| {
            Outgoing::Stream(Box::new(Streamed::new(body, move |bytes| {
                self.log_line(status, bytes, None);
                drop(room);
            })))
        })
    }

    pub(crate) fn log(&self, response: &Response, fault: Option<&Fault>) {
        let bytes = response.body().whole().map_or(0, Bytes::len);
        self.log_line(response.status(), bytes, fault);
    }

    fn log_line(&self, status: http::StatusCode, bytes: impl TryInto<u64>, fault: Option<&Fault>) {
        let at = u64::from(self.began.elapsed().subsec_nanos() / 64);
        metrics::count_request(self.service, self.operation, status.as_u16(), at);
        tracing::info!(
            request_id = %self.request_id,
            service = self.service,
            operation = self.operation,
            status = status.as_u16(),
            error = fault.map(|fault| fault.code.as_ref()),
            response_bytes = bytes.try_into().unwrap_or_default(),
            duration_ms = (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            "request ended"
        );
    }

    fn answer_file(
        &self,
        file: std::fs::File,
        content_type: &'static str,
    ) -> http::Response<Outgoing> {
        let length = match file.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) => {
                tracing::error!(request_id = %self.request_id, error = %error, "page file failed");
                return finish(
                    Protocol::RestJson.write_fault(&Fault::internal(), &self.request_id),
                );
            }
        };
        let body = Outgoing::File { file: tokio::fs::File::from_std(file), left: length };
        let mut response = http::Response::new(body);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        set_request_id(&mut response, self.request_id);
        self.log_line(response.status(), length, None);
        response
    }
}

fn operation_of(detected: &Detected) -> Option<&'static OperationSpec> {
    match detected {
        Detected::Operation { endpoint, route } => endpoint.spec().operations.get(route.operation?),
        Detected::UnknownOperation { .. } | Detected::UnknownService { .. } => None,
    }
}

/// The operation that a form asks for, for the log. Only names that are declared: the rest may be anything.
fn action_of(endpoint: &Arc<dyn Endpoint>, form: &[u8]) -> Option<&'static str> {
    let action = form.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(b"Action="))?;
    let operation =
        endpoint.spec().operations.iter().find(|operation| operation.name.as_bytes() == action)?;
    Some(operation.name)
}

pub(crate) async fn hash(bytes: &Bytes) -> PayloadHash {
    if bytes.len() <= HASHED_IN_PLACE_MAX {
        return PayloadHash::of(bytes);
    }
    let shared = bytes.clone();
    tokio::task::spawn_blocking(move || PayloadHash::of(&shared))
        .await
        .unwrap_or_else(|_| PayloadHash::of(bytes))
}

pub(crate) fn context(
    head: &Parts,
    key: &AccessKey,
    authority: Authority,
    region: Region,
    request_id: RequestId,
) -> Context {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Context {
        account: key.account.clone(),
        region,
        request_id,
        trace: trace(head),
        caller: key.caller.clone(),
        authority,
        endpoint: format!("http://{host}"),
    }
}

/// The trace that the caller is part of, or a new one.
pub(crate) fn trace(head: &Parts) -> TraceHeader {
    let given = head.headers.get(TRACE_ID).and_then(|value| value.to_str().ok());
    given.and_then(TraceHeader::parse).unwrap_or_else(|| TraceHeader::start(clock::epoch_seconds()))
}

pub(crate) fn set_trace(response: &mut Response, trace: &TraceHeader) {
    if let Ok(value) = HeaderValue::try_from(trace.to_string()) {
        response.headers_mut().insert(TRACE_ID, value);
    }
}

pub(crate) fn set_request_id<T>(response: &mut http::Response<T>, request_id: RequestId) {
    if !response.headers().contains_key(&REQUEST_ID) {
        let value = HeaderValue::try_from(request_id.to_string())
            .expect("digits and dashes make a header value");
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

/// For answers that are whole.
pub(crate) fn finish(response: Response) -> http::Response<Outgoing> {
    response.map(|body| match body {
        wire::Body::Whole(bytes) => Outgoing::Bytes(bytes),
        body @ wire::Body::Stream(_) => Outgoing::Stream(Box::new(Streamed::new(body, |_| {}))),
    })
}
