// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;

const NAME: Pattern = pattern!(r"[\w+=,.@-]+");

/// Letters, separators and numbers of any script, and a few signs.
fn is_tag_character(character: char) -> bool {
    let is_separator = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || is_separator || "_.:/=+-@".contains(character)
}

/// `regex-lite` can not look ahead.
fn is_account_alias(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() >= 3
        && text.bytes().all(|byte| is_word(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

pub const ACCESS_KEY_ID: Constraints = NONE.length(16, 128).pattern(pattern!(r"[\w]+"));
pub const ACCOUNT_ALIAS: Constraints = NONE.length(3, 63).pattern(Pattern {
    text: r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
    is_match: is_account_alias,
});
pub const ACTION_NAME: Constraints = NONE.length(3, 128);
pub const ACTION_NAME_LIST: Constraints = NONE.each(&ACTION_NAME);
pub const ARN: Constraints = NONE.length(20, 2_048);
pub const ATTACHMENT_NAME: Constraints = NONE.length(1, 128).pattern(NAME);
pub const CONTEXT_KEY_NAME: Constraints = NONE.length(5, 256);
pub const CUSTOM_SUFFIX: Constraints = NONE.length(1, 64).pattern(NAME);
pub const DELETION_TASK_ID: Constraints = NONE.length(1, 1_000);
pub const EXISTING_USER_NAME: Constraints = NONE.length(1, 128).pattern(NAME);
pub const GROUP_NAME: Constraints = NONE.length(1, 128).pattern(NAME);
pub const MARKER: Constraints = NONE.length(1, 320).pattern(pattern!(r"[\u0020-\u00FF]+"));
pub const MAX_ITEMS: Constraints = NONE.range(1, 1_000);
pub const ORGANIZATION_POLICY_LIST: Constraints = NONE.length(0, 7);
pub const PATH: Constraints =
    NONE.length(1, 512).pattern(pattern!(r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"));
pub const PATH_PREFIX: Constraints =
    NONE.length(1, 512).pattern(pattern!(r"\u002F[\u0021-\u007F]*"));
pub const POLICY_DESCRIPTION: Constraints = NONE.length(0, 1_000);
pub const POLICY_DOCUMENT: Constraints =
    NONE.length(1, 131_072).pattern(pattern!(r"[\u0009\u000A\u000D\u0020-\u00FF]+"));
pub const POLICY_EXCLUSIONS_LIST: Constraints = NONE.length(0, 256);
pub const POLICY_NAME: Constraints = NONE.length(1, 128).pattern(NAME);
pub const POLICY_PATH: Constraints =
    NONE.length(1, 512).pattern(pattern!(r"((/[A-Za-z0-9\.,\+@=_-]+)*)/"));
pub const POLICY_VERSION_ID: Constraints =
    NONE.pattern(pattern!(r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"));
pub const RESOURCE_HANDLING_OPTION: Constraints = NONE.length(1, 64);
pub const RESOURCE_NAME: Constraints = NONE.length(1, 2_048);
pub const RESOURCE_NAME_LIST: Constraints = NONE.each(&RESOURCE_NAME);
pub const ROLE_DESCRIPTION: Constraints =
    NONE.length(0, 1_000).pattern(pattern!(r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"));
pub const ROLE_MAX_SESSION_DURATION: Constraints = NONE.range(3_600, 43_200);
pub const ROLE_NAME: Constraints = NONE.length(1, 64).pattern(NAME);
pub const SIMULATION_POLICY_LIST: Constraints = NONE.each(&POLICY_DOCUMENT);
pub const TAG_KEY: Constraints = NONE.length(1, 128).pattern(Pattern {
    text: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
    is_match: |text| !text.is_empty() && text.chars().all(is_tag_character),
});
pub const TAG_KEY_LIST: Constraints = NONE.length(0, 50).each(&TAG_KEY);
pub const TAG_LIST: Constraints = NONE.length(0, 50);
pub const TAG_VALUE: Constraints = NONE.length(0, 256).pattern(Pattern {
    text: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    is_match: |text| text.chars().all(is_tag_character),
});
pub const USER_NAME: Constraints = NONE.length(1, 64).pattern(NAME);
