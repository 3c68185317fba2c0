// SPDX-License-Identifier: Apache-2.0
//! Resource policies: which services of AWS may put events into an account's log groups. In the store, and all of them in memory.
//!
//! Invariant: they bind services only, as on AWS. Whether a user or a role may do something, its own policies say.
//!
//! Not here: policies of one log group (`resourceArn`).

use crate::clock;
use crate::service::Service;
use api::logs::{
    DeleteResourcePolicyInput, DescribeResourcePoliciesInput, DescribeResourcePoliciesOutput,
    PolicyOperations, PolicyScope, PutResourcePolicyInput, PutResourcePolicyOutput, ResourcePolicy,
    fault,
};
use names::{AccountId, Region};
use policy::{Document, Kind, Named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Batch, DecodeError, Expectation, Keyspace, ReadError, Store};
use tokio::sync::Mutex;
use wire::{Context, Fault, Result};

/// Policies of an account in a region, as on AWS.
const POLICIES_MAX: usize = 10;
/// AWS has no limit. The name is a part of a key in the store.
const NAME_BYTES_MAX: usize = 512;
/// Policies on a page, unless the caller wants another number.
const PAGE: i32 = 50;

/// What is kept of a policy. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    document: String,
    /// Milliseconds since 1970.
    updated: i64,
}

#[derive(Debug)]
struct Kept {
    record: Record,
    compiled: Named,
}

/// `ACCOUNT/REGION/` and the name, as in the store.
type Policies = BTreeMap<String, Kept>;

/// Why the policies were not read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("failed to read the resource policies")]
    Read(#[from] ReadError),
    #[error("failed to read a resource policy")]
    Decode(#[from] DecodeError),
}

/// All resource policies. Clones share them.
#[derive(Debug, Clone)]
pub struct ResourcePolicies(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    keyspace: Keyspace,
    all: RwLock<Policies>,
    changes: Mutex<()>,
}

impl ResourcePolicies {
    /// # Errors
    ///
    /// When they can not be read.
    pub async fn open(store: &Store) -> std::result::Result<Self, OpenError> {
        let keyspace = store.keyspace("logs-resource-policies");
        let mut entries = Vec::new();
        keyspace.load(|entry| entries.push(entry)).await?;
        let mut all = Policies::new();
        for entry in entries {
            let record = entry.record.decode()?;
            all.insert(entry.key, Kept::new(record));
        }
        let (all, changes) = (RwLock::new(all), Mutex::default());
        Ok(Self(Arc::new(Shared { store: store.clone(), keyspace, all, changes })))
    }

    /// Those of the account and the region of a log group or a stream.
    pub fn of_arn(&self, arn: &str) -> Vec<Named> {
        let mut parts = arn.split(':').skip(3);
        let (Some(region), Some(account)) = (parts.next(), parts.next()) else { return Vec::new() };
        let scope = format!("{account}/{region}/");
        self.read(|all| within(all, &scope).map(|(_, kept)| kept.compiled.clone()).collect())
    }

    pub(crate) fn holds(&self, account: &AccountId) -> bool {
        self.read(|all| within(all, &format!("{account}/")).next().is_some())
    }

    fn read<T>(&self, read: impl FnOnce(&Policies) -> T) -> T {
        read(&self.0.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Policies) -> T) -> T {
        write(&mut self.0.all.write().unwrap_or_else(PoisonError::into_inner))
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        self.0.store.commit(batch).await.map(drop).map_err(|error| failed(&error))
    }
}

impl Kept {
    fn new(record: Record) -> Self {
        let document = Document::parse(&record.document, Kind::Resource).unwrap_or_else(|error| {
            tracing::error!(%error, "resource policy of log groups not understood");
            Document::deny_all()
        });
        let compiled = Named { name: "the resource policy".into(), document: Arc::new(document) };
        Self { record, compiled }
    }
}

impl PolicyOperations for Service {
    async fn put_resource_policy(
        &self,
        cx: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput> {
        refuse_scope(input.resource_arn.as_ref(), input.expected_revision_id.as_ref())?;
        let name = name(input.policy_name)?;
        let document = input.policy_document.ok_or_else(|| required("policyDocument"))?;
        // AWS's words were not checked.
        Document::parse(&document, Kind::Resource).map_err(|error| {
            fault::invalid_parameter(format!("The resource policy is not valid: {error}"))
        })?;
        let (scope, policies) = (scope(&cx.account, &cx.region), &self.policies);
        let key = format!("{scope}{name}");
        let record = Record { document, updated: clock::epoch_ms() };
        let answer = describe_one(&name, &record);

        let _changing = policies.0.changes.lock().await;
        let (is_there, count) =
            policies.read(|all| (all.contains_key(&key), within(all, &scope).count()));
        if !is_there && count >= POLICIES_MAX {
            return Err(fault::limit_exceeded("Resource limit exceeded."));
        }
        let batch = Batch::new();
        let batch = batch.put_json(&policies.0.keyspace, &key, &record, Expectation::Any);
        policies.commit(batch.map_err(|error| failed(&error))?).await?;
        policies.write(|all| all.insert(key, Kept::new(record)));
        Ok(PutResourcePolicyOutput { resource_policy: Some(answer), revision_id: None })
    }

    async fn describe_resource_policies(
        &self,
        cx: &Context,
        input: DescribeResourcePoliciesInput,
    ) -> Result<DescribeResourcePoliciesOutput> {
        refuse_scope(input.resource_arn.as_ref(), None)?;
        // There is none of one log group.
        if input.policy_scope == Some(PolicyScope::Resource) {
            return Ok(DescribeResourcePoliciesOutput {
                resource_policies: Some(Vec::new()),
                next_token: None,
            });
        }
        let scope = scope(&cx.account, &cx.region);
        let limit = usize::try_from(input.limit.unwrap_or(PAGE)).unwrap_or_default();
        let is_behind = |name: &str| input.next_token.as_deref().is_none_or(|last| name > last);
        let (page, has_more) = self.policies.read(|all| {
            let mut found = within(all, &scope).filter(|(name, _)| is_behind(name));
            let described = found.by_ref().map(|(name, kept)| describe_one(name, &kept.record));
            let page: Vec<_> = described.take(limit).collect();
            (page, found.next().is_some())
        });
        let next_token = page.last().filter(|_| has_more).and_then(|last| last.policy_name.clone());
        Ok(DescribeResourcePoliciesOutput { resource_policies: Some(page), next_token })
    }

    async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<()> {
        refuse_scope(input.resource_arn.as_ref(), input.expected_revision_id.as_ref())?;
        let name = name(input.policy_name)?;
        let (key, policies) = (format!("{}{name}", scope(&cx.account, &cx.region)), &self.policies);
        let _changing = policies.0.changes.lock().await;
        if !policies.read(|all| all.contains_key(&key)) {
            return Err(fault::resource_not_found(format!(
                "Policy with name [{name}] does not exist."
            )));
        }
        let batch = Batch::new().delete(&policies.0.keyspace, &key, Expectation::Any);
        policies.commit(batch).await?;
        policies.write(|all| all.remove(&key));
        Ok(())
    }
}

fn scope(account: &AccountId, region: &Region) -> String {
    format!("{account}/{region}/")
}

/// Those whose keys begin so, by the rest of their keys.
fn within<'a>(
    all: &'a Policies,
    scope: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Kept)> + use<'a> {
    let from = all.range::<str, _>((std::ops::Bound::Included(scope), std::ops::Bound::Unbounded));
    from.map_while(move |(key, kept)| Some((key.strip_prefix(scope)?, kept)))
}

fn describe_one(name: &str, record: &Record) -> ResourcePolicy {
    ResourcePolicy {
        policy_name: Some(name.to_owned()),
        policy_document: Some(record.document.clone()),
        last_updated_time: Some(record.updated),
        policy_scope: Some(PolicyScope::Account),
        ..ResourcePolicy::default()
    }
}

fn refuse_scope(resource: Option<&String>, revision: Option<&String>) -> Result<()> {
    let told = [("resourceArn", resource), ("expectedRevisionId", revision)];
    match told.iter().find(|(_, is_told)| is_told.is_some()) {
        Some((name, _)) => Err(fault::invalid_parameter(format!(
            "{name} is not available in this build of Tinderbox: policies are an account's"
        ))),
        None => Ok(()),
    }
}

fn name(name: Option<String>) -> Result<String> {
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| required("policyName"))?;
    if name.len() > NAME_BYTES_MAX {
        return Err(fault::invalid_parameter(format!(
            "policyName is longer than {NAME_BYTES_MAX} bytes."
        )));
    }
    Ok(name)
}

/// AWS's words were not checked.
fn required(member: &str) -> Fault {
    fault::invalid_parameter(format!("{member} is required."))
}

fn failed(error: &(dyn Error + 'static)) -> Fault {
    crate::error::internal(error)
}
