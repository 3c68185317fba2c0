// SPDX-License-Identifier: Apache-2.0
//! Which bucket and which object a request is for: in its path, or the bucket in its host.

use http::header::HOST;
use http::request::Parts;
use percent_encoding::percent_decode_str;

/// What stands in a request's address. Neither name was checked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) bucket: String,
    pub(crate) key: Key,
}

/// A key as it was sent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    #[default]
    None,
    Text(String),
    /// It is not UTF-8.
    Unreadable,
}

impl Site {
    pub(crate) fn of(head: &Parts) -> Self {
        let path = head.uri.path().strip_prefix('/').unwrap_or_default();
        if let Some(bucket) = by_host(host(head)) {
            return Self { bucket, key: Key::read(path) };
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let bucket = percent_decode_str(bucket).decode_utf8_lossy().into_owned();
        Self { bucket, key: Key::read(key) }
    }
}

impl Key {
    fn read(text: &str) -> Self {
        match percent_decode_str(text).decode_utf8() {
            Ok(text) if text.is_empty() => Self::None,
            Ok(text) => Self::Text(text.into_owned()),
            Err(_) => Self::Unreadable,
        }
    }
}

fn host(head: &Parts) -> &str {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

/// `bucket.s3.localhost`, `bucket.s3.us-east-1.amazonaws.com` or `bucket.localhost`. Buckets may have dots in their names.
fn by_host(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
    let labels: Vec<&str> = host.split('.').collect();
    let bucket = match labels.iter().rposition(|label| is_service(label)) {
        Some(place) => labels.get(..place)?.join("."),
        None => host.strip_suffix(".localhost")?.to_owned(),
    };
    Some(bucket).filter(|bucket| !bucket.is_empty())
}

/// The bucket that the host names.
pub(crate) fn bucket_in_host(head: &Parts) -> Option<String> {
    by_host(host(head))
}

/// Whether the host says that the request is for Amazon S3.
pub(crate) fn names_service(head: &Parts) -> bool {
    host(head).split('.').any(|label| label.eq_ignore_ascii_case("s3"))
}

/// The pairs of a request's query.
pub(crate) fn query(head: &Parts) -> Vec<(String, String)> {
    pairs(head.uri.query().unwrap_or_default())
}

/// The pairs of a query, decoded, in their order.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str, path: &str) -> Site {
        let request = http::Request::builder().uri(path).header(HOST, host);
        Site::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        let found = |bucket: &str, key: &str| {
            let key = if key.is_empty() { Key::None } else { Key::Text(key.to_owned()) };
            Site { bucket: bucket.to_owned(), key }
        };
        for (host, path, expected) in [
            ("127.0.0.1:4566", "/", found("", "")),
            ("127.0.0.1:4566", "/b", found("b", "")),
            ("localhost", "/b/", found("b", "")),
            ("s3.localhost", "/b/a//../%C3%A9+", found("b", "a//../é+")),
            ("s3.us-east-1.amazonaws.com", "/b/k", found("b", "k")),
            ("b.localhost:4566", "/k/l", found("b", "k/l")),
            ("a.b.s3.localhost:4566", "/", found("a.b", "")),
            ("b.s3.us-east-1.amazonaws.com", "/k", found("b", "k")),
        ] {
            assert_eq!(site(host, path), expected, "{host}{path}");
        }
        assert_eq!(site("localhost", "/b/%ff").key, Key::Unreadable);
    }
}
