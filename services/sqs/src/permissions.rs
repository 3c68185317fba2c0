// SPDX-License-Identifier: Apache-2.0
//! `AddPermission` and `RemovePermission`: statements of a queue's policy, each under a label.

use api::sqs::{AddPermissionInput, fault};
use policy::{editable, permission, statements};
use serde_json::json;
use wire::Result;

/// What may be permitted so.
const ACTIONS: [&str; 7] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
];
const ACTIONS_MAX: usize = 7;
const STATEMENTS_MAX: usize = 20;
const LABEL_CHARACTERS_MAX: usize = 80;

/// The policy with a statement that permits this.
pub(crate) fn with(policy: Option<&str>, arn: &str, input: &AddPermissionInput) -> Result<String> {
    check(input)?;
    let mut policy = editable(policy).unwrap_or_else(
        || json!({"Version": "2012-10-17", "Id": format!("{arn}/SQSDefaultPolicy"), "Statement": []}),
    );
    let statements = statements(&mut policy);
    if statements.iter().any(|statement| statement["Sid"] == input.label.as_str()) {
        let label = &input.label;
        return Err(fault::invalid_parameter_value(format!(
            "Value {label} for parameter Label is invalid. Reason: Already exists."
        )));
    }
    if statements.len() >= STATEMENTS_MAX {
        return Err(fault::over_limit(format!(
            "A policy has at most {STATEMENTS_MAX} statements."
        )));
    }
    let actions = input.actions.iter().map(|action| format!("SQS:{action}"));
    statements.push(permission(&input.label, &input.account_ids, actions, arn));
    Ok(policy.to_string())
}

/// The policy without the statement of this label. `None` when it was the last.
pub(crate) fn without(policy: Option<&str>, label: &str) -> Result<Option<String>> {
    let absent = || {
        fault::invalid_parameter_value(format!(
            "Value {label} for parameter Label is invalid. Reason: can't find label."
        ))
    };
    let mut policy = editable(policy).ok_or_else(absent)?;
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label);
    if statements.len() == before {
        return Err(absent());
    }
    Ok((!statements.is_empty()).then(|| policy.to_string()))
}

fn check(input: &AddPermissionInput) -> Result<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = &input.label;
    if !(1..=LABEL_CHARACTERS_MAX).contains(&label.len()) || !label.bytes().all(is_allowed) {
        return Err(fault::invalid_parameter_value(format!(
            "Value {label} for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
        )));
    }
    if input.actions.is_empty() || input.account_ids.is_empty() {
        let name = if input.actions.is_empty() { "Actions" } else { "PrincipalId" };
        return Err(crate::message::missing(name));
    }
    if input.actions.len() > ACTIONS_MAX {
        return Err(fault::over_limit(format!(
            "{} Actions were found, maximum allowed is {ACTIONS_MAX}.",
            input.actions.len()
        )));
    }
    if let Some(action) = input.actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(fault::invalid_parameter_value(format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions."
        )));
    }
    let is_account = |id: &String| id.parse::<names::AccountId>().is_ok();
    if let Some(id) = input.account_ids.iter().find(|id| !is_account(id)) {
        return Err(fault::invalid_parameter_value(format!(
            "Value {id} for parameter PrincipalId is invalid. Reason: Unable to verify."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn input(label: &str) -> AddPermissionInput {
        AddPermissionInput {
            label: label.to_owned(),
            account_ids: vec!["111111111111".to_owned()],
            actions: vec!["SendMessage".to_owned(), "ReceiveMessage".to_owned()],
            ..AddPermissionInput::default()
        }
    }

    #[test]
    fn a_statement_comes_and_goes() {
        let policy = with(None, "arn:q", &input("a")).unwrap();
        let policy = with(Some(&policy), "arn:q", &input("b")).unwrap();
        let read: Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(read["Statement"][1]["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        assert_eq!(
            read["Statement"][0]["Action"],
            json!(["SQS:SendMessage", "SQS:ReceiveMessage"])
        );
        assert!(with(Some(&policy), "arn:q", &input("a")).is_err());
        let policy = without(Some(&policy), "a").unwrap().unwrap();
        assert!(without(Some(&policy), "a").is_err());
        assert_eq!(without(Some(&policy), "b").unwrap(), None);
    }

    #[test]
    fn what_no_policy_may_say_is_refused() {
        for bad in [
            AddPermissionInput { label: "a b".into(), ..input("a") },
            AddPermissionInput { actions: vec!["Fly".into()], ..input("a") },
            AddPermissionInput { actions: Vec::new(), ..input("a") },
            AddPermissionInput { account_ids: vec!["1".into()], ..input("a") },
        ] {
            assert!(with(None, "arn:q", &bad).is_err(), "{bad:?}");
        }
    }
}
