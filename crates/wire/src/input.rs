// SPDX-License-Identifier: Apache-2.0
//! How a request becomes an input.
//!
//! `#[derive(Input)]` writes the implementations. JSON bodies and forms go through serde straight into
//! the draft; labels, query members and headers are then put in their places.

use crate::check::{At, Violations};
use crate::{Fault, Member, Result, Timestamp, percent};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName};
use std::borrow::Cow;

/// The input of an operation.
pub trait Input: Member<Draft: Default> {
    /// Whether the body is JSON that holds members.
    const HAS_BODY: bool;

    /// Puts what stands in the head of a REST request, and its raw payload, into the draft.
    fn bind(draft: &mut Self::Draft, head: &Head<'_>, payload: Bytes) -> Result<()>;
}

/// Requires of a draft what the model does, and gives the input or the one error that lists all.
pub(crate) fn build<I: Input>(draft: I::Draft) -> Result<I> {
    let mut found = Violations::default();
    match I::build(draft, &At::ROOT, &mut found) {
        Some(input) if found.is_empty() => Ok(input),
        _ => Err(found.into_fault()),
    }
}

/// Labels, query string and headers of a REST request.
#[derive(Debug)]
pub struct Head<'a> {
    pub labels: &'a [(&'static str, Cow<'a, str>)],
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

impl Head<'_> {
    pub fn label<T: FromText>(&self, name: &str) -> Result<Option<T>> {
        self.labels
            .iter()
            .find(|(label, _)| *label == name)
            .map(|(_, text)| T::from_text(text))
            .transpose()
    }

    pub fn header<T: FromText>(&self, name: &HeaderName) -> Result<Option<T>> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        let text = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Fault::serialization(format!("Header {name} is not valid UTF-8")))?;
        T::from_text(text).map(Some)
    }

    pub fn query<T: FromText>(&self, name: &str) -> Result<Option<T>> {
        T::from_query(&mut self.query_values(name))
    }

    fn query_values<'q>(&'q self, name: &'q str) -> impl Iterator<Item = Cow<'q, str>> {
        percent::pairs(self.query).filter(move |(key, _)| key == name).map(|(_, value)| value)
    }
}

/// A draft that text alone can carry: in a label, a header or a query string.
pub trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self>;

    fn from_query(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Option<Self>> {
        values.next().map(|text| Self::from_text(&text)).transpose()
    }
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self> {
        Ok(text.to_owned())
    }
}

impl<T: FromText> FromText for Vec<T> {
    fn from_text(text: &str) -> Result<Self> {
        text.split(',').map(|item| T::from_text(item.trim())).collect()
    }

    /// `tagKeys=a&tagKeys=b`
    fn from_query(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Option<Self>> {
        let items = values.map(|text| T::from_text(&text)).collect::<Result<Self>>()?;
        Ok((!items.is_empty()).then_some(items))
    }
}

macro_rules! parsed {
    ($($type:ty: $name:literal),*) => {$(
        impl FromText for $type {
            fn from_text(text: &str) -> Result<Self> {
                text.parse().map_err(|_| {
                    Fault::serialization(concat!("STRING_VALUE can not be converted to ", $name))
                })
            }
        }
    )*};
}

parsed!(i32: "an Integer", i64: "a Long", f64: "a Double", bool: "a Boolean");

impl FromText for Timestamp {
    fn from_text(text: &str) -> Result<Self> {
        let seconds = || text.parse::<i64>().ok()?.checked_mul(1000).map(Self::from_epoch_ms);
        Self::parse(text)
            .or_else(seconds)
            .ok_or_else(|| Fault::serialization("STRING_VALUE can not be converted to a Timestamp"))
    }
}
