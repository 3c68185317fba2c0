// SPDX-License-Identifier: Apache-2.0
//! What a function returned as the answer of its URL: API Gateway's format of version 2.0, or what can be made of anything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, CONTENT_TYPE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What an answer is if the function does not say.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Headers that are between the client and this server, or say how long the body is, which this server knows itself.
const NOT_THE_FUNCTIONS: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// Status and headers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// What a function says of its answer, be it the whole of it or the head of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    status_code: Option<Value>,
    headers: Option<serde_json::Map<String, Value>>,
    cookies: Option<Vec<String>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    is_base64_encoded: Option<bool>,
}

/// The answer that `payload` stands for. `None`: it stands for none.
pub(crate) fn infer(payload: &[u8]) -> Option<(Head, Bytes)> {
    let text = std::str::from_utf8(payload).ok()?;
    let json: &RawValue = serde_json::from_str(text).ok()?;
    let document = match json.get().starts_with('{') {
        true => serde_json::from_str::<Document<'_>>(json.get()),
        false => Ok(Document::NONE),
    };
    match document {
        Ok(Document { status_code: None, .. }) => {
            let head = Head::new(StatusCode::OK, JSON);
            Some((head, plain(json)?))
        }
        Ok(document) => {
            let body = document.body.map(plain).unwrap_or_default().unwrap_or_default();
            let body = match document.is_base64_encoded {
                Some(true) => STANDARD.decode(body).ok()?.into(),
                _ => body,
            };
            Some((document.head(JSON)?, body))
        }
        // It says something that only an answer says, in a way that none has.
        Err(_) => None,
    }
}

/// The head that a stream begins with.
pub(crate) fn prelude(json: &[u8]) -> Option<Head> {
    let document: Document<'_> = serde_json::from_slice(json).ok()?;
    document.head(HeaderValue::from_static("application/octet-stream"))
}

impl Head {
    pub(crate) fn new(status: StatusCode, content_type: HeaderValue) -> Self {
        Self { status, headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]) }
    }

    /// Whether an answer with this status has a body at all.
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

impl Document<'_> {
    const NONE: Self = Self {
        status_code: None,
        headers: None,
        cookies: None,
        body: None,
        is_base64_encoded: None,
    };

    fn head(self, content_type: HeaderValue) -> Option<Head> {
        let status = match self.status_code {
            None => 200,
            Some(Value::Number(number)) => u16::try_from(number.as_u64()?).ok()?,
            Some(Value::String(text)) => text.parse().ok()?,
            Some(_) => return None,
        };
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))?;
        let mut head = Head::new(status, content_type);
        for (name, value) in self.headers.unwrap_or_default() {
            let name: HeaderName = name.parse().ok()?;
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text,
                value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
                Value::Array(_) | Value::Object(_) => return None,
            };
            let value = HeaderValue::from_str(&value).ok()?;
            if !NOT_THE_FUNCTIONS.contains(&name) {
                head.headers.insert(name, value);
            }
        }
        for cookie in self.cookies.unwrap_or_default() {
            head.headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
        }
        Some(head)
    }
}

/// A text without its quotes; anything else as JSON without blanks, which is how AWS writes it.
fn plain(json: &RawValue) -> Option<Bytes> {
    let json = json.get();
    if json.starts_with('"') {
        return serde_json::from_str::<String>(json).ok().map(Bytes::from);
    }
    if json == "null" {
        return Some(Bytes::from_static(b"null"));
    }
    let (mut compact, mut is_text, mut is_escaped) = (Vec::with_capacity(json.len()), false, false);
    for byte in json.bytes() {
        if is_text || !byte.is_ascii_whitespace() {
            compact.push(byte);
        }
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ => {}
        }
    }
    Some(compact.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    #[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
    fn check(payload: &str, expected: Expect) {
        let shown = match infer(payload.as_bytes()) {
            None => "none".to_owned(),
            Some((head, body)) => {
                let headers: Vec<_> = head
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
                    .collect();
                format!(
                    "{} [{}] {:?}",
                    head.status.as_u16(),
                    headers.join(", "),
                    String::from_utf8_lossy(&body)
                )
            }
        };
        expected.assert_eq(&shown);
    }

    /// In the words of recordings of AWS, 2025-11: the lengths of these bodies are AWS's.
    #[test]
    fn what_is_no_answer_is_its_body() {
        check(
            r#"{"hello": "world"}"#,
            expect![[r#"200 [content-type=application/json] "{\"hello\":\"world\"}""#]],
        );
        check(
            r#"["hello", 3, true]"#,
            expect![[r#"200 [content-type=application/json] "[\"hello\",3,true]""#]],
        );
        check(r#""hello""#, expect![[r#"200 [content-type=application/json] "hello""#]]);
        check("3.1", expect![[r#"200 [content-type=application/json] "3.1""#]]);
        check("true", expect![[r#"200 [content-type=application/json] "true""#]]);
        check("null", expect![[r#"200 [content-type=application/json] "null""#]]);
        check(
            r#"{"statusCode": 200, "body": "body123"}"#,
            expect![[r#"200 [content-type=application/json] "body123""#]],
        );
        check(
            r#"{"statusCode": 200, "body": "{\"hello\": \"world\"}"}"#,
            expect![[r#"200 [content-type=application/json] "{\"hello\": \"world\"}""#]],
        );
        check(
            r#"{"b": 1, "a": " \" { x", "c": [ ]}"#,
            expect![[
                r#"200 [content-type=application/json] "{\"b\":1,\"a\":\" \\\" { x\",\"c\":[]}""#
            ]],
        );
    }

    #[test]
    fn what_an_answer_says() {
        check(
            r#"{"statusCode": "418", "body": "i'm a teapot"}"#,
            expect![[r#"418 [content-type=application/json] "i'm a teapot""#]],
        );
        check(
            r#"{"statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": 1, "Content-Length": "99", "connection": "close"}, "cookies": ["a=1; Secure", "b=2"], "body": "aGk=", "isBase64Encoded": true}"#,
            expect![[
                r#"201 [content-type=text/html, x-a=1, set-cookie=a=1; Secure, set-cookie=b=2] "hi""#
            ]],
        );
        check(r#"{"statusCode": 204}"#, expect![[r#"204 [content-type=application/json] """#]]);
        check(
            r#"{"statusCode": 200, "body": {"a": 1}, "headers": null}"#,
            expect![[r#"200 [content-type=application/json] "{\"a\":1}""#]],
        );
    }

    #[test]
    fn what_stands_for_no_answer() {
        for payload in [
            "",
            "no JSON",
            r#"{"statusCode": 99}"#,
            r#"{"statusCode": 100}"#,
            r#"{"statusCode": "x"}"#,
            r#"{"statusCode": 1000}"#,
            r#"{"statusCode": [200]}"#,
            r#"{"statusCode": 200, "headers": {"a b": "1"}}"#,
            r#"{"statusCode": 200, "headers": {"a": "1\n"}}"#,
            r#"{"statusCode": 200, "headers": {"a": ["1"]}}"#,
            r#"{"statusCode": 200, "cookies": "a=1"}"#,
            r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#,
        ] {
            assert_eq!(infer(payload.as_bytes()), None, "{payload}");
        }
    }

    proptest! {
        /// Whatever a function returns, nothing panics; and blanks are all that JSON loses.
        #[test]
        fn any_json_is_itself(text in "\\PC{0,30}", number in any::<i64>()) {
            let value = serde_json::json!({"text": text, "list": [number, {"deep": [null, text]}]});
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let (_, body) = infer(pretty.as_bytes()).unwrap();
            let compact = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(&*body, compact.as_bytes());
            infer(text.as_bytes());
            prelude(text.as_bytes());
        }
    }
}
