// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it for STS.

use super::AssumeRoleInput;
use wire::{Access, Context};

/// The role. Who gives its session tags or a source identity needs the permission to.
pub(super) fn assumed_role(_: &Context, input: &AssumeRoleInput) -> Access {
    let access = Access::to(input.role_arn.as_str())
        .fact("sts:RoleSessionName", [input.role_session_name.as_str()])
        .fact("sts:ExternalId", input.external_id.clone())
        .fact("sts:SourceIdentity", input.source_identity.clone());
    let tags = input.tags.as_deref().unwrap_or_default();
    if tags.is_empty() {
        return access;
    }
    let access = access.tags(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())));
    let tagging = access.clone();
    access.and("sts:TagSession", tagging)
}
