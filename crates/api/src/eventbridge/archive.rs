// SPDX-License-Identifier: Apache-2.0
//! Archives of events.

use super::constraints::*;
use wire::{Input, Structure, Timestamp, enumeration, operations};

/// What is done to archives.
#[operations("events")]
pub trait ArchiveOperations: Send + Sync + 'static {
    /// Makes an archive of a bus.
    fn create_archive(input: CreateArchiveInput);

    /// Deletes an archive and what is in it.
    fn delete_archive(input: DeleteArchiveInput);

    /// Answers what is known of an archive.
    fn describe_archive(input: DescribeArchiveInput);

    /// Lists archives, page by page.
    fn list_archives(input: ListArchivesInput);

    /// Changes an archive.
    fn update_archive(input: UpdateArchiveInput);
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
