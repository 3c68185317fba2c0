// SPDX-License-Identifier: Apache-2.0
//! `tinderbox record`: invocations that were recorded. Asks the server that runs.

use super::queue;
use crate::arguments::{self, Moment, Output, RecordCommand};
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::metering;
use crate::recorded::{Listed, One, Which};
use crate::terminal;
use anyhow::bail;
use recordings::Outcome;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Attempts of one event that `show` prints.
const ATTEMPTS_MAX: usize = 100;

pub(crate) fn run(config: &Config, command: &RecordCommand) -> anyhow::Result<()> {
    let ask = |request| control::ask(&config.server.data_dir, &request);
    match command {
        RecordCommand::List { function, outcome, since, until, count, output, .. } => {
            let which = Which {
                function: function.as_deref().map(|name| queue::line(config, name)).transpose()?,
                request_id: None,
                outcome: outcome.map(Outcome::from),
                from_ms: since.map(epoch_ms),
                until_ms: until.map(epoch_ms),
            };
            match ask(Request::Recordings { which, count_max: usize::from(*count) })? {
                Answer::Recordings(listed) => show_list(&listed, *output),
                _ => bail!("the server answered something else"),
            }
        }
        RecordCommand::Show { id, .. } => {
            let which = Which { request_id: Some(id.clone()), ..Which::default() };
            let Answer::Recorded(found) =
                ask(Request::Recorded { which, count_max: ATTEMPTS_MAX })?
            else {
                bail!("the server answered something else");
            };
            if found.is_empty() {
                bail!("no invocation with the request id {id} is recorded");
            }
            for whole in found {
                terminal::line(serde_json::to_string(&whole)?)?;
            }
            Ok(())
        }
        RecordCommand::Purge { which, .. } => {
            let function = queue::which_line(config, which)?;
            match ask(Request::PurgeRecordings { function })? {
                Answer::Count(count) => Ok(terminal::line(format!("purged {count} function(s)"))?),
                _ => bail!("the server answered something else"),
            }
        }
    }
}

impl From<arguments::Outcome> for Outcome {
    fn from(outcome: arguments::Outcome) -> Self {
        match outcome {
            arguments::Outcome::Answered => Self::Answered,
            arguments::Outcome::Failed => Self::Failed,
            arguments::Outcome::NotRun => Self::NotRun,
        }
    }
}

pub(super) const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Failed => "failed",
        Outcome::NotRun => "not run",
    }
}

pub(super) fn milliseconds(duration_us: u64) -> String {
    format!("{}.{:03} ms", duration_us / 1_000, duration_us % 1_000)
}

fn show_list(listed: &Listed, output: Output) -> anyhow::Result<()> {
    let recordings = &listed.recordings;
    match output {
        Output::Json => {
            for one in recordings {
                terminal::line(serde_json::to_string(one)?)?;
            }
        }
        Output::Table => {
            let head = [
                "TIME",
                "FUNCTION",
                "VERSION",
                "KIND",
                "OUTCOME",
                "DURATION",
                "BYTES",
                "REQUEST ID",
            ];
            let rows: Vec<Vec<String>> = recordings.iter().map(cells).collect();
            terminal::table(&head, &rows)?;
        }
    }
    for (function, count) in &listed.dropped {
        terminal::note(format!(
            "{count} invocation(s) of {function} were not recorded since the server started: too many at once"
        ));
    }
    Ok(())
}

fn cells(one: &One) -> Vec<String> {
    let One { function, recording } = one;
    let name = function.rsplit(':').next().unwrap_or(function);
    let outcome = word(recording.outcome);
    vec![
        time_text(one),
        match &recording.qualifier {
            Some(qualifier) => format!("{name}:{qualifier}"),
            None => name.to_owned(),
        },
        recording.executed_version.clone(),
        format!("{:?}", recording.kind),
        match &recording.error_type {
            Some(error_type) => format!("{outcome}: {error_type}"),
            None => outcome.to_owned(),
        },
        milliseconds(recording.duration_us),
        recording.payload_bytes.to_string(),
        recording.request_id.clone(),
    ]
}

fn time_text(one: &One) -> String {
    let nanoseconds = i128::from(one.recording.time_ms) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}

fn epoch_ms(moment: Moment) -> i64 {
    let milliseconds = |time: OffsetDateTime| time.unix_timestamp_nanos() / 1_000_000;
    match moment {
        Moment::At(time) => i64::try_from(milliseconds(time)).unwrap_or(i64::MAX),
        Moment::Ago(ago) => {
            let now = i64::try_from(metering::epoch_ms()).unwrap_or(i64::MAX);
            now.saturating_sub(i64::try_from(ago.whole_milliseconds()).unwrap_or(i64::MAX))
        }
    }
}
