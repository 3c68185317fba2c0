// SPDX-License-Identifier: Apache-2.0
//! The seam to AWS Lambda: what subscription filters find is for functions, and `app` says how they get it.

use names::{AccountId, FunctionArn, TraceHeader};
use std::fmt;
use wire::{Blob, BoxFuture};

/// Whatever takes events for functions.
pub trait Functions: fmt::Debug + Send + Sync + 'static {
    /// Whether the function is there and its policy lets the log group have it called.
    fn check<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), NotTaken>>;

    /// Hands it an event, after the same check. It is on the disk when this is answered.
    fn send<'a>(
        &'a self,
        call: Call<'a>,
        trace: TraceHeader,
        event: Blob,
    ) -> BoxFuture<'a, Result<(), NotTaken>>;
}

/// Who calls which function.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub function: &'a FunctionArn,
    /// The ARN of the log group, with `:*` at its end as policies have it.
    pub source_arn: &'a str,
    pub source_account: &'a AccountId,
}

/// Why a function did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// It is not there, or does not let this group call it.
    #[error("refused: {0}")]
    Refused(String),
    /// It may a little later: it is throttled, or is being made.
    #[error("not now: {0}")]
    NotNow(String),
}
