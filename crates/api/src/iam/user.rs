// SPDX-License-Identifier: Apache-2.0
//! Users.

use super::access::{
    anything, attached_to_user, bounded_user, new_user, tagged_user, untagged_user, user,
    user_or_caller,
};
use super::constraints::*;
use super::{AttachedPermissionsBoundary, AttachedPolicy, Tag};
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// Users.
#[operations("iam")]
pub trait UserOperations: Send + Sync + 'static {
    /// Attaches a managed policy to a user.
    #[operation(on = attached_to_user(user_name, policy_arn))]
    async fn attach_user_policy(&self, cx: &Context, input: AttachUserPolicyInput) -> Result<()>;

    /// Creates a user.
    #[operation(on = new_user(input))]
    async fn create_user(&self, cx: &Context, input: CreateUserInput) -> Result<CreateUserOutput>;

    /// Deletes a user that has nothing.
    #[operation(on = user(user_name))]
    async fn delete_user(&self, cx: &Context, input: DeleteUserInput) -> Result<()>;

    /// Removes the permissions boundary of a user.
    #[operation(on = user(user_name))]
    async fn delete_user_permissions_boundary(
        &self,
        cx: &Context,
        input: DeleteUserPermissionsBoundaryInput,
    ) -> Result<()>;

    /// Deletes an inline policy of a user.
    #[operation(on = user(user_name))]
    async fn delete_user_policy(&self, cx: &Context, input: DeleteUserPolicyInput) -> Result<()>;

    /// Detaches a managed policy from a user.
    #[operation(on = attached_to_user(user_name, policy_arn))]
    async fn detach_user_policy(&self, cx: &Context, input: DetachUserPolicyInput) -> Result<()>;

    /// Answers a user: the caller, if none is named.
    #[operation(on = user_or_caller(user_name))]
    async fn get_user(&self, cx: &Context, input: GetUserInput) -> Result<GetUserOutput>;

    /// Answers an inline policy of a user.
    #[operation(on = user(user_name))]
    async fn get_user_policy(
        &self,
        cx: &Context,
        input: GetUserPolicyInput,
    ) -> Result<GetUserPolicyOutput>;

    /// Lists the managed policies that are attached to a user.
    #[operation(on = user(user_name))]
    async fn list_attached_user_policies(
        &self,
        cx: &Context,
        input: ListAttachedUserPoliciesInput,
    ) -> Result<ListAttachedUserPoliciesOutput>;

    /// Lists the names of the inline policies of a user.
    #[operation(on = user(user_name))]
    async fn list_user_policies(
        &self,
        cx: &Context,
        input: ListUserPoliciesInput,
    ) -> Result<ListUserPoliciesOutput>;

    /// Lists the tags of a user.
    #[operation(on = user(user_name))]
    async fn list_user_tags(
        &self,
        cx: &Context,
        input: ListUserTagsInput,
    ) -> Result<ListUserTagsOutput>;

    /// Lists users.
    #[operation(on = anything())]
    async fn list_users(&self, cx: &Context, input: ListUsersInput) -> Result<ListUsersOutput>;

    /// Sets the permissions boundary of a user.
    #[operation(on = bounded_user(user_name, permissions_boundary))]
    async fn put_user_permissions_boundary(
        &self,
        cx: &Context,
        input: PutUserPermissionsBoundaryInput,
    ) -> Result<()>;

    /// Adds an inline policy to a user, or replaces it.
    #[operation(on = user(user_name))]
    async fn put_user_policy(&self, cx: &Context, input: PutUserPolicyInput) -> Result<()>;

    /// Adds tags to a user.
    #[operation(on = tagged_user(user_name, tags))]
    async fn tag_user(&self, cx: &Context, input: TagUserInput) -> Result<()>;

    /// Removes tags from a user.
    #[operation(on = untagged_user(user_name, tag_keys))]
    async fn untag_user(&self, cx: &Context, input: UntagUserInput) -> Result<()>;

    /// Changes the name or the path of a user.
    #[operation(on = user(user_name))]
    async fn update_user(&self, cx: &Context, input: UpdateUserInput) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AttachUserPolicyInput {
    #[wire(like = USER_NAME)]
    pub user_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateUserInput {
    #[wire(like = PATH)]
    pub path: Option<String>,
    #[wire(like = USER_NAME)]
    pub user_name: String,
    #[wire(like = ARN)]
    pub permissions_boundary: Option<String>,
    #[wire(like = TAG_LIST)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateUserOutput {
    pub user: Option<User>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteUserPermissionsBoundaryInput {
    #[wire(like = USER_NAME)]
    pub user_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteUserPolicyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DetachUserPolicyInput {
    #[wire(like = USER_NAME)]
    pub user_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct GetUserOutput {
    pub user: User,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetUserPolicyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetUserPolicyOutput {
    pub user_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAttachedUserPoliciesInput {
    #[wire(like = USER_NAME)]
    pub user_name: String,
    #[wire(like = POLICY_PATH)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAttachedUserPoliciesOutput {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListUserPoliciesInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListUserPoliciesOutput {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListUserTagsInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListUserTagsOutput {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListUsersInput {
    #[wire(like = PATH_PREFIX)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListUsersOutput {
    pub users: Vec<User>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutUserPermissionsBoundaryInput {
    #[wire(like = USER_NAME)]
    pub user_name: String,
    #[wire(like = ARN)]
    pub permissions_boundary: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutUserPolicyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = TAG_LIST)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateUserInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: String,
    #[wire(like = PATH)]
    pub new_path: Option<String>,
    #[wire(like = USER_NAME)]
    pub new_user_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct User {
    pub path: String,
    pub user_name: Option<String>,
    pub user_id: String,
    pub arn: String,
    pub create_date: Timestamp,
    pub password_last_used: Option<Timestamp>,
    pub permissions_boundary: Option<AttachedPermissionsBoundary>,
    pub tags: Option<Vec<Tag>>,
}
