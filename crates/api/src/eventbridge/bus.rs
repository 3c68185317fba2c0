// SPDX-License-Identifier: Apache-2.0
//! Event buses, and who may send to them.

use super::access;
use super::constraints::*;
use super::{DeadLetterConfig, Tag};
use wire::{Context, Input, Output, Result, Structure, Timestamp, enumeration, operations};

/// What is done to buses.
#[operations("events")]
pub trait BusOperations: Send + Sync + 'static {
    /// Makes a bus.
    #[operation(on = access::new_bus(name, tags))]
    async fn create_event_bus(
        &self,
        cx: &Context,
        input: CreateEventBusInput,
    ) -> Result<CreateEventBusOutput>;

    /// Deletes a bus that has no rules.
    #[operation(on = access::bus(name))]
    async fn delete_event_bus(&self, cx: &Context, input: DeleteEventBusInput) -> Result<()>;

    /// Answers what is known of a bus.
    #[operation(on = access::bus_or_default(name))]
    async fn describe_event_bus(
        &self,
        cx: &Context,
        input: DescribeEventBusInput,
    ) -> Result<DescribeEventBusOutput>;

    /// Lists buses, page by page.
    #[operation(on = access::anything())]
    async fn list_event_buses(
        &self,
        cx: &Context,
        input: ListEventBusesInput,
    ) -> Result<ListEventBusesOutput>;

    /// Changes what was said of a bus.
    #[operation(on = access::bus_or_default(name))]
    async fn update_event_bus(
        &self,
        cx: &Context,
        input: UpdateEventBusInput,
    ) -> Result<UpdateEventBusOutput>;

    /// Adds a statement to a bus's policy, or gives it another policy.
    #[operation(on = access::bus_or_default(event_bus_name))]
    async fn put_permission(&self, cx: &Context, input: PutPermissionInput) -> Result<()>;

    /// Takes statements out of a bus's policy.
    #[operation(on = access::bus_or_default(event_bus_name))]
    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateEventBusInput {
    #[wire(like = EVENT_BUS_NAME)]
    pub name: String,
    #[wire(like = EVENT_SOURCE_NAME)]
    pub event_source_name: Option<String>,
    #[wire(like = EVENT_BUS_DESCRIPTION)]
    pub description: Option<String>,
    #[wire(like = KMS_KEY_IDENTIFIER)]
    pub kms_key_identifier: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub log_config: Option<LogConfig>,
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct CreateEventBusOutput {
    pub event_bus_arn: Option<String>,
    pub description: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub log_config: Option<LogConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteEventBusInput {
    #[wire(like = EVENT_BUS_NAME)]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DescribeEventBusInput {
    #[wire(like = EVENT_BUS_NAME_OR_ARN)]
    pub name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct DescribeEventBusOutput {
    pub name: Option<String>,
    pub arn: Option<String>,
    pub description: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub policy: Option<String>,
    pub log_config: Option<LogConfig>,
    pub creation_time: Option<Timestamp>,
    pub last_modified_time: Option<Timestamp>,
    pub managed_by: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListEventBusesInput {
    #[wire(like = EVENT_BUS_NAME)]
    pub name_prefix: Option<String>,
    #[wire(like = NEXT_TOKEN)]
    pub next_token: Option<String>,
    #[wire(like = LIMIT_MAX100)]
    pub limit: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListEventBusesOutput {
    pub event_buses: Option<Vec<EventBus>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateEventBusInput {
    #[wire(like = EVENT_BUS_NAME)]
    pub name: Option<String>,
    #[wire(like = KMS_KEY_IDENTIFIER)]
    pub kms_key_identifier: Option<String>,
    #[wire(like = EVENT_BUS_DESCRIPTION)]
    pub description: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub log_config: Option<LogConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UpdateEventBusOutput {
    pub arn: Option<String>,
    pub name: Option<String>,
    pub kms_key_identifier: Option<String>,
    pub description: Option<String>,
    pub dead_letter_config: Option<DeadLetterConfig>,
    pub log_config: Option<LogConfig>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutPermissionInput {
    #[wire(like = NON_PARTNER_EVENT_BUS_NAME)]
    pub event_bus_name: Option<String>,
    #[wire(like = ACTION)]
    pub action: Option<String>,
    #[wire(like = PRINCIPAL)]
    pub principal: Option<String>,
    #[wire(like = STATEMENT_ID)]
    pub statement_id: Option<String>,
    pub condition: Option<Condition>,
    pub policy: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct RemovePermissionInput {
    #[wire(like = STATEMENT_ID)]
    pub statement_id: Option<String>,
    pub remove_all_permissions: Option<bool>,
    #[wire(like = NON_PARTNER_EVENT_BUS_NAME)]
    pub event_bus_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Condition {
    #[wire(name = "Type")]
    pub kind: String,
    pub key: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct EventBus {
    pub name: Option<String>,
    pub arn: Option<String>,
    pub description: Option<String>,
    pub policy: Option<String>,
    pub creation_time: Option<Timestamp>,
    pub last_modified_time: Option<Timestamp>,
    pub managed_by: Option<String>,
}

enumeration! {
    pub enum IncludeDetail {
        None = "NONE",
        Full = "FULL",
    }
}

enumeration! {
    pub enum Level {
        Off = "OFF",
        Error = "ERROR",
        Info = "INFO",
        Trace = "TRACE",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct LogConfig {
    pub include_detail: Option<IncludeDetail>,
    pub level: Option<Level>,
}
