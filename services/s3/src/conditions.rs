// SPDX-License-Identifier: Apache-2.0
//! `If-Match` and its siblings.

use crate::fault;
use crate::record::{Content, Object};
use http::HeaderMap;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use wire::{Fault, Result};

/// The conditions of a request, under the names that it has for them.
#[derive(Debug, Default)]
pub(crate) struct Conditions<'a> {
    pub(crate) matches: Option<&'a str>,
    pub(crate) none_matches: Option<&'a str>,
    pub(crate) modified_since: Option<&'a str>,
    pub(crate) unmodified_since: Option<&'a str>,
}

/// What a read is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    NotModified,
    Failed(&'static str),
}

impl<'a> Conditions<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let text =
            |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        Self {
            matches: text(IF_MATCH),
            none_matches: text(IF_NONE_MATCH),
            modified_since: text(IF_MODIFIED_SINCE),
            unmodified_since: text(IF_UNMODIFIED_SINCE),
        }
    }

    /// For reads. A tag says more than a time.
    pub(crate) fn judge(&self, etag: &str, modified_ms: i64) -> Verdict {
        let modified_s = modified_ms.div_euclid(1000);
        let since = |text: Option<&str>| {
            let time = httpdate::parse_http_date(text?).ok()?;
            let seconds = time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
            i64::try_from(seconds).ok()
        };
        match (self.matches, since(self.unmodified_since)) {
            (Some(tags), _) if !has(tags, etag) => return Verdict::Failed("If-Match"),
            (None, Some(then)) if modified_s > then => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            _ => {}
        }
        match (self.none_matches, since(self.modified_since)) {
            (Some(tags), _) if has(tags, etag) => Verdict::NotModified,
            (None, Some(then)) if modified_s <= then => Verdict::NotModified,
            _ => Verdict::Go,
        }
    }

    /// For writes, upon what is there now.
    pub(crate) fn check_write(&self, current: Option<&Object>) -> Result<()> {
        let content: Option<&Content> = current.and_then(|object| object.content.as_ref());
        match (self.matches, content) {
            (Some(_), None) => return Err(fault::no_such_key()),
            (Some(tags), Some(content)) if !has(tags, &content.etag) => {
                return Err(failed("If-Match"));
            }
            _ => {}
        }
        match (self.none_matches, content) {
            (Some("*"), Some(_)) => Err(failed("If-None-Match")),
            (None | Some("*"), _) => Ok(()),
            // S3 knows no other on a write.
            (Some(_), _) => Err(fault::not_implemented()),
        }
    }
}

pub(crate) fn failed(condition: &'static str) -> Fault {
    fault::precondition_failed().with_member("Condition", condition)
}

/// Whether a list of tags has this one, or is every tag.
fn has(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Option<&str> = Some("Mon, 23 Nov 2026 03:00:00 GMT");
    const AFTER: Option<&str> = Some("Mon, 23 Nov 2026 05:00:00 GMT");
    const MODIFIED_MS: i64 = 1_795_406_400_500;

    #[test]
    fn reads_are_judged_by_tags_before_times() {
        let failed = Verdict::Failed;
        for (conditions, expected) in [
            (Conditions::default(), Verdict::Go),
            (Conditions { matches: Some("\"a\""), ..Conditions::default() }, Verdict::Go),
            (Conditions { matches: Some("b, a"), ..Conditions::default() }, Verdict::Go),
            (Conditions { matches: Some("\"b\""), ..Conditions::default() }, failed("If-Match")),
            (
                Conditions {
                    matches: Some("*"),
                    unmodified_since: BEFORE,
                    ..Conditions::default()
                },
                Verdict::Go,
            ),
            (
                Conditions { unmodified_since: BEFORE, ..Conditions::default() },
                failed("If-Unmodified-Since"),
            ),
            (Conditions { unmodified_since: AFTER, ..Conditions::default() }, Verdict::Go),
            (
                Conditions { none_matches: Some("W/\"a\""), ..Conditions::default() },
                Verdict::NotModified,
            ),
            (
                Conditions {
                    none_matches: Some("b"),
                    modified_since: AFTER,
                    ..Conditions::default()
                },
                Verdict::Go,
            ),
            (Conditions { modified_since: AFTER, ..Conditions::default() }, Verdict::NotModified),
            (Conditions { modified_since: BEFORE, ..Conditions::default() }, Verdict::Go),
            (Conditions { modified_since: Some("soon"), ..Conditions::default() }, Verdict::Go),
        ] {
            assert_eq!(conditions.judge("a", MODIFIED_MS), expected, "{conditions:?}");
        }
    }
}
