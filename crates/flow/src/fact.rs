// SPDX-License-Identifier: Apache-2.0
//! One thing that happened on the way of events from one place to another.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of a reason. Errors quote what their caller wrote.
const REASON_BYTES_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Milliseconds since 1970.
    pub time_ms: u64,
    /// Whose source it is.
    pub account: String,
    /// An ARN, [`API`](crate::API) or [`EVENTS`](crate::EVENTS).
    pub source: String,
    /// An ARN, or [`NOBODY`](crate::NOBODY).
    pub target: String,
    pub outcome: Outcome,
    /// Events, messages or records.
    pub count: usize,
    pub reason: Option<String>,
    pub request_id: Option<String>,
    pub trace_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is on the disk, and waits for its function.
    Accepted,
    /// Taken from a source, to be given to its function.
    Polled,
    /// The target has it.
    Delivered,
    /// The source has it no more.
    Deleted,
    /// Not what the target wants.
    Filtered,
    /// A policy does not let it.
    NotAllowed,
    TooOld,
    /// There is too much for the target now: it waits.
    Throttled,
    /// Failed, and will be tried again.
    Retried,
    /// Failed for good. It is told what follows: a record or a dead letter goes where those of the source go.
    Failed,
    /// The target has it, because another would not.
    DeadLetter,
    /// Failed for good, and is gone.
    Dropped,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Polled => "polled",
            Self::Delivered => "delivered",
            Self::Deleted => "deleted",
            Self::Filtered => "filtered",
            Self::NotAllowed => "not allowed",
            Self::TooOld => "too old",
            Self::Throttled => "throttled",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::DeadLetter => "dead letter",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Fact {
    /// Of one event. Its time is that at which it is told, and its account that of the first place that has one in its ARN.
    pub fn new(source: impl Into<String>, target: impl Into<String>, outcome: Outcome) -> Self {
        let (source, target) = (source.into(), target.into());
        let account = [&source, &target].into_iter().find_map(|place| account_of(place));
        Self {
            time_ms: 0,
            account: account.unwrap_or_default().to_owned(),
            source,
            target,
            outcome,
            count: 1,
            reason: None,
            request_id: None,
            trace_id: None,
        }
    }

    /// For a source whose ARN does not say whose it is.
    #[must_use]
    pub fn of(self, account: impl ToString) -> Self {
        Self { account: account.to_string(), ..self }
    }

    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self { count, ..self }
    }

    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        Self { reason: Some(reason), ..self }
    }

    #[must_use]
    pub fn in_request(self, id: impl ToString) -> Self {
        Self { request_id: Some(id.to_string()), ..self }
    }

    #[must_use]
    pub fn in_trace(self, id: impl ToString) -> Self {
        Self { trace_id: Some(id.to_string()), ..self }
    }
}

pub(crate) fn account_of(place: &str) -> Option<&str> {
    place.strip_prefix("arn:")?.split(':').nth(3).filter(|account| !account.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:111111111111:q";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:222222222222:function:f";

    #[test]
    fn it_is_of_the_account_of_its_source_if_that_has_one() {
        let account = |source, target| Fact::new(source, target, Outcome::Delivered).account;
        assert_eq!(account(QUEUE, FUNCTION), "111111111111");
        assert_eq!(account("api", FUNCTION), "222222222222");
        assert_eq!(account("arn:aws:s3:::bucket", FUNCTION), "222222222222");
        assert_eq!(account("api", "nowhere"), "");
    }

    #[test]
    fn a_reason_is_no_longer_than_it_may_be() {
        let fact = Fact::new(QUEUE, FUNCTION, Outcome::Dropped).because("ä".repeat(1_000));
        assert_eq!(fact.reason.map(|reason| reason.len()), Some(REASON_BYTES_MAX));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let fact = Fact::new(QUEUE, FUNCTION, Outcome::NotAllowed).times(3).in_request("r");
        let text = serde_json::to_string(&fact).unwrap();
        assert!(text.contains(r#""outcome":"not-allowed","count":3"#), "{text}");
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
    }
}
