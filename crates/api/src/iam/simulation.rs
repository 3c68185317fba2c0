// SPDX-License-Identifier: Apache-2.0
//! What policies would decide: inputs only, for operations that this build checks and does not have.

use super::constraints::*;
use wire::{Input, Structure, operations};

/// What policies would decide.
#[operations("iam")]
pub trait SimulationOperations: Send + Sync + 'static {
    fn simulate_custom_policy(input: SimulateCustomPolicyInput);

    fn simulate_principal_policy(input: SimulatePrincipalPolicyInput);

    fn get_context_keys_for_custom_policy();

    fn get_context_keys_for_principal_policy();
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
