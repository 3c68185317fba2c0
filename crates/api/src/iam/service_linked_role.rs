// SPDX-License-Identifier: Apache-2.0
//! Roles that AWS services need.

use super::Role;
use super::access::{anything, role, service_linked};
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, operations};

/// Roles that AWS services need.
#[operations("iam")]
pub trait ServiceLinkedRoleOperations: Send + Sync + 'static {
    /// Creates the role that an AWS service needs.
    #[operation(on = service_linked(input))]
    async fn create_service_linked_role(
        &self,
        cx: &Context,
        input: CreateServiceLinkedRoleInput,
    ) -> Result<CreateServiceLinkedRoleOutput>;

    /// Deletes the role of an AWS service.
    #[operation(on = role(role_name))]
    async fn delete_service_linked_role(
        &self,
        cx: &Context,
        input: DeleteServiceLinkedRoleInput,
    ) -> Result<DeleteServiceLinkedRoleOutput>;

    /// Answers how the deletion of such a role stands.
    #[operation(on = anything())]
    async fn get_service_linked_role_deletion_status(
        &self,
        cx: &Context,
        input: GetServiceLinkedRoleDeletionStatusInput,
    ) -> Result<GetServiceLinkedRoleDeletionStatusOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateServiceLinkedRoleInput {
    #[wire(name = "AWSServiceName", like = GROUP_NAME)]
    pub aws_service_name: String,
    #[wire(like = ROLE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = CUSTOM_SUFFIX)]
    pub custom_suffix: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateServiceLinkedRoleOutput {
    pub role: Option<Role>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteServiceLinkedRoleInput {
    #[wire(like = ROLE_NAME)]
    pub role_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DeleteServiceLinkedRoleOutput {
    pub deletion_task_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetServiceLinkedRoleDeletionStatusInput {
    #[wire(like = DELETION_TASK_ID)]
    pub deletion_task_id: String,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct GetServiceLinkedRoleDeletionStatusOutput {
    pub status: DeletionTaskStatus,
    pub reason: Option<DeletionTaskFailureReason>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct DeletionTaskFailureReason {
    pub reason: Option<String>,
    pub role_usage_list: Vec<RoleUsage>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct RoleUsage {
    pub region: Option<String>,
    pub resources: Vec<String>,
}

wire::enumeration! {
    pub enum DeletionTaskStatus {
        Succeeded = "SUCCEEDED",
        InProgress = "IN_PROGRESS",
        Failed = "FAILED",
        NotStarted = "NOT_STARTED",
    }
}
