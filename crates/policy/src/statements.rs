// SPDX-License-Identifier: Apache-2.0
//! Documents as JSON, to be changed: what `AddPermission` and `RemovePermission` of queues and topics do to them.
//!
//! Whether a document is one is not decided here: whoever keeps it has it read first.

use serde_json::{Value, json};

/// A document to change, if there is one.
pub fn editable(policy: Option<&str>) -> Option<Value> {
    serde_json::from_str(policy?).ok().filter(Value::is_object)
}

/// Its statements, as a list: a policy may have one that stands alone.
pub fn statements(policy: &mut Value) -> &mut Vec<Value> {
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

/// A statement that lets accounts do this with a resource.
pub fn permission(
    label: &str,
    account_ids: &[String],
    actions: impl Iterator<Item = String>,
    resource: &str,
) -> Value {
    let principals = account_ids.iter().map(|id| format!("arn:aws:iam::{id}:root"));
    json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_all(principals)},
        "Action": one_or_all(actions),
        "Resource": resource,
    })
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
    fn a_statement_that_stands_alone_becomes_one_of_a_list() {
        let mut policy = editable(Some(r#"{"Statement": {"Sid": "a"}}"#)).unwrap();
        let two = ["Send", "Receive"].map(ToOwned::to_owned).into_iter();
        let added = permission("b", &["111111111111".to_owned()], two, "r");
        statements(&mut policy).push(added);
        assert_eq!(policy["Statement"][0]["Sid"], "a");
        assert_eq!(policy["Statement"][1]["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        assert_eq!(policy["Statement"][1]["Action"], json!(["Send", "Receive"]));
        assert_eq!(editable(Some("[]")), None);
    }
}
