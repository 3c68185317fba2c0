// SPDX-License-Identifier: Apache-2.0
//! Tags of log groups.

use crate::address;
use crate::error::Refused;
use crate::service::Service;
use api::logs::{
    ListTagsForResourceInput, ListTagsForResourceOutput, ListTagsLogGroupInput,
    ListTagsLogGroupOutput, TagLogGroupInput, TagResourceInput, UntagLogGroupInput,
    UntagResourceInput, fault,
};
use log_store::GroupKey;
use std::collections::BTreeMap;
use wire::{Context, Result};

const TAGS_MAX: usize = 50;

type Tags = BTreeMap<String, String>;

pub(crate) fn tag(service: &Service, cx: &Context, input: TagResourceInput) -> Result<()> {
    add(service, &address::of_arn(cx, &input.resource_arn)?, input.tags)
}

pub(crate) fn untag(service: &Service, cx: &Context, input: UntagResourceInput) -> Result<()> {
    remove(service, &address::of_arn(cx, &input.resource_arn)?, &input.tag_keys)
}

pub(crate) fn list(
    service: &Service,
    cx: &Context,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput> {
    let tags = get(service, &address::of_arn(cx, &input.resource_arn)?)?;
    Ok(ListTagsForResourceOutput { tags: Some(tags) })
}

pub(crate) fn tag_group(service: &Service, cx: &Context, input: TagLogGroupInput) -> Result<()> {
    add(service, &address::key(cx, input.log_group_name), input.tags)
}

pub(crate) fn untag_group(
    service: &Service,
    cx: &Context,
    input: UntagLogGroupInput,
) -> Result<()> {
    remove(service, &address::key(cx, input.log_group_name), &input.tags)
}

pub(crate) fn list_of_group(
    service: &Service,
    cx: &Context,
    input: ListTagsLogGroupInput,
) -> Result<ListTagsLogGroupOutput> {
    let tags = get(service, &address::key(cx, input.log_group_name))?;
    Ok(ListTagsLogGroupOutput { tags: Some(tags) })
}

fn get(service: &Service, key: &GroupKey) -> Result<Tags> {
    Ok(service.group(key)?.settings().tags.clone())
}

fn add(service: &Service, key: &GroupKey, tags: Tags) -> Result<()> {
    let changed = service.group(key)?.change(|settings| {
        settings.tags.extend(tags);
        if settings.tags.len() > TAGS_MAX {
            // AWS's words were not checked.
            let too_many = fault::too_many_tags("The resource can have no more than 50 tags.");
            return Err(Refused(too_many.with_member("resourceName", key.name.as_str())));
        }
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)
}

fn remove(service: &Service, key: &GroupKey, keys: &[String]) -> Result<()> {
    let changed = service.group(key)?.change::<Refused>(|settings| {
        settings.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)
}
