// SPDX-License-Identifier: Apache-2.0
//! Who is calling, and where.

use crate::Authority;
use names::{AccountId, Region, RequestId, TraceHeader};

/// What every operation may know about the call it serves.
#[derive(Debug, Clone)]
pub struct Context {
    /// The account whose resources are addressed: the caller's own.
    pub account: AccountId,
    /// The region of the request's signature scope.
    pub region: Region,
    pub request_id: RequestId,
    /// The caller's trace, or one that starts with this call.
    pub trace: TraceHeader,
    pub caller: Caller,
    /// What the caller may do. The dispatch asks it; services do for what only they know.
    pub authority: Authority,
    /// Scheme and authority the client used, such as `http://127.0.0.1:4566`: links in answers start with it.
    pub endpoint: String,
}

/// The principal behind the signature. Where nobody signed all of it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// `arn:aws:iam::000000000000:root`
    pub arn: String,
    /// `AIDA...`, `AROA...:session`, or the account id for root.
    pub user_id: String,
    pub access_key_id: String,
}
