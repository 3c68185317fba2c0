// SPDX-License-Identifier: Apache-2.0
//! Filters: what is looked for in events that arrive, and where it goes.

use super::access::{anything, group, group_or_all, subscription};
use super::constraints::*;
use crate::cloudwatch::StandardUnit;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// Subscription filters and metric filters.
#[operations("logs")]
pub trait FilterOperations: Send + Sync + 'static {
    /// Sends events that match a pattern to a destination, as they arrive.
    #[operation(on = subscription(log_group_name, destination_arn, role_arn))]
    async fn put_subscription_filter(
        &self,
        cx: &Context,
        input: PutSubscriptionFilterInput,
    ) -> Result<()>;

    /// Lists the subscription filters of a log group, page by page.
    #[operation(on = group(log_group_name))]
    async fn describe_subscription_filters(
        &self,
        cx: &Context,
        input: DescribeSubscriptionFiltersInput,
    ) -> Result<DescribeSubscriptionFiltersOutput>;

    /// Deletes a subscription filter.
    #[operation(on = group(log_group_name))]
    async fn delete_subscription_filter(
        &self,
        cx: &Context,
        input: DeleteSubscriptionFilterInput,
    ) -> Result<()>;

    /// Tells which of some messages match a pattern, and what was found in them.
    #[operation(on = anything())]
    async fn test_metric_filter(
        &self,
        cx: &Context,
        input: TestMetricFilterInput,
    ) -> Result<TestMetricFilterOutput>;

    /// Makes a metric of events that match a pattern, as they arrive.
    #[operation(on = group(log_group_name))]
    async fn put_metric_filter(&self, cx: &Context, input: PutMetricFilterInput) -> Result<()>;

    /// Lists metric filters, of one log group or of all, page by page.
    #[operation(on = group_or_all(log_group_name))]
    async fn describe_metric_filters(
        &self,
        cx: &Context,
        input: DescribeMetricFiltersInput,
    ) -> Result<DescribeMetricFiltersOutput>;

    /// Deletes a metric filter.
    #[operation(on = group(log_group_name))]
    async fn delete_metric_filter(
        &self,
        cx: &Context,
        input: DeleteMetricFilterInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutSubscriptionFilterInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = FILTER_NAME)]
    pub filter_name: String,
    #[wire(like = FILTER_PATTERN)]
    pub filter_pattern: String,
    #[wire(like = DESTINATION_ARN)]
    pub destination_arn: String,
    #[wire(like = ROLE_ARN)]
    pub role_arn: Option<String>,
    pub distribution: Option<Distribution>,
    pub apply_on_transformed_logs: Option<bool>,
    #[wire(like = FIELD_SELECTION_CRITERIA)]
    pub field_selection_criteria: Option<String>,
    pub emit_system_fields: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DescribeSubscriptionFiltersInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = FILTER_NAME)]
    pub filter_name_prefix: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = DESCRIBE_LIMIT)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct DescribeSubscriptionFiltersOutput {
    pub subscription_filters: Option<Vec<SubscriptionFilter>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteSubscriptionFilterInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = FILTER_NAME)]
    pub filter_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutMetricFilterInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = FILTER_NAME)]
    pub filter_name: String,
    #[wire(like = FILTER_PATTERN)]
    pub filter_pattern: String,
    #[wire(like = METRIC_TRANSFORMATIONS)]
    pub metric_transformations: Vec<MetricTransformation>,
    pub apply_on_transformed_logs: Option<bool>,
    #[wire(like = FIELD_SELECTION_CRITERIA)]
    pub field_selection_criteria: Option<String>,
    pub emit_system_field_dimensions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct MetricTransformation {
    #[wire(like = METRIC_NAME)]
    pub metric_name: String,
    #[wire(like = METRIC_NAME)]
    pub metric_namespace: String,
    #[wire(like = METRIC_VALUE)]
    pub metric_value: String,
    pub default_value: Option<f64>,
    #[wire(like = DIMENSIONS)]
    pub dimensions: Option<BTreeMap<String, String>>,
    pub unit: Option<StandardUnit>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DescribeMetricFiltersInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: Option<String>,
    #[wire(like = FILTER_NAME)]
    pub filter_name_prefix: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = DESCRIBE_LIMIT)]
    pub limit: Option<i32>,
    #[wire(like = METRIC_NAME)]
    pub metric_name: Option<String>,
    #[wire(like = METRIC_NAME)]
    pub metric_namespace: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct DescribeMetricFiltersOutput {
    pub metric_filters: Option<Vec<MetricFilter>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct MetricFilter {
    pub filter_name: Option<String>,
    pub filter_pattern: Option<String>,
    pub metric_transformations: Option<Vec<MetricTransformation>>,
    pub creation_time: Option<i64>,
    pub log_group_name: Option<String>,
    pub apply_on_transformed_logs: Option<bool>,
    pub field_selection_criteria: Option<String>,
    pub emit_system_field_dimensions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteMetricFilterInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = FILTER_NAME)]
    pub filter_name: String,
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
pub struct SubscriptionFilter {
    pub filter_name: Option<String>,
    pub log_group_name: Option<String>,
    pub filter_pattern: Option<String>,
    pub destination_arn: Option<String>,
    pub role_arn: Option<String>,
    pub distribution: Option<Distribution>,
    pub apply_on_transformed_logs: Option<bool>,
    pub creation_time: Option<i64>,
    pub field_selection_criteria: Option<String>,
    pub emit_system_fields: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct MetricFilterMatchRecord {
    pub event_number: Option<i64>,
    pub event_message: Option<String>,
    pub extracted_values: Option<BTreeMap<String, String>>,
}

enumeration! {
    pub enum Distribution {
        Random = "Random",
        ByLogStream = "ByLogStream",
    }
}
