// SPDX-License-Identifier: Apache-2.0
//! Archives of events.

use super::access;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// What is done to archives.
#[operations("events")]
pub trait ArchiveOperations: Send + Sync + 'static {
    /// Makes an archive of a bus.
    #[operation(on = access::archive(archive_name))]
    async fn create_archive(
        &self,
        cx: &Context,
        input: CreateArchiveInput,
    ) -> Result<CreateArchiveOutput>;

    /// Deletes an archive and what is in it.
    #[operation(on = access::archive(archive_name))]
    async fn delete_archive(&self, cx: &Context, input: DeleteArchiveInput) -> Result<()>;

    /// Answers what is known of an archive.
    #[operation(on = access::archive(archive_name))]
    async fn describe_archive(
        &self,
        cx: &Context,
        input: DescribeArchiveInput,
    ) -> Result<DescribeArchiveOutput>;

    /// Lists archives, page by page.
    #[operation(on = access::anything())]
    async fn list_archives(
        &self,
        cx: &Context,
        input: ListArchivesInput,
    ) -> Result<ListArchivesOutput>;

    /// Changes an archive.
    #[operation(on = access::archive(archive_name))]
    async fn update_archive(
        &self,
        cx: &Context,
        input: UpdateArchiveInput,
    ) -> Result<UpdateArchiveOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateArchiveInput {
    #[wire(like = ARCHIVE_NAME)]
    pub archive_name: String,
    #[wire(like = EVENT_BUS_ARN)]
    pub event_source_arn: String,
    #[wire(like = ARCHIVE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = EVENT_PATTERN)]
    pub event_pattern: Option<String>,
    #[wire(like = RETENTION_DAYS)]
    pub retention_days: Option<i32>,
    #[wire(like = KMS_KEY_IDENTIFIER)]
    pub kms_key_identifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteArchiveInput {
    #[wire(like = ARCHIVE_NAME)]
    pub archive_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DescribeArchiveInput {
    #[wire(like = ARCHIVE_NAME)]
    pub archive_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListArchivesInput {
    #[wire(like = ARCHIVE_NAME)]
    pub name_prefix: Option<String>,
    #[wire(like = EVENT_BUS_ARN)]
    pub event_source_arn: Option<String>,
    pub state: Option<ArchiveState>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateArchiveInput {
    #[wire(like = ARCHIVE_NAME)]
    pub archive_name: String,
    #[wire(like = ARCHIVE_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = EVENT_PATTERN)]
    pub event_pattern: Option<String>,
    #[wire(like = RETENTION_DAYS)]
    pub retention_days: Option<i32>,
    #[wire(like = KMS_KEY_IDENTIFIER)]
    pub kms_key_identifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateArchiveOutput {
    pub archive_arn: Option<String>,
    pub state: Option<ArchiveState>,
    pub state_reason: Option<String>,
    pub creation_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DescribeArchiveOutput {
    pub archive_arn: Option<String>,
    pub archive_name: Option<String>,
    pub event_source_arn: Option<String>,
    pub description: Option<String>,
    pub event_pattern: Option<String>,
    pub state: Option<ArchiveState>,
    pub state_reason: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub retention_days: Option<i32>,
    pub size_bytes: Option<i64>,
    pub event_count: Option<i64>,
    pub creation_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListArchivesOutput {
    pub archives: Option<Vec<Archive>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateArchiveOutput {
    pub archive_arn: Option<String>,
    pub state: Option<ArchiveState>,
    pub state_reason: Option<String>,
    pub creation_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Archive {
    pub archive_name: Option<String>,
    pub event_source_arn: Option<String>,
    pub state: Option<ArchiveState>,
    pub state_reason: Option<String>,
    pub retention_days: Option<i32>,
    pub size_bytes: Option<i64>,
    pub event_count: Option<i64>,
    pub creation_time: Option<Timestamp>,
}

enumeration! {
    pub enum ArchiveState {
        Enabled = "ENABLED",
        Disabled = "DISABLED",
        Creating = "CREATING",
        Updating = "UPDATING",
        CreateFailed = "CREATE_FAILED",
        UpdateFailed = "UPDATE_FAILED",
    }
}
