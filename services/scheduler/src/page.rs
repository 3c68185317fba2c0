// SPDX-License-Identifier: Apache-2.0
//! Lists, page by page. Pure.

use api::scheduler::fault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::Result;

const SIZE: usize = 100;

pub(crate) fn size(max: Option<i32>) -> usize {
    max.and_then(|max| usize::try_from(max).ok()).unwrap_or(SIZE)
}

/// The first `size` of `found`, and the token of those behind them: what the first of those is called.
pub(crate) fn cut<T>(
    mut found: Vec<T>,
    size: usize,
    name: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let next = found.get(size).map(|first| URL_SAFE_NO_PAD.encode(name(first)));
    found.truncate(size);
    (found, next)
}

/// What the first of a page is called. AWS's words were not checked.
pub(crate) fn start(token: Option<&str>) -> Result<Option<String>> {
    let Some(token) = token else { return Ok(None) };
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    let name = decoded.and_then(|name| String::from_utf8(name).ok());
    name.map(Some).ok_or_else(|| fault::validation("Invalid NextToken provided."))
}
