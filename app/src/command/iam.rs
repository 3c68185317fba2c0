// SPDX-License-Identifier: Apache-2.0
//! `tinderbox iam explain`: whether somebody may do something, and which statement of which policy says so. Asks the server
//! that runs, which decides as it does for a request.

use crate::arguments::{Explain, ExplainOutput};
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::terminal;
use anyhow::{Context, bail};
use edge::{ExplainedStatement, Explanation, Question};

pub(crate) fn explain(config: &Config, asked: &Explain) -> anyhow::Result<()> {
    let (who, action, resource) = match &asked.message {
        Some(message) => parts(message).context(
            "the message is not a denial: `User: ARN is not authorized to perform: ACTION on resource: ARN ...` is wanted",
        )?,
        None => {
            fn text(given: &Option<String>) -> &str {
                given.as_deref().unwrap_or_default()
            }
            (text(&asked.who), text(&asked.action), text(&asked.resource))
        }
    };
    let question = Question {
        who: who.to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: asked.context.clone(),
        region: config.server.region.clone(),
    };
    let answer = control::ask(&config.server.data_dir, &Request::Explain(question))?;
    let Answer::Explanation(explanation) = answer else {
        bail!("the server answered something else");
    };
    match asked.output {
        ExplainOutput::Json => Ok(terminal::line(serde_json::to_string(&explanation)?)?),
        ExplainOutput::Text => show(&explanation),
    }
}

fn show(explanation: &Explanation) -> anyhow::Result<()> {
    let verdict = if explanation.is_allowed { "allowed" } else { "denied" };
    terminal::line(format!("{verdict}: {}", explanation.sentence))?;
    if !explanation.statements.is_empty() {
        let rows: Vec<Vec<String>> = explanation.statements.iter().map(row).collect();
        terminal::line("")?;
        terminal::table(&["KIND", "POLICY", "STATEMENT", "EFFECT", "OUTCOME"], &rows)?;
    }
    if !explanation.missing_context.is_empty() {
        let keys = explanation.missing_context.join(", ");
        terminal::note(format!(
            "looked at, and without a value: {keys}\nhint: --context KEY=VALUE says what the request has"
        ));
    }
    Ok(())
}

fn row(statement: &ExplainedStatement) -> Vec<String> {
    let sid = statement.sid.as_deref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    vec![
        statement.kind.clone(),
        statement.policy.clone(),
        format!("{}{sid}", statement.number),
        statement.effect.clone(),
        statement.outcome.clone(),
    ]
}

/// Who, what and on what, of a denial as AWS and we write it.
fn parts(message: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = message.split_once("User: ")?;
    let (who, rest) = rest.split_once(" is not authorized to perform: ")?;
    let (action, rest) = rest.split_once(" on resource: ")?;
    let resource = rest.split_whitespace().next()?;
    Some((who.trim(), action.trim(), resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_says_what_was_asked() {
        let denial = "An error occurred (AccessDeniedException) when calling the Invoke operation: User: arn:aws:iam::000000000000:user/ana is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:000000000000:function:f because no identity-based policy allows the lambda:InvokeFunction action";
        let expected = (
            "arn:aws:iam::000000000000:user/ana",
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
        );
        assert_eq!(parts(denial), Some(expected));
        assert_eq!(parts("User: a is not authorized"), None);
    }
}
