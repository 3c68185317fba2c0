// SPDX-License-Identifier: Apache-2.0
//! Provisioned concurrency: environments of a version, or of the versions that an alias leads to, that are initialised
//! ahead of events.
//!
//! What was asked for is kept with the function; how far it has come is asked of the invoker, which is told anew after
//! each change of what it depends on. An alias with two versions has its environments by their weights.

use crate::Invoke;
use crate::address::Address;
use crate::alias::Alias;
use crate::concurrency::{UNRESERVED_MIN, to_usize};
use crate::error::Error;
use crate::function::Function;
use crate::page::{Marker, Page};
use crate::service::Service;
use crate::version::{Number, State, Version};
use crate::view;
use ::invoke::{Shortage, Wanted};
use api::lambda;
use names::Qualifier;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::{Context, Timestamp};

/// Of `$LATEST`, who would provision it.
const UNPUBLISHED: &str =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
/// The same, who asks for what is provisioned.
const NEVER_PROVISIONED: &str =
    "The function resource provided must be an alias or a published version.";

/// What is provisioned for one version or alias, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Provisioned {
    pub(crate) requested: u32,
    last_modified_ms: i64,
    /// Invocations that came by this qualifier while fewer than were requested ran. Shared with what it was made from.
    #[serde(skip)]
    running: Arc<AtomicUsize>,
}

/// How far it has come.
struct Progress {
    requested: u32,
    allocated: usize,
    available: usize,
    shortage: Option<Shortage>,
    last_modified_ms: i64,
}

impl Provisioned {
    pub(crate) fn new(requested: u32, last_modified_ms: i64) -> Self {
        Self { requested, last_modified_ms, running: Arc::default() }
    }

    /// Counts one more invocation, if it is one of those that were provisioned for. The count is to be given back.
    pub(crate) fn enter(&self) -> Option<Arc<AtomicUsize>> {
        let more = |running| (running < to_usize(self.requested)).then_some(running + 1);
        let entered = self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        entered.is_ok().then(|| Arc::clone(&self.running))
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn put_provisioned(
        &self,
        cx: &Context,
        input: lambda::PutProvisionedConcurrencyConfigInput,
    ) -> Result<lambda::PutProvisionedConcurrencyConfigOutput, Error> {
        const OPERATION: &str = "PutProvisionedConcurrencyConfig";
        let address = Address::parse(cx, OPERATION, &input.function_name, Some(&input.qualifier))?;
        let requested = u32::try_from(input.provisioned_concurrent_executions).unwrap_or_default();
        let key = address.key.clone();
        let account = self.accounts.of(&key.account, &key.region);
        // Before the function's lock, always: two functions may be at it at once.
        let _reserving = account.reserving.lock().await;
        let lock = self.table.lock(&key).await;
        let current = self.table.get(&key).ok_or_else(|| not_there(&address))?;
        let qualifier = provisionable(&current, &address, UNPUBLISHED)?;
        check_snap_start(current.find(address.qualifier.as_ref()))?;
        check_count(&current, &qualifier, requested, &account)?;

        let before = self.progress(&current, &qualifier);
        let last_modified_ms = (self.options.clock)().epoch_ms();
        let mut provisioned = Provisioned::new(requested, last_modified_ms);
        if let Some(old) = current.provisioned.get(&qualifier) {
            provisioned.running = Arc::clone(&old.running);
        }
        let mut changed = (*current).clone();
        changed.provisioned.insert(qualifier, provisioned);
        self.records.save(&changed, &[Number::Latest]).await?;
        let changed = self.table.put(&lock, changed);
        self.provision(&changed);
        let there = |count: fn(&Progress) -> usize| before.as_ref().map_or(0, count);
        Ok(lambda::PutProvisionedConcurrencyConfigOutput {
            requested_provisioned_concurrent_executions: Some(view::integer(requested)),
            available_provisioned_concurrent_executions: count(there(|before| before.available)),
            allocated_provisioned_concurrent_executions: count(there(|before| before.allocated)),
            status: Some(lambda::ProvisionedConcurrencyStatus::InProgress),
            status_reason: None,
            last_modified: Some(Timestamp::from_epoch_ms(last_modified_ms).lambda_text()),
        })
    }

    pub(crate) fn get_provisioned(
        &self,
        cx: &Context,
        input: &lambda::GetProvisionedConcurrencyConfigInput,
    ) -> Result<lambda::GetProvisionedConcurrencyConfigOutput, Error> {
        const OPERATION: &str = "GetProvisionedConcurrencyConfig";
        let address = Address::parse(cx, OPERATION, &input.function_name, Some(&input.qualifier))?;
        let function = self.table.get(&address.key).ok_or_else(|| not_there(&address))?;
        let qualifier = provisionable(&function, &address, NEVER_PROVISIONED)?;
        let progress = self.progress(&function, &qualifier).ok_or(Error::NotProvisioned)?;
        Ok(lambda::GetProvisionedConcurrencyConfigOutput {
            requested_provisioned_concurrent_executions: Some(view::integer(progress.requested)),
            available_provisioned_concurrent_executions: count(progress.available),
            allocated_provisioned_concurrent_executions: count(progress.allocated),
            status: Some(progress.status()),
            status_reason: progress.reason(),
            last_modified: Some(progress.last_modified()),
        })
    }

    pub(crate) fn list_provisioned(
        &self,
        cx: &Context,
        input: &lambda::ListProvisionedConcurrencyConfigsInput,
    ) -> Result<lambda::ListProvisionedConcurrencyConfigsOutput, Error> {
        const OPERATION: &str = "ListProvisionedConcurrencyConfigs";
        let key = Address::parse(cx, OPERATION, &input.function_name, None)?.function_only()?;
        let function =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        // The break is the page being full, which the page itself remembers.
        let _ = function.provisioned.keys().try_for_each(|qualifier| {
            let Some(progress) = self.progress(&function, qualifier) else {
                return std::ops::ControlFlow::Continue(());
            };
            let marker = Marker { name: qualifier.clone(), number: Number::Latest };
            page.add(marker, || progress.item(key.qualified_arn(qualifier)))
        });
        let (next_marker, provisioned_concurrency_configs) = page.finish();
        Ok(lambda::ListProvisionedConcurrencyConfigsOutput {
            provisioned_concurrency_configs,
            next_marker,
        })
    }

    /// What is not provisioned is given back already.
    pub(crate) async fn delete_provisioned(
        &self,
        cx: &Context,
        input: lambda::DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<(), Error> {
        const OPERATION: &str = "DeleteProvisionedConcurrencyConfig";
        let address = Address::parse(cx, OPERATION, &input.function_name, Some(&input.qualifier))?;
        let lock = self.table.lock(&address.key).await;
        let current = self.table.get(&address.key).ok_or_else(|| not_there(&address))?;
        let qualifier = provisionable(&current, &address, NEVER_PROVISIONED)?;
        if current.provisioned.contains_key(&qualifier) {
            let mut changed = (*current).clone();
            changed.provisioned.remove(&qualifier);
            self.records.save(&changed, &[Number::Latest]).await?;
            let changed = self.table.put(&lock, changed);
            self.provision(&changed);
        }
        Ok(())
    }

    /// Tells the invoker all that is to be provisioned for a function: after each change of it, of its aliases, of its
    /// versions.
    pub(crate) fn provision(&self, function: &Function) {
        let wanted = function.provisioned.iter().flat_map(|(qualifier, provisioned)| {
            shares(function, qualifier, provisioned.requested).into_iter().filter_map(
                |(number, share)| {
                    let runnable = Arc::clone(&function.version(number)?.runnable);
                    Some(Wanted {
                        function: runnable,
                        qualifier: qualifier.clone(),
                        count: to_usize(share),
                    })
                },
            )
        });
        self.invoker.provision(&function.key.arn(), wanted.collect());
    }

    fn progress(&self, function: &Function, qualifier: &str) -> Option<Progress> {
        let provisioned = function.provisioned.get(qualifier)?;
        let mut progress = Progress {
            requested: provisioned.requested,
            allocated: 0,
            available: 0,
            shortage: None,
            last_modified_ms: provisioned.last_modified_ms,
        };
        for (number, _) in shares(function, qualifier, provisioned.requested) {
            let found = function
                .version(number)
                .and_then(|version| self.invoker.provisioned(version.deployment(), qualifier));
            if let Some(found) = found {
                progress.allocated += found.allocated;
                progress.available += found.available;
                progress.shortage = progress.shortage.or(found.shortage);
            }
        }
        Some(progress)
    }
}

/// A function that is not there: AWS looks for an alias before it looks for the function.
fn not_there(address: &Address) -> Error {
    match &address.qualifier {
        Some(Qualifier::Alias(_)) => Error::AliasNotFound { arn: address.arn() },
        None | Some(Qualifier::Latest | Qualifier::LatestPublished | Qualifier::Version(_)) => {
            address.not_found()
        }
    }
}

/// The qualifier of a version or an alias, if environments can be provisioned for it; `unpublished` says that none can.
fn provisionable(
    function: &Function,
    address: &Address,
    unpublished: &str,
) -> Result<String, Error> {
    let unpublished = || Error::InvalidParameter(unpublished.to_owned());
    match &address.qualifier {
        None | Some(Qualifier::Latest | Qualifier::LatestPublished) => Err(unpublished()),
        Some(Qualifier::Version(number)) => match function.published.contains_key(number) {
            true => Ok(number.to_string()),
            false => Err(address.not_found()),
        },
        Some(Qualifier::Alias(name)) => match function.aliases.get(name).map(|found| found.version)
        {
            None => Err(Error::AliasNotFound { arn: address.arn() }),
            Some(Number::Latest | Number::LatestPublished) => Err(unpublished()),
            Some(Number::Published(_)) => Ok(name.clone()),
        },
    }
}

/// Environments of a version that has a snapshot are never initialised ahead. The words are ours.
fn check_snap_start(version: Option<&Arc<Version>>) -> Result<(), Error> {
    let text = "Provisioned Concurrency is not supported for SnapStart enabled functions.";
    match version.is_some_and(|version| version.record.snapshot.is_some()) {
        true => Err(Error::InvalidParameter(text.to_owned())),
        false => Ok(()),
    }
}

/// Whether an alias may lead to its versions, if it has provisioned environments.
pub(crate) fn check_alias(function: &Function, name: &str, alias: &Alias) -> Result<(), Error> {
    if !function.provisioned.contains_key(name) {
        return Ok(());
    }
    if matches!(alias.version, Number::Latest | Number::LatestPublished) {
        return Err(Error::InvalidParameter(UNPUBLISHED.to_owned()));
    }
    check_snap_start(function.version(alias.version))?;
    check_version_free(function, alias)
}

/// A version has environments of its own or those of aliases, never both.
fn check_version_free(function: &Function, alias: &Alias) -> Result<(), Error> {
    let is_own = |number: &u64| {
        alias.leads_to(Number::Published(*number))
            && function.provisioned.contains_key(&number.to_string())
    };
    match function.published.keys().any(is_own) {
        true => Err(Error::Provisioned(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
        )),
        false => Ok(()),
    }
}

/// Whether `requested` environments may be provisioned for `qualifier`.
fn check_count(
    function: &Function,
    qualifier: &str,
    requested: u32,
    account: &crate::concurrency::Account,
) -> Result<(), Error> {
    let invalid = |text: String| Err(Error::InvalidParameter(text));
    for number in shares(function, qualifier, requested).into_iter().map(|(number, _)| number) {
        let version = function.version(number).filter(|found| found.record.state != State::Active);
        if let Some(version) = version {
            let state = if version.record.state == State::Pending { "Pending" } else { "Failed" };
            return Err(Error::WrongState { state });
        }
    }
    function.check_without_tenants("Provisioned concurrency is")?;
    if function.latest.record.settings.capacity.is_some() {
        let text =
            "Provisioned concurrency is not supported for functions with a capacity provider.";
        return invalid(text.to_owned());
    }
    match function.aliases.get(qualifier) {
        Some(alias) if alias.additional.is_some() => {
            return invalid("Invalid alias configuration for Provisioned Concurrency".to_owned());
        }
        Some(alias) => check_version_free(function, alias)?,
        None => {
            let leads_here = |(name, alias): (&String, &Arc<Alias>)| {
                function.provisioned.contains_key(name)
                    && qualifier
                        .parse()
                        .is_ok_and(|number| alias.leads_to(Number::Published(number)))
            };
            if function.aliases.iter().any(leads_here) {
                return Err(Error::Provisioned(
                    "Version is pointed by a Provisioned Concurrency alias",
                ));
            }
        }
    }

    let current = function.provisioned.get(qualifier).map_or(0, |current| current.requested);
    let holding = function.holding();
    let others = holding.provisioned - to_usize(current);
    let asked = others + to_usize(requested);
    if let Some(reserved) = function.reserved_concurrency {
        if asked > to_usize(reserved) {
            let text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function";
            return invalid(text.to_owned());
        }
        return Ok(());
    }
    let max = account.concurrency_max();
    if to_usize(requested) > max {
        return Err(Error::InvalidConcurrency(format!(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{max}]."
        )));
    }
    if !account.may_hold(holding.provisioned, asked) {
        return Err(Error::InvalidConcurrency(format!(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
        )));
    }
    Ok(())
}

/// The versions that a qualifier means, and how many of its environments each has.
fn shares(function: &Function, qualifier: &str, requested: u32) -> Vec<(Number, u32)> {
    match function.aliases.get(qualifier) {
        Some(alias) => match alias.additional {
            Some(additional) => {
                let of_additional = share(requested, additional.weight);
                vec![
                    (alias.version, requested - of_additional),
                    (Number::Published(additional.version), of_additional),
                ]
            }
            None => vec![(alias.version, requested)],
        },
        None => qualifier
            .parse()
            .map(Number::Published)
            .map_or_else(|_| Vec::new(), |number| vec![(number, requested)]),
    }
}

/// So much of `requested` as `weight` says, rounded up: a version that gets any invocations gets an environment.
fn share(requested: u32, weight: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a weight is from 0 to 1, so this is between 0 and `requested`"
    )]
    let share = (f64::from(requested) * weight).ceil() as u32;
    share.min(requested)
}

impl Progress {
    fn status(&self) -> lambda::ProvisionedConcurrencyStatus {
        if self.shortage.is_some() {
            lambda::ProvisionedConcurrencyStatus::Failed
        } else if self.available >= to_usize(self.requested) {
            lambda::ProvisionedConcurrencyStatus::Ready
        } else {
            lambda::ProvisionedConcurrencyStatus::InProgress
        }
    }

    /// The first is AWS's. For the others it has no words that we know of.
    fn reason(&self) -> Option<String> {
        let text = match self.shortage? {
            Shortage::Init => "FUNCTION_ERROR_INIT_FAILURE",
            Shortage::Ended => "The execution environments ended before they were invoked.",
            Shortage::NoRuntime => "The runtime is not installed on this server.",
            Shortage::Platform | Shortage::Capacity => {
                "This server could not start the execution environments."
            }
        };
        Some(text.to_owned())
    }

    fn last_modified(&self) -> String {
        Timestamp::from_epoch_ms(self.last_modified_ms).lambda_text()
    }

    fn item(&self, arn: String) -> lambda::ProvisionedConcurrencyConfigListItem {
        lambda::ProvisionedConcurrencyConfigListItem {
            function_arn: Some(arn),
            requested_provisioned_concurrent_executions: Some(view::integer(self.requested)),
            available_provisioned_concurrent_executions: count(self.available),
            allocated_provisioned_concurrent_executions: count(self.allocated),
            status: Some(self.status()),
            status_reason: self.reason(),
            last_modified: Some(self.last_modified()),
        }
    }
}

fn count(count: usize) -> Option<i32> {
    Some(i32::try_from(count).unwrap_or(i32::MAX))
}
