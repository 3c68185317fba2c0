// SPDX-License-Identifier: Apache-2.0
//! Roles.

use super::Tag;
use super::access::{
    anything, attached_to_role, bounded_role, new_role, role, tagged_role, untagged_role,
};
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// Roles.
#[operations("iam")]
pub trait RoleOperations: Send + Sync + 'static {
    /// Attaches a managed policy to a role.
    #[operation(on = attached_to_role(role_name, policy_arn))]
    async fn attach_role_policy(&self, cx: &Context, input: AttachRolePolicyInput) -> Result<()>;

    /// Creates a role.
    #[operation(on = new_role(input))]
    async fn create_role(&self, cx: &Context, input: CreateRoleInput) -> Result<CreateRoleOutput>;

    /// Deletes a role that has no policies.
    #[operation(on = role(role_name))]
    async fn delete_role(&self, cx: &Context, input: DeleteRoleInput) -> Result<()>;

    /// Removes the permissions boundary of a role.
    #[operation(on = role(role_name))]
    async fn delete_role_permissions_boundary(
        &self,
        cx: &Context,
        input: DeleteRolePermissionsBoundaryInput,
    ) -> Result<()>;

    /// Deletes an inline policy of a role.
    #[operation(on = role(role_name))]
    async fn delete_role_policy(&self, cx: &Context, input: DeleteRolePolicyInput) -> Result<()>;

    /// Detaches a managed policy from a role.
    #[operation(on = attached_to_role(role_name, policy_arn))]
    async fn detach_role_policy(&self, cx: &Context, input: DetachRolePolicyInput) -> Result<()>;

    /// Answers a role, its trust policy included.
    #[operation(on = role(role_name))]
    async fn get_role(&self, cx: &Context, input: GetRoleInput) -> Result<GetRoleOutput>;

    /// Answers an inline policy of a role.
    #[operation(on = role(role_name))]
    async fn get_role_policy(
        &self,
        cx: &Context,
        input: GetRolePolicyInput,
    ) -> Result<GetRolePolicyOutput>;

    /// Lists the managed policies that are attached to a role.
    #[operation(on = role(role_name))]
    async fn list_attached_role_policies(
        &self,
        cx: &Context,
        input: ListAttachedRolePoliciesInput,
    ) -> Result<ListAttachedRolePoliciesOutput>;

    /// Lists the instance profiles of a role.
    #[operation(on = role(role_name))]
    async fn list_instance_profiles_for_role(
        &self,
        cx: &Context,
        input: ListInstanceProfilesForRoleInput,
    ) -> Result<ListInstanceProfilesForRoleOutput>;

    /// Lists the names of the inline policies of a role.
    #[operation(on = role(role_name))]
    async fn list_role_policies(
        &self,
        cx: &Context,
        input: ListRolePoliciesInput,
    ) -> Result<ListRolePoliciesOutput>;

    /// Lists the tags of a role.
    #[operation(on = role(role_name))]
    async fn list_role_tags(
        &self,
        cx: &Context,
        input: ListRoleTagsInput,
    ) -> Result<ListRoleTagsOutput>;

    /// Lists roles.
    #[operation(on = anything())]
    async fn list_roles(&self, cx: &Context, input: ListRolesInput) -> Result<ListRolesOutput>;

    /// Sets the permissions boundary of a role.
    #[operation(on = bounded_role(role_name, permissions_boundary))]
    async fn put_role_permissions_boundary(
        &self,
        cx: &Context,
        input: PutRolePermissionsBoundaryInput,
    ) -> Result<()>;

    /// Adds an inline policy to a role, or replaces it.
    #[operation(on = role(role_name))]
    async fn put_role_policy(&self, cx: &Context, input: PutRolePolicyInput) -> Result<()>;

    /// Adds tags to a role.
    #[operation(on = tagged_role(role_name, tags))]
    async fn tag_role(&self, cx: &Context, input: TagRoleInput) -> Result<()>;

    /// Removes tags from a role.
    #[operation(on = untagged_role(role_name, tag_keys))]
    async fn untag_role(&self, cx: &Context, input: UntagRoleInput) -> Result<()>;

    /// Replaces the trust policy of a role.
    #[operation(on = role(role_name))]
    async fn update_assume_role_policy(
        &self,
        cx: &Context,
        input: UpdateAssumeRolePolicyInput,
    ) -> Result<()>;

    /// Changes the description and the longest session of a role.
    #[operation(on = role(role_name))]
    async fn update_role(&self, cx: &Context, input: UpdateRoleInput) -> Result<UpdateRoleOutput>;

    /// Changes the description of a role. `UpdateRole` does the same.
    #[operation(on = role(role_name))]
    async fn update_role_description(
        &self,
        cx: &Context,
        input: UpdateRoleDescriptionInput,
    ) -> Result<UpdateRoleDescriptionOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AttachRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateRoleInput {
    #[wire(like = PATH)]
    pub path: Option<String>,
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub assume_role_policy_document: String,
    #[wire(like = ROLE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = ROLE_MAX_SESSION_DURATION)]
    pub max_session_duration: Option<i32>,
    #[wire(like = ARN)]
    pub permissions_boundary: Option<String>,
    #[wire(like = TAG_LIST)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct CreateRoleOutput {
    pub role: Role,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteRolePermissionsBoundaryInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DetachRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct GetRoleOutput {
    pub role: Role,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetRolePolicyOutput {
    pub role_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAttachedRolePoliciesInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_PATH)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAttachedRolePoliciesOutput {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListInstanceProfilesForRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListInstanceProfilesForRoleOutput {
    pub instance_profiles: Vec<InstanceProfile>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListRolePoliciesInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListRolePoliciesOutput {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListRoleTagsInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListRoleTagsOutput {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListRolesInput {
    #[wire(like = PATH_PREFIX)]
    pub path_prefix: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListRolesOutput {
    pub roles: Vec<Role>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutRolePermissionsBoundaryInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = ARN)]
    pub permissions_boundary: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = TAG_LIST)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateAssumeRolePolicyInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = ROLE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = ROLE_MAX_SESSION_DURATION)]
    pub max_session_duration: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateRoleOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateRoleDescriptionInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
    #[wire(like = ROLE_DESCRIPTION)]
    pub description: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateRoleDescriptionOutput {
    pub role: Option<Role>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: Timestamp,
    pub assume_role_policy_document: Option<String>,
    pub description: Option<String>,
    pub max_session_duration: Option<i32>,
    pub permissions_boundary: Option<AttachedPermissionsBoundary>,
    pub tags: Option<Vec<Tag>>,
    pub role_last_used: Option<RoleLastUsed>,
    pub source_role_template: Option<SourceRoleTemplate>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AttachedPolicy {
    pub policy_name: Option<String>,
    pub policy_arn: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct InstanceProfile {
    pub path: String,
    pub instance_profile_name: String,
    pub instance_profile_id: String,
    pub arn: String,
    pub create_date: Timestamp,
    pub roles: Vec<Role>,
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AttachedPermissionsBoundary {
    pub permissions_boundary_type: Option<PermissionsBoundaryAttachment>,
    pub permissions_boundary_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RoleLastUsed {
    pub last_used_date: Option<Timestamp>,
    pub region: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct SourceRoleTemplate {
    pub template_arn: String,
    pub template_minor_version: i32,
}

wire::enumeration! {
    pub enum PermissionsBoundaryAttachment {
        PermissionsBoundaryPolicy = "PermissionsBoundaryPolicy",
    }
}
