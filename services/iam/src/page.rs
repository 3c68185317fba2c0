// SPDX-License-Identifier: Apache-2.0
//! One page of a list, and the marker that the next one begins after.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::{Fault, Result};

const LENGTH_DEFAULT: usize = 100;

#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) is_truncated: bool,
    pub(crate) marker: Option<String>,
}

/// A page of `items`, each with the key that they are in the order of.
///
/// A marker names the last item, not a place: a list that changes meanwhile repeats nothing and leaves nothing out.
pub(crate) fn page<K: AsRef<str>, T>(
    items: impl IntoIterator<Item = (K, T)>,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<T>> {
    let after = marker.map(|marker| decode(marker).ok_or_else(invalid_marker)).transpose()?;
    let length = max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(LENGTH_DEFAULT);
    let is_new = |key: &str| after.as_ref().is_none_or(|after| key > after.as_str());
    let mut rest = items.into_iter().filter(|(key, _)| is_new(key.as_ref()));

    let mut page = Page { items: Vec::new(), is_truncated: false, marker: None };
    let mut last = None;
    for (key, item) in rest.by_ref().take(length) {
        page.items.push(item);
        last = Some(key);
    }
    if rest.next().is_some() {
        page.is_truncated = true;
        page.marker = last.map(|key| URL_SAFE_NO_PAD.encode(key.as_ref()));
    }
    Ok(page)
}

fn decode(marker: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()
}

fn invalid_marker() -> Fault {
    Fault::validation("Invalid Marker.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_while_the_list_changes() {
        let list = |names: &[&str]| {
            names.iter().map(|name| (name.to_string(), name.to_string())).collect::<Vec<_>>()
        };
        let first = page(list(&["a", "c", "e"]), None, Some(2)).unwrap();
        assert_eq!((first.items.join(""), first.is_truncated), ("ac".to_owned(), true));
        let second = page(list(&["a", "b", "d", "e"]), first.marker.as_deref(), Some(2)).unwrap();
        assert_eq!((second.items.join(""), second.is_truncated), ("de".to_owned(), false));
        assert!(second.marker.is_none());
        assert_eq!(page(list(&["a"]), Some("*"), None).unwrap_err().code, "ValidationException");
    }
}
