// SPDX-License-Identifier: Apache-2.0
//! Which texts are patterns.
//!
//! The grammar is EventBridge's, with every operator that its documentation names.

use crate::rule::{Bound, Comparison, Exclusion, Network, Rule, Wildcard};
use crate::{Condition, Conditions};
use serde_json::{Map, Value};

/// Patterns are shallow; a deeper one would cost whoever matches it.
const DEPTH_MAX: usize = 32;

pub(crate) fn read(text: &str) -> Option<Conditions> {
    match serde_json::from_str(text).ok()? {
        Value::Object(members) => object(members, 1),
        _ => None,
    }
}

fn object(members: Map<String, Value>, depth: usize) -> Option<Conditions> {
    if depth > DEPTH_MAX || members.is_empty() {
        return None;
    }
    let condition = |(name, value): (String, Value)| match value {
        Value::Array(choices) if name == "$or" => either(choices, depth).map(Condition::Either),
        Value::Array(rules) => all(rules, rule).map(|rules| Condition::Member(name, rules)),
        Value::Object(members) => {
            object(members, depth + 1).map(|conditions| Condition::Object(name, conditions))
        }
        _ => None,
    };
    members.into_iter().map(condition).collect::<Option<_>>().map(Conditions)
}

/// One alternative is no choice.
fn either(choices: Vec<Value>, depth: usize) -> Option<Vec<Conditions>> {
    let choice = |choice: Value| match choice {
        Value::Object(members) => object(members, depth + 1),
        _ => None,
    };
    all(choices, choice).filter(|choices| choices.len() >= 2)
}

/// At least one, and each of them good.
fn all<T>(values: Vec<Value>, read: impl FnMut(Value) -> Option<T>) -> Option<Vec<T>> {
    let read: Option<Vec<T>> = values.into_iter().map(read).collect();
    read.filter(|read| !read.is_empty())
}

fn rule(value: Value) -> Option<Rule> {
    let operator = match value {
        Value::Object(operator) => operator,
        Value::Array(_) => return None,
        value => return Some(Rule::Is(value)),
    };
    let (name, operand) = only(operator)?;
    match (name.as_str(), operand) {
        ("exists", Value::Bool(exists)) => Some(Rule::Exists(exists)),
        ("prefix", operand) => {
            text_or_ignoring_case(operand, Rule::Prefix, Rule::PrefixIgnoringCase)
        }
        ("suffix", operand) => {
            text_or_ignoring_case(operand, Rule::Suffix, Rule::SuffixIgnoringCase)
        }
        ("equals-ignore-case", Value::String(text)) => {
            Some(Rule::IgnoringCase(text.to_lowercase()))
        }
        ("wildcard", Value::String(text)) => Wildcard::read(&text).map(Rule::Wildcard),
        ("cidr", Value::String(text)) => Network::read(&text).map(Rule::Cidr),
        ("numeric", Value::Array(bounds)) => range(&bounds).map(Rule::Numeric),
        ("anything-but", operand) => exclusions(operand).map(Rule::AnythingBut),
        _ => None,
    }
}

fn only(members: Map<String, Value>) -> Option<(String, Value)> {
    let mut members = members.into_iter();
    let first = members.next()?;
    members.next().is_none().then_some(first)
}

fn text_or_ignoring_case(
    operand: Value,
    exact: fn(String) -> Rule,
    ignoring: fn(String) -> Rule,
) -> Option<Rule> {
    match operand {
        Value::String(text) => Some(exact(text)),
        Value::Object(operator) => match only(operator)? {
            (name, Value::String(text)) if name == "equals-ignore-case" => {
                Some(ignoring(text.to_lowercase()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Values of one type, or what a text may not be like.
fn exclusions(operand: Value) -> Option<Vec<Exclusion>> {
    match operand {
        Value::String(_) | Value::Number(_) => Some(vec![Exclusion::Value(operand)]),
        Value::Array(values) => {
            let is_of_one_type =
                values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
            let values: Vec<_> = values.into_iter().map(Exclusion::Value).collect();
            (is_of_one_type && !values.is_empty()).then_some(values)
        }
        Value::Object(operator) => {
            let (name, operand) = only(operator)?;
            let texts = match operand {
                Value::Array(texts) => texts,
                text => vec![text],
            };
            all(texts, |text| match text {
                Value::String(text) => exclusion(&name, text),
                _ => None,
            })
        }
        Value::Null | Value::Bool(_) => None,
    }
}

fn exclusion(name: &str, text: String) -> Option<Exclusion> {
    match name {
        "prefix" => Some(Exclusion::Prefix(text)),
        "suffix" => Some(Exclusion::Suffix(text)),
        "equals-ignore-case" => Some(Exclusion::IgnoringCase(text.to_lowercase())),
        "wildcard" => Wildcard::read(&text).map(Exclusion::Wildcard),
        _ => None,
    }
}

/// `["=", 1]`, `[">", 1]`, or `[">", 1, "<=", 2]`: a lower bound, then a higher one.
fn range(bounds: &[Value]) -> Option<Vec<Bound>> {
    let read = |pair: &[Value]| match pair {
        [comparison, number] => Some(Bound {
            comparison: Comparison::read(comparison.as_str()?)?,
            number: number.as_f64()?,
        }),
        _ => None,
    };
    let bounds: Vec<Bound> = bounds.chunks(2).map(read).collect::<Option<_>>()?;
    use Comparison::{AtLeast, AtMost, Less, More};
    let is_range = match bounds.as_slice() {
        [_] => true,
        [Bound { comparison: AtLeast, number: from }, Bound { comparison: AtMost, number: to }] => {
            from <= to
        }
        [
            Bound { comparison: More | AtLeast, number: from },
            Bound { comparison: Less | AtMost, number: to },
        ] => from < to,
        _ => false,
    };
    is_range.then_some(bounds)
}
