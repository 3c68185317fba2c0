// SPDX-License-Identifier: Apache-2.0
//! How a failed invocation looks to its caller: the error documents that the platform itself writes.

use crate::snap_start::InitCause;
use crate::telemetry::{Ending, Status};
use bytes::Bytes;
use sandbox::Exit;
use std::time::Duration;

/// Why an invocation, or an init phase, has no result of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The runtime or the handler reported an error; the document is its own.
    Reported { document: Bytes, error_type: String },
    /// The response is longer than Lambda returns.
    ResponseTooLarge { bytes_max: usize },
    /// The runtime broke off in the middle of its response.
    Truncated,
    /// The runtime gave its response a mode that there is not.
    InvalidResponseMode,
    /// The function's time was up.
    TimedOut,
    /// The runtime process ended.
    Exited { exit: Exit, was_out_of_memory: bool },
    /// There is no bootstrap to run.
    NoEntrypoint,
    /// The bootstrap could not be executed: which one, and why, in the kernel's words.
    NotExecutable { program: String, reason: String },
    /// The image says no program to run.
    NoCommand,
    /// There is no such working directory in the image.
    NoWorkingDirectory { directory: String, reason: String },
    /// The program of `AWS_LAMBDA_EXEC_WRAPPER` could not be executed.
    NoWrapper,
    /// An extension failed, which ends the environment: `Extension.Crash` and its like.
    Extension { error_type: &'static str, reason: String },
}

/// The longest response, in bytes: 6 MiB and 100 bytes of slack, as in AWS's sandbox.
pub(crate) const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024 + 100;

/// The longest one that is made piece by piece, and read so.
pub(crate) const STREAMED_RESPONSE_BYTES_MAX: usize = 200 * 1024 * 1024;

impl Failure {
    /// What `X-Amz-Function-Error` responses carry.
    pub(crate) fn document(&self, request_id: &str, timeout: Duration) -> Bytes {
        match self {
            Self::Reported { document, .. } => document.clone(),
            Self::ResponseTooLarge { .. } => {
                document("Function.ResponseSizeTooLarge", &self.reason(timeout))
            }
            Self::TimedOut
            | Self::Truncated
            | Self::InvalidResponseMode
            | Self::Exited { .. }
            | Self::NoEntrypoint
            | Self::NoCommand
            | Self::NotExecutable { .. }
            | Self::NoWorkingDirectory { .. }
            | Self::NoWrapper
            | Self::Extension { .. } => document(
                self.payload_type(),
                &format!("RequestId: {request_id} Error: {}", self.reason(timeout)),
            ),
        }
    }

    /// `errorType` of the document.
    fn payload_type(&self) -> &str {
        match self {
            Self::Reported { error_type, .. } => error_type,
            Self::ResponseTooLarge { .. } => "Function.ResponseSizeTooLarge",
            Self::Truncated => "Runtime.TruncatedResponse",
            Self::InvalidResponseMode => "Runtime.InvalidResponseModeHeader",
            Self::TimedOut => "Sandbox.Timedout",
            Self::Exited { .. } | Self::NoWrapper => "Runtime.ExitError",
            Self::NoEntrypoint | Self::NoCommand | Self::NotExecutable { .. } => {
                "Runtime.InvalidEntrypoint"
            }
            Self::NoWorkingDirectory { .. } => "Runtime.InvalidWorkingDir",
            Self::Extension { error_type, .. } => error_type,
        }
    }

    /// As the platform tells it.
    pub(crate) fn ending(&self) -> Ending<'_> {
        match self {
            Self::TimedOut => Ending { status: Status::Timeout, error_type: None },
            other => Ending { status: Status::Error, error_type: Some(other.report_type()) },
        }
    }

    /// `Error Type` of the report. It tells an out-of-memory kill from another one, which the document does not.
    fn report_type(&self) -> &str {
        match self {
            Self::Exited { was_out_of_memory: true, .. } => "Runtime.OutOfMemory",
            other => other.payload_type(),
        }
    }

    /// Why an init phase ahead of events failed, for who looks at the version.
    pub(crate) fn init_cause(&self, timeout: Duration) -> (InitCause, String) {
        let reason = match self {
            Self::TimedOut => "the init phase took too long".to_owned(),
            Self::Reported { document, error_type } => {
                format!("{error_type}: {}", told(document, "errorMessage").unwrap_or_default())
            }
            _ => format!("{}: {}", self.report_type(), self.reason(timeout)),
        };
        let cause = match self {
            Self::TimedOut => InitCause::Timeout,
            Self::Exited { was_out_of_memory: true, .. } => InitCause::OutOfMemory,
            Self::NoEntrypoint | Self::NotExecutable { .. } | Self::NoCommand | Self::NoWrapper => {
                InitCause::EntryPoint
            }
            Self::NoWorkingDirectory { .. } => InitCause::WorkingDirectory,
            Self::Extension { .. } => InitCause::Extension,
            Self::Exited { was_out_of_memory: false, .. }
            | Self::Reported { .. }
            | Self::ResponseTooLarge { .. }
            | Self::Truncated
            | Self::InvalidResponseMode => InitCause::Runtime,
        };
        (cause, reason)
    }

    /// As a trace tells it: in the words of the function where it has some.
    pub(crate) fn error(&self, timeout: Duration) -> segments::Error {
        match self {
            Self::Reported { document, error_type } => segments::Error {
                kind: told(document, "errorType").unwrap_or_else(|| error_type.clone()),
                message: told(document, "errorMessage").unwrap_or_default(),
            },
            _ => segments::Error {
                kind: self.payload_type().to_owned(),
                message: self.reason(timeout),
            },
        }
    }

    fn reason(&self, timeout: Duration) -> String {
        match self {
            Self::Reported { error_type, .. } => error_type.clone(),
            Self::ResponseTooLarge { bytes_max } => {
                format!(
                    "Response payload size exceeded maximum allowed payload size ({bytes_max} bytes)."
                )
            }
            Self::Truncated => "Runtime broke off in the middle of its response".to_owned(),
            Self::InvalidResponseMode => {
                "Lambda-Runtime-Function-Response-Mode must be streaming".to_owned()
            }
            Self::TimedOut => format!("Task timed out after {:.2} seconds", timeout.as_secs_f64()),
            Self::Exited { exit, .. } => exit_reason(*exit),
            Self::NotExecutable { program, reason } => format!("fork/exec {program}: {reason}"),
            Self::NoCommand => "the image has neither ENTRYPOINT nor CMD".to_owned(),
            Self::NoWorkingDirectory { directory, reason } => {
                format!("chdir {directory}: {reason}")
            }
            Self::Extension { reason, .. } => reason.clone(),
            // AWS's bootstrap is a shell that executes the wrapper, and says this when it cannot.
            Self::NoWrapper => exit_reason(Exit::Code(127)),
            Self::NoEntrypoint => {
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned()
            }
        }
    }

    /// What the log says about it, beside the report; `None` when the runtime has said it.
    pub(crate) fn log_line(
        &self,
        request_id: &str,
        timeout: Duration,
        timestamp: &str,
    ) -> Option<String> {
        let reason = self.reason(timeout);
        match self {
            Self::Reported { .. } | Self::ResponseTooLarge { .. } => None,
            Self::TimedOut => Some(format!("{timestamp} {request_id} {reason}")),
            Self::Truncated
            | Self::InvalidResponseMode
            | Self::Exited { .. }
            | Self::NoEntrypoint
            | Self::NoCommand
            | Self::NotExecutable { .. }
            | Self::NoWorkingDirectory { .. }
            | Self::NoWrapper
            | Self::Extension { .. } => {
                Some(format!("RequestId: {request_id} Error: {reason}\n{}", self.payload_type()))
            }
        }
    }
}

/// An error of the kernel in Go's words, which AWS's messages have: lower-case, without its number.
pub(crate) fn kernel_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// The most of an error's text that others are told.
const TOLD_CHARS_MAX: usize = 1_024;

/// A text in the error document of a function.
fn told(document: &[u8], member: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(document).ok()?;
    Some(document.get(member)?.as_str()?.chars().take(TOLD_CHARS_MAX).collect())
}

fn document(error_type: &str, message: &str) -> Bytes {
    let escaped = serde_json::Value::from(message);
    format!(r#"{{"errorType":"{error_type}","errorMessage":{escaped}}}"#).into()
}

fn exit_reason(exit: Exit) -> String {
    match exit {
        Exit::Code(0) => "Runtime exited without providing a reason".to_owned(),
        Exit::Code(code) => format!("Runtime exited with error: exit status {code}"),
        Exit::Signal(signal) => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        Exit::Killed => "Runtime exited with error: signal: killed".to_owned(),
    }
}

/// How an extension ended.
pub(crate) fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(0) => "exit code 0".to_owned(),
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal(signal) => format!("signal: {}", signal_name(signal)),
        Exit::Killed => "signal: killed".to_owned(),
    }
}

/// Linux's own words for signals, the way AWS's (Go) runtime prints them.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        31 => "bad system call",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// The type a runtime gave, if it is one that Lambda accepts: `(Runtime|Function)\.[A-Z][a-zA-Z]+`.
pub(crate) fn accepted_error_type(given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    let is_accepted = |rest: &str| {
        rest.len() > 1
            && rest.starts_with(|c: char| c.is_ascii_uppercase())
            && rest.bytes().all(|b| b.is_ascii_alphabetic())
    };
    match given.split_once('.') {
        Some(("Runtime" | "Function", rest)) if is_accepted(rest) => given.to_owned(),
        Some(("Function", _)) => "Function.Unknown".to_owned(),
        _ => "Runtime.Unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn documents_are_aws_s() {
        let failures = [
            Failure::TimedOut,
            Failure::ResponseTooLarge { bytes_max: RESPONSE_BYTES_MAX },
            Failure::Truncated,
            Failure::Exited { exit: Exit::Code(0), was_out_of_memory: false },
            Failure::Exited { exit: Exit::Code(127), was_out_of_memory: false },
            Failure::Exited { exit: Exit::Signal(9), was_out_of_memory: true },
        ];
        let text: Vec<_> = failures
            .iter()
            .map(|failure| {
                String::from_utf8(failure.document("r-1", Duration::from_secs(1)).to_vec()).unwrap()
            })
            .collect();
        expect![[r#"
            {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r-1 Error: Task timed out after 1.00 seconds"}
            {"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}
            {"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: r-1 Error: Runtime broke off in the middle of its response"}
            {"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited without providing a reason"}
            {"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: exit status 127"}
            {"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: signal: killed"}"#]]
        .assert_eq(&text.join("\n"));
    }

    #[test]
    fn the_kernel_s_reason_is_put_in_go_s_words() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(kernel_reason(&error), "no such file or directory");
    }

    #[test]
    fn error_types_of_runtimes_are_checked() {
        for (given, accepted) in [
            (Some("Runtime.UnhandledPromiseRejection"), "Runtime.UnhandledPromiseRejection"),
            (Some("Function.bad"), "Function.Unknown"),
            (Some("ValueError"), "Runtime.Unknown"),
            (None, "Runtime.Unknown"),
        ] {
            assert_eq!(accepted_error_type(given), accepted);
        }
    }
}
