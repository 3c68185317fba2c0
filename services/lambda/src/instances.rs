// SPDX-License-Identifier: Apache-2.0
//! Functions on capacity providers, AWS's Managed Instances: each environment runs several invocations at once.
//!
//! Their published versions have environments before the first event (`function_scaling.rs` says how many), and become
//! `Active` with them. `$LATEST` has none, and is not invoked.

use crate::Invoke;
use crate::capacity_provider::{CapacityProvider, ProviderKey};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::logging::LogFormat;
use crate::registry::RegistryLock;
use crate::service::Service;
use crate::settings::Settings;
use crate::version::{Failure, FailureCode, Number, State, Version};
use crate::view;
use ::invoke::{Managed, Shortage};
use api::lambda;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::Context;

pub(crate) const MEMORY_MB_MIN: u32 = 2_048;
pub(crate) const MEMORY_MB_MAX: i32 = 32_768;
const GIB_PER_VCPU_DEFAULT: u32 = 2;
/// Versions on one capacity provider.
const VERSIONS_MAX: usize = 100;

/// What a function says of its capacity provider. A record: see `settings.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CapacityUse {
    /// Its ARN.
    pub(crate) provider: String,
    max_concurrency: Option<u32>,
    gib_per_vcpu: u32,
}

/// How many invocations an environment runs at once for each of its vCPUs, unless the function says otherwise. `None`
/// where this build has no such environments.
fn concurrency_per_vcpu(runtime: &str) -> Option<u32> {
    match runtime {
        "python3.13" | "python3.14" => Some(16),
        "nodejs22.x" | "nodejs24.x" => Some(64),
        "java21" | "java25" => Some(32),
        // AWS's default was not checked.
        "provided.al2023" => Some(64),
        _ => None,
    }
}

impl CapacityUse {
    /// What `asked` says, after `before`.
    fn read(
        asked: &lambda::LambdaManagedInstancesCapacityProviderConfig,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let gib_per_vcpu = match asked.execution_environment_memory_gib_per_vcpu {
            None => before.map_or(GIB_PER_VCPU_DEFAULT, |before| before.gib_per_vcpu),
            Some(2.0) => 2,
            Some(4.0) => 4,
            Some(8.0) => 8,
            Some(other) => {
                return invalid(format!(
                    "ExecutionEnvironmentMemoryGiBPerVCpu must be 2, 4 or 8, and not {other}."
                ));
            }
        };
        let max_concurrency = asked.per_execution_environment_max_concurrency;
        let max_concurrency = max_concurrency.and_then(|max| u32::try_from(max).ok());
        Ok(Self {
            provider: asked.capacity_provider_arn.clone(),
            max_concurrency: max_concurrency
                .or_else(|| before.and_then(|before| before.max_concurrency)),
            gib_per_vcpu,
        })
    }

    /// Of an environment with so much memory, in thousandths.
    fn vcpu_millis(&self, memory_mb: u32) -> u64 {
        u64::from(memory_mb) * 1000 / 1024 / u64::from(self.gib_per_vcpu)
    }

    /// How many invocations an environment of a function with these settings runs at once.
    pub(crate) fn slots(&self, settings: &Settings) -> u32 {
        let vcpus = u32::try_from(self.vcpu_millis(settings.memory_mb) / 1000).unwrap_or(u32::MAX);
        let of_runtime = concurrency_per_vcpu(&settings.runtime).unwrap_or(1);
        self.max_concurrency.unwrap_or_else(|| of_runtime.saturating_mul(vcpus.max(1)))
    }

    pub(crate) fn view(&self, settings: &Settings) -> lambda::CapacityProviderConfig {
        let config = lambda::LambdaManagedInstancesCapacityProviderConfig {
            capacity_provider_arn: self.provider.clone(),
            per_execution_environment_max_concurrency: Some(view::integer(self.slots(settings))),
            execution_environment_memory_gib_per_vcpu: Some(f64::from(self.gib_per_vcpu)),
        };
        lambda::CapacityProviderConfig { lambda_managed_instances_capacity_provider_config: config }
    }
}

/// Takes what a request says of the capacity provider into `settings`.
pub(crate) fn take(
    settings: &mut Settings,
    asked: Option<lambda::CapacityProviderConfig>,
) -> Result<(), Error> {
    if let Some(asked) = asked {
        let asked = asked.lambda_managed_instances_capacity_provider_config;
        settings.capacity = Some(CapacityUse::read(&asked, settings.capacity.as_ref())?);
    }
    Ok(())
}

/// Whether a function may be so, if it has a capacity provider.
pub(crate) fn check(settings: &Settings, is_image: bool) -> Result<(), Error> {
    let Some(capacity) = &settings.capacity else { return Ok(()) };
    if is_image {
        return Err(Error::Unsupported {
            member: "CapacityProviderConfig with PackageType=Image",
            instead: "use a zip",
        });
    }
    if concurrency_per_vcpu(&settings.runtime).is_none() {
        return Err(Error::Unsupported {
            member: "CapacityProviderConfig with this runtime",
            instead: "python3.13, nodejs22.x, java21, their successors and provided.al2023 run several invocations at once",
        });
    }
    if settings.is_tenant_isolated {
        return invalid("TenancyConfig isn't supported with CapacityProviderConfig.".to_owned());
    }
    if settings.log_format == LogFormat::Text {
        return invalid(
            "LogFormat must be JSON for functions with CapacityProviderConfig.".to_owned(),
        );
    }
    if settings.memory_mb < MEMORY_MB_MIN {
        return invalid(format!(
            "MemorySize must be at least {MEMORY_MB_MIN} MB for functions with CapacityProviderConfig."
        ));
    }
    if capacity.vcpu_millis(settings.memory_mb) < 1000 {
        return invalid(format!(
            "MemorySize of {} MB is less than one vCPU at {} GiB for each.",
            settings.memory_mb, capacity.gib_per_vcpu
        ));
    }
    Ok(())
}

fn invalid<T>(text: String) -> Result<T, Error> {
    Err(Error::InvalidParameter(text))
}

impl Version {
    /// Whether it has environments on a capacity provider.
    pub(crate) fn is_managed(&self) -> bool {
        self.record.settings.capacity.is_some() && self.number != Number::Latest
    }

    fn is_on(&self, provider: &str) -> bool {
        self.record.settings.capacity.as_ref().is_some_and(|capacity| capacity.provider == provider)
    }
}

impl<I: Invoke> Service<I> {
    /// Holds the providers still while a function begins to use one, which must be there.
    pub(crate) async fn hold_provider(
        &self,
        cx: &Context,
        operation: &'static str,
        capacity: Option<&CapacityUse>,
    ) -> Result<Option<RegistryLock<'_>>, Error> {
        let Some(capacity) = capacity else { return Ok(None) };
        let lock = self.providers.lock().await;
        self.check_provider(cx, operation, capacity)?;
        Ok(Some(lock))
    }

    /// Whether the provider is there.
    pub(crate) fn check_provider(
        &self,
        cx: &Context,
        operation: &'static str,
        capacity: &CapacityUse,
    ) -> Result<(), Error> {
        let key = ProviderKey::parse(cx, operation, &capacity.provider)?;
        match self.providers.get(&key.place, &key.name) {
            Some(_) => Ok(()),
            None => invalid(format!("Capacity provider not found: {}", capacity.provider)),
        }
    }

    pub(crate) fn check_unused(&self, cx: &Context, key: &ProviderKey) -> Result<(), Error> {
        let (arn, mut is_used) = (key.arn(), false);
        self.table.visit(&cx.account, &cx.region, "", |function| {
            is_used = function.versions().any(|version| version.is_on(&arn));
            if is_used { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match is_used {
            true => Err(Error::Conflict(format!(
                "The capacity provider {arn} is used by at least one function."
            ))),
            false => Ok(()),
        }
    }

    /// Versions on a provider, in the order of their functions' names, from `from` on.
    pub(crate) fn visit_versions_on(
        &self,
        cx: &Context,
        key: &ProviderKey,
        from: &str,
        mut each: impl FnMut(&Key, &Version) -> ControlFlow<()>,
    ) {
        let arn = key.arn();
        self.table.visit(&cx.account, &cx.region, from, |function| {
            let mut versions = function.versions();
            versions.try_for_each(|version| match version.is_managed() && version.is_on(&arn) {
                true => each(&function.key, version),
                false => ControlFlow::Continue(()),
            })
        });
    }

    /// Whether one more version of a function may be on its provider.
    pub(crate) fn check_versions_on_provider(&self, function: &Function) -> Result<(), Error> {
        let Some(capacity) = &function.latest.record.settings.capacity else { return Ok(()) };
        let (key, mut count) = (&function.key, 0);
        self.table.visit(&key.account, &key.region, "", |function| {
            let is_here =
                |version: &&Arc<Version>| version.is_managed() && version.is_on(&capacity.provider);
            count += function.versions().filter(is_here).count();
            ControlFlow::Continue(())
        });
        match count < VERSIONS_MAX {
            true => Ok(()),
            false => Err(Error::TooManyVersionsOnProvider { max: VERSIONS_MAX }),
        }
    }

    /// Tells the invoker how many vCPUs each provider has, as the server starts.
    pub(crate) fn limit_providers(&self) {
        for function in self.table.awake() {
            for version in function.versions() {
                let Some(capacity) = &version.record.settings.capacity else { continue };
                let Some((_, name)) = capacity.provider.rsplit_once(':') else { continue };
                if let Some(provider) = self.providers.get(&function.key.place(), name) {
                    self.limit_provider(&capacity.provider, &provider);
                }
            }
        }
    }

    pub(crate) fn limit_provider(&self, arn: &str, provider: &CapacityProvider) {
        self.invoker.limit_provider(arn, provider.vcpus_max);
    }

    /// Tells the invoker all environments that a function is to have: after each change of it or of its versions.
    pub(crate) fn manage(&self, function: &Function) {
        let managed = function.versions().filter_map(|version| {
            let settings = &version.record.settings;
            let capacity = settings.capacity.as_ref().filter(|_| version.is_managed())?;
            let is_wanted = matches!(version.record.state, State::Pending | State::Active);
            let bounds = function.scaling(version.number).requested();
            (is_wanted && version.is_unpacked()).then(|| Managed {
                function: Arc::clone(&version.runnable),
                slots: usize::try_from(capacity.slots(settings)).unwrap_or(usize::MAX),
                min: bounds.min(),
                max: bounds.max(),
                provider: capacity.provider.clone(),
                vcpu_millis: capacity.vcpu_millis(settings.memory_mb),
            })
        });
        self.invoker.manage(&function.key.arn(), managed.collect());
    }

    /// Waits until an unpacked version has as many environments as it should have at least. `None` when nobody will say.
    pub(crate) async fn initialise(
        &self,
        key: &Key,
        version: &Version,
    ) -> Option<Result<(), Failure>> {
        if !version.is_managed() {
            return Some(Ok(()));
        }
        let function = self.table.get(key)?;
        if let Some(capacity) = &version.record.settings.capacity
            && let Some((_, name)) = capacity.provider.rsplit_once(':')
            && let Some(provider) = self.providers.get(&key.place(), name)
        {
            self.limit_provider(&capacity.provider, &provider);
        }
        self.manage(&function);
        let progress = self.invoker.managed_settled(version.deployment()).await?;
        Some(progress.shortage.map_or(Ok(()), |shortage| Err(failure(shortage))))
    }
}

fn failure(shortage: Shortage) -> Failure {
    let (code, reason) = match shortage {
        Shortage::Init => (FailureCode::FunctionInit, "The function failed to initialize."),
        Shortage::Ended => {
            (FailureCode::FunctionInit, "The execution environments ended by themselves.")
        }
        Shortage::NoRuntime => {
            (FailureCode::InvalidRuntime, "The runtime is not installed on this server.")
        }
        Shortage::Capacity => (
            FailureCode::CapacityLimit,
            "The capacity provider has not enough vCPUs left for the execution environments.",
        ),
        Shortage::Platform => (
            FailureCode::InsufficientCapacity,
            "This server could not start the execution environments.",
        ),
    };
    Failure::new(code, reason)
}
