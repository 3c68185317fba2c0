// SPDX-License-Identifier: Apache-2.0
//! Roles, and those that AWS services need.

use crate::accounts::{Account, Change};
use crate::entity::Beginning;
use crate::page::Page;
use crate::record::{Entity, Kind, Part, RolePart, SESSION_SECONDS_DEFAULT};
use crate::{Iam, document, error, quota, service_linked, view};
use api::iam::*;
use wire::{Context, Fault, Result};

impl RoleOperations for Iam {
    async fn create_role(&self, cx: &Context, input: CreateRoleInput) -> Result<CreateRoleOutput> {
        let trust = checked_trust(input.assume_role_policy_document)?;
        let beginning = Beginning {
            name: input.role_name,
            path: input.path,
            boundary: input.permissions_boundary,
            tags: input.tags.unwrap_or_default(),
        };
        let part = Part::Role(RolePart {
            trust,
            description: input.description,
            session_seconds_max: input.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT),
        });
        if beginning.path.as_deref().is_some_and(|path| path.starts_with("/aws-service-role/")) {
            return Err(Fault::validation(
                "Paths that begin with /aws-service-role/ are AWS's own",
            ));
        }
        let role = self.create_entity(&cx.account, beginning, part).await?;
        Ok(CreateRoleOutput { role: view::role(&role, &cx.account) })
    }

    async fn get_role(&self, cx: &Context, input: GetRoleInput) -> Result<GetRoleOutput> {
        let role = self.entity(cx, Kind::Role, &input.role_name)?;
        Ok(GetRoleOutput { role: view::role(&role, &cx.account) })
    }

    async fn delete_role(&self, cx: &Context, input: DeleteRoleInput) -> Result<()> {
        self.delete_entity(cx, Kind::Role, &input.role_name).await
    }

    async fn list_roles(&self, cx: &Context, input: ListRolesInput) -> Result<ListRolesOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_entities(cx, Kind::Role, prefix, marker, max_items)?;
        let Page { items, is_truncated, marker } = page;
        let roles = items.iter().map(|role| view::listed_role(role, &cx.account)).collect();
        Ok(ListRolesOutput { roles, is_truncated, marker })
    }

    async fn update_role(&self, cx: &Context, input: UpdateRoleInput) -> Result<UpdateRoleOutput> {
        let update = |role: &mut RolePart| {
            // What is left out is reset, as on AWS.
            role.description = input.description;
            role.session_seconds_max =
                input.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT);
        };
        self.change_role(cx, &input.role_name, update).await?;
        Ok(UpdateRoleOutput {})
    }

    async fn update_role_description(
        &self,
        cx: &Context,
        input: UpdateRoleDescriptionInput,
    ) -> Result<UpdateRoleDescriptionOutput> {
        let update = |role: &mut RolePart| role.description = Some(input.description);
        let role = self.change_role(cx, &input.role_name, update).await?;
        Ok(UpdateRoleDescriptionOutput { role: Some(view::role(&role, &cx.account)) })
    }

    async fn update_assume_role_policy(
        &self,
        cx: &Context,
        input: UpdateAssumeRolePolicyInput,
    ) -> Result<()> {
        let trust = checked_trust(input.policy_document)?;
        self.change_role(cx, &input.role_name, |role| role.trust = trust).await.map(drop)
    }

    /// No role is in an instance profile: none can be made.
    async fn list_instance_profiles_for_role(
        &self,
        cx: &Context,
        input: ListInstanceProfilesForRoleInput,
    ) -> Result<ListInstanceProfilesForRoleOutput> {
        self.entity(cx, Kind::Role, &input.role_name)?;
        let (instance_profiles, is_truncated, marker) = (Vec::new(), false, None);
        Ok(ListInstanceProfilesForRoleOutput { instance_profiles, is_truncated, marker })
    }

    async fn put_role_policy(&self, cx: &Context, input: PutRolePolicyInput) -> Result<()> {
        self.put_inline(cx, Kind::Role, &input.role_name, input.policy_name, input.policy_document)
            .await
    }

    async fn get_role_policy(
        &self,
        cx: &Context,
        input: GetRolePolicyInput,
    ) -> Result<GetRolePolicyOutput> {
        let policy_document = self.inline(cx, Kind::Role, &input.role_name, &input.policy_name)?;
        let (name, policy_name) = (input.role_name, input.policy_name);
        Ok(GetRolePolicyOutput { role_name: name, policy_name, policy_document })
    }

    async fn delete_role_policy(&self, cx: &Context, input: DeleteRolePolicyInput) -> Result<()> {
        self.delete_inline(cx, Kind::Role, &input.role_name, &input.policy_name).await
    }

    async fn list_role_policies(
        &self,
        cx: &Context,
        input: ListRolePoliciesInput,
    ) -> Result<ListRolePoliciesOutput> {
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_inline(cx, Kind::Role, &input.role_name, marker, max_items)?;
        let Page { items: policy_names, is_truncated, marker } = page;
        Ok(ListRolePoliciesOutput { policy_names, is_truncated, marker })
    }

    async fn attach_role_policy(&self, cx: &Context, input: AttachRolePolicyInput) -> Result<()> {
        self.attach(cx, Kind::Role, &input.role_name, input.policy_arn).await
    }

    async fn detach_role_policy(&self, cx: &Context, input: DetachRolePolicyInput) -> Result<()> {
        self.detach(cx, Kind::Role, &input.role_name, &input.policy_arn).await
    }

    async fn list_attached_role_policies(
        &self,
        cx: &Context,
        input: ListAttachedRolePoliciesInput,
    ) -> Result<ListAttachedRolePoliciesOutput> {
        let prefix = input.path_prefix.as_deref();
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page =
            self.list_attached(cx, Kind::Role, &input.role_name, prefix, marker, max_items)?;
        let Page { items: attached_policies, is_truncated, marker } = page;
        Ok(ListAttachedRolePoliciesOutput { attached_policies, is_truncated, marker })
    }

    async fn put_role_permissions_boundary(
        &self,
        cx: &Context,
        input: PutRolePermissionsBoundaryInput,
    ) -> Result<()> {
        self.set_boundary(cx, Kind::Role, &input.role_name, Some(input.permissions_boundary)).await
    }

    async fn delete_role_permissions_boundary(
        &self,
        cx: &Context,
        input: DeleteRolePermissionsBoundaryInput,
    ) -> Result<()> {
        self.set_boundary(cx, Kind::Role, &input.role_name, None).await
    }

    async fn tag_role(&self, cx: &Context, input: TagRoleInput) -> Result<()> {
        self.tag(cx, Kind::Role, &input.role_name, input.tags).await
    }

    async fn untag_role(&self, cx: &Context, input: UntagRoleInput) -> Result<()> {
        self.untag(cx, Kind::Role, &input.role_name, &input.tag_keys).await
    }

    async fn list_role_tags(
        &self,
        cx: &Context,
        input: ListRoleTagsInput,
    ) -> Result<ListRoleTagsOutput> {
        let (marker, max_items) = (input.marker.as_deref(), input.max_items);
        let page = self.list_tags(cx, Kind::Role, &input.role_name, marker, max_items)?;
        let Page { items: tags, is_truncated, marker } = page;
        Ok(ListRoleTagsOutput { tags, is_truncated, marker })
    }
}

impl Iam {
    async fn change_role(
        &self,
        cx: &Context,
        name: &str,
        change: impl FnOnce(&mut RolePart),
    ) -> Result<Entity> {
        let change = |entity: &mut Entity, _: &Account| {
            if let Part::Role(role) = &mut entity.part {
                change(role);
            }
            Ok(())
        };
        self.change_entity(cx, Kind::Role, name, change).await.map(|(role, ())| role)
    }
}

fn checked_trust(text: String) -> Result<String> {
    if document::size(&text) > quota::TRUST_POLICY_SIZE {
        return Err(error::exceeded("ACLSizePerRole", quota::TRUST_POLICY_SIZE));
    }
    document::check(&text, document::Kind::Trust)?;
    Ok(text)
}

impl ServiceLinkedRoleOperations for Iam {
    async fn create_service_linked_role(
        &self,
        cx: &Context,
        input: CreateServiceLinkedRoleInput,
    ) -> Result<CreateServiceLinkedRoleOutput> {
        let service = &input.aws_service_name;
        if !service.ends_with(".amazonaws.com") {
            return Err(fault::invalid_input(format!(
                "Service role {service} is not a service of AWS."
            )));
        }
        let name = service_linked::role_name(service, input.custom_suffix.as_deref());
        if self.entity(cx, Kind::Role, &name).is_ok() {
            return Err(fault::invalid_input(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        let beginning =
            Beginning { name, path: Some(service_linked::path(service)), ..Beginning::default() };
        let part = Part::Role(RolePart {
            trust: service_linked::trust(service),
            description: input.description,
            session_seconds_max: SESSION_SECONDS_DEFAULT,
        });
        let role = self.create_entity(&cx.account, beginning, part).await?;
        Ok(CreateServiceLinkedRoleOutput { role: Some(view::role(&role, &cx.account)) })
    }

    /// Done before it is answered: no service here keeps such a role.
    async fn delete_service_linked_role(
        &self,
        cx: &Context,
        input: DeleteServiceLinkedRoleInput,
    ) -> Result<DeleteServiceLinkedRoleOutput> {
        let name = &input.role_name;
        let role = self.entity(cx, Kind::Role, name)?;
        if !role.is_protected() {
            return Err(fault::invalid_input(format!(
                "The role {name} is not a service-linked role."
            )));
        }
        let changing = self.accounts.change().await;
        changing.commit(&cx.account, [Change::remove(&role)]).await?;
        let deletion_task_id = format!("task{}{}/{}", role.path, role.name, cx.request_id);
        Ok(DeleteServiceLinkedRoleOutput { deletion_task_id })
    }

    async fn get_service_linked_role_deletion_status(
        &self,
        cx: &Context,
        input: GetServiceLinkedRoleDeletionStatusInput,
    ) -> Result<GetServiceLinkedRoleDeletionStatusOutput> {
        let task = input.deletion_task_id.strip_prefix("task/aws-service-role/");
        let mut parts = task.into_iter().flat_map(|task| task.split('/'));
        let (Some(_service), Some(name), Some(_id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault::no_such_entity(format!(
                "The deletion task {} cannot be found.",
                input.deletion_task_id
            )));
        };
        // Only what made it again can stand in its way.
        let status = match self.entity(cx, Kind::Role, name) {
            Ok(_) => DeletionTaskStatus::NotStarted,
            Err(_) => DeletionTaskStatus::Succeeded,
        };
        Ok(GetServiceLinkedRoleDeletionStatusOutput { status, reason: None })
    }
}
