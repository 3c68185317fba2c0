// SPDX-License-Identifier: Apache-2.0
//! A topic's policy: AWS's default one, and statements that `AddPermission` makes.

use crate::topic::{TopicKey, invalid};
use api::sns::AddPermissionInput;
use serde_json::{Value, json};
use wire::Result;

const ACTIONS: [&str; 9] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
];
/// Of those, what the default policy allows.
const DEFAULT_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

/// What a topic has until somebody sets another.
pub(crate) fn default(key: &TopicKey) -> Value {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": DEFAULT_ACTIONS,
            "Resource": key.arn(),
            "Condition": {"StringEquals": {"AWS:SourceOwner": key.account.as_str()}},
        }],
    })
}

/// The policy with a statement that permits this.
pub(crate) fn with(
    policy: Option<&str>,
    key: &TopicKey,
    input: &AddPermissionInput,
) -> Result<String> {
    let mut policy = read(policy).unwrap_or_else(|| default(key));
    let statements = statements(&mut policy);
    if statements.iter().any(|statement| statement["Sid"] == input.label.as_str()) {
        return Err(invalid("Statement already exists"));
    }
    let is_action = |action: &String| action == "*" || ACTIONS.contains(&action.as_str());
    if input.action_name.is_empty() || !input.action_name.iter().all(is_action) {
        return Err(invalid("Policy statement action out of service scope!"));
    }
    let is_account = |id: &String| id.parse::<names::AccountId>().is_ok();
    if input.aws_account_id.is_empty() || !input.aws_account_id.iter().all(is_account) {
        return Err(invalid("AWSAccountId"));
    }
    let principals = input.aws_account_id.iter().map(|id| format!("arn:aws:iam::{id}:root"));
    let actions = input.action_name.iter().map(|action| format!("SNS:{action}"));
    statements.push(json!({
        "Sid": input.label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_all(principals)},
        "Action": one_or_all(actions),
        "Resource": key.arn(),
    }));
    Ok(policy.to_string())
}

/// The policy without the statement of this label, if it has it.
pub(crate) fn without(policy: Option<&str>, key: &TopicKey, label: &str) -> Option<String> {
    let mut policy = read(policy).unwrap_or_else(|| default(key));
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label);
    (statements.len() < before).then(|| policy.to_string())
}

fn read(policy: Option<&str>) -> Option<Value> {
    serde_json::from_str(policy?).ok().filter(Value::is_object)
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

fn one_or_all(texts: impl Iterator<Item = String>) -> Value {
    let mut texts: Vec<String> = texts.collect();
    match texts.len() {
        1 => texts.pop().map_or(Value::Null, Value::String),
        _ => Value::from(texts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_comes_and_goes() {
        let key = TopicKey::of_text("000000000000/us-east-1/t").unwrap();
        let input = |label: &str, action: &str| AddPermissionInput {
            label: label.to_owned(),
            aws_account_id: vec!["111111111111".to_owned()],
            action_name: vec![action.to_owned()],
            ..AddPermissionInput::default()
        };
        let policy = with(None, &key, &input("a", "Publish")).unwrap();
        let read: Value = serde_json::from_str(&policy).unwrap();
        assert_eq!(read["Statement"][1]["Action"], "SNS:Publish");
        assert_eq!(read["Statement"][1]["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        assert!(with(Some(&policy), &key, &input("a", "Publish")).is_err());
        assert!(with(Some(&policy), &key, &input("b", "Fly")).is_err());
        let policy = without(Some(&policy), &key, "a").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&policy).unwrap(), default(&key));
        assert_eq!(without(Some(&policy), &key, "a"), None);
    }
}
