// SPDX-License-Identifier: Apache-2.0
//! What is told about an environment: by its log to everybody, and by the Telemetry API or the Logs API to the extensions that
//! subscribed.
//!
//! `event` is what there is to tell; `init` and `invocation` know when. `subscription` reads what an extension asks for; `record`
//! writes for each schema; `subscriber` holds who is told; `buffer` what waits; `deliver` brings it.

mod buffer;
mod deliver;
mod event;
mod init;
mod invocation;
mod record;
mod subscriber;
mod subscription;
mod traced;

pub(crate) use deliver::start as deliver;
pub(crate) use event::{
    Before, End, Extension, InitMetrics, InitPhase, InitReport, InitRuntimeDone, InitStart,
    LogsDropped, PlatformEvent, Report, ReportMetrics, RestoreReport, RestoreRuntimeDone,
    RestoreStart, RuntimeDone, RuntimeDoneMetrics, Span, Start, Status, Subscription, Tracing,
};
pub(crate) use init::{Ending, Init};
pub(crate) use invocation::Invocation;
pub(crate) use subscriber::{NotSubscribed, Telemetry};
pub(crate) use subscription::{Api, Category, parse};
