// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it for CloudWatch Logs.
//!
//! The ARN of a group ends with `:*` there, and so do most policies: `arn:aws:logs:*:*:log-group:/aws/lambda/name:*`.

use std::collections::BTreeMap;
use wire::{Access, Context};

type Tags = BTreeMap<String, String>;

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

pub(super) fn group(cx: &Context, name: &str) -> Access {
    identified(cx, name)
}

/// By name or by ARN.
pub(super) fn identified(cx: &Context, identifier: &str) -> Access {
    Access::to(format!("{}:*", group_arn(cx, identifier)))
}

/// In one of two ways.
pub(super) fn named(cx: &Context, name: &Option<String>, identifier: &Option<String>) -> Access {
    // A request without both is refused later.
    identified(cx, name.as_deref().or(identifier.as_deref()).unwrap_or_default())
}

pub(super) fn group_or_all(cx: &Context, name: &Option<String>) -> Access {
    name.as_deref().map_or_else(|| groups(cx), |name| group(cx, name))
}

/// All groups.
pub(super) fn groups(cx: &Context) -> Access {
    Access::to(group_arn(cx, "*"))
}

pub(super) fn stream(cx: &Context, group: &str, stream: &str) -> Access {
    Access::to(format!("{}:log-stream:{stream}", group_arn(cx, group)))
}

pub(super) fn stream_to_read(
    cx: &Context,
    name: &Option<String>,
    identifier: &Option<String>,
    stream: &str,
) -> Access {
    let group = name.as_deref().or(identifier.as_deref()).unwrap_or_default();
    self::stream(cx, group, stream)
}

pub(super) fn new_group(cx: &Context, name: &str, tags: &Option<Tags>) -> Access {
    let access = group(cx, name);
    let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) else { return access };
    let access = access.tags(pairs(tags));
    let tagging = Access { also: Vec::new(), ..access.clone() };
    access.and("logs:TagResource", tagging)
}

pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

pub(super) fn tagging(_: &Context, arn: &str, tags: &Tags) -> Access {
    Access::to(arn).tags(pairs(tags))
}

pub(super) fn untagging(_: &Context, arn: &str, keys: &[String]) -> Access {
    Access::to(arn).fact("aws:TagKeys", keys.iter().cloned())
}

pub(super) fn tagging_group(cx: &Context, name: &str, tags: &Tags) -> Access {
    group(cx, name).tags(pairs(tags))
}

pub(super) fn untagging_group(cx: &Context, name: &str, keys: &[String]) -> Access {
    group(cx, name).fact("aws:TagKeys", keys.iter().cloned())
}

/// Who gives a role to CloudWatch Logs needs the permission to.
pub(super) fn subscription(
    cx: &Context,
    group: &str,
    destination: &str,
    role: &Option<String>,
) -> Access {
    let access = self::group(cx, group).fact("logs:DestinationArn", [destination]);
    let Some(role) = role else { return access };
    let passing = Access::to(role).fact("iam:PassedToService", ["logs.amazonaws.com"]);
    access.and("iam:PassRole", passing)
}

pub(super) fn tailed(cx: &Context, groups: &[String]) -> Access {
    let mut all = groups.iter().map(|group| identified(cx, group));
    let first = all.next().unwrap_or_else(|| self::groups(cx));
    all.fold(first, |access, group| access.and("logs:StartLiveTail", group))
}

fn pairs(tags: &Tags) -> impl Iterator<Item = (&str, &str)> + Clone {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn group_arn(cx: &Context, identifier: &str) -> String {
    if identifier.starts_with("arn:") {
        return identifier.trim_end_matches(":*").to_owned();
    }
    format!("arn:aws:logs:{}:{}:log-group:{identifier}", cx.region, cx.account)
}
