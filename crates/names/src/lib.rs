// SPDX-License-Identifier: Apache-2.0
//! Identifiers that are valid because they exist: accounts, regions, function names, ARNs.
//!
//! Each is made by parsing and by nothing else, prints as it parses, and is stored as its text.

mod account;
mod function;
mod queue;
mod request_id;
mod serialize;
mod trace;

pub use account::{AccountId, InvalidAccountId, InvalidRegion, Region};
pub use function::{
    FunctionArn, FunctionName, FunctionReference, InvalidFunctionArn, InvalidFunctionName,
    InvalidFunctionReference, InvalidPartition, InvalidQualifier, Partition, Qualifier,
};
pub use queue::{InvalidQueueArn, QueueArn};
pub use request_id::{InvalidRequestId, RequestId};
pub use trace::{InvalidSegmentId, InvalidTraceId, SegmentId, TraceHeader, TraceId};
