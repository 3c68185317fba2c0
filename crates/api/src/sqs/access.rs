// SPDX-License-Identifier: Apache-2.0
//! What the operations act on: a queue, by its ARN.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use wire::{Access, Context};

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

/// The queue at the end of a URL: `http://127.0.0.1:4566/000000000000/name`.
pub(super) fn queue(cx: &Context, url: &str) -> Access {
    let mut path = url.trim_end_matches('/').rsplit('/');
    let (name, account) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
    Access::to(format!("arn:aws:sqs:{}:{account}:{name}", cx.region))
}

pub(super) fn named(cx: &Context, name: &str, owner: &Option<String>) -> Access {
    let account = owner.as_deref().unwrap_or(cx.account.as_str());
    Access::to(format!("arn:aws:sqs:{}:{account}:{name}", cx.region))
}

pub(super) fn new_queue(
    cx: &Context,
    name: &str,
    tags: &Option<BTreeMap<String, String>>,
) -> Access {
    let access = named(cx, name, &None);
    let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) else { return access };
    let access = access.tags(pairs(tags));
    let tagging = access.clone();
    access.and("sqs:TagQueue", tagging)
}

pub(super) fn tagging(cx: &Context, url: &str, tags: &BTreeMap<String, String>) -> Access {
    queue(cx, url).tags(pairs(tags))
}

pub(super) fn untagging(cx: &Context, url: &str, keys: &[String]) -> Access {
    queue(cx, url).fact("aws:TagKeys", keys.iter().cloned())
}

pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

/// The source of the task that a handle is for.
pub(super) fn task(_: &Context, handle: &str) -> Access {
    #[derive(serde::Deserialize)]
    struct Handle {
        #[serde(rename = "sourceArn")]
        source_arn: String,
    }
    let handle = STANDARD.decode(handle).ok();
    let handle: Option<Handle> = handle.and_then(|handle| serde_json::from_slice(&handle).ok());
    Access::to(handle.map(|handle| handle.source_arn).unwrap_or_default())
}

fn pairs(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> + Clone {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}
