// SPDX-License-Identifier: Apache-2.0
//! What users, groups and roles have in common: their life, their policies, tags and boundary.

use crate::accounts::{Account, Change, now};
use crate::document;
use crate::error;
use crate::managed;
use crate::page::{Page, page};
use crate::quota;
use crate::record::{Entity, Kind, Part};
use crate::{Iam, tag};
use api::iam::{AttachedPolicy, Tag, fault};
use names::AccountId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::{Context, Result};

/// What a new user, group or role begins with.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Vec<Tag>,
}

impl Iam {
    pub(crate) fn entity(&self, cx: &Context, kind: Kind, name: &str) -> Result<Arc<Entity>> {
        self.accounts.with(&cx.account, |account| found(account, kind, name).cloned())
    }

    /// One page of the users, groups or roles whose path begins with `prefix`.
    pub(crate) fn list_entities(
        &self,
        cx: &Context,
        kind: Kind,
        prefix: Option<&str>,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<Arc<Entity>>> {
        let prefix = prefix.unwrap_or("/");
        self.accounts.with(&cx.account, |account| {
            let entities =
                account.entities(kind).filter(|(_, entity)| entity.path.starts_with(prefix));
            page(entities.map(|(key, entity)| (key, Arc::clone(entity))), marker, max_items)
        })
    }

    pub(crate) async fn create_entity(
        &self,
        account: &AccountId,
        beginning: Beginning,
        part: Part,
    ) -> Result<Entity> {
        let mut tags = BTreeMap::new();
        tag::add(&mut tags, beginning.tags)?;
        let mut entity = Entity {
            name: beginning.name,
            path: beginning.path.unwrap_or_else(|| "/".to_owned()),
            id: String::new(),
            created: now(),
            tags,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            boundary: beginning.boundary,
            part,
        };
        let kind = entity.kind();
        entity.id = secrets::unique_id(kind.id_prefix());

        let changing = self.accounts.change().await;
        self.accounts.with(account, |found| {
            let key = (kind, entity.name.to_lowercase());
            if found.entities.contains_key(&key) {
                return Err(error::exists(kind, &entity.name));
            }
            if let Some(boundary) = &entity.boundary {
                managed::attachable(found, account, boundary)?;
            }
            let (quota, limit) = match kind {
                Kind::User => ("UsersPerAccount", quota::USERS),
                Kind::Group => ("GroupsPerAccount", quota::GROUPS),
                Kind::Role => ("RolesPerAccount", quota::ROLES),
            };
            let is_full = found.entities(kind).count() >= limit;
            if is_full { Err(error::exceeded(quota, limit)) } else { Ok(()) }
        })?;
        changing.commit(account, [Change::put(entity.clone())]).await?;
        Ok(entity)
    }

    /// Changes a user, group or role: `change` sees it as it is when nobody else can change it.
    pub(crate) async fn change_entity<R>(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        change: impl FnOnce(&mut Entity, &Account) -> Result<R>,
    ) -> Result<(Entity, R)> {
        let changing = self.accounts.change().await;
        let (entity, result) = self.accounts.with(&cx.account, |account| {
            let mut entity = Entity::clone(found(account, kind, name)?);
            if entity.is_protected() {
                return Err(error::protected(name));
            }
            let result = change(&mut entity, account)?;
            Ok((entity, result))
        })?;
        changing.commit(&cx.account, [Change::put(entity.clone())]).await?;
        Ok((entity, result))
    }

    /// Deletes one that has nothing left that would have to be deleted before.
    pub(crate) async fn delete_entity(&self, cx: &Context, kind: Kind, name: &str) -> Result<()> {
        let changing = self.accounts.change().await;
        let entity = self.accounts.with(&cx.account, |account| {
            let entity = found(account, kind, name)?;
            if entity.is_protected() {
                return Err(error::protected(name));
            }
            match what_is_left(account, entity) {
                Some(left) => {
                    Err(fault::delete_conflict(format!("Cannot delete entity, must {left} first.")))
                }
                None => Ok(Arc::clone(entity)),
            }
        })?;
        Ok(changing.commit(&cx.account, [Change::remove(&entity)]).await?)
    }

    /// Gives a user or a group another name, another path, or both.
    pub(crate) async fn move_entity(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        new_name: Option<String>,
        new_path: Option<String>,
    ) -> Result<()> {
        let changing = self.accounts.change().await;
        let changes = self.accounts.with(&cx.account, |account| {
            let old = found(account, kind, name)?;
            let mut new = Entity::clone(old);
            new.path = new_path.unwrap_or(new.path);
            let Some(new_name) = new_name else { return Ok(vec![Change::put(new)]) };
            let (old_key, new_key) = (old.name.to_lowercase(), new_name.to_lowercase());
            if old_key != new_key && account.entities.contains_key(&(kind, new_key.clone())) {
                return Err(error::exists(kind, &new_name));
            }
            new.name = new_name;
            let mut changes = vec![Change::remove(old), Change::put(new)];
            if kind == Kind::Group {
                changes.extend(members(account, &old_key).map(|member| {
                    let mut member = Entity::clone(member);
                    if let Part::User(user) = &mut member.part {
                        user.groups.remove(&old_key);
                        user.groups.insert(new_key.clone());
                    }
                    Change::put(member)
                }));
            }
            Ok(changes)
        })?;
        Ok(changing.commit(&cx.account, changes).await?)
    }

    // -- inline policies --

    pub(crate) async fn put_inline(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        policy_name: String,
        text: String,
    ) -> Result<()> {
        document::check(&text, document::Kind::Identity)?;
        let limit = match kind {
            Kind::User => quota::USER_POLICY_SIZE,
            Kind::Group => quota::GROUP_POLICY_SIZE,
            Kind::Role => quota::ROLE_POLICY_SIZE,
        };
        let put = |entity: &mut Entity, _: &Account| {
            entity.inline.insert(policy_name, text);
            let size: usize = entity.inline.values().map(|text| document::size(text)).sum();
            if size > limit {
                return Err(fault::limit_exceeded(format!(
                    "Maximum policy size of {limit} bytes exceeded for {kind} {}",
                    entity.name
                )));
            }
            Ok(())
        };
        self.change_entity(cx, kind, name, put).await.map(drop)
    }

    /// The document of an inline policy, as answers have it.
    pub(crate) fn inline(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        policy_name: &str,
    ) -> Result<String> {
        let entity = self.entity(cx, kind, name)?;
        let text = entity.inline.get(policy_name);
        text.map(|text| document::encoded(text))
            .ok_or_else(|| error::no_such_inline_policy(kind, policy_name))
    }

    pub(crate) async fn delete_inline(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        policy_name: &str,
    ) -> Result<()> {
        let delete = |entity: &mut Entity, _: &Account| match entity.inline.remove(policy_name) {
            Some(_) => Ok(()),
            None => Err(error::no_such_inline_policy(kind, policy_name)),
        };
        self.change_entity(cx, kind, name, delete).await.map(drop)
    }

    pub(crate) fn list_inline(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<String>> {
        let entity = self.entity(cx, kind, name)?;
        page(entity.inline.keys().map(|name| (name, name.clone())), marker, max_items)
    }

    // -- managed policies --

    pub(crate) async fn attach(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        arn: String,
    ) -> Result<()> {
        let attach = |entity: &mut Entity, account: &Account| {
            managed::attachable(account, &cx.account, &arn)?;
            entity.attached.insert(arn);
            if entity.attached.len() > quota::ATTACHED_POLICIES {
                let quota = format!("PoliciesPer{}", kind.title());
                return Err(error::exceeded(&quota, quota::ATTACHED_POLICIES));
            }
            Ok(())
        };
        self.change_entity(cx, kind, name, attach).await.map(drop)
    }

    pub(crate) async fn detach(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        arn: &str,
    ) -> Result<()> {
        let detach = |entity: &mut Entity, _: &Account| match entity.attached.remove(arn) {
            true => Ok(()),
            false => Err(error::no_such_policy(arn)),
        };
        self.change_entity(cx, kind, name, detach).await.map(drop)
    }

    pub(crate) fn list_attached(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        prefix: Option<&str>,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<AttachedPolicy>> {
        let prefix = prefix.unwrap_or("/");
        let entity = self.entity(cx, kind, name)?;
        let attached = entity.attached.iter().filter_map(|arn| {
            let (path, name) = managed::path_and_name(arn)?;
            let policy = AttachedPolicy {
                policy_name: Some(name.to_owned()),
                policy_arn: Some(arn.clone()),
            };
            path.starts_with(prefix).then_some((arn, policy))
        });
        page(attached, marker, max_items)
    }

    // -- boundary --

    pub(crate) async fn set_boundary(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        boundary: Option<String>,
    ) -> Result<()> {
        let set = |entity: &mut Entity, account: &Account| {
            match &boundary {
                Some(arn) => managed::attachable(account, &cx.account, arn)?,
                None if entity.boundary.is_none() => {
                    return Err(fault::no_such_entity(format!(
                        "{} {name} does not have a permissions boundary.",
                        kind.title()
                    )));
                }
                None => {}
            }
            entity.boundary = boundary;
            Ok(())
        };
        self.change_entity(cx, kind, name, set).await.map(drop)
    }

    // -- tags --

    pub(crate) async fn tag(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        tags: Vec<Tag>,
    ) -> Result<()> {
        let add = |entity: &mut Entity, _: &Account| tag::add(&mut entity.tags, tags);
        self.change_entity(cx, kind, name, add).await.map(drop)
    }

    pub(crate) async fn untag(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        keys: &[String],
    ) -> Result<()> {
        let remove = |entity: &mut Entity, _: &Account| {
            tag::remove(&mut entity.tags, keys);
            Ok(())
        };
        self.change_entity(cx, kind, name, remove).await.map(drop)
    }

    pub(crate) fn list_tags(
        &self,
        cx: &Context,
        kind: Kind,
        name: &str,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<Tag>> {
        let entity = self.entity(cx, kind, name)?;
        page(tag::list(&entity.tags), marker, max_items)
    }

    // -- groups --

    /// Makes a user a member of a group, or ends that.
    pub(crate) async fn set_membership(
        &self,
        cx: &Context,
        group: &str,
        user: &str,
        is_member: bool,
    ) -> Result<()> {
        let set = |entity: &mut Entity, account: &Account| {
            let group = found(account, Kind::Group, group)?.name.to_lowercase();
            let Part::User(user) = &mut entity.part else { return Ok(()) };
            if !is_member {
                user.groups.remove(&group);
                return Ok(());
            }
            user.groups.insert(group);
            if user.groups.len() > quota::GROUPS_PER_USER {
                return Err(error::exceeded("GroupsPerUser", quota::GROUPS_PER_USER));
            }
            Ok(())
        };
        self.change_entity(cx, Kind::User, user, set).await.map(drop)
    }
}

pub(crate) fn found<'a>(account: &'a Account, kind: Kind, name: &str) -> Result<&'a Arc<Entity>> {
    account.entity(kind, name).ok_or_else(|| error::no_such(kind, name))
}

/// The users of the group with this name in lower case.
pub(crate) fn members<'a>(
    account: &'a Account,
    group: &str,
) -> impl Iterator<Item = &'a Arc<Entity>> {
    account
        .entities(Kind::User)
        .map(|(_, user)| user)
        .filter(move |user| user.user().is_some_and(|user| user.groups.contains(group)))
}

/// What keeps an entity from being deleted, as AWS says it.
fn what_is_left(account: &Account, entity: &Entity) -> Option<&'static str> {
    let is_user_with = |has: fn(&crate::record::UserPart) -> bool| entity.user().is_some_and(has);
    if is_user_with(|user| !user.access_keys.is_empty()) {
        Some("delete access keys")
    } else if !entity.attached.is_empty() {
        Some("detach all policies")
    } else if !entity.inline.is_empty() {
        Some("delete policies")
    } else if is_user_with(|user| !user.groups.is_empty())
        || (entity.kind() == Kind::Group
            && members(account, &entity.name.to_lowercase()).next().is_some())
    {
        Some("remove users from group")
    } else {
        None
    }
}
