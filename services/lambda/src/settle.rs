// SPDX-License-Identifier: Apache-2.0
//! From `Pending` to `Active`, from `InProgress` to `Successful`: what happens after a change was acknowledged.
//!
//! One idempotent path, taken after each change and again at start: it looks for versions whose activation is due,
//! unpacks their packages, and writes down how that went.

use crate::Invoke;
use crate::code::{CodeError, Uploaded};
use crate::error::Error;
use crate::function::Key;
use crate::image;
use crate::service::Service;
use crate::version::{Failure, FailureCode, Version};
use images::ImageError;
use std::sync::Arc;
use std::time::Duration;
use store::CommitError;
use worker::{InitCause, SnapStartError, StartError};

/// Before the store is tried again that could not write, for want of space most likely.
const RETRY_DELAY: Duration = Duration::from_secs(1);

impl<I: Invoke> Service<I> {
    /// Settles every version of a function.
    pub(crate) async fn settle(self: Arc<Self>, key: Key, mut uploaded: Option<Uploaded>) {
        if let Some(function) = self.table.get(&key) {
            self.invoker.expect(&function.latest.runnable);
        }
        while let Some(version) = self.unsettled(&key) {
            let outcome = match version.unpack(uploaded.take()).await {
                // Not its fault: the next server goes on with it.
                Err(CodeError::Image(ImageError::Closed)) => return,
                // Nor is it when nobody will say what became of its environments.
                Ok(()) => match self.initialise(&key, &version).await {
                    Some(outcome) => outcome,
                    None => return,
                },
                Err(error) => Err(failure(error)),
            };
            let outcome = match outcome {
                Ok(()) => self.initialise_ahead(&version).await,
                failed => failed,
            };
            if outcome.is_ok() {
                self.invoker.compile(&version.runnable);
            }
            match self.write_outcome(&key, &version, &outcome).await {
                Ok(()) => {}
                Err(Error::Record(crate::records::RecordError::Commit(CommitError::Closed))) => {
                    return;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "activation not written"
                    );
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
        self.codes.sweep().await;
    }

    /// Takes the snapshot of a version that has SnapStart.
    async fn initialise_ahead(&self, version: &Version) -> Result<(), Failure> {
        if version.record.snapshot.is_none() {
            return Ok(());
        }
        self.invoker.take_snapshot(&version.runnable).await.map_err(|error| not_initialised(&error))
    }

    /// A version whose activation is due: `$LATEST` first.
    fn unsettled(&self, key: &Key) -> Option<Arc<Version>> {
        let function = self.table.get(key)?;
        function.versions().find(|version| version.record.is_settling()).cloned()
    }

    async fn write_outcome(
        &self,
        key: &Key,
        settled: &Version,
        outcome: &Result<(), Failure>,
    ) -> Result<(), Error> {
        let lock = self.table.lock(key).await;
        let Some(function) = self.table.get(key) else { return Ok(()) };
        let mut changed = (*function).clone();
        let mut numbers = Vec::new();
        let runs_on_the_same = |version: &&Arc<Version>| {
            if version.is_managed() || settled.is_managed() {
                return version.number == settled.number;
            }
            version.record.code == settled.record.code
                && version.record.settings.layers == settled.record.settings.layers
        };
        // What is good for one is not yet for another that has to initialise ahead.
        let is_through = |version: &&Arc<Version>| {
            outcome.is_err()
                || version.record.snapshot.is_none()
                || version.number == settled.number
        };
        for version in function
            .versions()
            .filter(|version| version.record.is_settling())
            .filter(runs_on_the_same)
            .filter(is_through)
        {
            let mut record = version.record.clone();
            record.settle(outcome.clone());
            record.revise();
            numbers.push(version.number);
            changed = changed.with_version(version.with_record(record));
        }
        if !numbers.is_empty() {
            self.records.save(&changed, &numbers).await?;
            self.table.put(&lock, changed);
        }
        Ok(())
    }
}

/// Why a version has no snapshot.
fn not_initialised(error: &StartError) -> Failure {
    let code = match error {
        StartError::SnapStart(SnapStartError::Init { cause, .. }) => match cause {
            InitCause::Timeout => FailureCode::InitTimeout,
            InitCause::Runtime => FailureCode::RuntimeInitError,
            InitCause::OutOfMemory => FailureCode::InitResourceExhausted,
            InitCause::EntryPoint => FailureCode::InvalidEntryPoint,
            InitCause::WorkingDirectory => FailureCode::InvalidWorkingDirectory,
            InitCause::Extension => FailureCode::ExtensionInitError,
        },
        StartError::SnapStart(SnapStartError::Obstacle(_)) => FailureCode::FunctionError,
        StartError::RuntimeNotInstalled(_) => FailureCode::InvalidRuntime,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "snapshot not taken");
            let text = "The snapshot of this version could not be taken on this server.";
            return Failure::new(FailureCode::InternalError, text);
        }
    };
    Failure::new(code, error.to_string())
}

fn failure(error: CodeError) -> Failure {
    match error {
        CodeError::Invalid { reason, .. } => Failure::new(
            FailureCode::InvalidZipFile,
            format!("Lambda was not able to unzip the file: {reason}"),
        ),
        CodeError::Image(error) => image::failure(&error),
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "package not unpacked");
            Failure::new(
                FailureCode::InternalError,
                "The package could not be unpacked on this server.",
            )
        }
    }
}
