// SPDX-License-Identifier: Apache-2.0
//! How a `Condition` element becomes conditions.

use crate::condition::{
    ArnPattern, Condition, Quantifier, Relation, Test, decode, parse_moment, parse_number,
    parse_truth,
};
use crate::glob::Wildcards;
use crate::malformed::Malformed;
use crate::network::Network;
use crate::node::Node;
use crate::pattern::{Pattern, Spelling};

pub(crate) fn conditions(node: &Node, has_variables: bool) -> Result<Box<[Condition]>, Malformed> {
    let Node::Object(operators) = node else { return Err(Malformed::Syntax) };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Node::Object(keys) = keys else { return Err(Malformed::Syntax) };
        for (key, values) in keys {
            let values = values.texts().ok_or(Malformed::Syntax)?;
            if values.is_empty() || !key.contains(':') {
                return Err(Malformed::Syntax);
            }
            conditions.push(condition(operator, key, &values, has_variables)?);
        }
    }
    Ok(conditions.into())
}

fn condition(
    operator: &str,
    key: &str,
    values: &[String],
    has_variables: bool,
) -> Result<Condition, Malformed> {
    let unknown = || Malformed::ConditionType(operator.to_owned());
    let (quantifier, name) = match operator.split_once(':') {
        Some(("ForAllValues", name)) => (Quantifier::ForAll, name),
        Some(("ForAnyValue", name)) => (Quantifier::ForAny, name),
        Some(_) => return Err(unknown()),
        None => (Quantifier::None, operator),
    };
    let (name, if_exists) = match name.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if if_exists && name == "Null" {
        return Err(unknown());
    }
    let (kind, is_negated) = kind(name).ok_or_else(unknown)?;
    let invalid = |value: &str| Malformed::ConditionValue {
        operator: operator.to_owned(),
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let test = test(kind, values, has_variables, &invalid)?;
    Ok(Condition { key: key.into(), test, is_negated, if_exists, quantifier })
}

#[derive(Clone, Copy)]
enum Of {
    Text { fold: bool, wildcards: bool },
    Number(Relation),
    Moment(Relation),
    Truth,
    Bytes,
    Address,
    Arn,
    Null,
}

/// What an operator compares, and whether it asks for the opposite.
fn kind(name: &str) -> Option<(Of, bool)> {
    use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let text = |fold, wildcards| Of::Text { fold, wildcards };
    Some(match name {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        "NumericEquals" => (Of::Number(Equal), false),
        "NumericNotEquals" => (Of::Number(Equal), true),
        "NumericLessThan" => (Of::Number(Less), false),
        "NumericLessThanEquals" => (Of::Number(LessOrEqual), false),
        "NumericGreaterThan" => (Of::Number(Greater), false),
        "NumericGreaterThanEquals" => (Of::Number(GreaterOrEqual), false),
        "DateEquals" => (Of::Moment(Equal), false),
        "DateNotEquals" => (Of::Moment(Equal), true),
        "DateLessThan" => (Of::Moment(Less), false),
        "DateLessThanEquals" => (Of::Moment(LessOrEqual), false),
        "DateGreaterThan" => (Of::Moment(Greater), false),
        "DateGreaterThanEquals" => (Of::Moment(GreaterOrEqual), false),
        "Bool" => (Of::Truth, false),
        "BinaryEquals" => (Of::Bytes, false),
        "IpAddress" => (Of::Address, false),
        "NotIpAddress" => (Of::Address, true),
        "ArnEquals" | "ArnLike" => (Of::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Of::Arn, true),
        "Null" => (Of::Null, false),
        _ => return None,
    })
}

fn test(
    of: Of,
    values: &[String],
    has_variables: bool,
    invalid: &dyn Fn(&str) -> Malformed,
) -> Result<Test, Malformed> {
    Ok(match of {
        Of::Text { fold, wildcards } => {
            let wildcards = wildcards.then_some(Wildcards::Plain);
            let spelling = Spelling { wildcards, has_variables };
            let read = |value: &String| Pattern::read(value, spelling);
            Test::Text { fold, patterns: values.iter().map(read).collect::<Result<_, _>>()? }
        }
        Of::Number(relation) => {
            Test::Number { relation, values: each(values, parse_number, invalid)? }
        }
        Of::Moment(relation) => {
            Test::Moment { relation, values: each(values, parse_moment, invalid)? }
        }
        Of::Truth => Test::Truth(each(values, parse_truth, invalid)?),
        Of::Bytes => Test::Bytes(each(values, |value| decode(value).map(Into::into), invalid)?),
        Of::Address => Test::Address(each(values, Network::parse, invalid)?),
        Of::Arn => {
            let read = |value: &String| arn(value, has_variables)?.ok_or_else(|| invalid(value));
            Test::Arn(values.iter().map(read).collect::<Result<_, _>>()?)
        }
        Of::Null => Test::Null(each(values, parse_truth, invalid)?),
    })
}

fn each<T>(
    values: &[String],
    read: impl Fn(&str) -> Option<T>,
    invalid: &dyn Fn(&str) -> Malformed,
) -> Result<Box<[T]>, Malformed> {
    values.iter().map(|value| read(value).ok_or_else(|| invalid(value))).collect()
}

fn arn(text: &str, has_variables: bool) -> Result<Option<ArnPattern>, Malformed> {
    if text == "*" {
        return Ok(Some(ArnPattern::Any));
    }
    let spelling = Spelling { wildcards: Some(Wildcards::Plain), has_variables };
    let mut parts = Vec::with_capacity(6);
    for part in split(text) {
        parts.push(Pattern::read(part, spelling)?);
    }
    // A star at the end stands for all parts that are not written.
    while parts.len() < 6 && text.ends_with('*') {
        parts.push(Pattern::Any);
    }
    Ok(<[Pattern; 6]>::try_from(parts).ok().map(|parts| ArnPattern::Parts(Box::new(parts))))
}

/// At the first five colons that do not stand in a variable.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_variable) = (Vec::new(), 0, false);
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => is_variable = true,
            b'}' => is_variable = false,
            b':' if !is_variable && parts.len() < 5 => {
                parts.extend(text.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}
