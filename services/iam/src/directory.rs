// SPDX-License-Identifier: Apache-2.0
//! Whose an access key is, and what users and sessions of roles may do: the answers that the edge asks for.
//!
//! What a principal may do is put together once, and again after anything has changed.

use crate::accounts::{Account, Owner, Tables};
use crate::record::{Entity, Kind};
use crate::{Iam, managed};
use edge::{Directory, EntityKind, Powers, Signer};
use names::AccountId;
use policy::{Document, Named};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Principals whose powers are kept ready. Beyond it all are put together anew.
const READY_MAX: usize = 10_000;

/// Powers that were put together since the last change, by ARN.
#[derive(Debug, Default)]
pub(crate) struct Ready(Mutex<HashMap<String, Arc<edge::Entity>>>);

impl Ready {
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(
        &self,
        arn: &str,
        make: impl FnOnce() -> Option<edge::Entity>,
    ) -> Option<Arc<edge::Entity>> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entity) = ready.get(arn) {
            return Some(Arc::clone(entity));
        }
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        let made = Arc::new(make()?);
        ready.insert(arn.to_owned(), Arc::clone(&made));
        Some(made)
    }
}

impl Directory for Iam {
    fn key(&self, access_key_id: &str) -> Option<Signer> {
        self.accounts.look(|tables| {
            let found = tables.key(access_key_id)?;
            let powers = match &found.owner {
                Owner::Root => Powers::Root,
                Owner::User(_) => powers(tables, &found.key.caller().arn)?,
            };
            Some(Signer { key: Arc::clone(&found.key), powers })
        })
    }

    fn powers(&self, arn: &str) -> Option<Powers> {
        self.accounts.look(|tables| powers(tables, arn))
    }
}

/// Called with the tables locked, so that what is kept ready is of the tables as they are.
fn powers(tables: &Tables, arn: &str) -> Option<Powers> {
    let (account, resource) = account_and_resource(arn)?;
    if resource == "root" {
        return Some(Powers::Root);
    }
    let (kind, rest) = resource.split_once('/')?;
    let (kind, name) = match kind {
        "user" => (Kind::User, rest.rsplit('/').next()?),
        "role" => (Kind::Role, rest.rsplit('/').next()?),
        "assumed-role" => (Kind::Role, rest.split_once('/')?.0),
        _ => return None,
    };
    let id: AccountId = account.parse().ok()?;
    let found = tables.account(&id)?;
    let entity = found.entity(kind, name)?;
    let own_arn = entity.arn(&id);
    if !resource.starts_with("assumed-role/") && own_arn != arn {
        return None;
    }
    let make = || {
        let kind = match kind {
            Kind::User => EntityKind::User { arn: own_arn, name: entity.name.clone() },
            _ => EntityKind::Role { arn: own_arn, session_arn: arn.to_owned() },
        };
        Some(edge::Entity {
            kind,
            tags: entity.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            identity: identity(found, &id, entity),
            boundary: entity
                .boundary
                .as_ref()
                .map(|arn| managed(found, &id, arn).into_iter().collect()),
            session: None,
            issued_at_s: None,
        })
    };
    tables.ready.get(arn, make).map(Powers::Held)
}

/// `arn:aws:iam::000000000000:user/a` and `arn:aws:sts::000000000000:assumed-role/a/b`
fn account_and_resource(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:aws:iam::").or_else(|| arn.strip_prefix("arn:aws:sts::"))?;
    rest.split_once(':')
}

/// The policies of an entity itself, and those of its groups.
fn identity(account: &Account, id: &AccountId, entity: &Entity) -> Vec<Named> {
    let groups = entity.user().into_iter().flat_map(|user| &user.groups);
    let groups = groups.filter_map(|name| account.entities.get(&(Kind::Group, name.clone())));
    std::iter::once(entity)
        .chain(groups.map(|group| &**group))
        .flat_map(|holder| {
            let inline = holder.inline.iter().filter_map(|(name, text)| named(name, text));
            inline.chain(holder.attached.iter().filter_map(|arn| managed(account, id, arn)))
        })
        .collect()
}

fn managed(account: &Account, id: &AccountId, arn: &str) -> Option<Named> {
    named(arn, managed::find(account, id, arn)?.document())
}

/// A document that was checked when it came. One that a newer version of this program refuses grants nothing.
fn named(name: &str, text: &str) -> Option<Named> {
    match Document::parse(text, policy::Kind::Identity) {
        Ok(document) => Some(Named { name: name.into(), document: Arc::new(document) }),
        Err(error) => {
            tracing::error!(policy = name, error = %error, "policy not understood");
            None
        }
    }
}
