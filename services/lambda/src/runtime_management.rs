// SPDX-License-Identifier: Apache-2.0
//! When a function moves to a newer version of its runtime.
//!
//! A version of a runtime is an interpreter that is installed on this machine. A function is bound to the one that was
//! newest at its last change (`FunctionUpdate`) or to the one that somebody named (`Manual`), or to none (`Auto`): then its
//! environments run on the newest there is. One that is bound to a version which is gone does not run on another.

use crate::Invoke;
use crate::code::CodeError;
use crate::error::Error;
use crate::function::{Function, Key};
use crate::read::Found;
use crate::service::Service;
use crate::version::{Number, RuntimeUpdate, State, VersionRecord};
use api::lambda;
use std::sync::Arc;
use wire::Context;
use worker::runtimes::version_arn as runtime_version_arn;

impl<I: Invoke> Service<I> {
    pub(crate) fn get_runtime_management(
        &self,
        cx: &Context,
        input: &lambda::GetRuntimeManagementConfigInput,
    ) -> Result<lambda::GetRuntimeManagementConfigOutput, Error> {
        let qualifier = input.qualifier.as_deref();
        let found = self.find(cx, "GetRuntimeManagementConfig", &input.function_name, qualifier)?;
        let (mode, runtime_version_arn) = answer(&found.function.key, &found.version.record);
        Ok(lambda::GetRuntimeManagementConfigOutput {
            update_runtime_on: Some(mode),
            function_arn: Some(version_arn(&found)),
            runtime_version_arn,
        })
    }

    pub(crate) async fn put_runtime_management(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::PutRuntimeManagementConfigInput,
    ) -> Result<lambda::PutRuntimeManagementConfigOutput, Error> {
        const OPERATION: &str = "PutRuntimeManagementConfig";
        let find = || self.find(cx, OPERATION, &input.function_name, input.qualifier.as_deref());
        let lock = self.table.lock(&find()?.function.key).await;
        let found = find()?;
        let (function, version) = (&found.function, &found.version);
        if version.number == Number::Latest {
            self.changeable(&function.key, None)?;
        }
        if version.record.state == State::Pending {
            return Err(Error::WrongState { state: "Pending" });
        }
        if version.record.is_image() {
            let text =
                "Runtime management is not supported for functions created with container images.";
            return Err(Error::InvalidParameter(text.to_owned()));
        }
        if version.record.settings.capacity.is_some()
            && input.update_runtime_on != lambda::UpdateRuntimeOn::Auto
        {
            return Err(Error::Unsupported {
                member: "UpdateRuntimeOn other than Auto on a capacity provider",
                instead: "publish another version",
            });
        }
        let mut record = version.record.clone();
        record.runtime_update = mode_of(input.update_runtime_on);
        let named = named_version(&function.key, &input)?;
        let found_id = self.runtime_version(&record.settings.runtime, named.clone()).await?;
        record.runtime_version = match (named, found_id) {
            (Some(_), Err(_)) => {
                let arn = input.runtime_version_arn.unwrap_or_default();
                let runtime = &record.settings.runtime;
                return Err(Error::InvalidParameter(format!(
                    "The runtime version {arn} is not a version of {runtime} that is installed here."
                )));
            }
            (_, found_id) => found_id.ok(),
        };

        let (mode, runtime_version_arn) = answer(&function.key, &record);
        let output = lambda::PutRuntimeManagementConfigOutput {
            update_runtime_on: mode,
            function_arn: version_arn(&found),
            runtime_version_arn,
        };
        if record.bound_to() == version.record.bound_to()
            && record.runtime_update == version.record.runtime_update
        {
            return Ok(output);
        }
        let new = self.version(&function.key, version.number, record, version.content.clone());
        let changed = Function::clone(function).with_version(new);
        self.records.save(&changed, &[version.number]).await?;
        let changed = self.table.put(&lock, changed);
        drop(lock);
        self.let_go(version);
        if !changed.provisioned.is_empty() {
            self.provision(&changed);
        }
        Ok(output)
    }

    /// Notes the newest version of a function's runtime, unless it stays on the one that somebody named.
    pub(crate) async fn note_runtime(self: &Arc<Self>, record: &mut VersionRecord) {
        if record.is_image() || record.runtime_update == RuntimeUpdate::Manual {
            return;
        }
        let found = self.runtime_version(&record.settings.runtime, None).await;
        record.runtime_version = found.ok().and_then(Result::ok);
    }

    /// The inner error says that there is none such.
    async fn runtime_version(
        self: &Arc<Self>,
        runtime: &str,
        id: Option<String>,
    ) -> Result<Result<String, String>, Error> {
        let (service, runtime) = (Arc::clone(self), runtime.to_owned());
        let find = move || service.invoker.runtime_version(&runtime, id.as_deref());
        Ok(tokio::task::spawn_blocking(find).await.map_err(|_| CodeError::Closed)?)
    }
}

/// A function that stays on a named version of its runtime can not have another runtime.
pub(crate) fn check_bound(record: &VersionRecord, before: &VersionRecord) -> Result<(), Error> {
    let is_moved = record.settings.runtime != before.settings.runtime;
    if !is_moved || record.runtime_update != RuntimeUpdate::Manual {
        return Ok(());
    }
    let text = "The function is bound to a version of another runtime. Let it move to newer versions first (PutRuntimeManagementConfig).";
    Err(Error::InvalidParameter(text.to_owned()))
}

/// As AWS answers it: the version only where somebody named it.
fn answer(key: &Key, record: &VersionRecord) -> (lambda::UpdateRuntimeOn, Option<String>) {
    let arn = || record.runtime_version.as_deref().map(|id| runtime_version_arn(&key.region, id));
    match record.runtime_update {
        RuntimeUpdate::Auto => (lambda::UpdateRuntimeOn::Auto, None),
        RuntimeUpdate::FunctionUpdate => (lambda::UpdateRuntimeOn::FunctionUpdate, None),
        RuntimeUpdate::Manual => (lambda::UpdateRuntimeOn::Manual, arn()),
    }
}

const fn mode_of(mode: lambda::UpdateRuntimeOn) -> RuntimeUpdate {
    match mode {
        lambda::UpdateRuntimeOn::Auto => RuntimeUpdate::Auto,
        lambda::UpdateRuntimeOn::FunctionUpdate => RuntimeUpdate::FunctionUpdate,
        lambda::UpdateRuntimeOn::Manual => RuntimeUpdate::Manual,
    }
}

/// The id in the ARN that goes with `Manual`, and with nothing else. The sentences are ours.
fn named_version(
    key: &Key,
    input: &lambda::PutRuntimeManagementConfigInput,
) -> Result<Option<String>, Error> {
    let invalid = |text: String| Err(Error::InvalidParameter(text));
    let is_manual = input.update_runtime_on == lambda::UpdateRuntimeOn::Manual;
    match (is_manual, input.runtime_version_arn.as_deref()) {
        (true, Some(arn)) => match arn.strip_prefix(&runtime_version_arn(&key.region, "")) {
            Some(id) => Ok(Some(id.to_owned())),
            None => invalid(format!("The runtime version {arn} is not one of this region.")),
        },
        (true, None) => invalid("UpdateRuntimeOn=Manual needs a RuntimeVersionArn.".to_owned()),
        (false, Some(_)) => {
            invalid("A RuntimeVersionArn goes with UpdateRuntimeOn=Manual only.".to_owned())
        }
        (false, None) => Ok(None),
    }
}

/// With the version, also for the function itself.
fn version_arn(found: &Found) -> String {
    match &found.address.qualifier {
        Some(_) => found.address.arn(),
        None => Key::qualified_arn(&found.function.key, found.version.number),
    }
}
