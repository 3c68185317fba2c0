// SPDX-License-Identifier: Apache-2.0
//! Amazon CloudWatch, API version 2010-08-01: metrics.

pub mod fault;

use std::collections::BTreeMap;
use wire::{
    Access, Constraints, Context, Input, Output, Result, Structure, Timestamp, enumeration, service,
};

/// Amazon CloudWatch.
#[service(
    rpc_cbor,
    json10,
    query,
    signing = "monitoring",
    actions = "cloudwatch",
    target = "GraniteServiceVersion20100801",
    version = "2010-08-01",
    namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/",
    faults = fault::MODELLED
)]
pub trait CloudWatch: Send + Sync + 'static {
    /// Adds values to metrics.
    #[operation(on = namespace(namespace))]
    async fn put_metric_data(&self, cx: &Context, input: PutMetricDataInput) -> Result<()>;

    /// Answers values of up to 500 metrics, and of expressions over them.
    #[operation(on = anything())]
    async fn get_metric_data(
        &self,
        cx: &Context,
        input: GetMetricDataInput,
    ) -> Result<GetMetricDataOutput>;

    /// Answers values of one metric.
    #[operation(on = anything())]
    async fn get_metric_statistics(
        &self,
        cx: &Context,
        input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput>;

    /// Answers which metrics there are.
    #[operation(on = anything())]
    async fn list_metrics(
        &self,
        cx: &Context,
        input: ListMetricsInput,
    ) -> Result<ListMetricsOutput>;

    fn associate_dataset_kms_key();
    fn create_resource_metrics_configuration();
    fn delete_alarm_mute_rule();
    fn delete_alarms();
    fn delete_anomaly_detector();
    fn delete_dashboards();
    fn delete_insight_rules();
    fn delete_metric_data_query_definition();
    fn delete_metric_stream();
    fn delete_resource_metrics_configuration();
    fn describe_alarm_contributors();
    fn describe_alarm_history();
    fn describe_alarms();
    fn describe_alarms_for_metric();
    fn describe_anomaly_detectors();
    fn describe_insight_rules();
    fn disable_alarm_actions();
    fn disable_insight_rules();
    fn disassociate_dataset_kms_key();
    fn enable_alarm_actions();
    fn enable_insight_rules();
    fn get_alarm_mute_rule();
    fn get_dashboard();
    fn get_dataset();
    fn get_insight_rule_report();
    fn get_metric_data_query_definition();
    fn get_metric_stream();
    fn get_metric_widget_image();
    fn get_o_tel_enrichment();
    fn get_resource_metrics_configuration();
    fn list_alarm_mute_rules();
    fn list_dashboards();
    fn list_managed_insight_rules();
    fn list_metric_data_query_definitions();
    fn list_metric_streams();
    fn list_tags_for_resource();
    fn put_alarm_mute_rule();
    fn put_anomaly_detector();
    fn put_composite_alarm();
    fn put_dashboard();
    fn put_insight_rule();
    fn put_log_alarm();
    fn put_managed_insight_rules();
    fn put_metric_alarm();
    fn put_metric_data_query_definition();
    fn put_metric_stream();
    fn set_alarm_state();
    fn start_metric_streams();
    fn start_o_tel_enrichment();
    fn stop_metric_streams();
    fn stop_o_tel_enrichment();
    fn tag_resource();
    fn untag_resource();
    fn update_o_tel_enrichment();
    fn update_resource_metrics_configuration();
}

fn anything(_: &Context) -> Access {
    Access::anything()
}

fn namespace(_: &Context, namespace: &str) -> Access {
    Access::anything().fact("cloudwatch:namespace", [namespace])
}

const NAME: Constraints = Constraints::NONE.length(1, 255);
const NAMESPACE: Constraints = NAME.pattern(wire::pattern!("[^:].*"));
const DIMENSIONS: Constraints = Constraints::NONE.length(0, 30);
const ENTITY_KEY: Constraints = Constraints::NONE.length(1, 32);
const ENTITY_KEY_VALUE: Constraints = Constraints::NONE.length(1, 2048);
const ENTITY_ATTRIBUTE: Constraints = Constraints::NONE.length(1, 256);
const ENTITY_ATTRIBUTE_VALUE: Constraints = Constraints::NONE.length(1, 2048);
const FROM_ONE: Constraints = Constraints::NONE.range(1, i64::MAX);

#[derive(Debug, Input)]
pub struct PutMetricDataInput {
    #[wire(like = NAMESPACE)]
    pub namespace: String,
    pub metric_data: Option<Vec<MetricDatum>>,
    pub entity_metric_data: Option<Vec<EntityMetrics>>,
    pub strict_entity_validation: Option<bool>,
}

#[derive(Debug, Structure)]
pub struct EntityMetrics {
    pub entity: Option<Entity>,
    pub metric_data: Option<Vec<MetricDatum>>,
}

/// What values belong to besides their metric.
#[derive(Debug, Structure)]
pub struct Entity {
    #[wire(length = "2..=4", keys = ENTITY_KEY, each = ENTITY_KEY_VALUE)]
    pub key_attributes: Option<BTreeMap<String, String>>,
    #[wire(length = "0..=10", keys = ENTITY_ATTRIBUTE, each = ENTITY_ATTRIBUTE_VALUE)]
    pub attributes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Structure)]
pub struct MetricDatum {
    #[wire(like = NAME)]
    pub metric_name: String,
    #[wire(like = DIMENSIONS)]
    pub dimensions: Option<Vec<Dimension>>,
    pub timestamp: Option<Timestamp>,
    pub value: Option<f64>,
    pub statistic_values: Option<StatisticSet>,
    pub values: Option<Vec<f64>>,
    pub counts: Option<Vec<f64>>,
    pub unit: Option<StandardUnit>,
    #[wire(like = FROM_ONE)]
    pub storage_resolution: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Structure)]
pub struct Dimension {
    #[wire(like = NAME)]
    pub name: String,
    #[wire(length = "1..=1024")]
    pub value: String,
}

#[derive(Debug, Clone, Copy, Structure)]
pub struct StatisticSet {
    pub sample_count: f64,
    pub sum: f64,
    pub minimum: f64,
    pub maximum: f64,
}

#[derive(Debug, Input)]
pub struct GetMetricDataInput {
    pub metric_data_queries: Vec<MetricDataQuery>,
    pub start_time: Timestamp,
    pub end_time: Timestamp,
    pub next_token: Option<String>,
    pub scan_by: Option<ScanBy>,
    pub max_datapoints: Option<i32>,
    pub label_options: Option<LabelOptions>,
}

#[derive(Debug, Structure)]
pub struct MetricDataQuery {
    #[wire(like = NAME)]
    pub id: String,
    pub metric_stat: Option<MetricStat>,
    #[wire(length = "1..=2048")]
    pub expression: Option<String>,
    pub label: Option<String>,
    pub return_data: Option<bool>,
    #[wire(like = FROM_ONE)]
    pub period: Option<i32>,
    #[wire(like = NAME)]
    pub account_id: Option<String>,
}

#[derive(Debug, Structure)]
pub struct MetricStat {
    pub metric: Metric,
    #[wire(like = FROM_ONE)]
    pub period: i32,
    pub stat: String,
    pub unit: Option<StandardUnit>,
}

#[derive(Debug, Clone, Structure)]
pub struct Metric {
    #[wire(like = NAMESPACE)]
    pub namespace: Option<String>,
    #[wire(like = NAME)]
    pub metric_name: Option<String>,
    #[wire(like = DIMENSIONS)]
    pub dimensions: Option<Vec<Dimension>>,
}

#[derive(Debug, Structure)]
pub struct LabelOptions {
    pub timezone: Option<String>,
}

#[derive(Debug, Output)]
pub struct GetMetricDataOutput {
    pub metric_data_results: Option<Vec<MetricDataResult>>,
    pub next_token: Option<String>,
    pub messages: Option<Vec<Message>>,
}

#[derive(Debug, Structure)]
pub struct MetricDataResult {
    #[wire(like = NAME)]
    pub id: Option<String>,
    pub label: Option<String>,
    pub timestamps: Option<Vec<Timestamp>>,
    pub values: Option<Vec<f64>>,
    pub status_code: Option<StatusCode>,
    pub messages: Option<Vec<Message>>,
}

#[derive(Debug, Structure)]
pub struct Message {
    pub code: Option<String>,
    pub value: Option<String>,
}

#[derive(Debug, Input)]
pub struct GetMetricStatisticsInput {
    #[wire(like = NAMESPACE)]
    pub namespace: String,
    #[wire(like = NAME)]
    pub metric_name: String,
    #[wire(like = DIMENSIONS)]
    pub dimensions: Option<Vec<Dimension>>,
    pub start_time: Timestamp,
    pub end_time: Timestamp,
    #[wire(like = FROM_ONE)]
    pub period: i32,
    #[wire(length = "1..=5")]
    pub statistics: Option<Vec<Statistic>>,
    #[wire(length = "1..=10")]
    pub extended_statistics: Option<Vec<String>>,
    pub unit: Option<StandardUnit>,
}

#[derive(Debug, Output)]
pub struct GetMetricStatisticsOutput {
    pub label: Option<String>,
    pub datapoints: Option<Vec<Datapoint>>,
}

#[derive(Debug, Default, Structure)]
pub struct Datapoint {
    pub timestamp: Option<Timestamp>,
    pub sample_count: Option<f64>,
    pub average: Option<f64>,
    pub sum: Option<f64>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub unit: Option<StandardUnit>,
    pub extended_statistics: Option<BTreeMap<String, f64>>,
}

#[derive(Debug, Input)]
pub struct ListMetricsInput {
    #[wire(like = NAMESPACE)]
    pub namespace: Option<String>,
    #[wire(like = NAME)]
    pub metric_name: Option<String>,
    #[wire(length = "0..=10")]
    pub dimensions: Option<Vec<DimensionFilter>>,
    pub next_token: Option<String>,
    pub recently_active: Option<RecentlyActive>,
    pub include_linked_accounts: Option<bool>,
    #[wire(like = NAME)]
    pub owning_account: Option<String>,
}

#[derive(Debug, Structure)]
pub struct DimensionFilter {
    #[wire(like = NAME)]
    pub name: String,
    #[wire(length = "1..=1024")]
    pub value: Option<String>,
}

#[derive(Debug, Output)]
pub struct ListMetricsOutput {
    pub metrics: Option<Vec<Metric>>,
    pub next_token: Option<String>,
    #[wire(each = NAME)]
    pub owning_accounts: Option<Vec<String>>,
}

enumeration! {
    pub enum StandardUnit {
        Seconds = "Seconds",
        Microseconds = "Microseconds",
        Milliseconds = "Milliseconds",
        Bytes = "Bytes",
        Kilobytes = "Kilobytes",
        Megabytes = "Megabytes",
        Gigabytes = "Gigabytes",
        Terabytes = "Terabytes",
        Bits = "Bits",
        Kilobits = "Kilobits",
        Megabits = "Megabits",
        Gigabits = "Gigabits",
        Terabits = "Terabits",
        Percent = "Percent",
        Count = "Count",
        BytesPerSecond = "Bytes/Second",
        KilobytesPerSecond = "Kilobytes/Second",
        MegabytesPerSecond = "Megabytes/Second",
        GigabytesPerSecond = "Gigabytes/Second",
        TerabytesPerSecond = "Terabytes/Second",
        BitsPerSecond = "Bits/Second",
        KilobitsPerSecond = "Kilobits/Second",
        MegabitsPerSecond = "Megabits/Second",
        GigabitsPerSecond = "Gigabits/Second",
        TerabitsPerSecond = "Terabits/Second",
        CountPerSecond = "Count/Second",
        None = "None",
    }
}

enumeration! {
    pub enum Statistic {
        SampleCount = "SampleCount",
        Average = "Average",
        Sum = "Sum",
        Minimum = "Minimum",
        Maximum = "Maximum",
    }
}

enumeration! {
    pub enum ScanBy {
        TimestampDescending = "TimestampDescending",
        TimestampAscending = "TimestampAscending",
    }
}

enumeration! {
    pub enum StatusCode {
        Complete = "Complete",
        InternalError = "InternalError",
        PartialData = "PartialData",
        Forbidden = "Forbidden",
    }
}

enumeration! {
    pub enum RecentlyActive {
        ThreeHours = "PT3H",
    }
}
