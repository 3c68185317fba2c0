// SPDX-License-Identifier: Apache-2.0
//! Groups.

use crate::entity::{Beginning, found, members};
use crate::page::{Page, page};
use crate::record::{Kind, Part};
use crate::{Iam, view};
use api::iam::*;
use wire::{Context, Result};

impl GroupOperations for Iam {
    async fn create_group(
        &self,
        cx: &Context,
        input: CreateGroupInput,
    ) -> Result<CreateGroupOutput> {
        let beginning =
            Beginning { name: input.group_name, path: input.path, ..Beginning::default() };
        let group = self.create_entity(&cx.account, beginning, Part::Group).await?;
        Ok(CreateGroupOutput { group: view::group(&group, &cx.account) })
    }

    async fn get_group(&self, cx: &Context, input: GetGroupInput) -> Result<GetGroupOutput> {
        self.accounts.with(&cx.account, |account| {
            let group = found(account, Kind::Group, &input.group_name)?;
            let key = group.name.to_lowercase();
            let users = members(account, &key)
                .map(|user| (user.name.to_lowercase(), view::listed_user(user, &cx.account)));
            let page = page(users, input.marker.as_deref(), input.max_items)?;
            let Page { items: users, is_truncated, marker } = page;
            let group = view::group(group, &cx.account);
            Ok(GetGroupOutput { group, users, is_truncated, marker })
        })
    }

    async fn update_group(&self, cx: &Context, input: UpdateGroupInput) -> Result<()> {
        self.move_entity(cx, Kind::Group, &input.group_name, input.new_group_name, input.new_path)
            .await
    }

    async fn delete_group(&self, cx: &Context, input: DeleteGroupInput) -> Result<()> {
        self.delete_entity(cx, Kind::Group, &input.group_name).await
    }

    async fn list_groups(&self, cx: &Context, input: ListGroupsInput) -> Result<ListGroupsOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_entities(cx, Kind::Group, prefix, marker, max_items)?;
        let Page { items, is_truncated, marker } = page;
        let groups = items.iter().map(|group| view::group(group, &cx.account)).collect();
        Ok(ListGroupsOutput { groups, is_truncated, marker })
    }

    async fn add_user_to_group(&self, cx: &Context, input: AddUserToGroupInput) -> Result<()> {
        self.set_membership(cx, &input.group_name, &input.user_name, true).await
    }

    async fn remove_user_from_group(
        &self,
        cx: &Context,
        input: RemoveUserFromGroupInput,
    ) -> Result<()> {
        self.set_membership(cx, &input.group_name, &input.user_name, false).await
    }

    async fn list_groups_for_user(
        &self,
        cx: &Context,
        input: ListGroupsForUserInput,
    ) -> Result<ListGroupsForUserOutput> {
        self.accounts.with(&cx.account, |account| {
            let user = found(account, Kind::User, &input.user_name)?;
            let names = user.user().map(|user| &user.groups).into_iter().flatten();
            let groups = names.filter_map(|name| {
                let group = account.entities.get(&(Kind::Group, name.clone()))?;
                Some((name, view::group(group, &cx.account)))
            });
            let page = page(groups, input.marker.as_deref(), input.max_items)?;
            let Page { items: groups, is_truncated, marker } = page;
            Ok(ListGroupsForUserOutput { groups, is_truncated, marker })
        })
    }

    async fn put_group_policy(&self, cx: &Context, input: PutGroupPolicyInput) -> Result<()> {
        self.put_inline(
            cx,
            Kind::Group,
            &input.group_name,
            input.policy_name,
            input.policy_document,
        )
        .await
    }

    async fn get_group_policy(
        &self,
        cx: &Context,
        input: GetGroupPolicyInput,
    ) -> Result<GetGroupPolicyOutput> {
        let policy_document =
            self.inline(cx, Kind::Group, &input.group_name, &input.policy_name)?;
        let (name, policy_name) = (input.group_name, input.policy_name);
        Ok(GetGroupPolicyOutput { group_name: name, policy_name, policy_document })
    }

    async fn delete_group_policy(&self, cx: &Context, input: DeleteGroupPolicyInput) -> Result<()> {
        self.delete_inline(cx, Kind::Group, &input.group_name, &input.policy_name).await
    }

    async fn list_group_policies(
        &self,
        cx: &Context,
        input: ListGroupPoliciesInput,
    ) -> Result<ListGroupPoliciesOutput> {
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_inline(cx, Kind::Group, &input.group_name, marker, max_items)?;
        let Page { items: policy_names, is_truncated, marker } = page;
        Ok(ListGroupPoliciesOutput { policy_names, is_truncated, marker })
    }

    async fn attach_group_policy(&self, cx: &Context, input: AttachGroupPolicyInput) -> Result<()> {
        self.attach(cx, Kind::Group, &input.group_name, input.policy_arn).await
    }

    async fn detach_group_policy(&self, cx: &Context, input: DetachGroupPolicyInput) -> Result<()> {
        self.detach(cx, Kind::Group, &input.group_name, &input.policy_arn).await
    }

    async fn list_attached_group_policies(
        &self,
        cx: &Context,
        input: ListAttachedGroupPoliciesInput,
    ) -> Result<ListAttachedGroupPoliciesOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page =
            self.list_attached(cx, Kind::Group, &input.group_name, prefix, marker, max_items)?;
        let Page { items: attached_policies, is_truncated, marker } = page;
        Ok(ListAttachedGroupPoliciesOutput { attached_policies, is_truncated, marker })
    }
}
