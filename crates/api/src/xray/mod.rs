// SPDX-License-Identifier: Apache-2.0
//! AWS X-Ray, API version 2016-04-12: segments of traces, and what is asked of them.

pub mod fault;
pub mod summary;

pub use summary::*;

use std::collections::BTreeMap;
use wire::{Access, Constraints, Context, Input, Output, Result, Structure, Timestamp, service};

/// AWS X-Ray. Nothing that it has is a resource of IAM but groups and rules.
#[service(rest_json, signing = "xray", version = "2016-04-12", faults = fault::MODELLED)]
pub trait XRay: Send + Sync + 'static {
    /// Keeps segments of traces.
    #[operation(http = "POST /TraceSegments", on = anything())]
    async fn put_trace_segments(
        &self,
        cx: &Context,
        input: PutTraceSegmentsInput,
    ) -> Result<PutTraceSegmentsOutput>;

    /// Takes what a daemon says of itself.
    #[operation(http = "POST /TelemetryRecords", on = anything())]
    async fn put_telemetry_records(
        &self,
        cx: &Context,
        input: PutTelemetryRecordsInput,
    ) -> Result<PutTelemetryRecordsOutput>;

    /// Answers by which rules SDKs sample.
    #[operation(http = "POST /GetSamplingRules", on = anything())]
    async fn get_sampling_rules(
        &self,
        cx: &Context,
        input: GetSamplingRulesInput,
    ) -> Result<GetSamplingRulesOutput>;

    /// Answers how much an SDK may sample.
    #[operation(http = "POST /SamplingTargets", on = anything())]
    async fn get_sampling_targets(
        &self,
        cx: &Context,
        input: GetSamplingTargetsInput,
    ) -> Result<GetSamplingTargetsOutput>;

    /// Answers traces with all their segments.
    #[operation(http = "POST /Traces", on = anything())]
    async fn batch_get_traces(
        &self,
        cx: &Context,
        input: BatchGetTracesInput,
    ) -> Result<BatchGetTracesOutput>;

    /// Answers which traces there are.
    #[operation(http = "POST /TraceSummaries", on = anything())]
    async fn get_trace_summaries(
        &self,
        cx: &Context,
        input: GetTraceSummariesInput,
    ) -> Result<GetTraceSummariesOutput>;

    #[operation(http = "POST /CancelTraceRetrieval")]
    fn cancel_trace_retrieval();

    #[operation(http = "POST /CreateGroup")]
    fn create_group();

    #[operation(http = "POST /CreateSamplingRule")]
    fn create_sampling_rule();

    #[operation(http = "POST /DeleteGroup")]
    fn delete_group();

    #[operation(http = "POST /DeleteResourcePolicy")]
    fn delete_resource_policy();

    #[operation(http = "POST /DeleteSamplingRule")]
    fn delete_sampling_rule();

    #[operation(http = "POST /EncryptionConfig")]
    fn get_encryption_config();

    #[operation(http = "POST /GetGroup")]
    fn get_group();

    #[operation(http = "POST /Groups")]
    fn get_groups();

    #[operation(http = "POST /GetIndexingRules")]
    fn get_indexing_rules();

    #[operation(http = "POST /Insight")]
    fn get_insight();

    #[operation(http = "POST /InsightEvents")]
    fn get_insight_events();

    #[operation(http = "POST /InsightImpactGraph")]
    fn get_insight_impact_graph();

    #[operation(http = "POST /InsightSummaries")]
    fn get_insight_summaries();

    #[operation(http = "POST /GetRetrievedTracesGraph")]
    fn get_retrieved_traces_graph();

    #[operation(http = "POST /SamplingStatisticSummaries")]
    fn get_sampling_statistic_summaries();

    #[operation(http = "POST /ServiceGraph")]
    fn get_service_graph();

    #[operation(http = "POST /TimeSeriesServiceStatistics")]
    fn get_time_series_service_statistics();

    #[operation(http = "POST /TraceGraph")]
    fn get_trace_graph();

    #[operation(http = "POST /GetTraceSegmentDestination")]
    fn get_trace_segment_destination();

    #[operation(http = "POST /ListResourcePolicies")]
    fn list_resource_policies();

    #[operation(http = "POST /ListRetrievedTraces")]
    fn list_retrieved_traces();

    #[operation(http = "POST /ListTagsForResource")]
    fn list_tags_for_resource();

    #[operation(http = "POST /PutEncryptionConfig")]
    fn put_encryption_config();

    #[operation(http = "POST /PutResourcePolicy")]
    fn put_resource_policy();

    #[operation(http = "POST /StartTraceRetrieval")]
    fn start_trace_retrieval();

    #[operation(http = "POST /TagResource")]
    fn tag_resource();

    #[operation(http = "POST /UntagResource")]
    fn untag_resource();

    #[operation(http = "POST /UpdateGroup")]
    fn update_group();

    #[operation(http = "POST /UpdateIndexingRule")]
    fn update_indexing_rule();

    #[operation(http = "POST /UpdateSamplingRule")]
    fn update_sampling_rule();

    #[operation(http = "POST /UpdateTraceSegmentDestination")]
    fn update_trace_segment_destination();
}

fn anything(_: &Context) -> Access {
    Access::anything()
}

const NONE: Constraints = Constraints::NONE;
const ANOMALY_COUNT: Constraints = NONE.range(0, i64::MAX);
const BORROW_COUNT: Constraints = NONE.range(0, i64::MAX);
const CLIENT_ID: Constraints = NONE.length(24, 24);
const EC2_INSTANCE_ID: Constraints = NONE.length(0, 20);
const HOSTNAME: Constraints = NONE.length(0, 255);
const REQUEST_COUNT: Constraints = NONE.range(0, i64::MAX);
const RESOURCE_ARN: Constraints = NONE.length(0, 500);
const RULE_NAME: Constraints = NONE.length(1, 32);
const SAMPLED_ANOMALY_COUNT: Constraints = NONE.range(0, i64::MAX);
const SAMPLED_COUNT: Constraints = NONE.range(0, i64::MAX);
const SAMPLING_BOOST_STATISTICS_DOCUMENT_LIST: Constraints = NONE.length(0, 25);
const SAMPLING_STATISTICS_DOCUMENT_LIST: Constraints = NONE.length(0, 25);
const SERVICE_NAME: Constraints = NONE.length(0, 64);
const TOTAL_COUNT: Constraints = NONE.range(0, i64::MAX);
const TRACE_ID: Constraints = NONE.length(1, 35);
const TRACE_ID_LIST: Constraints = NONE.each(&TRACE_ID);

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutTraceSegmentsInput {
    pub trace_segment_documents: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct UnprocessedTraceSegment {
    pub id: Option<String>,
    pub error_code: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutTraceSegmentsOutput {
    pub unprocessed_trace_segments: Option<Vec<UnprocessedTraceSegment>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct BackendConnectionErrors {
    pub timeout_count: Option<i32>,
    pub connection_refused_count: Option<i32>,
    #[wire(name = "HTTPCode4XXCount")]
    pub http_code4_xx_count: Option<i32>,
    #[wire(name = "HTTPCode5XXCount")]
    pub http_code5_xx_count: Option<i32>,
    pub unknown_host_count: Option<i32>,
    pub other_count: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct TelemetryRecord {
    pub timestamp: Timestamp,
    pub segments_received_count: Option<i32>,
    pub segments_sent_count: Option<i32>,
    pub segments_spillover_count: Option<i32>,
    pub segments_rejected_count: Option<i32>,
    pub backend_connection_errors: Option<BackendConnectionErrors>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutTelemetryRecordsInput {
    pub telemetry_records: Vec<TelemetryRecord>,
    #[wire(name = "EC2InstanceId", like = EC2_INSTANCE_ID)]
    pub ec2_instance_id: Option<String>,
    #[wire(like = HOSTNAME)]
    pub hostname: Option<String>,
    #[wire(name = "ResourceARN", like = RESOURCE_ARN)]
    pub resource_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutTelemetryRecordsOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetSamplingRulesInput {
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SamplingRateBoost {
    pub max_rate: f64,
    pub cooldown_window_minutes: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SamplingRule {
    pub rule_name: Option<String>,
    #[wire(name = "RuleARN")]
    pub rule_arn: Option<String>,
    #[wire(name = "ResourceARN")]
    pub resource_arn: String,
    pub priority: i32,
    pub fixed_rate: f64,
    pub reservoir_size: i32,
    pub service_name: String,
    pub service_type: String,
    pub host: String,
    #[wire(name = "HTTPMethod")]
    pub http_method: String,
    #[wire(name = "URLPath")]
    pub url_path: String,
    pub version: i32,
    pub attributes: Option<BTreeMap<String, String>>,
    pub sampling_rate_boost: Option<SamplingRateBoost>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SamplingRuleRecord {
    pub sampling_rule: Option<SamplingRule>,
    pub created_at: Option<Timestamp>,
    pub modified_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetSamplingRulesOutput {
    pub sampling_rule_records: Option<Vec<SamplingRuleRecord>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct SamplingStatisticsDocument {
    #[wire(like = RULE_NAME)]
    pub rule_name: String,
    #[wire(name = "ClientID", like = CLIENT_ID)]
    pub client_id: String,
    pub timestamp: Timestamp,
    #[wire(like = REQUEST_COUNT)]
    pub request_count: i32,
    #[wire(like = SAMPLED_COUNT)]
    pub sampled_count: i32,
    #[wire(like = BORROW_COUNT)]
    pub borrow_count: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct SamplingBoostStatisticsDocument {
    #[wire(like = RULE_NAME)]
    pub rule_name: String,
    #[wire(like = SERVICE_NAME)]
    pub service_name: String,
    pub timestamp: Timestamp,
    #[wire(like = ANOMALY_COUNT)]
    pub anomaly_count: i32,
    #[wire(like = TOTAL_COUNT)]
    pub total_count: i32,
    #[wire(like = SAMPLED_ANOMALY_COUNT)]
    pub sampled_anomaly_count: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetSamplingTargetsInput {
    #[wire(like = SAMPLING_STATISTICS_DOCUMENT_LIST)]
    pub sampling_statistics_documents: Vec<SamplingStatisticsDocument>,
    #[wire(like = SAMPLING_BOOST_STATISTICS_DOCUMENT_LIST)]
    pub sampling_boost_statistics_documents: Option<Vec<SamplingBoostStatisticsDocument>>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct SamplingBoost {
    pub boost_rate: f64,
    #[wire(name = "BoostRateTTL")]
    pub boost_rate_ttl: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SamplingTargetDocument {
    pub rule_name: Option<String>,
    pub fixed_rate: Option<f64>,
    pub reservoir_quota: Option<i32>,
    #[wire(name = "ReservoirQuotaTTL")]
    pub reservoir_quota_ttl: Option<Timestamp>,
    pub interval: Option<i32>,
    pub sampling_boost: Option<SamplingBoost>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct UnprocessedStatistics {
    pub rule_name: Option<String>,
    pub error_code: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetSamplingTargetsOutput {
    pub sampling_target_documents: Option<Vec<SamplingTargetDocument>>,
    pub last_rule_modification: Option<Timestamp>,
    pub unprocessed_statistics: Option<Vec<UnprocessedStatistics>>,
    pub unprocessed_boost_statistics: Option<Vec<UnprocessedStatistics>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct BatchGetTracesInput {
    #[wire(like = TRACE_ID_LIST)]
    pub trace_ids: Vec<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Segment {
    pub id: Option<String>,
    pub document: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Trace {
    pub id: Option<String>,
    pub duration: Option<f64>,
    pub limit_exceeded: Option<bool>,
    pub segments: Option<Vec<Segment>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct BatchGetTracesOutput {
    pub traces: Option<Vec<Trace>>,
    pub unprocessed_trace_ids: Option<Vec<String>>,
    pub next_token: Option<String>,
}
