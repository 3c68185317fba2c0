// SPDX-License-Identifier: Apache-2.0
//! Topics: their attributes, tags and permissions.

use super::access;
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, operations};

/// What is done to topics.
#[operations("sns")]
pub trait TopicOperations: Send + Sync + 'static {
    /// Makes a topic, or answers the one that is there with these attributes.
    #[operation(on = access::new_topic(name, tags))]
    async fn create_topic(
        &self,
        cx: &Context,
        input: CreateTopicInput,
    ) -> Result<CreateTopicOutput>;

    /// Deletes a topic and its subscriptions.
    #[operation(on = access::topic(topic_arn))]
    async fn delete_topic(&self, cx: &Context, input: DeleteTopicInput) -> Result<()>;

    /// Lists topics, page by page.
    #[operation(on = access::anything())]
    async fn list_topics(&self, cx: &Context, input: ListTopicsInput) -> Result<ListTopicsOutput>;

    /// Answers the attributes of a topic.
    #[operation(on = access::topic(topic_arn))]
    async fn get_topic_attributes(
        &self,
        cx: &Context,
        input: GetTopicAttributesInput,
    ) -> Result<GetTopicAttributesOutput>;

    /// Changes an attribute of a topic.
    #[operation(on = access::topic(topic_arn))]
    async fn set_topic_attributes(
        &self,
        cx: &Context,
        input: SetTopicAttributesInput,
    ) -> Result<()>;

    /// Adds a statement to a topic's policy.
    #[operation(on = access::topic(topic_arn))]
    async fn add_permission(&self, cx: &Context, input: AddPermissionInput) -> Result<()>;

    /// Takes a statement out of a topic's policy.
    #[operation(on = access::topic(topic_arn))]
    async fn remove_permission(&self, cx: &Context, input: RemovePermissionInput) -> Result<()>;

    /// Adds tags to a topic.
    #[operation(on = access::tagging(resource_arn, tags))]
    async fn tag_resource(
        &self,
        cx: &Context,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput>;

    /// Takes tags off a topic.
    #[operation(on = access::untagging(resource_arn, tag_keys))]
    async fn untag_resource(
        &self,
        cx: &Context,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput>;

    /// Answers the tags of a topic.
    #[operation(on = access::topic(resource_arn))]
    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput>;
}

/// Of topics and subscriptions.
pub type Attributes = BTreeMap<String, String>;

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct Tag {
    #[wire(like = TAG_KEY)]
    pub key: String,
    #[wire(like = TAG_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct CreateTopicInput {
    pub name: String,
    pub attributes: Option<Attributes>,
    pub tags: Option<Vec<Tag>>,
    pub data_protection_policy: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct CreateTopicOutput {
    pub topic_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct DeleteTopicInput {
    pub topic_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListTopicsInput {
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListTopicsOutput {
    pub topics: Vec<Topic>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct Topic {
    pub topic_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct GetTopicAttributesInput {
    pub topic_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct GetTopicAttributesOutput {
    pub attributes: Option<Attributes>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SetTopicAttributesInput {
    pub topic_arn: String,
    pub attribute_name: String,
    pub attribute_value: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct AddPermissionInput {
    pub topic_arn: String,
    pub label: String,
    #[wire(name = "AWSAccountId")]
    pub aws_account_id: Vec<String>,
    pub action_name: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct RemovePermissionInput {
    pub topic_arn: String,
    pub label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct TagResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct TagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct UntagResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct UntagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListTagsForResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListTagsForResourceOutput {
    pub tags: Vec<Tag>,
}
