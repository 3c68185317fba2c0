// SPDX-License-Identifier: Apache-2.0
//! Requests to function URLs: from HTTP to an event, and from what the function returned to HTTP.
//!
//! A request comes twice: `receive_url` sees its head and says whether it is answered at once, and whether it must be signed;
//! `answer_url` gets the whole of it. What a URL is and how it changes is in `function_urls.rs`.

mod cors;
mod event;
mod response;
mod stream;

use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::function_urls::FunctionUrl;
use crate::invoke::Given;
use crate::read::Found;
use crate::service::Service;
use crate::{Invoke, Lambda};
use api::lambda::{FunctionUrlAuthType, InvokeMode};
use bytes::Bytes;
use event::{Asked, Iam};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use names::{AccountId, Qualifier, RequestId, TraceHeader};
use recordings::Kind;
use response::Head;
use std::net::IpAddr;
use std::sync::Arc;
use stream::Beginning;
use tokio::time::Instant;
use wire::{Access, Authority, Body, Caller, Context, Fault, Protocol, Response};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const FORBIDDEN: &str = r#"{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}"#;
/// What a call by a URL needs.
const ACTIONS: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];
const NO_SUCH_URL: &str = r#"{"Message":null}"#;

/// What is asked of whoever comes to a URL.
#[derive(Debug)]
pub enum UrlReception {
    /// That was all: a browser asked what it may ask, or there is no such URL.
    Answered(Response),
    Open,
    /// The request must be signed.
    Signed,
}

/// A request to a function URL.
#[derive(Debug)]
pub struct UrlRequest<'a> {
    pub url: &'a UrlName,
    pub request_id: RequestId,
    pub trace: Arc<TraceHeader>,
    pub source: IpAddr,
    /// As the client wrote it, without a port.
    pub host: &'a str,
    pub port: u16,
    /// What of the path is for the function, as it was sent.
    pub path: &'a str,
    pub head: &'a Parts,
    pub body: Bytes,
    /// `None`: nobody signed.
    pub caller: Option<UrlCaller<'a>>,
    /// What they may do, or nobody in particular.
    pub authority: Authority,
}

/// Who signed a request to a function URL.
#[derive(Debug, Clone, Copy)]
pub struct UrlCaller<'a> {
    pub account: &'a AccountId,
    pub caller: &'a Caller,
}

/// A URL, as a host or a path names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlName {
    pub id: String,
    /// `None`: the path says none.
    pub region: Option<String>,
}

/// A URL and whose it is.
struct Place {
    function: Arc<Function>,
    url: Arc<FunctionUrl>,
    /// `None`: the function itself.
    alias: Option<Qualifier>,
}

impl<I: Invoke> Lambda<I> {
    /// Looks at the head of a request.
    pub fn receive_url(&self, url: &UrlName, head: &Parts) -> UrlReception {
        let Some(Place { url, .. }) = self.service.find_url(url) else {
            return UrlReception::Answered(denied(NO_SUCH_URL));
        };
        if let Some(headers) = url.cors.as_ref().and_then(|cors| cors::preflight(cors, head)) {
            return UrlReception::Answered(build(StatusCode::OK, headers, Body::default()));
        }
        match url.auth_type {
            FunctionUrlAuthType::None => UrlReception::Open,
            FunctionUrlAuthType::AwsIam => UrlReception::Signed,
        }
    }

    /// Runs the function, if the caller may.
    pub async fn answer_url(&self, request: UrlRequest<'_>) -> Response {
        let Some(place) = self.service.find_url(request.url) else { return denied(NO_SUCH_URL) };
        let (request_id, began) = (request.request_id, Instant::now());
        let mut response = match self.service.answer_url(&place, &request).await {
            Ok(response) => response,
            Err(error) => Protocol::RestJson.write_fault(&Fault::from(error), &request_id),
        };
        if let Some(cors) = &place.url.cors {
            cors::decorate(cors, &request.head.headers, response.headers_mut());
        }
        let (key, alias) = (&place.function.key, place.alias.as_ref());
        self.service.note_url_request(key, alias, response.status(), began.elapsed());
        response
    }
}

impl<I: Invoke> Service<I> {
    fn find_url(&self, name: &UrlName) -> Option<Place> {
        let (function, qualifier) = self.table.find_url(&name.id)?;
        let region = function.key.region.as_str();
        if name.region.as_deref().is_some_and(|named| named != region) {
            return None;
        }
        let url = Arc::clone(function.urls.get(&qualifier)?);
        let alias = qualifier.parse().ok().filter(|qualifier| *qualifier != Qualifier::Latest);
        Some(Place { function, url, alias })
    }

    async fn answer_url(
        self: &Arc<Self>,
        place: &Place,
        request: &UrlRequest<'_>,
    ) -> Result<Response, Error> {
        let Some(found) = place.found() else { return Ok(denied(FORBIDDEN)) };
        if !place.lets_in(request, &found) {
            return Ok(denied(FORBIDDEN));
        }
        let given = Given {
            payload: self.event(place, request),
            client_context: None,
            tenant_id: None,
            is_dry_run: false,
            kind: Kind::FunctionUrl,
            wants_log_tail: false,
        };
        let admitted = self.admit(request.request_id, &request.trace, found, given).await?;
        let Some(admitted) = admitted else { return Ok(failed()) };
        match place.url.invoke_mode {
            InvokeMode::Buffered => {
                let outcome = self.run(admitted).await?;
                let answer = match outcome.is_function_error {
                    true => None,
                    false => response::infer(&outcome.payload),
                };
                Ok(answer.map_or_else(failed, |(head, body)| finish(head, body.into())))
            }
            InvokeMode::ResponseStream => match stream::begin(self.stream(admitted)).await {
                Beginning::Streams(head, rest) => Ok(finish(head, Body::Stream(Box::pin(rest)))),
                // As AWS has it, nothing is made of what a function returned that does not stream.
                Beginning::Whole(outcome) if !outcome.is_function_error => {
                    Ok(finish(Head::new(StatusCode::OK, response::JSON), outcome.payload.into()))
                }
                Beginning::Whole(_) | Beginning::Failed => Ok(failed()),
                Beginning::NotRun(error) => Err(error.into()),
            },
        }
    }

    fn event(&self, place: &Place, request: &UrlRequest<'_>) -> Bytes {
        let caller = request.caller;
        event::event(&Asked {
            url_id: &place.url.id,
            host: request.host,
            port: request.port,
            method: request.head.method.as_str(),
            path: request.path,
            query: request.head.uri.query().unwrap_or_default(),
            headers: &request.head.headers,
            body: &request.body,
            source: request.source,
            request_id: request.request_id.to_string(),
            trace_id: request.trace.root().as_str(),
            now: (self.options.clock)(),
            iam: caller.map(|UrlCaller { account, caller }| Iam {
                access_key: &caller.access_key_id,
                account_id: account.as_str(),
                caller_id: &caller.user_id,
                cognito_identity: None,
                principal_org_id: None,
                user_arn: &caller.arn,
                user_id: &caller.user_id,
            }),
        })
    }
}

impl Place {
    /// `None`: its alias is gone. The URL of an alias outlives it.
    fn found(&self) -> Option<Found> {
        let version = Arc::clone(self.function.find(self.alias.as_ref())?);
        let address = Address { key: self.function.key.clone(), qualifier: self.alias.clone() };
        Some(Found { address, function: Arc::clone(&self.function), version })
    }

    /// Whether who calls may invoke both the URL and the function.
    fn lets_in(&self, request: &UrlRequest<'_>, found: &Found) -> bool {
        let auth_type = self.url.auth_type;
        if auth_type == FunctionUrlAuthType::AwsIam && request.caller.is_none() {
            return false;
        }
        let key = &self.function.key;
        let cx = Context {
            account: request.caller.map_or(&key.account, |caller| caller.account).clone(),
            region: key.region.clone(),
            request_id: request.request_id,
            trace: TraceHeader::clone(&request.trace),
            caller: request.caller.map_or_else(Caller::default, |caller| caller.caller.clone()),
            authority: request.authority.clone(),
            endpoint: String::new(),
        };
        let access = || {
            Access::to(found.address.arn())
                .fact("lambda:FunctionUrlAuthType", [auth_type.as_str()])
                .fact("lambda:InvokedViaFunctionUrl", ["true"])
        };
        ACTIONS.iter().all(|action| cx.authority.check(&cx, action, access).is_ok())
    }
}

/// Nobody is told what exactly went wrong: so AWS answers.
fn failed() -> Response {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, response::JSON)]);
    build(StatusCode::BAD_GATEWAY, headers, Body::from("Internal Server Error".to_owned()))
}

fn denied(body: &'static str) -> Response {
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, response::JSON),
        (ERROR_TYPE, HeaderValue::from_static("AccessDeniedException")),
    ]);
    build(StatusCode::FORBIDDEN, headers, Body::from(Bytes::from_static(body.as_bytes())))
}

fn finish(head: Head, body: Body) -> Response {
    let body = if head.has_body() { body } else { Body::default() };
    build(head.status, head.headers, body)
}

fn build(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
