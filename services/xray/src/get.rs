// SPDX-License-Identifier: Apache-2.0
//! Traces with all their segments.

use crate::internal;
use api::xray::{BatchGetTracesInput, BatchGetTracesOutput, Segment, Trace, fault};
use names::TraceId;
use segments::Owner;
use serde_json::Value;
use std::collections::HashMap;
use traces::{Part, Traces};
use wire::Result;

/// Of one call, as on AWS.
const TRACES_MAX: usize = 5;
/// Bytes of the documents of a trace, as on AWS. What came later is left out, and `LimitExceeded` says so.
const TRACE_BYTES_MAX: usize = 500 << 10;

/// What was found of a trace.
#[derive(Default)]
struct Found {
    documents: Vec<String>,
    bytes: usize,
    is_too_long: bool,
}

/// The traces that a call asks for. Those that are no ids come second.
pub(crate) struct Asked {
    traces: Vec<TraceId>,
    others: Vec<String>,
}

pub(crate) fn asked(input: &BatchGetTracesInput) -> Result<Asked> {
    if input.trace_ids.len() > TRACES_MAX {
        let text = format!("TraceIds may have at most {TRACES_MAX} members.");
        return Err(fault::invalid_request(text));
    }
    // All are answered at once.
    if input.next_token.is_some() {
        return Err(fault::invalid_request("The NextToken is not valid."));
    }
    let (mut traces, mut others) = (Vec::new(), Vec::new());
    for text in &input.trace_ids {
        match text.parse() {
            Ok(trace) if traces.contains(&trace) => {}
            Ok(trace) => traces.push(trace),
            Err(_) => others.push(text.clone()),
        }
    }
    Ok(Asked { traces, others })
}

pub(crate) fn traces(kept: &Traces, owner: &Owner, asked: Asked) -> Result<BatchGetTracesOutput> {
    let Asked { traces, others } = asked;
    let mut found: HashMap<String, Found> = HashMap::new();
    if !traces.is_empty() {
        let mut see = |seen: traces::Seen<'_>| {
            let Some(trace) = trace_of(seen.text) else { return };
            if traces.iter().any(|asked| asked.as_str() == trace) {
                found.entry(trace).or_default().add(seen.text);
            }
        };
        kept.find(owner, &traces, &mut see).map_err(|error| internal(&error))?;
    }
    let traces =
        traces.iter().filter_map(|id| Some(trace(id.as_str(), &found.remove(id.as_str())?)));
    Ok(BatchGetTracesOutput {
        traces: Some(traces.collect()),
        unprocessed_trace_ids: Some(others),
        next_token: None,
    })
}

/// Which trace a document says that it is of.
pub(crate) fn trace_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        trace_id: String,
    }
    Some(serde_json::from_str::<Named>(text).ok()?.trace_id)
}

impl Found {
    fn add(&mut self, text: &str) {
        if self.bytes + text.len() > TRACE_BYTES_MAX {
            self.is_too_long = true;
            return;
        }
        self.bytes += text.len();
        self.documents.push(text.to_owned());
    }
}

fn trace(id: &str, found: &Found) -> Trace {
    let parts = Part::assemble(found.documents.iter().map(String::as_str));
    let times = parts.iter().filter_map(|part| {
        let time = |name: &str| part.members.get(name).and_then(Value::as_f64);
        let start = time("start_time")?;
        Some((start, time("end_time").unwrap_or(start)))
    });
    let (start, end) =
        times.fold((f64::MAX, f64::MIN), |(start, end), part| (start.min(part.0), end.max(part.1)));
    let segments = parts.into_iter().map(|part| Segment {
        id: Some(part.id),
        document: Some(Value::Object(part.members).to_string()),
    });
    Trace {
        id: Some(id.to_owned()),
        duration: Some((end - start).max(0.0)),
        limit_exceeded: Some(found.is_too_long),
        segments: Some(segments.collect()),
    }
}
