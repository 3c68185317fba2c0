// SPDX-License-Identifier: Apache-2.0
//! What is answered of a trace without its segments.

use std::collections::BTreeMap;
use wire::{Input, Output, Structure, Timestamp, enumeration};

enumeration! {
    pub enum TimeRangeType {
        TraceId = "TraceId",
        Event = "Event",
        Service = "Service",
    }
}

enumeration! {
    pub enum SamplingStrategyName {
        PartialScan = "PartialScan",
        FixedRate = "FixedRate",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SamplingStrategy {
    pub name: Option<SamplingStrategyName>,
    pub value: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct GetTraceSummariesInput {
    pub start_time: Timestamp,
    pub end_time: Timestamp,
    pub time_range_type: Option<TimeRangeType>,
    pub sampling: Option<bool>,
    pub sampling_strategy: Option<SamplingStrategy>,
    pub filter_expression: Option<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Http {
    #[wire(name = "HttpURL")]
    pub http_url: Option<String>,
    pub http_status: Option<i32>,
    pub http_method: Option<String>,
    pub user_agent: Option<String>,
    pub client_ip: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AnnotationValue {
    pub number_value: Option<f64>,
    pub boolean_value: Option<bool>,
    pub string_value: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ServiceId {
    pub name: Option<String>,
    pub names: Option<Vec<String>>,
    pub account_id: Option<String>,
    #[wire(name = "Type")]
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ValueWithServiceIds {
    pub annotation_value: Option<AnnotationValue>,
    pub service_ids: Option<Vec<ServiceId>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TraceUser {
    pub user_name: Option<String>,
    pub service_ids: Option<Vec<ServiceId>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ResourceARNDetail {
    #[wire(name = "ARN")]
    pub arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct InstanceIdDetail {
    pub id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AvailabilityZoneDetail {
    pub name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RootCauseException {
    pub name: Option<String>,
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FaultRootCauseEntity {
    pub name: Option<String>,
    pub exceptions: Option<Vec<RootCauseException>>,
    pub remote: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FaultRootCauseService {
    pub name: Option<String>,
    pub names: Option<Vec<String>>,
    #[wire(name = "Type")]
    pub kind: Option<String>,
    pub account_id: Option<String>,
    pub entity_path: Option<Vec<FaultRootCauseEntity>>,
    pub inferred: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FaultRootCause {
    pub services: Option<Vec<FaultRootCauseService>>,
    pub client_impacting: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ErrorRootCauseEntity {
    pub name: Option<String>,
    pub exceptions: Option<Vec<RootCauseException>>,
    pub remote: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ErrorRootCauseService {
    pub name: Option<String>,
    pub names: Option<Vec<String>>,
    #[wire(name = "Type")]
    pub kind: Option<String>,
    pub account_id: Option<String>,
    pub entity_path: Option<Vec<ErrorRootCauseEntity>>,
    pub inferred: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ErrorRootCause {
    pub services: Option<Vec<ErrorRootCauseService>>,
    pub client_impacting: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ResponseTimeRootCauseEntity {
    pub name: Option<String>,
    pub coverage: Option<f64>,
    pub remote: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ResponseTimeRootCauseService {
    pub name: Option<String>,
    pub names: Option<Vec<String>>,
    #[wire(name = "Type")]
    pub kind: Option<String>,
    pub account_id: Option<String>,
    pub entity_path: Option<Vec<ResponseTimeRootCauseEntity>>,
    pub inferred: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ResponseTimeRootCause {
    pub services: Option<Vec<ResponseTimeRootCauseService>>,
    pub client_impacting: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TraceSummary {
    pub id: Option<String>,
    pub start_time: Option<Timestamp>,
    pub duration: Option<f64>,
    pub response_time: Option<f64>,
    pub has_fault: Option<bool>,
    pub has_error: Option<bool>,
    pub has_throttle: Option<bool>,
    pub is_partial: Option<bool>,
    pub http: Option<Http>,
    pub annotations: Option<BTreeMap<String, Vec<ValueWithServiceIds>>>,
    pub users: Option<Vec<TraceUser>>,
    pub service_ids: Option<Vec<ServiceId>>,
    #[wire(name = "ResourceARNs")]
    pub resource_ar_ns: Option<Vec<ResourceARNDetail>>,
    pub instance_ids: Option<Vec<InstanceIdDetail>>,
    pub availability_zones: Option<Vec<AvailabilityZoneDetail>>,
    pub entry_point: Option<ServiceId>,
    pub fault_root_causes: Option<Vec<FaultRootCause>>,
    pub error_root_causes: Option<Vec<ErrorRootCause>>,
    pub response_time_root_causes: Option<Vec<ResponseTimeRootCause>>,
    pub revision: Option<i32>,
    pub matched_event_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetTraceSummariesOutput {
    pub trace_summaries: Option<Vec<TraceSummary>>,
    pub approximate_time: Option<Timestamp>,
    pub traces_processed_count: Option<i64>,
    pub next_token: Option<String>,
}
