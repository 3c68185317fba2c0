// SPDX-License-Identifier: Apache-2.0
//! Documents: segments and subsegments as X-Ray takes them.

use names::{SegmentId, TraceId};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest document.
pub const BYTES_MAX: usize = 64 << 10;

const NAME_MAX: usize = 200;
/// How far a document may be nested. Whoever reads it goes down that far.
const DEPTH_MAX: usize = 64;

/// A segment, or a subsegment that was sent apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    trace: TraceId,
    id: SegmentId,
    text: String,
    /// Whose it is, if it does not say so itself.
    service: Option<Box<str>>,
}

/// Why a document is none. The texts are ours; the codes, which tell what is wrong, are AWS's where those were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the message is not in the format of the X-Ray daemon")]
    Format,
    #[error("the document is not a JSON object with the members of a segment")]
    Json,
    #[error("the document is longer than 64 KB")]
    TooLong,
    #[error("the document is nested too deeply")]
    TooDeep,
    #[error("id must be 16 hexadecimal digits")]
    Id,
    #[error("trace_id must be 1, 8 and 24 hexadecimal digits")]
    TraceId,
    #[error("name must be 1 to 200 characters")]
    Name,
    #[error("start_time must be a time, and end_time one that is not before it")]
    Time,
    #[error("a document that is not in_progress must have an end_time")]
    EndTime,
    #[error("a subsegment must have the 16 hexadecimal digits of its parent_id")]
    Parent,
}

#[derive(Deserialize)]
struct Members<'a> {
    id: Option<String>,
    trace_id: Option<String>,
    name: Option<String>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    in_progress: Option<bool>,
    #[serde(rename = "type")]
    kind: Option<String>,
    parent_id: Option<String>,
    #[serde(borrow)]
    subsegments: Option<&'a RawValue>,
}

impl Document {
    /// Checks a document.
    ///
    /// # Errors
    ///
    /// When X-Ray would not take it.
    pub fn parse(text: &str) -> Result<Self, Rejected> {
        if text.len() > BYTES_MAX {
            return Err(Rejected::TooLong);
        }
        if depth(text) > DEPTH_MAX {
            return Err(Rejected::TooDeep);
        }
        let members: Members<'_> = serde_json::from_str(text).map_err(|_| Rejected::Json)?;
        let id = members.id.as_deref().unwrap_or_default().parse().map_err(|_| Rejected::Id)?;
        let trace = members.trace_id.as_deref().unwrap_or_default();
        let trace = trace.parse().map_err(|_| Rejected::TraceId)?;
        if !matches!(members.name.as_deref().unwrap_or_default().chars().count(), 1..=NAME_MAX) {
            return Err(Rejected::Name);
        }
        let start = members.start_time.filter(|time| *time >= 0.0).ok_or(Rejected::Time)?;
        match members.end_time {
            Some(end) if end < start => return Err(Rejected::Time),
            None if members.in_progress != Some(true) => return Err(Rejected::EndTime),
            Some(_) | None => {}
        }
        let parent = members.parent_id.as_deref().map(str::parse::<SegmentId>);
        let must_have_parent = members.kind.as_deref() == Some("subsegment");
        if matches!(parent, Some(Err(_))) || (must_have_parent && parent.is_none()) {
            return Err(Rejected::Parent);
        }
        let subsegments = members.subsegments.map_or("[]", RawValue::get);
        if !(subsegments.starts_with('[') || subsegments == "null") {
            return Err(Rejected::Json);
        }
        Ok(Self { trace, id, text: text.to_owned(), service: None })
    }

    /// One that was made here.
    pub(crate) fn new(trace: TraceId, id: SegmentId, text: String) -> Self {
        Self { trace, id, text, service: None }
    }

    /// A part of a segment of this service.
    #[must_use]
    pub fn of_service(self, service: Box<str>) -> Self {
        Self { service: Some(service), ..self }
    }

    pub fn trace(&self) -> &TraceId {
        &self.trace
    }

    pub fn id(&self) -> SegmentId {
        self.id
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a part of a segment that is told apart is a part of. A segment is called like its service.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
}

impl Rejected {
    /// As `PutTraceSegments` tells it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Format | Self::Json | Self::TooDeep => "ParseError",
            Self::TooLong => "SegmentTooLarge",
            Self::Id => "InvalidId",
            Self::TraceId => "InvalidTraceId",
            Self::Name => "InvalidName",
            Self::Time | Self::EndTime => "InvalidTime",
            Self::Parent => "InvalidParentId",
        }
    }
}

/// How many brackets are open at once at most, those in strings not counted.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(change: serde_json::Value) -> Result<Document, Rejected> {
        let mut document = json!({
            "id": "53995c3f42cd8ad8", "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
            "name": "x", "start_time": 1.5, "end_time": 2,
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        Document::parse(&document.to_string())
    }

    #[test]
    fn what_x_ray_asks_for_is_there() {
        let document = parse(json!({ "annotations": { "a": 1 } })).unwrap();
        assert_eq!(document.id().to_string(), "53995c3f42cd8ad8");
        assert_eq!(document.trace().epoch_seconds(), 0x5759_e988);
        let sub = json!({ "type": "subsegment", "parent_id": "53995c3f42cd8ad9" });
        assert!(parse(sub).is_ok());
        assert!(parse(json!({ "end_time": null, "in_progress": true })).is_ok());
    }

    #[test]
    fn what_x_ray_refuses_is_refused() {
        let nested = (0..DEPTH_MAX).fold(json!([]), |inner, _| json!([inner]));
        for (change, expected) in [
            (json!({ "id": "x" }), Rejected::Id),
            (json!({ "id": null }), Rejected::Id),
            (json!({ "trace_id": "1-2-3" }), Rejected::TraceId),
            (json!({ "name": "" }), Rejected::Name),
            (json!({ "name": "x".repeat(201) }), Rejected::Name),
            (json!({ "start_time": null }), Rejected::Time),
            (json!({ "start_time": -1 }), Rejected::Time),
            (json!({ "end_time": 1 }), Rejected::Time),
            (json!({ "end_time": null }), Rejected::EndTime),
            (json!({ "end_time": "soon" }), Rejected::Json),
            (json!({ "type": "subsegment" }), Rejected::Parent),
            (json!({ "parent_id": "x" }), Rejected::Parent),
            (json!({ "subsegments": 1 }), Rejected::Json),
            (json!({ "metadata": nested }), Rejected::TooDeep),
            (json!({ "metadata": "x".repeat(BYTES_MAX) }), Rejected::TooLong),
        ] {
            assert_eq!(parse(change.clone()), Err(expected), "{change}");
        }
        assert_eq!(Document::parse("[]"), Err(Rejected::Json));
        assert_eq!(Document::parse(""), Err(Rejected::Json));
    }
}
