// SPDX-License-Identifier: Apache-2.0
//! What browsers may do on pages of other origins.

use crate::bucket::Bucket;
use crate::call::{Call, set};
use crate::documents;
use crate::fault;
use http::header::ORIGIN;
use http::request::Parts;
use wire::{Element, Fault, Response, Result, Upload};

const RULES_MAX: usize = 100;
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

pub(crate) async fn put(call: &Call<'_>, body: &mut dyn Upload) -> Result<Response> {
    documents::put(call, body, "cors", "CORSConfiguration", check).await
}

fn check(root: &Element) -> Result<()> {
    let count = root.children.len();
    if count == 0 || count > RULES_MAX || root.children.iter().any(|rule| rule.name != "CORSRule") {
        return Err(fault::malformed_xml());
    }
    for rule in &root.children {
        if rule.child("AllowedOrigin").is_none() || rule.child("AllowedMethod").is_none() {
            return Err(fault::malformed_xml());
        }
        let unknown =
            rule.all("AllowedMethod").find(|method| !METHODS.contains(&method.text.trim()));
        if let Some(method) = unknown {
            let text = format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {}",
                method.text.trim()
            );
            return Err(fault::invalid_request(text));
        }
        for name in ["AllowedOrigin", "AllowedHeader"] {
            if rule.all(name).any(|it| it.text.matches('*').count() > 1) {
                let text = format!("{name} can not have more than one wildcard.");
                return Err(fault::invalid_request(text));
            }
        }
    }
    Ok(())
}

/// What a browser asks.
struct Asked<'a> {
    origin: &'a str,
    method: &'a str,
    headers: Vec<String>,
}

/// The answer to `OPTIONS`.
pub(crate) fn preflight(bucket: Option<&Bucket>, head: &Parts) -> Result<Response> {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(method)) = (text("origin"), text("access-control-request-method"))
    else {
        let text = "Insufficient information. Origin request header needed.";
        return Err(Fault::new("BadRequest", 400, text));
    };
    let wanted = text("access-control-request-headers").unwrap_or_default();
    let headers = wanted.split(',').map(|name| name.trim().to_ascii_lowercase());
    let headers = headers.filter(|name| !name.is_empty()).collect();
    let root = bucket.and_then(configuration);
    let Some(root) = root else {
        let text = "CORSResponse: CORS is not enabled for this bucket.";
        return Err(Fault::new("AccessForbidden", 403, text));
    };
    let asked = Asked { origin, method, headers };
    let mut response = Response::default();
    match root.children.iter().find(|rule| allows(rule, &asked)) {
        Some(rule) => {
            permit(&mut response, rule, &asked);
            if !wanted.is_empty() {
                set(&mut response, "access-control-allow-headers", &asked.headers.join(", "));
            }
            Ok(response)
        }
        None => {
            let text = "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
            Err(Fault::new("AccessForbidden", 403, text))
        }
    }
}

/// Tells a browser what it may do with an answer.
pub(crate) fn tell(bucket: Option<&Bucket>, head: &Parts, response: &mut Response) {
    let Some(origin) = head.headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let Some(root) = bucket.and_then(configuration) else { return };
    let asked = Asked { origin, method: head.method.as_str(), headers: Vec::new() };
    if let Some(rule) = root.children.iter().find(|rule| allows(rule, &asked)) {
        permit(response, rule, &asked);
    }
}

fn configuration(bucket: &Bucket) -> Option<Element> {
    let record = bucket.record();
    // It was read before it was kept.
    Element::parse(record.documents.get("cors")?).ok()
}

fn allows(rule: &Element, asked: &Asked<'_>) -> bool {
    let any = |name: &str, text: &str| rule.all(name).any(|it| fits(it.text.trim(), text));
    let folded = |text: &str| {
        rule.all("AllowedHeader").any(|it| fits(&it.text.trim().to_ascii_lowercase(), text))
    };
    any("AllowedOrigin", asked.origin)
        && rule.all("AllowedMethod").any(|it| it.text.trim() == asked.method)
        && asked.headers.iter().all(|name| folded(name))
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn permit(response: &mut Response, rule: &Element, asked: &Asked<'_>) {
    let joined = |name: &str| {
        let texts: Vec<&str> = rule.all(name).map(|it| it.text.trim()).collect();
        texts.join(", ")
    };
    let is_for_all = rule.all("AllowedOrigin").any(|it| it.text.trim() == "*");
    let origin = if is_for_all { "*" } else { asked.origin };
    set(response, "access-control-allow-origin", origin);
    set(response, "access-control-allow-methods", &joined("AllowedMethod"));
    if !is_for_all {
        set(response, "access-control-allow-credentials", "true");
    }
    if rule.child("ExposeHeader").is_some() {
        set(response, "access-control-expose-headers", &joined("ExposeHeader"));
    }
    if let Some(seconds) = rule.text_of("MaxAgeSeconds") {
        set(response, "access-control-max-age", seconds);
    }
    set(response, "vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::NAMESPACE;

    #[test]
    fn rules_are_read_and_asked() {
        let text = wire::XmlWriter::document("CORSConfiguration", NAMESPACE, |xml| {
            xml.element("CORSRule", |xml| {
                xml.text("AllowedOrigin", "https://*.example.com");
                xml.text("AllowedMethod", "GET");
                xml.text("AllowedHeader", "X-*");
            });
        });
        let root = Element::parse(&text).unwrap();
        assert!(check(&root).is_ok());
        let rule = &root.children[0];
        for (origin, method, header, expected) in [
            ("https://a.example.com", "GET", None, true),
            ("https://a.example.com", "GET", Some("x-a"), true),
            ("https://a.example.com", "GET", Some("y-a"), false),
            ("https://a.example.com", "PUT", None, false),
            ("https://example.com", "GET", None, false),
        ] {
            let headers = header.into_iter().map(str::to_owned).collect();
            assert_eq!(
                allows(rule, &Asked { origin, method, headers }),
                expected,
                "{origin} {method}"
            );
        }
    }
}
