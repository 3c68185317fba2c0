// SPDX-License-Identifier: Apache-2.0
//! `{ $.a.b[0] = "x*" && ($.n > 5 || $.gone NOT EXISTS) }`

use super::Invalid;
use super::condition::{Operand, Operator, Tree};
use super::cursor::Cursor;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct JsonPattern(Tree<Condition>);

#[derive(Debug)]
struct Condition {
    /// As it was written: `$.a.b[0]`.
    selector: String,
    path: Vec<Step>,
    test: Test,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
    AnyItem,
}

#[derive(Debug)]
enum Test {
    Compare(Operator, Operand),
    IsNull,
    Is(bool),
    NotExists,
}

impl JsonPattern {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        cursor.expect("{")?;
        let tree = Tree::parse(cursor, 0, &mut Condition::parse)?;
        cursor.expect("}")?;
        cursor.skip_spaces();
        if cursor.peek().is_some() { Err(Invalid) } else { Ok(Self(tree)) }
    }

    pub(super) fn is_match(&self, event: &str) -> bool {
        read(event).is_some_and(|event| self.0.holds(&|condition| condition.holds(&event)))
    }

    pub(super) fn extract(&self, event: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let Some(event) = read(event) else { return found };
        self.0.each(&mut |condition: &Condition| {
            if let Some(text) = condition.first(&event).and_then(text_of) {
                found.insert(condition.selector.clone(), text);
            }
        });
        found
    }
}

/// The first value that `written`, as `$.a.b[0]`, leads to in an event.
pub(super) fn select(event: &str, written: &str) -> Option<String> {
    let (_, path) = selector(&mut Cursor::new(written)).ok()?;
    let (event, mut first) = (read(event)?, None);
    each(&event, &path, &mut |value| first = first.take().or_else(|| text_of(value)));
    first
}

pub(super) fn is_selector(written: &str) -> bool {
    let mut cursor = Cursor::new(written);
    selector(&mut cursor).is_ok() && cursor.peek().is_none()
}

/// An event that is JSON is an object or a list. What stands around it does not matter to AWS; here it must not be there.
fn read(event: &str) -> Option<Value> {
    let event = event.trim();
    event.starts_with(['{', '[']).then(|| serde_json::from_str(event).ok())?
}

impl Condition {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        let (selector, path) = selector(cursor)?;
        cursor.skip_spaces();
        let test = if cursor.take_word("IS") {
            cursor.skip_spaces();
            if cursor.take_word("NULL") {
                Test::IsNull
            } else if cursor.take_word("TRUE") {
                Test::Is(true)
            } else if cursor.take_word("FALSE") {
                Test::Is(false)
            } else {
                return Err(Invalid);
            }
        } else if cursor.take_word("NOT") {
            cursor.skip_spaces();
            if !cursor.take_word("EXISTS") {
                return Err(Invalid);
            }
            Test::NotExists
        } else {
            let operator = Operator::parse(cursor).ok_or(Invalid)?;
            Test::Compare(operator, Operand::parse(cursor, operator)?)
        };
        Ok(Self { selector, path, test })
    }

    fn holds(&self, event: &Value) -> bool {
        let mut is_there = false;
        let mut holds = false;
        each(event, &self.path, &mut |value| {
            is_there = true;
            holds |= match &self.test {
                Test::IsNull => value.is_null(),
                Test::Is(wanted) => value.as_bool() == Some(*wanted),
                Test::NotExists => false,
                Test::Compare(operator, operand) => {
                    text_of(value).is_some_and(|text| operand.compare(*operator, &text))
                }
            };
        });
        if matches!(self.test, Test::NotExists) { !is_there } else { holds }
    }

    fn first<'v>(&self, event: &'v Value) -> Option<&'v Value> {
        let mut first = None;
        each(event, &self.path, &mut |value| first = first.or(Some(value)));
        first
    }
}

/// `$.a.b[0]`, `$.['a.b']`, `$[*].a`
fn selector(cursor: &mut Cursor<'_>) -> Result<(String, Vec<Step>), Invalid> {
    cursor.expect("$")?;
    let mut written = "$".to_owned();
    let mut path = Vec::new();
    loop {
        let has_dot = cursor.take(".");
        if has_dot {
            written.push('.');
        }
        if cursor.take("[") {
            let step = item(cursor, &mut written)?;
            path.push(step);
        } else if has_dot {
            let name = cursor.take_while(|c| c.is_alphanumeric() || "_-@#$:/".contains(c));
            if name.is_empty() {
                return Err(Invalid);
            }
            written.push_str(name);
            path.push(Step::Member(name.to_owned()));
        } else if path.is_empty() {
            return Err(Invalid);
        } else {
            return Ok((written, path));
        }
    }
}

/// What stands in brackets.
fn item(cursor: &mut Cursor<'_>, written: &mut String) -> Result<Step, Invalid> {
    let step = match cursor.peek() {
        Some(quote @ ('\'' | '"')) => {
            let name = cursor.quoted(quote)?;
            written.push_str(&format!("['{name}']"));
            Step::Member(name)
        }
        Some('*') => {
            cursor.take("*");
            written.push_str("[*]");
            Step::AnyItem
        }
        _ => {
            let digits = cursor.take_while(|c| c.is_ascii_digit());
            written.push_str(&format!("[{digits}]"));
            Step::Item(digits.parse().map_err(|_| Invalid)?)
        }
    };
    cursor.expect("]")?;
    Ok(step)
}

/// Shows `see` each value that the path leads to.
fn each<'v>(value: &'v Value, path: &[Step], see: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = path.split_first() else { return see(value) };
    match step {
        Step::Member(name) => value.get(name).into_iter().for_each(|next| each(next, rest, see)),
        Step::Item(index) => value.get(index).into_iter().for_each(|next| each(next, rest, see)),
        Step::AnyItem => {
            value.as_array().into_iter().flatten().for_each(|next| each(next, rest, see));
        }
    }
}

/// What can be compared. Objects and lists can not.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
