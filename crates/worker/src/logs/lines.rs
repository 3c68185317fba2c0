// SPDX-License-Identifier: Apache-2.0
//! What the platform says, as lines of a text log. Pure.

use crate::telemetry::{
    Extension, InitPhase, InitReport, InitStart, LogsDropped, PlatformEvent, Report, ReportMetrics,
    RestoreReport, RestoreStart, Start, Status, Subscription,
};
use std::time::Duration;

/// The line of `event`, in AWS's words. `None` for what a text log does not tell.
pub(crate) fn line(event: &PlatformEvent<'_>) -> Option<String> {
    Some(match event {
        // An image brings its runtime along, and AWS says nothing of it.
        PlatformEvent::InitStart(init) if init.runtime_version.is_empty() => return None,
        PlatformEvent::InitStart(init) => {
            let InitStart { runtime_version, runtime_version_arn, .. } = init;
            format!(
                "INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_version_arn}"
            )
        }
        PlatformEvent::InitReport(report) => init_report(report)?,
        PlatformEvent::RestoreStart(restore) => {
            let RestoreStart { runtime_version, runtime_version_arn, .. } = restore;
            format!(
                "RESTORE_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_version_arn}"
            )
        }
        PlatformEvent::RestoreReport(report) => restore_report(report),
        PlatformEvent::Start(Start { request_id, version, .. }) => {
            format!("START RequestId: {request_id} Version: {version}")
        }
        PlatformEvent::End(end) => format!("END RequestId: {}", end.request_id),
        PlatformEvent::Fault(text) => (*text).to_owned(),
        PlatformEvent::Report(report) => self::report(report),
        PlatformEvent::Extension(extension) => self::extension(extension),
        PlatformEvent::TelemetrySubscription(subscription) => {
            format!("TELEMETRY\t{}", self::subscription(subscription))
        }
        PlatformEvent::LogsSubscription(subscription) => {
            format!("LOGS\t{}", self::subscription(subscription))
        }
        PlatformEvent::LogsDropped(LogsDropped { reason, dropped_records, dropped_bytes }) => {
            format!(
                "LOGS_DROPPED Records: {dropped_records}\tBytes: {dropped_bytes}\tReason: {reason}"
            )
        }
        PlatformEvent::InitRuntimeDone(_)
        | PlatformEvent::RestoreRuntimeDone(_)
        | PlatformEvent::RuntimeDone(_) => return None,
    })
}

/// An init phase that failed or took too long.
fn init_report(report: &InitReport<'_>) -> Option<String> {
    let InitReport { phase, status, error_type, metrics, .. } = report;
    let status = self::status(*status, *error_type)?;
    let phase = match phase {
        InitPhase::Init => "init",
        InitPhase::Invoke => "invoke",
    };
    let duration = ms(metrics.duration);
    Some(format!("INIT_REPORT Init Duration: {duration} ms\tPhase: {phase}\t{status}"))
}

fn restore_report(report: &RestoreReport<'_>) -> String {
    let RestoreReport { status, error_type, metrics } = report;
    let line = format!("RESTORE_REPORT Restore Duration: {} ms", ms(metrics.duration));
    match self::status(*status, *error_type) {
        Some(status) => format!("{line}\t{status}"),
        None => line,
    }
}

fn report(report: &Report<'_>) -> String {
    let Report { request_id, metrics, tracing, status, error_type, .. } = report;
    let ReportMetrics {
        duration,
        billed_ms,
        memory_mb,
        memory_peak_mb,
        init,
        restore,
        billed_restore_ms,
    } = metrics;
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {} ms\tBilled Duration: {billed_ms} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {memory_peak_mb} MB\t",
        ms(*duration),
    );
    if let Some(init) = init {
        line += &format!("Init Duration: {} ms\t", ms(*init));
    }
    if let (Some(restore), Some(billed_ms)) = (restore, billed_restore_ms) {
        let restore = ms(*restore);
        line +=
            &format!("Restore Duration: {restore} ms\tBilled Restore Duration: {billed_ms} ms\t");
    }
    line += &status_of(*status, *error_type);
    if let Some(tracing) = tracing {
        let (trace, segment) = (tracing.root(), tracing.span_id);
        line += &format!("\nXRAY TraceId: {trace}\tSegmentId: {segment}\tSampled: true\t");
    }
    line
}

fn status_of(status: Status, error_type: Option<&str>) -> String {
    self::status(status, error_type).unwrap_or_default()
}

fn status(status: Status, error_type: Option<&str>) -> Option<String> {
    match (status, error_type) {
        (Status::Success, _) => None,
        (Status::Timeout, _) => Some("Status: timeout".to_owned()),
        (Status::Error, kind) => {
            Some(format!("Status: error\tError Type: {}", kind.unwrap_or_default()))
        }
    }
}

fn extension(extension: &Extension<'_>) -> String {
    let Extension { name, state, events, error_type } = extension;
    let events = events.join(", ");
    let mut line = format!("EXTENSION\tName: {name}\tState: {state}\tEvents: [{events}]");
    if let Some(error_type) = error_type {
        line += &format!("\tError Type: {error_type}");
    }
    line
}

fn subscription(subscription: &Subscription<'_>) -> String {
    let Subscription { name, state, types } = subscription;
    let titled = |name: &&str| match *name {
        "platform" => "Platform",
        "function" => "Function",
        _ => "Extension",
    };
    let types: Vec<_> = types.iter().map(titled).collect();
    format!("Name: {name}\tState: {state}\tTypes: [{}]", types.join(", "))
}

/// Two decimals, as AWS prints durations.
fn ms(duration: Duration) -> String {
    let hundredths = duration.as_micros().div_ceil(10);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Before, InitMetrics, Tracing};
    use expect_test::expect;

    fn report(before: Option<Before>, status: Status, error_type: Option<&str>) -> String {
        report_of(before, status, error_type, None)
    }

    fn report_of(
        before: Option<Before>,
        status: Status,
        error_type: Option<&str>,
        tracing: Option<Tracing<'_>>,
    ) -> String {
        let metrics = ReportMetrics::new(Duration::from_micros(2_100), before, 128, 36 << 20);
        let report =
            Report { request_id: "r-1", metrics, tenant_id: None, tracing, status, error_type };
        format!("{:?}", line(&PlatformEvent::Report(report)).unwrap())
    }

    #[test]
    fn the_report_is_tab_separated_as_on_aws() {
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t""#]]
            .assert_eq(&report(None, Status::Success, None));
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 120 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 117.40 ms\tStatus: timeout""#]]
            .assert_eq(&report(Some(Before::Init(Duration::from_micros(117_400))), Status::Timeout, None));
        let restore = Before::Restore {
            whole: Duration::from_micros(9_100),
            runtime_s: Duration::from_micros(1_200),
        };
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tRestore Duration: 9.10 ms\tBilled Restore Duration: 2 ms\t""#]]
            .assert_eq(&report(Some(restore), Status::Success, None));
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError""#]]
            .assert_eq(&report(None, Status::Error, Some("Runtime.ExitError")));
    }

    #[test]
    fn a_sampled_invocation_names_its_trace() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=00000000000000aa;Sampled=1";
        let tracing = Some(Tracing::new("53995c3f42cd8ad8", header));
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t""#]]
            .assert_eq(&report_of(None, Status::Success, None, tracing));
    }

    #[test]
    fn an_init_phase_is_told_when_it_failed() {
        let report = |status, error_type| {
            line(&PlatformEvent::InitReport(InitReport {
                initialization_type: "on-demand",
                phase: InitPhase::Invoke,
                status,
                error_type,
                metrics: InitMetrics { duration: Duration::from_micros(150_790) },
            }))
        };
        assert_eq!(report(Status::Success, None), None);
        expect![[r#"Some("INIT_REPORT Init Duration: 150.79 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError")"#]]
            .assert_eq(&format!("{:?}", report(Status::Error, Some("Runtime.ExitError"))));
    }

    #[test]
    fn extensions_are_told() {
        let subscription =
            Subscription { name: "x", state: "Subscribed", types: &["platform", "function"] };
        expect![[r#"Some("TELEMETRY\tName: x\tState: Subscribed\tTypes: [Platform, Function]")"#]]
            .assert_eq(&format!("{:?}", line(&PlatformEvent::TelemetrySubscription(subscription))));
        let extension = Extension {
            name: "x",
            state: "InitError",
            events: &["INVOKE", "SHUTDOWN"],
            error_type: Some("A.B"),
        };
        expect![[r#"Some("EXTENSION\tName: x\tState: InitError\tEvents: [INVOKE, SHUTDOWN]\tError Type: A.B")"#]]
            .assert_eq(&format!("{:?}", line(&PlatformEvent::Extension(extension))));
    }
}
