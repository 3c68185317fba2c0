// SPDX-License-Identifier: Apache-2.0
//! Conditions: an operator, a key, and the values that the request's are compared with.

use crate::facts::{Fact, Facts};
use crate::network::Network;
use crate::pattern::Pattern;
use base64::Engine as _;
use std::cmp::Ordering;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

#[derive(Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) key: Box<str>,
    pub(crate) test: Test,
    /// Of `StringNotEquals` and the like: none of the values may fit.
    pub(crate) is_negated: bool,
    pub(crate) if_exists: bool,
    pub(crate) quantifier: Quantifier,
}

/// How the values of a request count that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    None,
    ForAll,
    ForAny,
}

/// What a condition compares, with the values from the policy.
#[derive(Debug, PartialEq)]
pub(crate) enum Test {
    Text {
        fold: bool,
        patterns: Box<[Pattern]>,
    },
    Number {
        relation: Relation,
        values: Box<[f64]>,
    },
    /// In milliseconds since 1970.
    Moment {
        relation: Relation,
        values: Box<[i128]>,
    },
    Truth(Box<[bool]>),
    Bytes(Box<[Box<[u8]>]>),
    Address(Box<[Network]>),
    Arn(Box<[ArnPattern]>),
    /// Whether the key is not there.
    Null(Box<[bool]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The six parts of an ARN are compared each for itself.
#[derive(Debug, PartialEq)]
pub(crate) enum ArnPattern {
    Parts(Box<[Pattern; 6]>),
    /// `*`
    Any,
}

/// What a statement's conditions are looked at with.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) facts: &'a dyn Facts,
    /// What "none of these fits" means where one of these has no value: true for a `Deny` alone.
    pub(crate) without_value: bool,
}

impl Condition {
    pub(crate) fn holds(&self, view: View<'_>) -> bool {
        let fact = view.facts.find(&self.key);
        if let Test::Null(values) = &self.test {
            return values.contains(&fact.is_none());
        }
        let values = fact.as_ref().map(Fact::values).unwrap_or_default();
        let mut each = values.iter().map(|value| self.test.fits(value, self.is_negated, view));
        match self.quantifier {
            // An empty list is a subset of every list.
            Quantifier::ForAll => each.all(|fits| fits),
            Quantifier::ForAny if values.is_empty() => self.if_exists,
            Quantifier::ForAny => each.any(|fits| fits),
            Quantifier::None if values.is_empty() => self.if_exists || self.is_negated,
            Quantifier::None if self.is_negated => each.all(|fits| fits),
            Quantifier::None => each.any(|fits| fits),
        }
    }
}

impl Test {
    fn fits(&self, value: &str, is_negated: bool, view: View<'_>) -> bool {
        let fits = match self {
            Self::Text { fold, patterns } => {
                let mut fits =
                    patterns.iter().map(|pattern| pattern.fits(value, *fold, view.facts));
                return settle(&mut fits, is_negated, view);
            }
            Self::Arn(patterns) => {
                let mut fits = patterns.iter().map(|pattern| pattern.fits(value, view.facts));
                return settle(&mut fits, is_negated, view);
            }
            Self::Number { relation, values } => parse_number(value)
                .map(|number| values.iter().any(|known| relation.holds(number.partial_cmp(known)))),
            Self::Moment { relation, values } => parse_moment(value)
                .map(|moment| values.iter().any(|known| relation.holds(Some(moment.cmp(known))))),
            Self::Truth(values) => parse_truth(value).map(|truth| values.contains(&truth)),
            Self::Bytes(values) => {
                decode(value).map(|bytes| values.iter().any(|known| **known == *bytes))
            }
            Self::Address(networks) => value
                .parse()
                .ok()
                .map(|address| networks.iter().any(|network| network.contains(address))),
            Self::Null(_) => Some(false),
        };
        // A request's value that is not of the kind fits nothing.
        fits.unwrap_or(false) != is_negated
    }
}

/// Any of the patterns, or none of them. A pattern whose variable has no value fits nothing, and is no reason to allow.
fn settle(fits: &mut dyn Iterator<Item = Option<bool>>, is_negated: bool, view: View<'_>) -> bool {
    let mut is_decided = true;
    for fits in fits {
        match fits {
            Some(true) => return !is_negated,
            Some(false) => {}
            None => is_decided = false,
        }
    }
    is_negated && (is_decided || view.without_value)
}

impl Relation {
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl ArnPattern {
    fn fits(&self, value: &str, facts: &dyn Facts) -> Option<bool> {
        let Self::Parts(patterns) = self else { return Some(true) };
        let mut parts = value.splitn(6, ':');
        for pattern in patterns.iter() {
            let Some(part) = parts.next() else { return Some(false) };
            if !pattern.fits(part, false, facts)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn parse_truth(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// A moment as ISO 8601 writes it, a date, or seconds since 1970.
pub(crate) fn parse_moment(text: &str) -> Option<i128> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(i128::from(seconds) * 1_000);
    }
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
    let date = format_description!("[year]-[month]-[day]");
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| PrimitiveDateTime::parse(text, minutes).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| Date::parse(text, date).map(|date| date.midnight().assume_utc()));
    moment.ok().map(|moment| moment.unix_timestamp_nanos() / 1_000_000)
}
