// SPDX-License-Identifier: Apache-2.0
//! One init phase, as the log tells of it.

use crate::failure::Failure;
use crate::logs::LogStream;
use crate::logs::lines::{self, Status};
use tokio::time::Instant;

pub(crate) struct InitPhase<'a> {
    log: &'a LogStream,
    /// `init`, or `invoke` for one inside an invocation.
    name: &'static str,
    started: Instant,
}

impl<'a> InitPhase<'a> {
    pub(crate) fn begin(log: &'a LogStream, runtime_version: &str, name: &'static str) -> Self {
        log.platform(&lines::init_start(runtime_version));
        Self { log, name, started: Instant::now() }
    }

    /// AWS says nothing of one that succeeds. What failed stands in the report; the invocation that follows says why.
    pub(crate) fn fail(&self, failure: &Failure) {
        let status = match failure {
            Failure::TimedOut => Status::Timeout,
            other => Status::Error(other.report_type()),
        };
        self.log.platform(&lines::init_report(self.started.elapsed(), self.name, status));
    }
}
