// SPDX-License-Identifier: Apache-2.0
//! Code signing configurations, which function has which, and what follows for code that is deployed.
//!
//! This build knows no signer, so no package is one that an allowed publisher signed: a function whose configuration
//! says `Enforce` takes no code and no layers, one whose configuration says `Warn` takes them with a warning in the log.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::{Function, Key};
use crate::page::{Marker, Page};
use crate::records::NO_PARTS;
use crate::registry::{Place, RegistryLock};
use crate::service::Service;
use crate::validate;
use crate::version::Number;
use api::lambda;
use lambda::{AllowedPublishers, CodeSigningPolicies, CodeSigningPolicy};
use meter::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::{Context, Timestamp};

const ID_RANDOM: usize = 17;

/// A code signing configuration, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodeSigningConfig {
    description: Option<String>,
    publishers: AllowedPublishers,
    policy: CodeSigningPolicy,
    modified_ms: i64,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Which configuration a request means.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pub(crate) place: Place,
    pub(crate) id: String,
}

impl SigningKey {
    fn arn(&self) -> String {
        let Place { account, region } = &self.place;
        format!("arn:aws:lambda:{region}:{account}:code-signing-config:{}", self.id)
    }

    /// Reads an ARN. The front layer compared it with AWS's pattern.
    pub(crate) fn parse(cx: &Context, operation: &'static str, arn: &str) -> Result<Self, Error> {
        let mut parts = arn.split(':').skip(3);
        let (region, account) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if account != cx.account.as_str() {
            let (caller, resource) = (cx.caller.arn.clone(), arn.to_owned());
            return Err(Error::OtherAccount { caller, operation, resource });
        }
        let id = parts.nth(1).unwrap_or_default().to_owned();
        let key = Self { place: Place::of(cx), id };
        if region == cx.region.as_str() { Ok(key) } else { Err(missing(arn)) }
    }
}

impl CodeSigningConfig {
    fn view(&self, key: &SigningKey) -> lambda::CodeSigningConfig {
        lambda::CodeSigningConfig {
            code_signing_config_id: key.id.clone(),
            code_signing_config_arn: key.arn(),
            description: self.description.clone(),
            allowed_publishers: self.publishers.clone(),
            code_signing_policies: CodeSigningPolicies {
                untrusted_artifact_on_deployment: Some(self.policy),
            },
            last_modified: Timestamp::from_epoch_ms(self.modified_ms).lambda_text(),
        }
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn create_signing(
        &self,
        cx: &Context,
        input: lambda::CreateCodeSigningConfigInput,
    ) -> Result<lambda::CreateCodeSigningConfigOutput, Error> {
        let tags = input.tags.unwrap_or_default();
        validate::check_tags(&tags)?;
        let place = Place::of(cx);
        let lock = self.signing.lock().await;
        let max = self.options.signing_configs_max;
        if self.signing.count(&place) >= max {
            return Err(Error::TooMany { what: "code signing configurations", max });
        }
        let random = uuid::Uuid::new_v4().simple().to_string();
        let id = format!("csc-{}", random.get(..ID_RANDOM).unwrap_or_default());
        let config = CodeSigningConfig {
            description: input.description,
            publishers: input.allowed_publishers,
            policy: policy(input.code_signing_policies).unwrap_or(CodeSigningPolicy::Warn),
            modified_ms: (self.options.clock)().epoch_ms(),
            tags,
        };
        let key = SigningKey { place, id };
        let config = self.signing.put(&lock, &key.place, &key.id, config).await?;
        Ok(lambda::CreateCodeSigningConfigOutput { code_signing_config: config.view(&key) })
    }

    pub(crate) fn get_signing(
        &self,
        cx: &Context,
        input: &lambda::GetCodeSigningConfigInput,
    ) -> Result<lambda::GetCodeSigningConfigOutput, Error> {
        let (key, config) =
            self.find_signing(cx, "GetCodeSigningConfig", &input.code_signing_config_arn)?;
        Ok(lambda::GetCodeSigningConfigOutput { code_signing_config: config.view(&key) })
    }

    pub(crate) fn list_signing(
        &self,
        cx: &Context,
        input: &lambda::ListCodeSigningConfigsInput,
    ) -> Result<lambda::ListCodeSigningConfigsOutput, Error> {
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let place = Place::of(cx);
        let from = page.from();
        self.signing.visit(&place, &from, |id, config| {
            let marker = Marker { name: id.to_owned(), number: Number::Latest };
            let key = SigningKey { place: place.clone(), id: id.to_owned() };
            page.add(marker, || config.view(&key))
        });
        let (next_marker, code_signing_configs) = page.finish();
        Ok(lambda::ListCodeSigningConfigsOutput { next_marker, code_signing_configs })
    }

    pub(crate) async fn update_signing(
        &self,
        cx: &Context,
        input: lambda::UpdateCodeSigningConfigInput,
    ) -> Result<lambda::UpdateCodeSigningConfigOutput, Error> {
        let lock = self.signing.lock().await;
        let (key, config) =
            self.find_signing(cx, "UpdateCodeSigningConfig", &input.code_signing_config_arn)?;
        let mut config = CodeSigningConfig::clone(&config);
        config.description = input.description.or(config.description);
        config.publishers = input.allowed_publishers.unwrap_or(config.publishers);
        config.policy = policy(input.code_signing_policies).unwrap_or(config.policy);
        config.modified_ms = (self.options.clock)().epoch_ms();
        let config = self.signing.put(&lock, &key.place, &key.id, config).await?;
        Ok(lambda::UpdateCodeSigningConfigOutput { code_signing_config: config.view(&key) })
    }

    pub(crate) async fn delete_signing(
        &self,
        cx: &Context,
        input: lambda::DeleteCodeSigningConfigInput,
    ) -> Result<(), Error> {
        let lock = self.signing.lock().await;
        let (key, _) =
            self.find_signing(cx, "DeleteCodeSigningConfig", &input.code_signing_config_arn)?;
        let mut is_used = false;
        self.table.visit(&cx.account, &cx.region, "", |function| {
            is_used = function.code_signing.as_ref() == Some(&key.id);
            if is_used { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if is_used {
            let text = "The code signing configuration is used by at least one function. Delete it from its functions first.";
            return Err(Error::Conflict(text.to_owned()));
        }
        self.signing.remove(&lock, &key.place, &key.id).await?;
        Ok(())
    }

    pub(crate) fn list_signed_functions(
        &self,
        cx: &Context,
        input: &lambda::ListFunctionsByCodeSigningConfigInput,
    ) -> Result<lambda::ListFunctionsByCodeSigningConfigOutput, Error> {
        let operation = "ListFunctionsByCodeSigningConfig";
        let (key, _) = self.find_signing(cx, operation, &input.code_signing_config_arn)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let from = page.from();
        self.table.visit(&cx.account, &cx.region, &from, |function| {
            if function.code_signing.as_ref() != Some(&key.id) {
                return ControlFlow::Continue(());
            }
            let name = function.key.name.to_string();
            page.add(Marker { name, number: Number::Latest }, || function.key.arn())
        });
        let (next_marker, function_arns) = page.finish();
        Ok(lambda::ListFunctionsByCodeSigningConfigOutput { next_marker, function_arns })
    }

    pub(crate) async fn put_function_signing(
        &self,
        cx: &Context,
        input: lambda::PutFunctionCodeSigningConfigInput,
    ) -> Result<lambda::PutFunctionCodeSigningConfigOutput, Error> {
        let operation = "PutFunctionCodeSigningConfig";
        let held = self.hold_signing(cx, operation, Some(&input.code_signing_config_arn)).await?;
        let key = Address::parse(cx, operation, &input.function_name, None)?.function_only()?;
        self.set_function_signing(&key, held.id).await?;
        Ok(lambda::PutFunctionCodeSigningConfigOutput {
            code_signing_config_arn: input.code_signing_config_arn,
            function_name: key.name.to_string(),
        })
    }

    /// Empty for a function that has none.
    pub(crate) fn get_function_signing(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionCodeSigningConfigInput,
    ) -> Result<lambda::GetFunctionCodeSigningConfigOutput, Error> {
        let found = self.find(cx, "GetFunctionCodeSigningConfig", &input.function_name, None)?;
        let Some(id) = found.function.code_signing.clone() else {
            return Ok(lambda::GetFunctionCodeSigningConfigOutput::default());
        };
        Ok(lambda::GetFunctionCodeSigningConfigOutput {
            code_signing_config_arn: Some(SigningKey { place: Place::of(cx), id }.arn()),
            function_name: Some(found.function.key.name.to_string()),
        })
    }

    pub(crate) async fn delete_function_signing(
        &self,
        cx: &Context,
        input: lambda::DeleteFunctionCodeSigningConfigInput,
    ) -> Result<(), Error> {
        let address =
            Address::parse(cx, "DeleteFunctionCodeSigningConfig", &input.function_name, None)?;
        self.set_function_signing(&address.function_only()?, None).await
    }

    /// The configuration with this ARN, which stays until what is answered is dropped. No ARN is none.
    pub(crate) async fn hold_signing(
        &self,
        cx: &Context,
        operation: &'static str,
        arn: Option<&str>,
    ) -> Result<HeldSigning<'_>, Error> {
        let Some(arn) = arn.filter(|arn| !arn.is_empty()) else {
            return Ok(HeldSigning { id: None, _lock: None });
        };
        let key = SigningKey::parse(cx, operation, arn)?;
        let lock = self.signing.lock().await;
        if self.signing.get(&key.place, &key.id).is_none() {
            return Err(Error::SigningConfigNotFound { arn: arn.to_owned() });
        }
        Ok(HeldSigning { id: Some(key.id), _lock: Some(lock) })
    }

    /// Whether code or layers that nobody signed may be deployed to a function with this configuration.
    pub(crate) fn check_signature(&self, key: &Key, signing: Option<&str>) -> Result<(), Error> {
        let Some(id) = signing else { return Ok(()) };
        let place = Place { account: key.account.clone(), region: key.region.clone() };
        let config = self.signing.get(&place, id);
        match config.map_or(CodeSigningPolicy::Enforce, |config| config.policy) {
            CodeSigningPolicy::Enforce => Err(Error::CodeNotVerified),
            CodeSigningPolicy::Warn => {
                tracing::warn!(function = %key.name, code_signing_config = id, "unsigned code deployed");
                self.note(key, None, Metric::SignatureValidationErrors);
                Ok(())
            }
        }
    }

    async fn set_function_signing(&self, key: &Key, id: Option<String>) -> Result<(), Error> {
        let lock = self.table.lock(key).await;
        let current =
            self.table.get(key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let changed = Function { code_signing: id, ..Function::clone(&current) };
        self.records.save(&changed, NO_PARTS).await?;
        self.table.put(&lock, changed);
        Ok(())
    }

    fn find_signing(
        &self,
        cx: &Context,
        operation: &'static str,
        arn: &str,
    ) -> Result<(SigningKey, Arc<CodeSigningConfig>), Error> {
        let key = SigningKey::parse(cx, operation, arn)?;
        match self.signing.get(&key.place, &key.id) {
            Some(config) => Ok((key, config)),
            None => Err(missing(arn)),
        }
    }
}

pub(crate) fn missing(arn: &str) -> Error {
    Error::NoSigningConfig { arn: arn.to_owned() }
}

/// A configuration that can not be deleted meanwhile, or none.
#[derive(Debug)]
pub(crate) struct HeldSigning<'a> {
    pub(crate) id: Option<String>,
    _lock: Option<RegistryLock<'a>>,
}

fn policy(policies: Option<CodeSigningPolicies>) -> Option<CodeSigningPolicy> {
    policies?.untrusted_artifact_on_deployment
}
