// SPDX-License-Identifier: Apache-2.0
//! Tags of functions and of what else has an ARN here.

use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Input, Output};

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
