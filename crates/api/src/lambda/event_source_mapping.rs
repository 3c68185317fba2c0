// SPDX-License-Identifier: Apache-2.0
//! Event source mappings: which function gets the records of a queue, a stream or a topic.

use super::access::{anything, changed_mapping, mapping, new_mapping};
use super::constraints::*;
use super::event_invoke_config::DestinationConfig;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// From where a function is given records.
#[operations("lambda")]
pub trait EventSourceMappingOperations: Send + Sync + 'static {
    /// Maps the records of a source to a function.
    #[operation(http = "POST /2015-03-31/event-source-mappings", status = 202, on = new_mapping(input))]
    async fn create_event_source_mapping(
        &self,
        cx: &Context,
        input: CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Answers an event source mapping.
    #[operation(http = "GET /2015-03-31/event-source-mappings/{UUID}", on = mapping(uuid))]
    async fn get_event_source_mapping(
        &self,
        cx: &Context,
        input: GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Lists event source mappings, page by page.
    #[operation(http = "GET /2015-03-31/event-source-mappings", on = anything())]
    async fn list_event_source_mappings(
        &self,
        cx: &Context,
        input: ListEventSourceMappingsInput,
    ) -> Result<ListEventSourceMappingsOutput>;

    /// Changes an event source mapping.
    #[operation(http = "PUT /2015-03-31/event-source-mappings/{UUID}", status = 202, on = changed_mapping(uuid, function_name))]
    async fn update_event_source_mapping(
        &self,
        cx: &Context,
        input: UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;

    /// Deletes an event source mapping.
    #[operation(http = "DELETE /2015-03-31/event-source-mappings/{UUID}", status = 202, on = mapping(uuid))]
    async fn delete_event_source_mapping(
        &self,
        cx: &Context,
        input: DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateEventSourceMappingInput {
    #[wire(like = ARN)]
    pub event_source_arn: Option<String>,
    #[wire(like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    pub enabled: Option<bool>,
    #[wire(like = BATCH_SIZE)]
    pub batch_size: Option<i32>,
    pub filter_criteria: Option<FilterCriteria>,
    #[wire(name = "KMSKeyArn", like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub metrics_config: Option<EventSourceMappingMetricsConfig>,
    pub logging_config: Option<EventSourceMappingLoggingConfig>,
    pub scaling_config: Option<ScalingConfig>,
    #[wire(like = MAXIMUM_BATCHING_WINDOW_IN_SECONDS)]
    pub maximum_batching_window_in_seconds: Option<i32>,
    #[wire(like = PARALLELIZATION_FACTOR)]
    pub parallelization_factor: Option<i32>,
    pub starting_position: Option<EventSourcePosition>,
    pub starting_position_timestamp: Option<Timestamp>,
    pub destination_config: Option<DestinationConfig>,
    #[wire(like = MAXIMUM_RECORD_AGE_IN_SECONDS)]
    pub maximum_record_age_in_seconds: Option<i32>,
    pub bisect_batch_on_function_error: Option<bool>,
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS_EVENT_SOURCE_MAPPING)]
    pub maximum_retry_attempts: Option<i32>,
    #[wire(like = TAGS)]
    pub tags: Option<BTreeMap<String, String>>,
    #[wire(like = TUMBLING_WINDOW_IN_SECONDS)]
    pub tumbling_window_in_seconds: Option<i32>,
    #[wire(like = TOPICS)]
    pub topics: Option<Vec<String>>,
    #[wire(like = QUEUES)]
    pub queues: Option<Vec<String>>,
    #[wire(like = SOURCE_ACCESS_CONFIGURATIONS)]
    pub source_access_configurations: Option<Vec<SourceAccessConfiguration>>,
    pub self_managed_event_source: Option<SelfManagedEventSource>,
    #[wire(like = FUNCTION_RESPONSE_TYPE_LIST)]
    pub function_response_types: Option<Vec<FunctionResponseType>>,
    pub amazon_managed_kafka_event_source_config: Option<AmazonManagedKafkaEventSourceConfig>,
    pub self_managed_kafka_event_source_config: Option<SelfManagedKafkaEventSourceConfig>,
    #[wire(name = "DocumentDBEventSourceConfig")]
    pub document_db_event_source_config: Option<DocumentDbEventSourceConfig>,
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
}

/// An event source mapping as every operation on it answers it.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct EventSourceMappingConfiguration {
    #[wire(name = "UUID")]
    pub uuid: Option<String>,
    pub starting_position: Option<EventSourcePosition>,
    pub starting_position_timestamp: Option<Timestamp>,
    pub batch_size: Option<i32>,
    pub maximum_batching_window_in_seconds: Option<i32>,
    pub parallelization_factor: Option<i32>,
    pub event_source_arn: Option<String>,
    pub filter_criteria: Option<FilterCriteria>,
    pub filter_criteria_error: Option<FilterCriteriaError>,
    #[wire(name = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
    pub metrics_config: Option<EventSourceMappingMetricsConfig>,
    pub logging_config: Option<EventSourceMappingLoggingConfig>,
    pub scaling_config: Option<ScalingConfig>,
    pub function_arn: Option<String>,
    pub last_modified: Option<Timestamp>,
    pub last_processing_result: Option<String>,
    pub state: Option<String>,
    pub state_transition_reason: Option<String>,
    pub destination_config: Option<DestinationConfig>,
    pub topics: Option<Vec<String>>,
    pub queues: Option<Vec<String>>,
    pub source_access_configurations: Option<Vec<SourceAccessConfiguration>>,
    pub self_managed_event_source: Option<SelfManagedEventSource>,
    pub maximum_record_age_in_seconds: Option<i32>,
    pub bisect_batch_on_function_error: Option<bool>,
    pub maximum_retry_attempts: Option<i32>,
    pub tumbling_window_in_seconds: Option<i32>,
    pub function_response_types: Option<Vec<FunctionResponseType>>,
    pub amazon_managed_kafka_event_source_config: Option<AmazonManagedKafkaEventSourceConfig>,
    pub self_managed_kafka_event_source_config: Option<SelfManagedKafkaEventSourceConfig>,
    #[wire(name = "DocumentDBEventSourceConfig")]
    pub document_db_event_source_config: Option<DocumentDbEventSourceConfig>,
    pub event_source_mapping_arn: Option<String>,
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetEventSourceMappingInput {
    #[wire(name = "UUID", label, like = UUID_STRING)]
    pub uuid: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListEventSourceMappingsInput {
    #[wire(query = "EventSourceArn", like = ARN)]
    pub event_source_arn: Option<String>,
    #[wire(query = "FunctionName", like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: Option<String>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListEventSourceMappingsOutput {
    pub next_marker: Option<String>,
    pub event_source_mappings: Vec<EventSourceMappingConfiguration>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateEventSourceMappingInput {
    #[wire(name = "UUID", label, like = UUID_STRING)]
    pub uuid: String,
    #[wire(like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: Option<String>,
    pub enabled: Option<bool>,
    #[wire(like = BATCH_SIZE)]
    pub batch_size: Option<i32>,
    pub filter_criteria: Option<FilterCriteria>,
    #[wire(name = "KMSKeyArn", like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub metrics_config: Option<EventSourceMappingMetricsConfig>,
    pub logging_config: Option<EventSourceMappingLoggingConfig>,
    pub scaling_config: Option<ScalingConfig>,
    #[wire(like = MAXIMUM_BATCHING_WINDOW_IN_SECONDS)]
    pub maximum_batching_window_in_seconds: Option<i32>,
    #[wire(like = PARALLELIZATION_FACTOR)]
    pub parallelization_factor: Option<i32>,
    pub destination_config: Option<DestinationConfig>,
    #[wire(like = MAXIMUM_RECORD_AGE_IN_SECONDS)]
    pub maximum_record_age_in_seconds: Option<i32>,
    pub bisect_batch_on_function_error: Option<bool>,
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS_EVENT_SOURCE_MAPPING)]
    pub maximum_retry_attempts: Option<i32>,
    #[wire(like = TUMBLING_WINDOW_IN_SECONDS)]
    pub tumbling_window_in_seconds: Option<i32>,
    #[wire(like = SOURCE_ACCESS_CONFIGURATIONS)]
    pub source_access_configurations: Option<Vec<SourceAccessConfiguration>>,
    #[wire(like = FUNCTION_RESPONSE_TYPE_LIST)]
    pub function_response_types: Option<Vec<FunctionResponseType>>,
    pub amazon_managed_kafka_event_source_config: Option<AmazonManagedKafkaEventSourceConfig>,
    pub self_managed_kafka_event_source_config: Option<SelfManagedKafkaEventSourceConfig>,
    #[wire(name = "DocumentDBEventSourceConfig")]
    pub document_db_event_source_config: Option<DocumentDbEventSourceConfig>,
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteEventSourceMappingInput {
    #[wire(name = "UUID", label, like = UUID_STRING)]
    pub uuid: String,
}

/// Which records reach the function: those that match one of the filters.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FilterCriteria {
    pub filters: Option<Vec<Filter>>,
}

/// A pattern of EventBridge's language.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Filter {
    #[wire(like = PATTERN)]
    pub pattern: Option<String>,
}

/// Which metrics a mapping publishes.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventSourceMappingMetricsConfig {
    #[wire(like = EVENT_SOURCE_MAPPING_METRIC_LIST)]
    pub metrics: Option<Vec<EventSourceMappingMetric>>,
}

/// From which level on a mapping logs.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventSourceMappingLoggingConfig {
    pub system_log_level: Option<EventSourceMappingSystemLogLevel>,
}

/// How many invocations an SQS mapping may have at once.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ScalingConfig {
    #[wire(like = MAXIMUM_CONCURRENCY)]
    pub maximum_concurrency: Option<i32>,
}

/// A secret, subnet or name that a poller needs to reach the source.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SourceAccessConfiguration {
    #[wire(name = "Type")]
    pub kind: Option<SourceAccessType>,
    #[wire(name = "URI", like = URI)]
    pub uri: Option<String>,
}

/// A Kafka cluster of the customer's own.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SelfManagedEventSource {
    #[wire(like = ENDPOINTS)]
    pub endpoints: Option<BTreeMap<String, Vec<String>>>,
}

/// Settings of an MSK source.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AmazonManagedKafkaEventSourceConfig {
    #[wire(like = URI)]
    pub consumer_group_id: Option<String>,
    pub schema_registry_config: Option<KafkaSchemaRegistryConfig>,
}

/// The registry that holds the schemas of a topic.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct KafkaSchemaRegistryConfig {
    #[wire(name = "SchemaRegistryURI", like = SCHEMA_REGISTRY_URI)]
    pub schema_registry_uri: Option<String>,
    pub event_record_format: Option<SchemaRegistryEventRecordFormat>,
    pub access_configs: Option<Vec<KafkaSchemaRegistryAccessConfig>>,
    pub schema_validation_configs: Option<Vec<KafkaSchemaValidationConfig>>,
}

/// How the registry is signed in to.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct KafkaSchemaRegistryAccessConfig {
    #[wire(name = "Type")]
    pub kind: Option<KafkaSchemaRegistryAuthType>,
    #[wire(name = "URI", like = ARN)]
    pub uri: Option<String>,
}

/// Which part of a record is validated.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct KafkaSchemaValidationConfig {
    pub attribute: Option<KafkaSchemaValidationAttribute>,
}

/// Settings of a source that is a Kafka cluster of the customer's own.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SelfManagedKafkaEventSourceConfig {
    #[wire(like = URI)]
    pub consumer_group_id: Option<String>,
    pub schema_registry_config: Option<KafkaSchemaRegistryConfig>,
    pub consumption_mode: Option<KafkaEventSourceMappingConsumptionMode>,
}

/// Settings of a DocumentDB source.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DocumentDbEventSourceConfig {
    #[wire(like = DATABASE_NAME)]
    pub database_name: Option<String>,
    #[wire(like = COLLECTION_NAME)]
    pub collection_name: Option<String>,
    pub full_document: Option<FullDocument>,
}

/// How many pollers are kept ready.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ProvisionedPollerConfig {
    #[wire(like = MINIMUM_NUMBER_OF_POLLERS)]
    pub minimum_pollers: Option<i32>,
    #[wire(like = MAXIMUM_NUMBER_OF_POLLERS)]
    pub maximum_pollers: Option<i32>,
    #[wire(like = PROVISIONED_POLLER_GROUP_NAME)]
    pub poller_group_name: Option<String>,
}

/// Why the filters could not be decrypted.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct FilterCriteriaError {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

enumeration! {
    pub enum EventSourceMappingMetric {
        EventCount = "EventCount",
        ErrorCount = "ErrorCount",
        KafkaMetrics = "KafkaMetrics",
    }
}

enumeration! {
    pub enum EventSourceMappingSystemLogLevel {
        Debug = "DEBUG",
        Info = "INFO",
        Warn = "WARN",
    }
}

enumeration! {
    pub enum EventSourcePosition {
        // In the order in which AWS's sentence names them, which is not the model's.
        Latest = "LATEST",
        AtTimestamp = "AT_TIMESTAMP",
        TrimHorizon = "TRIM_HORIZON",
    }
}

enumeration! {
    pub enum SourceAccessType {
        BasicAuth = "BASIC_AUTH",
        VpcSubnet = "VPC_SUBNET",
        VpcSecurityGroup = "VPC_SECURITY_GROUP",
        SaslScram512Auth = "SASL_SCRAM_512_AUTH",
        SaslScram256Auth = "SASL_SCRAM_256_AUTH",
        VirtualHost = "VIRTUAL_HOST",
        ClientCertificateTlsAuth = "CLIENT_CERTIFICATE_TLS_AUTH",
        ServerRootCaCertificate = "SERVER_ROOT_CA_CERTIFICATE",
        OauthbearerAuth = "OAUTHBEARER_AUTH",
        OauthbearerScope = "OAUTHBEARER_SCOPE",
        OauthbearerAudience = "OAUTHBEARER_AUDIENCE",
        OauthbearerLogicalCluster = "OAUTHBEARER_LOGICAL_CLUSTER",
        OauthbearerIdentityPool = "OAUTHBEARER_IDENTITY_POOL",
        IamAuth = "IAM_AUTH",
        IamOauthbearerAuth = "IAM_OAUTHBEARER_AUTH",
    }
}

enumeration! {
    pub enum FunctionResponseType {
        ReportBatchItemFailures = "ReportBatchItemFailures",
    }
}

enumeration! {
    pub enum SchemaRegistryEventRecordFormat {
        Json = "JSON",
        Source = "SOURCE",
    }
}

enumeration! {
    pub enum KafkaSchemaRegistryAuthType {
        BasicAuth = "BASIC_AUTH",
        ClientCertificateTlsAuth = "CLIENT_CERTIFICATE_TLS_AUTH",
        ServerRootCaCertificate = "SERVER_ROOT_CA_CERTIFICATE",
        OauthbearerAuth = "OAUTHBEARER_AUTH",
    }
}

enumeration! {
    pub enum KafkaSchemaValidationAttribute {
        Key = "KEY",
        Value = "VALUE",
    }
}

enumeration! {
    pub enum KafkaEventSourceMappingConsumptionMode {
        Stream = "Stream",
        Queue = "Queue",
    }
}

enumeration! {
    pub enum FullDocument {
        UpdateLookup = "UpdateLookup",
        Default = "Default",
    }
}
