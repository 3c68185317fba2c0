// SPDX-License-Identifier: Apache-2.0
//! Percent-encoding: path labels and forms. Each text is decoded exactly once.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Decodes one segment of a path. `+` is itself there.
pub(crate) fn decode_label(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The pairs of a query string or of a form, decoded, in their order.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_form(key), decode_form(value))
    })
}

fn decode_form(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        return Cow::Owned(decode_label(&text.replace('+', " ")).into_owned());
    }
    decode_label(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once() {
        assert_eq!(decode_label("a%3Ab%252Fc+d"), "a:b%2Fc+d");
        assert_eq!(decode_label("100%"), "100%");
        assert_eq!(decode_label("%ff"), "\u{fffd}");
        let pairs: Vec<_> = pairs("a=1+2&b%5B%5D=%2B&&c&d=x=y").collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("a", "1 2"), ("b[]", "+"), ("c", ""), ("d", "x=y")]);
    }
}
