// SPDX-License-Identifier: Apache-2.0
//! What is known of a request: condition keys and their values.

use std::borrow::Cow;

/// The values of one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl Fact<'_> {
    pub(crate) fn values(&self) -> &[Cow<'_, str>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl<'a> From<&'a str> for Fact<'a> {
    fn from(value: &'a str) -> Self {
        Self::One(Cow::Borrowed(value))
    }
}

impl From<String> for Fact<'_> {
    fn from(value: String) -> Self {
        Self::One(Cow::Owned(value))
    }
}

/// Answers condition keys, and is asked only for those that a policy names.
pub trait Facts {
    /// `key` as the policy spells it: letters of either case mean the same.
    fn find(&self, key: &str) -> Option<Fact<'_>>;
}

/// Facts that were written down beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactList(Vec<(String, Vec<String>)>);

impl FactList {
    /// A key that is there already gets one value more.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.into()),
            None => self.0.push((key.to_owned(), vec![value.into()])),
        }
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for FactList {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        let mut list = Self::default();
        for (key, value) in pairs {
            list.add(key.as_ref(), value);
        }
        list
    }
}

impl Facts for FactList {
    fn find(&self, key: &str) -> Option<Fact<'_>> {
        let (_, values) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
        Some(match values.as_slice() {
            [value] => Fact::from(value.as_str()),
            values => Fact::Many(values.iter().map(|value| Cow::from(value.as_str())).collect()),
        })
    }
}
