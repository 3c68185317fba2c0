// SPDX-License-Identifier: Apache-2.0
//! The canonical form of a request: what is hashed and signed.
//!
//! Works on the request as it is on the wire: its path and query are percent-encoded already, perhaps in another
//! spelling than the canonical one.

use crate::Payload;
use http::{HeaderMap, Method, Uri};
use sha2::{Digest, Sha256};

/// The parameter of a presigned query that is not part of what it signs.
const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// What a path is in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathRule {
    /// Without empty and relative segments, and encoded once more.
    Normal,
    /// Encoded once: a key of Amazon S3 may be `a//../b`.
    AsSent,
}

/// The SHA-256 of the canonical request.
///
/// `None` when a signed header is not in the request: nobody can have signed that.
pub(crate) fn hash(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    signed_headers: &str,
    payload: Payload,
    path: PathRule,
) -> Option<[u8; 32]> {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(method.as_str().as_bytes());
    text.push(b'\n');
    match path {
        PathRule::Normal => push_path(&mut text, uri.path()),
        PathRule::AsSent => recode_into(&mut text, uri.path(), Slash::Kept),
    }
    text.push(b'\n');
    push_query(&mut text, uri.query().unwrap_or_default());
    text.push(b'\n');
    for name in signed_headers.split(';') {
        push_header(&mut text, headers, name)?;
    }
    text.push(b'\n');
    text.extend_from_slice(signed_headers.as_bytes());
    text.push(b'\n');
    payload.push_text(&mut text);
    Some(Sha256::digest(&text).into())
}

/// Without empty and relative segments, and encoded once more.
fn push_path(text: &mut Vec<u8>, path: &str) {
    let is_normal = !path.contains("//") && !path.contains("/.");
    if is_normal {
        encode_into(text, path.as_bytes(), Slash::Kept);
        return;
    }

    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    for segment in &segments {
        text.push(b'/');
        encode_into(text, segment.as_bytes(), Slash::Encoded);
    }
    if segments.is_empty() || path.ends_with('/') {
        text.push(b'/');
    }
}

/// Sorted by name and then by value, each in its canonical spelling.
fn push_query(text: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != SIGNATURE_PARAMETER)
        .map(|(name, value)| (recode(name), recode(value)))
        .collect();
    pairs.sort_unstable();

    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
    }
}

/// `name:value`, values of one name joined by commas, blanks trimmed and runs of them made one.
fn push_header(text: &mut Vec<u8>, headers: &HeaderMap, name: &str) -> Option<()> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;

    text.extend_from_slice(name.as_bytes());
    text.push(b':');
    for (position, value) in values.enumerate() {
        if position > 0 {
            text.push(b',');
        }
        let mut is_after_blank = false;
        for byte in value.as_bytes().trim_ascii() {
            let is_blank = *byte == b' ';
            if !(is_blank && is_after_blank) {
                text.push(*byte);
            }
            is_after_blank = is_blank;
        }
    }
    text.push(b'\n');
    Some(())
}

fn recode(part: &str) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(part.len());
    recode_into(&mut encoded, part, Slash::Encoded);
    encoded
}

/// In the canonical spelling, whatever it was sent in.
fn recode_into(text: &mut Vec<u8>, part: &str, slash: Slash) {
    if part.bytes().all(|byte| is_unreserved(byte) || (slash == Slash::Kept && byte == b'/')) {
        text.extend_from_slice(part.as_bytes());
    } else {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(part).collect();
        encode_into(text, &decoded, slash);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slash {
    Kept,
    Encoded,
}

pub(crate) fn encode_into(text: &mut Vec<u8>, bytes: &[u8], slash: Slash) {
    for byte in bytes {
        if is_unreserved(*byte) || (slash == Slash::Kept && *byte == b'/') {
            text.push(*byte);
        } else {
            let [high, low] = hex_digits(*byte);
            text.extend_from_slice(&[b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn hex_digits(byte: u8) -> [u8; 2] {
    [hex_digit(byte >> 4), hex_digit(byte & 15)]
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

pub(crate) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    text.extend(bytes.iter().flat_map(|byte| hex_digits(*byte)));
}

/// Lower-case digits only, as signatures are written.
pub(crate) fn decode_hex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = (digit(high)? << 4) | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> String {
        let mut text = Vec::new();
        push_path(&mut text, path);
        String::from_utf8(text).unwrap()
    }

    fn query(query: &str) -> String {
        let mut text = Vec::new();
        push_query(&mut text, query);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn paths_are_normalized_and_encoded_once_more() {
        for (given, expected) in [
            ("/", "/"),
            ("//", "/"),
            ("/example/..", "/"),
            ("/./", "/"),
            ("/./example", "/example"),
            ("//example//", "/example/"),
            ("/example1/example2/../..", "/"),
            ("/../../x", "/x"),
            ("/%E1%88%B4", "/%25E1%2588%25B4"),
            ("/functions/arn%3Aaws/.x", "/functions/arn%253Aaws/.x"),
            ("/a:b/$LATEST~_-.", "/a%3Ab/%24LATEST~_-."),
        ] {
            assert_eq!(path(given), expected, "{given}");
        }
    }

    #[test]
    fn queries_are_sorted_and_spelt_one_way() {
        for (given, expected) in [
            ("", ""),
            ("Param2=value2&Param1=value1", "Param1=value1&Param2=value2"),
            ("Param1=value2&Param1=Value1", "Param1=Value1&Param1=value2"),
            ("b&a=&a", "a=&a=&b="),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("x=%7e%2a&y=a:b", "x=~%2A&y=a%3Ab"),
            ("x=1+2", "x=1%2B2"),
            ("X-Amz-Signature=00&x=1", "x=1"),
            ("&&x=1&", "x=1"),
        ] {
            assert_eq!(query(given), expected, "{given}");
        }
    }

    #[test]
    fn header_values_are_trimmed_and_joined() {
        let mut headers = HeaderMap::new();
        for value in ["  a   b  ", "c", "\td  "] {
            headers.append("my-header", value.parse().unwrap());
        }
        let mut text = Vec::new();
        push_header(&mut text, &headers, "my-header").unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "my-header:a b,c,d\n");
        assert_eq!(push_header(&mut Vec::new(), &headers, "other"), None);
        assert_eq!(push_header(&mut Vec::new(), &headers, "not a name"), None);
    }
}
