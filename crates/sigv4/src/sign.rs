// SPDX-License-Identifier: Apache-2.0
//! Signing: requests of our own, links to code, and what tests send.

use crate::canonical::{self, PathRule, Slash, encode_into, push_hex};
use crate::claim::{ALGORITHM, Scope, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN, signature};
use crate::{Credentials, Instant, Payload, PayloadHash};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};

/// Adds `X-Amz-Date`, the session token and `Authorization` to `head`. Signs `host`, `content-type` and all `x-amz-*`.
///
/// Does nothing useful without a `host` header: add it before.
pub fn sign(
    head: &mut Parts,
    payload: PayloadHash,
    access_key_id: &str,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: Instant,
) {
    head.headers.remove(header::AUTHORIZATION);
    head.headers.insert(X_AMZ_DATE, text_value(&now.to_string()));
    if let Some(token) = credentials.session_token() {
        head.headers.insert(X_AMZ_SECURITY_TOKEN, text_value(token));
    }
    let is_signed =
        |name: &str| matches!(name, "host" | "content-type") || name.starts_with("x-amz-");
    let mut names: Vec<&str> =
        head.headers.keys().map(header::HeaderName::as_str).filter(|n| is_signed(n)).collect();
    names.sort_unstable();
    let signed_headers = names.join(";");

    let scope_text = format!("{}/{region}/{service}", now.date_text());
    let scope = Scope::parse(&scope_text).expect("it was written with two slashes above");
    let hash = canonical::hash(
        &head.method,
        &head.uri,
        &head.headers,
        &signed_headers,
        Payload::Hash(payload),
        PathRule::Normal,
    )
    .expect("the names come from the headers");
    let signature = hex(&signature(credentials, now, &scope, &hash));
    head.headers.insert(
        header::AUTHORIZATION,
        text_value(&format!(
            "{ALGORITHM} Credential={access_key_id}/{scope_text}/{}, SignedHeaders={signed_headers}, \
             Signature={signature}",
            Scope::TERMINATOR
        )),
    );
}

/// A link that is good for a `GET` without a body.
#[derive(Debug, Clone, Copy)]
pub struct Presign<'a> {
    /// `http://127.0.0.1:4566`
    pub endpoint: &'a str,
    /// Percent-encoded where it must be, and without a query.
    pub path: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    pub now: Instant,
    /// 1 to 604800.
    pub expires_s: i64,
}

/// Signs a link. `None` when the endpoint and the path do not make a URL.
pub fn presign(
    link: &Presign<'_>,
    access_key_id: &str,
    credentials: &Credentials,
) -> Option<String> {
    let Presign { endpoint, path, region, service, now, expires_s } = *link;
    let scope_text = format!("{}/{region}/{service}", now.date_text());
    let scope = Scope::parse(&scope_text)?;

    let credential = encoded(&format!("{access_key_id}/{scope_text}/{}", Scope::TERMINATOR));
    let mut url = format!(
        "{endpoint}{path}?X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={now}\
         &X-Amz-Expires={expires_s}&X-Amz-SignedHeaders=host"
    );
    if let Some(token) = credentials.session_token() {
        url.push_str("&X-Amz-Security-Token=");
        url.push_str(&encoded(token));
    }

    let uri: Uri = url.parse().ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(uri.authority()?.as_str()).ok()?);
    let hash = canonical::hash(
        &Method::GET,
        &uri,
        &headers,
        "host",
        Payload::Hash(PayloadHash::of(b"")),
        PathRule::Normal,
    )?;
    let signature = hex(&signature(credentials, now, &scope, &hash));
    url.push_str("&X-Amz-Signature=");
    url.push_str(&signature);
    Some(url)
}

fn text_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("keys, tokens, regions and dates are printable text")
}

fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    String::from_utf8_lossy(&text).into_owned()
}

fn encoded(text: &str) -> String {
    let mut encoded = Vec::with_capacity(text.len() + 16);
    encode_into(&mut encoded, text.as_bytes(), Slash::Encoded);
    String::from_utf8_lossy(&encoded).into_owned()
}
