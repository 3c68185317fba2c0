// SPDX-License-Identifier: Apache-2.0
//! Terms: `ERROR "not found" -DEBUG`, `?one ?two`, `%expr[a-z]+%`.
//!
//! All terms must stand in the event, and none of the excluded ones. Terms with a question mark are alternatives; beside
//! other terms they mean nothing, as on AWS.

use super::Invalid;
use super::cursor::Cursor;
use regex_lite::Regex;

#[derive(Debug, Default)]
pub(super) struct Terms {
    wanted: Vec<Term>,
    excluded: Vec<Term>,
    optional: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Expression(Regex),
}

impl Terms {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        let mut terms = Self::default();
        loop {
            cursor.skip_spaces();
            let place = match cursor.peek() {
                None => return Ok(terms),
                Some('?') => &mut terms.optional,
                Some('-') => &mut terms.excluded,
                Some(_) => &mut terms.wanted,
            };
            let _ = cursor.take("?") || cursor.take("-");
            place.push(Term::parse(cursor)?);
        }
    }

    pub(super) fn is_match(&self, event: &str) -> bool {
        let has = |term: &Term| term.is_in(event);
        if self.wanted.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(has);
        }
        self.wanted.iter().all(has) && !self.excluded.iter().any(has)
    }
}

impl Term {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        match cursor.peek() {
            Some('"') => cursor.quoted('"').map(Self::Text),
            Some('%') => cursor.expression().map(Self::Expression),
            _ => match cursor.take_while(|c| !c.is_whitespace() && c != '"') {
                "" => Err(Invalid),
                term => Ok(Self::Text(term.to_owned())),
            },
        }
    }

    fn is_in(&self, event: &str) -> bool {
        match self {
            Self::Text(text) => event.contains(text.as_str()),
            Self::Expression(expression) => expression.is_match(event),
        }
    }
}
