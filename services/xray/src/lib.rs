// SPDX-License-Identifier: Apache-2.0
//! AWS X-Ray: segments come in, and traces are asked for.
//!
//! What is kept is in `traces`; here are AWS's operations and rules. `summary.rs` is what is told of a trace as a whole,
//! `filter` the expressions that choose among traces. Reads touch the disk and run on threads that may block.
//!
//! Invariants:
//! - a segment that was taken is found by the next read, unless there was no room for it;
//! - a filter expression that is not understood whole is refused.
//!
//! Not here: groups, rules of one's own, insights and graphs, which are declared and not built.

mod filter;
mod get;
mod sampling;
mod summary;

use api::xray::{
    BatchGetTracesInput, BatchGetTracesOutput, GetSamplingRulesInput, GetSamplingRulesOutput,
    GetSamplingTargetsInput, GetSamplingTargetsOutput, GetTraceSummariesInput,
    GetTraceSummariesOutput, PutTelemetryRecordsInput, PutTelemetryRecordsOutput,
    PutTraceSegmentsInput, PutTraceSegmentsOutput, UnprocessedTraceSegment, XRay, XRayEndpoint,
};
use segments::{Document, Owner, Sink as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use traces::Traces;
use wire::{Context, Endpoint, Fault, Result, Timestamp};

#[derive(Debug, Clone)]
pub struct Service {
    traces: Traces,
}

impl Service {
    pub const fn new(traces: Traces) -> Self {
        Self { traces }
    }

    /// The service, as it is called over the wire.
    pub fn endpoint(self) -> Arc<dyn Endpoint> {
        Arc::new(XRayEndpoint(self))
    }

    /// Works with traces on a thread that may block.
    async fn work<T: Send + 'static>(
        &self,
        cx: &Context,
        work: impl FnOnce(&Traces, &Owner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (traces, owner) = (self.traces.clone(), owner(cx));
        let done = tokio::task::spawn_blocking(move || work(&traces, &owner)).await;
        done.unwrap_or_else(|_| Err(Fault::internal()))
    }
}

impl XRay for Service {
    async fn put_trace_segments(
        &self,
        cx: &Context,
        input: PutTraceSegmentsInput,
    ) -> Result<PutTraceSegmentsOutput> {
        let owner = owner(cx);
        let mut unprocessed = Vec::new();
        for text in input.trace_segment_documents {
            let kept = Document::parse(&text).map(|document| self.traces.keep(&owner, document));
            let (code, message) = match kept {
                Ok(true) => continue,
                Ok(false) => ("ThrottledException", "too many segments at once".to_owned()),
                Err(rejected) => (rejected.code(), rejected.to_string()),
            };
            unprocessed.push(UnprocessedTraceSegment {
                id: id_of(&text),
                error_code: Some(code.to_owned()),
                message: Some(message),
            });
        }
        Ok(PutTraceSegmentsOutput { unprocessed_trace_segments: Some(unprocessed) })
    }

    /// It is taken, and nothing is told of it anywhere: AWS does not answer it either.
    async fn put_telemetry_records(
        &self,
        _: &Context,
        _: PutTelemetryRecordsInput,
    ) -> Result<PutTelemetryRecordsOutput> {
        Ok(PutTelemetryRecordsOutput {})
    }

    async fn get_sampling_rules(
        &self,
        _: &Context,
        _: GetSamplingRulesInput,
    ) -> Result<GetSamplingRulesOutput> {
        Ok(sampling::rules())
    }

    async fn get_sampling_targets(
        &self,
        _: &Context,
        input: GetSamplingTargetsInput,
    ) -> Result<GetSamplingTargetsOutput> {
        Ok(sampling::targets(&input, now()))
    }

    async fn batch_get_traces(
        &self,
        cx: &Context,
        input: BatchGetTracesInput,
    ) -> Result<BatchGetTracesOutput> {
        let asked = get::asked(&input)?;
        self.work(cx, move |traces, owner| get::traces(traces, owner, asked)).await
    }

    async fn get_trace_summaries(
        &self,
        cx: &Context,
        input: GetTraceSummariesInput,
    ) -> Result<GetTraceSummariesOutput> {
        let asked = summary::Asked::new(input)?;
        self.work(cx, move |traces, owner| asked.answer(traces, owner, now())).await
    }
}

/// The id in a document that was not taken, if it has one.
fn id_of(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(document.get("id")?.as_str()?.to_owned())
}

fn owner(cx: &Context) -> Owner {
    Owner { account: cx.account.clone(), region: cx.region.clone() }
}

/// An error of ours. Its chain goes to the log.
fn internal(error: &std::io::Error) -> Fault {
    tracing::error!(error = error as &dyn std::error::Error, "traces not available");
    Fault::internal()
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one clock of this service")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
