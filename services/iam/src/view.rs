// SPDX-License-Identifier: Apache-2.0
//! What is kept, as answers have it.

use crate::document;
use crate::managed::Uses;
use crate::record::{Entity, KeyRecord, ManagedPolicy};
use crate::tag;
use api::iam::{
    AccessKeyMetadata, AttachedPermissionsBoundary, Group, PermissionsBoundaryAttachment, Policy,
    PolicyVersion, Role, StatusType, User,
};
use names::AccountId;

/// A role as lists have it: without its tags and its boundary.
pub(crate) fn listed_role(entity: &Entity, account: &AccountId) -> Role {
    let role = entity.role();
    Role {
        path: entity.path.clone(),
        role_name: entity.name.clone(),
        role_id: entity.id.clone(),
        arn: entity.arn(account),
        create_date: entity.created,
        assume_role_policy_document: role.map(|role| document::encoded(&role.trust)),
        description: role.and_then(|role| role.description.clone()),
        max_session_duration: role.map(|role| role.session_seconds_max),
        permissions_boundary: None,
        tags: None,
        role_last_used: None,
        source_role_template: None,
    }
}

pub(crate) fn role(entity: &Entity, account: &AccountId) -> Role {
    Role {
        permissions_boundary: boundary(entity),
        tags: tag::view(&entity.tags),
        ..listed_role(entity, account)
    }
}

/// A user as lists have it.
pub(crate) fn listed_user(entity: &Entity, account: &AccountId) -> User {
    User {
        path: entity.path.clone(),
        user_name: Some(entity.name.clone()),
        user_id: entity.id.clone(),
        arn: entity.arn(account),
        create_date: entity.created,
        password_last_used: None,
        permissions_boundary: None,
        tags: None,
    }
}

pub(crate) fn user(entity: &Entity, account: &AccountId) -> User {
    User {
        permissions_boundary: boundary(entity),
        tags: tag::view(&entity.tags),
        ..listed_user(entity, account)
    }
}

pub(crate) fn group(entity: &Entity, account: &AccountId) -> Group {
    Group {
        path: entity.path.clone(),
        group_name: entity.name.clone(),
        group_id: entity.id.clone(),
        arn: entity.arn(account),
        create_date: entity.created,
    }
}

fn boundary(entity: &Entity) -> Option<AttachedPermissionsBoundary> {
    Some(AttachedPermissionsBoundary {
        permissions_boundary_type: Some(PermissionsBoundaryAttachment::PermissionsBoundaryPolicy),
        permissions_boundary_arn: Some(entity.boundary.clone()?),
    })
}

/// A managed policy as lists have it: without its description and its tags.
pub(crate) fn policy(policy: &ManagedPolicy, arn: &str, uses: Uses) -> Policy {
    let count = |count| Some(i32::try_from(count).unwrap_or(i32::MAX));
    Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(arn.to_owned()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default_version)),
        attachment_count: count(uses.attachments),
        permissions_boundary_usage_count: count(uses.boundaries),
        is_attachable: Some(true),
        description: None,
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        tags: None,
    }
}

pub(crate) fn version(policy: &ManagedPolicy, number: u32) -> PolicyVersion {
    let version = policy.versions.get(&number);
    PolicyVersion {
        document: version.map(|version| document::encoded(&version.document)),
        version_id: Some(format!("v{number}")),
        is_default_version: Some(number == policy.default_version),
        create_date: version.map(|version| version.created),
    }
}

pub(crate) fn access_key(id: &str, key: &KeyRecord, user_name: Option<&str>) -> AccessKeyMetadata {
    AccessKeyMetadata {
        user_name: user_name.map(str::to_owned),
        access_key_id: Some(id.to_owned()),
        status: Some(status(key.is_active)),
        create_date: Some(key.created),
    }
}

pub(crate) const fn status(is_active: bool) -> StatusType {
    if is_active { StatusType::Active } else { StatusType::Inactive }
}
