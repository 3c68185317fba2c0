// SPDX-License-Identifier: Apache-2.0
//! One invocation, in and out.

use crate::response::ResponseWriter;
use bytes::Bytes;
use names::RequestId;
use segments::Sampled;

/// An event on its way to a function.
#[derive(Debug, Clone)]
pub struct Event {
    pub request_id: RequestId,
    pub payload: Bytes,
    /// Exactly as addressed: unqualified, `:$LATEST`, `:7`, `:alias`.
    pub invoked_arn: String,
    /// Decoded JSON.
    pub client_context: Option<String>,
    /// `{"cognitoIdentityId":"...","cognitoIdentityPoolId":"..."}`
    pub cognito_identity: Option<String>,
    /// Of a function with an environment for each tenant: whose event it is.
    pub tenant_id: Option<String>,
    /// `Root=1-...;Parent=...;Sampled=0`
    pub trace_id: String,
    /// If that trace is sampled.
    pub sampled: Option<Box<Sampled>>,
    /// Where a response goes that the function makes piece by piece. `None`: it is gathered, and is in the `Outcome`.
    pub response: Option<ResponseWriter>,
    /// Whether the caller reads the end of the log.
    pub wants_log_tail: bool,
}

/// How an invocation ended, as far as its caller is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the handler returned, or the error document. Empty when it was written to the event's `response`.
    pub payload: Bytes,
    /// The handler, its runtime or a limit failed it: `X-Amz-Function-Error: Unhandled`.
    pub is_function_error: bool,
    /// The last 4 KiB of the invocation's log.
    pub log_tail: Bytes,
}
