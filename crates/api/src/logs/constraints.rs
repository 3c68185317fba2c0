// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use crate::lambda::constraints::is_tag_character;
use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;

/// `regex-lite` does not know classes of Unicode.
const TAG_KEY_PATTERN: Pattern = Pattern {
    text: r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$",
    is_match: |text| !text.is_empty() && text.chars().all(is_tag_character),
};
const TAG_VALUE_PATTERN: Pattern = Pattern {
    text: r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$",
    is_match: |text| text.chars().all(is_tag_character),
};

pub const ACCOUNT_ID: Constraints = NONE.length(12, 12).pattern(pattern!(r"^\d{12}$"));
pub const ACCOUNT_IDS: Constraints = NONE.length(0, 20).each(&ACCOUNT_ID);
pub const AMAZON_RESOURCE_NAME: Constraints =
    NONE.length(1, 1011).pattern(pattern!(r"[\w+=/:,.@-]*"));
pub const DESCRIBE_LIMIT: Constraints = NONE.range(1, 50);
pub const DESCRIBE_LOG_GROUPS_LOG_GROUP_IDENTIFIERS: Constraints =
    NONE.length(1, 50).each(&LOG_GROUP_IDENTIFIER);
pub const DESTINATION_ARN: Constraints = NONE.length(1, usize::MAX);
pub const DIMENSIONS: Constraints = NONE.keys(&DIMENSIONS_KEY).each(&DIMENSIONS_VALUE);
pub const DIMENSIONS_KEY: Constraints = NONE.length(0, 255);
pub const DIMENSIONS_VALUE: Constraints = NONE.length(0, 255);
pub const ENTITY_ATTRIBUTES: Constraints =
    NONE.length(0, 10).keys(&ENTITY_ATTRIBUTES_KEY).each(&ENTITY_ATTRIBUTES_VALUE);
pub const ENTITY_ATTRIBUTES_KEY: Constraints = NONE.length(1, 256);
pub const ENTITY_ATTRIBUTES_VALUE: Constraints = NONE.length(1, 512);
pub const ENTITY_KEY_ATTRIBUTES: Constraints =
    NONE.length(2, 4).keys(&ENTITY_KEY_ATTRIBUTES_KEY).each(&ENTITY_KEY_ATTRIBUTES_VALUE);
pub const ENTITY_KEY_ATTRIBUTES_KEY: Constraints = NONE.length(1, 32);
pub const ENTITY_KEY_ATTRIBUTES_VALUE: Constraints = NONE.length(1, 512);
pub const EVENTS_LIMIT: Constraints = NONE.range(1, 10000);
pub const EVENT_MESSAGE: Constraints = NONE.length(1, usize::MAX);
pub const EXPECTED_REVISION_ID: Constraints = NONE.length(1, usize::MAX);
pub const FIELD_SELECTION_CRITERIA: Constraints = NONE.length(0, 2000);
pub const FILTER_NAME: Constraints = NONE.length(1, 512).pattern(pattern!(r"[^:*]*"));
pub const FILTER_PATTERN: Constraints = NONE.length(0, 1024);
pub const INPUT_LOG_EVENTS: Constraints = NONE.length(1, 10000);
pub const INPUT_LOG_STREAM_NAMES: Constraints = NONE.length(1, 100).each(&LOG_STREAM_NAME);
pub const KMS_KEY_ID: Constraints = NONE.length(0, 256);
pub const LOG_GROUP_IDENTIFIER: Constraints =
    NONE.length(1, 2048).pattern(pattern!(r"[\w#+=/:,.@-]*"));
pub const LOG_GROUP_NAME: Constraints =
    NONE.length(1, 512).pattern(pattern!(r"[\.\-_/#A-Za-z0-9]+"));
pub const LOG_GROUP_NAME_PATTERN: Constraints =
    NONE.length(0, 512).pattern(pattern!(r"[\.\-_/#A-Za-z0-9]*"));
pub const LOG_STREAM_NAME: Constraints = NONE.length(1, 512).pattern(pattern!(r"[^:*]*"));
pub const METRIC_NAME: Constraints = NONE.length(0, 255).pattern(pattern!(r"[^:*$]*"));
pub const METRIC_TRANSFORMATIONS: Constraints = NONE.length(1, 1);
pub const METRIC_VALUE: Constraints = NONE.length(0, 100);
pub const NEXT_TOKEN: Constraints = NONE.length(1, usize::MAX);
pub const POLICY_DOCUMENT: Constraints = NONE.length(1, 51200);
pub const ROLE_ARN: Constraints = NONE.length(1, usize::MAX);
pub const SEQUENCE_TOKEN: Constraints = NONE.length(1, usize::MAX);
pub const START_LIVE_TAIL_LOG_GROUP_IDENTIFIERS: Constraints =
    NONE.length(1, 10).each(&LOG_GROUP_IDENTIFIER);
pub const STORED_BYTES: Constraints = NONE.range(0, i64::MAX);
pub const TAGS: Constraints = NONE.length(1, 50).keys(&TAG_KEY).each(&TAG_VALUE);
pub const TAG_KEY: Constraints = NONE.length(1, 128).pattern(TAG_KEY_PATTERN);
pub const TAG_KEY_LIST: Constraints = NONE.length(0, 50).each(&TAG_KEY);
pub const TAG_LIST: Constraints = NONE.length(1, usize::MAX).each(&TAG_KEY);
pub const TAG_VALUE: Constraints = NONE.length(0, 256).pattern(TAG_VALUE_PATTERN);
pub const TEST_EVENT_MESSAGES: Constraints = NONE.length(1, 50).each(&EVENT_MESSAGE);
pub const TIMESTAMP: Constraints = NONE.range(0, i64::MAX);
