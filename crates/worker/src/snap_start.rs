// SPDX-License-Identifier: Apache-2.0
//! SnapStart: a version initialises once, is written down as it waits, and each of its environments goes on from there.
//!
//! The runtime waits in `restore/next` of the Runtime API while its snapshot is taken, and that call is answered in each
//! environment. A snapshot that is gone or stale is taken again by whoever wants it first.
//!
//! Invariants:
//! - no environment of such a version initialises: it is restored, or there is none;
//! - an environment that ends is not reset but replaced by another from the snapshot.

use crate::environment::Environment;
use crate::failure::Failure;
use crate::function::{Function, Initialization};
use crate::ground::{Ground, Origin, Parts};
use crate::life::init_result;
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection};
use crate::runtimes::{self, Installed};
use crate::stems::Grown;
use crate::telemetry::{Before, Ending, InitPhase};
use crate::worker::{StartError, Worker};
use sandbox::{Sandbox, SnapshotError, Spec};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What loading the runtime and its hooks may take, as on AWS.
const RESTORE_MAX: Duration = Duration::from_secs(10);
/// How often a snapshot is taken anew for one start.
const TRIES_MAX: usize = 3;

/// Why a version has no snapshot, or an environment did not come of one.
#[derive(Debug, thiserror::Error)]
pub enum SnapStartError {
    /// The function's own code or runtime failed to initialise. The text is for the customer, and says how.
    #[error("{reason}")]
    Init { cause: InitCause, reason: String },
    /// The code holds something that no snapshot can have. The text is for the customer.
    #[error("the initialised function cannot be written down: {0}")]
    Obstacle(String),
    /// An after-restore hook of the function's failed, or its runtime did.
    #[error("an after-restore hook failed")]
    Hook,
    #[error("restoring took too long")]
    Timeout,
    /// Ours.
    #[error("failed to take or to restore a snapshot")]
    Snapshot(#[source] SnapshotError),
    #[error("failed to keep a snapshot")]
    Keep(#[source] io::Error),
}

/// Why an init phase failed, as far as AWS tells its causes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitCause {
    Timeout,
    Runtime,
    OutOfMemory,
    EntryPoint,
    WorkingDirectory,
    Extension,
}

impl Worker {
    /// Initialises `function` and keeps a snapshot of it, unless there is one.
    pub async fn take_snapshot(&self, function: &Arc<Function>) -> Result<(), StartError> {
        let Some(name) = &function.snapshot else { return Ok(()) };
        let _turn = self.snapshots.turn(name).await;
        // Somebody else may have taken it meanwhile, or the server before this one.
        if self.snapshots.get(name).is_some() {
            return Ok(());
        }
        self.take_now(function, name).await
    }

    pub fn forget_snapshot(&self, name: &str) {
        self.snapshots.remove(name);
    }

    pub fn retain_snapshots(&self, used: &std::collections::HashSet<String>) {
        self.snapshots.retain(used);
    }

    /// Whether versions can have snapshots here. The reason is for the customer.
    pub fn check_snap_start(&self) -> Result<(), &'static str> {
        self.launcher.can_snapshot()
    }

    /// An environment that goes on from the snapshot of its version.
    pub(crate) async fn restored(
        &self,
        function: &Arc<Function>,
        name: &str,
    ) -> Result<Arc<Environment>, StartError> {
        for _ in 0..TRIES_MAX {
            let Some(file) = self.snapshots.get(name) else {
                self.take_snapshot(function).await?;
                continue;
            };
            match self.restore(function, &file).await {
                Err(StartError::SnapStart(SnapStartError::Snapshot(SnapshotError::Stale {
                    what,
                }))) => {
                    tracing::info!(what, "snapshot taken again");
                    self.snapshots.remove(name);
                }
                result => return result,
            }
        }
        let what = "it is stale again and again".to_owned();
        Err(SnapStartError::Snapshot(SnapshotError::Stale { what }).into())
    }

    async fn take_now(&self, function: &Arc<Function>, name: &str) -> Result<(), StartError> {
        let _place = self.snapshots.place().await;
        let installed = self.installed(function).await?;
        let log = Arc::new(LogStream::create(&self.logs, function));
        let initialization = Initialization::SnapStart;
        let deadline = Instant::now() + initialization.init_max(function.timeout);
        log.tell_init_start(function, Some(&installed), initialization, InitPhase::Init);
        let (parts, connection) =
            match self.parts(function, &log, &installed, initialization).await? {
                Ok(parts) => parts,
                Err(failure) => return Err(init_failed(&log, function, &failure)),
            };
        if parts.external.is_some() {
            let what = "extensions run beside the runtime".to_owned();
            return Err(SnapStartError::Obstacle(what).into());
        }
        let ground = Arc::new(Ground::new(Parts { origin: Origin::ToBeTaken, ..parts })?);
        let environment =
            Arc::new(Environment::new(Arc::clone(function), Arc::clone(&log), ground)?);
        let init = environment.begin(connection);
        let initialised = init_result(init, deadline).await;
        environment.drain_output();
        if let Err(failure) = initialised {
            environment.stop_after(&failure);
            return Err(init_failed(&log, function, &failure));
        }
        log.tell_init_report(Ending::SUCCESS);
        if environment.extensions().has_any() {
            environment.stop();
            let what = "extensions are registered in the runtime".to_owned();
            return Err(SnapStartError::Obstacle(what).into());
        }
        let taken = self.write_down(&environment, name).await;
        environment.stop();
        taken
    }

    async fn write_down(&self, environment: &Environment, name: &str) -> Result<(), StartError> {
        let Some(connection) = environment.take_waiting() else {
            let what = "the runtime does not wait to be restored".to_owned();
            return Err(SnapStartError::Obstacle(what).into());
        };
        let port = connection.peer_port()?;
        let draft = self.snapshots.draft(name).map_err(SnapStartError::Keep)?;
        let taken = environment.process().take_snapshot(&draft.file, port).await;
        drop(connection);
        taken.map_err(not_written)?;
        let (snapshots, name) = (Arc::clone(&self.snapshots), name.to_owned());
        let kept = tokio::task::spawn_blocking(move || snapshots.keep(&name, &draft)).await;
        kept.map_err(io::Error::other)?.map_err(SnapStartError::Keep)?;
        Ok(())
    }

    async fn restore(
        &self,
        function: &Arc<Function>,
        file: &File,
    ) -> Result<Arc<Environment>, StartError> {
        let installed = self.installed(function).await?;
        let _hurry = self.launcher.hurry();
        let log = Arc::new(LogStream::create(&self.logs, function));
        let started = Instant::now();
        metrics::STARTED_BY_RESTORE.add(1);
        log.tell_restore_start(function, &installed);
        let tried = self.try_restore(function, &installed, &log, file, started).await;
        let ending = match &tried {
            Err(StartError::SnapStart(error)) => error.ending(),
            Ok(_) | Err(_) => Ending::SUCCESS,
        };
        log.tell_restore_report(ending, started.elapsed());
        tried
    }

    async fn try_restore(
        &self,
        function: &Arc<Function>,
        installed: &Arc<Installed>,
        log: &Arc<LogStream>,
        file: &File,
        started: Instant,
    ) -> Result<Arc<Environment>, StartError> {
        let mut mounts = runtimes::mounts(installed);
        mounts.extend(self.code_mounts(function, installed));
        let spec = Spec {
            root: installed.image.as_ref().map(|image| image.directory.clone()),
            mounts,
            // What it is made over from. Of all this only its name is left.
            argv: installed.argv_for(function.memory_mb, &[]),
            env: Vec::new(),
            cwd: "/var/task".into(),
            limits: function.limits(),
            is_ahead: false,
        };
        let session = self.host.open_session(function, &function.name)?;
        let restored = self.launcher.restore(spec, file).await.map_err(SnapStartError::Snapshot)?;
        let Sandbox { runtime_api, connection, edge, output, log: records, process } = restored;
        let grown = Grown { process, runtime_api, edge, output, log: records, told: None };
        let (parts, _) = self.with_session(grown, session, Some(Arc::clone(installed)))?;
        let ground = Arc::new(Ground::new(Parts { origin: Origin::Restored, ..parts })?);
        let environment =
            Arc::new(Environment::new(Arc::clone(function), Arc::clone(log), ground)?);
        let stream = connection.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        stream.set_nodelay(true)?;
        let mut connection = Connection::new(stream);
        runtime_api::answer_restore(&mut connection, log.name());
        connection.flush().await?;
        let woken = Instant::now();
        let result = init_result(environment.begin(Some(connection)), started + RESTORE_MAX).await;
        if let Err(failure) = result {
            environment.stop_after(&failure);
            return Err(match failure {
                Failure::TimedOut => SnapStartError::Timeout.into(),
                _ => SnapStartError::Hook.into(),
            });
        }
        let before = Before::Restore { whole: started.elapsed(), runtime_s: woken.elapsed() };
        environment.set_before(before);
        Ok(environment)
    }
}

impl SnapStartError {
    fn ending(&self) -> Ending<'static> {
        match self {
            Self::Timeout => Ending::TIMEOUT,
            Self::Hook => Ending::error("Runtime.AfterRestoreError"),
            Self::Init { .. } | Self::Obstacle(_) | Self::Snapshot(_) | Self::Keep(_) => {
                Ending::error("Sandbox.Failure")
            }
        }
    }
}

fn init_failed(log: &LogStream, function: &Function, failure: &Failure) -> StartError {
    log.tell_init_report(failure.ending());
    log.flush();
    let (cause, reason) = failure.init_cause(function.timeout);
    SnapStartError::Init { cause, reason }.into()
}

fn not_written(error: SnapshotError) -> SnapStartError {
    match error {
        SnapshotError::Obstacle { what } => SnapStartError::Obstacle(what),
        error => SnapStartError::Snapshot(error),
    }
}
