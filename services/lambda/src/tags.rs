// SPDX-License-Identifier: Apache-2.0
//! Tags: of functions, never of their versions.

use crate::address::Address;
use crate::error::Error;
use crate::function::{Function, Key};
use crate::service::Service;
use crate::version::Number;
use crate::{Invoke, validate};
use api::lambda;
use std::collections::BTreeMap;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) fn list_tags(
        &self,
        cx: &Context,
        input: &lambda::ListTagsInput,
    ) -> Result<lambda::ListTagsOutput, Error> {
        let key = tagged(cx, "ListTags", &input.resource)?;
        let function =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        Ok(lambda::ListTagsOutput { tags: Some(function.tags.clone()) })
    }

    pub(crate) async fn tag(
        &self,
        cx: &Context,
        input: lambda::TagResourceInput,
    ) -> Result<(), Error> {
        let key = tagged(cx, "TagResource", &input.resource)?;
        self.change_tags(key, |tags| {
            tags.extend(input.tags);
            validate::check_tags(tags)
        })
        .await
    }

    pub(crate) async fn untag(
        &self,
        cx: &Context,
        input: lambda::UntagResourceInput,
    ) -> Result<(), Error> {
        let key = tagged(cx, "UntagResource", &input.resource)?;
        self.change_tags(key, |tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        })
        .await
    }

    /// A change of tags is a change of `$LATEST` to those who compare revisions, and no new deployment.
    async fn change_tags(
        &self,
        key: Key,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let lock = self.table.lock(&key).await;
        let current =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let mut tags = current.tags.clone();
        change(&mut tags)?;
        let mut record = current.latest.record.clone();
        record.revise();
        let changed =
            Function { tags, latest: current.latest.with_record(record), ..(*current).clone() };
        self.records.save(&changed, &[Number::Latest]).await?;
        self.table.put(&lock, changed);
        Ok(())
    }
}

/// The function that `resource` is the ARN of.
fn tagged(cx: &Context, operation: &'static str, resource: &str) -> Result<Key, Error> {
    let is_function = resource.split(':').nth(5) == Some("function");
    if !is_function {
        return Err(Error::Unsupported {
            member: "A tag on this kind of resource",
            instead: "functions have tags",
        });
    }
    let address = Address::parse(cx, operation, resource, None)?;
    if address.qualifier.is_some() { Err(Error::TagsOnVersion) } else { Ok(address.key) }
}
