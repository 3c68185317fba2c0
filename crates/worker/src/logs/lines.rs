// SPDX-License-Identifier: Apache-2.0
//! The platform's own log lines, in AWS's text format. Pure.

use std::time::Duration;

/// What the line at the end of an invocation says.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    pub request_id: &'a str,
    pub duration: Duration,
    pub memory_mb: u32,
    pub memory_peak_bytes: u64,
    /// Only on the first invocation of an environment.
    pub init: Option<Duration>,
    /// `timeout`, or `error` with the error's type.
    pub status: Option<Status<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub enum Status<'a> {
    Timeout,
    Error(&'a str),
}

/// `INIT_START Runtime Version: python:3.12.1`. AWS adds the ARN of its own runtime build, which ours is not.
pub fn init_start(runtime_version: &str) -> String {
    format!("INIT_START Runtime Version: {runtime_version}")
}

/// An init phase that failed or took too long. `phase` is `init`, or `invoke` for the second try.
pub fn init_report(duration: Duration, phase: &str, status: Status<'_>) -> String {
    let duration = ms(duration);
    match status {
        Status::Timeout => {
            format!("INIT_REPORT Init Duration: {duration} ms\tPhase: {phase}\tStatus: timeout")
        }
        Status::Error(kind) => {
            format!(
                "INIT_REPORT Init Duration: {duration} ms\tPhase: {phase}\tStatus: error\tError Type: {kind}"
            )
        }
    }
}

pub fn start(request_id: &str, version: &str) -> String {
    format!("START RequestId: {request_id} Version: {version}")
}

pub fn end(request_id: &str) -> String {
    format!("END RequestId: {request_id}")
}

impl Report<'_> {
    /// Whole milliseconds, rounded up. Init is billed with the invocation that waited for it (since 2025-08-01).
    pub fn billed_ms(&self) -> u64 {
        let total = self.duration + self.init.unwrap_or_default();
        u64::try_from(total.as_micros().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
    }

    pub fn line(&self) -> String {
        let Self { request_id, memory_mb, .. } = self;
        let memory_peak_mb = self.memory_peak_bytes.div_ceil(1 << 20);
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {memory_peak_mb} MB\t",
            ms(self.duration),
            self.billed_ms(),
        );
        if let Some(init) = self.init {
            line += &format!("Init Duration: {} ms\t", ms(init));
        }
        match self.status {
            None => {}
            Some(Status::Timeout) => line += "Status: timeout",
            Some(Status::Error(kind)) => line += &format!("Status: error\tError Type: {kind}"),
        }
        line
    }
}

/// Two decimals, as AWS prints durations.
fn ms(duration: Duration) -> String {
    let hundredths = duration.as_micros().div_ceil(10);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn report() -> Report<'static> {
        Report {
            request_id: "r-1",
            duration: Duration::from_micros(2_100),
            memory_mb: 128,
            memory_peak_bytes: 36 << 20,
            init: None,
            status: None,
        }
    }

    #[test]
    fn durations_are_billed_by_the_whole_millisecond() {
        assert_eq!(report().billed_ms(), 3);
        assert_eq!(
            Report { init: Some(Duration::from_micros(117_400)), ..report() }.billed_ms(),
            120
        );
        assert_eq!(Report { duration: Duration::ZERO, ..report() }.billed_ms(), 1);
    }

    #[test]
    fn the_report_is_tab_separated_as_on_aws() {
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t""#]]
            .assert_eq(&format!("{:?}", report().line()));
        let first = Report {
            init: Some(Duration::from_micros(117_400)),
            status: Some(Status::Timeout),
            ..report()
        };
        expect![[r#""REPORT RequestId: r-1\tDuration: 2.10 ms\tBilled Duration: 120 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 117.40 ms\tStatus: timeout""#]]
            .assert_eq(&format!("{:?}", first.line()));
    }
}
