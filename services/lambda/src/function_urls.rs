// SPDX-License-Identifier: Apache-2.0
//! Function URLs, of a function or of one of its aliases.
//!
//! What is asked there is answered in `url.rs`. The URL of an alias outlives the alias, as on AWS.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::{Function, Key};
use crate::page::{Marker, Page};
use crate::records::Part;
use crate::service::Service;
use crate::version::Number;
use api::lambda;
use lambda::{Cors, FunctionUrlAuthType, FunctionUrlConfig, InvokeMode};
use names::Qualifier;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::{Context, Timestamp};

/// A function URL, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionUrl {
    /// The first label of its host name.
    pub(crate) id: String,
    pub(crate) auth_type: FunctionUrlAuthType,
    pub(crate) cors: Option<Cors>,
    pub(crate) invoke_mode: InvokeMode,
    created_ms: i64,
    modified_ms: i64,
}

impl FunctionUrl {
    /// Where it is served: names below `localhost` lead to this machine.
    fn url(&self, cx: &Context) -> String {
        let port = cx.endpoint.rsplit_once(':').map_or("80", |(_, port)| port);
        format!("http://{}.lambda-url.{}.localhost:{port}/", self.id, cx.region)
    }

    fn view(&self, cx: &Context, key: &Key, qualifier: &str) -> FunctionUrlConfig {
        FunctionUrlConfig {
            function_url: self.url(cx),
            function_arn: arn(key, qualifier),
            creation_time: time(self.created_ms),
            last_modified_time: time(self.modified_ms),
            cors: self.cors.clone(),
            auth_type: self.auth_type,
            invoke_mode: Some(self.invoke_mode),
        }
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn create_url(
        &self,
        cx: &Context,
        input: lambda::CreateFunctionUrlConfigInput,
    ) -> Result<lambda::CreateFunctionUrlConfigOutput, Error> {
        let name = (&*input.function_name, input.qualifier.as_deref());
        let address = Address::parse(cx, "CreateFunctionUrlConfig", name.0, name.1)?;
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(no_function)?;
        current.find(address.qualifier.as_ref()).ok_or_else(no_function)?;
        current.check_without_tenants("Function URLs are")?;
        let (key, qualifier) = (&address.key, qualifier(&address));
        if current.urls.contains_key(&qualifier) {
            let arn = arn(key, &qualifier);
            return Err(Error::Conflict(format!(
                "Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists for this Lambda function"
            )));
        }
        let now = (self.options.clock)().epoch_ms();
        let url = FunctionUrl {
            id: uuid::Uuid::new_v4().simple().to_string(),
            auth_type: input.auth_type,
            cors: input.cors.clone(),
            invoke_mode: input.invoke_mode.unwrap_or(InvokeMode::Buffered),
            created_ms: now,
            modified_ms: now,
        };
        let answer = lambda::CreateFunctionUrlConfigOutput {
            function_url: url.url(cx),
            function_arn: arn(key, &qualifier),
            auth_type: input.auth_type,
            cors: input.cors,
            creation_time: time(now),
            // Only if it was asked for: so AWS answers.
            invoke_mode: input.invoke_mode,
        };
        let mut changed = Function::clone(&current);
        changed.urls.insert(qualifier.clone(), Arc::new(url));
        self.records.save(&changed, [Part::Url(qualifier)]).await?;
        self.table.put(&lock, changed);
        Ok(answer)
    }

    pub(crate) fn get_url(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig, Error> {
        let name = (&*input.function_name, input.qualifier.as_deref());
        let address = Address::parse(cx, "GetFunctionUrlConfig", name.0, name.1)?;
        let function = self.table.get(&address.key).ok_or_else(Error::nothing_there)?;
        let qualifier = qualifier(&address);
        let url = function.urls.get(&qualifier).ok_or_else(Error::nothing_there)?;
        Ok(url.view(cx, &address.key, &qualifier))
    }

    pub(crate) fn list_urls(
        &self,
        cx: &Context,
        input: &lambda::ListFunctionUrlConfigsInput,
    ) -> Result<lambda::ListFunctionUrlConfigsOutput, Error> {
        let key = Address::parse(cx, "ListFunctionUrlConfigs", &input.function_name, None)?.key;
        let function = self.table.get(&key).ok_or_else(no_function)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        // The break is the page being full, which the page itself remembers.
        let _ = function.urls.iter().try_for_each(|(qualifier, url)| {
            let marker = Marker { name: qualifier.clone(), number: Number::Latest };
            page.add(marker, || url.view(cx, &key, qualifier))
        });
        let (next_marker, function_url_configs) = page.finish();
        Ok(lambda::ListFunctionUrlConfigsOutput { function_url_configs, next_marker })
    }

    pub(crate) async fn update_url(
        &self,
        cx: &Context,
        input: lambda::UpdateFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig, Error> {
        let name = (&*input.function_name, input.qualifier.as_deref());
        let address = Address::parse(cx, "UpdateFunctionUrlConfig", name.0, name.1)?;
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(no_function)?;
        current.find(address.qualifier.as_ref()).ok_or_else(no_function)?;
        let qualifier = qualifier(&address);
        let url = current.urls.get(&qualifier).ok_or_else(Error::nothing_there)?;
        let url = FunctionUrl {
            auth_type: input.auth_type.unwrap_or(url.auth_type),
            cors: input.cors.or_else(|| url.cors.clone()),
            invoke_mode: input.invoke_mode.unwrap_or(url.invoke_mode),
            modified_ms: (self.options.clock)().epoch_ms(),
            ..FunctionUrl::clone(url)
        };
        let answer = FunctionUrlConfig {
            // Only if it was asked for: so AWS answers.
            invoke_mode: input.invoke_mode,
            ..url.view(cx, &address.key, &qualifier)
        };
        let mut changed = Function::clone(&current);
        changed.urls.insert(qualifier.clone(), Arc::new(url));
        self.records.save(&changed, [Part::Url(qualifier)]).await?;
        self.table.put(&lock, changed);
        Ok(answer)
    }

    pub(crate) async fn delete_url(
        &self,
        cx: &Context,
        input: lambda::DeleteFunctionUrlConfigInput,
    ) -> Result<(), Error> {
        let name = (&*input.function_name, input.qualifier.as_deref());
        let address = Address::parse(cx, "DeleteFunctionUrlConfig", name.0, name.1)?;
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(Error::nothing_there)?;
        let qualifier = qualifier(&address);
        let mut changed = Function::clone(&current);
        changed.urls.remove(&qualifier).ok_or_else(Error::nothing_there)?;
        self.records.save(&changed, [Part::Url(qualifier)]).await?;
        self.table.put(&lock, changed);
        Ok(())
    }
}

/// The front layer lets an alias through, or nothing, which is `$LATEST`.
fn qualifier(address: &Address) -> String {
    address.qualifier.as_ref().unwrap_or(&Qualifier::Latest).to_string()
}

/// A function's own URL is named after the function, without `$LATEST`.
fn arn(key: &Key, qualifier: &str) -> String {
    if qualifier == "$LATEST" { key.arn() } else { key.qualified_arn(qualifier) }
}

fn time(epoch_ms: i64) -> String {
    Timestamp::from_epoch_ms(epoch_ms).iso_micro_text()
}

fn no_function() -> Error {
    Error::NotFound("Function does not exist".to_owned())
}
