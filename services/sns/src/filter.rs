// SPDX-License-Identifier: Apache-2.0
//! Filter policies: which messages a subscription wants. Pure.
//!
//! A policy is an event pattern, and what it is held against is the message's attributes as an object, or its body.

use crate::message::Message;
use crate::topic::invalid;
use api::sns::{Attributes, MessageAttributes, fault};
use event_patterns::Pattern;
use serde_json::{Map, Value};
use wire::Result;

const POLICY_BYTES_MAX: usize = 256 << 10;
const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: usize = 150;

#[derive(Debug)]
pub(crate) struct Filter {
    pattern: Pattern,
    scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Attributes,
    Body,
}

/// Why a message is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mismatch {
    NoAttributes,
    Attributes,
    Body,
    NoJson,
}

impl Filter {
    /// What the attributes of a subscription say, which were checked.
    pub(crate) fn of(attributes: &Attributes) -> Option<Self> {
        let pattern = Pattern::parse(attributes.get("FilterPolicy")?).ok()?;
        Some(Self { pattern, scope: scope(attributes) })
    }

    /// `None`: it is wanted.
    pub(crate) fn mismatch(&self, message: &Message) -> Option<Mismatch> {
        let (is_wanted, mismatch) = match self.scope {
            Scope::Attributes => {
                let is_wanted = self.pattern.matches(&object(&message.attributes));
                let has_none = message.attributes.is_empty();
                let mismatch = if has_none { Mismatch::NoAttributes } else { Mismatch::Attributes };
                (is_wanted, mismatch)
            }
            Scope::Body => match serde_json::from_str::<Value>(&message.text) {
                Ok(body) => (self.pattern.matches(&body), Mismatch::Body),
                Err(_) => (false, Mismatch::NoJson),
            },
        };
        (!is_wanted).then_some(mismatch)
    }
}

fn scope(attributes: &Attributes) -> Scope {
    match attributes.get("FilterPolicyScope").map(String::as_str) {
        Some("MessageBody") => Scope::Body,
        _ => Scope::Attributes,
    }
}

/// Refuses a policy that is none, or too complex.
pub(crate) fn check(attributes: &Attributes) -> Result<()> {
    let Some(text) = attributes.get("FilterPolicy") else { return Ok(()) };
    let bad = |reason: &str| invalid(format!("FilterPolicy: {reason}"));
    let policy: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| bad("failed to parse JSON."))?;
    if text.len() > POLICY_BYTES_MAX {
        return Err(fault::filter_policy_limit_exceeded("Filter policy is too large"));
    }
    let is_nested = |(name, value): (&String, &Value)| value.is_object() && name != "$or";
    if scope(attributes) == Scope::Attributes && policy.iter().any(is_nested) {
        return Err(bad(
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ));
    }
    let (mut keys, mut combinations) = (0, 1);
    count(&policy, 1, &mut keys, &mut combinations);
    if keys > KEYS_MAX || combinations > COMBINATIONS_MAX {
        return Err(bad("Filter policy is too complex"));
    }
    Pattern::parse(text)
        .map(drop)
        .map_err(|_| bad("Match value must be String, number, true, false, or null"))
}

/// Counts the members that have values, and the product of how many each has, deeper ones counting more.
fn count(members: &Map<String, Value>, depth: usize, keys: &mut usize, combinations: &mut usize) {
    for (name, value) in members {
        match value {
            Value::Array(choices) if name == "$or" => {
                let objects = choices.iter().filter_map(Value::as_object);
                objects.for_each(|choice| count(choice, depth, keys, combinations));
            }
            Value::Array(values) => {
                *keys += 1;
                *combinations =
                    combinations.saturating_mul(values.len().max(1).saturating_mul(depth));
            }
            Value::Object(nested) => count(nested, depth + 1, keys, combinations),
            _ => {}
        }
    }
}

/// Attributes as an object: texts, numbers, and lists of either. What is binary is not looked at.
fn object(attributes: &MessageAttributes) -> Value {
    let member = |(name, attribute): (&String, &api::sns::MessageAttributeValue)| {
        let text = attribute.string_value.as_deref()?;
        let value = match attribute.data_type.as_str() {
            "String" => Value::from(text),
            "Number" | "String.Array" => serde_json::from_str(text).ok()?,
            // A label of one's own: `String.zip`.
            other if other.starts_with("String") => Value::from(text),
            other if other.starts_with("Number") => serde_json::from_str(text).ok()?,
            _ => return None,
        };
        Some((name.clone(), value))
    };
    Value::Object(attributes.iter().filter_map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::sns::MessageAttributeValue;
    use serde_json::json;

    fn message(attributes: Value, text: &str) -> Message {
        let attribute = |(name, value): (&String, &Value)| {
            let (kind, text) = match value {
                Value::String(text) => ("String", text.clone()),
                Value::Number(number) => ("Number", number.to_string()),
                other => ("String.Array", other.to_string()),
            };
            let value = MessageAttributeValue {
                data_type: kind.to_owned(),
                string_value: Some(text),
                binary_value: None,
            };
            (name.clone(), value)
        };
        let attributes = attributes.as_object().unwrap().iter().map(attribute).collect();
        Message { attributes, text: text.to_owned(), ..Message::default() }
    }

    fn attributes(policy: &Value, scope: &str) -> Attributes {
        [("FilterPolicy", policy.to_string()), ("FilterPolicyScope", scope.to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// The message and the policies of "Amazon SNS subscription filter policies", read 2026-11-23.
    #[test]
    fn awss_example_is_accepted_and_rejected_as_documented() {
        let message = message(
            json!({"store": "example_corp", "event": "order_placed",
                "customer_interests": ["soccer", "rugby", "hockey"], "price_usd": 210.75}),
            "",
        );
        let accepts = json!({"store": ["example_corp"], "event": [{"anything-but": "order_cancelled"}],
            "customer_interests": ["rugby", "football", "baseball"],
            "price_usd": [{"numeric": [">=", 100]}]});
        let rejects = json!({"store": ["example_corp"], "event": ["order_cancelled"],
            "encrypted": [false], "customer_interests": ["basketball", "baseball"]});
        let wants = |policy| {
            Filter::of(&attributes(policy, "MessageAttributes"))
                .unwrap()
                .mismatch(&message)
                .is_none()
        };
        assert!(wants(&accepts));
        assert!(!wants(&rejects));
    }

    #[test]
    fn operators_hold_of_attributes_and_of_the_body() {
        let wants = |policy: Value, value: Value| {
            let object = json!({"key": value});
            let by_attributes = Filter::of(&attributes(&policy, "MessageAttributes")).unwrap();
            let by_body = Filter::of(&attributes(&policy, "MessageBody")).unwrap();
            let answers = [
                by_attributes.mismatch(&message(object.clone(), "no JSON")).is_none(),
                by_body.mismatch(&message(json!({}), &object.to_string())).is_none(),
            ];
            assert_eq!(answers[0], answers[1], "{policy} {object}");
            answers[0]
        };
        assert!(wants(json!({"key": ["rugby", "tennis"]}), json!("rugby")));
        assert!(wants(json!({"key": ["rugby"]}), json!(["soccer", "rugby"])));
        assert!(!wants(json!({"key": ["rugby"]}), json!("Rugby")));
        assert!(wants(json!({"key": [{"equals-ignore-case": "tennis"}]}), json!("TENNIS")));
        assert!(wants(json!({"key": [{"prefix": "bas"}]}), json!("baseball")));
        assert!(wants(json!({"key": [{"suffix": "ball"}]}), json!("baseball")));
        assert!(wants(json!({"key": [{"wildcard": "*ball"}]}), json!("baseball")));
        assert!(!wants(json!({"key": [{"anything-but": ["rugby", "tennis"]}]}), json!("rugby")));
        assert!(wants(json!({"key": [{"anything-but": {"prefix": "order-"}}]}), json!("data")));
        assert!(wants(json!({"key": [{"cidr": "10.0.0.0/24"}]}), json!("10.0.0.255")));
        assert!(wants(json!({"key": [{"numeric": [">", 0, "<=", 150]}]}), json!(150)));
        assert!(wants(json!({"key": [{"numeric": ["=", 301.5]}]}), json!(3.015e2)));
        assert!(wants(json!({"key": [{"exists": true}]}), json!("x")));
        assert!(!wants(json!({"other": [{"exists": true}]}), json!("x")));
        assert!(wants(json!({"other": [{"exists": false}]}), json!("x")));
        assert!(wants(json!({"$or": [{"key": ["a"]}, {"key": ["b"]}]}), json!("b")));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let refused = |policy: &str, scope: &str| {
            let attributes = [("FilterPolicy", policy), ("FilterPolicyScope", scope)];
            check(&attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
                .is_err()
        };
        for policy in
            ["", "[]", r#"{"a": 1}"#, r#"{"a": [{"like": "b"}]}"#, r#"{"a": {"b": ["c"]}}"#]
        {
            assert!(refused(policy, "MessageAttributes"), "{policy}");
        }
        assert!(!refused(r#"{"a": {"b": ["c"]}}"#, "MessageBody"));
        let many: Map<String, Value> = (0..6).map(|n| (n.to_string(), json!(["x"]))).collect();
        assert!(refused(&Value::from(many).to_string(), "MessageBody"));
        let values: Vec<usize> = (0..151).collect();
        assert!(refused(&json!({"a": values}).to_string(), "MessageAttributes"));
    }
}
