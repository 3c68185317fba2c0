// SPDX-License-Identifier: Apache-2.0
//! Tags of rules and buses.

use super::access;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, operations};

/// What is done to tags.
#[operations("events")]
pub trait TagOperations: Send + Sync + 'static {
    /// Adds tags.
    #[operation(on = access::tagging(resource_arn, tags))]
    async fn tag_resource(
        &self,
        cx: &Context,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput>;

    /// Takes tags off.
    #[operation(on = access::untagging(resource_arn, tag_keys))]
    async fn untag_resource(
        &self,
        cx: &Context,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput>;

    /// Answers tags.
    #[operation(on = access::arn(resource_arn))]
    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagResourceInput {
    #[wire(name = "ResourceARN", like = ARN)]
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct TagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagResourceInput {
    #[wire(name = "ResourceARN", like = ARN)]
    pub resource_arn: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UntagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListTagsForResourceInput {
    #[wire(name = "ResourceARN", like = ARN)]
    pub resource_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListTagsForResourceOutput {
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Tag {
    #[wire(like = TAG_KEY)]
    pub key: String,
    #[wire(like = TAG_VALUE)]
    pub value: String,
}
