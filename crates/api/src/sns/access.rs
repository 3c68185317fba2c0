// SPDX-License-Identifier: Apache-2.0
//! What the operations act on: a topic, by its ARN.

use super::Tag;
use wire::{Access, Context};

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

pub(super) fn topic(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

pub(super) fn new_topic(cx: &Context, name: &str, tags: &Option<Vec<Tag>>) -> Access {
    let access = Access::to(format!("arn:aws:sns:{}:{}:{name}", cx.region, cx.account));
    let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) else { return access };
    let access = access.tags(pairs(tags));
    let tagging = access.clone();
    access.and("sns:TagResource", tagging)
}

/// A topic, or what a message goes to without one.
pub(super) fn published(_: &Context, topic: &Option<String>, target: &Option<String>) -> Access {
    Access::to(topic.as_ref().or(target.as_ref()).map_or("*", String::as_str))
}

pub(super) fn subscribed(
    _: &Context,
    topic: &str,
    protocol: &str,
    endpoint: &Option<String>,
) -> Access {
    Access::to(topic).fact("sns:Protocol", [protocol]).fact("sns:Endpoint", endpoint.clone())
}

pub(super) fn tagging(_: &Context, arn: &str, tags: &[Tag]) -> Access {
    Access::to(arn).tags(pairs(tags))
}

pub(super) fn untagging(_: &Context, arn: &str, keys: &[String]) -> Access {
    Access::to(arn).fact("aws:TagKeys", keys.iter().cloned())
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> + Clone {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}
