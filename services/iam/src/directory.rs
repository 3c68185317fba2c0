// SPDX-License-Identifier: Apache-2.0
//! Whose an access key is, and what users and sessions of roles may do: the answers that the edge asks for.
//!
//! What a principal may do is put together once, and again after anything has changed.

use crate::accounts::{Account, Owner, Tables};
use crate::held::held;
use crate::record::{Entity, Kind};
use crate::{Iam, managed};
use edge::{Directory, EntityKind, Powers, Resources, Session, Signer};
use names::AccountId;
use policy::{Document, FactList, Named, Principal, Request, Sources};
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

    fn role_id(&self, role_arn: &str) -> Option<String> {
        self.of_entity(role_arn, |entity| entity.role().is_some().then(|| entity.id.clone()))
    }

    fn has_several_accounts(&self) -> bool {
        self.accounts.are_several()
    }

    fn session_powers(&self, session: &Session) -> Option<Powers> {
        self.accounts.look(|tables| {
            let held = match powers(tables, &session.arn)? {
                Powers::Root => return Some(Powers::Root),
                Powers::Held(held) => held,
            };
            let account = tables.account(&session.account)?;
            // Another role of the same name is not the one that was assumed.
            let entity = holder(account, &session.arn)?;
            (entity.id == session.holder_id).then_some(())?;
            let passed = session.policy.iter().filter_map(|text| named("session policy", text));
            let managed = session
                .policy_arns
                .iter()
                .filter_map(|arn| managed(account, &session.account, arn));
            let is_limited = session.policy.is_some() || !session.policy_arns.is_empty();
            let is_new = |(key, _): &&(String, String)| {
                !session.tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
            };
            Some(Powers::Held(Arc::new(edge::Entity {
                kind: held.kind.clone(),
                tags: held.tags.iter().filter(is_new).chain(&session.tags).cloned().collect(),
                identity: held.identity.clone(),
                boundary: held.boundary.clone(),
                session: is_limited.then(|| passed.chain(managed).collect()),
                issued_at_s: Some(session.issued_at_s),
            })))
        })
    }
}

impl Resources for Iam {
    /// Of a role, its trust policy.
    fn policies(&self, arn: &str) -> Vec<Named> {
        let trust = self.of_entity(arn, |entity| {
            let document = Document::parse(&entity.role()?.trust, policy::Kind::Trust).ok()?;
            Some(Named { name: arn.into(), document: Arc::new(document) })
        });
        trust.into_iter().collect()
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.of_entity(arn, |entity| {
            let mut tags = entity.tags.iter();
            tags.find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value.clone())
        })
    }

    fn fact(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn whole_arn(&self, arn: &str) -> Option<String> {
        let account = account_and_resource(arn)?.0.parse().ok()?;
        self.of_entity(arn, |entity| Some(entity.arn(&account)))
    }
}

impl Iam {
    /// Looks at the user, the group or the role that an ARN names.
    pub(crate) fn of_entity<R>(
        &self,
        arn: &str,
        look: impl FnOnce(&Entity) -> Option<R>,
    ) -> Option<R> {
        let account = account_and_resource(arn)?.0.parse().ok()?;
        self.accounts.with(&account, |account| look(holder(account, arn)?))
    }

    /// Whether a role's own policies let it do something that is done to nothing in particular.
    pub fn lets_role(&self, role_arn: &str, action: &str) -> bool {
        let Some((account, _)) = account_and_resource(role_arn) else { return false };
        let held = match self.powers(role_arn) {
            Some(Powers::Held(held)) => held,
            Some(Powers::Root) => return true,
            None => return false,
        };
        let request = Request {
            principal: held.principal(account),
            action,
            resource: "*",
            resource_account: account,
            facts: &FactList::default(),
        };
        policy::evaluate(&request, &held.sources(&[])).is_allowed()
    }

    /// Whether a role exists and lets a service assume it for something of the role's account.
    pub fn lets_service_assume(&self, service: &str, role_arn: &str, source_arn: &str) -> bool {
        let Some((account, _)) = account_and_resource(role_arn) else { return false };
        if self.whole_arn(role_arn).as_deref() != Some(role_arn) {
            return false;
        }
        let facts: FactList =
            [("aws:SourceAccount", account), ("aws:SourceArn", source_arn)].into_iter().collect();
        let request = Request {
            principal: Principal::Service(service),
            action: "sts:AssumeRole",
            resource: role_arn,
            resource_account: account,
            facts: &facts,
        };
        let trust = self.policies(role_arn);
        policy::evaluate(&request, &Sources { resource: &trust, ..Sources::default() }).is_allowed()
    }
}

/// The user, the group or the role that an ARN names, whatever path it has: names are theirs alone.
pub(crate) fn holder<'a>(account: &'a Account, arn: &str) -> Option<&'a Arc<Entity>> {
    let (_, resource) = account_and_resource(arn)?;
    let (kind, rest) = resource.split_once('/')?;
    let (kind, name) = match kind {
        "user" => (Kind::User, rest.rsplit('/').next()?),
        "group" => (Kind::Group, rest.rsplit('/').next()?),
        "role" => (Kind::Role, rest.rsplit('/').next()?),
        "assumed-role" => (Kind::Role, rest.split_once('/')?.0),
        _ => return None,
    };
    account.entity(kind, name)
}

/// Called with the tables locked, so that what is kept ready is of the tables as they are.
fn powers(tables: &Tables, arn: &str) -> Option<Powers> {
    let (account, resource) = account_and_resource(arn)?;
    let id: AccountId = account.parse().ok()?;
    let found = tables.account(&id)?;
    if resource == "root" {
        return found.record.as_ref().map(|_| Powers::Root);
    }
    let entity = holder(found, arn).filter(|entity| entity.kind() != Kind::Group)?;
    let own_arn = entity.arn(&id);
    if !resource.starts_with("assumed-role/") && own_arn != arn {
        return None;
    }
    let make = || {
        let kind = match entity.kind() {
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
pub(crate) fn account_and_resource(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:aws:iam::").or_else(|| arn.strip_prefix("arn:aws:sts::"))?;
    rest.split_once(':')
}

/// The policies of an entity itself, and those of its groups.
fn identity(account: &Account, id: &AccountId, entity: &Entity) -> Vec<Named> {
    held(account, id, entity).filter_map(|held| named(&held.title(), held.text())).collect()
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
