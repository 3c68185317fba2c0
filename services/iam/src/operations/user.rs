// SPDX-License-Identifier: Apache-2.0
//! Users.

use crate::access_key::caller_name;
use crate::entity::Beginning;
use crate::page::Page;
use crate::record::{Kind, Part, UserPart};
use crate::{Iam, view};
use api::iam::*;
use wire::{Context, Result, Timestamp};

impl UserOperations for Iam {
    async fn create_user(&self, cx: &Context, input: CreateUserInput) -> Result<CreateUserOutput> {
        let beginning = Beginning {
            name: input.user_name,
            path: input.path,
            boundary: input.permissions_boundary,
            tags: input.tags.unwrap_or_default(),
        };
        let user =
            self.create_entity(&cx.account, beginning, Part::User(UserPart::default())).await?;
        Ok(CreateUserOutput { user: Some(view::user(&user, &cx.account)) })
    }

    async fn get_user(&self, cx: &Context, input: GetUserInput) -> Result<GetUserOutput> {
        let name = match &input.user_name {
            Some(name) => name,
            None if cx.caller.arn.ends_with(":root") => {
                return Ok(GetUserOutput { user: self.root(cx) });
            }
            None => caller_name(cx)?,
        };
        let user = self.entity(cx, Kind::User, name)?;
        Ok(GetUserOutput { user: view::user(&user, &cx.account) })
    }

    async fn update_user(&self, cx: &Context, input: UpdateUserInput) -> Result<()> {
        self.move_entity(cx, Kind::User, &input.user_name, input.new_user_name, input.new_path)
            .await
    }

    async fn delete_user(&self, cx: &Context, input: DeleteUserInput) -> Result<()> {
        self.delete_entity(cx, Kind::User, &input.user_name).await
    }

    async fn list_users(&self, cx: &Context, input: ListUsersInput) -> Result<ListUsersOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_entities(cx, Kind::User, prefix, marker, max_items)?;
        let Page { items, is_truncated, marker } = page;
        let users = items.iter().map(|user| view::listed_user(user, &cx.account)).collect();
        Ok(ListUsersOutput { users, is_truncated, marker })
    }

    async fn put_user_policy(&self, cx: &Context, input: PutUserPolicyInput) -> Result<()> {
        self.put_inline(cx, Kind::User, &input.user_name, input.policy_name, input.policy_document)
            .await
    }

    async fn get_user_policy(
        &self,
        cx: &Context,
        input: GetUserPolicyInput,
    ) -> Result<GetUserPolicyOutput> {
        let policy_document = self.inline(cx, Kind::User, &input.user_name, &input.policy_name)?;
        let (name, policy_name) = (input.user_name, input.policy_name);
        Ok(GetUserPolicyOutput { user_name: name, policy_name, policy_document })
    }

    async fn delete_user_policy(&self, cx: &Context, input: DeleteUserPolicyInput) -> Result<()> {
        self.delete_inline(cx, Kind::User, &input.user_name, &input.policy_name).await
    }

    async fn list_user_policies(
        &self,
        cx: &Context,
        input: ListUserPoliciesInput,
    ) -> Result<ListUserPoliciesOutput> {
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_inline(cx, Kind::User, &input.user_name, marker, max_items)?;
        let Page { items: policy_names, is_truncated, marker } = page;
        Ok(ListUserPoliciesOutput { policy_names, is_truncated, marker })
    }

    async fn attach_user_policy(&self, cx: &Context, input: AttachUserPolicyInput) -> Result<()> {
        self.attach(cx, Kind::User, &input.user_name, input.policy_arn).await
    }

    async fn detach_user_policy(&self, cx: &Context, input: DetachUserPolicyInput) -> Result<()> {
        self.detach(cx, Kind::User, &input.user_name, &input.policy_arn).await
    }

    async fn list_attached_user_policies(
        &self,
        cx: &Context,
        input: ListAttachedUserPoliciesInput,
    ) -> Result<ListAttachedUserPoliciesOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page =
            self.list_attached(cx, Kind::User, &input.user_name, prefix, marker, max_items)?;
        let Page { items: attached_policies, is_truncated, marker } = page;
        Ok(ListAttachedUserPoliciesOutput { attached_policies, is_truncated, marker })
    }

    async fn put_user_permissions_boundary(
        &self,
        cx: &Context,
        input: PutUserPermissionsBoundaryInput,
    ) -> Result<()> {
        self.set_boundary(cx, Kind::User, &input.user_name, Some(input.permissions_boundary)).await
    }

    async fn delete_user_permissions_boundary(
        &self,
        cx: &Context,
        input: DeleteUserPermissionsBoundaryInput,
    ) -> Result<()> {
        self.set_boundary(cx, Kind::User, &input.user_name, None).await
    }

    async fn tag_user(&self, cx: &Context, input: TagUserInput) -> Result<()> {
        self.tag(cx, Kind::User, &input.user_name, input.tags).await
    }

    async fn untag_user(&self, cx: &Context, input: UntagUserInput) -> Result<()> {
        self.untag(cx, Kind::User, &input.user_name, &input.tag_keys).await
    }

    async fn list_user_tags(
        &self,
        cx: &Context,
        input: ListUserTagsInput,
    ) -> Result<ListUserTagsOutput> {
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_tags(cx, Kind::User, &input.user_name, marker, max_items)?;
        let Page { items: tags, is_truncated, marker } = page;
        Ok(ListUserTagsOutput { tags, is_truncated, marker })
    }
}

impl Iam {
    /// The root of the caller's account, which has no name.
    fn root(&self, cx: &Context) -> User {
        let created = self
            .accounts
            .with(&cx.account, |account| account.record.as_ref().map(|record| record.created));
        User {
            path: "/".to_owned(),
            user_name: None,
            user_id: cx.account.to_string(),
            arn: cx.caller.arn.clone(),
            create_date: created.unwrap_or(Timestamp::from_epoch_ms(0)),
            password_last_used: None,
            permissions_boundary: None,
            tags: None,
        }
    }
}
