// SPDX-License-Identifier: Apache-2.0
//! Event patterns, AWS's language for which events somebody wants: filters of event source mappings, rules of EventBridge.
//!
//! A pattern is an object. Its members are patterns again, or lists of rules of which one must hold: a plain value, or an
//! operator. `$or` has a list of patterns. Start at `grammar.rs` for what is a pattern; `rule.rs` is what one value must be.
//!
//! ```text
//! {"body": {"kind": ["order", {"prefix": "refund-"}], "price": [{"numeric": [">", 0, "<=", 100]}]}}
//! ```
//!
//! Pure: no clock, no I/O.
//!
//! Invariants:
//! - a text is a pattern wholly or not at all: no part of it is ignored;
//! - to match costs at most about as much as the pattern and the event are long, multiplied: no pattern and no event makes it
//!   grow faster.
//!
//! Not here: who has patterns, and how an event becomes JSON.

mod grammar;
mod rule;

use crate::rule::Rule;
use serde_json::Value;

/// Why a text is no pattern, in EventBridge's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPattern(String);

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Conditions);

/// All of them must hold of an object.
#[derive(Debug, Clone, PartialEq)]
struct Conditions(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// One of these of the member with this name.
    Member(String, Vec<Rule>),
    /// The object that is the member with this name.
    Object(String, Conditions),
    /// One of these of the object itself.
    Either(Vec<Conditions>),
}

impl Pattern {
    /// # Errors
    ///
    /// When the text is no pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        grammar::read(text).map(Self)
    }

    /// Whether it is for this event. Only an object can be one.
    pub fn matches(&self, event: &Value) -> bool {
        event.is_object() && self.0.hold(event)
    }

    /// Whether it says something of what is in the member with this name: it takes that for an object.
    pub fn looks_into(&self, name: &str) -> bool {
        self.0.look_into(name)
    }
}

impl Conditions {
    fn hold(&self, value: &Value) -> bool {
        self.0.iter().all(|condition| condition.holds(value))
    }

    /// Of a list one object must meet all of them. What is neither has no members.
    fn hold_within(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) if !items.is_empty() => {
                items.iter().any(|item| self.hold_within(item))
            }
            value => self.hold(value),
        }
    }

    fn look_into(&self, wanted: &str) -> bool {
        self.0.iter().any(|condition| match condition {
            Condition::Member(..) => false,
            Condition::Object(name, _) => name == wanted,
            Condition::Either(choices) => choices.iter().any(|choice| choice.look_into(wanted)),
        })
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Member(name, rules) => {
                let found = value.get(name);
                rules.iter().any(|rule| rule.holds(found))
            }
            Self::Object(name, conditions) => {
                conditions.hold_within(value.get(name).unwrap_or(&Value::Null))
            }
            Self::Either(choices) => choices.iter().any(|choice| choice.hold(value)),
        }
    }
}

#[cfg(test)]
mod tests;
