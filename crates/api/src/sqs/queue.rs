// SPDX-License-Identifier: Apache-2.0
//! Queues: their attributes, tags and permissions.

use super::access;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, operations};

/// What is done to queues.
#[operations("sqs")]
pub trait QueueOperations: Send + Sync + 'static {
    /// Makes a queue, or answers the one that is there with these attributes.
    #[operation(on = access::new_queue(queue_name, tags))]
    async fn create_queue(
        &self,
        cx: &Context,
        input: CreateQueueInput,
    ) -> Result<CreateQueueOutput>;

    /// Deletes a queue and what is in it.
    #[operation(on = access::queue(queue_url))]
    async fn delete_queue(&self, cx: &Context, input: DeleteQueueInput) -> Result<()>;

    /// Answers the URL of a queue.
    #[operation(on = access::named(queue_name, queue_owner_account))]
    async fn get_queue_url(
        &self,
        cx: &Context,
        input: GetQueueUrlInput,
    ) -> Result<GetQueueUrlOutput>;

    /// Answers attributes of a queue.
    #[operation(on = access::queue(queue_url))]
    async fn get_queue_attributes(
        &self,
        cx: &Context,
        input: GetQueueAttributesInput,
    ) -> Result<GetQueueAttributesOutput>;

    /// Changes attributes of a queue.
    #[operation(on = access::queue(queue_url))]
    async fn set_queue_attributes(
        &self,
        cx: &Context,
        input: SetQueueAttributesInput,
    ) -> Result<()>;

    /// Lists queues, page by page.
    #[operation(on = access::anything())]
    async fn list_queues(&self, cx: &Context, input: ListQueuesInput) -> Result<ListQueuesOutput>;

    /// Lists the queues that have this one for their dead letters.
    #[operation(on = access::queue(queue_url))]
    async fn list_dead_letter_source_queues(
        &self,
        cx: &Context,
        input: ListDeadLetterSourceQueuesInput,
    ) -> Result<ListDeadLetterSourceQueuesOutput>;

    /// Deletes all messages of a queue.
    #[operation(on = access::queue(queue_url))]
    async fn purge_queue(&self, cx: &Context, input: PurgeQueueInput) -> Result<()>;

    /// Adds tags to a queue.
    #[operation(on = access::tagging(queue_url, tags))]
    async fn tag_queue(&self, cx: &Context, input: TagQueueInput) -> Result<()>;

    /// Takes tags off a queue.
    #[operation(on = access::untagging(queue_url, tag_keys))]
    async fn untag_queue(&self, cx: &Context, input: UntagQueueInput) -> Result<()>;

    /// Answers the tags of a queue.
    #[operation(on = access::queue(queue_url))]
    async fn list_queue_tags(
        &self,
        cx: &Context,
        input: ListQueueTagsInput,
    ) -> Result<ListQueueTagsOutput>;

    /// Adds a statement to a queue's policy.
    #[operation(on = access::queue(queue_url))]
    async fn add_permission(&self, cx: &Context, input: AddPermissionInput) -> Result<()>;

    /// Takes a statement out of a queue's policy.
    #[operation(on = access::queue(queue_url))]
    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct CreateQueueInput {
    pub queue_name: String,
    #[wire(flat = "Attribute.Name")]
    pub attributes: Option<BTreeMap<String, String>>,
    #[wire(name = "tags", flat = "Tag.Key")]
    pub tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct CreateQueueOutput {
    pub queue_url: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct DeleteQueueInput {
    pub queue_url: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct GetQueueUrlInput {
    pub queue_name: String,
    #[wire(name = "QueueOwnerAWSAccountId")]
    pub queue_owner_account: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct GetQueueUrlOutput {
    pub queue_url: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct GetQueueAttributesInput {
    pub queue_url: String,
    #[wire(flat = "AttributeName")]
    pub attribute_names: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct GetQueueAttributesOutput {
    #[wire(flat = "Attribute.Name")]
    pub attributes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SetQueueAttributesInput {
    pub queue_url: String,
    #[wire(flat = "Attribute.Name")]
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListQueuesInput {
    pub queue_name_prefix: Option<String>,
    pub next_token: Option<String>,
    pub max_results: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListQueuesOutput {
    #[wire(flat = "QueueUrl")]
    pub queue_urls: Option<Vec<String>>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListDeadLetterSourceQueuesInput {
    pub queue_url: String,
    pub next_token: Option<String>,
    pub max_results: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListDeadLetterSourceQueuesOutput {
    #[wire(name = "queueUrls", flat = "QueueUrl")]
    pub queue_urls: Vec<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct PurgeQueueInput {
    pub queue_url: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct TagQueueInput {
    pub queue_url: String,
    #[wire(flat = "Tag.Key")]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct UntagQueueInput {
    pub queue_url: String,
    #[wire(flat = "TagKey")]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListQueueTagsInput {
    pub queue_url: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListQueueTagsOutput {
    #[wire(flat = "Tag.Key")]
    pub tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct AddPermissionInput {
    pub queue_url: String,
    pub label: String,
    #[wire(name = "AWSAccountIds", flat = "AWSAccountId")]
    pub account_ids: Vec<String>,
    #[wire(flat = "ActionName")]
    pub actions: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct RemovePermissionInput {
    pub queue_url: String,
    pub label: String,
}
