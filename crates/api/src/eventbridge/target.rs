// SPDX-License-Identifier: Apache-2.0
//! Targets of rules: who gets the events that are wanted.

use super::access;
use super::constraints::*;
use super::{
    AppSyncParameters, BatchParameters, EcsParameters, HttpParameters, KinesisParameters,
    RedshiftDataParameters, RunCommandParameters, SageMakerPipelineParameters,
};
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, operations};

/// What is done to targets.
#[operations("events")]
pub trait TargetOperations: Send + Sync + 'static {
    /// Adds targets to a rule, or changes them.
    #[operation(on = access::put_targets(input))]
    async fn put_targets(&self, cx: &Context, input: PutTargetsInput) -> Result<PutTargetsOutput>;

    /// Takes targets off a rule.
    #[operation(on = access::rule(rule, event_bus_name))]
    async fn remove_targets(
        &self,
        cx: &Context,
        input: RemoveTargetsInput,
    ) -> Result<RemoveTargetsOutput>;

    /// Lists the targets of a rule, page by page.
    #[operation(on = access::rule(rule, event_bus_name))]
    async fn list_targets_by_rule(
        &self,
        cx: &Context,
        input: ListTargetsByRuleInput,
    ) -> Result<ListTargetsByRuleOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutTargetsInput {
    #[wire(like = RULE_NAME)]
    pub rule: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = TARGET_LIST)]
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutTargetsOutput {
    pub failed_entry_count: Option<i32>,
    pub failed_entries: Option<Vec<PutTargetsResultEntry>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct RemoveTargetsInput {
    #[wire(like = RULE_NAME)]
    pub rule: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = TARGET_ID_LIST)]
    pub ids: Vec<String>,
    pub force: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct RemoveTargetsOutput {
    pub failed_entry_count: Option<i32>,
    pub failed_entries: Option<Vec<RemoveTargetsResultEntry>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListTargetsByRuleInput {
    #[wire(like = RULE_NAME)]
    pub rule: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListTargetsByRuleOutput {
    pub targets: Option<Vec<Target>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DeadLetterConfig {
    #[wire(like = RESOURCE_ARN)]
    pub arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct InputTransformer {
    #[wire(like = TRANSFORMER_PATHS)]
    pub input_paths_map: Option<BTreeMap<String, String>>,
    #[wire(like = TRANSFORMER_INPUT)]
    pub input_template: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PutTargetsResultEntry {
    pub target_id: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RemoveTargetsResultEntry {
    pub target_id: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RetryPolicy {
    #[wire(like = MAXIMUM_RETRY_ATTEMPTS)]
    pub maximum_retry_attempts: Option<i32>,
    #[wire(like = MAXIMUM_EVENT_AGE_IN_SECONDS)]
    pub maximum_event_age_in_seconds: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SqsParameters {
    #[wire(like = MESSAGE_GROUP_ID)]
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Target {
    #[wire(like = TARGET_ID)]
    pub id: String,
    #[wire(like = TARGET_ARN)]
    pub arn: String,
    #[wire(like = ROLE_ARN)]
    pub role_arn: Option<String>,
    #[wire(like = TARGET_INPUT)]
    pub input: Option<String>,
    #[wire(like = TARGET_INPUT_PATH)]
    pub input_path: Option<String>,
    pub input_transformer: Option<InputTransformer>,
    pub kinesis_parameters: Option<KinesisParameters>,
    pub run_command_parameters: Option<RunCommandParameters>,
    pub ecs_parameters: Option<EcsParameters>,
    pub batch_parameters: Option<BatchParameters>,
    pub sqs_parameters: Option<SqsParameters>,
    pub http_parameters: Option<HttpParameters>,
    pub redshift_data_parameters: Option<RedshiftDataParameters>,
    pub sage_maker_pipeline_parameters: Option<SageMakerPipelineParameters>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub retry_policy: Option<RetryPolicy>,
    pub app_sync_parameters: Option<AppSyncParameters>,
}
