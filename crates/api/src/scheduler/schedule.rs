// SPDX-License-Identifier: Apache-2.0
//! Schedules: when something happens, and to whom.

use super::access::{anything, schedule, targeted};
use super::constraints::*;
use super::target::Target;
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// Schedules.
#[operations("scheduler")]
pub trait ScheduleOperations: Send + Sync + 'static {
    /// Creates a schedule.
    #[operation(http = "POST /schedules/{Name}", on = targeted(name, group_name, target))]
    async fn create_schedule(
        &self,
        cx: &Context,
        input: CreateScheduleInput,
    ) -> Result<CreateScheduleOutput>;

    /// Answers a schedule.
    #[operation(http = "GET /schedules/{Name}", on = schedule(name, group_name))]
    async fn get_schedule(
        &self,
        cx: &Context,
        input: GetScheduleInput,
    ) -> Result<GetScheduleOutput>;

    /// Makes a schedule anew: what the request does not have is as if it had never been set.
    #[operation(http = "PUT /schedules/{Name}", on = targeted(name, group_name, target))]
    async fn update_schedule(
        &self,
        cx: &Context,
        input: UpdateScheduleInput,
    ) -> Result<UpdateScheduleOutput>;

    /// Deletes a schedule.
    #[operation(http = "DELETE /schedules/{Name}", on = schedule(name, group_name))]
    async fn delete_schedule(
        &self,
        cx: &Context,
        input: DeleteScheduleInput,
    ) -> Result<DeleteScheduleOutput>;

    /// Lists schedules, page by page.
    #[operation(http = "GET /schedules", on = anything())]
    async fn list_schedules(
        &self,
        cx: &Context,
        input: ListSchedulesInput,
    ) -> Result<ListSchedulesOutput>;
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct CreateScheduleInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(like = NAME)]
    pub group_name: Option<String>,
    #[wire(like = SCHEDULE_EXPRESSION)]
    pub schedule_expression: String,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = SCHEDULE_EXPRESSION_TIMEZONE)]
    pub schedule_expression_timezone: Option<String>,
    pub state: Option<ScheduleState>,
    #[wire(like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub target: Target,
    pub flexible_time_window: FlexibleTimeWindow,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
    pub action_after_completion: Option<ActionAfterCompletion>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateScheduleOutput {
    pub schedule_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetScheduleInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(query = "groupName", like = NAME)]
    pub group_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetScheduleOutput {
    pub arn: Option<String>,
    pub group_name: Option<String>,
    pub name: Option<String>,
    pub schedule_expression: Option<String>,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    pub description: Option<String>,
    pub schedule_expression_timezone: Option<String>,
    pub state: Option<ScheduleState>,
    pub creation_date: Option<Timestamp>,
    pub last_modification_date: Option<Timestamp>,
    pub kms_key_arn: Option<String>,
    pub target: Option<Target>,
    pub flexible_time_window: Option<FlexibleTimeWindow>,
    pub action_after_completion: Option<ActionAfterCompletion>,
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct UpdateScheduleInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(like = NAME)]
    pub group_name: Option<String>,
    #[wire(like = SCHEDULE_EXPRESSION)]
    pub schedule_expression: String,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = SCHEDULE_EXPRESSION_TIMEZONE)]
    pub schedule_expression_timezone: Option<String>,
    pub state: Option<ScheduleState>,
    #[wire(like = KMS_KEY_ARN)]
    pub kms_key_arn: Option<String>,
    pub target: Target,
    pub flexible_time_window: FlexibleTimeWindow,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
    pub action_after_completion: Option<ActionAfterCompletion>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateScheduleOutput {
    pub schedule_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteScheduleInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(query = "groupName", like = NAME)]
    pub group_name: Option<String>,
    #[wire(query = "clientToken", like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DeleteScheduleOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListSchedulesInput {
    #[wire(query = "ScheduleGroup", like = NAME)]
    pub group_name: Option<String>,
    #[wire(query = "NamePrefix", like = NAME)]
    pub name_prefix: Option<String>,
    #[wire(query = "State")]
    pub state: Option<ScheduleState>,
    #[wire(query = "NextToken", like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(query = "MaxResults", like = MAX_RESULTS)]
    pub max_results: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListSchedulesOutput {
    pub next_token: Option<String>,
    pub schedules: Vec<ScheduleSummary>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ScheduleSummary {
    pub arn: Option<String>,
    pub name: Option<String>,
    pub group_name: Option<String>,
    pub state: Option<ScheduleState>,
    pub creation_date: Option<Timestamp>,
    pub last_modification_date: Option<Timestamp>,
    pub target: Option<TargetSummary>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct TargetSummary {
    #[wire(like = TARGET_ARN)]
    pub arn: String,
}

/// How much later than it is due a target may be invoked.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct FlexibleTimeWindow {
    pub mode: FlexibleTimeWindowMode,
    #[wire(like = MAXIMUM_WINDOW_IN_MINUTES)]
    pub maximum_window_in_minutes: Option<i32>,
}

enumeration! {
    pub enum FlexibleTimeWindowMode {
        Off = "OFF",
        Flexible = "FLEXIBLE",
    }
}

enumeration! {
    pub enum ScheduleState {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
    }
}

enumeration! {
    pub enum ActionAfterCompletion {
        None = "NONE",
        Delete = "DELETE",
    }
}
