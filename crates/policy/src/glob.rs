// SPDX-License-Identifier: Apache-2.0
//! Wildcards.
//!
//! `*` is any text and `?` any one character. In a resource, whose parts are separated by colons, a `*` stays within its
//! part unless it ends it, and `?` is never a colon.

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Byte(u8),
    /// One character.
    One,
    /// One character that is no colon.
    OneInPart,
    /// Any text.
    Many,
    /// Any text without a colon.
    ManyInPart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    /// Of texts and actions: they know no parts.
    Plain,
    /// Of resources.
    InParts,
}

/// Takes `text` apart. What follows it decides whether a `*` at its end ends a part.
pub(crate) fn tokens(text: &str, wildcards: Wildcards, out: &mut Vec<Token>) {
    let bytes = text.as_bytes();
    let in_parts = wildcards == Wildcards::InParts;
    for (place, byte) in bytes.iter().enumerate() {
        out.push(match byte {
            b'*' => {
                let ends_part = bytes.get(place + 1).is_none_or(|next| *next == b':');
                if in_parts && !ends_part { Token::ManyInPart } else { Token::Many }
            }
            b'?' if in_parts => Token::OneInPart,
            b'?' => Token::One,
            byte => Token::Byte(*byte),
        });
    }
}

pub(crate) fn literal(text: &str, out: &mut Vec<Token>) {
    out.extend(text.bytes().map(Token::Byte));
}

/// Where to go on when what follows a star did not fit: one character later.
#[derive(Clone, Copy)]
struct Retry {
    token: usize,
    at: usize,
}

/// Whether the whole of `text` fits. With `fold`, letters of either case are the same.
///
/// Linear in the product of both lengths: only the last star of each kind is ever extended.
pub(crate) fn fits(tokens: &[Token], text: &str, fold: bool) -> bool {
    let text = text.as_bytes();
    let (mut token, mut at) = (0, 0);
    let (mut anywhere, mut in_part): (Option<Retry>, Option<Retry>) = (None, None);
    loop {
        match tokens.get(token) {
            Some(Token::Many) => {
                token += 1;
                (anywhere, in_part) = (Some(Retry { token, at }), None);
                continue;
            }
            Some(Token::ManyInPart) => {
                token += 1;
                in_part = Some(Retry { token, at });
                continue;
            }
            Some(one) => {
                if let Some(length) = fits_one(*one, text, at, fold) {
                    (token, at) = (token + 1, at + length);
                    continue;
                }
            }
            None if at == text.len() => return true,
            None => {}
        }
        // A star that may not cross the colon it came to gives way to the one before that may.
        let extended = in_part
            .and_then(|retry| extend(retry, text, false))
            .map(|retry| (anywhere, Some(retry), retry))
            .or_else(|| {
                let retry = extend(anywhere?, text, true)?;
                Some((Some(retry), None, retry))
            });
        let Some((new_anywhere, new_in_part, retry)) = extended else { return false };
        (anywhere, in_part, token, at) = (new_anywhere, new_in_part, retry.token, retry.at);
    }
}

fn extend(retry: Retry, text: &[u8], crosses_colons: bool) -> Option<Retry> {
    let byte = *text.get(retry.at)?;
    (crosses_colons || byte != b':')
        .then(|| Retry { at: retry.at + character_length(byte), ..retry })
}

/// How many bytes of `text` the token takes.
fn fits_one(token: Token, text: &[u8], at: usize, fold: bool) -> Option<usize> {
    let byte = *text.get(at)?;
    match token {
        Token::Byte(expected) => {
            let is_same = byte == expected || (fold && byte.eq_ignore_ascii_case(&expected));
            is_same.then_some(1)
        }
        Token::OneInPart if byte == b':' => None,
        Token::One | Token::OneInPart => Some(character_length(byte)),
        Token::Many | Token::ManyInPart => None,
    }
}

/// Bytes of the character that begins with this one.
const fn character_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, wildcards: Wildcards, text: &str) -> bool {
        let mut compiled = Vec::new();
        tokens(pattern, wildcards, &mut compiled);
        fits(&compiled, text, false)
    }

    /// Tries everything.
    fn naive(tokens: &[Token], text: &[char]) -> bool {
        let Some((first, rest)) = tokens.split_first() else { return text.is_empty() };
        match first {
            Token::Many | Token::ManyInPart => {
                let crosses = *first == Token::Many;
                let end = text.iter().position(|one| *one == ':').filter(|_| !crosses);
                (0..=end.unwrap_or(text.len())).any(|count| naive(rest, &text[count..]))
            }
            one => text.split_first().is_some_and(|(character, text)| {
                let is_same = match one {
                    Token::Byte(byte) => *character == char::from(*byte),
                    Token::OneInPart => *character != ':',
                    _ => true,
                };
                is_same && naive(rest, text)
            }),
        }
    }

    #[test]
    fn stars() {
        for (pattern, text, plain, in_parts) in [
            ("*", "", true, true),
            ("a*c", "abc", true, true),
            ("a*c", "a:c", true, false),
            ("a*", "a:b:c", true, true),
            ("a*:c", "a:b:c", true, true),
            ("a?c", "a:c", true, false),
            ("a?c", "aéc", true, true),
            ("a?c", "ac", false, false),
            ("*a*b", "xaxab", true, true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k/l", true, true),
            ("function:*-dev", "function:x:a-dev", true, false),
        ] {
            assert_eq!(check(pattern, Wildcards::Plain, text), plain, "{pattern} {text}");
            assert_eq!(check(pattern, Wildcards::InParts, text), in_parts, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn as_when_everything_is_tried(pattern in "[ab:?*]{0,8}", text in "[ab:é]{0,10}") {
            for wildcards in [Wildcards::Plain, Wildcards::InParts] {
                let mut compiled = Vec::new();
                tokens(&pattern, wildcards, &mut compiled);
                let characters: Vec<char> = text.chars().collect();
                prop_assert_eq!(fits(&compiled, &text, false), naive(&compiled, &characters));
            }
        }
    }
}
