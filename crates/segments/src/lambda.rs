// SPDX-License-Identifier: Apache-2.0
//! The segments that AWS Lambda makes: one of the service that takes a request, one of the function that serves it.
//!
//! Names, origins and members are AWS's. What was not checked there: which of both is marked when a function fails. Here both are.

use crate::{Document, Ids};
use names::{AccountId, SegmentId, TraceId};
use serde::{Serialize, Serializer};

/// From when to when, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start_us: u64,
    pub end_us: u64,
}

/// Which function.
#[derive(Debug, Clone, Copy)]
pub struct Function<'a> {
    pub name: &'a str,
    /// As it was addressed.
    pub arn: &'a str,
    pub account: &'a AccountId,
}

/// Why a function failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: String,
    pub message: String,
}

/// `AWS::Lambda`: from when a request came until it was answered.
#[derive(Debug, Clone)]
pub struct ServiceSegment<'a> {
    pub trace: &'a TraceId,
    pub id: SegmentId,
    /// Where the request came from, if it said so.
    pub parent: Option<SegmentId>,
    pub function: Function<'a>,
    pub request_id: &'a str,
    pub interval: Interval,
    /// 202 of an asynchronous one, 429 of one that was throttled.
    pub status: u16,
    /// The function ran, and failed.
    pub has_failed: bool,
}

/// `AWS::Lambda::Function`: what went on in the environment.
#[derive(Debug, Clone)]
pub struct FunctionSegment<'a> {
    pub ids: &'a Ids,
    pub function: Function<'a>,
    pub request_id: &'a str,
    /// Of the environment, if this is its first invocation, or if it was initialised inside.
    pub initialization: Option<Interval>,
    /// It came from a snapshot.
    pub restore: Option<Interval>,
    pub invocation: Interval,
    /// What followed until the environment was through.
    pub overhead: Interval,
    pub error: Option<&'a Error>,
}

/// A part of a segment that is told apart from it.
#[derive(Debug, Clone)]
pub struct Subsegment<'a> {
    pub trace: &'a TraceId,
    pub id: SegmentId,
    pub parent: SegmentId,
    /// `Dwell Time`, `Attempt #1`
    pub name: &'a str,
    /// The name of the function.
    pub function: &'a str,
    pub interval: Interval,
    pub has_failed: bool,
}

/// A document's members, in the order in which AWS's have them.
#[derive(Serialize)]
struct Written<'a> {
    id: Id,
    name: &'a str,
    start_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    end_time: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<Id>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "is_false")]
    fault: bool,
    #[serde(skip_serializing_if = "is_false")]
    error: bool,
    #[serde(skip_serializing_if = "is_false")]
    throttle: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws: Option<Aws<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subsegments: Vec<Self>,
}

#[derive(Serialize)]
struct Aws<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_names: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
struct Http {
    response: HttpResponse,
}

#[derive(Serialize)]
struct HttpResponse {
    status: u16,
}

#[derive(Serialize)]
struct Cause<'a> {
    exceptions: [Exception<'a>; 1],
}

#[derive(Serialize)]
struct Exception<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

struct Id(SegmentId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Seconds.
struct Time(u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Exact until the year 2255.
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

impl<'a> Written<'a> {
    fn new(id: SegmentId, name: &'a str, interval: Interval) -> Self {
        Self {
            id: Id(id),
            name,
            start_time: Time(interval.start_us),
            trace_id: None,
            end_time: Time(interval.end_us.max(interval.start_us)),
            parent_id: None,
            kind: None,
            fault: false,
            error: false,
            throttle: false,
            cause: None,
            http: None,
            aws: None,
            origin: None,
            resource_arn: None,
            subsegments: Vec::new(),
        }
    }

    fn document(self, trace: &TraceId) -> Document {
        let id = self.id.0;
        // Text and numbers become JSON without fail.
        let text = serde_json::to_string(&self).unwrap_or_default();
        Document::new(trace.clone(), id, text)
    }
}

impl ServiceSegment<'_> {
    pub fn document(&self) -> Document {
        let is_throttled = self.status == 429;
        let segment = Written {
            trace_id: Some(self.trace.as_str()),
            parent_id: self.parent.map(Id),
            fault: self.has_failed || self.status >= 500,
            error: matches!(self.status, 400..=499),
            throttle: is_throttled,
            http: Some(Http { response: HttpResponse { status: self.status } }),
            aws: Some(Aws {
                account_id: None,
                function_arn: None,
                request_id: Some(self.request_id),
                resource_names: Some([self.function.name]),
            }),
            origin: Some("AWS::Lambda"),
            resource_arn: Some(self.function.arn),
            ..Written::new(self.id, self.function.name, self.interval)
        };
        segment.document(self.trace)
    }
}

impl FunctionSegment<'_> {
    pub fn document(&self) -> Document {
        let Self { ids, function, error, .. } = self;
        let part = |id, name, interval| Written {
            aws: Some(Aws {
                account_id: None,
                function_arn: Some(function.arn),
                request_id: None,
                resource_names: None,
            }),
            ..Written::new(id, name, interval)
        };
        let mut parts = Vec::new();
        for (name, interval) in [("Initialization", self.initialization), ("Restore", self.restore)]
        {
            parts.extend(interval.map(|interval| part(SegmentId::random(), name, interval)));
        }
        parts.push(Written {
            fault: error.is_some(),
            cause: error.map(cause_of),
            ..part(ids.invocation, "Invocation", self.invocation)
        });
        parts.push(part(SegmentId::random(), "Overhead", self.overhead));
        let first = self.initialization.or(self.restore).map_or(u64::MAX, |before| before.start_us);
        let interval = Interval {
            start_us: first.min(self.invocation.start_us),
            end_us: self.overhead.end_us.max(self.invocation.end_us),
        };
        let segment = Written {
            trace_id: Some(ids.trace.as_str()),
            parent_id: Some(Id(ids.parent)),
            fault: error.is_some(),
            cause: error.map(cause_of),
            aws: Some(Aws {
                account_id: Some(function.account.as_str()),
                function_arn: Some(function.arn),
                request_id: Some(self.request_id),
                resource_names: Some([function.name]),
            }),
            origin: Some("AWS::Lambda::Function"),
            subsegments: parts,
            ..Written::new(ids.segment, function.name, interval)
        };
        segment.document(&ids.trace)
    }
}

fn cause_of(error: &Error) -> Cause<'_> {
    Cause { exceptions: [Exception { message: &error.message, kind: &error.kind }] }
}

impl Subsegment<'_> {
    pub fn document(&self) -> Document {
        let segment = Written {
            trace_id: Some(self.trace.as_str()),
            parent_id: Some(Id(self.parent)),
            kind: Some("subsegment"),
            fault: self.has_failed,
            ..Written::new(self.id, self.name, self.interval)
        };
        segment.document(self.trace).of_service(self.function.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const TRACE: &str = "1-5759e988-bd862e3fe1be46a994272793";
    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

    fn function(account: &AccountId) -> Function<'_> {
        Function { name: "f", arn: ARN, account }
    }

    fn from(start_ms: u64, end_ms: u64) -> Interval {
        let base = 1_763_000_000_000_u64;
        Interval { start_us: (base + start_ms) * 1_000, end_us: (base + end_ms) * 1_000 }
    }

    fn ids() -> Ids {
        Ids {
            trace: TRACE.parse().unwrap(),
            parent: "00000000000000aa".parse().unwrap(),
            segment: "00000000000000bb".parse().unwrap(),
            invocation: "00000000000000cc".parse().unwrap(),
        }
    }

    #[test]
    fn the_service_says_what_it_answered() {
        let account: AccountId = "000000000000".parse().unwrap();
        let segment = |status, has_failed| {
            let document = ServiceSegment {
                trace: &TRACE.parse().unwrap(),
                id: "53995c3f42cd8ad8".parse().unwrap(),
                parent: Some("00000000000000aa".parse().unwrap()),
                function: function(&account),
                request_id: "r-1",
                interval: from(0, 20),
                status,
                has_failed,
            }
            .document();
            assert_eq!(Document::parse(document.text()).unwrap(), document);
            document.text().to_owned()
        };
        let told = [segment(200, false), segment(200, true), segment(429, false)];
        expect![[r#"
            {"id":"53995c3f42cd8ad8","name":"f","start_time":1763000000.0,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","end_time":1763000000.02,"parent_id":"00000000000000aa","http":{"response":{"status":200}},"aws":{"request_id":"r-1","resource_names":["f"]},"origin":"AWS::Lambda","resource_arn":"arn:aws:lambda:us-east-1:000000000000:function:f"}
            {"id":"53995c3f42cd8ad8","name":"f","start_time":1763000000.0,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","end_time":1763000000.02,"parent_id":"00000000000000aa","fault":true,"http":{"response":{"status":200}},"aws":{"request_id":"r-1","resource_names":["f"]},"origin":"AWS::Lambda","resource_arn":"arn:aws:lambda:us-east-1:000000000000:function:f"}
            {"id":"53995c3f42cd8ad8","name":"f","start_time":1763000000.0,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","end_time":1763000000.02,"parent_id":"00000000000000aa","error":true,"throttle":true,"http":{"response":{"status":429}},"aws":{"request_id":"r-1","resource_names":["f"]},"origin":"AWS::Lambda","resource_arn":"arn:aws:lambda:us-east-1:000000000000:function:f"}"#]]
        .assert_eq(&told.join("\n"));
    }

    #[test]
    fn a_function_has_its_phases_as_parts() {
        let account: AccountId = "000000000000".parse().unwrap();
        let (ids, error) = (ids(), Error { kind: "KeyError".into(), message: "'x'".into() });
        let warm = FunctionSegment {
            ids: &ids,
            function: function(&account),
            request_id: "r-1",
            initialization: None,
            restore: None,
            invocation: from(0, 5),
            overhead: from(5, 6),
            error: Some(&error),
        };
        let cold = FunctionSegment {
            initialization: Some(from(0, 100)),
            invocation: from(100, 105),
            overhead: from(105, 106),
            error: None,
            ..warm.clone()
        };
        let names = |segment: &FunctionSegment<'_>| {
            let document = segment.document();
            assert_eq!(Document::parse(document.text()).unwrap(), document);
            let value: serde_json::Value = serde_json::from_str(document.text()).unwrap();
            assert_eq!(value["parent_id"], "00000000000000aa");
            let parts = value["subsegments"].as_array().unwrap().iter();
            let parts: Vec<_> =
                parts.map(|part| part["name"].as_str().unwrap().to_owned()).collect();
            (parts.join(" "), value)
        };
        let (parts, value) = names(&cold);
        assert_eq!(parts, "Initialization Invocation Overhead");
        assert_eq!(
            (&value["start_time"], &value["fault"]),
            (&1_763_000_000.0.into(), &serde_json::Value::Null)
        );
        let (parts, value) = names(&warm);
        assert_eq!(parts, "Invocation Overhead");
        expect![[r#"{"aws":{"function_arn":"arn:aws:lambda:us-east-1:000000000000:function:f"},"cause":{"exceptions":[{"message":"'x'","type":"KeyError"}]},"end_time":1763000000.005,"fault":true,"id":"00000000000000cc","name":"Invocation","start_time":1763000000.0}"#]]
            .assert_eq(&value["subsegments"][0].to_string());
    }
}
