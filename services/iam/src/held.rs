// SPDX-License-Identifier: Apache-2.0
//! The policies that a user, a group or a role has: its own, and of a user those of its groups.

use crate::accounts::Account;
use crate::managed;
use crate::record::{Entity, Kind, ManagedPolicy};
use names::AccountId;
use std::sync::Arc;

/// One policy, and how it is held.
#[derive(Debug)]
pub(crate) enum Held<'a> {
    Inline {
        holder: &'a Entity,
        name: &'a str,
        text: &'a str,
    },
    /// One that is attached.
    Managed {
        arn: &'a str,
        policy: Arc<ManagedPolicy>,
    },
}

impl Held<'_> {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Inline { text, .. } => text,
            Self::Managed { policy, .. } => policy.document(),
        }
    }

    /// What denials and explanations call it.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Inline { holder, name, .. } => {
                format!("inline policy {name} of {} {}", holder.kind(), holder.name)
            }
            Self::Managed { arn, .. } => (*arn).to_owned(),
        }
    }

    /// What IAM's simulator calls it: `role_NAME_POLICY`, or the name of a managed policy.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Inline { holder, name, .. } => {
                format!("{}_{}_{name}", holder.kind(), holder.name)
            }
            Self::Managed { policy, .. } => policy.name.clone(),
        }
    }
}

/// The policies of `entity`, which is of `account`.
pub(crate) fn held<'a>(
    account: &'a Account,
    id: &'a AccountId,
    entity: &'a Entity,
) -> impl Iterator<Item = Held<'a>> {
    let groups = entity.user().into_iter().flat_map(|user| &user.groups);
    let groups = groups.filter_map(|name| account.entities.get(&(Kind::Group, name.clone())));
    std::iter::once(entity).chain(groups.map(|group| &**group)).flat_map(move |holder| {
        let inline = holder.inline.iter().map(|(name, text)| Held::Inline { holder, name, text });
        inline.chain(holder.attached.iter().filter_map(move |arn| {
            Some(Held::Managed { arn, policy: managed::find(account, id, arn)? })
        }))
    })
}
