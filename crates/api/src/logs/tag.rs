// SPDX-License-Identifier: Apache-2.0
//! Tags of log groups.

use super::access::{arn, group, tagging, tagging_group, untagging, untagging_group};
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, operations};

/// Tags. There are two ways to each: by the name of a log group, which is the older one, and by an ARN.
#[operations("logs")]
pub trait TagOperations: Send + Sync + 'static {
    /// Adds tags.
    #[operation(on = tagging(resource_arn, tags))]
    async fn tag_resource(&self, cx: &Context, input: TagResourceInput) -> Result<()>;

    /// Removes tags.
    #[operation(on = untagging(resource_arn, tag_keys))]
    async fn untag_resource(&self, cx: &Context, input: UntagResourceInput) -> Result<()>;

    /// Lists tags.
    #[operation(on = arn(resource_arn))]
    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput>;

    /// Adds tags to a log group.
    #[operation(on = tagging_group(log_group_name, tags))]
    async fn tag_log_group(&self, cx: &Context, input: TagLogGroupInput) -> Result<()>;

    /// Removes tags of a log group.
    #[operation(on = untagging_group(log_group_name, tags))]
    async fn untag_log_group(&self, cx: &Context, input: UntagLogGroupInput) -> Result<()>;

    /// Lists the tags of a log group.
    #[operation(on = group(log_group_name))]
    async fn list_tags_log_group(
        &self,
        cx: &Context,
        input: ListTagsLogGroupInput,
    ) -> Result<ListTagsLogGroupOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct TagResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
    #[wire(like = TAGS)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct UntagResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
    #[wire(like = TAG_KEY_LIST)]
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct ListTagsForResourceInput {
    #[wire(like = AMAZON_RESOURCE_NAME)]
    pub resource_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct ListTagsForResourceOutput {
    pub tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct TagLogGroupInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = TAGS)]
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct UntagLogGroupInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
    #[wire(like = TAG_LIST)]
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
#[wire(camel)]
pub struct ListTagsLogGroupInput {
    #[wire(like = LOG_GROUP_NAME)]
    pub log_group_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
#[wire(camel)]
pub struct ListTagsLogGroupOutput {
    pub tags: Option<BTreeMap<String, String>>,
}
