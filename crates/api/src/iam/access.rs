// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it for IAM.
//!
//! A request names a user, a group or a role without its path. Whoever is asked whether a caller may, completes that.

use super::{
    CreateGroupInput, CreatePolicyInput, CreateRoleInput, CreateServiceLinkedRoleInput,
    CreateUserInput, Tag,
};
use wire::{Access, Context};

const POLICY_ARN: &str = "iam:PolicyARN";
const BOUNDARY: &str = "iam:PermissionsBoundary";

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

/// What the request names by its ARN.
pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

fn of(cx: &Context, kind: &str, path: Option<&str>, name: &str) -> Access {
    Access::to(format!("arn:aws:iam::{}:{kind}{}{name}", cx.account, path.unwrap_or("/")))
}

pub(super) fn role(cx: &Context, name: &str) -> Access {
    of(cx, "role", None, name)
}

pub(super) fn user(cx: &Context, name: &str) -> Access {
    of(cx, "user", None, name)
}

pub(super) fn group(cx: &Context, name: &str) -> Access {
    of(cx, "group", None, name)
}

/// Without a name the caller is meant.
pub(super) fn user_or_caller(cx: &Context, name: &Option<String>) -> Access {
    match name {
        Some(name) => user(cx, name),
        None => Access::to(cx.caller.arn.as_str()),
    }
}

pub(super) fn new_role(cx: &Context, input: &CreateRoleInput) -> Access {
    let access = of(cx, "role", input.path.as_deref(), &input.role_name)
        .fact(BOUNDARY, input.permissions_boundary.clone());
    made_with_tags(access, "iam:TagRole", input.tags.as_ref())
}

pub(super) fn new_user(cx: &Context, input: &CreateUserInput) -> Access {
    let access = of(cx, "user", input.path.as_deref(), &input.user_name)
        .fact(BOUNDARY, input.permissions_boundary.clone());
    made_with_tags(access, "iam:TagUser", input.tags.as_ref())
}

pub(super) fn new_group(cx: &Context, input: &CreateGroupInput) -> Access {
    of(cx, "group", input.path.as_deref(), &input.group_name)
}

pub(super) fn new_policy(cx: &Context, input: &CreatePolicyInput) -> Access {
    let access = of(cx, "policy", input.path.as_deref(), &input.policy_name);
    made_with_tags(access, "iam:TagPolicy", input.tags.as_ref())
}

pub(super) fn service_linked(cx: &Context, input: &CreateServiceLinkedRoleInput) -> Access {
    let service = &input.aws_service_name;
    let path = format!("/aws-service-role/{service}/");
    // The name is the service's affair: a policy has a pattern for it.
    of(cx, "role", Some(&path), "*").fact("iam:AWSServiceName", [service.as_str()])
}

pub(super) fn attached_to_role(cx: &Context, name: &str, policy: &str) -> Access {
    role(cx, name).fact(POLICY_ARN, [policy])
}

pub(super) fn attached_to_user(cx: &Context, name: &str, policy: &str) -> Access {
    user(cx, name).fact(POLICY_ARN, [policy])
}

pub(super) fn attached_to_group(cx: &Context, name: &str, policy: &str) -> Access {
    group(cx, name).fact(POLICY_ARN, [policy])
}

pub(super) fn bounded_role(cx: &Context, name: &str, boundary: &str) -> Access {
    role(cx, name).fact(BOUNDARY, [boundary])
}

pub(super) fn bounded_user(cx: &Context, name: &str, boundary: &str) -> Access {
    user(cx, name).fact(BOUNDARY, [boundary])
}

pub(super) fn tagged_role(cx: &Context, name: &str, tags: &[Tag]) -> Access {
    tagged(role(cx, name), tags)
}

pub(super) fn tagged_user(cx: &Context, name: &str, tags: &[Tag]) -> Access {
    tagged(user(cx, name), tags)
}

pub(super) fn tagged_policy(_: &Context, policy: &str, tags: &[Tag]) -> Access {
    tagged(Access::to(policy), tags)
}

pub(super) fn untagged_role(cx: &Context, name: &str, keys: &[String]) -> Access {
    role(cx, name).fact("aws:TagKeys", keys.iter().cloned())
}

pub(super) fn untagged_user(cx: &Context, name: &str, keys: &[String]) -> Access {
    user(cx, name).fact("aws:TagKeys", keys.iter().cloned())
}

pub(super) fn untagged_policy(_: &Context, policy: &str, keys: &[String]) -> Access {
    Access::to(policy).fact("aws:TagKeys", keys.iter().cloned())
}

fn tagged(access: Access, tags: &[Tag]) -> Access {
    access.tags(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

/// Who makes a thing with tags needs the permission to tag it.
fn made_with_tags(access: Access, action: &'static str, tags: Option<&Vec<Tag>>) -> Access {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return access };
    let access = tagged(access, tags);
    let tagging = Access { also: Vec::new(), ..access.clone() };
    access.and(action, tagging)
}
