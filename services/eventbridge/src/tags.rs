// SPDX-License-Identifier: Apache-2.0
//! Tags of buses and rules.

use crate::EventBridge;
use crate::address::{BusKey, RuleKey};
use crate::rule::invalid;
use crate::service::Service;
use api::eventbridge::{self, Tag, TagOperations, fault};
use std::collections::BTreeMap;
use wire::{Context, Result};

type Tags = BTreeMap<String, String>;

const TAGS_MAX: usize = 50;

impl TagOperations for EventBridge {
    async fn tag_resource(
        &self,
        cx: &Context,
        input: eventbridge::TagResourceInput,
    ) -> Result<eventbridge::TagResourceOutput> {
        self.change_tags(cx, &input.resource_arn, |tags| with(tags, input.tags)).await?;
        Ok(eventbridge::TagResourceOutput {})
    }

    async fn untag_resource(
        &self,
        cx: &Context,
        input: eventbridge::UntagResourceInput,
    ) -> Result<eventbridge::UntagResourceOutput> {
        let change = |mut tags: Tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(tags)
        };
        self.change_tags(cx, &input.resource_arn, change).await?;
        Ok(eventbridge::UntagResourceOutput {})
    }

    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: eventbridge::ListTagsForResourceInput,
    ) -> Result<eventbridge::ListTagsForResourceOutput> {
        // As all that names a resource: what is another account's is not seen.
        let is_own = match Resource::of_arn(&input.resource_arn)? {
            Resource::Bus(key) => is_own(cx, &key),
            Resource::Rule(key) => is_own(cx, &key.bus),
        };
        let tags = self.service.tags(&input.resource_arn).filter(|_| is_own);
        let tags = tags.ok_or_else(|| gone(&input.resource_arn))?;
        let tags = tags.into_iter().map(|(key, value)| Tag { key, value });
        Ok(eventbridge::ListTagsForResourceOutput { tags: Some(tags.collect()) })
    }
}

enum Resource {
    Bus(BusKey),
    Rule(RuleKey),
}

impl Resource {
    fn of_arn(arn: &str) -> Result<Self> {
        let bus = BusKey::of_arn(arn).map(Self::Bus);
        bus.or_else(|| RuleKey::of_arn(arn).map(Self::Rule)).ok_or_else(|| gone(arn))
    }
}

impl Service {
    pub(crate) fn tags(&self, arn: &str) -> Option<Tags> {
        match Resource::of_arn(arn).ok()? {
            Resource::Bus(key) => Some(self.table.bus(&key)?.record.tags.clone()),
            Resource::Rule(key) => Some(self.rule_of(&key)?.record.tags.clone()),
        }
    }
}

impl EventBridge {
    async fn change_tags(
        &self,
        cx: &Context,
        arn: &str,
        change: impl FnOnce(Tags) -> Result<Tags>,
    ) -> Result<()> {
        match Resource::of_arn(arn)? {
            Resource::Bus(key) => {
                let name = key.arn();
                let changed = self.change_bus(cx, Some(&name), |record| {
                    record.tags = change(std::mem::take(&mut record.tags))?;
                    Ok(())
                });
                changed.await.map(drop)
            }
            Resource::Rule(key) => {
                self.change_rule(cx, Some(&key.bus.arn()), &key.name, |record| {
                    record.tags = change(std::mem::take(&mut record.tags))?;
                    Ok(())
                })
                .await
            }
        }
    }
}

fn is_own(cx: &Context, key: &BusKey) -> bool {
    key.account == cx.account && key.region == cx.region
}

fn gone(arn: &str) -> wire::Fault {
    fault::resource_not_found(format!("{arn} does not exist."))
}

/// These and more.
pub(crate) fn with(mut tags: Tags, more: Vec<Tag>) -> Result<Tags> {
    for Tag { key, value } in more {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that start with aws: are reserved."));
        }
        tags.insert(key, value);
    }
    if tags.len() > TAGS_MAX {
        return Err(invalid(format!("A resource has at most {TAGS_MAX} tags.")));
    }
    Ok(tags)
}
