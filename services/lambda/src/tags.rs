// SPDX-License-Identifier: Apache-2.0
//! Tags: of functions, never of their versions, of event source mappings, of code signing configurations and of capacity
//! providers.

use crate::address::Address;
use crate::capacity_provider::{CapacityProvider, ProviderKey};
use crate::code_signing::{CodeSigningConfig, SigningKey};
use crate::error::Error;
use crate::event_source_mappings::Mapping;
use crate::function::{Function, Key};
use crate::registry::Place;
use crate::service::Service;
use crate::version::Number;
use crate::{Invoke, event_source_mappings, validate};
use api::lambda;
use std::collections::BTreeMap;
use wire::Context;

type Tags = BTreeMap<String, String>;

/// What has tags.
enum Tagged {
    Function(Key),
    Mapping(String),
    Signing(SigningKey),
    Provider(ProviderKey),
}

impl<I: Invoke> Service<I> {
    pub(crate) fn list_tags(
        &self,
        cx: &Context,
        input: &lambda::ListTagsInput,
    ) -> Result<lambda::ListTagsOutput, Error> {
        let tags = match tagged(cx, "ListTags", &input.resource)? {
            Tagged::Function(key) => self.table.get(&key).map(|function| function.tags.clone()),
            Tagged::Mapping(id) => {
                self.mappings.get(&Place::of(cx), &id).map(|mapping| mapping.tags.clone())
            }
            Tagged::Signing(key) => {
                self.signing.get(&key.place, &key.id).map(|config| config.tags.clone())
            }
            Tagged::Provider(key) => {
                self.providers.get(&key.place, &key.name).map(|provider| provider.tags.clone())
            }
        };
        let tags = tags.ok_or_else(|| missing(&input.resource))?;
        Ok(lambda::ListTagsOutput { tags: Some(tags) })
    }

    pub(crate) async fn tag(
        &self,
        cx: &Context,
        input: lambda::TagResourceInput,
    ) -> Result<(), Error> {
        if input.tags.is_empty() {
            let text = "An error occurred and the request cannot be processed.";
            return Err(Error::InvalidParameter(text.to_owned()));
        }
        self.change_tags(cx, "TagResource", &input.resource, |tags| {
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
        self.change_tags(cx, "UntagResource", &input.resource, |tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        })
        .await
    }

    async fn change_tags(
        &self,
        cx: &Context,
        operation: &'static str,
        resource: &str,
        change: impl FnOnce(&mut Tags) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match tagged(cx, operation, resource)? {
            Tagged::Function(key) => self.change_function_tags(key, change).await,
            Tagged::Mapping(id) => {
                let place = Place::of(cx);
                let lock = self.mappings.lock().await;
                let current = self.mappings.get(&place, &id).ok_or_else(|| missing(resource))?;
                let mut mapping = Mapping::clone(&current);
                change(&mut mapping.tags)?;
                self.mappings.put(&lock, &place, &id, mapping).await?;
                Ok(())
            }
            Tagged::Signing(SigningKey { place, id }) => {
                let lock = self.signing.lock().await;
                let current = self.signing.get(&place, &id).ok_or_else(|| missing(resource))?;
                let mut config = CodeSigningConfig::clone(&current);
                change(&mut config.tags)?;
                self.signing.put(&lock, &place, &id, config).await?;
                Ok(())
            }
            Tagged::Provider(ProviderKey { place, name }) => {
                let lock = self.providers.lock().await;
                let current = self.providers.get(&place, &name).ok_or_else(|| missing(resource))?;
                let mut provider = CapacityProvider::clone(&current);
                change(&mut provider.tags)?;
                self.providers.put(&lock, &place, &name, provider).await?;
                Ok(())
            }
        }
    }

    /// A change of tags is a change of `$LATEST` to those who compare revisions, and no new deployment.
    async fn change_function_tags(
        &self,
        key: Key,
        change: impl FnOnce(&mut Tags) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let lock = self.table.lock(&key).await;
        let current =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let mut tags = current.tags.clone();
        change(&mut tags)?;
        self.check_wish(&tags)?;
        let mut record = current.latest.record.clone();
        record.revise();
        let changed =
            Function { tags, latest: current.latest.with_record(record), ..(*current).clone() };
        self.records.save(&changed, &[Number::Latest]).await?;
        self.table.put(&lock, changed);
        Ok(())
    }
}

/// What `resource` is the ARN of.
fn tagged(cx: &Context, operation: &'static str, resource: &str) -> Result<Tagged, Error> {
    let mut parts = resource.split(':').skip(5);
    match (parts.next(), parts.next()) {
        (Some("function"), _) => {
            let address = Address::parse(cx, operation, resource, None)?;
            if address.qualifier.is_some() {
                return Err(Error::TagsOnVersion);
            }
            Ok(Tagged::Function(address.key))
        }
        (Some("event-source-mapping"), Some(id)) => {
            let id = id.to_ascii_lowercase();
            let is_here = event_source_mappings::arn(cx, &id).eq_ignore_ascii_case(resource);
            if is_here { Ok(Tagged::Mapping(id)) } else { Err(missing(resource)) }
        }
        (Some("code-signing-config"), Some(_)) => {
            SigningKey::parse(cx, operation, resource).map(Tagged::Signing)
        }
        (Some("capacity-provider"), Some(_)) => {
            ProviderKey::parse(cx, operation, resource).map(Tagged::Provider)
        }
        _ => Err(Error::Unsupported {
            member: "A tag on this kind of resource",
            instead: "functions, event source mappings, code signing configurations and capacity providers have them",
        }),
    }
}

/// As AWS says that a tagged resource is not there.
fn missing(resource: &str) -> Error {
    if resource.contains(":function:") {
        Error::FunctionNotFound { arn: resource.to_owned() }
    } else {
        Error::nothing_there()
    }
}
