// SPDX-License-Identifier: Apache-2.0
//! A small lexer for Rust: enough to tell code from comments and strings.
//!
//! It knows nothing of grammar. Numbers come out as identifiers, which no rule minds.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// The text between the quotes, escapes as written.
    Text,
    /// The text of a comment, marks included.
    Comment,
    /// One character of punctuation.
    Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// The tokens of `source`, white space left out.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut rest = source;
    let mut line = 1;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (length, token) = match first {
            _ if first.is_whitespace() => (first.len_utf8(), None),
            _ => {
                let (length, kind, text) = next(rest, first);
                (length, Some((kind, text)))
            }
        };
        let (taken, after) = rest.split_at(length);
        if let Some((kind, text)) = token {
            found.push(Token { kind, text, line });
        }
        line += taken.matches('\n').count();
        rest = after;
    }
    found
}

/// Length in bytes, kind and text of the token at the head of `rest`.
fn next(rest: &str, first: char) -> (usize, Kind, &str) {
    if rest.starts_with("//") {
        let length = rest.find('\n').unwrap_or(rest.len());
        return (length, Kind::Comment, &rest[..length]);
    }
    if rest.starts_with("/*") {
        let length = block_comment_length(rest);
        return (length, Kind::Comment, &rest[..length]);
    }
    if let Some((length, text)) = string(rest) {
        return (length, Kind::Text, text);
    }
    if first == '\''
        && let Some(length) = char_length(rest)
    {
        return (length, Kind::Text, &rest[1..length - 1]);
    }
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    if is_word(first) {
        let length = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        return (length, Kind::Word, &rest[..length]);
    }
    let length = first.len_utf8();
    (length, Kind::Mark, &rest[..length])
}

/// Rust's block comments nest.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else if let Some(letter) = tail.chars().next() {
            at += letter.len_utf8();
        } else {
            break;
        }
    }
    rest.len()
}

/// A string with any prefix: `"`, `b"`, `c"`, `r"`, `r#"`, `br##"`.
fn string(rest: &str) -> Option<(usize, &str)> {
    let prefix = rest.find(|letter| !matches!(letter, 'b' | 'c' | 'r'))?;
    let is_raw = rest.get(..prefix)?.contains('r');
    if prefix > 2 {
        return None;
    }
    let tail = rest.get(prefix..)?;
    let hashes = if is_raw { tail.find(|letter| letter != '#')? } else { 0 };
    let body = tail.get(hashes..)?.strip_prefix('"')?;
    let start = prefix + hashes + 1;
    let length = if is_raw {
        body.find(&format!("\"{}", "#".repeat(hashes)))?
    } else {
        plain_string_length(body)?
    };
    Some((start + length + 1 + hashes, body.get(..length)?))
}

fn plain_string_length(body: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, letter) in body.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// The length of a character literal, or `None` for a lifetime.
fn char_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let mut letters = body.char_indices();
    let (_, first) = letters.next()?;
    if first == '\\' {
        let (escaped, _) = letters.next()?;
        let from = escaped + 1;
        return body.get(from..)?.find('\'').map(|at| at + from + 2);
    }
    let (at, second) = letters.next()?;
    (second == '\'').then_some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(source: &str, expected: Expect) {
        let listing: String = tokens(source)
            .iter()
            .map(|token| format!("{} {:?} {}\n", token.line, token.kind, token.text))
            .collect();
        expected.assert_eq(&listing);
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        check(
            "fn a() { // unsafe\n  b(\"un\\\"safe\"); /* x /* y */ z */ c }",
            expect![[r#"
                1 Word fn
                1 Word a
                1 Mark (
                1 Mark )
                1 Mark {
                1 Comment // unsafe
                2 Word b
                2 Mark (
                2 Text un\"safe
                2 Mark )
                2 Mark ;
                2 Comment /* x /* y */ z */
                2 Word c
                2 Mark }
            "#]],
        );
    }

    #[test]
    fn raw_strings_characters_and_lifetimes_are_told_apart() {
        check(
            "r#\"a \" b\"# 'x' '\\'' '\\u{41}' &'static br\"c\" raw",
            expect![[r#"
                1 Text a " b
                1 Text x
                1 Text \'
                1 Text \u{41}
                1 Mark &
                1 Mark '
                1 Word static
                1 Text c
                1 Word raw
            "#]],
        );
    }

    #[test]
    fn lines_are_counted_through_strings() {
        check(
            "\"a\nb\" c",
            expect![[r#"
                1 Text a
                b
                2 Word c
            "#]],
        );
    }
}
