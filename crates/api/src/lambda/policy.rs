// SPDX-License-Identifier: Apache-2.0
//! Resource policies of functions: statement by statement, and whole.

use super::constraints::*;
use wire::{Input, Output, enumeration};

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
