// SPDX-License-Identifier: Apache-2.0
//! `tinderbox replay`: invokes a function again with a recorded event, and shows both ends beside each other. Asks the server that
//! runs.

use super::record::{milliseconds, word};
use crate::arguments::{self, Invocation, Output};
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::recorded::{Compared, Replay, Side};
use crate::terminal;
use anyhow::bail;

/// Letters of an answer in a table. All of it is in the JSON.
const ANSWER_MAX: usize = 60;

pub(crate) fn run(config: &Config, which: &arguments::Rerun) -> anyhow::Result<()> {
    let request = Request::Replay(Replay {
        request_id: which.id.clone(),
        qualifier: which.qualifier.clone(),
        is_queued: which.invocation == Invocation::Event,
    });
    let Answer::Replayed(compared) = control::ask(&config.server.data_dir, &request)? else {
        bail!("the server answered something else");
    };
    match which.output {
        Output::Json => terminal::line(serde_json::to_string(&compared)?)?,
        Output::Table => terminal::table(&["", "RECORDED", "REPLAY"], &rows(&compared))?,
    }
    Ok(())
}

fn rows(compared: &Compared) -> Vec<Vec<String>> {
    let row = |name: &str, cell: fn(&Side) -> String| {
        vec![name.to_owned(), cell(&compared.recorded), cell(&compared.replay)]
    };
    vec![
        row("request id", |side| side.request_id.clone()),
        row("version", |side| side.executed_version.clone().unwrap_or_default()),
        row("outcome", outcome),
        row("duration", |side| side.duration_us.map(milliseconds).unwrap_or_default()),
        row("answer", |side| cut(side.answer.as_deref().unwrap_or_default())),
    ]
}

fn outcome(side: &Side) -> String {
    match (side.outcome, &side.error_type) {
        (None, _) => "queued".to_owned(),
        (Some(outcome), Some(error_type)) => format!("{}: {error_type}", word(outcome)),
        (Some(outcome), None) => word(outcome).to_owned(),
    }
}

fn cut(answer: &str) -> String {
    let line: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= ANSWER_MAX {
        return line;
    }
    line.chars().take(ANSWER_MAX).chain(['…']).collect()
}
