// SPDX-License-Identifier: Apache-2.0
//! Operations on rules.

use crate::address::RuleKey;
use crate::page::page;
use crate::rule::{Rule, RuleRecord, check_pattern, check_schedule, invalid};
use crate::tags;
use crate::{EventBridge, clock};
use api::eventbridge::{self, RuleOperations, RuleState, fault};
use serde_json::Value;
use std::sync::Arc;
use wire::{Context, Result};

impl RuleOperations for EventBridge {
    async fn put_rule(
        &self,
        cx: &Context,
        input: eventbridge::PutRuleInput,
    ) -> Result<eventbridge::PutRuleOutput> {
        let schedule = input.schedule_expression.filter(|text| !text.is_empty());
        let pattern = input.event_pattern.filter(|text| !text.is_empty());
        if schedule.is_none() && pattern.is_none() {
            return Err(invalid(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
        schedule.as_deref().map(check_schedule).transpose()?;
        pattern.as_deref().map(check_pattern).transpose()?;
        let new_tags = tags::with(Default::default(), input.tags.unwrap_or_default())?;

        let changing = self.service.changing().await;
        let bus = self.service.find_bus(cx, input.event_bus_name.as_deref())?;
        if schedule.is_some() && !bus.key.is_default() {
            return Err(invalid("ScheduleExpression is supported only on the default event bus."));
        }
        let mut record = match bus.rules.get(&input.name) {
            Some(rule) => {
                rule.check_is_free()?;
                rule.record.clone()
            }
            None if bus.rules.len() >= self.service.options.bus_rules_max => {
                return Err(fault::limit_exceeded(
                    "The requested resource exceeds the maximum number allowed.",
                ));
            }
            // Tags of a rule that is there are not changed.
            None => RuleRecord {
                tags: new_tags,
                created_by: cx.account.to_string(),
                ..RuleRecord::default()
            },
        };
        record.pattern = pattern;
        record.set_schedule(schedule, clock::now());
        record.description = input.description;
        record.role_arn = input.role_arn;
        record.set_state(input.state.unwrap_or(RuleState::Enabled));
        self.service.put_rule(&changing, &bus, &input.name, record).await?;
        let key = RuleKey { bus: bus.key.clone(), name: input.name };
        Ok(eventbridge::PutRuleOutput { rule_arn: Some(key.arn()) })
    }

    async fn delete_rule(&self, cx: &Context, input: eventbridge::DeleteRuleInput) -> Result<()> {
        let changing = self.service.changing().await;
        let bus = self.service.find_bus(cx, input.event_bus_name.as_deref())?;
        // To delete what is not there is no error.
        let Some(rule) = bus.rules.get(&input.name) else { return Ok(()) };
        rule.check_is_free()?;
        if !rule.record.targets.is_empty() {
            return Err(invalid("Rule can't be deleted since it has targets."));
        }
        self.service.delete_rule(&changing, &bus, &rule.key).await
    }

    async fn describe_rule(
        &self,
        cx: &Context,
        input: eventbridge::DescribeRuleInput,
    ) -> Result<eventbridge::DescribeRuleOutput> {
        let (bus, rule) =
            self.service.find_rule(cx, input.event_bus_name.as_deref(), &input.name)?;
        let record = &rule.record;
        Ok(eventbridge::DescribeRuleOutput {
            name: Some(input.name),
            arn: Some(rule.key.arn()),
            event_pattern: record.pattern.clone(),
            schedule_expression: record.schedule.clone(),
            state: Some(record.state()),
            description: record.description.clone(),
            role_arn: record.role_arn.clone(),
            event_bus_name: Some(bus.key.name.clone()),
            created_by: Some(record.created_by.clone()),
            managed_by: rule.managed_by(),
        })
    }

    async fn list_rules(
        &self,
        cx: &Context,
        input: eventbridge::ListRulesInput,
    ) -> Result<eventbridge::ListRulesOutput> {
        let bus = self.service.find_bus(cx, input.event_bus_name.as_deref())?;
        let prefix = input.name_prefix.unwrap_or_default();
        let rules = bus.rules.values().filter(|rule| rule.key.name.starts_with(&prefix));
        let (rules, next_token) =
            page(rules, |rule| &rule.key.name, input.next_token.as_deref(), input.limit)?;
        let rule = |rule: &Arc<Rule>| eventbridge::Rule {
            name: Some(rule.key.name.clone()),
            arn: Some(rule.key.arn()),
            event_pattern: rule.record.pattern.clone(),
            schedule_expression: rule.record.schedule.clone(),
            state: Some(rule.record.state()),
            description: rule.record.description.clone(),
            role_arn: rule.record.role_arn.clone(),
            event_bus_name: Some(bus.key.name.clone()),
            managed_by: rule.managed_by(),
        };
        let rules = Some(rules.into_iter().map(rule).collect());
        Ok(eventbridge::ListRulesOutput { rules, next_token })
    }

    async fn enable_rule(&self, cx: &Context, input: eventbridge::EnableRuleInput) -> Result<()> {
        let bus = input.event_bus_name.as_deref();
        let change = |record: &mut RuleRecord| {
            record.is_disabled = false;
            record.set_schedule(record.schedule.clone(), clock::now());
            Ok(())
        };
        self.change_rule(cx, bus, &input.name, change).await
    }

    async fn disable_rule(&self, cx: &Context, input: eventbridge::DisableRuleInput) -> Result<()> {
        let bus = input.event_bus_name.as_deref();
        let change = |record: &mut RuleRecord| {
            record.is_disabled = true;
            Ok(())
        };
        self.change_rule(cx, bus, &input.name, change).await
    }

    async fn list_rule_names_by_target(
        &self,
        cx: &Context,
        input: eventbridge::ListRuleNamesByTargetInput,
    ) -> Result<eventbridge::ListRuleNamesByTargetOutput> {
        let bus = self.service.find_bus(cx, input.event_bus_name.as_deref())?;
        let has_it =
            |rule: &Rule| rule.record.targets.values().any(|target| target.arn == input.target_arn);
        let names = bus.rules.values().filter(|rule| has_it(rule));
        let (rules, next_token) =
            page(names, |rule| &rule.key.name, input.next_token.as_deref(), input.limit)?;
        let rule_names = Some(rules.into_iter().map(|rule| rule.key.name.clone()).collect());
        Ok(eventbridge::ListRuleNamesByTargetOutput { rule_names, next_token })
    }

    async fn test_event_pattern(
        &self,
        _: &Context,
        input: eventbridge::TestEventPatternInput,
    ) -> Result<eventbridge::TestEventPatternOutput> {
        let pattern = check_pattern(&input.event_pattern)?;
        let event: Value = serde_json::from_str(&input.event)
            .map_err(|_| invalid("Parameter Event is not valid. Reason: it is not JSON."))?;
        check_event(&event)?;
        Ok(eventbridge::TestEventPatternOutput { result: Some(pattern.matches(&event)) })
    }
}

impl EventBridge {
    pub(crate) async fn change_rule(
        &self,
        cx: &Context,
        bus: Option<&str>,
        name: &str,
        change: impl FnOnce(&mut RuleRecord) -> Result<()>,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let (bus, rule) = self.service.find_rule(cx, bus, name)?;
        rule.check_is_free()?;
        let mut record = rule.record.clone();
        change(&mut record)?;
        self.service.put_rule(&changing, &bus, name, record).await
    }
}

/// What EventBridge wants of an event that a pattern is tried on.
fn check_event(event: &Value) -> Result<()> {
    let is_missing = |name: &&&str| event.get(**name).is_none();
    let needed = ["id", "account", "source", "time", "region", "resources", "detail-type"];
    match needed.iter().find(is_missing) {
        None => Ok(()),
        Some(name) => {
            Err(invalid(format!("Parameter Event is not valid. Reason: {name} is missing.")))
        }
    }
}
