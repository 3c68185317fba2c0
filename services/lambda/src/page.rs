// SPDX-License-Identifier: Apache-2.0
//! One page of a list, and the marker that the next one begins after.
//!
//! A marker names the last item, not a place: a list that changes meanwhile repeats nothing and leaves nothing out.

use crate::error::Error;
use crate::version::Number;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::ControlFlow;

/// AWS gives no longer page, whatever is asked for.
const LENGTH_MAX: usize = 50;

/// The item a page ended with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Marker {
    pub(crate) name: String,
    pub(crate) number: Number,
}

impl Marker {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.name, self.number))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (name, number) = text.split_once(':')?;
        Some(Self { name: name.to_owned(), number: number.parse().ok()? })
    }
}

/// Items come in the order of their markers.
#[derive(Debug)]
pub(crate) struct Page<T> {
    after: Option<Marker>,
    length_max: usize,
    items: Vec<T>,
    last: Option<Marker>,
    has_more: bool,
}

impl<T> Page<T> {
    pub(crate) fn new(marker: Option<&str>, max_items: Option<i32>) -> Result<Self, Error> {
        let after = match marker.filter(|marker| !marker.is_empty()) {
            Some(text) => {
                let invalid = || {
                    Error::InvalidParameter(
                        "The Marker is not one that this operation answered.".to_owned(),
                    )
                };
                Some(Marker::decode(text).ok_or_else(invalid)?)
            }
            None => None,
        };
        let asked = max_items.and_then(|items| usize::try_from(items).ok()).unwrap_or(LENGTH_MAX);
        let length_max = asked.clamp(1, LENGTH_MAX);
        Ok(Self { after, length_max, items: Vec::new(), last: None, has_more: false })
    }

    /// The name that the first item may have.
    pub(crate) fn from(&self) -> String {
        self.after.as_ref().map_or_else(String::new, |after| after.name.clone())
    }

    /// `Break` when the page is full: there is more, and this item is the first of it.
    pub(crate) fn add(&mut self, marker: Marker, item: impl FnOnce() -> T) -> ControlFlow<()> {
        if self.after.as_ref().is_some_and(|after| marker <= *after) {
            return ControlFlow::Continue(());
        }
        if self.items.len() >= self.length_max {
            self.has_more = true;
            return ControlFlow::Break(());
        }
        self.items.push(item());
        self.last = Some(marker);
        ControlFlow::Continue(())
    }

    /// The marker for the next page, and the items of this one.
    pub(crate) fn finish(self) -> (Option<String>, Vec<T>) {
        (self.last.filter(|_| self.has_more).map(|last| last.encode()), self.items)
    }
}
