// SPDX-License-Identifier: Apache-2.0
//! Filter patterns: which events somebody wants. Pure.
//!
//! There are three kinds, and their first letter tells which: `{ $.a = 1 }` looks into events that are JSON (`json.rs`),
//! `[a, b = 1, ...]` into events whose fields stand between spaces (`delimited.rs`), and all else is terms that stand in
//! the text (`terms.rs`). Values are compared in one way by the first two (`condition.rs`).
//!
//! Invariant: a pattern costs time in proportion to the event. Regular expressions do not go back.

mod condition;
mod cursor;
mod delimited;
mod json;
mod terms;

use cursor::Cursor;
use delimited::Delimited;
use json::JsonPattern;
use std::collections::BTreeMap;
use terms::Terms;

/// Regular expressions in one pattern, as on AWS.
const EXPRESSIONS_MAX: usize = 2;

#[derive(Debug)]
pub(crate) struct Pattern(Kind);

#[derive(Debug)]
enum Kind {
    All,
    Terms(Terms),
    Json(JsonPattern),
    Delimited(Delimited),
}

/// Not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid;

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let mut cursor = Cursor::new(text.trim());
        let kind = match cursor.peek() {
            None => Kind::All,
            Some('{') => Kind::Json(JsonPattern::parse(&mut cursor)?),
            Some('[') => Kind::Delimited(Delimited::parse(&mut cursor)?),
            Some(_) => Kind::Terms(Terms::parse(&mut cursor)?),
        };
        if cursor.expressions() > EXPRESSIONS_MAX { Err(Invalid) } else { Ok(Self(kind)) }
    }

    pub(crate) fn is_match(&self, event: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Terms(terms) => terms.is_match(event),
            Kind::Json(json) => json.is_match(event),
            Kind::Delimited(delimited) => delimited.is_match(event),
        }
    }

    /// What a metric filter finds in an event that matches: `$.a` or `$a`, and its value.
    pub(crate) fn extract(&self, event: &str) -> BTreeMap<String, String> {
        match &self.0 {
            Kind::All | Kind::Terms(_) => BTreeMap::new(),
            Kind::Json(json) => json.extract(event),
            Kind::Delimited(delimited) => delimited.extract(event),
        }
    }

    /// Whether events that match may have something where `selector` says: `$.a.b` in JSON, `$name` in a field between spaces.
    pub(crate) fn can_select(&self, selector: &str) -> bool {
        match &self.0 {
            Kind::All | Kind::Terms(_) => false,
            Kind::Json(_) => json::is_selector(selector),
            Kind::Delimited(delimited) => {
                selector.strip_prefix('$').is_some_and(|name| delimited.has(name))
            }
        }
    }

    /// What an event has there.
    pub(crate) fn select(&self, event: &str, selector: &str) -> Option<String> {
        match &self.0 {
            Kind::All | Kind::Terms(_) => None,
            Kind::Json(_) => json::select(event, selector),
            Kind::Delimited(delimited) => delimited.extract(event).remove(selector),
        }
    }

    /// What a subscriber is told beside an event that matches: the fields between spaces, by their names.
    pub(crate) fn fields(&self, event: &str) -> BTreeMap<String, String> {
        let Kind::Delimited(delimited) = &self.0 else { return BTreeMap::new() };
        let name = |key: String| key.strip_prefix('$').map(ToOwned::to_owned).unwrap_or(key);
        delimited.extract(event).into_iter().map(|(key, value)| (name(key), value)).collect()
    }
}

#[cfg(test)]
mod tests;
