// SPDX-License-Identifier: Apache-2.0
//! Operations on the targets of rules.

use crate::EventBridge;
use crate::page::page;
use crate::target;
use api::eventbridge::{self, Target, TargetOperations, fault};
use wire::{Context, Result};

impl TargetOperations for EventBridge {
    async fn put_targets(
        &self,
        cx: &Context,
        input: eventbridge::PutTargetsInput,
    ) -> Result<eventbridge::PutTargetsOutput> {
        let targets_max = self.service.options.rule_targets_max;
        let (_, rule) = self.service.find_rule(cx, input.event_bus_name.as_deref(), &input.rule)?;
        input.targets.iter().try_for_each(|target| target::check(target, &rule.key))?;
        self.change_rule(cx, input.event_bus_name.as_deref(), &input.rule, |record| {
            let put = input.targets.into_iter().map(|target| (target.id.clone(), target));
            record.targets.extend(put);
            if record.targets.len() > targets_max {
                return Err(fault::limit_exceeded(
                    "The requested resource exceeds the maximum number allowed.",
                ));
            }
            Ok(())
        })
        .await?;
        // A target that is not good is refused with all the others.
        Ok(eventbridge::PutTargetsOutput {
            failed_entry_count: Some(0),
            failed_entries: Some(Vec::new()),
        })
    }

    async fn remove_targets(
        &self,
        cx: &Context,
        input: eventbridge::RemoveTargetsInput,
    ) -> Result<eventbridge::RemoveTargetsOutput> {
        self.change_rule(cx, input.event_bus_name.as_deref(), &input.rule, |record| {
            record.targets.retain(|id, _| !input.ids.contains(id));
            Ok(())
        })
        .await?;
        Ok(eventbridge::RemoveTargetsOutput {
            failed_entry_count: Some(0),
            failed_entries: Some(Vec::new()),
        })
    }

    async fn list_targets_by_rule(
        &self,
        cx: &Context,
        input: eventbridge::ListTargetsByRuleInput,
    ) -> Result<eventbridge::ListTargetsByRuleOutput> {
        let (_, rule) = self.service.find_rule(cx, input.event_bus_name.as_deref(), &input.rule)?;
        let targets = rule.record.targets.values();
        let (targets, next_token) =
            page(targets, |target| &target.id, input.next_token.as_deref(), input.limit)?;
        let targets: Vec<Target> = targets.into_iter().cloned().collect();
        Ok(eventbridge::ListTargetsByRuleOutput { targets: Some(targets), next_token })
    }
}
