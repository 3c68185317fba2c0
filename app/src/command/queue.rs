// SPDX-License-Identifier: Apache-2.0
//! `tinderbox queue`: what waits of asynchronous invocations, and what to do with it. Asks the server that runs.

use crate::arguments::{QueueCommand, Which};
use crate::config::Config;
use crate::control::{self, Answer, Kind, Line, Request};
use crate::terminal;
use anyhow::{Context, bail};
use names::{FunctionArn, FunctionReference};

/// Items that `list` shows.
const ITEMS_MAX: usize = 1_000;

pub(crate) fn run(config: &Config, command: Option<&QueueCommand>) -> anyhow::Result<()> {
    let request = match command {
        None => Request::Lines,
        Some(QueueCommand::List { function, .. }) => {
            Request::Items { line: line(config, function)?, count_max: ITEMS_MAX }
        }
        Some(QueueCommand::Purge { which, undelivered, events, .. }) => {
            let only = match (undelivered, events) {
                (true, false) => Some(Kind::Deliveries),
                (false, true) => Some(Kind::Events),
                _ => None,
            };
            Request::Purge { line: which_line(config, which)?, only }
        }
        Some(QueueCommand::Redrive { which, .. }) => {
            Request::Redrive { line: which_line(config, which)? }
        }
    };
    match (control::ask(&config.server.data_dir, &request)?, command) {
        (Answer::Lines(lines), _) => show(&lines),
        (Answer::Items(items), _) => {
            for item in items {
                terminal::line(serde_json::to_string(&item)?)?;
            }
            Ok(())
        }
        (Answer::Count(count), Some(QueueCommand::Purge { .. })) => {
            Ok(terminal::line(format!("purged {count}"))?)
        }
        (Answer::Count(count), _) => Ok(terminal::line(format!("redriven {count}"))?),
        (Answer::Error(error), _) => bail!("{error}"),
        (_, _) => bail!("the server answered something else"),
    }
}

/// The line of a function that was named in any way: its ARN.
pub(super) fn line(config: &Config, function: &str) -> anyhow::Result<String> {
    let reference: FunctionReference =
        function.parse().with_context(|| format!("`{function}` is not a function's name"))?;
    let arn = reference.resolve(&config.server.region.parse()?, &config.server.account.parse()?);
    Ok(FunctionArn::unqualified(arn).to_string())
}

pub(super) fn which_line(config: &Config, which: &Which) -> anyhow::Result<Option<String>> {
    which.function.as_deref().map(|function| line(config, function)).transpose()
}

fn show(lines: &[Line]) -> anyhow::Result<()> {
    let width = lines.iter().map(|line| line.function.len()).max().unwrap_or_default().max(8);
    terminal::line(format!(
        "{:width$} {:>8} {:>8} {:>8} {:>9} {:>11} {:>12} {:>10}",
        "FUNCTION", "EVENTS", "RUNNING", "RETRYING", "THROTTLED", "UNDELIVERED", "BYTES", "OLDEST"
    ))?;
    for line in lines {
        terminal::line(format!(
            "{:width$} {:>8} {:>8} {:>8} {:>9} {:>11} {:>12} {:>9}s",
            line.function,
            line.events,
            line.running,
            line.retrying,
            line.throttled,
            line.undelivered,
            line.bytes,
            line.oldest_age_ms / 1_000
        ))?;
    }
    Ok(())
}
