// SPDX-License-Identifier: Apache-2.0
//! Reading a pattern from left to right.

use super::Invalid;
use regex_lite::{Regex, RegexBuilder};

/// Bytes of a compiled expression.
const EXPRESSION_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Cursor<'p> {
    rest: &'p str,
    expressions: usize,
}

impl<'p> Cursor<'p> {
    pub(super) const fn new(text: &'p str) -> Self {
        Self { rest: text, expressions: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// How many regular expressions were read.
    pub(super) const fn expressions(&self) -> usize {
        self.expressions
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether `text` comes next. Then it is behind.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A word such as `IS`, in any case, that nothing else follows at once.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let Some((head, rest)) = self.rest.split_at_checked(word.len()) else { return false };
        let ends = rest.chars().next().is_none_or(|next| !next.is_alphanumeric());
        let is_there = head.eq_ignore_ascii_case(word) && ends;
        if is_there {
            self.rest = rest;
        }
        is_there
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), Invalid> {
        self.skip_spaces();
        if self.take(text) { Ok(()) } else { Err(Invalid) }
    }

    pub(super) fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'p str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        part
    }

    /// The text in quotes that begins here, without them. A backslash keeps the next letter.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, Invalid> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        letters.next();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = self.rest.get(at + quote.len_utf8()..).unwrap_or_default();
                return Ok(text);
            }
            match letter {
                '\\' => text.push(letters.next().ok_or(Invalid)?.1),
                letter => text.push(letter),
            }
        }
        Err(Invalid)
    }

    /// The expression between percent signs that begins here.
    pub(super) fn expression(&mut self) -> Result<Regex, Invalid> {
        let body = self.rest.strip_prefix('%').ok_or(Invalid)?;
        let (expression, rest) = body.split_once('%').ok_or(Invalid)?;
        self.rest = rest;
        self.expressions += 1;
        let mut builder = RegexBuilder::new(expression);
        builder.size_limit(EXPRESSION_BYTES_MAX).build().map_err(|_| Invalid)
    }
}
