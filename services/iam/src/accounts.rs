// SPDX-License-Identifier: Apache-2.0
//! Everything that is kept: on disk, and in memory for every read.
//!
//! Whoever changes something holds [`Changing`] from before the read, so that what it decided on is still true when it is
//! written. One lock is enough for all: such changes are rare.

use crate::directory::Ready;
use crate::error::KeepError;
use crate::record::{
    AccountRecord, Entity, KeyRecord, Kind, ManagedPolicy, Part, RolePart, SESSION_SECONDS_DEFAULT,
};
use crate::service_linked::trust;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edge::AccessKey;
use names::AccountId;
use secrets::{KeyFile, Sealer};
use serde::Serialize;
use sigv4::Credentials;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};
use store::{Batch, DecodeError, Entry, Expectation, Keyspace, ReadError, Store};
use wire::{Caller, Timestamp};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to load users, roles and policies")]
    Read(#[from] ReadError),
    #[error("failed to decode the record `{key}`")]
    Decode {
        key: String,
        #[source]
        source: DecodeError,
    },
    #[error("the record `{key}` has a key that is nothing of IAM's")]
    Key { key: String },
    #[error(
        "the secret of the access key {id} does not open: it was sealed under another key file"
    )]
    Sealed { id: String },
    #[error("failed to keep the first account")]
    Keep(#[from] FirstAccountError),
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FirstAccountError(#[from] KeepError);

/// The role that the first account has from its first start on, if it is to have one.
const FIRST_ROLE: &str = "lambda-role";

/// One account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) record: Option<AccountRecord>,
    /// By their names in lower case: of two names that differ in nothing else, AWS has one at most.
    pub(crate) entities: BTreeMap<(Kind, String), Arc<Entity>>,
    /// Managed by the customer. By their names in lower case.
    pub(crate) policies: BTreeMap<String, Arc<ManagedPolicy>>,
}

impl Account {
    pub(crate) fn entity(&self, kind: Kind, name: &str) -> Option<&Arc<Entity>> {
        let entity = self.entities.get(&(kind, name.to_lowercase()))?;
        (entity.name == name).then_some(entity)
    }

    pub(crate) fn entities(&self, kind: Kind) -> impl Iterator<Item = (&String, &Arc<Entity>)> {
        self.entities
            .iter()
            .filter(move |((of, _), _)| *of == kind)
            .map(|((_, key), entity)| (key, entity))
    }
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    Root,
    /// By the name in lower case.
    User(String),
}

/// An active access key, ready to be compared with.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) owner: Owner,
    pub(crate) key: Arc<AccessKey>,
}

#[derive(Debug, Default)]
pub(crate) struct Tables {
    accounts: HashMap<AccountId, Account>,
    keys: HashMap<String, Key>,
    pub(crate) ready: Ready,
}

#[derive(Debug)]
pub(crate) struct Accounts {
    store: Store,
    /// `ACCOUNT`
    records: Keyspace,
    /// `ACCOUNT/KIND/NAME`
    entities: Keyspace,
    /// `ACCOUNT/NAME`
    policies: Keyspace,
    sealer: Sealer,
    tables: RwLock<Tables>,
    changing: tokio::sync::Mutex<()>,
    /// Whether there is more than one account. Each request of root looks at it.
    are_several: AtomicBool,
}

/// The right to change something.
#[derive(Debug)]
pub(crate) struct Changing<'a> {
    accounts: &'a Accounts,
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

/// One record, as it will be. `None` removes it.
#[derive(Debug)]
pub(crate) enum Change {
    Account(Option<AccountRecord>),
    Entity { kind: Kind, name: String, value: Option<Entity> },
    Policy { name: String, value: Option<ManagedPolicy> },
}

impl Change {
    pub(crate) fn put(entity: Entity) -> Self {
        Self::Entity { kind: entity.kind(), name: entity.name.to_lowercase(), value: Some(entity) }
    }

    pub(crate) fn remove(entity: &Entity) -> Self {
        Self::Entity { kind: entity.kind(), name: entity.name.to_lowercase(), value: None }
    }

    pub(crate) fn put_policy(policy: ManagedPolicy) -> Self {
        Self::Policy { name: policy.name.to_lowercase(), value: Some(policy) }
    }

    pub(crate) fn remove_policy(policy: &ManagedPolicy) -> Self {
        Self::Policy { name: policy.name.to_lowercase(), value: None }
    }
}

impl Accounts {
    pub(crate) async fn open(
        store: &Store,
        key_file: &KeyFile,
        first: &AccountId,
        with_role: bool,
    ) -> Result<Self, OpenError> {
        let accounts = Self {
            records: store.keyspace("iam.accounts"),
            entities: store.keyspace("iam.entities"),
            policies: store.keyspace("iam.policies"),
            store: store.clone(),
            sealer: key_file.sealer("access keys"),
            tables: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
            are_several: AtomicBool::default(),
        };
        accounts.load().await?;
        let changing = accounts.change().await;
        if changing.accounts.with(first, |account| account.record.is_none()) {
            let record =
                AccountRecord { created: now(), alias: None, access_keys: BTreeMap::new() };
            let role = with_role.then(|| Change::put(first_role()));
            let changes = role.into_iter().chain([Change::Account(Some(record))]);
            changing.commit(first, changes).await.map_err(FirstAccountError)?;
        }
        drop(changing);
        Ok(accounts)
    }

    async fn load(&self) -> Result<(), OpenError> {
        let mut tables = Tables::default();
        for entry in read(&self.records).await? {
            let account =
                entry.key.parse().map_err(|_| OpenError::Key { key: entry.key.clone() })?;
            tables.apply(&account, Change::Account(Some(decode(&entry)?)), &self.sealer)?;
        }
        for entry in read(&self.entities).await? {
            let (account, _) = split(&entry.key)?;
            tables.apply(&account, Change::put(decode(&entry)?), &self.sealer)?;
        }
        for entry in read(&self.policies).await? {
            let (account, _) = split(&entry.key)?;
            tables.apply(&account, Change::put_policy(decode(&entry)?), &self.sealer)?;
        }
        self.are_several.store(tables.count() > 1, Ordering::Relaxed);
        *self.tables.write().unwrap_or_else(PoisonError::into_inner) = tables;
        Ok(())
    }

    pub(crate) fn are_several(&self) -> bool {
        self.are_several.load(Ordering::Relaxed)
    }

    /// Looks at all accounts.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Tables) -> R) -> R {
        look(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at one account. One that is not there has nothing.
    pub(crate) fn with<R>(&self, account: &AccountId, look: impl FnOnce(&Account) -> R) -> R {
        self.look(|tables| match tables.account(account) {
            Some(account) => look(account),
            None => look(&Account::default()),
        })
    }

    /// Whether any account has this alias.
    pub(crate) fn has_alias(&self, alias: &str) -> bool {
        self.look(|tables| {
            let mut records =
                tables.accounts.values().filter_map(|account| account.record.as_ref());
            records.any(|record| record.alias.as_deref() == Some(alias))
        })
    }

    pub(crate) async fn change(&self) -> Changing<'_> {
        Changing { accounts: self, _guard: self.changing.lock().await }
    }

    /// A secret as it is kept.
    pub(crate) fn seal(&self, access_key_id: &str, secret: &str) -> String {
        STANDARD.encode(self.sealer.seal(access_key_id, secret.as_bytes()))
    }

    fn batch(
        &self,
        account: &AccountId,
        change: &Change,
        batch: Batch,
    ) -> Result<Batch, KeepError> {
        match change {
            Change::Account(value) => {
                put(batch, &self.records, account.to_string(), value.as_ref())
            }
            Change::Entity { kind, name, value } => {
                put(batch, &self.entities, format!("{account}/{kind}/{name}"), value.as_ref())
            }
            Change::Policy { name, value } => {
                put(batch, &self.policies, format!("{account}/{name}"), value.as_ref())
            }
        }
    }
}

impl Changing<'_> {
    /// Makes all `changes` in `account`, or none.
    pub(crate) async fn commit(
        &self,
        account: &AccountId,
        changes: impl IntoIterator<Item = Change>,
    ) -> Result<(), KeepError> {
        let changes: Vec<Change> = changes.into_iter().collect();
        let accounts = self.accounts;
        let batch = changes
            .iter()
            .try_fold(Batch::new(), |batch, change| accounts.batch(account, change, batch))?;
        accounts.store.commit(batch).await?;
        let mut tables = accounts.tables.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            tables
                .apply(account, change, &accounts.sealer)
                .expect("what was sealed under this key file a moment ago opens");
        }
        accounts.are_several.store(tables.count() > 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Tables {
    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The accounts that there are, in no order.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (&AccountId, &Account, &AccountRecord)> {
        self.accounts
            .iter()
            .filter_map(|(id, account)| Some((id, account, account.record.as_ref()?)))
    }

    pub(crate) fn count(&self) -> usize {
        self.accounts().count()
    }

    pub(crate) fn key(&self, access_key_id: &str) -> Option<&Key> {
        self.keys.get(access_key_id)
    }

    fn apply(&mut self, id: &AccountId, change: Change, sealer: &Sealer) -> Result<(), OpenError> {
        self.ready.clear();
        let account = self.accounts.entry(id.clone()).or_default();
        let (owner, keys) = match change {
            Change::Policy { name, value } => {
                match value {
                    Some(policy) => drop(account.policies.insert(name, Arc::new(policy))),
                    None => drop(account.policies.remove(&name)),
                }
                return Ok(());
            }
            Change::Entity { kind, name, value } => {
                let keys =
                    value.as_ref().and_then(Entity::user).map(|user| user.access_keys.clone());
                match value {
                    Some(entity) => {
                        drop(account.entities.insert((kind, name.clone()), Arc::new(entity)))
                    }
                    None => drop(account.entities.remove(&(kind, name.clone()))),
                }
                if kind != Kind::User {
                    return Ok(());
                }
                (Owner::User(name), keys)
            }
            Change::Account(record) => {
                let keys = record.as_ref().map(|record| record.access_keys.clone());
                account.record = record;
                (Owner::Root, keys)
            }
        };
        self.index(id, &owner, &keys.unwrap_or_default(), sealer)
    }

    /// Makes `keys` the access keys of `owner`.
    fn index(
        &mut self,
        account: &AccountId,
        owner: &Owner,
        keys: &BTreeMap<String, KeyRecord>,
        sealer: &Sealer,
    ) -> Result<(), OpenError> {
        self.keys.retain(|_, found| found.key.account() != account || found.owner != *owner);
        for (id, record) in keys.iter().filter(|(_, record)| record.is_active) {
            let sealed = STANDARD.decode(&record.sealed_secret).ok();
            let secret = sealed
                .and_then(|sealed| sealer.open(id, &sealed))
                .and_then(|secret| String::from_utf8(secret).ok())
                .ok_or_else(|| OpenError::Sealed { id: id.clone() })?;
            let Some(caller) = self.caller(account, owner, id) else { continue };
            let key = AccessKey::new(Credentials::new(secret), account.clone(), caller);
            self.keys.insert(id.clone(), Key { owner: owner.clone(), key: Arc::new(key) });
        }
        Ok(())
    }

    /// Who signs with a key of `owner`.
    fn caller(&self, account: &AccountId, owner: &Owner, access_key_id: &str) -> Option<Caller> {
        let access_key_id = access_key_id.to_owned();
        Some(match owner {
            Owner::Root => Caller {
                arn: format!("arn:aws:iam::{account}:root"),
                user_id: account.to_string(),
                access_key_id,
            },
            Owner::User(name) => {
                let user = self.account(account)?.entities.get(&(Kind::User, name.clone()))?;
                Caller { arn: user.arn(account), user_id: user.id.clone(), access_key_id }
            }
        })
    }
}

/// What functions can be created with before anybody made a role: it may write logs.
fn first_role() -> Entity {
    Entity {
        name: FIRST_ROLE.to_owned(),
        path: "/".to_owned(),
        id: secrets::unique_id(Kind::Role.id_prefix()),
        created: now(),
        tags: BTreeMap::new(),
        inline: BTreeMap::new(),
        attached: BTreeSet::from([
            "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole".to_owned(),
        ]),
        boundary: None,
        part: Part::Role(RolePart {
            trust: trust("lambda.amazonaws.com"),
            description: Some(
                "Made at the first start, for functions that only write logs.".to_owned(),
            ),
            session_seconds_max: SESSION_SECONDS_DEFAULT,
        }),
    }
}

async fn read(keyspace: &Keyspace) -> Result<Vec<Entry>, ReadError> {
    let mut entries = Vec::new();
    keyspace.load(|entry| entries.push(entry)).await?;
    Ok(entries)
}

fn decode<T: serde::de::DeserializeOwned>(entry: &Entry) -> Result<T, OpenError> {
    entry.record.decode().map_err(|source| OpenError::Decode { key: entry.key.clone(), source })
}

/// The account that a key begins with, and the rest.
fn split(key: &str) -> Result<(AccountId, &str), OpenError> {
    let parsed =
        key.split_once('/').and_then(|(account, rest)| Some((account.parse().ok()?, rest)));
    parsed.ok_or_else(|| OpenError::Key { key: key.to_owned() })
}

fn put<T: Serialize>(
    batch: Batch,
    keyspace: &Keyspace,
    key: String,
    value: Option<&T>,
) -> Result<Batch, KeepError> {
    Ok(match value {
        Some(value) => batch.put_json(keyspace, key, value, Expectation::Any)?,
        None => batch.delete(keyspace, key, Expectation::Any),
    })
}

/// The one place where the time of day is asked for.
#[expect(clippy::disallowed_methods, reason = "what is made has the date when it was made")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // To the second, as AWS has it.
    Timestamp::from_epoch_ms(
        i64::try_from(since.as_secs()).unwrap_or_default().saturating_mul(1_000),
    )
}
