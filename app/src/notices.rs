// SPDX-License-Identifier: Apache-2.0
//! Where links lead that Amazon SNS puts into messages. Whoever has a link may follow it: to the certificate that messages are signed
//! under, to confirm a subscription, and to end one.

use crate::opening::Later;
use api::sns::SnsEndpoint;
use edge::{Answer, Page};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method};
use names::{RequestId, TraceHeader};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sns::Sns;
use wire::{Authority, BoxFuture, Context, Endpoint, Fault, Protocol, Request, Response, Route};

/// Under `/_tinderbox/`.
pub(crate) const PAGE: &str = "sns/";

/// What a link may ask for, and which of its parameters count. The first is an ARN.
const LINKS: [(&str, &[&str]); 2] = [
    ("ConfirmSubscription", &["TopicArn", "Token", "AuthenticateOnUnsubscribe"]),
    ("Unsubscribe", &["SubscriptionArn"]),
];

pub(crate) struct Notices(pub(crate) Later<SnsEndpoint<Sns>>);

impl Page for Notices {
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let topics = self.0.wait().await;
            if rest.is_empty() {
                return follow(topics, &request).await.map(Answer::Response);
            }
            let pem = topics.0.certificate(rest).await?.ok_or_else(nothing_there)?;
            let mut response = Response::new(pem.into());
            let kind = HeaderValue::from_static("application/x-pem-file");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            Ok(Answer::Response(response))
        })
    }
}

/// Calls what a link asks for, for nobody, with what is known from the link and nothing else.
async fn follow(topics: &SnsEndpoint<Sns>, request: &Request) -> Result<Response, Fault> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Fault::new("MethodNotAllowedException", 405, ""));
    }
    let query = request.uri().query().unwrap_or_default();
    let asked = parameter(query, "Action").unwrap_or_default();
    let link = LINKS.iter().find(|(action, _)| *action == asked);
    let (action, names) = link.ok_or_else(nothing_there)?;
    let told = names.iter().filter_map(|name| Some((*name, parameter(query, name)?)));
    let told: Vec<(&str, String)> = told.collect();
    let cx = context(request, &told).ok_or_else(nothing_there)?;
    let told = told
        .iter()
        .map(|(name, value)| format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let form = format!("Action={action}&Version=2010-03-31{}", told.collect::<String>());
    let mut call = Request::new(form.into());
    *call.method_mut() = Method::POST;
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    call.headers_mut().insert(CONTENT_TYPE, kind);
    let route = Route { protocol: Protocol::Query, operation: None, labels: Vec::new() };
    Ok(topics.call(&cx, route, call).await)
}

/// A link is for one topic or subscription, and so for the account and the region in that one's ARN.
fn context(request: &Request, told: &[(&str, String)]) -> Option<Context> {
    let (_, arn) = told.first()?;
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    Some(Context {
        account,
        region,
        request_id: RequestId::random(),
        trace: TraceHeader::start(0),
        caller: Sns::nobody(),
        // The service looks who may end what.
        authority: Authority::Full,
        endpoint: format!("http://{}", host.unwrap_or_default()),
    })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(known, _)| *known == name)?;
    percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

fn nothing_there() -> Fault {
    Fault::new("NotFound", 404, "There is nothing here.")
}
