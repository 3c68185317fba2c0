// SPDX-License-Identifier: Apache-2.0
//! A request to a function URL as the event that its function gets: API Gateway's payload of version 2.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use time::OffsetDateTime;
use wire::Timestamp;

/// There is one route and one stage.
const DEFAULT: &str = "$default";

/// What of a request its event tells.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) url_id: &'a str,
    /// As the client wrote it, without a port.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) method: &'a str,
    /// As it was sent: nothing in it is decoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) source: IpAddr,
    pub(crate) request_id: String,
    /// `Root=1-5759e988-bd862e3fe1be46a994272793`, and what follows it.
    pub(crate) trace_id: &'a str,
    pub(crate) now: Timestamp,
    /// `None`: nobody had to sign.
    pub(crate) iam: Option<Iam<'a>>,
}

/// Who signed the request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Iam<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) caller_id: &'a str,
    pub(crate) cognito_identity: Option<()>,
    pub(crate) principal_org_id: Option<()>,
    pub(crate) user_arn: &'a str,
    pub(crate) user_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'static str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'a str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizer: Option<Authorizer<'a>>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'static str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
struct Authorizer<'a> {
    iam: &'a Iam<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: String,
    user_agent: String,
}

/// The event's JSON.
pub(crate) fn event(asked: &Asked<'_>) -> Bytes {
    let (body, is_base64_encoded) = body(asked.headers, asked.body);
    let event = Event {
        version: "2.0",
        route_key: DEFAULT,
        raw_path: asked.path,
        raw_query_string: asked.query,
        cookies: cookies(asked.headers),
        headers: headers(asked),
        query_string_parameters: query(asked.query),
        request_context: RequestContext {
            account_id: asked.iam.as_ref().map_or("anonymous", |iam| iam.account_id),
            api_id: asked.url_id,
            authorizer: asked.iam.as_ref().map(|iam| Authorizer { iam }),
            domain_name: asked.host,
            domain_prefix: asked.url_id,
            http: Http {
                method: asked.method,
                path: asked.path,
                protocol: "HTTP/1.1",
                source_ip: asked.source.to_string(),
                user_agent: asked.headers.get(USER_AGENT).map(text).unwrap_or_default(),
            },
            request_id: &asked.request_id,
            route_key: DEFAULT,
            stage: DEFAULT,
            time: time_text(asked.now),
            time_epoch: asked.now.epoch_ms(),
        },
        body,
        is_base64_encoded,
    };
    serde_json::to_vec(&event).expect("an event is maps with text for keys").into()
}

/// Bytes that are no ASCII are read as Latin-1, as HTTP once said.
fn text(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|byte| char::from(*byte)).collect()
}

/// By name, those of one name joined. Cookies are apart.
fn headers<'a>(asked: &Asked<'a>) -> BTreeMap<&'a str, String> {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in asked.headers.iter().filter(|(name, _)| **name != COOKIE) {
        join(headers.entry(name.as_str()).or_default(), &text(value));
    }
    join(headers.entry("x-forwarded-for").or_default(), &asked.source.to_string());
    for (name, value) in [
        ("x-amzn-trace-id", format!("Root={}", asked.trace_id)),
        ("x-forwarded-port", asked.port.to_string()),
        ("x-forwarded-proto", "http".to_owned()),
    ] {
        headers.insert(name, value);
    }
    headers
}

fn join(joined: &mut String, value: &str) {
    if !joined.is_empty() {
        joined.push(',');
    }
    joined.push_str(value);
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values: Vec<_> = headers.get_all(COOKIE).iter().map(text).collect();
    let cookies = values.iter().flat_map(|value| value.split(';')).map(str::trim);
    cookies.filter(|cookie| !cookie.is_empty()).map(ToOwned::to_owned).collect()
}

fn query(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        parameters
            .entry(decode(name))
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// The body, and whether it is in base64: what is not known to be text is.
fn body(headers: &HeaderMap, body: &[u8]) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    match std::str::from_utf8(body) {
        Ok(text) if is_text(headers) => (Some(text.to_owned()), false),
        _ => (Some(STANDARD.encode(body)), true),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_known = matches!(
        kind,
        "application/json"
            | "application/xml"
            | "application/javascript"
            | "application/ecmascript"
    );
    !headers.contains_key(CONTENT_ENCODING)
        && (is_known
            || kind.starts_with("text/")
            || kind.ends_with("+json")
            || kind.ends_with("+xml"))
}

/// `12/Mar/2020:19:03:58 +0000`
fn time_text(now: Timestamp) -> String {
    let at = OffsetDateTime::from_unix_timestamp(now.epoch_ms().div_euclid(1_000));
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = at.month().to_string();
    format!(
        "{:02}/{}/{}:{:02}:{:02}:{:02} +0000",
        at.day(),
        month.get(..3).unwrap_or_default(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
    fn check(headers: &[(&'static str, &'static str)], query: &str, body: &[u8], expected: Expect) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let event = event(&asked(&map, query, body));
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        let shown = ["cookies", "headers", "queryStringParameters", "body", "isBase64Encoded"]
            .iter()
            .filter_map(|name| Some(format!("{name} {}\n", event.get(name)?)));
        expected.assert_eq(&shown.collect::<String>());
    }

    fn asked<'a>(headers: &'a HeaderMap, query: &'a str, body: &'a [u8]) -> Asked<'a> {
        Asked {
            url_id: "0123456789abcdef0123456789abcdef",
            host: "0123456789abcdef0123456789abcdef.lambda-url.us-east-1.localhost",
            port: 4566,
            method: "POST",
            path: "/pa2%Fth/1",
            query,
            headers,
            body,
            source: "127.0.0.1".parse().unwrap(),
            request_id: "5fa8aeb8-f8bd-4e8e-a5c7-2ba1c2c1aae9".to_owned(),
            trace_id: "1-5759e988-bd862e3fe1be46a994272793",
            now: Timestamp::from_epoch_ms(1_583_348_638_390),
            iam: None,
        }
    }

    #[test]
    fn the_whole_event() {
        let mut headers = HeaderMap::new();
        headers.insert("User-Agent", HeaderValue::from_static("test/1"));
        let iam = Iam {
            access_key: "AKIA",
            account_id: "000000000000",
            caller_id: "AIDA",
            cognito_identity: None,
            principal_org_id: None,
            user_arn: "arn:aws:iam::000000000000:user/u",
            user_id: "AIDA",
        };
        let asked = Asked { iam: Some(iam), ..asked(&headers, "", b"") };
        let text = String::from_utf8(event(&asked).to_vec()).unwrap();
        expect![[r#"{"version":"2.0","routeKey":"$default","rawPath":"/pa2%Fth/1","rawQueryString":"","headers":{"user-agent":"test/1","x-amzn-trace-id":"Root=1-5759e988-bd862e3fe1be46a994272793","x-forwarded-for":"127.0.0.1","x-forwarded-port":"4566","x-forwarded-proto":"http"},"requestContext":{"accountId":"000000000000","apiId":"0123456789abcdef0123456789abcdef","authorizer":{"iam":{"accessKey":"AKIA","accountId":"000000000000","callerId":"AIDA","cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:iam::000000000000:user/u","userId":"AIDA"}},"domainName":"0123456789abcdef0123456789abcdef.lambda-url.us-east-1.localhost","domainPrefix":"0123456789abcdef0123456789abcdef","http":{"method":"POST","path":"/pa2%Fth/1","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"test/1"},"requestId":"5fa8aeb8-f8bd-4e8e-a5c7-2ba1c2c1aae9","routeKey":"$default","stage":"$default","time":"04/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390},"isBase64Encoded":false}"#]].assert_eq(&text);
    }

    #[test]
    fn headers_are_joined_and_cookies_apart() {
        check(
            &[
                ("x-a", "1"),
                ("x-a", "2"),
                ("cookie", "c=1; d=2"),
                ("cookie", "e=3"),
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "https"),
            ],
            "",
            b"",
            expect![[r#"
                cookies ["c=1","d=2","e=3"]
                headers {"x-a":"1,2","x-amzn-trace-id":"Root=1-5759e988-bd862e3fe1be46a994272793","x-forwarded-for":"10.0.0.1,127.0.0.1","x-forwarded-port":"4566","x-forwarded-proto":"http"}
                isBase64Encoded false
            "#]],
        );
    }

    #[test]
    fn parameters_are_decoded_and_joined() {
        let headers = HeaderMap::new();
        let event = event(&asked(&headers, "a=1&a=2&b=x%20y+z&c&%C3%A9=%", b""));
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        expect![[r#"{"a":"1,2","b":"x y z","c":"","é":"%"}"#]]
            .assert_eq(&event["queryStringParameters"].to_string());
        assert_eq!(event["rawQueryString"], "a=1&a=2&b=x%20y+z&c&%C3%A9=%");
    }

    #[test]
    fn what_is_not_known_to_be_text_is_in_base64() {
        let encoded = |headers: &[(&'static str, &'static str)], bytes: &[u8]| {
            let pairs = headers.iter().map(|(name, value)| {
                (name.parse::<http::HeaderName>().unwrap(), HeaderValue::from_static(value))
            });
            body(&pairs.collect(), bytes)
        };
        let content_type = |value: &'static str| [("content-type", value)];
        for text in ["text/plain", "Application/JSON; charset=utf-8", "image/svg+xml", "text/html"]
        {
            assert_eq!(encoded(&content_type(text), b"hi"), (Some("hi".to_owned()), false));
        }
        for binary in
            ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png"]
        {
            assert_eq!(encoded(&content_type(binary), b"hi"), (Some("aGk=".to_owned()), true));
        }
        assert_eq!(encoded(&[], b"hi"), (Some("aGk=".to_owned()), true));
        assert_eq!(encoded(&content_type("text/plain"), b"\xff"), (Some("/w==".to_owned()), true));
        let zipped = [("content-type", "text/plain"), ("content-encoding", "gzip")];
        assert_eq!(encoded(&zipped, b"hi"), (Some("aGk=".to_owned()), true));
    }
}
