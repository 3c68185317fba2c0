// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use crate::lambda::constraints::is_tag_character;
use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;

/// `regex-lite` does not know classes of Unicode.
const RUN_COMMAND_TARGET_KEY_PATTERN: Pattern = Pattern {
    text: r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$",
    is_match: |text| text.chars().all(is_tag_character),
};
/// Nor does it look ahead.
const PATH_PARAMETER_PATTERN: Pattern = Pattern {
    text: r"^(?!\s*$).+",
    is_match: |text| !text.trim().is_empty() && !text.contains('\n'),
};

pub const ACTION: Constraints = NONE.length(1, 64).pattern(pattern!(r"events:[a-zA-Z]+"));
pub const ARCHIVE_ARN: Constraints = NONE
    .length(1, 1600)
    .pattern(pattern!(r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"));
pub const ARCHIVE_DESCRIPTION: Constraints = NONE.length(0, 512).pattern(pattern!(r".*"));
pub const ARCHIVE_NAME: Constraints = NONE.length(1, 48).pattern(pattern!(r"[\.\-_A-Za-z0-9]+"));
pub const ARN: Constraints = NONE.length(1, 1600);
pub const CAPACITY_PROVIDER: Constraints = NONE.length(1, 255);
pub const CAPACITY_PROVIDER_STRATEGY: Constraints = NONE.length(0, 6);
pub const CAPACITY_PROVIDER_STRATEGY_ITEM_BASE: Constraints = NONE.range(0, 100000);
pub const CAPACITY_PROVIDER_STRATEGY_ITEM_WEIGHT: Constraints = NONE.range(0, 1000);
pub const DATABASE: Constraints = NONE.length(1, 64);
pub const DB_USER: Constraints = NONE.length(1, 128);
pub const ENDPOINT_ID: Constraints =
    NONE.length(1, 50).pattern(pattern!(r"^[A-Za-z0-9\-]+[\.][A-Za-z0-9\-]+$"));
pub const EVENT_BUS_ARN: Constraints = NONE
    .length(1, 1600)
    .pattern(pattern!(r"^arn:aws([a-z]|\-)*:events:([a-z]|\d|\-)*:([0-9]{12})?:.+\/.+$"));
pub const EVENT_BUS_DESCRIPTION: Constraints = NONE.length(0, 512);
pub const EVENT_BUS_NAME: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"[/\.\-_A-Za-z0-9]+"));
pub const EVENT_BUS_NAME_OR_ARN: Constraints = NONE.length(1, 1600).pattern(pattern!(
    r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[/\.\-_A-Za-z0-9]+"
));
pub const EVENT_PATTERN: Constraints = NONE.length(0, 4096);
pub const EVENT_RESOURCE: Constraints = NONE.length(0, 2048);
pub const EVENT_RESOURCE_LIST: Constraints = NONE.each(&EVENT_RESOURCE);
pub const EVENT_SOURCE_NAME: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"aws\.partner(/[\.\-_A-Za-z0-9]+){2,}"));
pub const GRAPH_QL_OPERATION: Constraints = NONE.length(1, 1048576).sensitive();
pub const HEADER_KEY: Constraints =
    NONE.length(0, 512).pattern(pattern!(r"^[!#$%&'*+-.^_`|~0-9a-zA-Z]+$"));
pub const HEADER_PARAMETERS_MAP: Constraints = NONE.keys(&HEADER_KEY).each(&HEADER_VALUE);
pub const HEADER_VALUE: Constraints =
    NONE.length(0, 512).pattern(pattern!(r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$"));
pub const INPUT_TRANSFORMER_PATH_KEY: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"[A-Za-z0-9\_\-]+"));
pub const KMS_KEY_IDENTIFIER: Constraints =
    NONE.length(0, 2048).pattern(pattern!(r"^[a-zA-Z0-9_\-/:]*$"));
pub const LIMIT_MAX100: Constraints = NONE.range(1, 100);
pub const LIMIT_MIN1: Constraints = NONE.range(1, i64::MAX);
pub const MAXIMUM_EVENT_AGE_IN_SECONDS: Constraints = NONE.range(60, 86400);
pub const MAXIMUM_RETRY_ATTEMPTS: Constraints = NONE.range(0, 185);
pub const MESSAGE_GROUP_ID: Constraints = NONE.length(0, 100);
pub const NEXT_TOKEN: Constraints = NONE.length(1, 2048);
pub const NON_PARTNER_EVENT_BUS_NAME: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"[\.\-_A-Za-z0-9]+"));
pub const NON_PARTNER_EVENT_BUS_NAME_OR_ARN: Constraints = NONE.length(1, 1600).pattern(pattern!(
    r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[\.\-_A-Za-z0-9]+"
));
pub const PATH_PARAMETER: Constraints = NONE.pattern(PATH_PARAMETER_PATTERN);
pub const PATH_PARAMETER_LIST: Constraints = NONE.each(&PATH_PARAMETER);
pub const PLACEMENT_CONSTRAINTS: Constraints = NONE.length(0, 10);
pub const PLACEMENT_CONSTRAINT_EXPRESSION: Constraints = NONE.length(0, 2000);
pub const PLACEMENT_STRATEGIES: Constraints = NONE.length(0, 5);
pub const PLACEMENT_STRATEGY_FIELD: Constraints = NONE.length(0, 255);
pub const PRINCIPAL: Constraints = NONE.length(1, 12).pattern(pattern!(r"(\d{12}|\*)"));
pub const PUT_EVENTS_REQUEST_ENTRY_LIST: Constraints = NONE.length(1, 10);
pub const QUERY_STRING_KEY: Constraints =
    NONE.length(0, 512).pattern(pattern!(r"[^\x00-\x1F\x7F]+"));
pub const QUERY_STRING_PARAMETERS_MAP: Constraints =
    NONE.keys(&QUERY_STRING_KEY).each(&QUERY_STRING_VALUE);
pub const QUERY_STRING_VALUE: Constraints =
    NONE.length(0, 512).pattern(pattern!(r"[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F]+"));
pub const REDSHIFT_SECRET_MANAGER_ARN: Constraints = NONE.length(1, 1600).pattern(pattern!(
    r"(^arn:aws([a-z]|\-)*:secretsmanager:[a-z0-9-.]+:.*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)"
));
pub const REFERENCE_ID: Constraints = NONE.length(0, 1024);
pub const REPLAY_DESCRIPTION: Constraints = NONE.length(0, 512).pattern(pattern!(r".*"));
pub const REPLAY_DESTINATION_FILTERS: Constraints = NONE.each(&ARN);
pub const REPLAY_NAME: Constraints = NONE.length(1, 64).pattern(pattern!(r"[\.\-_A-Za-z0-9]+"));
pub const RESOURCE_ARN: Constraints = NONE.length(1, 1600);
pub const RETENTION_DAYS: Constraints = NONE.range(0, i64::MAX);
pub const ROLE_ARN: Constraints = NONE.length(1, 1600);
pub const RULE_DESCRIPTION: Constraints = NONE.length(0, 512);
pub const RULE_NAME: Constraints = NONE.length(1, 64).pattern(pattern!(r"[\.\-_A-Za-z0-9]+"));
pub const RUN_COMMAND_TARGETS: Constraints = NONE.length(1, 5);
pub const RUN_COMMAND_TARGET_KEY: Constraints =
    NONE.length(1, 128).pattern(RUN_COMMAND_TARGET_KEY_PATTERN);
pub const RUN_COMMAND_TARGET_VALUE: Constraints = NONE.length(1, 256);
pub const RUN_COMMAND_TARGET_VALUES: Constraints =
    NONE.length(1, 50).each(&RUN_COMMAND_TARGET_VALUE);
pub const SAGE_MAKER_PIPELINE_PARAMETER_LIST: Constraints = NONE.length(0, 200);
pub const SAGE_MAKER_PIPELINE_PARAMETER_NAME: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"));
pub const SAGE_MAKER_PIPELINE_PARAMETER_VALUE: Constraints = NONE.length(0, 1024);
pub const SCHEDULE_EXPRESSION: Constraints = NONE.length(0, 256);
pub const SQL: Constraints = NONE.length(1, 100000).sensitive();
pub const SQLS: Constraints = NONE.length(0, 40).sensitive().each(&SQL);
pub const STATEMENT_ID: Constraints = NONE.length(1, 64).pattern(pattern!(r"[a-zA-Z0-9-_]+"));
pub const STATEMENT_NAME: Constraints = NONE.length(1, 500);
pub const TAG_KEY: Constraints = NONE.length(1, 128);
pub const TAG_KEY_LIST: Constraints = NONE.each(&TAG_KEY);
pub const TAG_VALUE: Constraints = NONE.length(0, 256);
pub const TARGET_ARN: Constraints = NONE.length(1, 1600);
pub const TARGET_ID: Constraints = NONE.length(1, 64).pattern(pattern!(r"[\.\-_A-Za-z0-9]+"));
pub const TARGET_ID_LIST: Constraints = NONE.length(1, 100).each(&TARGET_ID);
pub const TARGET_INPUT: Constraints = NONE.length(0, 8192);
pub const TARGET_INPUT_PATH: Constraints = NONE.length(0, 256);
pub const TARGET_LIST: Constraints = NONE.length(1, 100);
pub const TARGET_PARTITION_KEY_PATH: Constraints = NONE.length(0, 256);
pub const TRACE_HEADER: Constraints = NONE.length(1, 500);
pub const TRANSFORMER_INPUT: Constraints = NONE.length(1, 8192);
pub const TRANSFORMER_PATHS: Constraints =
    NONE.length(0, 100).keys(&INPUT_TRANSFORMER_PATH_KEY).each(&TARGET_INPUT_PATH);
