// SPDX-License-Identifier: Apache-2.0
//! Messages: sent, received, deleted, one by one and ten at a time.

use super::access;
use std::collections::BTreeMap;
use wire::{Blob, Context, Input, Output, Result, Structure, operations};

/// What is done with messages.
#[operations("sqs")]
pub trait MessageOperations: Send + Sync + 'static {
    /// Adds a message to a queue.
    #[operation(body_max = 8_388_608, on = access::queue(queue_url))]
    async fn send_message(
        &self,
        cx: &Context,
        input: SendMessageInput,
    ) -> Result<SendMessageOutput>;

    /// Adds up to ten messages to a queue.
    #[operation(body_max = 8_388_608, action = "SendMessage", on = access::queue(queue_url))]
    async fn send_message_batch(
        &self,
        cx: &Context,
        input: SendMessageBatchInput,
    ) -> Result<SendMessageBatchOutput>;

    /// Answers messages of a queue, and hides them for a while.
    #[operation(on = access::queue(queue_url))]
    async fn receive_message(
        &self,
        cx: &Context,
        input: ReceiveMessageInput,
    ) -> Result<ReceiveMessageOutput>;

    /// Deletes a message that was received.
    #[operation(on = access::queue(queue_url))]
    async fn delete_message(&self, cx: &Context, input: DeleteMessageInput) -> Result<()>;

    /// Deletes up to ten messages that were received.
    #[operation(action = "DeleteMessage", on = access::queue(queue_url))]
    async fn delete_message_batch(
        &self,
        cx: &Context,
        input: DeleteMessageBatchInput,
    ) -> Result<DeleteMessageBatchOutput>;

    /// Says anew how long a message that was received stays hidden.
    #[operation(on = access::queue(queue_url))]
    async fn change_message_visibility(
        &self,
        cx: &Context,
        input: ChangeMessageVisibilityInput,
    ) -> Result<()>;

    /// The same for up to ten messages.
    #[operation(action = "ChangeMessageVisibility", on = access::queue(queue_url))]
    async fn change_message_visibility_batch(
        &self,
        cx: &Context,
        input: ChangeMessageVisibilityBatchInput,
    ) -> Result<ChangeMessageVisibilityBatchOutput>;
}

/// Of messages, and of what the system knows of them.
pub type MessageAttributes = BTreeMap<String, MessageAttributeValue>;

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct MessageAttributeValue {
    pub string_value: Option<String>,
    pub binary_value: Option<Blob>,
    #[wire(flat = "StringListValue")]
    pub string_list_values: Option<Vec<String>>,
    #[wire(flat = "BinaryListValue")]
    pub binary_list_values: Option<Vec<Blob>>,
    pub data_type: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SendMessageInput {
    pub queue_url: String,
    pub message_body: String,
    pub delay_seconds: Option<i32>,
    #[wire(flat = "MessageAttribute.Name")]
    pub message_attributes: Option<MessageAttributes>,
    #[wire(flat = "MessageSystemAttribute.Name")]
    pub message_system_attributes: Option<MessageAttributes>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct SendMessageOutput {
    #[wire(name = "MD5OfMessageBody")]
    pub md5_of_message_body: Option<String>,
    #[wire(name = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    #[wire(name = "MD5OfMessageSystemAttributes")]
    pub md5_of_message_system_attributes: Option<String>,
    pub message_id: Option<String>,
    pub sequence_number: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SendMessageBatchInput {
    pub queue_url: String,
    #[wire(flat = "SendMessageBatchRequestEntry")]
    pub entries: Vec<SendMessageBatchRequestEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct SendMessageBatchRequestEntry {
    pub id: String,
    pub message_body: String,
    pub delay_seconds: Option<i32>,
    #[wire(flat = "MessageAttribute.Name")]
    pub message_attributes: Option<MessageAttributes>,
    #[wire(flat = "MessageSystemAttribute.Name")]
    pub message_system_attributes: Option<MessageAttributes>,
    pub message_deduplication_id: Option<String>,
    pub message_group_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct SendMessageBatchOutput {
    #[wire(flat = "SendMessageBatchResultEntry")]
    pub successful: Vec<SendMessageBatchResultEntry>,
    #[wire(flat = "BatchResultErrorEntry")]
    pub failed: Vec<BatchResultErrorEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct SendMessageBatchResultEntry {
    pub id: String,
    pub message_id: String,
    #[wire(name = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
    #[wire(name = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    #[wire(name = "MD5OfMessageSystemAttributes")]
    pub md5_of_message_system_attributes: Option<String>,
    pub sequence_number: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct BatchResultErrorEntry {
    pub id: String,
    pub sender_fault: bool,
    pub code: String,
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ReceiveMessageInput {
    pub queue_url: String,
    #[wire(flat = "AttributeName")]
    pub attribute_names: Option<Vec<String>>,
    #[wire(flat = "MessageSystemAttributeName")]
    pub message_system_attribute_names: Option<Vec<String>>,
    #[wire(flat = "MessageAttributeName")]
    pub message_attribute_names: Option<Vec<String>>,
    pub max_number_of_messages: Option<i32>,
    pub visibility_timeout: Option<i32>,
    pub wait_time_seconds: Option<i32>,
    pub receive_request_attempt_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ReceiveMessageOutput {
    #[wire(flat = "Message")]
    pub messages: Option<Vec<Message>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct Message {
    pub message_id: Option<String>,
    pub receipt_handle: Option<String>,
    #[wire(name = "MD5OfBody")]
    pub md5_of_body: Option<String>,
    pub body: Option<String>,
    #[wire(flat = "Attribute.Name")]
    pub attributes: Option<BTreeMap<String, String>>,
    #[wire(name = "MD5OfMessageAttributes")]
    pub md5_of_message_attributes: Option<String>,
    #[wire(flat = "MessageAttribute.Name")]
    pub message_attributes: Option<MessageAttributes>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct DeleteMessageInput {
    pub queue_url: String,
    pub receipt_handle: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct DeleteMessageBatchInput {
    pub queue_url: String,
    #[wire(flat = "DeleteMessageBatchRequestEntry")]
    pub entries: Vec<DeleteMessageBatchRequestEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct DeleteMessageBatchRequestEntry {
    pub id: String,
    pub receipt_handle: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct DeleteMessageBatchOutput {
    #[wire(flat = "DeleteMessageBatchResultEntry")]
    pub successful: Vec<DeleteMessageBatchResultEntry>,
    #[wire(flat = "BatchResultErrorEntry")]
    pub failed: Vec<BatchResultErrorEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct DeleteMessageBatchResultEntry {
    pub id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ChangeMessageVisibilityInput {
    pub queue_url: String,
    pub receipt_handle: String,
    pub visibility_timeout: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ChangeMessageVisibilityBatchInput {
    pub queue_url: String,
    #[wire(flat = "ChangeMessageVisibilityBatchRequestEntry")]
    pub entries: Vec<ChangeMessageVisibilityBatchRequestEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct ChangeMessageVisibilityBatchRequestEntry {
    pub id: String,
    pub receipt_handle: String,
    pub visibility_timeout: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ChangeMessageVisibilityBatchOutput {
    #[wire(flat = "ChangeMessageVisibilityBatchResultEntry")]
    pub successful: Vec<ChangeMessageVisibilityBatchResultEntry>,
    #[wire(flat = "BatchResultErrorEntry")]
    pub failed: Vec<BatchResultErrorEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct ChangeMessageVisibilityBatchResultEntry {
    pub id: String,
}
