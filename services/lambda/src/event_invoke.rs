// SPDX-License-Identifier: Apache-2.0
//! How asynchronous invocations of a function, a version or an alias are retried and reported.
//!
//! What follows from it is in `asynchronous.rs` and `destinations.rs`, which look at it when an event runs.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::event_source_checks::is_destination;
use crate::function::Function;
use crate::page::{Marker, Page};
use crate::records::Part;
use crate::service::Service;
use crate::version::Number;
use api::lambda;
use lambda::{DestinationConfig, FunctionEventInvokeConfig, OnFailure, OnSuccess};
use names::Qualifier;
use std::sync::Arc;
use wire::Context;

/// Services that a success, and a failure, may be sent to.
const ON_SUCCESS: &[&str] = &["sqs", "sns", "lambda", "events"];
const ON_FAILURE: &[&str] = &["sqs", "sns", "lambda", "events", "s3"];

impl<I: Invoke> Service<I> {
    pub(crate) async fn put_event_invoke(
        &self,
        cx: &Context,
        input: lambda::PutFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig, Error> {
        let asked = Asked {
            retries: input.maximum_retry_attempts,
            age: input.maximum_event_age_in_seconds,
            destinations: input.destination_config,
        };
        let operation = "PutFunctionEventInvokeConfig";
        let address = address(cx, operation, &input.function_name, input.qualifier.as_deref())?;
        asked.check()?;
        self.change_event_invoke(cx, &address, asked, |_| {
            Ok(FunctionEventInvokeConfig {
                destination_config: Some(destinations(None, None)),
                ..FunctionEventInvokeConfig::default()
            })
        })
        .await
    }

    pub(crate) async fn update_event_invoke(
        &self,
        cx: &Context,
        input: lambda::UpdateFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig, Error> {
        let asked = Asked {
            retries: input.maximum_retry_attempts,
            age: input.maximum_event_age_in_seconds,
            destinations: input.destination_config,
        };
        let operation = "UpdateFunctionEventInvokeConfig";
        let address = address(cx, operation, &input.function_name, input.qualifier.as_deref())?;
        asked.check()?;
        self.change_event_invoke(cx, &address, asked, |current| {
            current.map(|current| (**current).clone()).ok_or_else(|| missing(&address))
        })
        .await
    }

    pub(crate) fn get_event_invoke(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig, Error> {
        let operation = "GetFunctionEventInvokeConfig";
        let address = address(cx, operation, &input.function_name, input.qualifier.as_deref())?;
        let function = self.table.get(&address.key).ok_or_else(|| missing(&address))?;
        let config = function.event_invoke.get(&qualifier(&address));
        config.map(|config| (**config).clone()).ok_or_else(|| missing(&address))
    }

    pub(crate) fn list_event_invoke(
        &self,
        cx: &Context,
        input: &lambda::ListFunctionEventInvokeConfigsInput,
    ) -> Result<lambda::ListFunctionEventInvokeConfigsOutput, Error> {
        let operation = "ListFunctionEventInvokeConfigs";
        let key = Address::parse(cx, operation, &input.function_name, None)?.key;
        let function = self.table.get(&key).ok_or_else(no_function)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        // The break is the page being full, which the page itself remembers.
        let _ = function.event_invoke.iter().try_for_each(|(qualifier, config)| {
            let marker = Marker { name: qualifier.clone(), number: Number::Latest };
            page.add(marker, || (**config).clone())
        });
        let (next_marker, function_event_invoke_configs) = page.finish();
        Ok(lambda::ListFunctionEventInvokeConfigsOutput {
            function_event_invoke_configs,
            next_marker,
        })
    }

    pub(crate) async fn delete_event_invoke(
        &self,
        cx: &Context,
        input: lambda::DeleteFunctionEventInvokeConfigInput,
    ) -> Result<(), Error> {
        let operation = "DeleteFunctionEventInvokeConfig";
        let address = address(cx, operation, &input.function_name, input.qualifier.as_deref())?;
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(|| missing(&address))?;
        let qualifier = qualifier(&address);
        let mut changed = Function::clone(&current);
        changed.event_invoke.remove(&qualifier).ok_or_else(|| missing(&address))?;
        self.records.save(&changed, [Part::EventInvoke(qualifier)]).await?;
        self.table.put(&lock, changed);
        Ok(())
    }

    /// Puts what was asked for over what `base` makes of the configuration that is there.
    async fn change_event_invoke(
        &self,
        cx: &Context,
        address: &Address,
        asked: Asked,
        base: impl FnOnce(
            Option<&Arc<FunctionEventInvokeConfig>>,
        ) -> Result<FunctionEventInvokeConfig, Error>,
    ) -> Result<FunctionEventInvokeConfig, Error> {
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(no_function)?;
        current.find(address.qualifier.as_ref()).ok_or_else(no_function)?;
        let qualifier = qualifier(address);
        let mut config = base(current.event_invoke.get(&qualifier))?;
        config.maximum_retry_attempts = asked.retries.or(config.maximum_retry_attempts);
        config.maximum_event_age_in_seconds = asked.age.or(config.maximum_event_age_in_seconds);
        if let Some(asked) = asked.destinations {
            let role = current.find(address.qualifier.as_ref());
            let role = role.unwrap_or(&current.latest);
            self.check_destinations(cx, address, &role.record.settings.role, &asked).await?;
            let DestinationConfig { on_success, on_failure } = asked;
            let kept = config.destination_config.take().unwrap_or_default();
            let on_success = on_success.or(kept.on_success);
            config.destination_config =
                Some(destinations(on_success, on_failure.or(kept.on_failure)));
        }
        config.function_arn = Some(address.key.qualified_arn(&qualifier));
        config.last_modified = Some((self.options.clock)());

        let mut changed = Function::clone(&current);
        changed.event_invoke.insert(qualifier.clone(), Arc::new(config.clone()));
        self.records.save(&changed, [Part::EventInvoke(qualifier)]).await?;
        self.table.put(&lock, changed);
        Ok(config)
    }

    async fn check_destinations(
        &self,
        cx: &Context,
        address: &Address,
        role: &str,
        asked: &DestinationConfig,
    ) -> Result<(), Error> {
        let success = asked.on_success.as_ref().and_then(|side| side.destination.as_deref());
        let failure = asked.on_failure.as_ref().and_then(|side| side.destination.as_deref());
        for (destination, services) in [(success, ON_SUCCESS), (failure, ON_FAILURE)] {
            let Some(arn) = destination.filter(|arn| !arn.is_empty()) else { continue };
            if !is_destination(arn, services) {
                return Err(invalid_destinations(asked));
            }
            if arn.split(':').nth(2) != Some("lambda") {
                self.check_target(&address.key, role, arn).await?;
                continue;
            }
            let invalid =
                || Error::InvalidParameter(format!("The destination ARN {arn} is invalid."));
            let target = Address::parse(cx, "PutFunctionEventInvokeConfig", arn, None)
                .map_err(|_| invalid())?;
            if target.key == address.key {
                let text = "You can't specify the function as a destination for itself.";
                return Err(Error::InvalidParameter(text.to_owned()));
            }
            let function = self.table.get(&target.key).ok_or_else(invalid)?;
            function.find(target.qualifier.as_ref()).ok_or_else(invalid)?;
            self.check_target(&address.key, role, arn).await?;
        }
        Ok(())
    }
}

/// What one request sets.
struct Asked {
    retries: Option<i32>,
    age: Option<i32>,
    destinations: Option<DestinationConfig>,
}

impl Asked {
    fn check(&self) -> Result<(), Error> {
        if self.retries.is_some() || self.age.is_some() || self.destinations.is_some() {
            return Ok(());
        }
        let text = "You must specify at least one of error handling or destination setting.";
        Err(Error::InvalidParameter(text.to_owned()))
    }
}

fn address(
    cx: &Context,
    operation: &'static str,
    name: &str,
    qualifier: Option<&str>,
) -> Result<Address, Error> {
    Address::parse(cx, operation, name, qualifier)
}

/// A function without a qualifier is its `$LATEST` here.
fn qualifier(address: &Address) -> String {
    address.qualifier.as_ref().unwrap_or(&Qualifier::Latest).to_string()
}

/// Both sides are there, also when they lead nowhere.
fn destinations(on_success: Option<OnSuccess>, on_failure: Option<OnFailure>) -> DestinationConfig {
    DestinationConfig {
        on_success: Some(on_success.unwrap_or_default()),
        on_failure: Some(on_failure.unwrap_or_default()),
    }
}

fn no_function() -> Error {
    Error::NotFound("The function doesn't exist.".to_owned())
}

fn missing(address: &Address) -> Error {
    let arn = address.key.qualified_arn(qualifier(address));
    Error::NotFound(format!("The function {arn} doesn't have an EventInvokeConfig"))
}

fn invalid_destinations(asked: &DestinationConfig) -> Error {
    let show = |kind: &str, side: Option<&Option<String>>| match side {
        Some(Some(arn)) => format!("{kind}(destination={arn})"),
        Some(None) => format!("{kind}(destination=null)"),
        None => "null".to_owned(),
    };
    let success = show("OnSuccess", asked.on_success.as_ref().map(|side| &side.destination));
    let failure = show("OnFailure", asked.on_failure.as_ref().map(|side| &side.destination));
    Error::InvalidParameter(format!(
        "The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid."
    ))
}
