// SPDX-License-Identifier: Apache-2.0
//! Managed policies.

use crate::page::{Page, page};
use crate::record::Kind;
use crate::{Iam, error, managed, tag, view};
use api::iam::*;
use wire::{Context, Result};

impl PolicyOperations for Iam {
    async fn create_policy(
        &self,
        cx: &Context,
        input: CreatePolicyInput,
    ) -> Result<CreatePolicyOutput> {
        Ok(CreatePolicyOutput { policy: Some(self.make_policy(cx, input).await?) })
    }

    async fn get_policy(&self, cx: &Context, input: GetPolicyInput) -> Result<GetPolicyOutput> {
        Ok(GetPolicyOutput { policy: Some(self.policy_view(cx, &input.policy_arn)?) })
    }

    async fn delete_policy(&self, cx: &Context, input: DeletePolicyInput) -> Result<()> {
        self.drop_policy(cx, &input.policy_arn).await
    }

    async fn list_policies(
        &self,
        cx: &Context,
        input: ListPoliciesInput,
    ) -> Result<ListPoliciesOutput> {
        let Page { items: policies, is_truncated, marker } = self.list_managed(cx, &input)?;
        Ok(ListPoliciesOutput { policies, is_truncated, marker })
    }

    async fn create_policy_version(
        &self,
        cx: &Context,
        input: CreatePolicyVersionInput,
    ) -> Result<CreatePolicyVersionOutput> {
        Ok(CreatePolicyVersionOutput { policy_version: Some(self.add_version(cx, input).await?) })
    }

    async fn get_policy_version(
        &self,
        cx: &Context,
        input: GetPolicyVersionInput,
    ) -> Result<GetPolicyVersionOutput> {
        let policy = self.policy_of(cx, &input.policy_arn)?;
        let number = managed::number(&policy, &input.version_id)
            .ok_or_else(|| error::no_such_version(&input.policy_arn, &input.version_id))?;
        Ok(GetPolicyVersionOutput { policy_version: Some(view::version(&policy, number)) })
    }

    async fn list_policy_versions(
        &self,
        cx: &Context,
        input: ListPolicyVersionsInput,
    ) -> Result<ListPolicyVersionsOutput> {
        let policy = self.policy_of(cx, &input.policy_arn)?;
        // The newest first. Their keys are in the order of the list.
        let versions = policy.versions.keys().rev().map(|number| {
            let version = PolicyVersion { document: None, ..view::version(&policy, *number) };
            (format!("{:010}", u32::MAX - number), version)
        });
        let page = page(versions, input.marker.as_deref(), input.max_items)?;
        let Page { items: versions, is_truncated, marker } = page;
        Ok(ListPolicyVersionsOutput { versions, is_truncated, marker })
    }

    async fn delete_policy_version(
        &self,
        cx: &Context,
        input: DeletePolicyVersionInput,
    ) -> Result<()> {
        self.delete_version(cx, &input.policy_arn, &input.version_id).await
    }

    async fn set_default_policy_version(
        &self,
        cx: &Context,
        input: SetDefaultPolicyVersionInput,
    ) -> Result<()> {
        self.set_default(cx, &input.policy_arn, &input.version_id).await
    }

    async fn list_entities_for_policy(
        &self,
        cx: &Context,
        input: ListEntitiesForPolicyInput,
    ) -> Result<ListEntitiesForPolicyOutput> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let kind = match input.entity_filter {
            Some(EntityType::User) => Some(Kind::User),
            Some(EntityType::Group) => Some(Kind::Group),
            Some(EntityType::Role) => Some(Kind::Role),
            Some(EntityType::LocalManagedPolicy | EntityType::AwsManagedPolicy) | None => None,
        };
        let holders = self.holders(cx, &input.policy_arn, input.policy_usage_filter)?;
        let chosen = holders.into_iter().filter(|entity| {
            kind.is_none_or(|kind| kind == entity.kind()) && entity.path.starts_with(prefix)
        });
        let keyed = chosen.map(|entity| {
            // In the order of kinds, and of names.
            let order = match entity.kind() {
                Kind::User => 0,
                Kind::Group => 1,
                Kind::Role => 2,
            };
            (format!("{order}{}", entity.name.to_lowercase()), entity)
        });
        let page = page(keyed, input.marker.as_deref(), input.max_items)?;
        let Page { items, is_truncated, marker } = page;
        let mut output = ListEntitiesForPolicyOutput { is_truncated, marker, ..Default::default() };
        for entity in items {
            let (name, id) = (Some(entity.name.clone()), Some(entity.id.clone()));
            match entity.kind() {
                Kind::User => output.policy_users.push(PolicyUser { user_name: name, user_id: id }),
                Kind::Group => {
                    output.policy_groups.push(PolicyGroup { group_name: name, group_id: id })
                }
                Kind::Role => output.policy_roles.push(PolicyRole { role_name: name, role_id: id }),
            }
        }
        Ok(output)
    }

    async fn tag_policy(&self, cx: &Context, input: TagPolicyInput) -> Result<()> {
        self.tag_managed(cx, &input.policy_arn, input.tags).await
    }

    async fn untag_policy(&self, cx: &Context, input: UntagPolicyInput) -> Result<()> {
        self.untag_managed(cx, &input.policy_arn, &input.tag_keys).await
    }

    async fn list_policy_tags(
        &self,
        cx: &Context,
        input: ListPolicyTagsInput,
    ) -> Result<ListPolicyTagsOutput> {
        let policy = self.policy_of(cx, &input.policy_arn)?;
        let page = page(tag::list(&policy.tags), input.marker.as_deref(), input.max_items)?;
        let Page { items: tags, is_truncated, marker } = page;
        Ok(ListPolicyTagsOutput { tags, is_truncated, marker })
    }
}
