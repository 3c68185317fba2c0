// SPDX-License-Identifier: Apache-2.0
//! Constraint violations, in AWS's words.
//!
//! All violations of a request are collected before the caller is told, as AWS does:
//! `2 validation errors detected: Value ...; Value ...`.

use crate::{Constraints, Fault, Shape};
use std::fmt::{self, Write as _};

/// A place in an input: `code.zipFile`, `fileSystemConfigs.1.member.arn`.
///
/// A chain of stack frames, so that a request that violates nothing builds no path.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'static str),
    Item(usize),
    Value(&'a str),
}

impl<'a> At<'a> {
    pub const ROOT: At<'static> = At { parent: None, step: Step::Root };

    pub fn member(&'a self, name: &'static str) -> Self {
        Self { parent: Some(self), step: Step::Member(name) }
    }

    /// The item at `index`, which counts from 0 here and from 1 on the wire.
    pub fn item(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Item(index) }
    }

    /// The value under `key` of a map.
    pub fn value(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Value(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent.filter(|parent| !matches!(parent.step, Step::Root)) {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) => {
                let mut chars = name.chars();
                if let Some(first) = chars.next() {
                    f.write_char(first.to_ascii_lowercase())?;
                }
                f.write_str(chars.as_str())
            }
            Step::Item(index) => write!(f, "{}.member", index + 1),
            Step::Value(key) => write!(f, "{key}.member"),
        }
    }
}

/// What was found wrong with one input so far.
#[derive(Debug, Default)]
pub struct Violations(Vec<String>);

impl Violations {
    /// More are counted by nobody: a long list of bad items would make a longer message.
    const MAX: usize = 20;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn missing(&mut self, at: &At<'_>) {
        self.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// `value` is `None` for a sensitive member, which AWS does not repeat.
    pub fn add(&mut self, at: &At<'_>, value: Option<&str>, sentence: &str) {
        self.push(match value {
            Some(value) => {
                format!("Value '{value}' at '{at}' failed to satisfy constraint: {sentence}")
            }
            None => format!("Value at '{at}' failed to satisfy constraint: {sentence}"),
        });
    }

    fn push(&mut self, violation: String) {
        if self.0.len() < Self::MAX {
            self.0.push(violation);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub fn into_fault(self) -> Fault {
        let errors = if self.0.len() == 1 { "error" } else { "errors" };
        Fault::validation(format!(
            "{} validation {errors} detected: {}",
            self.0.len(),
            self.0.join("; ")
        ))
    }
}

pub(crate) fn sentence_of_one_of(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

/// Every sentence of `constraints`, as AWS lists them for the items of a list and the keys and values of a map.
pub(crate) fn sentences(constraints: &Constraints, shape: Shape) -> String {
    let fraction = if matches!(shape, Shape::Double) { ".0" } else { "" };
    let mut all = Vec::new();
    if let Some((min, max)) = constraints.length {
        if max != usize::MAX {
            all.push(format!("Member must have length less than or equal to {max}"));
        }
        all.push(format!("Member must have length greater than or equal to {min}"));
    }
    if let Some((min, max)) = constraints.range {
        if max != i64::MAX {
            all.push(format!("Member must have value less than or equal to {max}{fraction}"));
        }
        if min != i64::MIN {
            all.push(format!("Member must have value greater than or equal to {min}{fraction}"));
        }
    }
    if let Some(pattern) = constraints.pattern {
        all.push(format!("Member must satisfy regular expression pattern: {}", pattern.text));
    }
    if !constraints.one_of.is_empty() {
        all.push(sentence_of_one_of(constraints.one_of));
    }
    all.push("Member must not be null".to_owned());
    all.join(", ")
}

/// The sentences a text violates.
pub(crate) fn text(text: &str, constraints: &Constraints, broken: &mut Vec<String>) {
    length(text.len(), || text.chars().count(), constraints, broken);
    if let Some(pattern) = constraints.pattern
        && !(pattern.is_match)(text)
    {
        broken.push(format!("Member must satisfy regular expression pattern: {}", pattern.text));
    }
    if !constraints.one_of.is_empty() && !constraints.one_of.contains(&text) {
        broken.push(sentence_of_one_of(constraints.one_of));
    }
}

/// `bytes` is a bound for `count`, which is only called when the bound does not decide.
pub(crate) fn length(
    bytes: usize,
    count: impl FnOnce() -> usize,
    constraints: &Constraints,
    broken: &mut Vec<String>,
) {
    let Some((min, max)) = constraints.length else { return };
    // A character is 1 to 4 bytes.
    if bytes <= max && bytes >= min.saturating_mul(4) {
        return;
    }
    let count = count();
    if count > max {
        broken.push(format!("Member must have length less than or equal to {max}"));
    } else if count < min {
        broken.push(format!("Member must have length greater than or equal to {min}"));
    }
}

pub(crate) fn range(value: i64, constraints: &Constraints, broken: &mut Vec<String>) {
    let Some((min, max)) = constraints.range else { return };
    if value > max {
        broken.push(format!("Member must have value less than or equal to {max}"));
    } else if value < min {
        broken.push(format!("Member must have value greater than or equal to {min}"));
    }
}
