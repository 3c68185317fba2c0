// SPDX-License-Identifier: Apache-2.0
//! Operations on schedules.

use crate::key::{GroupKey, ScheduleKey};
use crate::schedule::{Definition, Record, Schedule};
use crate::validate::{self, invalid};
use crate::{Scheduler, clock, page};
use api::scheduler::{self, ScheduleOperations, fault};
use names::AccountId;
use wire::{Context, Fault, Result, Timestamp};

impl ScheduleOperations for Scheduler {
    async fn create_schedule(
        &self,
        cx: &Context,
        mut input: scheduler::CreateScheduleInput,
    ) -> Result<scheduler::CreateScheduleOutput> {
        let key = ScheduleKey::new(cx, input.group_name.as_deref(), &input.name);
        let answer = scheduler::CreateScheduleOutput { schedule_arn: key.arn() };
        let client_token = input.client_token.take();
        let now_ms = clock::now_ms();
        let definition = validate::definition(input, now_ms)?;

        let changing = self.service.changing().await;
        self.check_surroundings(&key, &definition)?;
        if let Some(there) = self.service.table.get(&key) {
            let is_again = client_token.is_some()
                && there.record.client_token == client_token
                && there.record.definition == definition;
            return if is_again { Ok(answer) } else { Err(exists(&key)) };
        }
        if self.service.table.count(cx) >= self.service.options.schedules_max {
            return Err(fault::service_quota_exceeded(
                "The maximum number of schedules has been reached.",
            ));
        }
        let now = now_ms.div_euclid(1_000);
        let record = Record {
            definition,
            created_ms: now_ms,
            modified_ms: now_ms,
            client_token,
            anchor: now,
            // What is due in this second is due.
            since: now - 1,
        };
        self.service.put_schedule(&changing, key, record).await?;
        Ok(answer)
    }

    async fn get_schedule(
        &self,
        cx: &Context,
        input: scheduler::GetScheduleInput,
    ) -> Result<scheduler::GetScheduleOutput> {
        let key = ScheduleKey::new(cx, input.group_name.as_deref(), input.name);
        let schedule = self.find(&key)?;
        let Record { definition, created_ms, modified_ms, .. } = &*schedule.record;
        Ok(scheduler::GetScheduleOutput {
            arn: Some(key.arn()),
            group_name: Some(key.group.name),
            name: Some(key.name),
            schedule_expression: Some(definition.expression.clone()),
            start_date: definition.start_ms.map(Timestamp::from_epoch_ms),
            end_date: definition.end_ms.map(Timestamp::from_epoch_ms),
            description: definition.description.clone(),
            schedule_expression_timezone: Some(definition.timezone.clone()),
            state: Some(definition.state),
            creation_date: Some(Timestamp::from_epoch_ms(*created_ms)),
            last_modification_date: Some(Timestamp::from_epoch_ms(*modified_ms)),
            kms_key_arn: None,
            target: Some(definition.target.clone()),
            flexible_time_window: Some(definition.window.clone()),
            action_after_completion: Some(definition.after_completion),
        })
    }

    async fn update_schedule(
        &self,
        cx: &Context,
        input: scheduler::UpdateScheduleInput,
    ) -> Result<scheduler::UpdateScheduleOutput> {
        let key = ScheduleKey::new(cx, input.group_name.as_deref(), &input.name);
        let now_ms = clock::now_ms();
        let changing = self.service.changing().await;
        let old = self.find(&key)?;
        // A schedule that has begun may keep the date on which it did.
        let began = input.start_date.filter(|at| old.began(at.epoch_ms()));
        let checked = began.map_or(now_ms, |at| at.epoch_ms().min(now_ms));
        let definition = validate::definition(written_anew(input), checked)?;
        self.check_surroundings(&key, &definition)?;
        let record = updated(&old, definition, now_ms);
        let schedule_arn = key.arn();
        self.service.put_schedule(&changing, key, record).await?;
        Ok(scheduler::UpdateScheduleOutput { schedule_arn })
    }

    async fn delete_schedule(
        &self,
        cx: &Context,
        input: scheduler::DeleteScheduleInput,
    ) -> Result<scheduler::DeleteScheduleOutput> {
        let key = ScheduleKey::new(cx, input.group_name.as_deref(), input.name);
        let changing = self.service.changing().await;
        self.find(&key)?;
        self.service.delete_schedule(&changing, &key).await?;
        Ok(scheduler::DeleteScheduleOutput {})
    }

    async fn list_schedules(
        &self,
        cx: &Context,
        input: scheduler::ListSchedulesInput,
    ) -> Result<scheduler::ListSchedulesOutput> {
        if let Some(group) = &input.group_name {
            self.check_group(&GroupKey::new(cx, group))?;
        }
        let start = page::start(input.next_token.as_deref())?.unwrap_or_default();
        let from = match (start.split_once('/'), &input.group_name) {
            (Some(from), _) => from,
            (None, Some(group)) => (group.as_str(), ""),
            (None, None) => ("", ""),
        };
        let prefix = input.name_prefix.as_deref().unwrap_or_default();
        let is_wanted = |schedule: &Schedule| {
            let ScheduleKey { group, name } = &*schedule.key;
            let state = schedule.record.definition.state;
            input.group_name.as_ref().is_none_or(|wanted| *wanted == group.name)
                && name.starts_with(prefix)
                && input.state.is_none_or(|wanted| wanted == state)
        };
        let size = page::size(input.max_results);
        let found = self.service.table.list(cx, from, size + 1, is_wanted);
        let (schedules, next_token) = page::cut(found, size, |schedule| {
            format!("{}/{}", schedule.key.group.name, schedule.key.name)
        });
        let schedules = schedules.iter().map(summary).collect();
        Ok(scheduler::ListSchedulesOutput { next_token, schedules })
    }
}

impl Scheduler {
    fn find(&self, key: &ScheduleKey) -> Result<Schedule> {
        let gone = || fault::resource_not_found(format!("Schedule {} does not exist.", key.name));
        self.service.table.get(key).ok_or_else(gone)
    }

    /// Whether the group is there, and the role is one that Scheduler may assume.
    fn check_surroundings(&self, key: &ScheduleKey, definition: &Definition) -> Result<()> {
        self.check_group(&key.group)?;
        let role = &definition.target.role_arn;
        let account = role.split(':').nth(4).and_then(|id| id.parse::<AccountId>().ok());
        let is_own = account.is_some_and(|account| account == key.group.account);
        if is_own && self.service.roles.are_good("scheduler.amazonaws.com", role, &key.group.arn())
        {
            return Ok(());
        }
        Err(invalid(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        ))
    }
}

fn exists(key: &ScheduleKey) -> Fault {
    fault::conflict(format!("Schedule {} already exists.", key.name))
}

/// An update is a schedule made anew under its name.
fn written_anew(input: scheduler::UpdateScheduleInput) -> scheduler::CreateScheduleInput {
    scheduler::CreateScheduleInput {
        name: input.name,
        group_name: input.group_name,
        schedule_expression: input.schedule_expression,
        start_date: input.start_date,
        end_date: input.end_date,
        description: input.description,
        schedule_expression_timezone: input.schedule_expression_timezone,
        state: input.state,
        kms_key_arn: input.kms_key_arn,
        target: input.target,
        flexible_time_window: input.flexible_time_window,
        client_token: input.client_token,
        action_after_completion: input.action_after_completion,
    }
}

/// What is due at other times begins anew. What goes on as before misses nothing and repeats nothing; what was disabled fires nothing
/// of what was due meanwhile.
fn updated(old: &Schedule, definition: Definition, now_ms: i64) -> Record {
    let now = now_ms.div_euclid(1_000);
    let goes_on = old.record.definition.is_due_like(&definition);
    let since = match goes_on && old.record.definition.is_enabled() {
        true => old.after,
        false => now - 1,
    };
    Record {
        anchor: if goes_on { old.record.anchor } else { now },
        since,
        definition,
        modified_ms: now_ms,
        ..Record::clone(&old.record)
    }
}

fn summary(schedule: &Schedule) -> scheduler::ScheduleSummary {
    let Record { definition, created_ms, modified_ms, .. } = &*schedule.record;
    scheduler::ScheduleSummary {
        arn: Some(schedule.key.arn()),
        name: Some(schedule.key.name.clone()),
        group_name: Some(schedule.key.group.name.clone()),
        state: Some(definition.state),
        creation_date: Some(Timestamp::from_epoch_ms(*created_ms)),
        last_modification_date: Some(Timestamp::from_epoch_ms(*modified_ms)),
        target: Some(scheduler::TargetSummary { arn: definition.target.arn.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{NOON, schedule};
    use api::scheduler::ScheduleState;

    #[test]
    fn an_update_that_changes_no_times_goes_on_and_another_begins_anew() {
        let old = schedule("rate(5 minutes)").advanced(NOON + 600);
        let now = NOON + 700;
        let same =
            Definition { description: Some("same".to_owned()), ..old.record.definition.clone() };
        let record = updated(&old, same.clone(), now * 1_000);
        assert_eq!((record.anchor, record.since), (NOON, NOON + 600));
        let other = Definition { expression: "rate(1 hour)".to_owned(), ..same.clone() };
        let record = updated(&old, other, now * 1_000);
        assert_eq!((record.anchor, record.since), (now, now - 1));
        let disabled = Definition { state: ScheduleState::Disabled, ..same.clone() };
        let record = updated(&old, disabled, now * 1_000);
        let paused = Schedule::new(old.key, record, None);
        let later = now + 3_600;
        let record = updated(&paused, same, later * 1_000);
        assert_eq!((record.anchor, record.since), (NOON, later - 1));
    }
}
