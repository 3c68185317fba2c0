// SPDX-License-Identifier: Apache-2.0
//! Resource policies of functions: statement by statement, and whole.

use super::access::{arn, permission, qualified};
use super::constraints::*;
use wire::{Context, Input, Output, Result, enumeration, operations};

/// Who may use a function.
#[operations("lambda")]
pub trait PolicyOperations: Send + Sync + 'static {
    /// Adds a statement to a resource policy.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/policy", status = 201, on = permission(input))]
    async fn add_permission(
        &self,
        cx: &Context,
        input: AddPermissionInput,
    ) -> Result<AddPermissionOutput>;

    /// Removes a statement from a resource policy.
    #[operation(
        http = "DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId}",
        status = 204, on = qualified(function_name, qualifier))]
    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()>;

    /// Answers a resource policy.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/policy", on = qualified(function_name, qualifier))]
    async fn get_policy(&self, cx: &Context, input: GetPolicyInput) -> Result<GetPolicyOutput>;

    /// Replaces a resource policy.
    #[operation(http = "PUT /2026-07-09/resource-policy/{ResourceArn}", on = arn(resource_arn))]
    async fn put_resource_policy(
        &self,
        cx: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput>;

    /// Answers a resource policy by the ARN of its resource.
    #[operation(http = "GET /2026-07-09/resource-policy/{ResourceArn}", on = arn(resource_arn))]
    async fn get_resource_policy(
        &self,
        cx: &Context,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput>;

    /// Deletes a resource policy.
    #[operation(http = "DELETE /2026-07-09/resource-policy/{ResourceArn}", status = 204, on = arn(resource_arn))]
    async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AddPermissionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = STATEMENT_ID)]
    pub statement_id: String,
    #[wire(like = ACTION)]
    pub action: String,
    #[wire(like = PRINCIPAL)]
    pub principal: String,
    #[wire(like = ARN)]
    pub source_arn: Option<String>,
    pub function_url_auth_type: Option<FunctionUrlAuthType>,
    pub invoked_via_function_url: Option<bool>,
    #[wire(like = SOURCE_OWNER)]
    pub source_account: Option<String>,
    #[wire(like = EVENT_SOURCE_TOKEN)]
    pub event_source_token: Option<String>,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    pub revision_id: Option<String>,
    #[wire(name = "PrincipalOrgID", like = PRINCIPAL_ORG_ID)]
    pub principal_org_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct AddPermissionOutput {
    pub statement: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct RemovePermissionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(label, like = NAMESPACED_STATEMENT_ID)]
    pub statement_id: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
    #[wire(query = "RevisionId")]
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetPolicyInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetPolicyOutput {
    pub policy: Option<String>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutResourcePolicyInput {
    #[wire(label, like = POLICY_RESOURCE_ARN)]
    pub resource_arn: String,
    #[wire(like = RESOURCE_POLICY)]
    pub policy: String,
    #[wire(like = REVISION_ID)]
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutResourcePolicyOutput {
    #[wire(like = RESOURCE_POLICY)]
    pub policy: Option<String>,
    #[wire(like = REVISION_ID)]
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetResourcePolicyInput {
    #[wire(label, like = POLICY_RESOURCE_ARN)]
    pub resource_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetResourcePolicyOutput {
    #[wire(like = RESOURCE_POLICY)]
    pub policy: Option<String>,
    #[wire(like = REVISION_ID)]
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteResourcePolicyInput {
    #[wire(label, like = POLICY_RESOURCE_ARN)]
    pub resource_arn: String,
    #[wire(query = "RevisionId", like = REVISION_ID)]
    pub revision_id: Option<String>,
}

enumeration! {
    pub enum FunctionUrlAuthType {
        None = "NONE",
        AwsIam = "AWS_IAM",
    }
}
