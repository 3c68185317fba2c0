// SPDX-License-Identifier: Apache-2.0
//! Filters: what is looked for in events that arrive, and where it goes.

use super::access::anything;
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, operations};

/// Subscription filters and metric filters.
#[operations("logs")]
pub trait FilterOperations: Send + Sync + 'static {
    fn put_subscription_filter();

    fn describe_subscription_filters();

    fn delete_subscription_filter();

    /// Tells which of some messages match a pattern, and what was found in them.
    #[operation(on = anything())]
    async fn test_metric_filter(
        &self,
        cx: &Context,
        input: TestMetricFilterInput,
    ) -> Result<TestMetricFilterOutput>;

    fn put_metric_filter();

    fn describe_metric_filters();

    fn delete_metric_filter();
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct TestMetricFilterInput {
    #[wire(like = FILTER_PATTERN)]
    pub filter_pattern: String,
    #[wire(like = TEST_EVENT_MESSAGES)]
    pub log_event_messages: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct TestMetricFilterOutput {
    pub matches: Option<Vec<MetricFilterMatchRecord>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct MetricFilterMatchRecord {
    pub event_number: Option<i64>,
    pub event_message: Option<String>,
    pub extracted_values: Option<BTreeMap<String, String>>,
}
