// SPDX-License-Identifier: Apache-2.0
//! What a document says of itself without being asked about a request: where its statements stand, and which condition
//! keys they need.

use crate::condition::{ArnPattern, Test};
use crate::document::{Document, Set};
use crate::pattern::{Pattern, Piece};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A place in a text. Both are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Where a statement stands, as IAM's simulator counts: from behind what opens it (of one in a list, behind the bracket or
/// the comma before it; of one that stands alone, behind its brace) to behind its last brace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// Where the statements of a document stand, in their order. Of a text that is no document, nowhere.
pub fn spans(text: &str) -> Vec<Span> {
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow, rename = "Statement")]
        statement: &'a RawValue,
    }
    let Ok(Members { statement }) = serde_json::from_str(text) else { return Vec::new() };
    let list = statement.get();
    if !list.starts_with('[') {
        let start = offset(text, list) + 1;
        return vec![span(text, start, offset(text, list) + list.len())];
    }
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list) else { return Vec::new() };
    let starts = |item: &str| {
        let before = text.get(..offset(text, item)).unwrap_or_default();
        before.trim_ascii_end().len()
    };
    items
        .iter()
        .map(|item| item.get())
        .map(|item| span(text, starts(item), offset(text, item) + item.len()))
        .collect()
}

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

fn span(text: &str, start: usize, end: usize) -> Span {
    Span { start: position(text, start), end: position(text, end) }
}

/// Where the character after so many bytes stands.
fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let last = before.rsplit('\n').next().unwrap_or_default();
    Position { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 }
}

impl Document {
    /// The condition keys that it names, in conditions and as variables, in the order in which they stand there.
    pub fn context_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for statement in &self.statements {
            let sets = [Some(&statement.actions), statement.resources.as_ref()];
            sets.into_iter().flatten().for_each(|set: &Set| variables(&set.patterns, &mut keys));
            for condition in &statement.conditions {
                keys.push(&condition.key);
                match &condition.test {
                    Test::Text { patterns, .. } => variables(patterns, &mut keys),
                    Test::Arn(patterns) => {
                        for pattern in patterns {
                            if let ArnPattern::Parts(parts) = pattern {
                                variables(&**parts, &mut keys);
                            }
                        }
                    }
                    Test::Number { .. }
                    | Test::Moment { .. }
                    | Test::Truth(_)
                    | Test::Bytes(_)
                    | Test::Address(_)
                    | Test::Null(_) => {}
                }
            }
        }
        let mut once: Vec<&str> = Vec::with_capacity(keys.len());
        for key in keys {
            if !once.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                once.push(key);
            }
        }
        once
    }
}

fn variables<'a>(patterns: &'a [Pattern], keys: &mut Vec<&'a str>) {
    for pattern in patterns {
        let Pattern::Template(pieces) = pattern else { continue };
        keys.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(&**key),
            Piece::Tokens(_) => None,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    /// IAM's documentation has these two, with where the simulator says that they stand.
    #[test]
    fn statements_stand_where_iams_simulator_says() {
        let alone = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
        let at = |line, column| Position { line, column };
        assert_eq!(spans(alone), [Span { start: at(1, 38), end: at(1, 167) }]);
        let listed = "{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        {\n            \"Sid\": \"a\",\n            \"Effect\": \"Allow\",\n            \"Action\": \"codecommit:ListRepositories\",\n            \"Resource\": \"*\"\n        },\n        {\"Sid\": \"b\"}\n    ]\n}";
        let both =
            [Span { start: at(3, 19), end: at(9, 10) }, Span { start: at(9, 11), end: at(10, 21) }];
        assert_eq!(spans(listed), both);
        assert_eq!(spans("{}"), []);
    }

    #[test]
    fn keys_are_those_of_conditions_and_variables() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",
            "Resource":"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
            "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"},
            "ArnLike":{"aws:SourceArn":"arn:aws:s3:::${aws:PrincipalTag/team}"},"Bool":{"AWS:currenttime":"true"}}}}"#;
        let document = Document::parse(text, Kind::Identity).unwrap();
        assert_eq!(
            document.context_keys(),
            ["aws:username", "aws:CurrentTime", "aws:SourceArn", "aws:PrincipalTag/team"]
        );
    }
}
