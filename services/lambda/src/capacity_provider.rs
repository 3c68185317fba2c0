// SPDX-License-Identifier: Apache-2.0
//! Capacity providers: what environments that run several invocations at once stand on.
//!
//! On AWS a capacity provider is a fleet of instances. Here it is a share of this machine: its `MaxVCpuCount` limits what
//! the environments of its functions have together. What describes instances (subnets, security groups, the role that
//! manages them) is kept where AWS requires it and refused where it does not.

use crate::Invoke;
use crate::error::Error;
use crate::page::{Marker, Page};
use crate::refuse::host_architecture;
use crate::registry::Place;
use crate::service::Service;
use crate::validate;
use crate::version::Number;
use crate::view;
use api::lambda;
use lambda::{
    CapacityProviderScalingConfig, CapacityProviderScalingMode, CapacityProviderState,
    CapacityProviderVpcConfig, PropagateTagsMode,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::{Context, Timestamp};

/// What AWS gives a provider that says nothing of it.
const VCPUS_MAX_DEFAULT: u32 = 400;
const NAME_LENGTH_MAX: usize = 64;

/// A capacity provider, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CapacityProvider {
    /// Stored only.
    vpc: CapacityProviderVpcConfig,
    /// Stored only.
    operator_role: String,
    pub(crate) vcpus_max: u32,
    modified_ms: i64,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Which capacity provider a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderKey {
    pub(crate) place: Place,
    pub(crate) name: String,
}

impl ProviderKey {
    pub(crate) fn arn(&self) -> String {
        let Place { account, region } = &self.place;
        format!("arn:aws:lambda:{region}:{account}:capacity-provider:{}", self.name)
    }

    /// Reads a name or an ARN. The front layer compared it with AWS's pattern.
    pub(crate) fn parse(cx: &Context, operation: &'static str, text: &str) -> Result<Self, Error> {
        let key = |name: &str| Self { place: Place::of(cx), name: name.to_owned() };
        let Some((_, rest)) = text.split_once(":lambda:") else {
            if text.len() > NAME_LENGTH_MAX {
                return Err(Error::Constraint {
                    value: text.to_owned(),
                    at: "capacityProviderName",
                    rule: format!(
                        "Member must have length less than or equal to {NAME_LENGTH_MAX}"
                    ),
                });
            }
            return Ok(key(text));
        };
        let mut parts = rest.split(':');
        let (region, account) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if account != cx.account.as_str() {
            let (caller, resource) = (cx.caller.arn.clone(), text.to_owned());
            return Err(Error::OtherAccount { caller, operation, resource });
        }
        if region != cx.region.as_str() {
            return Err(missing(text));
        }
        Ok(key(parts.nth(1).unwrap_or_default()))
    }

    pub(crate) fn missing(&self) -> Error {
        missing(&self.arn())
    }
}

fn missing(arn: &str) -> Error {
    Error::NotFound(format!("Capacity provider not found: {arn}"))
}

impl CapacityProvider {
    /// As it is answered. What it stands for is this machine, which is there: it is `Active` once it is kept.
    fn view(&self, key: &ProviderKey, state: CapacityProviderState) -> lambda::CapacityProvider {
        lambda::CapacityProvider {
            capacity_provider_arn: key.arn(),
            state,
            vpc_config: self.vpc.clone(),
            permissions_config: lambda::CapacityProviderPermissionsConfig {
                capacity_provider_operator_role_arn: self.operator_role.clone(),
            },
            instance_requirements: Some(lambda::InstanceRequirements {
                architectures: Some(vec![host_architecture()]),
                ..lambda::InstanceRequirements::default()
            }),
            capacity_provider_scaling_config: Some(CapacityProviderScalingConfig {
                max_v_cpu_count: i32::try_from(self.vcpus_max).ok(),
                scaling_mode: Some(CapacityProviderScalingMode::Auto),
                scaling_policies: None,
            }),
            kms_key_arn: None,
            last_modified: Some(Timestamp::from_epoch_ms(self.modified_ms).lambda_text()),
            propagate_tags: None,
            telemetry_config: None,
        }
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn create_provider(
        &self,
        cx: &Context,
        input: lambda::CreateCapacityProviderInput,
    ) -> Result<lambda::CreateCapacityProviderOutput, Error> {
        let key = ProviderKey::parse(cx, "CreateCapacityProvider", &input.capacity_provider_name)?;
        check_instances(input.instance_requirements.as_ref())?;
        check_rest(
            input.kms_key_arn.as_deref(),
            input.propagate_tags.as_ref(),
            input.telemetry_config.as_ref(),
        )?;
        let scaling = input.capacity_provider_scaling_config.as_ref();
        let vcpus_max = vcpus_max(scaling)?.unwrap_or(VCPUS_MAX_DEFAULT);
        let tags = input.tags.unwrap_or_default();
        validate::check_tags(&tags)?;

        let lock = self.providers.lock().await;
        if self.providers.get(&key.place, &key.name).is_some() {
            let text = format!("Capacity provider already exists: {}", key.arn());
            return Err(Error::Conflict(text));
        }
        let max = self.options.capacity_providers_max;
        if self.providers.count(&key.place) >= max {
            return Err(Error::TooManyProviders { max });
        }
        let provider = CapacityProvider {
            vpc: input.vpc_config,
            operator_role: input.permissions_config.capacity_provider_operator_role_arn,
            vcpus_max,
            modified_ms: (self.options.clock)().epoch_ms(),
            tags,
        };
        let provider = self.providers.put(&lock, &key.place, &key.name, provider).await?;
        let capacity_provider = provider.view(&key, CapacityProviderState::Pending);
        Ok(lambda::CreateCapacityProviderOutput { capacity_provider })
    }

    pub(crate) fn get_provider(
        &self,
        cx: &Context,
        input: &lambda::GetCapacityProviderInput,
    ) -> Result<lambda::GetCapacityProviderOutput, Error> {
        let (key, provider) =
            self.find_provider(cx, "GetCapacityProvider", &input.capacity_provider_name)?;
        let capacity_provider = provider.view(&key, CapacityProviderState::Active);
        Ok(lambda::GetCapacityProviderOutput { capacity_provider })
    }

    pub(crate) fn list_providers(
        &self,
        cx: &Context,
        input: &lambda::ListCapacityProvidersInput,
    ) -> Result<lambda::ListCapacityProvidersOutput, Error> {
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let (place, from) = (Place::of(cx), page.from());
        let is_asked_for = input.state.is_none_or(|state| state == CapacityProviderState::Active);
        self.providers.visit(&place, &from, |name, provider| {
            if !is_asked_for {
                return ControlFlow::Break(());
            }
            let marker = Marker { name: name.to_owned(), number: Number::Latest };
            let key = ProviderKey { place: place.clone(), name: name.to_owned() };
            page.add(marker, || provider.view(&key, CapacityProviderState::Active))
        });
        let (next_marker, capacity_providers) = page.finish();
        Ok(lambda::ListCapacityProvidersOutput { capacity_providers, next_marker })
    }

    pub(crate) async fn update_provider(
        &self,
        cx: &Context,
        input: lambda::UpdateCapacityProviderInput,
    ) -> Result<lambda::UpdateCapacityProviderOutput, Error> {
        check_rest(None, input.propagate_tags.as_ref(), input.telemetry_config.as_ref())?;
        let changed = vcpus_max(input.capacity_provider_scaling_config.as_ref())?;
        let lock = self.providers.lock().await;
        let (key, provider) =
            self.find_provider(cx, "UpdateCapacityProvider", &input.capacity_provider_name)?;
        let mut provider = CapacityProvider::clone(&provider);
        provider.vcpus_max = changed.unwrap_or(provider.vcpus_max);
        provider.modified_ms = (self.options.clock)().epoch_ms();
        let provider = self.providers.put(&lock, &key.place, &key.name, provider).await?;
        self.limit_provider(&key.arn(), &provider);
        let capacity_provider = provider.view(&key, CapacityProviderState::Active);
        Ok(lambda::UpdateCapacityProviderOutput { capacity_provider })
    }

    pub(crate) async fn delete_provider(
        &self,
        cx: &Context,
        input: lambda::DeleteCapacityProviderInput,
    ) -> Result<lambda::DeleteCapacityProviderOutput, Error> {
        let lock = self.providers.lock().await;
        let (key, provider) =
            self.find_provider(cx, "DeleteCapacityProvider", &input.capacity_provider_name)?;
        self.check_unused(cx, &key)?;
        self.providers.remove(&lock, &key.place, &key.name).await?;
        self.invoker.limit_provider(&key.arn(), 0);
        let capacity_provider = provider.view(&key, CapacityProviderState::Deleting);
        Ok(lambda::DeleteCapacityProviderOutput { capacity_provider })
    }

    pub(crate) fn list_provided_versions(
        &self,
        cx: &Context,
        input: &lambda::ListFunctionVersionsByCapacityProviderInput,
    ) -> Result<lambda::ListFunctionVersionsByCapacityProviderOutput, Error> {
        let operation = "ListFunctionVersionsByCapacityProvider";
        let (key, _) = self.find_provider(cx, operation, &input.capacity_provider_name)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let from = page.from();
        self.visit_versions_on(cx, &key, &from, |function, version| {
            let marker = Marker { name: function.name.to_string(), number: version.number };
            page.add(marker, || lambda::FunctionVersionsByCapacityProviderListItem {
                function_arn: function.qualified_arn(version.number),
                state: view::state(version),
            })
        });
        let (next_marker, function_versions) = page.finish();
        Ok(lambda::ListFunctionVersionsByCapacityProviderOutput {
            capacity_provider_arn: key.arn(),
            function_versions,
            next_marker,
        })
    }

    pub(crate) fn find_provider(
        &self,
        cx: &Context,
        operation: &'static str,
        text: &str,
    ) -> Result<(ProviderKey, Arc<CapacityProvider>), Error> {
        let key = ProviderKey::parse(cx, operation, text)?;
        let provider = self.providers.get(&key.place, &key.name).ok_or_else(|| key.missing())?;
        Ok((key, provider))
    }
}

/// Instances are what this machine is.
fn check_instances(required: Option<&lambda::InstanceRequirements>) -> Result<(), Error> {
    let Some(required) = required else { return Ok(()) };
    if let Some([architecture]) = required.architectures.as_deref()
        && *architecture != host_architecture()
    {
        return unsupported(
            "This value of InstanceRequirements.Architectures",
            "this machine is of another",
        );
    }
    let types = [&required.allowed_instance_types, &required.excluded_instance_types];
    if types.into_iter().flatten().any(|types| !types.is_empty()) {
        return unsupported("A choice of instance types", "environments run on this machine");
    }
    Ok(())
}

fn check_rest(
    kms_key_arn: Option<&str>,
    tags: Option<&lambda::PropagateTags>,
    telemetry: Option<&lambda::CapacityProviderTelemetryConfig>,
) -> Result<(), Error> {
    if kms_key_arn.is_some_and(|arn| !arn.is_empty()) {
        return unsupported("KmsKeyArn", "nothing is encrypted for a capacity provider");
    }
    let is_explicit = |tags: &lambda::PropagateTags| {
        tags.mode == Some(PropagateTagsMode::Explicit)
            || tags.explicit_tags.as_ref().is_some_and(|tags| !tags.is_empty())
    };
    if tags.is_some_and(is_explicit) {
        return unsupported("PropagateTags", "there are no instances to tag");
    }
    if telemetry.is_some_and(|telemetry| telemetry.logging_config.is_some()) {
        return unsupported("TelemetryConfig", "a capacity provider logs nothing of its own");
    }
    Ok(())
}

/// How many vCPUs the environments may have together, if that is said.
fn vcpus_max(scaling: Option<&CapacityProviderScalingConfig>) -> Result<Option<u32>, Error> {
    let Some(scaling) = scaling else { return Ok(None) };
    let has_policies = scaling.scaling_policies.is_some();
    if scaling.scaling_mode == Some(CapacityProviderScalingMode::Manual) || has_policies {
        unsupported(
            "ScalingMode=Manual",
            "environments are added by how many of their places for invocations are taken",
        )?;
    }
    Ok(scaling.max_v_cpu_count.and_then(|count| u32::try_from(count).ok()))
}

fn unsupported(member: &'static str, instead: &'static str) -> Result<(), Error> {
    Err(Error::Unsupported { member, instead })
}
