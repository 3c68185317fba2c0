// SPDX-License-Identifier: Apache-2.0
//! `tinderbox events tail`: what flows from where to where, while it happens. Asks the server that runs.

use super::{logs, queue};
use crate::arguments::Tailed;
use crate::config::Config;
use crate::control;
use crate::tail::Told;
use crate::terminal;
use anyhow::{Context, bail};
use flow::{Fact, Filter, Outcome};
use names::AccountId;
use serde::Serialize;

/// A fact as `--json` prints it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    account: &'a str,
    source: &'a str,
    target: &'a str,
    outcome: Outcome,
    count: usize,
    reason: Option<&'a str>,
    request_id: Option<&'a str>,
    trace_id: Option<&'a str>,
}

pub(crate) fn tail(config: &Config, asked: &Tailed) -> anyhow::Result<()> {
    let account: Option<AccountId> = asked.of_account.as_deref().map(str::parse).transpose()?;
    let function = asked.function.as_deref();
    let filter = Filter {
        account: account.as_ref().map(ToString::to_string),
        function: function.map(|function| queue::line(config, function)).transpose()?,
        source: asked.source.clone(),
    };
    let show = |told: Told| match told {
        Told::Listening => {
            terminal::note("listening; what happens from now on is shown");
            Ok(())
        }
        Told::Fact(fact) if asked.json => Ok(terminal::line(json(&fact)?)?),
        Told::Fact(fact) => Ok(terminal::line(text(&fact, &config.server.account))?),
        Told::Missed(count) if asked.json => Ok(terminal::line(format!("{{\"missed\":{count}}}"))?),
        Told::Missed(count) => {
            Ok(terminal::line(format!("({count} not shown: they came too fast)"))?)
        }
        Told::Error(error) => bail!("{error}"),
    };
    control::follow(&config.server.data_dir, filter, show)?;
    terminal::note("the server stopped");
    Ok(())
}

fn json(fact: &Fact) -> anyhow::Result<String> {
    let line = Line {
        time: time(fact),
        account: &fact.account,
        source: &fact.source,
        target: &fact.target,
        outcome: fact.outcome,
        count: fact.count,
        reason: fact.reason.as_deref(),
        request_id: fact.request_id.as_deref(),
        trace_id: fact.trace_id.as_deref(),
    };
    serde_json::to_string(&line).context("a fact can not be written")
}

/// `own` is the account that needs no mention.
fn text(fact: &Fact, own: &str) -> String {
    let mut text = format!("{} ", time(fact));
    if fact.account != own && !fact.account.is_empty() {
        text += &format!("{} ", fact.account);
    }
    text += &format!("{} -> {}: {}", place(&fact.source), place(&fact.target), fact.outcome);
    if fact.count > 1 {
        text += &format!(" {}", fact.count);
    }
    if let Some(reason) = &fact.reason {
        text += &format!(" ({})", one_line(reason));
    }
    if let Some(id) = &fact.request_id {
        text += &format!(" request={id}");
    }
    if let Some(id) = &fact.trace_id {
        text += &format!(" trace={id}");
    }
    text
}

/// Kind and name, once where they are the same.
fn place(place: &str) -> String {
    match (flow::kind(place), flow::name(place)) {
        (kind, name) if kind == name => kind.to_owned(),
        (kind, name) => format!("{kind} {name}"),
    }
}

/// What others wrote does not steer this terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn time(fact: &Fact) -> String {
    logs::timestamp(i64::try_from(fact.time_ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact() -> Fact {
        let queue = "arn:aws:sqs:us-east-1:000000000000:orders";
        let function = "arn:aws:lambda:us-east-1:000000000000:function:work:live";
        let fact = Fact::new(queue, function, Outcome::NotAllowed).times(3).in_request("r");
        Fact { time_ms: 1_700_000_000_123, ..fact.because("no\nway") }
    }

    #[test]
    fn a_fact_is_one_line() {
        let said = "queue orders -> function work:live: not allowed 3 (no way) request=r";
        let shown = |own| text(&fact(), own);
        assert_eq!(shown("000000000000"), format!("2023-11-14T22:13:20.123Z {said}"));
        assert_eq!(shown("111111111111"), format!("2023-11-14T22:13:20.123Z 000000000000 {said}"));
        let call = Fact::new("api", "nobody", Outcome::Accepted);
        assert!(text(&call, "").ends_with("Z api -> nobody: accepted"));
    }

    #[test]
    fn json_has_all_of_it() {
        let expected = concat!(
            r#"{"time":"2023-11-14T22:13:20.123Z","account":"000000000000","#,
            r#""source":"arn:aws:sqs:us-east-1:000000000000:orders","#,
            r#""target":"arn:aws:lambda:us-east-1:000000000000:function:work:live","#,
            r#""outcome":"not-allowed","count":3,"reason":"no\nway","request_id":"r","trace_id":null}"#
        );
        assert_eq!(json(&fact()).unwrap(), expected);
    }
}
