// SPDX-License-Identifier: Apache-2.0
//! Which texts are patterns, and what is wrong with those that are none.
//!
//! The grammar is EventBridge's, with every operator that its documentation names; what is wrong is told in EventBridge's words.

use crate::rule::{Bound, Comparison, Exclusion, Network, Rule, Wildcard};
use crate::{Condition, Conditions, InvalidPattern};
use serde_json::{Map, Value};

/// Patterns are shallow; a deeper one would cost whoever matches it.
const DEPTH_MAX: usize = 32;

type Result<T> = std::result::Result<T, InvalidPattern>;

pub(crate) fn read(text: &str) -> Result<Conditions> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => object(members, 1),
        Ok(_) => wrong("Filter is not an object"),
        Err(_) => wrong("Filter is not valid JSON"),
    }
}

fn wrong<T>(reason: impl Into<String>) -> Result<T> {
    Err(InvalidPattern(reason.into()))
}

fn object(members: Map<String, Value>, depth: usize) -> Result<Conditions> {
    if depth > DEPTH_MAX {
        return wrong("Event pattern is nested too deeply");
    }
    if members.is_empty() {
        return wrong("Empty objects are not allowed");
    }
    let condition = |(name, value): (String, Value)| match value {
        Value::Array(choices) if name == "$or" => either(choices, depth).map(Condition::Either),
        Value::Array(rules) => all(rules, rule).map(|rules| Condition::Member(name, rules)),
        Value::Object(members) => {
            object(members, depth + 1).map(|conditions| Condition::Object(name, conditions))
        }
        _ => wrong(format!("\"{name}\" must be an object or an array")),
    };
    members.into_iter().map(condition).collect::<Result<_>>().map(Conditions)
}

/// One alternative is no choice.
fn either(choices: Vec<Value>, depth: usize) -> Result<Vec<Conditions>> {
    let choice = |choice: Value| match choice {
        Value::Object(members) => object(members, depth + 1),
        _ => wrong("Elements of $or must be objects"),
    };
    let choices = all(choices, choice)?;
    if choices.len() < 2 {
        return wrong("$or must have at least two elements");
    }
    Ok(choices)
}

/// At least one, and each of them good.
fn all<T>(values: Vec<Value>, read: impl FnMut(Value) -> Result<T>) -> Result<Vec<T>> {
    if values.is_empty() {
        return wrong("Empty arrays are not allowed");
    }
    values.into_iter().map(read).collect()
}

fn rule(value: Value) -> Result<Rule> {
    let operator = match value {
        Value::Object(operator) => operator,
        Value::Array(_) => {
            return wrong("Match value must be String, number, true, false, or null");
        }
        value => return Ok(Rule::Is(value)),
    };
    let (name, operand) = only(operator)?;
    match name.as_str() {
        "exists" => match operand {
            Value::Bool(exists) => Ok(Rule::Exists(exists)),
            _ => wrong("exists match pattern must be either true or false."),
        },
        "prefix" => {
            text_or_ignoring_case("prefix", operand, Rule::Prefix, Rule::PrefixIgnoringCase)
        }
        "suffix" => {
            text_or_ignoring_case("suffix", operand, Rule::Suffix, Rule::SuffixIgnoringCase)
        }
        "equals-ignore-case" => Ok(Rule::IgnoringCase(string(&name, operand)?.to_lowercase())),
        "wildcard" => Wildcard::read(&string(&name, operand)?).map(Rule::Wildcard).or_else(wrong),
        "cidr" => cidr(operand),
        "numeric" => match operand {
            Value::Array(bounds) => range(&bounds).map(Rule::Numeric),
            _ => wrong("Value of numeric must be an array."),
        },
        "anything-but" => exclusions(operand).map(Rule::AnythingBut),
        _ => wrong(format!("Unrecognized match type {name}")),
    }
}

fn only(members: Map<String, Value>) -> Result<(String, Value)> {
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Ok(member),
        (None, _) => wrong("Empty objects are not allowed"),
        (Some(_), Some(_)) => wrong("Only one key allowed in match expression"),
    }
}

fn string(name: &str, operand: Value) -> Result<String> {
    match operand {
        Value::String(text) => Ok(text),
        _ => wrong(format!("{name} match pattern must be a string")),
    }
}

fn text_or_ignoring_case(
    name: &str,
    operand: Value,
    exact: fn(String) -> Rule,
    ignoring: fn(String) -> Rule,
) -> Result<Rule> {
    match operand {
        Value::Object(operator) => match only(operator)? {
            (inner, operand) if inner == "equals-ignore-case" => {
                Ok(ignoring(string(&inner, operand)?.to_lowercase()))
            }
            (inner, _) => wrong(format!("Unsupported {name} pattern: {inner}")),
        },
        operand => Ok(exact(string(name, operand)?)),
    }
}

fn cidr(operand: Value) -> Result<Rule> {
    let text = string("cidr", operand)?;
    match Network::read(&text) {
        Some(network) => Ok(Rule::Cidr(network)),
        None if !text.contains('/') => wrong("Malformed CIDR, one '/' required"),
        None => wrong(format!("Malformed CIDR, {text} is no network")),
    }
}

/// Values of one type, or what a text may not be like.
fn exclusions(operand: Value) -> Result<Vec<Exclusion>> {
    match operand {
        Value::String(_) | Value::Number(_) => Ok(vec![Exclusion::Value(operand)]),
        Value::Array(values) => {
            let is_of_one_type =
                values.iter().all(Value::is_string) || values.iter().all(Value::is_number);
            if !is_of_one_type {
                return wrong(
                    "Inside anything but list, either all values are number or string, mixed type is not supported",
                );
            }
            all(values, |value| Ok(Exclusion::Value(value)))
        }
        Value::Object(operator) => {
            let (name, operand) = only(operator)?;
            let texts = match operand {
                Value::Array(texts) => texts,
                text => vec![text],
            };
            all(texts, |text| exclusion(&name, text))
        }
        Value::Null | Value::Bool(_) => {
            wrong("Value of anything-but must be an array or single string/number value.")
        }
    }
}

fn exclusion(name: &str, operand: Value) -> Result<Exclusion> {
    let text = || string(name, operand);
    match name {
        "prefix" => text().map(Exclusion::Prefix),
        "suffix" => text().map(Exclusion::Suffix),
        "equals-ignore-case" => Ok(Exclusion::IgnoringCase(text()?.to_lowercase())),
        "wildcard" => Wildcard::read(&text()?).map(Exclusion::Wildcard).or_else(wrong),
        _ => wrong(format!("Unsupported anything-but pattern: {name}")),
    }
}

/// `["=", 1]`, `[">", 1]`, or `[">", 1, "<=", 2]`: a lower bound, then a higher one.
fn range(bounds: &[Value]) -> Result<Vec<Bound>> {
    let read = |pair: &[Value]| match pair {
        [comparison, number] => {
            let Some(comparison) = comparison.as_str().and_then(Comparison::read) else {
                return wrong(format!("Unrecognized numeric range operator: {comparison}"));
            };
            match number.as_f64() {
                Some(number) => Ok(Bound { comparison, number }),
                None => wrong("Value of numeric range must be numeric"),
            }
        }
        _ => wrong("Invalid member in numeric match: an operator is followed by a number"),
    };
    let bounds: Vec<Bound> = bounds.chunks(2).map(read).collect::<Result<_>>()?;
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
    if is_range { Ok(bounds) } else { wrong("Bottom must be less than top") }
}
