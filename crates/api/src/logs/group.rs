// SPDX-License-Identifier: Apache-2.0
//! Log groups.

use super::access::{group, groups, identified, new_group};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, enumeration, operations};

/// Log groups, and how long they keep their events.
#[operations("logs")]
pub trait GroupOperations: Send + Sync + 'static {
    /// Creates a log group.
    #[operation(on = new_group(log_group_name, tags))]
    async fn create_log_group(&self, cx: &Context, input: CreateLogGroupInput) -> Result<()>;

    /// Deletes a log group, its streams and their events.
    #[operation(on = group(log_group_name))]
    async fn delete_log_group(&self, cx: &Context, input: DeleteLogGroupInput) -> Result<()>;

    /// Lists log groups, page by page.
    #[operation(on = groups())]
    async fn describe_log_groups(
        &self,
        cx: &Context,
        input: DescribeLogGroupsInput,
    ) -> Result<DescribeLogGroupsOutput>;

    /// Says after how many days events are gone.
    #[operation(on = group(log_group_name))]
    async fn put_retention_policy(
        &self,
        cx: &Context,
        input: PutRetentionPolicyInput,
    ) -> Result<()>;

    /// Keeps events until there is no room for them.
    #[operation(on = group(log_group_name))]
    async fn delete_retention_policy(
        &self,
        cx: &Context,
        input: DeleteRetentionPolicyInput,
    ) -> Result<()>;

    /// Protects a log group from being deleted, or no longer.
    #[operation(on = identified(log_group_identifier))]
    async fn put_log_group_deletion_protection(
        &self,
        cx: &Context,
        input: PutLogGroupDeletionProtectionInput,
    ) -> Result<()>;

    fn associate_kms_key();

    fn disassociate_kms_key();

    fn put_bearer_token_authentication();
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct CreateLogGroupInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = KMS_KEY_ID)]
    pub kms_key_id: Option<String>,
    #[wire(like = TAGS)]
    pub tags: Option<BTreeMap<String, String>>,
    pub log_group_class: Option<LogGroupClass>,
    pub deletion_protection_enabled: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteLogGroupInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DescribeLogGroupsInput {
    #[wire(like = ACCOUNT_IDS)]
    pub account_identifiers: Option<Vec<String>>,
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name_prefix: Option<String>,
    #[wire(like = LOG_GROUP_NAME_PATTERN)]
    pub log_group_name_pattern: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = DESCRIBE_LIMIT)]
    pub limit: Option<i32>,
    pub include_linked_accounts: Option<bool>,
    pub log_group_class: Option<LogGroupClass>,
    #[wire(like = DESCRIBE_LOG_GROUPS_LOG_GROUP_IDENTIFIERS)]
    pub log_group_identifiers: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct DescribeLogGroupsOutput {
    pub log_groups: Option<Vec<LogGroup>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutRetentionPolicyInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    pub retention_in_days: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct DeleteRetentionPolicyInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct PutLogGroupDeletionProtectionInput {
    #[wire(like = LOG_GROUP_IDENTIFIER)]
    pub log_group_identifier: String,
    pub deletion_protection_enabled: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct LogGroup {
    pub log_group_name: Option<String>,
    pub creation_time: Option<i64>,
    pub retention_in_days: Option<i32>,
    pub metric_filter_count: Option<i32>,
    pub arn: Option<String>,
    pub stored_bytes: Option<i64>,
    pub kms_key_id: Option<String>,
    pub data_protection_status: Option<DataProtectionStatus>,
    pub inherited_properties: Option<Vec<InheritedProperty>>,
    pub log_group_class: Option<LogGroupClass>,
    pub log_group_arn: Option<String>,
    pub deletion_protection_enabled: Option<bool>,
    pub bearer_token_authentication_enabled: Option<bool>,
    pub retention_policy_name: Option<String>,
}

enumeration! {
    pub enum LogGroupClass {
        Standard = "STANDARD",
        InfrequentAccess = "INFREQUENT_ACCESS",
        Delivery = "DELIVERY",
        Essentials = "ESSENTIALS",
    }
}

enumeration! {
    pub enum DataProtectionStatus {
        Activated = "ACTIVATED",
        Deleted = "DELETED",
        Archived = "ARCHIVED",
        Disabled = "DISABLED",
    }
}

enumeration! {
    pub enum InheritedProperty {
        AccountDataProtection = "ACCOUNT_DATA_PROTECTION",
    }
}
