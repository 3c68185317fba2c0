// SPDX-License-Identifier: Apache-2.0
//! What a poller needs to know of its mapping.

use event_patterns::Pattern;
use flow::{Fact, Outcome};
use names::QueueArn;
use serde_json::Value;
use std::time::Duration;

/// A mapping of a queue that is enabled.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub id: String,
    pub queue: QueueArn,
    /// The ARN, with its qualifier where it has one.
    pub function: String,
    pub batch_size: usize,
    pub window: Duration,
    pub filters: Vec<Pattern>,
    /// Whether the function says which messages of a batch failed.
    pub reports_failures: bool,
    pub scaling: Scaling,
    /// Whether its events are counted as metrics.
    pub counts_events: bool,
}

/// How many batches of one mapping may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    pub first: usize,
    pub max: usize,
    /// How many more, while there is a backlog.
    pub per_minute: u32,
    pub is_provisioned: bool,
}

/// What a provisioned poller has at once.
pub(crate) const POLLER_BATCHES: usize = 10;

impl Scaling {
    /// As AWS has it of a mapping that says nothing, or the most that there may be.
    pub fn on_demand(max: Option<usize>) -> Self {
        let max = max.unwrap_or(1_250);
        Self { first: max.min(5), max, per_minute: 300, is_provisioned: false }
    }

    /// Of provisioned pollers, each of which has ten batches at once. What bytes and receipts one of them brings in a second on AWS
    /// bounds none of these.
    pub const fn provisioned(pollers_min: usize, pollers_max: usize) -> Self {
        let (first, max) = (POLLER_BATCHES * pollers_min, POLLER_BATCHES * pollers_max);
        Self { first, max, per_minute: 1_000, is_provisioned: true }
    }
}

impl Mapping {
    /// What became of so many of its messages.
    pub(crate) fn fact(&self, outcome: Outcome, count: usize) -> Fact {
        Fact::new(self.queue.to_string(), &self.function, outcome).times(count)
    }

    /// Whether a filter is for this record. A pattern that looks into the body is for no body that is not a JSON object.
    pub(crate) fn wants(&self, record: &[u8]) -> bool {
        if self.filters.is_empty() {
            return true;
        }
        let Ok(mut record) = serde_json::from_slice::<Value>(record) else { return false };
        let body = record.get("body").and_then(Value::as_str);
        let body: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
        let body = body.filter(Value::is_object);
        let is_object = body.is_some();
        if let (Some(body), Some(place)) = (body, record.get_mut("body")) {
            *place = body;
        }
        let is_for =
            |filter: &Pattern| (is_object || !filter.looks_into("body")) && filter.matches(&record);
        self.filters.iter().any(is_for)
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.queue.name.ends_with(".fifo")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn mapping() -> Mapping {
        Mapping {
            id: "id".to_owned(),
            queue: "arn:aws:sqs:us-east-1:000000000000:q".parse().unwrap(),
            function: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            batch_size: 10,
            window: Duration::ZERO,
            filters: Vec::new(),
            reports_failures: false,
            scaling: Scaling::on_demand(None),
            counts_events: false,
        }
    }

    /// The table of formats in AWS's page on filters of Amazon SQS.
    #[test]
    fn formats_of_bodies_and_patterns() {
        let (text, object) = (json!({"body": "order"}), json!({"body": "{\"a\": 1}"}));
        let (of_text, of_object, of_none) = (
            r#"{"body": ["order"]}"#,
            r#"{"body": {"a": [1], "b": [{"exists": false}]}}"#,
            r#"{"eventSource": ["aws:sqs"]}"#,
        );
        for (pattern, record, expected) in [
            (of_text, &text, true),
            (of_object, &text, false),
            (r#"{"body": {"b": [{"exists": false}]}}"#, &text, false),
            (of_text, &object, false),
            (of_object, &object, true),
        ] {
            let filters = vec![Pattern::parse(pattern).unwrap()];
            let record = record.to_string();
            assert_eq!(
                Mapping { filters, ..mapping() }.wants(record.as_bytes()),
                expected,
                "{pattern} {record}"
            );
        }
        let filters = vec![Pattern::parse(of_none).unwrap()];
        let mapping = Mapping { filters, ..mapping() };
        for body in ["order", "{}"] {
            let record = json!({"body": body, "eventSource": "aws:sqs"}).to_string();
            assert!(mapping.wants(record.as_bytes()));
        }
        assert!(!mapping.wants(text.to_string().as_bytes()));
    }
}
