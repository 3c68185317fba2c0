// SPDX-License-Identifier: Apache-2.0
//! Requests from pages of other origins: what browsers are told, without the function being asked.

use api::lambda::Cors;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

/// The headers that answer a browser which asks before it sends its request. `None`: it is an ordinary request.
pub(crate) fn preflight(cors: &Cors, head: &Parts) -> Option<HeaderMap> {
    let asks = head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let mut answer = HeaderMap::new();
    if allow_origin(cors, &head.headers, &mut answer) {
        list(&mut answer, ACCESS_CONTROL_ALLOW_METHODS, cors.allow_methods.as_deref());
        list(&mut answer, ACCESS_CONTROL_ALLOW_HEADERS, cors.allow_headers.as_deref());
        if let Some(seconds) = cors.max_age {
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
    }
    Some(answer)
}

/// Tells the browser who may read the answer. What the URL says goes before what the function says.
pub(crate) fn decorate(cors: &Cors, asked: &HeaderMap, answer: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        answer.remove(name);
    }
    if allow_origin(cors, asked, answer) {
        list(answer, ACCESS_CONTROL_EXPOSE_HEADERS, cors.expose_headers.as_deref());
    }
}

/// Whether the origin that asks is one of those that are allowed; the answer then says so.
fn allow_origin(cors: &Cors, asked: &HeaderMap, answer: &mut HeaderMap) -> bool {
    let allowed = cors.allow_origins.as_deref().unwrap_or_default();
    let Some(origin) = asked.get(ORIGIN) else { return false };
    let is_everyone = allowed.iter().any(|origin| origin == "*");
    if !is_everyone && !allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
        return false;
    }
    let has_credentials = cors.allow_credentials == Some(true);
    if is_everyone && !has_credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
    if has_credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

fn list(answer: &mut HeaderMap, name: HeaderName, values: Option<&[String]>) {
    let joined = values.unwrap_or_default().join(",");
    if let Some(value) = HeaderValue::from_str(&joined).ok().filter(|_| !joined.is_empty()) {
        answer.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn strings(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn head(method: Method, headers: &[(&'static str, &'static str)]) -> Parts {
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
    fn check(headers: Option<HeaderMap>, expected: Expect) {
        let shown = headers.map(|headers| {
            let lines =
                headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            lines.collect::<Vec<_>>().join("\n")
        });
        expected.assert_eq(&shown.unwrap_or_else(|| "none".to_owned()));
    }

    const ASKS: [(&str, &str); 2] =
        [("origin", "https://example.com"), ("access-control-request-method", "PUT")];

    #[test]
    fn a_browser_asks_first() {
        let cors = Cors {
            allow_credentials: Some(true),
            allow_headers: strings(&["x-a", "x-b"]),
            allow_methods: strings(&["GET", "PUT"]),
            allow_origins: strings(&["https://example.com"]),
            expose_headers: None,
            max_age: Some(60),
        };
        check(
            preflight(&cors, &head(Method::OPTIONS, &ASKS)),
            expect![[r#"
                access-control-allow-origin: https://example.com
                vary: Origin
                access-control-allow-credentials: true
                access-control-allow-methods: GET,PUT
                access-control-allow-headers: x-a,x-b
                access-control-max-age: 60"#]],
        );
        let other = [("origin", "https://example.org"), ASKS[1]];
        check(preflight(&cors, &head(Method::OPTIONS, &other)), expect![""]);
        check(preflight(&cors, &head(Method::OPTIONS, &ASKS[..1])), expect!["none"]);
        check(preflight(&cors, &head(Method::GET, &ASKS)), expect!["none"]);
    }

    #[test]
    fn the_url_s_word_goes_before_the_function_s() {
        let everyone = Cors {
            allow_origins: strings(&["*"]),
            expose_headers: strings(&["x-c"]),
            ..Cors::default()
        };
        let decorated = |cors: &Cors, asked: &Parts| {
            let own = HeaderValue::from_static("https://own.example");
            let mut answer = HeaderMap::from_iter([(ACCESS_CONTROL_ALLOW_ORIGIN, own)]);
            decorate(cors, &asked.headers, &mut answer);
            Some(answer)
        };
        let asked = head(Method::GET, &ASKS[..1]);
        check(
            decorated(&everyone, &asked),
            expect![[r#"
                access-control-allow-origin: *
                access-control-expose-headers: x-c"#]],
        );
        let with_credentials = Cors { allow_credentials: Some(true), ..everyone.clone() };
        check(
            decorated(&with_credentials, &asked),
            expect![[r#"
                access-control-allow-origin: https://example.com
                vary: Origin
                access-control-allow-credentials: true
                access-control-expose-headers: x-c"#]],
        );
        check(decorated(&everyone, &head(Method::GET, &[])), expect![""]);
    }
}
