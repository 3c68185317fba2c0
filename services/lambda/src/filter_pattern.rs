// SPDX-License-Identifier: Apache-2.0
//! The grammar of filter patterns: which texts are patterns. What a pattern lets through is the pollers'.
//!
//! A pattern is an object. Its members are patterns again, or lists of rules of which one must hold: a plain value, or
//! an operator. `$or` has a list of patterns. The grammar is EventBridge's, as far as Lambda's documentation names it,
//! with `wildcard` and the exclusions of prefixes and suffixes.

use serde_json::{Map, Value};

/// Patterns are shallow; a deeper one would cost whoever matches it.
const DEPTH_MAX: usize = 32;

pub(crate) fn is_pattern(text: &str) -> bool {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => is_object(&members, 1),
        _ => false,
    }
}

fn is_object(members: &Map<String, Value>, depth: usize) -> bool {
    depth <= DEPTH_MAX
        && !members.is_empty()
        && members.iter().all(|(name, value)| match value {
            Value::Array(patterns) if name == "$or" => is_choice(patterns, depth),
            Value::Array(rules) => !rules.is_empty() && rules.iter().all(is_rule),
            Value::Object(members) => is_object(members, depth + 1),
            _ => false,
        })
}

/// One alternative is no choice.
fn is_choice(patterns: &[Value], depth: usize) -> bool {
    let is_pattern = |pattern: &Value| match pattern {
        Value::Object(members) => is_object(members, depth + 1),
        _ => false,
    };
    patterns.len() >= 2 && patterns.iter().all(is_pattern)
}

fn is_rule(rule: &Value) -> bool {
    let Value::Object(operator) = rule else { return !rule.is_array() };
    let mut operators = operator.iter();
    let (Some((name, operand)), None) = (operators.next(), operators.next()) else { return false };
    match name.as_str() {
        "prefix" | "suffix" => operand.is_string() || is_one(operand, "equals-ignore-case"),
        "equals-ignore-case" => operand.is_string(),
        "wildcard" => operand.as_str().is_some_and(is_wildcard),
        "exists" => operand.is_boolean(),
        "anything-but" => is_exclusion(operand),
        "numeric" => operand.as_array().is_some_and(|bounds| is_range(bounds)),
        _ => false,
    }
}

/// `{"NAME": "text"}`, and nothing else.
fn is_one(operand: &Value, name: &str) -> bool {
    let members = operand.as_object().filter(|members| members.len() == 1);
    members.and_then(|members| members.get(name)).is_some_and(Value::is_string)
}

fn is_wildcard(text: &str) -> bool {
    !text.is_empty() && !text.contains("**")
}

/// Values of one type, or what a text may not be like.
fn is_exclusion(operand: &Value) -> bool {
    match operand {
        Value::String(_) | Value::Number(_) => true,
        Value::Array(values) => is_list_of_one_type(values),
        Value::Object(operator) => operator.len() == 1 && operator.iter().all(is_excluding),
        Value::Null | Value::Bool(_) => false,
    }
}

fn is_excluding((name, operand): (&String, &Value)) -> bool {
    let texts = match operand {
        Value::String(text) => vec![text.as_str()],
        Value::Array(values) => {
            match values.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
                Some(texts) if !texts.is_empty() => texts,
                _ => return false,
            }
        }
        _ => return false,
    };
    match name.as_str() {
        "prefix" | "suffix" | "equals-ignore-case" => true,
        "wildcard" => texts.into_iter().all(is_wildcard),
        _ => false,
    }
}

fn is_list_of_one_type(values: &[Value]) -> bool {
    !values.is_empty()
        && (values.iter().all(Value::is_string) || values.iter().all(Value::is_number))
}

/// `["=", 1]`, `[">", 1]`, or `[">", 1, "<=", 2]`: a lower bound, then a higher one.
fn is_range(bounds: &[Value]) -> bool {
    let bound = |place: usize| {
        let comparison = bounds.get(place)?.as_str()?;
        Some((comparison, bounds.get(place + 1)?.as_f64()?))
    };
    match (bounds.len(), bound(0), bound(2)) {
        (2, Some((comparison, _)), _) => matches!(comparison, "=" | "<" | "<=" | ">" | ">="),
        (4, Some((lower @ (">" | ">="), from)), Some((upper @ ("<" | "<="), to))) => {
            from < to || (from <= to && lower == ">=" && upper == "<=")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for text in [
            r#"{"body": {"a": [1, {"exists": true}]}}"#,
            r#"{"a": [null, "", "b", true, 1.5]}"#,
            r#"{"a": [{"prefix": "b"}, {"suffix": ".png"}, {"equals-ignore-case": "C"}, {"wildcard": "a*b"}]}"#,
            r#"{"a": [{"prefix": {"equals-ignore-case": "b"}}]}"#,
            r#"{"a": [{"anything-but": ["b", "c"]}]}"#,
            r#"{"a": [{"anything-but": 1}, {"anything-but": {"prefix": "b"}}, {"anything-but": {"suffix": ["b"]}}]}"#,
            r#"{"a": [{"numeric": ["=", 1]}, {"numeric": [">", 0, "<=", 5]}, {"numeric": [">=", 5, "<=", 5]}]}"#,
            r#"{"$or": [{"a": ["b"]}, {"c": {"d": [1]}}]}"#,
            r#"{"dynamodb": {"NewImage": {"n": {"N": [{"exists": false}]}}}, "eventName": ["INSERT"]}"#,
        ] {
            assert!(is_pattern(text), "{text}");
        }
    }

    #[test]
    fn texts_that_are_none() {
        for text in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"body": "text"}"#,
            r#"{"body": []}"#,
            r#"{"body": {}}"#,
            r#"{"a": [[1]]}"#,
            r#"{"a": [{}]}"#,
            r#"{"a": [{"prefix": "a", "suffix": "b"}]}"#,
            r#"{"a": [{"prefix": 1}]}"#,
            r#"{"a": [{"exists": "true"}]}"#,
            r#"{"a": [{"unknown": "b"}]}"#,
            r#"{"a": [{"anything-but": ["b", 1]}]}"#,
            r#"{"a": [{"anything-but": []}]}"#,
            r#"{"a": [{"anything-but": {"prefix": [], "suffix": "b"}}]}"#,
            r#"{"a": [{"numeric": ["=", "1"]}]}"#,
            r#"{"a": [{"numeric": ["<", 5, ">", 0]}]}"#,
            r#"{"a": [{"numeric": [">", 5, "<", 5]}]}"#,
            r#"{"a": [{"numeric": ["=", 1, "=", 2]}]}"#,
            r#"{"a": [{"wildcard": "a**"}]}"#,
            r#"{"$or": [{"a": ["b"]}]}"#,
            r#"{"$or": ["a", "b"]}"#,
        ] {
            assert!(!is_pattern(text), "{text}");
        }
        let deep = format!("{}[1]{}", "{\"a\":".repeat(33), "}".repeat(33));
        assert!(!is_pattern(&deep));
    }

    proptest! {
        /// Whatever the text, there is an answer.
        #[test]
        fn any_text_has_an_answer(text in "[\\[\\]{}\":,a0 ]{0,40}") {
            is_pattern(&text);
        }
    }
}
