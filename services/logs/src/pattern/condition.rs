// SPDX-License-Identifier: Apache-2.0
//! `= value`, `!= value`, `> 1` and their like, and how conditions are put together.

use super::Invalid;
use super::cursor::Cursor;
use regex_lite::Regex;

/// Parentheses in parentheses.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a value is compared with.
#[derive(Debug)]
pub(super) enum Operand {
    Number(f64),
    /// A text, in the parts between its stars.
    Text(Vec<String>),
    Expression(Regex),
}

/// Conditions that hold together, or one of which holds.
#[derive(Debug)]
pub(super) enum Tree<C> {
    One(C),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<C> Tree<C> {
    /// `a && (b || c)`. `&&` binds closer.
    pub(super) fn parse(
        cursor: &mut Cursor<'_>,
        depth: usize,
        one: &mut dyn FnMut(&mut Cursor<'_>) -> Result<C, Invalid>,
    ) -> Result<Self, Invalid> {
        if depth > DEPTH_MAX {
            return Err(Invalid);
        }
        let mut any = Vec::new();
        loop {
            let mut all = Vec::new();
            loop {
                cursor.skip_spaces();
                if cursor.take("(") {
                    all.push(Self::parse(cursor, depth + 1, one)?);
                    cursor.expect(")")?;
                } else {
                    all.push(Self::One(one(cursor)?));
                }
                cursor.skip_spaces();
                if !cursor.take("&&") {
                    break;
                }
            }
            any.push(Self::joined(all, Self::All));
            if !cursor.take("||") {
                return Ok(Self::joined(any, Self::Any));
            }
        }
    }

    fn joined(mut trees: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        match (trees.len(), trees.pop()) {
            (1, Some(tree)) => tree,
            (_, last) => join(trees.into_iter().chain(last).collect()),
        }
    }

    pub(super) fn holds(&self, one: &dyn Fn(&C) -> bool) -> bool {
        match self {
            Self::One(condition) => one(condition),
            Self::All(trees) => trees.iter().all(|tree| tree.holds(one)),
            Self::Any(trees) => trees.iter().any(|tree| tree.holds(one)),
        }
    }

    pub(super) fn each<'t>(&'t self, see: &mut dyn FnMut(&'t C)) {
        match self {
            Self::One(condition) => see(condition),
            Self::All(trees) | Self::Any(trees) => trees.iter().for_each(|tree| tree.each(see)),
        }
    }
}

impl Operator {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.skip_spaces();
        let all = [
            ("!=", Self::NotEqual),
            (">=", Self::GreaterOrEqual),
            ("<=", Self::LessOrEqual),
            ("=", Self::Equal),
            (">", Self::Greater),
            ("<", Self::Less),
        ];
        all.into_iter().find(|(text, _)| cursor.take(text)).map(|(_, operator)| operator)
    }

    const fn is_of_numbers(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Operand {
    /// The value behind `operator`.
    pub(super) fn parse(cursor: &mut Cursor<'_>, operator: Operator) -> Result<Self, Invalid> {
        cursor.skip_spaces();
        let operand = match cursor.peek() {
            Some('%') => Self::Expression(cursor.expression()?),
            Some('"') => Self::text(&cursor.quoted('"')?),
            _ => {
                let ends = |c: char| c.is_whitespace() || "&|(){}[],".contains(c);
                let word = cursor.take_while(|c| !ends(c));
                match word.parse::<f64>() {
                    _ if word.is_empty() => return Err(Invalid),
                    Ok(number) if number.is_finite() => Self::Number(number),
                    _ => Self::text(word),
                }
            }
        };
        let is_number = matches!(operand, Self::Number(_));
        if operator.is_of_numbers() && !is_number { Err(Invalid) } else { Ok(operand) }
    }

    fn text(text: &str) -> Self {
        Self::Text(text.split('*').map(str::to_owned).collect())
    }

    /// Whether `value OPERATOR self`.
    pub(super) fn compare(&self, operator: Operator, value: &str) -> bool {
        match (self, operator) {
            (Self::Number(wanted), _) => match value.parse::<f64>() {
                Ok(number) => holds(operator, number, *wanted),
                Err(_) => operator == Operator::NotEqual,
            },
            (_, Operator::NotEqual) => !self.is_like(value),
            (_, _) => self.is_like(value),
        }
    }

    fn is_like(&self, value: &str) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Text(parts) => matches_parts(parts, value),
            Self::Expression(expression) => expression.is_match(value),
        }
    }
}

fn holds(operator: Operator, number: f64, wanted: f64) -> bool {
    match operator {
        #[expect(clippy::float_cmp, reason = "somebody asks for this very number")]
        Operator::Equal => number == wanted,
        #[expect(clippy::float_cmp, reason = "somebody asks for this very number")]
        Operator::NotEqual => number != wanted,
        Operator::Greater => number > wanted,
        Operator::GreaterOrEqual => number >= wanted,
        Operator::Less => number < wanted,
        Operator::LessOrEqual => number <= wanted,
    }
}

/// Whether `value` is the parts with anything between them.
fn matches_parts(parts: &[String], value: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return value == first };
    let Some(inner) = value.strip_prefix(first.as_str()) else { return false };
    let Some(mut inner) = inner.strip_suffix(last.as_str()) else { return false };
    for part in middle {
        let Some(at) = inner.find(part.as_str()) else { return false };
        inner = inner.get(at + part.len()..).unwrap_or_default();
    }
    true
}
