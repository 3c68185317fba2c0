// SPDX-License-Identifier: Apache-2.0
//! Tags of groups.

use super::access::{arn, tagging, untagging};
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, operations};

/// Tags.
#[operations("scheduler")]
pub trait TagOperations: Send + Sync + 'static {
    /// Adds tags.
    #[operation(http = "POST /tags/{ResourceArn}", on = tagging(resource_arn, tags))]
    async fn tag_resource(
        &self,
        cx: &Context,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput>;

    /// Removes tags.
    #[operation(http = "DELETE /tags/{ResourceArn}", on = untagging(resource_arn, tag_keys))]
    async fn untag_resource(
        &self,
        cx: &Context,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput>;

    /// Lists tags.
    #[operation(http = "GET /tags/{ResourceArn}", on = arn(resource_arn))]
    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Tag {
    #[wire(like = TAG_KEY)]
    pub key: String,
    #[wire(like = TAG_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagResourceInput {
    #[wire(label, like = TAG_RESOURCE_ARN)]
    pub resource_arn: String,
    #[wire(like = TAG_LIST)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct TagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagResourceInput {
    #[wire(label, like = TAG_RESOURCE_ARN)]
    pub resource_arn: String,
    #[wire(query = "TagKeys", like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct UntagResourceOutput {}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListTagsForResourceInput {
    #[wire(label, like = TAG_RESOURCE_ARN)]
    pub resource_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListTagsForResourceOutput {
    pub tags: Option<Vec<Tag>>,
}
