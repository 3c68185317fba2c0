// SPDX-License-Identifier: Apache-2.0
//! Further accounts: what whoever runs the server does with them.
//!
//! An account begins with a key of its root, which is told once. It goes when nothing is left in it.

use crate::Iam;
use crate::access_key::NewKey;
use crate::accounts::{Change, now};
use crate::error::KeepError;
use crate::record::{AccountRecord, Kind};
use names::AccountId;
use std::collections::BTreeMap;

const ACCOUNTS_MAX: usize = 1_000;

/// An account that was made, and its root's key.
pub struct NewAccount {
    pub id: AccountId,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An account, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAccount {
    pub id: AccountId,
    pub alias: Option<String>,
    /// ISO 8601.
    pub created: String,
    pub users: usize,
    pub roles: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("the account {0} is there already")]
    Exists(AccountId),
    #[error("there is no account {0}")]
    NoSuchAccount(AccountId),
    #[error("the account {0} is the server's own: it stays")]
    First(AccountId),
    #[error("the account {id} is not empty: it has {what}")]
    NotEmpty { id: AccountId, what: &'static str },
    #[error("there are {ACCOUNTS_MAX} accounts: as many as may be")]
    TooMany,
    #[error("failed to keep the account")]
    Keep(#[source] AccountNotKept),
}

/// What went wrong on our side.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AccountNotKept(#[from] KeepError);

impl From<KeepError> for AccountError {
    fn from(error: KeepError) -> Self {
        Self::Keep(AccountNotKept(error))
    }
}

impl Iam {
    /// Makes an account. `id`: the number that it is to have, or any.
    pub async fn create_account(&self, id: Option<AccountId>) -> Result<NewAccount, AccountError> {
        let changing = self.accounts.change().await;
        let is_there = |id: &AccountId| self.accounts.with(id, |account| account.record.is_some());
        let id = match id {
            Some(id) if is_there(&id) => return Err(AccountError::Exists(id)),
            Some(id) => id,
            None => std::iter::repeat_with(random_id)
                .find(|id| !is_there(id))
                .ok_or(AccountError::TooMany)?,
        };
        if self.accounts.look(|tables| tables.count()) >= ACCOUNTS_MAX {
            return Err(AccountError::TooMany);
        }
        let NewKey { id: access_key_id, secret: secret_access_key, record } = self.new_key();
        let access_keys = BTreeMap::from([(access_key_id.clone(), record)]);
        let record = AccountRecord { created: now(), alias: None, access_keys };
        changing.commit(&id, [Change::Account(Some(record))]).await?;
        Ok(NewAccount { id, access_key_id, secret_access_key })
    }

    /// All accounts, by their numbers.
    pub fn accounts(&self) -> Vec<ListedAccount> {
        let mut listed: Vec<ListedAccount> = self.accounts.look(|tables| {
            let listed = tables.accounts().map(|(id, account, record)| ListedAccount {
                id: id.clone(),
                alias: record.alias.clone(),
                created: record.created.iso_milli_text(),
                users: account.entities(Kind::User).count(),
                roles: account.entities(Kind::Role).count(),
            });
            listed.collect()
        });
        listed.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        listed
    }

    /// Removes an account in which there is nothing but keys of its root. What other services have in it, its caller has looked at.
    pub async fn remove_account(&self, id: &AccountId) -> Result<(), AccountError> {
        if *id == self.first {
            return Err(AccountError::First(id.clone()));
        }
        let changing = self.accounts.change().await;
        self.accounts.with(id, |account| {
            if account.record.is_none() {
                return Err(AccountError::NoSuchAccount(id.clone()));
            }
            let not_empty = |what| Err(AccountError::NotEmpty { id: id.clone(), what });
            match (account.entities.is_empty(), account.policies.is_empty()) {
                (false, _) => not_empty("users, groups or roles"),
                (true, false) => not_empty("managed policies"),
                (true, true) => Ok(()),
            }
        })?;
        Ok(changing.commit(id, [Change::Account(None)]).await?)
    }
}

fn random_id() -> AccountId {
    let letters = secrets::unique_id("");
    let digits: String =
        letters.bytes().take(12).map(|byte| char::from(b'0' + byte % 10)).collect();
    digits.parse().expect("twelve digits are an account id")
}
