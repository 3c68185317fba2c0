// SPDX-License-Identifier: Apache-2.0
//! Operations on groups and their tags. AWS's words were not checked, but for groups that are not there.

use crate::key::{DEFAULT_GROUP, GroupKey};
use crate::table::Group;
use crate::validate::invalid;
use crate::{Scheduler, clock, page};
use api::scheduler::{self, GroupOperations, ScheduleGroupState, Tag, TagOperations, fault};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Context, Result, Timestamp};

const TAGS_MAX: usize = 50;

impl GroupOperations for Scheduler {
    async fn create_schedule_group(
        &self,
        cx: &Context,
        input: scheduler::CreateScheduleGroupInput,
    ) -> Result<scheduler::CreateScheduleGroupOutput> {
        let key = GroupKey::new(cx, input.name);
        let tags = with_tags(BTreeMap::new(), input.tags.unwrap_or_default())?;
        let answer = scheduler::CreateScheduleGroupOutput { schedule_group_arn: key.arn() };
        let changing = self.service.changing().await;
        if let Some(there) = self.service.table.group(&key) {
            let is_again = input.client_token.is_some()
                && there.client_token == input.client_token
                && there.tags == tags;
            let exists = || fault::conflict(format!("Schedule group {} already exists.", key.name));
            return if is_again { Ok(answer) } else { Err(exists()) };
        }
        if self.service.table.groups(cx).len() >= self.service.options.groups_max {
            return Err(fault::service_quota_exceeded(
                "The maximum number of schedule groups has been reached.",
            ));
        }
        let now = Some(clock::now_ms());
        let group = Group {
            created_ms: now,
            modified_ms: now,
            state: ScheduleGroupState::Active,
            client_token: input.client_token,
            tags,
        };
        self.service.put_group(&changing, key, group).await?;
        Ok(answer)
    }

    async fn get_schedule_group(
        &self,
        cx: &Context,
        input: scheduler::GetScheduleGroupInput,
    ) -> Result<scheduler::GetScheduleGroupOutput> {
        let key = GroupKey::new(cx, input.name);
        let group = self.check_group(&key)?;
        let scheduler::ScheduleGroupSummary {
            arn,
            name,
            state,
            creation_date,
            last_modification_date,
        } = summary(&key, &group);
        Ok(scheduler::GetScheduleGroupOutput {
            arn,
            name,
            state,
            creation_date,
            last_modification_date,
        })
    }

    async fn delete_schedule_group(
        &self,
        cx: &Context,
        input: scheduler::DeleteScheduleGroupInput,
    ) -> Result<scheduler::DeleteScheduleGroupOutput> {
        let key = GroupKey::new(cx, input.name);
        if key.name == DEFAULT_GROUP {
            return Err(invalid("The default schedule group cannot be deleted."));
        }
        let changing = self.service.changing().await;
        let group = self.check_group(&key)?;
        let deleting = Group { state: ScheduleGroupState::Deleting, ..Group::clone(&group) };
        self.service.put_group(&changing, key.clone(), deleting).await?;
        self.service.empty_group(&changing, &key).await?;
        Ok(scheduler::DeleteScheduleGroupOutput {})
    }

    async fn list_schedule_groups(
        &self,
        cx: &Context,
        input: scheduler::ListScheduleGroupsInput,
    ) -> Result<scheduler::ListScheduleGroupsOutput> {
        let start = page::start(input.next_token.as_deref())?.unwrap_or_default();
        let prefix = input.name_prefix.unwrap_or_default();
        let mut groups = self.service.table.groups(cx);
        groups.retain(|(key, _)| key.name >= start && key.name.starts_with(&prefix));
        let size = page::size(input.max_results);
        let (groups, next_token) = page::cut(groups, size, |(key, _)| key.name.clone());
        let schedule_groups = groups.iter().map(|(key, group)| summary(key, group)).collect();
        Ok(scheduler::ListScheduleGroupsOutput { next_token, schedule_groups })
    }
}

impl TagOperations for Scheduler {
    async fn tag_resource(
        &self,
        cx: &Context,
        input: scheduler::TagResourceInput,
    ) -> Result<scheduler::TagResourceOutput> {
        self.change_tags(cx, &input.resource_arn, |tags| with_tags(tags, input.tags)).await?;
        Ok(scheduler::TagResourceOutput {})
    }

    async fn untag_resource(
        &self,
        cx: &Context,
        input: scheduler::UntagResourceInput,
    ) -> Result<scheduler::UntagResourceOutput> {
        let without = |mut tags: BTreeMap<String, String>| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(tags)
        };
        self.change_tags(cx, &input.resource_arn, without).await?;
        Ok(scheduler::UntagResourceOutput {})
    }

    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: scheduler::ListTagsForResourceInput,
    ) -> Result<scheduler::ListTagsForResourceOutput> {
        let (_, group) = self.tagged(cx, &input.resource_arn)?;
        let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
        Ok(scheduler::ListTagsForResourceOutput {
            tags: Some(group.tags.iter().map(tag).collect()),
        })
    }
}

impl Scheduler {
    pub(crate) fn check_group(&self, key: &GroupKey) -> Result<Arc<Group>> {
        let gone =
            || fault::resource_not_found(format!("Schedule group {} does not exist.", key.name));
        self.service.table.group(key).ok_or_else(gone)
    }

    /// The group of an ARN. What is another account's or region's is not seen.
    fn tagged(&self, cx: &Context, arn: &str) -> Result<(GroupKey, Arc<Group>)> {
        let gone = || fault::resource_not_found(format!("{arn} does not exist."));
        let key = GroupKey::of_arn(arn).ok_or_else(gone)?;
        if key.account != cx.account || key.region != cx.region {
            return Err(gone());
        }
        let group = self.check_group(&key)?;
        Ok((key, group))
    }

    async fn change_tags(
        &self,
        cx: &Context,
        arn: &str,
        change: impl FnOnce(BTreeMap<String, String>) -> Result<BTreeMap<String, String>>,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let (key, group) = self.tagged(cx, arn)?;
        let tags = change(group.tags.clone())?;
        self.service.put_group(&changing, key, Group { tags, ..Group::clone(&group) }).await
    }
}

fn with_tags(
    mut tags: BTreeMap<String, String>,
    more: Vec<Tag>,
) -> Result<BTreeMap<String, String>> {
    for Tag { key, value } in more {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that start with aws: are reserved."));
        }
        tags.insert(key, value);
    }
    if tags.len() > TAGS_MAX {
        return Err(invalid(format!("A schedule group can have at most {TAGS_MAX} tags.")));
    }
    Ok(tags)
}

fn summary(key: &GroupKey, group: &Group) -> scheduler::ScheduleGroupSummary {
    scheduler::ScheduleGroupSummary {
        arn: Some(key.arn()),
        name: Some(key.name.clone()),
        state: Some(group.state),
        creation_date: group.created_ms.map(Timestamp::from_epoch_ms),
        last_modification_date: group.modified_ms.map(Timestamp::from_epoch_ms),
    }
}
