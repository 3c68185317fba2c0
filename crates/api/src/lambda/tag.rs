// SPDX-License-Identifier: Apache-2.0
//! Tags of functions and of what else has an ARN here.

use super::access::{arn, tagging, untagging};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, operations};

/// Tags.
#[operations("lambda")]
pub trait TagOperations: Send + Sync + 'static {
    /// Adds tags.
    #[operation(http = "POST /2017-03-31/tags/{Resource}", status = 204, on = tagging(input))]
    async fn tag_resource(&self, cx: &Context, input: TagResourceInput) -> Result<()>;

    /// Removes tags.
    #[operation(http = "DELETE /2017-03-31/tags/{Resource}", status = 204, on = untagging(input))]
    async fn untag_resource(&self, cx: &Context, input: UntagResourceInput) -> Result<()>;

    /// Lists tags.
    #[operation(http = "GET /2017-03-31/tags/{Resource}", on = arn(resource))]
    async fn list_tags(&self, cx: &Context, input: ListTagsInput) -> Result<ListTagsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct TagResourceInput {
    #[wire(label, like = TAGGABLE_RESOURCE)]
    pub resource: String,
    #[wire(like = TAGS)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UntagResourceInput {
    #[wire(label, like = TAGGABLE_RESOURCE)]
    pub resource: String,
    #[wire(query = "tagKeys", like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListTagsInput {
    #[wire(label, like = TAGGABLE_RESOURCE)]
    pub resource: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListTagsOutput {
    pub tags: Option<BTreeMap<String, String>>,
}
