// SPDX-License-Identifier: Apache-2.0
//! Resource policies: which services of AWS may put log events.

use super::access::anything;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// Resource policies of an account.
#[operations("logs")]
pub trait PolicyOperations: Send + Sync + 'static {
    /// Keeps a policy.
    #[operation(on = anything())]
    async fn put_resource_policy(
        &self,
        cx: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput>;

    /// Lists policies, page by page.
    #[operation(on = anything())]
    async fn describe_resource_policies(
        &self,
        cx: &Context,
        input: DescribeResourcePoliciesInput,
    ) -> Result<DescribeResourcePoliciesOutput>;

    /// Deletes a policy.
    #[operation(on = anything())]
    async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutResourcePolicyInput {
    pub policy_name: Option<String>,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: Option<String>,
    pub resource_arn: Option<String>,
    #[wire(like = EXPECTED_REVISION_ID)]
    pub expected_revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct PutResourcePolicyOutput {
    pub resource_policy: Option<ResourcePolicy>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DescribeResourcePoliciesInput {
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = DESCRIBE_LIMIT)]
    pub limit: Option<i32>,
    pub resource_arn: Option<String>,
    pub policy_scope: Option<PolicyScope>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct DescribeResourcePoliciesOutput {
    pub resource_policies: Option<Vec<ResourcePolicy>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteResourcePolicyInput {
    pub policy_name: Option<String>,
    pub resource_arn: Option<String>,
    #[wire(like = EXPECTED_REVISION_ID)]
    pub expected_revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
#[wire(camel)]
pub struct ResourcePolicy {
    pub policy_name: Option<String>,
    #[wire(like = POLICY_DOCUMENT)]
    pub policy_document: Option<String>,
    pub last_updated_time: Option<i64>,
    pub policy_scope: Option<PolicyScope>,
    pub resource_arn: Option<String>,
    #[wire(like = EXPECTED_REVISION_ID)]
    pub revision_id: Option<String>,
}

enumeration! {
    pub enum PolicyScope {
        Account = "ACCOUNT",
        Resource = "RESOURCE",
    }
}
