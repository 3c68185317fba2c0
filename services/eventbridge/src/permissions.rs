// SPDX-License-Identifier: Apache-2.0
//! A bus's policy, whole or statement by statement.

use crate::buses::unavailable;
use crate::rule::invalid;
use api::eventbridge::{Condition, PutPermissionInput, RemovePermissionInput, fault};
use policy::{Document, Kind};
use serde_json::{Value, json};
use wire::Result;

const POLICY_BYTES_MAX: usize = 10_240;

/// The policy that is asked for, or the one that is there with one more statement.
pub(crate) fn with(policy: Option<&str>, arn: &str, input: PutPermissionInput) -> Result<String> {
    let text = match input {
        PutPermissionInput {
            policy: Some(whole),
            action: None,
            principal: None,
            statement_id: None,
            condition: None,
            ..
        } => whole,
        PutPermissionInput { policy: Some(_), .. } => {
            return Err(invalid(
                "Policy can't be specified with Action, Principal, StatementId or Condition.",
            ));
        }
        PutPermissionInput {
            action: Some(action),
            principal: Some(principal),
            statement_id: Some(id),
            condition,
            ..
        } => {
            let mut policy = policy.map_or_else(empty, read);
            let statements = statements(&mut policy);
            statements.retain(|statement| statement["Sid"] != id.as_str());
            statements.push(statement(&id, &action, &principal, condition, arn)?);
            policy.to_string()
        }
        PutPermissionInput { .. } => {
            return Err(invalid(
                "Parameters Action, Principal and StatementId must be specified, or Policy.",
            ));
        }
    };
    if text.len() > POLICY_BYTES_MAX {
        return Err(fault::policy_length_exceeded(
            "The event bus policy exceeds the maximum size allowed.",
        ));
    }
    match Document::parse(&text, Kind::Resource) {
        Ok(_) => Ok(text),
        Err(error) => Err(invalid(format!("The policy is not valid: {error}"))),
    }
}

/// The policy without a statement. `None` when it was the last.
pub(crate) fn without(
    policy: Option<&str>,
    input: &RemovePermissionInput,
) -> Result<Option<String>> {
    if input.remove_all_permissions == Some(true) {
        return Ok(None);
    }
    let Some(id) = &input.statement_id else {
        return Err(invalid("Parameter StatementId must be specified."));
    };
    let gone = |text: &str| fault::resource_not_found(text);
    let mut policy = read(policy.ok_or_else(|| gone("EventBus does not have a policy."))?);
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != id.as_str());
    match statements.len() {
        0 => Ok(None),
        left if left < before => Ok(Some(policy.to_string())),
        _ => Err(gone("Statement with the provided id does not exist.")),
    }
}

fn statement(
    id: &str,
    action: &str,
    principal: &str,
    condition: Option<Condition>,
    arn: &str,
) -> Result<Value> {
    if action != "events:PutEvents" {
        return Err(invalid("Provided value in parameter 'action' is not supported."));
    }
    let who = match principal {
        "*" => json!("*"),
        account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
    };
    // Accounts of this server are in no organization, which is all that a condition can be about here.
    if condition.is_some() {
        return Err(unavailable("Condition"));
    }
    Ok(json!({"Sid": id, "Effect": "Allow", "Principal": who, "Action": action, "Resource": arn}))
}

fn empty() -> Value {
    json!({"Version": "2012-10-17", "Statement": []})
}

fn read(policy: &str) -> Value {
    serde_json::from_str(policy).ok().filter(Value::is_object).unwrap_or_else(empty)
}

/// The statements, as a list: a policy may have one that stands alone.
fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statement = &mut policy["Statement"];
    if !statement.is_array() {
        let alone = statement.take();
        *statement = Value::Array(if alone.is_null() { Vec::new() } else { vec![alone] });
    }
    match statement {
        Value::Array(statements) => statements,
        _ => unreachable!("it was made a list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:events:us-east-1:000000000000:event-bus/b";

    fn permission(id: &str, principal: &str) -> PutPermissionInput {
        PutPermissionInput {
            action: Some("events:PutEvents".to_owned()),
            principal: Some(principal.to_owned()),
            statement_id: Some(id.to_owned()),
            ..PutPermissionInput::default()
        }
    }

    fn removal(id: &str) -> RemovePermissionInput {
        RemovePermissionInput { statement_id: Some(id.to_owned()), ..Default::default() }
    }

    #[test]
    fn statements_come_and_go() {
        let policy = with(None, ARN, permission("a", "111111111111")).unwrap();
        let policy = with(Some(&policy), ARN, permission("b", "*")).unwrap();
        let read: Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(read["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        assert_eq!(
            (&read["Statement"][1]["Principal"], &read["Statement"][1]["Resource"]),
            (&json!("*"), &json!(ARN))
        );
        // A statement of the same id is replaced.
        let policy = with(Some(&policy), ARN, permission("b", "222222222222")).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&policy).unwrap()["Statement"].as_array().unwrap().len(),
            2
        );
        let policy = without(Some(&policy), &removal("a")).unwrap().unwrap();
        assert!(without(Some(&policy), &removal("a")).is_err());
        assert_eq!(without(Some(&policy), &removal("b")).unwrap(), None);
        assert!(without(None, &removal("b")).is_err());
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let whole = |policy: &str| PutPermissionInput {
            policy: Some(policy.to_owned()),
            ..Default::default()
        };
        assert!(with(None, ARN, whole("{}")).is_err());
        assert!(
            with(
                None,
                ARN,
                PutPermissionInput { policy: Some("{}".to_owned()), ..permission("a", "*") }
            )
            .is_err()
        );
        assert!(
            with(None, ARN, PutPermissionInput { action: None, ..permission("a", "*") }).is_err()
        );
        let long = format!(r#"{{"Statement":[],"Id":"{}"}}"#, "a".repeat(POLICY_BYTES_MAX));
        assert_eq!(
            with(None, ARN, whole(&long)).unwrap_err().code,
            "PolicyLengthExceededException"
        );
        let good = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"*"}]}"#;
        assert_eq!(with(Some("{}"), ARN, whole(good)).unwrap(), good);
    }
}
