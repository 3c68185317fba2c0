// SPDX-License-Identifier: Apache-2.0
//! What schedules invoke, and how.

use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Structure, enumeration};

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Target {
    #[wire(like = TARGET_ARN)]
    pub arn: String,
    #[wire(like = ROLE_ARN)]
    pub role_arn: String,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub retry_policy: Option<RetryPolicy>,
    #[wire(like = TARGET_INPUT)]
    pub input: Option<String>,
    pub ecs_parameters: Option<EcsParameters>,
    pub event_bridge_parameters: Option<EventBridgeParameters>,
    pub event_bridge_put_events_v2_parameters: Option<EventBridgePutEventsV2Parameters>,
    pub event_bridge_put_raw_events_parameters: Option<EventBridgePutRawEventsParameters>,
    pub kinesis_parameters: Option<KinesisParameters>,
    pub sage_maker_pipeline_parameters: Option<SageMakerPipelineParameters>,
    pub sqs_parameters: Option<SqsParameters>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DeadLetterConfig {
    #[wire(like = DEAD_LETTER_CONFIG_ARN)]
    pub arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RetryPolicy {
    #[wire(like = MAXIMUM_EVENT_AGE_IN_SECONDS)]
    pub maximum_event_age_in_seconds: Option<i32>,
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS)]
    pub maximum_retry_attempts: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventBridgeParameters {
    #[wire(like = DETAIL_TYPE)]
    pub detail_type: String,
    #[wire(like = SOURCE)]
    pub source: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventBridgePutEventsV2Parameters {
    #[wire(like = DETAIL_TYPE)]
    pub detail_type: String,
    #[wire(like = SOURCE)]
    pub source: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventBridgePutRawEventsParameters {
    #[wire(like = EVENT_BRIDGE_METADATA_MAP)]
    pub metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct KinesisParameters {
    #[wire(like = TARGET_PARTITION_KEY)]
    pub partition_key: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SqsParameters {
    #[wire(like = MESSAGE_GROUP_ID)]
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SageMakerPipelineParameters {
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_LIST)]
    pub pipeline_parameter_list: Option<Vec<SageMakerPipelineParameter>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SageMakerPipelineParameter {
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_NAME)]
    pub name: String,
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EcsParameters {
    #[wire(like = TASK_DEFINITION_ARN)]
    pub task_definition_arn: String,
    #[wire(like = TASK_COUNT)]
    pub task_count: Option<i32>,
    pub launch_type: Option<LaunchType>,
    pub network_configuration: Option<NetworkConfiguration>,
    #[wire(like = PLATFORM_VERSION)]
    pub platform_version: Option<String>,
    #[wire(like = GROUP)]
    pub group: Option<String>,
    #[wire(like = CAPACITY_PROVIDER_STRATEGY)]
    pub capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    #[wire(name = "EnableECSManagedTags")]
    pub enable_ecs_managed_tags: Option<bool>,
    pub enable_execute_command: Option<bool>,
    #[wire(like = PLACEMENT_CONSTRAINTS)]
    pub placement_constraints: Option<Vec<PlacementConstraint>>,
    #[wire(like = PLACEMENT_STRATEGIES)]
    pub placement_strategy: Option<Vec<PlacementStrategy>>,
    pub propagate_tags: Option<PropagateTags>,
    #[wire(like = REFERENCE_ID)]
    pub reference_id: Option<String>,
    #[wire(like = TAGS)]
    pub tags: Option<Vec<BTreeMap<String, String>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct NetworkConfiguration {
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AwsVpcConfiguration {
    #[wire(like = SUBNETS)]
    pub subnets: Vec<String>,
    #[wire(like = SECURITY_GROUPS)]
    pub security_groups: Option<Vec<String>>,
    pub assign_public_ip: Option<AssignPublicIp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct CapacityProviderStrategyItem {
    #[wire(like = CAPACITY_PROVIDER)]
    pub capacity_provider: String,
    #[wire(like = CAPACITY_PROVIDER_STRATEGY_ITEM_WEIGHT)]
    pub weight: Option<i32>,
    #[wire(like = CAPACITY_PROVIDER_STRATEGY_ITEM_BASE)]
    pub base: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct PlacementConstraint {
    #[wire(name = "type")]
    pub kind: Option<PlacementConstraintType>,
    #[wire(like = PLACEMENT_CONSTRAINT_EXPRESSION)]
    pub expression: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct PlacementStrategy {
    #[wire(name = "type")]
    pub kind: Option<PlacementStrategyType>,
    #[wire(like = PLACEMENT_STRATEGY_FIELD)]
    pub field: Option<String>,
}

enumeration! {
    pub enum AssignPublicIp {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
    }
}

enumeration! {
    pub enum LaunchType {
        Ec2 = "EC2",
        Fargate = "FARGATE",
        External = "EXTERNAL",
    }
}

enumeration! {
    pub enum PlacementConstraintType {
        DistinctInstance = "distinctInstance",
        MemberOf = "memberOf",
    }
}

enumeration! {
    pub enum PlacementStrategyType {
        Random = "random",
        Spread = "spread",
        Binpack = "binpack",
    }
}

enumeration! {
    pub enum PropagateTags {
        TaskDefinition = "TASK_DEFINITION",
    }
}
