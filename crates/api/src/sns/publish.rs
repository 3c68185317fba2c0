// SPDX-License-Identifier: Apache-2.0
//! Messages: published one by one, and ten at a time.

use super::access;
use std::collections::BTreeMap;
use wire::{Blob, Context, Input, Output, Result, Structure, operations};

/// What is done with messages.
#[operations("sns")]
pub trait PublishOperations: Send + Sync + 'static {
    /// Publishes a message to all who subscribed to a topic.
    #[operation(body_max = 4_194_304, on = access::published(topic_arn, target_arn))]
    async fn publish(&self, cx: &Context, input: PublishInput) -> Result<PublishOutput>;

    /// Publishes up to ten messages.
    #[operation(body_max = 4_194_304, action = "Publish", on = access::topic(topic_arn))]
    async fn publish_batch(
        &self,
        cx: &Context,
        input: PublishBatchInput,
    ) -> Result<PublishBatchOutput>;
}

pub type MessageAttributes = BTreeMap<String, MessageAttributeValue>;

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct MessageAttributeValue {
    pub data_type: String,
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct PublishInput {
    pub topic_arn: Option<String>,
    pub target_arn: Option<String>,
    #[wire(sensitive)]
    pub phone_number: Option<String>,
    pub message: String,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub message_attributes: Option<MessageAttributes>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct PublishOutput {
    pub message_id: Option<String>,
    pub sequence_number: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct PublishBatchInput {
    pub topic_arn: String,
    pub publish_batch_request_entries: Vec<PublishBatchRequestEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct PublishBatchRequestEntry {
    pub id: String,
    pub message: String,
    pub subject: Option<String>,
    pub message_structure: Option<String>,
    pub message_attributes: Option<MessageAttributes>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct PublishBatchOutput {
    pub successful: Vec<PublishBatchResultEntry>,
    pub failed: Vec<BatchResultErrorEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct PublishBatchResultEntry {
    pub id: Option<String>,
    pub message_id: Option<String>,
    pub sequence_number: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct BatchResultErrorEntry {
    pub id: String,
    pub code: String,
    pub message: Option<String>,
    pub sender_fault: bool,
}
