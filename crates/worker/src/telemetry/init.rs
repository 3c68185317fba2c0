// SPDX-License-Identifier: Apache-2.0
//! What is told of an init phase: its start, when the runtime is through with it, and how it came out.
//!
//! An environment may have two: the second, inside the invocation, after the first failed.

use super::{
    InitMetrics, InitPhase, InitReport, InitRuntimeDone, InitStart, PlatformEvent, RestoreReport,
    RestoreRuntimeDone, RestoreStart, Status,
};
use crate::function::{Function, Initialization};
use crate::logs::LogStream;
use crate::runtimes::{Installed, version_arn};
use std::time::Duration;
use tokio::time::Instant;

/// How something came out: a status, and the type of what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending<'a> {
    pub(crate) status: Status,
    pub(crate) error_type: Option<&'a str>,
}

/// An init phase that goes on.
#[derive(Debug)]
pub(crate) struct Init {
    initialization_type: &'static str,
    phase: InitPhase,
    started: Instant,
    is_runtime_done: bool,
}

impl Ending<'_> {
    pub(crate) const SUCCESS: Self = Self { status: Status::Success, error_type: None };
    pub(crate) const TIMEOUT: Self = Self { status: Status::Timeout, error_type: None };

    pub(crate) const fn error(error_type: &'static str) -> Self {
        Self { status: Status::Error, error_type: Some(error_type) }
    }
}

impl LogStream {
    pub(crate) fn tell_init_start(
        &self,
        function: &Function,
        installed: Option<&Installed>,
        initialization: Initialization,
        phase: InitPhase,
    ) {
        self.telemetry().open();
        let initialization_type = initialization.name();
        let runtime_version_arn =
            installed.map(|installed| version_arn(&function.region, &installed.id));
        self.tell(&PlatformEvent::InitStart(InitStart {
            initialization_type,
            phase,
            runtime_version: installed.map_or("", |installed| &installed.version),
            runtime_version_arn: runtime_version_arn.as_deref().unwrap_or_default(),
            function_name: &function.name,
            function_version: &function.version,
            instance_id: self.name(),
            instance_max_memory: u64::from(function.memory_mb) << 20,
        }));
        let started = Instant::now();
        let init = Init { initialization_type, phase, started, is_runtime_done: false };
        *self.init() = Some(init);
    }

    pub(crate) fn tell_restore_start(&self, function: &Function, installed: &Installed) {
        self.tell(&PlatformEvent::RestoreStart(RestoreStart {
            runtime_version: &installed.version,
            runtime_version_arn: &version_arn(&function.region, &installed.id),
            function_name: &function.name,
            function_version: &function.version,
            instance_id: self.name(),
            instance_max_memory: u64::from(function.memory_mb) << 20,
        }));
    }

    /// An environment has come of a snapshot, or not.
    pub(crate) fn tell_restore_report(&self, ending: Ending<'_>, duration: Duration) {
        let Ending { status, error_type } = ending;
        self.tell(&PlatformEvent::RestoreRuntimeDone(RestoreRuntimeDone { status, error_type }));
        let metrics = InitMetrics { duration };
        self.tell(&PlatformEvent::RestoreReport(RestoreReport { status, error_type, metrics }));
        self.flush();
    }

    /// The runtime asked for its first event, or will not. The first time counts.
    pub(crate) fn tell_init_runtime_done(&self, ending: Ending<'_>) {
        let (initialization_type, phase) = match &mut *self.init() {
            Some(init) if !init.is_runtime_done => {
                init.is_runtime_done = true;
                (init.initialization_type, init.phase)
            }
            Some(_) | None => return,
        };
        let Ending { status, error_type } = ending;
        self.tell(&PlatformEvent::InitRuntimeDone(InitRuntimeDone {
            initialization_type,
            phase,
            status,
            error_type,
        }));
    }

    /// The init phase is over.
    pub(crate) fn tell_init_report(&self, ending: Ending<'_>) {
        self.tell_init_runtime_done(ending);
        let Some(Init { initialization_type, phase, started, .. }) = self.init().take() else {
            return;
        };
        let Ending { status, error_type } = ending;
        self.tell(&PlatformEvent::InitReport(InitReport {
            initialization_type,
            phase,
            status,
            error_type,
            metrics: InitMetrics { duration: started.elapsed() },
        }));
    }
}
