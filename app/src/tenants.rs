// SPDX-License-Identifier: Apache-2.0
//! Accounts, as `tinderbox account` asks the running server for them. Whether one is empty, each service says for itself.

use crate::senders::Senders;
use eventbridge::EventBridge;
use iam::{AccountError, Iam, ListedAccount, NewAccount};
use lambda::Lambda;
use names::AccountId;
use s3::S3;
use scheduler::Scheduler;
use serde::{Deserialize, Serialize};
use sqs::Sqs;

#[derive(Debug, Clone)]
pub(crate) struct Tenants {
    iam: Iam,
    lambda: Lambda,
    queues: Sqs,
    logs: logs::Service,
    objects: S3,
    buses: EventBridge,
    schedules: Scheduler,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) account: String,
    pub(crate) alias: Option<String>,
    pub(crate) created: String,
    pub(crate) users: usize,
    pub(crate) roles: usize,
}

/// The key of a new account's root. It is told this once.
#[derive(Serialize, Deserialize)]
pub(crate) struct RootKey {
    pub(crate) account: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Tenants {
    pub(crate) fn new(
        iam: Iam,
        lambda: &Lambda,
        queues: &Sqs,
        logs: &logs::Service,
        objects: &S3,
        senders: &Senders,
    ) -> Self {
        let (queues, logs, objects) = (queues.clone(), logs.clone(), objects.clone());
        let (buses, schedules) = (senders.buses.clone(), senders.schedules.clone());
        Self { iam, lambda: lambda.clone(), queues, logs, objects, buses, schedules }
    }

    pub(crate) async fn create(&self, id: Option<&str>) -> anyhow::Result<RootKey> {
        let id = id.map(str::parse).transpose()?;
        let NewAccount { id, access_key_id, secret_access_key } =
            self.iam.create_account(id).await?;
        Ok(RootKey { account: id.to_string(), access_key_id, secret_access_key })
    }

    pub(crate) fn list(&self) -> Vec<Tenant> {
        let tenant = |listed: ListedAccount| Tenant {
            account: listed.id.to_string(),
            alias: listed.alias,
            created: listed.created,
            users: listed.users,
            roles: listed.roles,
        };
        self.iam.accounts().into_iter().map(tenant).collect()
    }

    pub(crate) async fn remove(&self, id: &str) -> anyhow::Result<()> {
        let id: AccountId = id.parse()?;
        let what = match self.lambda.holds(&id) {
            Some(what) => Some(what),
            None if self.queues.holds(&id) => Some("queues"),
            None if self.buses.holds(&id) => Some("event buses or rules"),
            None if self.objects.holds(&id) => Some("buckets"),
            None if self.schedules.holds(&id) => Some("schedules"),
            None if self.logs.holds(&id) => Some("log groups or their policies"),
            None => None,
        };
        match what {
            Some(what) => Err(AccountError::NotEmpty { id, what }.into()),
            None => Ok(self.iam.remove_account(&id).await?),
        }
    }
}
