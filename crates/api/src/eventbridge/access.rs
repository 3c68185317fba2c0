// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it for EventBridge.

use super::{PutEventsRequestEntry, PutRuleInput, PutTargetsInput, Tag};
use wire::{Access, Context};

const SERVICE: &str = "events.amazonaws.com";

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

pub(super) fn bus(cx: &Context, name: &str) -> Access {
    Access::to(bus_arn(cx, name))
}

pub(super) fn bus_or_default(cx: &Context, name: &Option<String>) -> Access {
    bus(cx, name.as_deref().unwrap_or("default"))
}

pub(super) fn new_bus(cx: &Context, name: &str, tags: &Option<Vec<Tag>>) -> Access {
    tagged(bus(cx, name), tags)
}

pub(super) fn rule(cx: &Context, name: &str, bus: &Option<String>) -> Access {
    Access::to(rule_arn(cx, name, bus))
}

pub(super) fn archive(cx: &Context, name: &str) -> Access {
    Access::to(own(cx, "archive", name))
}

pub(super) fn replay(cx: &Context, name: &str) -> Access {
    Access::to(own(cx, "replay", name))
}

/// Both the replay and its archive.
pub(super) fn start_replay(cx: &Context, name: &str, archive: &str) -> Access {
    replay(cx, name).and("events:StartReplay", Access::to(archive))
}

pub(super) fn put_rule(cx: &Context, input: &PutRuleInput) -> Access {
    let access = tagged(rule(cx, &input.name, &input.event_bus_name), &input.tags);
    passing(access, input.role_arn.iter())
}

/// Who gives roles to EventBridge needs the permission to.
pub(super) fn put_targets(cx: &Context, input: &PutTargetsInput) -> Access {
    let arns = input.targets.iter().map(|target| target.arn.as_str());
    let access = rule(cx, &input.rule, &input.event_bus_name).fact("events:TargetArn", arns);
    passing(access, input.targets.iter().filter_map(|target| target.role_arn.as_ref()))
}

/// Each entry by itself: policies may tell sources and types apart.
pub(super) fn put_events(cx: &Context, entries: &[PutEventsRequestEntry]) -> Access {
    let of = |entry: &PutEventsRequestEntry| {
        bus_or_default(cx, &entry.event_bus_name)
            .fact("events:source", entry.source.clone())
            .fact("events:detail-type", entry.detail_type.clone())
    };
    let mut all: Vec<Access> = Vec::new();
    for access in entries.iter().map(of) {
        if !all.contains(&access) {
            all.push(access);
        }
    }
    let mut all = all.into_iter();
    // A request without entries is refused before.
    let first = all.next().unwrap_or_else(Access::anything);
    all.fold(first, |access, other| access.and("events:PutEvents", other))
}

pub(super) fn tagging(_: &Context, arn: &str, tags: &[Tag]) -> Access {
    Access::to(arn).tags(pairs(tags))
}

pub(super) fn untagging(_: &Context, arn: &str, keys: &[String]) -> Access {
    Access::to(arn).fact("aws:TagKeys", keys.iter().cloned())
}

fn tagged(access: Access, tags: &Option<Vec<Tag>>) -> Access {
    let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) else { return access };
    let access = access.tags(pairs(tags));
    let tagging = access.clone();
    access.and("events:TagResource", tagging)
}

fn passing<'r>(access: Access, roles: impl Iterator<Item = &'r String>) -> Access {
    roles.fold(access, |access, role| {
        access.and("iam:PassRole", Access::to(role).fact("iam:PassedToService", [SERVICE]))
    })
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> + Clone {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// By name or by ARN.
fn bus_arn(cx: &Context, name: &str) -> String {
    if name.starts_with("arn:") { name.to_owned() } else { own(cx, "event-bus", name) }
}

/// Rules of the default bus are called without it.
fn rule_arn(cx: &Context, name: &str, bus: &Option<String>) -> String {
    let bus = bus_arn(cx, bus.as_deref().unwrap_or("default"));
    match bus.split_once(":event-bus/") {
        Some((start, "default")) => format!("{start}:rule/{name}"),
        Some((start, bus)) => format!("{start}:rule/{bus}/{name}"),
        None => bus,
    }
}

fn own(cx: &Context, kind: &str, name: &str) -> String {
    format!("arn:aws:events:{}:{}:{kind}/{name}", cx.region, cx.account)
}
