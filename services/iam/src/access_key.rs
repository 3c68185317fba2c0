// SPDX-License-Identifier: Apache-2.0
//! Access keys of users and of an account's root.

use crate::accounts::{Account, Change, Owner, now};
use crate::record::{AccountRecord, Entity, KeyRecord, Kind, Part};
use crate::{Iam, error, quota};
use names::AccountId;
use std::collections::BTreeMap;
use wire::{Context, Fault, Result};

/// A key as it is told once.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) record: KeyRecord,
}

impl Iam {
    /// Whose keys are meant: those of the user that is named, or the caller's own.
    pub(crate) fn owner(
        &self,
        cx: &Context,
        user_name: Option<&str>,
    ) -> Result<(Owner, Option<String>)> {
        let name = match user_name {
            Some(name) => name,
            None if cx.caller.arn.ends_with(":root") => return Ok((Owner::Root, None)),
            None => caller_name(cx)?,
        };
        let user = self.entity(cx, Kind::User, name)?;
        Ok((Owner::User(user.name.to_lowercase()), Some(user.name.clone())))
    }

    pub(crate) fn keys_of(&self, cx: &Context, owner: &Owner) -> BTreeMap<String, KeyRecord> {
        self.accounts.with(&cx.account, |account| keys(account, owner).cloned().unwrap_or_default())
    }

    /// A key that nobody has yet.
    pub(crate) fn new_key(&self) -> NewKey {
        let (id, secret) = (secrets::access_key_id("AKIA"), secrets::secret_access_key());
        let sealed_secret = self.accounts.seal(&id, &secret);
        NewKey { id, secret, record: KeyRecord { created: now(), is_active: true, sealed_secret } }
    }

    pub(crate) async fn make_key(&self, account: &AccountId, owner: &Owner) -> Result<NewKey> {
        let key = self.new_key();
        let add = |keys: &mut BTreeMap<String, KeyRecord>| {
            if keys.len() >= quota::ACCESS_KEYS_PER_USER {
                return Err(error::exceeded("AccessKeysPerUser", quota::ACCESS_KEYS_PER_USER));
            }
            keys.insert(key.id.clone(), key.record.clone());
            Ok(())
        };
        self.change_keys(account, owner, add).await?;
        Ok(key)
    }

    /// Changes the keys of `owner`, or none of them.
    pub(crate) async fn change_keys(
        &self,
        account: &AccountId,
        owner: &Owner,
        change: impl FnOnce(&mut BTreeMap<String, KeyRecord>) -> Result<()>,
    ) -> Result<()> {
        let changing = self.accounts.change().await;
        let changed = self.accounts.with(account, |account| match owner {
            Owner::Root => {
                let mut record = account.record.clone().ok_or_else(Fault::internal)?;
                change(&mut record.access_keys)?;
                Ok::<_, Fault>(Change::Account(Some(record)))
            }
            Owner::User(name) => {
                let found = account.entities.get(&(Kind::User, name.clone()));
                let mut user = found
                    .map(|user| Entity::clone(user))
                    .ok_or_else(|| error::no_such(Kind::User, name))?;
                if let Part::User(user) = &mut user.part {
                    change(&mut user.access_keys)?;
                }
                Ok(Change::put(user))
            }
        })?;
        Ok(changing.commit(account, [changed]).await?)
    }
}

fn keys<'a>(account: &'a Account, owner: &Owner) -> Option<&'a BTreeMap<String, KeyRecord>> {
    match owner {
        Owner::Root => account.record.as_ref().map(|record: &AccountRecord| &record.access_keys),
        Owner::User(name) => {
            let user = account.entities.get(&(Kind::User, name.clone()))?.user()?;
            Some(&user.access_keys)
        }
    }
}

/// The name of the user who calls.
pub(crate) fn caller_name(cx: &Context) -> Result<&str> {
    let resource = cx.caller.arn.split_once(":user/").map(|(_, resource)| resource);
    resource.and_then(|resource| resource.rsplit('/').next()).ok_or_else(|| {
        Fault::validation("Must specify userName when calling with non-User credentials")
    })
}
