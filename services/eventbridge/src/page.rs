// SPDX-License-Identifier: Apache-2.0
//! Lists, page by page. A token is the name that the next page begins with.

use crate::rule::invalid;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Result;

const PAGE: usize = 100;

/// The items of a page, and the token of the next. `items` are in the order of their names.
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> &str,
    token: Option<&str>,
    limit: Option<i32>,
) -> Result<(Vec<T>, Option<String>)> {
    let from = token.map(read).transpose()?.unwrap_or_default();
    let size = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
    let mut rest = items.into_iter().skip_while(|item| name(item) < from.as_str());
    let page: Vec<T> = rest.by_ref().take(size).collect();
    let next = rest.next().map(|item| URL_SAFE_NO_PAD.encode(name(&item)));
    Ok((page, next))
}

fn read(token: &str) -> Result<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    let text = decoded.and_then(|name| String::from_utf8(name).ok());
    text.ok_or_else(|| invalid("Parameter NextToken is not valid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let items = || ["a", "b", "c"].into_iter();
        let (first, token) = page(items(), |item| item, None, Some(2)).unwrap();
        assert_eq!(first, ["a", "b"]);
        let (last, token) = page(items(), |item| item, token.as_deref(), Some(2)).unwrap();
        assert_eq!((last.as_slice(), token), (["c"].as_slice(), None));
        assert!(page(items(), |item| item, Some("?"), None).is_err());
    }
}
