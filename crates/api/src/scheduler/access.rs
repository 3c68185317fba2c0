// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it: schedules and their groups.

use super::{Tag, Target};
use wire::{Access, Context};

const DEFAULT_GROUP: &str = "default";

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

pub(super) fn schedule(cx: &Context, name: &str, group: &Option<String>) -> Access {
    let group = group.as_deref().unwrap_or(DEFAULT_GROUP);
    let Context { region, account, .. } = cx;
    Access::to(format!("arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}"))
}

/// Who gives a role to a schedule needs the permission to.
pub(super) fn targeted(
    cx: &Context,
    name: &str,
    group: &Option<String>,
    target: &Target,
) -> Access {
    let passing =
        Access::to(&target.role_arn).fact("iam:PassedToService", ["scheduler.amazonaws.com"]);
    schedule(cx, name, group).and("iam:PassRole", passing)
}

pub(super) fn group(cx: &Context, name: &str) -> Access {
    let Context { region, account, .. } = cx;
    Access::to(format!("arn:aws:scheduler:{region}:{account}:schedule-group/{name}"))
}

pub(super) fn new_group(cx: &Context, name: &str, tags: &Option<Vec<Tag>>) -> Access {
    match tags {
        Some(tags) => group(cx, name).tags(pairs(tags)),
        None => group(cx, name),
    }
}

pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
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
