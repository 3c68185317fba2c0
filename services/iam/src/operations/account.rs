// SPDX-License-Identifier: Apache-2.0
//! The account as a whole.

use crate::accounts::{Account, Change};
use crate::page::{Page, page};
use crate::record::Kind;
use crate::{Iam, quota};
use api::iam::*;
use std::collections::BTreeMap;
use wire::{Context, Fault, Result};

impl AccountOperations for Iam {
    async fn get_account_summary(
        &self,
        cx: &Context,
        GetAccountSummaryInput {}: GetAccountSummaryInput,
    ) -> Result<GetAccountSummaryOutput> {
        let counts = self.accounts.with(&cx.account, counts);
        let quotas = QUOTAS.iter().map(|(name, value)| (*name, *value));
        let summary: BTreeMap<String, i32> = counts
            .into_iter()
            .chain(quotas)
            .map(|(name, value)| (name.to_owned(), i32::try_from(value).unwrap_or(i32::MAX)))
            .collect();
        Ok(GetAccountSummaryOutput { summary_map: Some(summary) })
    }

    async fn list_account_aliases(
        &self,
        cx: &Context,
        input: ListAccountAliasesInput,
    ) -> Result<ListAccountAliasesOutput> {
        let alias =
            self.accounts.with(&cx.account, |account| account.record.as_ref()?.alias.clone());
        let aliases = alias.into_iter().map(|alias| (alias.clone(), alias));
        let page = page(aliases, input.marker.as_deref(), input.max_items)?;
        let Page { items: account_aliases, is_truncated, marker } = page;
        Ok(ListAccountAliasesOutput { account_aliases, is_truncated, marker })
    }

    async fn create_account_alias(
        &self,
        cx: &Context,
        input: CreateAccountAliasInput,
    ) -> Result<()> {
        let alias = input.account_alias;
        let changing = self.accounts.change().await;
        if self.accounts.has_alias(&alias) {
            return Err(fault::entity_already_exists(format!(
                "The account alias {alias} already exists."
            )));
        }
        let mut record = self
            .accounts
            .with(&cx.account, |account| account.record.clone())
            .ok_or_else(Fault::internal)?;
        // An account has one: a new one takes its place.
        record.alias = Some(alias);
        Ok(changing.commit(&cx.account, [Change::Account(Some(record))]).await?)
    }

    async fn delete_account_alias(
        &self,
        cx: &Context,
        input: DeleteAccountAliasInput,
    ) -> Result<()> {
        let alias = input.account_alias;
        let changing = self.accounts.change().await;
        let record = self.accounts.with(&cx.account, |account| account.record.clone());
        let record = record.filter(|record| record.alias.as_ref() == Some(&alias));
        let Some(mut record) = record else {
            return Err(fault::no_such_entity(format!(
                "The account alias {alias} cannot be found."
            )));
        };
        record.alias = None;
        Ok(changing.commit(&cx.account, [Change::Account(Some(record))]).await?)
    }
}

/// AWS's quotas, and what there is none of here.
const QUOTAS: &[(&str, usize)] = &[
    ("UsersQuota", quota::USERS),
    ("GroupsQuota", quota::GROUPS),
    ("RolesQuota", quota::ROLES),
    ("PoliciesQuota", quota::POLICIES),
    ("PolicySizeQuota", quota::POLICY_SIZE),
    ("VersionsPerPolicyQuota", quota::VERSIONS_PER_POLICY),
    ("PolicyVersionsInUseQuota", quota::POLICIES * quota::VERSIONS_PER_POLICY),
    ("UserPolicySizeQuota", quota::USER_POLICY_SIZE),
    ("GroupPolicySizeQuota", quota::GROUP_POLICY_SIZE),
    ("RolePolicySizeQuota", quota::ROLE_POLICY_SIZE),
    ("AssumeRolePolicySizeQuota", quota::TRUST_POLICY_SIZE),
    ("AttachedPoliciesPerUserQuota", quota::ATTACHED_POLICIES),
    ("AttachedPoliciesPerGroupQuota", quota::ATTACHED_POLICIES),
    ("AttachedPoliciesPerRoleQuota", quota::ATTACHED_POLICIES),
    ("GroupsPerUserQuota", quota::GROUPS_PER_USER),
    ("AccessKeysPerUserQuota", quota::ACCESS_KEYS_PER_USER),
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("InstanceProfiles", 0),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("Providers", 0),
    ("ServerCertificates", 0),
];

fn counts(account: &Account) -> Vec<(&'static str, usize)> {
    let has_key = account.record.as_ref().is_some_and(|record| !record.access_keys.is_empty());
    vec![
        ("Users", account.entities(Kind::User).count()),
        ("Groups", account.entities(Kind::Group).count()),
        ("Roles", account.entities(Kind::Role).count()),
        ("Policies", account.policies.len()),
        (
            "PolicyVersionsInUse",
            account.policies.values().map(|policy| policy.versions.len()).sum(),
        ),
        ("AccountAccessKeysPresent", usize::from(has_key)),
    ]
}
