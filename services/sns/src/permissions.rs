// SPDX-License-Identifier: Apache-2.0
//! A topic's policy: AWS's default one, and statements that `AddPermission` makes.

use crate::topic::{TopicKey, invalid};
use api::sns::AddPermissionInput;
use policy::{editable, permission, statements};
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
    let mut policy = editable(policy).unwrap_or_else(|| default(key));
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
    let actions = input.action_name.iter().map(|action| format!("SNS:{action}"));
    statements.push(permission(&input.label, &input.aws_account_id, actions, &key.arn()));
    Ok(policy.to_string())
}

/// Whether all actions of a policy, which was read before, are of topics. Patterns may mean any.
pub(crate) fn are_in_scope(policy: &str) -> bool {
    let is_in_scope = |action: &Value| {
        let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
        let name = action.strip_prefix("sns:").unwrap_or_default();
        name.contains(['*', '?']) || ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    editable(Some(policy)).is_some_and(|mut policy| {
        statements(&mut policy).iter().all(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.iter().all(is_in_scope),
            // It says which not.
            Value::Null => true,
            action => is_in_scope(action),
        })
    })
}

/// The policy without the statement of this label, if it has it. Without the last it is the default one: a policy has a statement.
pub(crate) fn without(policy: Option<&str>, key: &TopicKey, label: &str) -> Option<String> {
    let mut policy = editable(policy).unwrap_or_else(|| default(key));
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label);
    if statements.len() == before {
        return None;
    }
    Some(if statements.is_empty() { default(key) } else { policy }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_speaks_of_topics_alone() {
        let is_good =
            |actions: &str| are_in_scope(&format!(r#"{{"Statement": [{{"Action": {actions}}}]}}"#));
        assert!(is_good(r#""SNS:Publish""#) && is_good(r#"["sns:Get*", "sns:Subscribe"]"#));
        assert!(
            !is_good(r#""sqs:SendMessage""#) && !is_good(r#"["sns:Fly"]"#) && !is_good(r#""*""#)
        );
    }

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
        let policy = without(Some(&policy), &key, "__default_statement_ID").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&policy).unwrap(), default(&key));
    }
}
