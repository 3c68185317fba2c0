// SPDX-License-Identifier: Apache-2.0
//! Managed policies.

use super::access::{anything, arn, new_policy, tagged_policy, untagged_policy};
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// Managed policies.
#[operations("iam")]
pub trait PolicyOperations: Send + Sync + 'static {
    /// Creates a managed policy.
    #[operation(on = new_policy(input))]
    async fn create_policy(
        &self,
        cx: &Context,
        input: CreatePolicyInput,
    ) -> Result<CreatePolicyOutput>;

    /// Adds a version to a managed policy.
    #[operation(on = arn(policy_arn))]
    async fn create_policy_version(
        &self,
        cx: &Context,
        input: CreatePolicyVersionInput,
    ) -> Result<CreatePolicyVersionOutput>;

    /// Deletes a managed policy that is attached nowhere.
    #[operation(on = arn(policy_arn))]
    async fn delete_policy(&self, cx: &Context, input: DeletePolicyInput) -> Result<()>;

    /// Deletes a version that is not the default.
    #[operation(on = arn(policy_arn))]
    async fn delete_policy_version(
        &self,
        cx: &Context,
        input: DeletePolicyVersionInput,
    ) -> Result<()>;

    /// Answers a managed policy, without its document.
    #[operation(on = arn(policy_arn))]
    async fn get_policy(&self, cx: &Context, input: GetPolicyInput) -> Result<GetPolicyOutput>;

    /// Answers a version of a managed policy, with its document.
    #[operation(on = arn(policy_arn))]
    async fn get_policy_version(
        &self,
        cx: &Context,
        input: GetPolicyVersionInput,
    ) -> Result<GetPolicyVersionOutput>;

    /// Lists to whom a managed policy is attached.
    #[operation(on = arn(policy_arn))]
    async fn list_entities_for_policy(
        &self,
        cx: &Context,
        input: ListEntitiesForPolicyInput,
    ) -> Result<ListEntitiesForPolicyOutput>;

    /// Lists managed policies.
    #[operation(on = anything())]
    async fn list_policies(
        &self,
        cx: &Context,
        input: ListPoliciesInput,
    ) -> Result<ListPoliciesOutput>;

    /// Lists the tags of a managed policy.
    #[operation(on = arn(policy_arn))]
    async fn list_policy_tags(
        &self,
        cx: &Context,
        input: ListPolicyTagsInput,
    ) -> Result<ListPolicyTagsOutput>;

    /// Lists the versions of a managed policy.
    #[operation(on = arn(policy_arn))]
    async fn list_policy_versions(
        &self,
        cx: &Context,
        input: ListPolicyVersionsInput,
    ) -> Result<ListPolicyVersionsOutput>;

    /// Sets the version that is in force.
    #[operation(on = arn(policy_arn))]
    async fn set_default_policy_version(
        &self,
        cx: &Context,
        input: SetDefaultPolicyVersionInput,
    ) -> Result<()>;

    /// Adds tags to a managed policy.
    #[operation(on = tagged_policy(policy_arn, tags))]
    async fn tag_policy(&self, cx: &Context, input: TagPolicyInput) -> Result<()>;

    /// Removes tags from a managed policy.
    #[operation(on = untagged_policy(policy_arn, tag_keys))]
    async fn untag_policy(&self, cx: &Context, input: UntagPolicyInput) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreatePolicyInput {
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
    #[wire(like = POLICY_PATH)]
    pub path: Option<String>,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
    #[wire(like = POLICY_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = TAG_LIST)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreatePolicyOutput {
    pub policy: Option<Policy>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreatePolicyVersionInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: String,
    pub set_as_default: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreatePolicyVersionOutput {
    pub policy_version: Option<PolicyVersion>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeletePolicyInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeletePolicyVersionInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = POLICY_VERSION_ID)]
    pub version_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetPolicyInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetPolicyOutput {
    pub policy: Option<Policy>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetPolicyVersionInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = POLICY_VERSION_ID)]
    pub version_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetPolicyVersionOutput {
    pub policy_version: Option<PolicyVersion>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListEntitiesForPolicyInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    pub entity_filter: Option<EntityType>,
    #[wire(like = PATH)]
    pub path_prefix: Option<String>,
    pub policy_usage_filter: Option<PolicyUsageType>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListEntitiesForPolicyOutput {
    pub policy_groups: Vec<PolicyGroup>,
    pub policy_users: Vec<PolicyUser>,
    pub policy_roles: Vec<PolicyRole>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListPoliciesInput {
    pub scope: Option<PolicyScopeType>,
    pub only_attached: Option<bool>,
    #[wire(like = POLICY_PATH)]
    pub path_prefix: Option<String>,
    pub policy_usage_filter: Option<PolicyUsageType>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListPoliciesOutput {
    pub policies: Vec<Policy>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListPolicyTagsInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListPolicyTagsOutput {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListPolicyVersionsInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListPolicyVersionsOutput {
    pub versions: Vec<PolicyVersion>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SetDefaultPolicyVersionInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = POLICY_VERSION_ID)]
    pub version_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagPolicyInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = TAG_LIST)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagPolicyInput {
    #[wire(like = ARN)]
    pub policy_arn: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Tag {
    #[wire(like = TAG_KEY)]
    pub key: String,
    #[wire(like = TAG_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Policy {
    pub policy_name: Option<String>,
    pub policy_id: Option<String>,
    pub arn: Option<String>,
    pub path: Option<String>,
    pub default_version_id: Option<String>,
    pub attachment_count: Option<i32>,
    pub permissions_boundary_usage_count: Option<i32>,
    pub is_attachable: Option<bool>,
    pub description: Option<String>,
    pub create_date: Option<Timestamp>,
    pub update_date: Option<Timestamp>,
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyVersion {
    pub document: Option<String>,
    pub version_id: Option<String>,
    pub is_default_version: Option<bool>,
    pub create_date: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyGroup {
    pub group_name: Option<String>,
    pub group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyUser {
    pub user_name: Option<String>,
    pub user_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyRole {
    pub role_name: Option<String>,
    pub role_id: Option<String>,
}

wire::enumeration! {
    pub enum EntityType {
        User = "User",
        Role = "Role",
        Group = "Group",
        LocalManagedPolicy = "LocalManagedPolicy",
        AwsManagedPolicy = "AWSManagedPolicy",
    }
}

wire::enumeration! {
    pub enum PolicyUsageType {
        PermissionsPolicy = "PermissionsPolicy",
        PermissionsBoundary = "PermissionsBoundary",
    }
}

wire::enumeration! {
    pub enum PolicyScopeType {
        All = "All",
        Aws = "AWS",
        Local = "Local",
    }
}
