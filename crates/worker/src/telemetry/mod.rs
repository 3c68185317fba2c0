// SPDX-License-Identifier: Apache-2.0
//! What is told about an environment, beside its log.

mod event;
mod init;
mod invocation;

pub(crate) use event::{
    End, Extension, InitMetrics, InitPhase, InitReport, InitRuntimeDone, InitStart, LogsDropped,
    PlatformEvent, Report, ReportMetrics, RuntimeDone, RuntimeDoneMetrics, Span, Start, Status,
    Tracing,
};
pub(crate) use init::{Ending, Init};
pub(crate) use invocation::Invocation;
