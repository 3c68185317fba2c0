// SPDX-License-Identifier: Apache-2.0
//! Policy documents as they come in and go out.

use api::iam::fault;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy::Document;
use wire::Result;

/// What RFC 3986 leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(crate) use policy::Kind;

/// A document that `policy` can read. What it holds is thrown away: whoever asks policies reads them again, once.
pub(crate) fn check(text: &str, kind: Kind) -> Result<()> {
    Document::parse(text, kind)
        .map(drop)
        .map_err(|malformed| fault::malformed_policy_document(malformed.to_string()))
}

/// Characters that count towards a quota: AWS leaves white space out.
pub(crate) fn size(text: &str) -> usize {
    text.chars().filter(|character| !character.is_whitespace()).count()
}

/// As documents stand in answers.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
