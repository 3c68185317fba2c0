// SPDX-License-Identifier: Apache-2.0
//! Managed policies: AWS's and the customer's, and their versions.

use crate::accounts::{Account, Change, now};
use crate::page::{Page, page};
use crate::record::{Entity, ManagedPolicy, Version};
use crate::{Iam, aws_managed, document, error, quota, tag, view};
use api::iam::{
    CreatePolicyInput, CreatePolicyVersionInput, ListPoliciesInput, Policy, PolicyScopeType,
    PolicyUsageType, PolicyVersion, Tag, fault,
};
use names::AccountId;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Context, Result};

/// How often a policy is attached, and how often it is a boundary.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Uses {
    pub(crate) attachments: usize,
    pub(crate) boundaries: usize,
}

impl Uses {
    fn count(account: &Account) -> BTreeMap<&str, Self> {
        let mut all: BTreeMap<&str, Self> = BTreeMap::new();
        for entity in account.entities.values() {
            for arn in &entity.attached {
                all.entry(arn).or_default().attachments += 1;
            }
            if let Some(arn) = &entity.boundary {
                all.entry(arn).or_default().boundaries += 1;
            }
        }
        all
    }

    fn of(account: &Account, arn: &str) -> Self {
        Self::count(account).remove(arn).unwrap_or_default()
    }
}

/// `/path/` and name, of the ARN of any managed policy.
pub(crate) fn path_and_name(arn: &str) -> Option<(&str, &str)> {
    let (_, resource) = owner_and_resource(arn)?;
    let at = resource.rfind('/')? + 1;
    Some((resource.get(..at)?, resource.get(at..)?))
}

/// The account, or `aws`, and path and name: `/path/name`.
fn owner_and_resource(arn: &str) -> Option<(&str, &str)> {
    let (owner, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(":policy")?;
    resource.starts_with('/').then_some((owner, resource))
}

/// The policy that an ARN names: AWS's own, or one of this account.
pub(crate) fn find(account: &Account, id: &AccountId, arn: &str) -> Option<Arc<ManagedPolicy>> {
    let (owner, resource) = owner_and_resource(arn)?;
    if owner == aws_managed::ACCOUNT {
        return aws_managed::find(resource.trim_start_matches('/')).cloned();
    }
    let (_, name) = path_and_name(arn)?;
    let policy = account.policies.get(&name.to_lowercase())?;
    (owner == id.as_str() && policy.arn(owner) == arn).then(|| Arc::clone(policy))
}

/// Whether a policy can be attached, or be a boundary.
pub(crate) fn attachable(account: &Account, id: &AccountId, arn: &str) -> Result<()> {
    if owner_and_resource(arn).is_none() {
        return Err(error::invalid_arn(arn));
    }
    find(account, id, arn).map(drop).ok_or_else(|| error::not_attachable(arn))
}

impl Iam {
    /// The policy as it is now, and how it is used.
    fn policy_and_uses(&self, cx: &Context, arn: &str) -> Result<(Arc<ManagedPolicy>, Uses)> {
        if owner_and_resource(arn).is_none() {
            return Err(error::invalid_arn(arn));
        }
        self.accounts.with(&cx.account, |account| {
            let policy =
                find(account, &cx.account, arn).ok_or_else(|| error::no_such_policy(arn))?;
            Ok((policy, Uses::of(account, arn)))
        })
    }

    pub(crate) fn policy_of(&self, cx: &Context, arn: &str) -> Result<Arc<ManagedPolicy>> {
        self.policy_and_uses(cx, arn).map(|(policy, _)| policy)
    }

    pub(crate) fn policy_view(&self, cx: &Context, arn: &str) -> Result<Policy> {
        let (policy, uses) = self.policy_and_uses(cx, arn)?;
        let mut view = view::policy(&policy, arn, uses);
        view.description.clone_from(&policy.description);
        view.tags = tag::view(&policy.tags);
        Ok(view)
    }

    pub(crate) async fn make_policy(
        &self,
        cx: &Context,
        input: CreatePolicyInput,
    ) -> Result<Policy> {
        check(&input.policy_document)?;
        let mut tags = BTreeMap::new();
        tag::add(&mut tags, input.tags.unwrap_or_default())?;
        let created = now();
        let policy = ManagedPolicy {
            name: input.policy_name,
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            id: secrets::unique_id("ANPA"),
            description: input.description,
            created,
            updated: created,
            tags,
            default_version: 1,
            last_version: 1,
            versions: BTreeMap::from([(1, Version { document: input.policy_document, created })]),
        };
        let changing = self.accounts.change().await;
        self.accounts.with(&cx.account, |account| {
            if account.policies.contains_key(&policy.name.to_lowercase()) {
                let name = &policy.name;
                return Err(fault::entity_already_exists(format!(
                    "A policy called {name} already exists. Duplicate names are not allowed."
                )));
            }
            match account.policies.len() >= quota::POLICIES {
                true => Err(error::exceeded("PoliciesPerAccount", quota::POLICIES)),
                false => Ok(()),
            }
        })?;
        changing.commit(&cx.account, [Change::put_policy(policy.clone())]).await?;
        let mut view = view::policy(&policy, &policy.arn(cx.account.as_str()), Uses::default());
        view.tags = tag::view(&policy.tags);
        Ok(view)
    }

    /// Changes a policy of the customer's: `change` sees it as it is when nobody else can change it.
    pub(crate) async fn change_policy<R>(
        &self,
        cx: &Context,
        arn: &str,
        change: impl FnOnce(&mut ManagedPolicy) -> Result<R>,
    ) -> Result<R> {
        let changing = self.accounts.change().await;
        let mut policy = ManagedPolicy::clone(&*self.own_policy(cx, arn)?.0);
        let result = change(&mut policy)?;
        changing.commit(&cx.account, [Change::put_policy(policy)]).await?;
        Ok(result)
    }

    fn own_policy(&self, cx: &Context, arn: &str) -> Result<(Arc<ManagedPolicy>, Uses)> {
        let found = self.policy_and_uses(cx, arn)?;
        match owner_and_resource(arn) {
            Some((aws_managed::ACCOUNT, _)) => Err(error::awss_own(arn)),
            _ => Ok(found),
        }
    }

    pub(crate) async fn drop_policy(&self, cx: &Context, arn: &str) -> Result<()> {
        let changing = self.accounts.change().await;
        let (policy, uses) = self.own_policy(cx, arn)?;
        if uses.attachments + uses.boundaries > 0 {
            return Err(fault::delete_conflict("Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(fault::delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        Ok(changing.commit(&cx.account, [Change::remove_policy(&policy)]).await?)
    }

    pub(crate) async fn add_version(
        &self,
        cx: &Context,
        input: CreatePolicyVersionInput,
    ) -> Result<PolicyVersion> {
        check(&input.policy_document)?;
        let add = |policy: &mut ManagedPolicy| {
            if policy.versions.len() >= quota::VERSIONS_PER_POLICY {
                return Err(fault::limit_exceeded(format!(
                    "A managed policy can have up to {} versions. Before you create a new version, you must delete an \
                     existing version.",
                    quota::VERSIONS_PER_POLICY
                )));
            }
            let created = now();
            policy.last_version += 1;
            policy.updated = created;
            policy
                .versions
                .insert(policy.last_version, Version { document: input.policy_document, created });
            if input.set_as_default == Some(true) {
                policy.default_version = policy.last_version;
            }
            let mut view = view::version(policy, policy.last_version);
            view.document = None;
            Ok(view)
        };
        self.change_policy(cx, &input.policy_arn, add).await
    }

    pub(crate) async fn delete_version(&self, cx: &Context, arn: &str, id: &str) -> Result<()> {
        let delete = |policy: &mut ManagedPolicy| {
            let number = number(policy, id).ok_or_else(|| error::no_such_version(arn, id))?;
            if number == policy.default_version {
                return Err(fault::delete_conflict(
                    "Cannot delete the default version of a policy.",
                ));
            }
            policy.versions.remove(&number);
            policy.updated = now();
            Ok(())
        };
        self.change_policy(cx, arn, delete).await
    }

    pub(crate) async fn set_default(&self, cx: &Context, arn: &str, id: &str) -> Result<()> {
        let set = |policy: &mut ManagedPolicy| {
            policy.default_version =
                number(policy, id).ok_or_else(|| error::no_such_version(arn, id))?;
            policy.updated = now();
            Ok(())
        };
        self.change_policy(cx, arn, set).await
    }

    pub(crate) fn list_managed(
        &self,
        cx: &Context,
        input: &ListPoliciesInput,
    ) -> Result<Page<Policy>> {
        let scope = input.scope.unwrap_or(PolicyScopeType::All);
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let is_used = |uses: Uses| match input.policy_usage_filter {
            Some(PolicyUsageType::PermissionsBoundary) => uses.boundaries > 0,
            Some(PolicyUsageType::PermissionsPolicy) => uses.attachments > 0,
            None => uses.attachments + uses.boundaries > 0,
        };
        let is_filtered = input.only_attached == Some(true) || input.policy_usage_filter.is_some();
        self.accounts.with(&cx.account, |account| {
            let own =
                account.policies.values().map(|policy| (policy.arn(cx.account.as_str()), policy));
            let awss = aws_managed::all().map(|policy| (policy.arn(aws_managed::ACCOUNT), policy));
            let uses = Uses::count(account);
            let own = own.filter(|_| scope != PolicyScopeType::Aws);
            let awss = awss.filter(|_| scope != PolicyScopeType::Local);
            let mut all: Vec<_> = own
                .chain(awss)
                .filter(|(_, policy)| policy.path.starts_with(prefix))
                .map(|(arn, policy)| {
                    let uses = uses.get(arn.as_str()).copied().unwrap_or_default();
                    (arn, policy, uses)
                })
                .filter(|(_, _, uses)| !is_filtered || is_used(*uses))
                .collect();
            all.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
            let views = all.into_iter().map(|(arn, policy, uses)| {
                let view = view::policy(policy, &arn, uses);
                (arn, view)
            });
            page(views, input.marker.as_deref(), input.max_items)
        })
    }

    pub(crate) async fn tag_managed(&self, cx: &Context, arn: &str, tags: Vec<Tag>) -> Result<()> {
        self.change_policy(cx, arn, |policy| tag::add(&mut policy.tags, tags)).await
    }

    pub(crate) async fn untag_managed(
        &self,
        cx: &Context,
        arn: &str,
        keys: &[String],
    ) -> Result<()> {
        let untag = |policy: &mut ManagedPolicy| {
            tag::remove(&mut policy.tags, keys);
            Ok(())
        };
        self.change_policy(cx, arn, untag).await
    }

    /// Those to whom a policy is attached, or whose boundary it is.
    pub(crate) fn holders(
        &self,
        cx: &Context,
        arn: &str,
        usage: Option<PolicyUsageType>,
    ) -> Result<Vec<Arc<Entity>>> {
        self.policy_of(cx, arn)?;
        let holds = |entity: &&Arc<Entity>| {
            let is_attached = entity.attached.contains(arn);
            let is_boundary = entity.boundary.as_deref() == Some(arn);
            match usage {
                Some(PolicyUsageType::PermissionsPolicy) => is_attached,
                Some(PolicyUsageType::PermissionsBoundary) => is_boundary,
                None => is_attached || is_boundary,
            }
        };
        Ok(self.accounts.with(&cx.account, |account| {
            account.entities.values().filter(holds).cloned().collect()
        }))
    }
}

/// `v3`, if there is such a version.
pub(crate) fn number(policy: &ManagedPolicy, id: &str) -> Option<u32> {
    let number = id.strip_prefix('v')?.parse().ok()?;
    policy.versions.contains_key(&number).then_some(number)
}

fn check(text: &str) -> Result<()> {
    if document::size(text) > quota::POLICY_SIZE {
        return Err(error::exceeded("PolicySize", quota::POLICY_SIZE));
    }
    document::check(text, document::Kind::Identity)
}
