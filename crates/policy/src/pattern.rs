// SPDX-License-Identifier: Apache-2.0
//! Texts that a request is compared with: plain, with wildcards, with variables.
//!
//! A variable's value is taken literally: a `*` in a user's name is a star and no wildcard.

use crate::facts::Facts;
use crate::glob::{self, Token, Wildcards};
use crate::malformed::Malformed;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Any,
    Text(Box<str>),
    Glob(Box<[Token]>),
    Template(Box<[Piece]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Tokens(Box<[Token]>),
    Variable { key: Box<str>, default: Option<Box<str>> },
}

/// How a pattern is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling {
    /// `None`: a star is a star.
    pub(crate) wildcards: Option<Wildcards>,
    pub(crate) has_variables: bool,
}

impl Pattern {
    pub(crate) fn read(text: &str, spelling: Spelling) -> Result<Self, Malformed> {
        if spelling.has_variables && text.contains("${") {
            return Self::template(text, spelling);
        }
        Ok(match spelling.wildcards {
            Some(_) if text == "*" => Self::Any,
            Some(wildcards) if text.contains(['*', '?']) => {
                let mut tokens = Vec::with_capacity(text.len());
                glob::tokens(text, wildcards, &mut tokens);
                Self::Glob(tokens.into())
            }
            _ => Self::Text(text.into()),
        })
    }

    fn template(text: &str, spelling: Spelling) -> Result<Self, Malformed> {
        let mut pieces = Vec::new();
        let mut tokens = Vec::new();
        let mut rest = text;
        let push = |text: &str, tokens: &mut Vec<Token>| match spelling.wildcards {
            Some(wildcards) => glob::tokens(text, wildcards, tokens),
            None => glob::literal(text, tokens),
        };
        while let Some((before, after)) = rest.split_once("${") {
            push(before, &mut tokens);
            // What a star before a variable ends is not known: it stays within its part.
            let (variable, after) =
                after.split_once('}').ok_or_else(|| Malformed::Variable(text.to_owned()))?;
            rest = after;
            match variable {
                "*" | "?" | "$" => glob::literal(variable, &mut tokens),
                variable => {
                    if !tokens.is_empty() {
                        pieces.push(Piece::Tokens(std::mem::take(&mut tokens).into()));
                    }
                    let piece = read_variable(variable);
                    pieces.push(piece.ok_or_else(|| Malformed::Variable(text.to_owned()))?);
                }
            }
        }
        push(rest, &mut tokens);
        if pieces.is_empty() {
            return Ok(Self::Glob(tokens.into()));
        }
        pieces.push(Piece::Tokens(tokens.into()));
        Ok(Self::Template(pieces.into()))
    }

    /// `None` when a variable has no value.
    pub(crate) fn fits(&self, text: &str, fold: bool, facts: &dyn Facts) -> Option<bool> {
        Some(match self {
            Self::Any => true,
            Self::Text(expected) if fold => expected.eq_ignore_ascii_case(text),
            Self::Text(expected) => **expected == *text,
            Self::Glob(tokens) => glob::fits(tokens, text, fold),
            Self::Template(pieces) => glob::fits(&filled(pieces, facts)?, text, fold),
        })
    }
}

fn read_variable(text: &str) -> Option<Piece> {
    let (key, default) = match text.split_once(',') {
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key.trim(), Some(default.into()))
        }
        None => (text.trim(), None),
    };
    (!key.is_empty() && !key.contains("${")).then(|| Piece::Variable { key: key.into(), default })
}

fn filled(pieces: &[Piece], facts: &dyn Facts) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Tokens(more) => tokens.extend_from_slice(more),
            Piece::Variable { key, default } => {
                let fact = facts.find(key);
                // A key with several values has none that could stand in a text.
                let value = match fact.as_ref().map(|fact| fact.values()) {
                    Some([value]) => Some(value.as_ref()),
                    _ => default.as_deref(),
                };
                glob::literal(value?, &mut tokens);
            }
        }
    }
    Some(tokens)
}
