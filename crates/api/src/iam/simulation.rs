// SPDX-License-Identifier: Apache-2.0
//! What policies would decide.

use super::access::{anything, arn};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, operations};

/// What policies would decide.
#[operations("iam")]
pub trait SimulationOperations: Send + Sync + 'static {
    /// Says what policies that come with the request decide.
    #[operation(on = anything())]
    async fn simulate_custom_policy(
        &self,
        cx: &Context,
        input: SimulateCustomPolicyInput,
    ) -> Result<SimulateCustomPolicyOutput>;

    /// Says what the policies of a user, a group or a role decide.
    #[operation(on = arn(policy_source_arn))]
    async fn simulate_principal_policy(
        &self,
        cx: &Context,
        input: SimulatePrincipalPolicyInput,
    ) -> Result<SimulatePrincipalPolicyOutput>;

    /// Lists the condition keys that policies name which come with the request.
    #[operation(on = anything())]
    async fn get_context_keys_for_custom_policy(
        &self,
        cx: &Context,
        input: GetContextKeysForCustomPolicyInput,
    ) -> Result<GetContextKeysForCustomPolicyOutput>;

    /// Lists the condition keys that the policies of a user, a group or a role name.
    #[operation(on = arn(policy_source_arn))]
    async fn get_context_keys_for_principal_policy(
        &self,
        cx: &Context,
        input: GetContextKeysForPrincipalPolicyInput,
    ) -> Result<GetContextKeysForPrincipalPolicyOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SimulateCustomPolicyInput {
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub policy_input_list: Vec<String>,
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub permissions_boundary_policy_input_list: Option<Vec<String>>,
    #[wire(like = ORGANIZATION_POLICY_LIST)]
    pub ordered_organization_policy_input_list: Option<Vec<OrderedOrganizationPolicy>>,
    #[wire(like = ACTION_NAME_LIST)]
    pub action_names: Vec<String>,
    #[wire(like = RESOURCE_NAME_LIST)]
    pub resource_arns: Option<Vec<String>>,
    #[wire(like = POLICY_DOCUMENT)]
    pub resource_policy: Option<String>,
    #[wire(like = RESOURCE_NAME)]
    pub resource_owner: Option<String>,
    #[wire(like = RESOURCE_NAME)]
    pub caller_arn: Option<String>,
    pub context_entries: Option<Vec<ContextEntry>>,
    #[wire(like = RESOURCE_HANDLING_OPTION)]
    pub resource_handling_option: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct SimulatePrincipalPolicyInput {
    #[wire(like = ARN)]
    pub policy_source_arn: String,
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub policy_input_list: Option<Vec<String>>,
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub permissions_boundary_policy_input_list: Option<Vec<String>>,
    #[wire(like = POLICY_EXCLUSIONS_LIST)]
    pub policy_exclusion_list: Option<Vec<PolicyIdentifier>>,
    #[wire(like = ACTION_NAME_LIST)]
    pub action_names: Vec<String>,
    #[wire(like = RESOURCE_NAME_LIST)]
    pub resource_arns: Option<Vec<String>>,
    #[wire(like = POLICY_DOCUMENT)]
    pub resource_policy: Option<String>,
    #[wire(like = RESOURCE_NAME)]
    pub resource_owner: Option<String>,
    #[wire(like = RESOURCE_NAME)]
    pub caller_arn: Option<String>,
    pub context_entries: Option<Vec<ContextEntry>>,
    #[wire(like = RESOURCE_HANDLING_OPTION)]
    pub resource_handling_option: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct SimulateCustomPolicyOutput {
    pub evaluation_results: Vec<EvaluationResult>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct SimulatePrincipalPolicyOutput {
    pub evaluation_results: Vec<EvaluationResult>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetContextKeysForCustomPolicyInput {
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub policy_input_list: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetContextKeysForPrincipalPolicyInput {
    #[wire(like = ARN)]
    pub policy_source_arn: String,
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub policy_input_list: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetContextKeysForCustomPolicyOutput {
    pub context_key_names: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetContextKeysForPrincipalPolicyOutput {
    pub context_key_names: Vec<String>,
}

/// What is decided of an action, on all of the resources together and on each.
#[derive(Debug, Clone, PartialEq, Structure)]
pub struct EvaluationResult {
    pub eval_action_name: String,
    pub eval_resource_name: Option<String>,
    pub eval_decision: PolicyEvaluationDecisionType,
    pub matched_statements: Vec<Statement>,
    pub missing_context_values: Vec<String>,
    pub organizations_decision_detail: Option<OrganizationsDecisionDetail>,
    pub permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
    pub eval_decision_details: Option<BTreeMap<String, PolicyEvaluationDecisionType>>,
    pub resource_specific_results: Option<Vec<ResourceSpecificResult>>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct ResourceSpecificResult {
    pub eval_resource_name: String,
    pub eval_resource_decision: PolicyEvaluationDecisionType,
    pub matched_statements: Vec<Statement>,
    pub missing_context_values: Vec<String>,
    pub eval_decision_details: Option<BTreeMap<String, PolicyEvaluationDecisionType>>,
    pub permissions_boundary_decision_detail: Option<PermissionsBoundaryDecisionDetail>,
}

/// A statement that decided, by where it stands.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Statement {
    pub source_policy_id: Option<String>,
    /// AWS answers `IAM Policy`, which its model does not have.
    pub source_policy_type: Option<String>,
    pub start_position: Option<Position>,
    pub end_position: Option<Position>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Position {
    pub line: i32,
    pub column: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct OrganizationsDecisionDetail {
    pub allowed_by_organizations: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PermissionsBoundaryDecisionDetail {
    pub allowed_by_permissions_boundary: bool,
}

wire::enumeration! {
    pub enum PolicyEvaluationDecisionType {
        Allowed = "allowed",
        ExplicitDeny = "explicitDeny",
        ImplicitDeny = "implicitDeny",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct OrderedOrganizationPolicy {
    #[wire(like = SIMULATION_POLICY_LIST)]
    pub service_control_policy_input_list: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ContextEntry {
    #[wire(like = CONTEXT_KEY_NAME)]
    pub context_key_name: Option<String>,
    pub context_key_values: Option<Vec<String>>,
    pub context_key_type: Option<ContextKeyType>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyIdentifier {
    pub policy_type: Option<PolicyIdentifierPolicyType>,
    #[wire(like = ARN)]
    pub policy_arn: Option<String>,
    pub inline_policy_identifier: Option<InlinePolicyIdentifier>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct InlinePolicyIdentifier {
    #[wire(like = POLICY_NAME)]
    pub policy_name: String,
    pub attachment_type: AttachmentType,
    #[wire(like = ATTACHMENT_NAME)]
    pub attachment_name: String,
}

wire::enumeration! {
    pub enum AttachmentType {
        User = "user",
        Group = "group",
        Role = "role",
    }
}

wire::enumeration! {
    pub enum ContextKeyType {
        String = "string",
        StringList = "stringList",
        Numeric = "numeric",
        NumericList = "numericList",
        Boolean = "boolean",
        BooleanList = "booleanList",
        Ip = "ip",
        IpList = "ipList",
        Binary = "binary",
        BinaryList = "binaryList",
        Date = "date",
        DateList = "dateList",
    }
}

wire::enumeration! {
    pub enum PolicyIdentifierPolicyType {
        Inline = "inline",
        AwsManaged = "aws-managed",
        UserManaged = "user-managed",
        PermissionBoundary = "permission-boundary",
        Scp = "scp",
        Rcp = "rcp",
    }
}
