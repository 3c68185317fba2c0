// SPDX-License-Identifier: Apache-2.0
//! `[ip, user, ..., status = 4* && status != 404, size > 1000]`
//!
//! Fields stand between spaces. What stands in double quotes or brackets is one field, without them.

use super::Invalid;
use super::condition::{Operand, Operator, Tree};
use super::cursor::Cursor;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Delimited {
    fields: Vec<Field>,
    /// How many of them stand before `...`, if it is there.
    ellipsis: Option<usize>,
}

#[derive(Debug)]
struct Field {
    /// Empty where the pattern gives none.
    name: String,
    test: Option<Tree<(Operator, Operand)>>,
}

impl Delimited {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        cursor.expect("[")?;
        let mut pattern = Self { fields: Vec::new(), ellipsis: None };
        loop {
            cursor.skip_spaces();
            if cursor.take("...") {
                if pattern.ellipsis.replace(pattern.fields.len()).is_some() {
                    return Err(Invalid);
                }
            } else {
                pattern.fields.push(Field::parse(cursor)?);
            }
            cursor.skip_spaces();
            if cursor.take("]") {
                break;
            }
            cursor.expect(",")?;
        }
        cursor.skip_spaces();
        if cursor.peek().is_some() { Err(Invalid) } else { Ok(pattern) }
    }

    pub(super) fn is_match(&self, event: &str) -> bool {
        self.pairs(&fields(event)).is_some_and(|pairs| {
            pairs.iter().all(|(field, value)| {
                let holds =
                    |(operator, operand): &(Operator, Operand)| operand.compare(*operator, value);
                field.test.as_ref().is_none_or(|test| test.holds(&holds))
            })
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    pub(super) fn extract(&self, event: &str) -> BTreeMap<String, String> {
        let fields = fields(event);
        let pairs = self.pairs(&fields).unwrap_or_default();
        let named = pairs.into_iter().enumerate().map(|(index, (field, value))| {
            let name =
                if field.name.is_empty() { (index + 1).to_string() } else { field.name.clone() };
            (format!("${name}"), value.to_owned())
        });
        named.collect()
    }

    /// Each field of the pattern with that of the event. `None`: there are more or fewer.
    fn pairs<'f>(&'f self, values: &'f [String]) -> Option<Vec<(&'f Field, &'f str)>> {
        let count = self.fields.len();
        let (before, values) = match self.ellipsis {
            None if values.len() != count => return None,
            None => (count, values.iter().collect::<Vec<_>>()),
            Some(_) if values.len() < count => return None,
            Some(before) => {
                let behind = values.len() - (count - before);
                (before, values.iter().take(before).chain(values.iter().skip(behind)).collect())
            }
        };
        debug_assert!(before <= count, "the ellipsis stands among the fields");
        Some(self.fields.iter().zip(values.into_iter().map(String::as_str)).collect())
    }
}

impl Field {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Invalid> {
        let is_name = |c: char| c.is_alphanumeric() || "_-".contains(c);
        let mut name: Option<String> = None;
        let mut has_test = false;
        cursor.skip_spaces();
        if matches!(cursor.peek(), Some(',' | ']')) {
            return Ok(Self { name: String::new(), test: None });
        }
        let test = Tree::parse(cursor, 0, &mut |cursor| {
            cursor.skip_spaces();
            let word = cursor.take_while(is_name);
            // Each condition of a field says its name again.
            if *name.get_or_insert_with(|| word.to_owned()) != word || word.is_empty() {
                return Err(Invalid);
            }
            let Some(operator) = Operator::parse(cursor) else { return Ok(None) };
            has_test = true;
            Ok(Some((operator, Operand::parse(cursor, operator)?)))
        })?;
        let name = name.unwrap_or_default();
        if !has_test {
            let is_one = matches!(test, Tree::One(_));
            return if is_one { Ok(Self { name, test: None }) } else { Err(Invalid) };
        }
        Ok(Self { name, test: Some(whole(test)?) })
    }
}

/// A field with one condition has conditions everywhere.
fn whole<C>(tree: Tree<Option<C>>) -> Result<Tree<C>, Invalid> {
    let each = |trees: Vec<_>| trees.into_iter().map(whole).collect::<Result<Vec<_>, _>>();
    Ok(match tree {
        Tree::One(condition) => Tree::One(condition.ok_or(Invalid)?),
        Tree::All(trees) => Tree::All(each(trees)?),
        Tree::Any(trees) => Tree::Any(each(trees)?),
    })
}

fn fields(event: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = event.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let inside = end.and_then(|end| rest.get(1..)?.split_once(end));
        let (field, behind) = match inside {
            Some((field, behind)) => (field, behind),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        fields.push(field.to_owned());
        rest = behind.trim_start();
    }
    fields
}
