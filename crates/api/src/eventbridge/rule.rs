// SPDX-License-Identifier: Apache-2.0
//! Rules: which events of a bus are wanted.

use super::Tag;
use super::access;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// What is done to rules.
#[operations("events")]
pub trait RuleOperations: Send + Sync + 'static {
    /// Makes a rule, or changes it.
    #[operation(on = access::put_rule(input))]
    async fn put_rule(&self, cx: &Context, input: PutRuleInput) -> Result<PutRuleOutput>;

    /// Deletes a rule that has no targets.
    #[operation(on = access::rule(name, event_bus_name))]
    async fn delete_rule(&self, cx: &Context, input: DeleteRuleInput) -> Result<()>;

    /// Answers what is known of a rule.
    #[operation(on = access::rule(name, event_bus_name))]
    async fn describe_rule(
        &self,
        cx: &Context,
        input: DescribeRuleInput,
    ) -> Result<DescribeRuleOutput>;

    /// Lists the rules of a bus, page by page.
    #[operation(on = access::anything())]
    async fn list_rules(&self, cx: &Context, input: ListRulesInput) -> Result<ListRulesOutput>;

    /// Has a rule look for events.
    #[operation(on = access::rule(name, event_bus_name))]
    async fn enable_rule(&self, cx: &Context, input: EnableRuleInput) -> Result<()>;

    /// Has a rule look for none.
    #[operation(on = access::rule(name, event_bus_name))]
    async fn disable_rule(&self, cx: &Context, input: DisableRuleInput) -> Result<()>;

    /// Lists the rules of a bus that have a target.
    #[operation(on = access::anything())]
    async fn list_rule_names_by_target(
        &self,
        cx: &Context,
        input: ListRuleNamesByTargetInput,
    ) -> Result<ListRuleNamesByTargetOutput>;

    /// Says whether a pattern is for an event.
    #[operation(on = access::anything())]
    async fn test_event_pattern(
        &self,
        cx: &Context,
        input: TestEventPatternInput,
    ) -> Result<TestEventPatternOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutRuleInput {
    #[wire(like = RULE_NAME)]
    pub name: String,
    #[wire(like = SCHEDULE_EXPRESSION)]
    pub schedule_expression: Option<String>,
    #[wire(like = EVENT_PATTERN)]
    pub event_pattern: Option<String>,
    pub state: Option<RuleState>,
    #[wire(like = RULE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = ROLE_ARN)]
    pub role_arn: Option<String>,
    pub tags: Option<Vec<Tag>>,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutRuleOutput {
    pub rule_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteRuleInput {
    #[wire(like = RULE_NAME)]
    pub name: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    pub force: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DescribeRuleInput {
    #[wire(like = RULE_NAME)]
    pub name: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DescribeRuleOutput {
    pub name: Option<String>,
    pub arn: Option<String>,
    pub event_pattern: Option<String>,
    pub schedule_expression: Option<String>,
    pub state: Option<RuleState>,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub managed_by: Option<String>,
    pub event_bus_name: Option<String>,
    pub created_by: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListRulesInput {
    #[wire(like = RULE_NAME)]
    pub name_prefix: Option<String>,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListRulesOutput {
    pub rules: Option<Vec<Rule>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct EnableRuleInput {
    #[wire(like = RULE_NAME)]
    pub name: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DisableRuleInput {
    #[wire(like = RULE_NAME)]
    pub name: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListRuleNamesByTargetInput {
    #[wire(like = TARGET_ARN)]
    pub target_arn: String,
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListRuleNamesByTargetOutput {
    pub rule_names: Option<Vec<String>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TestEventPatternInput {
    #[wire(like = EVENT_PATTERN)]
    pub event_pattern: String,
    pub event: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct TestEventPatternOutput {
    pub result: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Rule {
    pub name: Option<String>,
    pub arn: Option<String>,
    pub event_pattern: Option<String>,
    pub state: Option<RuleState>,
    pub description: Option<String>,
    pub schedule_expression: Option<String>,
    pub role_arn: Option<String>,
    pub managed_by: Option<String>,
    pub event_bus_name: Option<String>,
}

enumeration! {
    pub enum RuleState {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
        EnabledWithAllCloudtrailManagementEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    }
}
