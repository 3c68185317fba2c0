// SPDX-License-Identifier: Apache-2.0
//! Segments of traces, in the form that AWS X-Ray gives them: JSON documents.
//!
//! A segment says what one service did for a request. `lambda.rs` writes those of AWS Lambda, `document.rs` checks those of
//! others, `datagram.rs` reads them as SDKs send them to the X-Ray daemon, `sampler.rs` decides which requests are traced at all.
//! Pure: no clock, no I/O.
//!
//! Invariants:
//! - a [`Document`] is one that X-Ray takes: its ids, name and times are there, and it is not too long;
//! - whoever gives a document to a [`Sink`] waits for nothing.
//!
//! Not here: where documents are kept, and what is read from them.

mod datagram;
mod document;
mod lambda;
mod sampler;

pub use datagram::{DATAGRAM_BYTES_MAX, document_of};
pub use document::{BYTES_MAX, Document, Rejected};
pub use lambda::{Error, Function, FunctionSegment, Interval, ServiceSegment, Subsegment};
pub use sampler::Sampler;

use names::{AccountId, Region, SegmentId, TraceId};
use std::fmt;
use std::sync::Arc;

/// Whose traces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    pub account: AccountId,
    pub region: Region,
}

/// Where documents go.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Keeps a document, and says whether. It never waits: what there is no room for is dropped and counted.
    fn keep(&self, owner: &Owner, document: Document) -> bool;
}

/// An invocation of a trace that is sampled.
#[derive(Debug, Clone)]
pub struct Sampled {
    pub owner: Owner,
    /// Where its function may send segments of its own. `None` where its role may not.
    pub sink: Option<Arc<dyn Sink>>,
    /// If the platform says what it does: its function has active tracing.
    pub platform: Option<Ids>,
}

/// What the segment of a function is called.
#[derive(Debug, Clone)]
pub struct Ids {
    pub trace: TraceId,
    /// Of the segment, or the part of one, that the function was invoked from.
    pub parent: SegmentId,
    pub segment: SegmentId,
    /// Of the part that is the handler's: what the function's own subsegments are parts of.
    pub invocation: SegmentId,
}
