// SPDX-License-Identifier: Apache-2.0
//! Filter expressions: which traces are wanted. Pure.
//!
//! ```text
//! service("checkout") AND responsetime > 1.5
//! annotation.color = "red" OR annotation[size] >= 3
//! !ok AND http.status = 500
//! ```
//!
//! Understood: `ok`, `error`, `fault`, `throttle`, `partial`; `responsetime`, `duration`, `http.status`; `http.url`,
//! `http.method`, `http.useragent`, `http.clientip`, `user`, `name`; `service(...)` with a name or an `id(...)`;
//! `annotation.KEY` and `annotation[KEY]`; `AND`, `OR`, `NOT` or `!`, and brackets. All else that AWS knows is refused: an
//! answer to half of a question would be wrong.

mod parse;

pub(crate) use parse::parse;

use crate::summary::{Annotation, Facts};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Flag(Flag),
    Number(Number, Comparison, f64),
    Text(Text, Match, String),
    /// A service by its name, its type or both.
    Service {
        name: Option<String>,
        kind: Option<String>,
    },
    /// That there is one, or what it is.
    Annotation(String, Option<Wanted>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    Ok,
    Error,
    Fault,
    Throttle,
    Partial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    ResponseTime,
    Duration,
    HttpStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Url,
    Method,
    UserAgent,
    ClientIp,
    User,
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Equal,
    NotEqual,
    Contains,
    BeginsWith,
    EndsWith,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Text(Match, String),
    Number(Comparison, f64),
    Boolean(bool),
}

impl Filter {
    pub(crate) fn wants(&self, facts: &Facts) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.wants(facts)),
            Self::Or(any) => any.iter().any(|filter| filter.wants(facts)),
            Self::Not(filter) => !filter.wants(facts),
            Self::Flag(flag) => match flag {
                Flag::Ok => !(facts.has_error || facts.has_fault || facts.has_throttle),
                Flag::Error => facts.has_error,
                Flag::Fault => facts.has_fault,
                Flag::Throttle => facts.has_throttle,
                Flag::Partial => facts.is_partial,
            },
            Self::Number(number, comparison, value) => {
                let own = match number {
                    Number::ResponseTime => facts.response_time(),
                    Number::Duration => Some(facts.duration()),
                    Number::HttpStatus => facts.http.status.map(f64::from),
                };
                own.is_some_and(|own| comparison.holds(own, *value))
            }
            Self::Text(Text::User, how, value) => {
                facts.users.iter().any(|user| how.holds(user, value))
            }
            Self::Text(Text::Name, how, value) => {
                facts.services.iter().any(|(name, _)| how.holds(name, value))
            }
            Self::Text(text, how, value) => {
                let own = match text {
                    Text::Url => &facts.http.url,
                    Text::Method => &facts.http.method,
                    Text::UserAgent => &facts.http.user_agent,
                    Text::ClientIp | Text::User | Text::Name => &facts.http.client_ip,
                };
                own.as_deref().is_some_and(|own| how.holds(own, value))
            }
            Self::Service { name, kind } => facts.services.iter().any(|(own, own_kind)| {
                name.as_ref().is_none_or(|name| name == own)
                    && kind.as_ref().is_none_or(|kind| own_kind.as_ref() == Some(kind))
            }),
            Self::Annotation(key, wanted) => facts.annotations.get(key).is_some_and(|values| {
                wanted.as_ref().is_none_or(|wanted| values.iter().any(|own| wanted.is(own)))
            }),
        }
    }
}

impl Wanted {
    fn is(&self, own: &Annotation) -> bool {
        match (self, own) {
            (Self::Text(how, value), Annotation::Text(own)) => how.holds(own, value),
            (Self::Number(comparison, value), Annotation::Number(own)) => {
                comparison.holds(*own, *value)
            }
            (Self::Boolean(value), Annotation::Boolean(own)) => value == own,
            _ => false,
        }
    }
}

impl Comparison {
    fn holds(self, own: f64, value: f64) -> bool {
        match self {
            #[expect(clippy::float_cmp, reason = "a number is asked for as it was written down")]
            Self::Equal => own == value,
            #[expect(clippy::float_cmp, reason = "a number is asked for as it was written down")]
            Self::NotEqual => own != value,
            Self::Less => own < value,
            Self::LessOrEqual => own <= value,
            Self::More => own > value,
            Self::MoreOrEqual => own >= value,
        }
    }
}

impl Match {
    fn holds(self, own: &str, value: &str) -> bool {
        match self {
            Self::Equal => own == value,
            Self::NotEqual => own != value,
            Self::Contains => own.contains(value),
            Self::BeginsWith => own.starts_with(value),
            Self::EndsWith => own.ends_with(value),
        }
    }
}
