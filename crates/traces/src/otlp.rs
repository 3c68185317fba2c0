// SPDX-License-Identifier: Apache-2.0
//! Segments as spans of OpenTelemetry, in the JSON encoding of OTLP. Pure.
//!
//! A segment is a span of kind server, its parts are spans below it: of kind client where they call something, else internal.
//! Names of attributes are OpenTelemetry's where it has some; what X-Ray calls annotations are attributes of the same names.
//!
//! Invariant: what OTLP has no room for is left out, so that a collector refuses no request for the sake of one segment.

use names::SegmentId;
use segments::{Document, Owner};
use serde_json::{Map, Value, json};

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;
/// Of a segment: deeper parts are left out.
const DEPTH_MAX: usize = 64;
/// As nanoseconds the last one fits into 64 bits.
const MICROS_MAX: f64 = 1.8e16;

type Members = Map<String, Value>;

/// The request that exports these documents.
pub(crate) fn request(documents: &[(Owner, Document)]) -> String {
    let resources: Vec<Value> = documents.iter().filter_map(resource).collect();
    json!({ "resourceSpans": resources }).to_string()
}

/// What a collector says of spans that it did not take out of a request that it took.
pub(crate) fn refused(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = match partial.get("rejectedSpans")? {
        Value::String(count) => count.clone(),
        count => count.to_string(),
    };
    let message = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    (rejected != "0").then(|| format!("{rejected}: {message}"))
}

/// What is in progress is told once more when it has ended, and only then exported.
fn resource((owner, document): &(Owner, Document)) -> Option<Value> {
    let Ok(Value::Object(members)) = serde_json::from_str(document.text()) else { return None };
    if members.get("in_progress") == Some(&Value::Bool(true)) {
        return None;
    }
    let own_name = text(&members, "name").unwrap_or_default();
    let origin = text(&members, "origin").unwrap_or_default();
    let service = document.service();
    let mut attributes = vec![
        attribute("service.name", service.unwrap_or(own_name).into()),
        attribute("cloud.provider", "aws".into()),
        attribute("cloud.account.id", owner.account.as_str().into()),
        attribute("cloud.region", owner.region.as_str().into()),
    ];
    if service.is_some() || origin.starts_with("AWS::Lambda") {
        attributes.push(attribute("cloud.platform", "aws_lambda".into()));
        attributes.push(attribute("faas.name", service.unwrap_or(own_name).into()));
    }
    let mut spans = Vec::new();
    // `1-5759e988-bd862e3fe1be46a994272793`: OpenTelemetry has the digits only.
    let trace: String = document.trace().as_str().split('-').skip(1).collect();
    add(&mut spans, &trace, &members, None, 0);
    let scope = json!({ "scope": { "name": "tinderbox" }, "spans": spans });
    Some(json!({ "resource": { "attributes": attributes }, "scopeSpans": [scope] }))
}

/// Adds the span of a segment or of a part, and those of its parts.
fn add(spans: &mut Vec<Value>, trace: &str, members: &Members, parent: Option<&str>, depth: usize) {
    let Some(id) = id(members, "id").filter(|_| depth < DEPTH_MAX) else { return };
    let time = |name: &str| members.get(name).and_then(Value::as_f64);
    let start = time("start_time").unwrap_or_default();
    let end = time("end_time").unwrap_or(start).max(start);
    let is_segment = parent.is_none() && text(members, "type") != Some("subsegment");
    let kind = match text(members, "namespace") {
        _ if is_segment => SERVER,
        Some("aws" | "remote") => CLIENT,
        _ => INTERNAL,
    };
    let mut span = json!({
        "traceId": trace,
        "spanId": id,
        "name": text(members, "name").unwrap_or_default(),
        "kind": kind,
        "startTimeUnixNano": nanos(start),
        "endTimeUnixNano": nanos(end),
        "attributes": attributes(members),
    });
    let above = parent.map(str::to_owned).or_else(|| self::id(members, "parent_id"));
    let has = |name: &str| members.get(name) == Some(&Value::Bool(true));
    let exceptions = exceptions(members, &nanos(end));
    if let Some(optional) = span.as_object_mut() {
        optional.extend(above.map(|above| ("parentSpanId".to_owned(), above.into())));
        if has("fault") || has("error") {
            optional.insert("status".to_owned(), json!({ "code": ERROR }));
        }
        if !exceptions.is_empty() {
            optional.insert("events".to_owned(), exceptions.into());
        }
    }
    spans.push(span);
    for part in members.get("subsegments").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(part) = part {
            add(spans, trace, part, Some(&id), depth + 1);
        }
    }
}

fn attributes(members: &Members) -> Vec<Value> {
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(members.get(*first)?, |value, name| value.get(name))
    };
    let known: [(&str, &[&str]); 10] = [
        ("faas.invocation_id", &["aws", "request_id"]),
        ("cloud.resource_id", &["aws", "function_arn"]),
        ("cloud.resource_id", &["resource_arn"]),
        ("aws.operation", &["aws", "operation"]),
        ("aws.region", &["aws", "region"]),
        ("http.request.method", &["http", "request", "method"]),
        ("url.full", &["http", "request", "url"]),
        ("http.response.status_code", &["http", "response", "status"]),
        ("aws.xray.origin", &["origin"]),
        ("enduser.id", &["user"]),
    ];
    let known = known.iter().filter_map(|(name, path)| Some(attribute(name, at(path)?.clone())));
    let annotations = members.get("annotations").and_then(Value::as_object);
    let annotations = annotations.into_iter().flatten();
    known.chain(annotations.map(|(name, value)| attribute(name, value.clone()))).collect()
}

/// What went wrong, as events of the span.
fn exceptions(members: &Members, time: &str) -> Vec<Value> {
    let cause = members.get("cause").and_then(|cause| cause.get("exceptions")?.as_array());
    let event = |exception: &Value| {
        let named = [("exception.type", "type"), ("exception.message", "message")];
        let attributes: Vec<_> = named
            .iter()
            .filter_map(|(name, member)| Some(attribute(name, exception.get(member)?.clone())))
            .collect();
        json!({ "timeUnixNano": time, "name": "exception", "attributes": attributes })
    };
    cause.into_iter().flatten().map(event).collect()
}

fn attribute(name: &str, value: Value) -> Value {
    let value = match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    };
    json!({ "key": name, "value": value })
}

fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

/// Only documents as a whole were checked, and not the ids of their parts.
fn id(members: &Members, name: &str) -> Option<String> {
    let id: SegmentId = text(members, name)?.parse().ok()?;
    Some(id.to_string())
}

/// Of seconds since 1970: OTLP's JSON has numbers of this size as text.
fn nanos(seconds: f64) -> String {
    let micros = (seconds * 1e6).round().clamp(0.0, MICROS_MAX);
    format!("{micros:.0}000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn exported(document: Document) -> Value {
        let owner = Owner {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        serde_json::from_str(&request(&[(owner, document)])).unwrap()
    }

    fn spans(exported: &Value) -> &Value {
        &exported["resourceSpans"][0]["scopeSpans"][0]["spans"]
    }

    /// A document that lacks nothing, with `more` in it.
    fn document(more: Value) -> Document {
        let mut document = json!({
            "id": "53995c3f42cd8ad8", "trace_id": "1-5759e988-bd862e3fe1be46a994272793", "name": "f",
            "start_time": 1_763_000_000.25, "end_time": 1_763_000_001,
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Document::parse(&document.to_string()).unwrap()
    }

    #[test]
    fn a_segment_is_a_span_and_so_are_its_parts() {
        let exported = exported(document(json!({
            "parent_id": "00000000000000aa", "origin": "AWS::Lambda::Function",
            "aws": { "request_id": "r-1" }, "annotations": { "size": 3 },
            "subsegments": [{ "id": "00000000000000cc", "name": "dynamodb", "namespace": "aws",
                "start_time": 1_763_000_000.25, "end_time": 1_763_000_000.5, "fault": true,
                "cause": { "exceptions": [{ "type": "E", "message": "m" }] } }],
        })));
        expect![[r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"f"}},{"key":"cloud.provider","value":{"stringValue":"aws"}},{"key":"cloud.account.id","value":{"stringValue":"000000000000"}},{"key":"cloud.region","value":{"stringValue":"us-east-1"}},{"key":"cloud.platform","value":{"stringValue":"aws_lambda"}},{"key":"faas.name","value":{"stringValue":"f"}}]},"scopeSpans":[{"scope":{"name":"tinderbox"},"spans":[{"attributes":[{"key":"faas.invocation_id","value":{"stringValue":"r-1"}},{"key":"aws.xray.origin","value":{"stringValue":"AWS::Lambda::Function"}},{"key":"size","value":{"intValue":"3"}}],"endTimeUnixNano":"1763000001000000000","kind":2,"name":"f","parentSpanId":"00000000000000aa","spanId":"53995c3f42cd8ad8","startTimeUnixNano":"1763000000250000000","traceId":"5759e988bd862e3fe1be46a994272793"},{"attributes":[],"endTimeUnixNano":"1763000000500000000","events":[{"attributes":[{"key":"exception.type","value":{"stringValue":"E"}},{"key":"exception.message","value":{"stringValue":"m"}}],"name":"exception","timeUnixNano":"1763000000500000000"}],"kind":3,"name":"dynamodb","parentSpanId":"53995c3f42cd8ad8","spanId":"00000000000000cc","startTimeUnixNano":"1763000000250000000","status":{"code":2},"traceId":"5759e988bd862e3fe1be46a994272793"}]}]}]}"#]]
            .assert_eq(&exported.to_string());
    }

    #[test]
    fn a_part_of_its_own_is_its_functions() {
        let part = document(json!({ "type": "subsegment", "parent_id": "00000000000000aa" }));
        let exported = exported(part.of_service("g".into()));
        let resource = &exported["resourceSpans"][0]["resource"];
        assert_eq!(resource["attributes"][0]["value"]["stringValue"], "g");
        let span = &spans(&exported)[0];
        assert_eq!((&span["kind"], &span["parentSpanId"]), (&1.into(), &"00000000000000aa".into()));
    }

    #[test]
    fn what_otlp_has_no_room_for_is_left_out() {
        let odd = document(json!({
            "end_time": 1e300, "annotations": { "list": [1, null], "huge": u64::MAX },
            "subsegments": [{ "id": "x", "name": "odd" }, { "id": "00000000000000cc" }, 3],
        }));
        let exported_odd = exported(odd);
        let ids =
            spans(&exported_odd).as_array().unwrap().iter().map(|span| span["spanId"].clone());
        assert_eq!(ids.collect::<Vec<_>>(), ["53995c3f42cd8ad8", "00000000000000cc"]);
        assert_eq!(spans(&exported_odd)[0]["endTimeUnixNano"], "18000000000000000000");
        let begun = exported(document(json!({ "in_progress": true })));
        assert_eq!(begun, json!({ "resourceSpans": [] }));
    }

    #[test]
    fn a_collector_says_what_it_did_not_take() {
        assert_eq!(refused("{}"), None);
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedSpans":"0"}}"#), None);
        let told = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#;
        assert_eq!(refused(told).as_deref(), Some("2: too old"));
    }
}
