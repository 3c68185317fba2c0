// SPDX-License-Identifier: Apache-2.0
//! What the platform says about an environment: one value for the log and for who subscribed. Pure.
//!
//! Here are AWS's records, member by member in the order of AWS's own. Their lines in a text log are in `logs::lines`.

use crate::logs::Level;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// The narrow way from the life of an environment to its log and its subscribers: see `LogStream::tell`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlatformEvent<'a> {
    InitStart(InitStart<'a>),
    InitRuntimeDone(InitRuntimeDone<'a>),
    InitReport(InitReport<'a>),
    RestoreStart(RestoreStart<'a>),
    RestoreRuntimeDone(RestoreRuntimeDone<'a>),
    RestoreReport(RestoreReport<'a>),
    Start(Start<'a>),
    RuntimeDone(RuntimeDone<'a>),
    /// For text logs and the Logs API; elsewhere the report says it.
    End(End<'a>),
    /// A failure in words, for text logs and the Logs API; elsewhere the report says it.
    Fault(&'a str),
    Report(Report<'a>),
    Extension(Extension<'a>),
    TelemetrySubscription(Subscription<'a>),
    LogsSubscription(Subscription<'a>),
    LogsDropped(LogsDropped<'a>),
}

/// In which phase an init happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InitPhase {
    Init,
    /// The second try, inside the invocation.
    Invoke,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
    Error,
    Timeout,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitStart<'a> {
    pub(crate) initialization_type: &'static str,
    pub(crate) phase: InitPhase,
    /// None of an image, which brings its runtime along.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) runtime_version: &'a str,
    /// Of the version it runs on: the one in the function's configuration, until a newer one is installed that it may run on.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) runtime_version_arn: &'a str,
    pub(crate) function_name: &'a str,
    pub(crate) function_version: &'a str,
    /// The name of the log stream.
    pub(crate) instance_id: &'a str,
    /// In bytes.
    pub(crate) instance_max_memory: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitRuntimeDone<'a> {
    pub(crate) initialization_type: &'static str,
    pub(crate) phase: InitPhase,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InitReport<'a> {
    pub(crate) initialization_type: &'static str,
    pub(crate) phase: InitPhase,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
    pub(crate) metrics: InitMetrics,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct InitMetrics {
    #[serde(rename = "durationMs", serialize_with = "ms")]
    pub(crate) duration: Duration,
}

/// An environment begins to go on from a snapshot.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreStart<'a> {
    pub(crate) runtime_version: &'a str,
    pub(crate) runtime_version_arn: &'a str,
    pub(crate) function_name: &'a str,
    pub(crate) function_version: &'a str,
    /// The name of the log stream.
    pub(crate) instance_id: &'a str,
    /// In bytes.
    pub(crate) instance_max_memory: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreRuntimeDone<'a> {
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoreReport<'a> {
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
    pub(crate) metrics: InitMetrics,
}

/// What an environment did before its first invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Init(Duration),
    /// It went on from a snapshot: how long all of it took, and what of that the runtime and its hooks did.
    Restore {
        whole: Duration,
        runtime_s: Duration,
    },
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Start<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) function_arn: &'a str,
    pub(crate) version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracing: Option<Tracing<'a>>,
}

/// Of a trace that is sampled.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tracing<'a> {
    pub(crate) span_id: &'a str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) value: &'a str,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeDone<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracing: Option<Tracing<'a>>,
    #[serde(skip_serializing_if = "<[Span]>::is_empty")]
    pub(crate) spans: &'a [Span],
    pub(crate) metrics: RuntimeDoneMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    pub(crate) name: &'static str,
    /// `2026-11-23T04:00:00.000Z`
    pub(crate) start: String,
    #[serde(rename = "durationMs", serialize_with = "ms")]
    pub(crate) duration: Duration,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeDoneMetrics {
    #[serde(rename = "durationMs", serialize_with = "ms")]
    pub(crate) duration: Duration,
    pub(crate) produced_bytes: usize,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct End<'a> {
    pub(crate) request_id: &'a str,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) metrics: ReportMetrics,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracing: Option<Tracing<'a>>,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ReportMetrics {
    #[serde(rename = "durationMs", serialize_with = "ms")]
    pub(crate) duration: Duration,
    #[serde(rename = "billedDurationMs")]
    pub(crate) billed_ms: u64,
    #[serde(rename = "memorySizeMB")]
    pub(crate) memory_mb: u32,
    #[serde(rename = "maxMemoryUsedMB")]
    pub(crate) memory_peak_mb: u64,
    /// Only on the first invocation of an environment.
    #[serde(
        rename = "initDurationMs",
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_ms"
    )]
    pub(crate) init: Option<Duration>,
    /// The same, of one that went on from a snapshot.
    #[serde(
        rename = "restoreDurationMs",
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_ms"
    )]
    pub(crate) restore: Option<Duration>,
    #[serde(rename = "billedRestoreDurationMs", skip_serializing_if = "Option::is_none")]
    pub(crate) billed_restore_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: &'static str,
    pub(crate) events: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Subscription<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: &'static str,
    pub(crate) types: &'a [&'static str],
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogsDropped<'a> {
    pub(crate) reason: &'a str,
    pub(crate) dropped_records: u64,
    pub(crate) dropped_bytes: u64,
}

impl PlatformEvent<'_> {
    /// `platform.report`
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::InitStart(_) => "platform.initStart",
            Self::InitRuntimeDone(_) => "platform.initRuntimeDone",
            Self::InitReport(_) => "platform.initReport",
            Self::RestoreStart(_) => "platform.restoreStart",
            Self::RestoreRuntimeDone(_) => "platform.restoreRuntimeDone",
            Self::RestoreReport(_) => "platform.restoreReport",
            Self::Start(_) => "platform.start",
            Self::RuntimeDone(_) => "platform.runtimeDone",
            Self::End(_) => "platform.end",
            Self::Fault(_) => "platform.fault",
            Self::Report(_) => "platform.report",
            Self::Extension(_) => "platform.extension",
            Self::TelemetrySubscription(_) => "platform.telemetrySubscription",
            Self::LogsSubscription(_) => "platform.logsSubscription",
            Self::LogsDropped(_) => "platform.logsDropped",
        }
    }

    /// As AWS assigns levels to what it says.
    pub(crate) fn level(&self) -> Level {
        let usual = |status: Status, usual: Level| match status {
            Status::Success => usual,
            Status::Error | Status::Timeout => Level::Warn,
        };
        match self {
            Self::InitRuntimeDone(event) => usual(event.status, Level::Debug),
            Self::InitReport(InitReport { initialization_type, status, .. }) => {
                let is_on_demand = *initialization_type == "on-demand";
                usual(*status, if is_on_demand { Level::Debug } else { Level::Info })
            }
            Self::RuntimeDone(event) => usual(event.status, Level::Debug),
            Self::RestoreRuntimeDone(event) => usual(event.status, Level::Debug),
            Self::RestoreReport(event) => usual(event.status, Level::Info),
            Self::Report(event) => usual(event.status, Level::Info),
            Self::Extension(Extension { error_type, .. }) => {
                if error_type.is_none() {
                    Level::Info
                } else {
                    Level::Warn
                }
            }
            Self::Fault(_) | Self::LogsDropped(_) => Level::Warn,
            Self::InitStart(_)
            | Self::RestoreStart(_)
            | Self::Start(_)
            | Self::End(_)
            | Self::TelemetrySubscription(_)
            | Self::LogsSubscription(_) => Level::Info,
        }
    }

    /// The record of a JSON log and of the Telemetry API. `None` for what these do not have.
    pub(crate) fn record(&self) -> Option<String> {
        match self {
            Self::InitStart(record) => json(record),
            Self::InitRuntimeDone(record) => json(record),
            Self::InitReport(record) => json(record),
            Self::RestoreStart(record) => json(record),
            Self::RestoreRuntimeDone(record) => json(record),
            Self::RestoreReport(record) => json(record),
            Self::Start(record) => json(record),
            Self::RuntimeDone(record) => json(record),
            Self::Report(record) => json(record),
            Self::Extension(record) => json(record),
            Self::TelemetrySubscription(record) | Self::LogsSubscription(record) => json(record),
            Self::LogsDropped(record) => json(record),
            Self::End(_) | Self::Fault(_) => None,
        }
    }
}

fn json(record: &impl Serialize) -> Option<String> {
    serde_json::to_string(record).ok()
}

impl<'a> Tracing<'a> {
    /// `value` is `Root=...;Parent=...;Sampled=1`.
    pub(crate) const fn new(span_id: &'a str, value: &'a str) -> Self {
        Self { span_id, kind: "X-Amzn-Trace-Id", value }
    }

    /// Where the invocation came from.
    pub(crate) fn parent(header: &str) -> Option<&str> {
        header.split(';').find_map(|part| part.strip_prefix("Parent="))
    }

    /// The id of the trace.
    pub(crate) fn root(self) -> &'a str {
        let root = self.value.split(';').find_map(|part| part.strip_prefix("Root="));
        root.unwrap_or_default()
    }
}

impl ReportMetrics {
    /// Init is billed with the invocation that waited for it (since 2025-08-01), and every part of a millisecond as a whole one.
    pub(crate) fn new(
        duration: Duration,
        before: Option<Before>,
        memory_mb: u32,
        memory_peak_bytes: u64,
    ) -> Self {
        let (init, restore, billed_before) = match before {
            None => (None, None, Duration::ZERO),
            Some(Before::Init(init)) => (Some(init), None, init),
            // The time of the hooks is billed, and what the platform needs is not.
            Some(Before::Restore { whole, runtime_s }) => (None, Some(whole), runtime_s),
        };
        let billed_ms = whole_ms(duration + billed_before).max(1);
        let billed_restore_ms = restore.map(|_| whole_ms(billed_before));
        let memory_peak_mb = memory_peak_bytes.div_ceil(1 << 20);
        Self { duration, billed_ms, memory_mb, memory_peak_mb, init, restore, billed_restore_ms }
    }
}

/// Every part of a millisecond as a whole one.
fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// Milliseconds with three decimals.
fn ms<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}

fn maybe_ms<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    ms(&duration.unwrap_or_default(), serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const TRACE: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// Members and values as recorded from AWS in 2024 and 2026.
    #[test]
    fn records_are_awss() {
        let init = InitStart {
            initialization_type: "on-demand",
            phase: InitPhase::Init,
            runtime_version: "nodejs:22.11.0",
            runtime_version_arn: "arn:aws:lambda:us-east-1::runtime:0",
            function_name: "f",
            function_version: "$LATEST",
            instance_id: "2026/11/23/[$LATEST]0",
            instance_max_memory: 268_435_456,
        };
        let spans = [Span {
            name: "responseLatency",
            start: "2024-05-20T16:29:45.008Z".into(),
            duration: micros(2215),
        }];
        let events = [
            PlatformEvent::InitStart(init),
            PlatformEvent::InitRuntimeDone(InitRuntimeDone {
                initialization_type: "on-demand",
                phase: InitPhase::Invoke,
                status: Status::Error,
                error_type: Some("Runtime.ExitError"),
            }),
            PlatformEvent::InitReport(InitReport {
                initialization_type: "on-demand",
                phase: InitPhase::Init,
                status: Status::Timeout,
                error_type: None,
                metrics: InitMetrics { duration: micros(10_000_487) },
            }),
            PlatformEvent::Start(Start {
                request_id: "r-1",
                function_arn: "arn",
                version: "$LATEST",
                tenant_id: Some("blue"),
                tracing: Some(Tracing::new("53995c3f42cd8ad8", TRACE)),
            }),
            PlatformEvent::RuntimeDone(RuntimeDone {
                request_id: "r-1",
                status: Status::Success,
                error_type: None,
                tenant_id: None,
                tracing: None,
                spans: &spans,
                metrics: RuntimeDoneMetrics { duration: micros(11_185), produced_bytes: 40 },
            }),
            PlatformEvent::Report(Report {
                request_id: "r-1",
                metrics: ReportMetrics::new(
                    micros(11_642),
                    Some(Before::Init(micros(174_055))),
                    128,
                    67 << 20,
                ),
                tenant_id: None,
                tracing: None,
                status: Status::Success,
                error_type: None,
            }),
        ];
        let records: Vec<_> = events.iter().filter_map(PlatformEvent::record).collect();
        expect![[r#"
            {"initializationType":"on-demand","phase":"init","runtimeVersion":"nodejs:22.11.0","runtimeVersionArn":"arn:aws:lambda:us-east-1::runtime:0","functionName":"f","functionVersion":"$LATEST","instanceId":"2026/11/23/[$LATEST]0","instanceMaxMemory":268435456}
            {"initializationType":"on-demand","phase":"invoke","status":"error","errorType":"Runtime.ExitError"}
            {"initializationType":"on-demand","phase":"init","status":"timeout","metrics":{"durationMs":10000.487}}
            {"requestId":"r-1","functionArn":"arn","version":"$LATEST","tenantId":"blue","tracing":{"spanId":"53995c3f42cd8ad8","type":"X-Amzn-Trace-Id","value":"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}}
            {"requestId":"r-1","status":"success","spans":[{"name":"responseLatency","start":"2024-05-20T16:29:45.008Z","durationMs":2.215}],"metrics":{"durationMs":11.185,"producedBytes":40}}
            {"requestId":"r-1","metrics":{"durationMs":11.642,"billedDurationMs":186,"memorySizeMB":128,"maxMemoryUsedMB":67,"initDurationMs":174.055},"status":"success"}"#]]
        .assert_eq(&records.join("\n"));
    }

    #[test]
    fn durations_are_billed_by_the_whole_millisecond() {
        let billed = |duration, before| ReportMetrics::new(duration, before, 128, 0).billed_ms;
        assert_eq!(billed(micros(2_100), None), 3);
        assert_eq!(billed(micros(2_100), Some(Before::Init(micros(117_400)))), 120);
        let restore = Before::Restore { whole: micros(9_000), runtime_s: micros(1_200) };
        assert_eq!(billed(micros(2_100), Some(restore)), 4, "what the platform does is not");
        assert_eq!(billed(Duration::ZERO, None), 1);
    }

    #[test]
    fn what_went_wrong_is_a_warning() {
        let report = |status| {
            PlatformEvent::Report(Report {
                request_id: "",
                metrics: ReportMetrics::new(Duration::ZERO, None, 128, 0),
                tenant_id: None,
                tracing: None,
                status,
                error_type: None,
            })
            .level()
        };
        assert_eq!(report(Status::Success), Level::Info);
        assert_eq!(report(Status::Error), Level::Warn);
    }
}
