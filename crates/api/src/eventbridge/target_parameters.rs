// SPDX-License-Identifier: Apache-2.0
//! What targets of the other services need to be told.

use super::Tag;
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Structure, enumeration};

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AppSyncParameters {
    #[wire(name = "GraphQLOperation", like = GRAPH_QL_OPERATION)]
    pub graph_ql_operation: Option<String>,
}

enumeration! {
    pub enum AssignPublicIp {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AwsVpcConfiguration {
    pub subnets: Vec<String>,
    pub security_groups: Option<Vec<String>>,
    pub assign_public_ip: Option<AssignPublicIp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct BatchArrayProperties {
    pub size: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct BatchParameters {
    pub job_definition: String,
    pub job_name: String,
    pub array_properties: Option<BatchArrayProperties>,
    pub retry_strategy: Option<BatchRetryStrategy>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct BatchRetryStrategy {
    pub attempts: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct CapacityProviderStrategyItem {
    #[wire(name = "capacityProvider", like = CAPACITY_PROVIDER)]
    pub capacity_provider: String,
    #[wire(name = "weight", like = CAPACITY_PROVIDER_STRATEGY_ITEM_WEIGHT)]
    pub weight: Option<i32>,
    #[wire(name = "base", like = CAPACITY_PROVIDER_STRATEGY_ITEM_BASE)]
    pub base: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EcsParameters {
    #[wire(like = ARN)]
    pub task_definition_arn: String,
    #[wire(like = LIMIT_MIN1)]
    pub task_count: Option<i32>,
    pub launch_type: Option<LaunchType>,
    pub network_configuration: Option<NetworkConfiguration>,
    pub platform_version: Option<String>,
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
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct HttpParameters {
    #[wire(like = PATH_PARAMETER_LIST)]
    pub path_parameter_values: Option<Vec<String>>,
    #[wire(like = HEADER_PARAMETERS_MAP)]
    pub header_parameters: Option<BTreeMap<String, String>>,
    #[wire(like = QUERY_STRING_PARAMETERS_MAP)]
    pub query_string_parameters: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct KinesisParameters {
    #[wire(like = TARGET_PARTITION_KEY_PATH)]
    pub partition_key_path: String,
}

enumeration! {
    pub enum LaunchType {
        Ec2 = "EC2",
        Fargate = "FARGATE",
        External = "EXTERNAL",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct NetworkConfiguration {
    #[wire(name = "awsvpcConfiguration")]
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PlacementConstraint {
    #[wire(name = "type")]
    pub kind: Option<PlacementConstraintType>,
    #[wire(name = "expression", like = PLACEMENT_CONSTRAINT_EXPRESSION)]
    pub expression: Option<String>,
}

enumeration! {
    pub enum PlacementConstraintType {
        DistinctInstance = "distinctInstance",
        MemberOf = "memberOf",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PlacementStrategy {
    #[wire(name = "type")]
    pub kind: Option<PlacementStrategyType>,
    #[wire(name = "field", like = PLACEMENT_STRATEGY_FIELD)]
    pub field: Option<String>,
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

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RedshiftDataParameters {
    #[wire(like = REDSHIFT_SECRET_MANAGER_ARN)]
    pub secret_manager_arn: Option<String>,
    #[wire(like = DATABASE)]
    pub database: String,
    #[wire(like = DB_USER)]
    pub db_user: Option<String>,
    #[wire(like = SQL)]
    pub sql: Option<String>,
    #[wire(like = STATEMENT_NAME)]
    pub statement_name: Option<String>,
    pub with_event: Option<bool>,
    #[wire(like = SQLS)]
    pub sqls: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RunCommandParameters {
    #[wire(like = RUN_COMMAND_TARGETS)]
    pub run_command_targets: Vec<RunCommandTarget>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RunCommandTarget {
    #[wire(like = RUN_COMMAND_TARGET_KEY)]
    pub key: String,
    #[wire(like = RUN_COMMAND_TARGET_VALUES)]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SageMakerPipelineParameter {
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_NAME)]
    pub name: String,
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SageMakerPipelineParameters {
    #[wire(like = SAGE_MAKER_PIPELINE_PARAMETER_LIST)]
    pub pipeline_parameter_list: Option<Vec<SageMakerPipelineParameter>>,
}
