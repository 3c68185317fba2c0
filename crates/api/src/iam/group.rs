// SPDX-License-Identifier: Apache-2.0
//! Groups.

use super::access::{anything, attached_to_group, group, new_group, user};
use super::constraints::*;
use super::{AttachedPolicy, User};
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// Groups.
#[operations("iam")]
pub trait GroupOperations: Send + Sync + 'static {
    /// Makes a user a member of a group.
    #[operation(on = group(group_name))]
    async fn add_user_to_group(&self, cx: &Context, input: AddUserToGroupInput) -> Result<()>;

    /// Attaches a managed policy to a group.
    #[operation(on = attached_to_group(group_name, policy_arn))]
    async fn attach_group_policy(&self, cx: &Context, input: AttachGroupPolicyInput) -> Result<()>;

    /// Creates a group.
    #[operation(on = new_group(input))]
    async fn create_group(
        &self,
        cx: &Context,
        input: CreateGroupInput,
    ) -> Result<CreateGroupOutput>;

    /// Deletes a group that has nothing.
    #[operation(on = group(group_name))]
    async fn delete_group(&self, cx: &Context, input: DeleteGroupInput) -> Result<()>;

    /// Deletes an inline policy of a group.
    #[operation(on = group(group_name))]
    async fn delete_group_policy(&self, cx: &Context, input: DeleteGroupPolicyInput) -> Result<()>;

    /// Detaches a managed policy from a group.
    #[operation(on = attached_to_group(group_name, policy_arn))]
    async fn detach_group_policy(&self, cx: &Context, input: DetachGroupPolicyInput) -> Result<()>;

    /// Answers a group and its users.
    #[operation(on = group(group_name))]
    async fn get_group(&self, cx: &Context, input: GetGroupInput) -> Result<GetGroupOutput>;

    /// Answers an inline policy of a group.
    #[operation(on = group(group_name))]
    async fn get_group_policy(
        &self,
        cx: &Context,
        input: GetGroupPolicyInput,
    ) -> Result<GetGroupPolicyOutput>;

    /// Lists the managed policies that are attached to a group.
    #[operation(on = group(group_name))]
    async fn list_attached_group_policies(
        &self,
        cx: &Context,
        input: ListAttachedGroupPoliciesInput,
    ) -> Result<ListAttachedGroupPoliciesOutput>;

    /// Lists the names of the inline policies of a group.
    #[operation(on = group(group_name))]
    async fn list_group_policies(
        &self,
        cx: &Context,
        input: ListGroupPoliciesInput,
    ) -> Result<ListGroupPoliciesOutput>;

    /// Lists groups.
    #[operation(on = anything())]
    async fn list_groups(&self, cx: &Context, input: ListGroupsInput) -> Result<ListGroupsOutput>;

    /// Lists the groups of a user.
    #[operation(on = user(user_name))]
    async fn list_groups_for_user(
        &self,
        cx: &Context,
        input: ListGroupsForUserInput,
    ) -> Result<ListGroupsForUserOutput>;

    /// Adds an inline policy to a group, or replaces it.
    #[operation(on = group(group_name))]
    async fn put_group_policy(&self, cx: &Context, input: PutGroupPolicyInput) -> Result<()>;

    /// Ends the membership of a user.
    #[operation(on = group(group_name))]
    async fn remove_user_from_group(
        &self,
        cx: &Context,
        input: RemoveUserFromGroupInput,
    ) -> Result<()>;

    /// Changes the name or the path of a group.
    #[operation(on = group(group_name))]
    async fn update_group(&self, cx: &Context, input: UpdateGroupInput) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AddUserToGroupInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AttachGroupPolicyInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateGroupInput {
    #[wire(like = PATH)]
    pub path: Option<String>,
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct CreateGroupOutput {
    pub group: Group,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteGroupInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteGroupPolicyInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DetachGroupPolicyInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetGroupInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct GetGroupOutput {
    pub group: Group,
    pub users: Vec<User>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetGroupPolicyInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetGroupPolicyOutput {
    pub group_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAttachedGroupPoliciesInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = POLICY_PATH)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAttachedGroupPoliciesOutput {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListGroupPoliciesInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListGroupPoliciesOutput {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListGroupsInput {
    #[wire(like = PATH_PREFIX)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListGroupsOutput {
    pub groups: Vec<Group>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListGroupsForUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListGroupsForUserOutput {
    pub groups: Vec<Group>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutGroupPolicyInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct RemoveUserFromGroupInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateGroupInput {
    #[wire(like = GROUP_NAME)]
    pub group_name: String,
    #[wire(like = PATH)]
    pub new_path: Option<String>,
    #[wire(like = GROUP_NAME)]
    pub new_group_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct Group {
    pub path: String,
    pub group_name: String,
    pub group_id: String,
    pub arn: String,
    pub create_date: Timestamp,
}
