// SPDX-License-Identifier: Apache-2.0
//! Creating, reading, leading elsewhere and deleting aliases.

use crate::Invoke;
use crate::address::Address;
use crate::alias::{Additional, Alias};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::page::{Marker, Page};
use crate::provisioned;
use crate::records::Part;
use crate::service::Service;
use crate::version::Number;
use api::lambda;
use std::sync::Arc;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) async fn create_alias(
        &self,
        cx: &Context,
        input: lambda::CreateAliasInput,
    ) -> Result<lambda::AliasConfiguration, Error> {
        let key = Address::parse(cx, "CreateAlias", &input.function_name, None)?.function_only()?;
        let lock = self.table.lock(&key).await;
        let not_found =
            || Error::FunctionNotFound { arn: key.qualified_arn(&input.function_version) };
        let current = self.table.get(&key).ok_or_else(not_found)?;
        let alias = Alias {
            version: version_of(&current, &input.function_version)?,
            additional: None,
            description: input.description.unwrap_or_default(),
            revision_id: uuid::Uuid::new_v4().to_string(),
            policy: None,
        };
        let alias = routed(&current, alias, input.routing_config)?;
        if current.aliases.contains_key(&input.name) {
            return Err(Error::AliasExists { arn: key.qualified_arn(&input.name) });
        }
        if current.aliases.len() >= self.options.aliases_max {
            return Err(Error::TooManyAliases { max: self.options.aliases_max });
        }

        let answer = view(&key, &input.name, &alias);
        let changed = current.with_alias(&input.name, Some(alias));
        self.records.save(&changed, [Part::Alias(input.name)]).await?;
        self.table.put(&lock, changed);
        Ok(answer)
    }

    pub(crate) async fn update_alias(
        &self,
        cx: &Context,
        input: lambda::UpdateAliasInput,
    ) -> Result<lambda::AliasConfiguration, Error> {
        let key = Address::parse(cx, "UpdateAlias", &input.function_name, None)?.function_only()?;
        let lock = self.table.lock(&key).await;
        let (current, alias) = self.alias(&key, &input.name)?;
        if input.revision_id.is_some_and(|revision_id| revision_id != alias.revision_id) {
            return Err(Error::RevisionMismatch);
        }
        let mut alias = (*alias).clone();
        if let Some(version) = &input.function_version {
            alias.version = version_of(&current, version)?;
        }
        if let Some(description) = input.description {
            alias.description = description;
        }
        alias.revision_id = uuid::Uuid::new_v4().to_string();
        let alias = match input.routing_config {
            Some(routing) => routed(&current, alias, Some(routing))?,
            None => checked(alias)?,
        };

        provisioned::check_alias(&current, &input.name, &alias)?;

        let answer = view(&key, &input.name, &alias);
        let changed = current.with_alias(&input.name, Some(alias));
        let is_provisioned = changed.provisioned.contains_key(&input.name);
        self.records.save(&changed, [Part::Alias(input.name)]).await?;
        let changed = self.table.put(&lock, changed);
        if is_provisioned {
            self.provision(&changed);
        }
        Ok(answer)
    }

    /// An alias that is not there is deleted already.
    pub(crate) async fn delete_alias(
        &self,
        cx: &Context,
        input: lambda::DeleteAliasInput,
    ) -> Result<(), Error> {
        let key = Address::parse(cx, "DeleteAlias", &input.function_name, None)?.function_only()?;
        let lock = self.table.lock(&key).await;
        let current = self.table.get(&key);
        if let Some(current) = current.filter(|current| current.aliases.contains_key(&input.name)) {
            let was_provisioned = current.provisioned.contains_key(&input.name);
            let mut changed = current.with_alias(&input.name, None);
            changed.event_invoke.remove(&input.name);
            let parts = [Part::Alias(input.name.clone()), Part::EventInvoke(input.name)];
            self.records.save(&changed, parts).await?;
            let changed = self.table.put(&lock, changed);
            if was_provisioned {
                self.provision(&changed);
            }
        }
        Ok(())
    }

    pub(crate) fn get_alias(
        &self,
        cx: &Context,
        input: &lambda::GetAliasInput,
    ) -> Result<lambda::AliasConfiguration, Error> {
        let key = Address::parse(cx, "GetAlias", &input.function_name, None)?.function_only()?;
        let (_, alias) = self.alias(&key, &input.name)?;
        Ok(view(&key, &input.name, &alias))
    }

    pub(crate) fn list_aliases(
        &self,
        cx: &Context,
        input: &lambda::ListAliasesInput,
    ) -> Result<lambda::ListAliasesOutput, Error> {
        let key = Address::parse(cx, "ListAliases", &input.function_name, None)?.function_only()?;
        let function =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        // `Some(None)` for a number that no version can have.
        let version = input.function_version.as_deref().map(|text| text.parse::<Number>().ok());
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let is_asked_for = |alias: &Alias| {
            version.is_none_or(|version| version.is_some_and(|version| alias.leads_to(version)))
        };
        // The break is the page being full, which the page itself remembers.
        let _ = function.aliases.iter().filter(|(_, alias)| is_asked_for(alias)).try_for_each(
            |(name, alias)| {
                let marker = Marker { name: name.clone(), number: Number::Latest };
                page.add(marker, || view(&key, name, alias))
            },
        );
        let (next_marker, aliases) = page.finish();
        Ok(lambda::ListAliasesOutput { next_marker, aliases })
    }

    fn alias(&self, key: &Key, name: &str) -> Result<(Arc<Function>, Arc<Alias>), Error> {
        let function = self.table.get(key);
        let alias = function.as_ref().and_then(|function| function.aliases.get(name)).cloned();
        let found = function.zip(alias);
        found.ok_or_else(|| Error::AliasNotFound { arn: key.qualified_arn(name) })
    }
}

/// The version of that number, which must be there.
fn version_of(function: &Function, text: &str) -> Result<Number, Error> {
    text.parse()
        .ok()
        .filter(|number| function.version(*number).is_some())
        .ok_or_else(|| Error::FunctionNotFound { arn: function.key.qualified_arn(text) })
}

/// The alias with this routing instead of its own. No weights are none.
fn routed(
    function: &Function,
    mut alias: Alias,
    routing: Option<lambda::AliasRoutingConfiguration>,
) -> Result<Alias, Error> {
    let weights = routing.and_then(|routing| routing.additional_version_weights);
    let weights = weights.unwrap_or_default();
    if weights.len() > 1 {
        let text = "Number of items in AdditionalVersionWeights cannot be greater than 1";
        return Err(Error::InvalidParameter(text.to_owned()));
    }
    alias.additional = None;
    if let Some((text, weight)) = weights.into_iter().next()
        && let Number::Published(version) = version_of(function, &text)?
    {
        alias.additional = Some(Additional { version, weight });
    }
    checked(alias)
}

/// Of two versions neither is `$LATEST`, and they are not the same.
fn checked(alias: Alias) -> Result<Alias, Error> {
    let Some(additional) = alias.additional else { return Ok(alias) };
    match alias.version {
        Number::Latest | Number::LatestPublished => Err(Error::InvalidParameter(
            "$LATEST is not supported for an alias pointing to more than 1 version".to_owned(),
        )),
        Number::Published(number) if number == additional.version => {
            Err(Error::InvalidParameter(format!(
                "Invalid function version {number}. Function version {number} is already included in routing configuration."
            )))
        }
        Number::Published(_) => Ok(alias),
    }
}

fn view(key: &Key, name: &str, alias: &Alias) -> lambda::AliasConfiguration {
    lambda::AliasConfiguration {
        alias_arn: key.qualified_arn(name),
        name: name.to_owned(),
        function_version: alias.version.to_string(),
        description: alias.description.clone(),
        routing_config: alias.additional.map(|additional| lambda::AliasRoutingConfiguration {
            additional_version_weights: Some(
                [(additional.version.to_string(), additional.weight)].into(),
            ),
        }),
        revision_id: alias.revision_id.clone(),
    }
}
