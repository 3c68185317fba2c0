// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use crate::iam::constraints as iam;
use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;

/// `regex-lite` reads the end of AWS's class otherwise than AWS does.
fn is_arn_character(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

pub const ARN: Constraints = NONE.length(20, 2_048).pattern(Pattern {
    text: r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
    is_match: |text| !text.is_empty() && text.chars().all(is_arn_character),
});
pub const CONTEXT_ASSERTION: Constraints = NONE.length(4, 2_048);
pub const DURATION_SECONDS: Constraints = NONE.range(900, 129_600);
pub const EXTERNAL_ID: Constraints = NONE.length(2, 1_224).pattern(pattern!(r"[\w+=,.@:\/-]*"));
pub const MINIMUM_SESSION_TOKEN_SIZE: Constraints = NONE.range(0, 4_096);
pub const PROVIDED_CONTEXTS_LIST: Constraints = NONE.length(1, 5);
pub const ROLE_DURATION_SECONDS: Constraints = NONE.range(900, 43_200);
pub const ROLE_SESSION_NAME: Constraints = NONE.length(2, 64).pattern(pattern!(r"[\w+=,.@-]*"));
pub const SERIAL_NUMBER: Constraints = NONE.length(9, 256).pattern(pattern!(r"[\w+=/:,.@-]*"));
pub const SESSION_POLICY: Constraints =
    NONE.length(1, usize::MAX).pattern(pattern!(r"[\u0009\u000A\u000D\u0020-\u00FF]+"));
pub const SOURCE_IDENTITY: Constraints = NONE.length(2, 64).pattern(pattern!(r"[\w+=,.@-]*"));
pub const TAG_KEY: Constraints = iam::TAG_KEY;
pub const TAG_KEY_LIST: Constraints = iam::TAG_KEY_LIST;
pub const TAG_LIST: Constraints = iam::TAG_LIST;
pub const TAG_VALUE: Constraints = iam::TAG_VALUE;
pub const TOKEN_CODE: Constraints = NONE.length(6, 6).pattern(pattern!(r"[\d]*"));
