// SPDX-License-Identifier: Apache-2.0
//! Groups of schedules.

use super::access::{anything, group, new_group};
use super::constraints::*;
use super::tag::Tag;
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// Groups. A schedule is in one of them: the group `default` is always there.
#[operations("scheduler")]
pub trait GroupOperations: Send + Sync + 'static {
    /// Creates a group.
    #[operation(http = "POST /schedule-groups/{Name}", on = new_group(name, tags))]
    async fn create_schedule_group(
        &self,
        cx: &Context,
        input: CreateScheduleGroupInput,
    ) -> Result<CreateScheduleGroupOutput>;

    /// Answers a group.
    #[operation(http = "GET /schedule-groups/{Name}", on = group(name))]
    async fn get_schedule_group(
        &self,
        cx: &Context,
        input: GetScheduleGroupInput,
    ) -> Result<GetScheduleGroupOutput>;

    /// Deletes a group with all schedules in it.
    #[operation(http = "DELETE /schedule-groups/{Name}", on = group(name))]
    async fn delete_schedule_group(
        &self,
        cx: &Context,
        input: DeleteScheduleGroupInput,
    ) -> Result<DeleteScheduleGroupOutput>;

    /// Lists groups, page by page.
    #[operation(http = "GET /schedule-groups", on = anything())]
    async fn list_schedule_groups(
        &self,
        cx: &Context,
        input: ListScheduleGroupsInput,
    ) -> Result<ListScheduleGroupsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateScheduleGroupInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(like = TAG_LIST)]
    pub tags: Option<Vec<Tag>>,
    #[wire(like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateScheduleGroupOutput {
    pub schedule_group_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetScheduleGroupInput {
    #[wire(label, like = NAME)]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetScheduleGroupOutput {
    pub arn: Option<String>,
    pub name: Option<String>,
    pub state: Option<ScheduleGroupState>,
    pub creation_date: Option<Timestamp>,
    pub last_modification_date: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteScheduleGroupInput {
    #[wire(label, like = NAME)]
    pub name: String,
    #[wire(query = "clientToken", like = CLIENT_TOKEN)]
    pub client_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DeleteScheduleGroupOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListScheduleGroupsInput {
    #[wire(query = "NamePrefix", like = NAME)]
    pub name_prefix: Option<String>,
    #[wire(query = "NextToken", like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(query = "MaxResults", like = MAX_RESULTS)]
    pub max_results: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListScheduleGroupsOutput {
    pub next_token: Option<String>,
    pub schedule_groups: Vec<ScheduleGroupSummary>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ScheduleGroupSummary {
    pub arn: Option<String>,
    pub name: Option<String>,
    pub state: Option<ScheduleGroupState>,
    pub creation_date: Option<Timestamp>,
    pub last_modification_date: Option<Timestamp>,
}

enumeration! {
    pub enum ScheduleGroupState {
        Active = "ACTIVE",
        Deleting = "DELETING",
    }
}
