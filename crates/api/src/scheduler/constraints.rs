// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;
const NAME_PATTERN: Pattern = pattern!(r"[0-9a-zA-Z-_.]+");

/// `regex-lite` can not look ahead.
const SOURCE_PATTERN: Pattern = Pattern {
    text: r"(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)",
    is_match: is_source,
};

fn is_source(text: &str) -> bool {
    const PATH: Pattern = pattern!(r"\$(\.[\w_-]+(\[(\d+|\*)\])*)*");
    let is_name =
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/.-_".contains(first));
    (is_name && !text.starts_with("aws.") && !text.contains('\n')) || (PATH.is_match)(text)
}

pub const CAPACITY_PROVIDER: Constraints = NONE.length(1, 255);
pub const CAPACITY_PROVIDER_STRATEGY: Constraints = NONE.length(0, 6);
pub const CAPACITY_PROVIDER_STRATEGY_ITEM_BASE: Constraints = NONE.range(0, 100_000);
pub const CAPACITY_PROVIDER_STRATEGY_ITEM_WEIGHT: Constraints = NONE.range(0, 1_000);
pub const CLIENT_TOKEN: Constraints = NONE.length(1, 64).pattern(pattern!(r"[a-zA-Z0-9-_]+"));
pub const DEAD_LETTER_CONFIG_ARN: Constraints = NONE
    .length(1, 1_600)
    .pattern(pattern!(r"arn:aws[a-z-]*:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+"));
pub const DESCRIPTION: Constraints = NONE.length(0, 512);
pub const DETAIL_TYPE: Constraints = NONE.length(1, 128);
pub const EVENT_BRIDGE_METADATA_KEY: Constraints = NONE.length(1, 128).pattern(pattern!(r"[^/]+"));
pub const EVENT_BRIDGE_METADATA_MAP: Constraints =
    NONE.length(0, 100).keys(&EVENT_BRIDGE_METADATA_KEY).each(&EVENT_BRIDGE_METADATA_VALUE);
pub const EVENT_BRIDGE_METADATA_VALUE: Constraints = NONE.length(1, usize::MAX);
pub const GROUP: Constraints = NONE.length(1, 255);
pub const KMS_KEY_ARN: Constraints = NONE
    .length(1, 2_048)
    .pattern(pattern!(r"arn:aws[a-z-]*:kms:[a-z0-9\-]+:\d{12}:(key|alias)\/[0-9a-zA-Z-_]*"));
pub const MAX_RESULTS: Constraints = NONE.range(1, 100);
pub const MAXIMUM_EVENT_AGE_IN_SECONDS: Constraints = NONE.range(60, 86_400);
pub const MAXIMUM_RETRY_ATTEMPTS: Constraints = NONE.range(0, 185);
pub const MAXIMUM_WINDOW_IN_MINUTES: Constraints = NONE.range(1, 1_440);
pub const MESSAGE_GROUP_ID: Constraints = NONE.length(1, 128);
pub const NAME: Constraints = NONE.length(1, 64).pattern(NAME_PATTERN);
pub const NEXT_TOKEN: Constraints = NONE.length(1, 2_048);
pub const PLACEMENT_CONSTRAINT_EXPRESSION: Constraints = NONE.length(0, 2_000);
pub const PLACEMENT_CONSTRAINTS: Constraints = NONE.length(0, 10);
pub const PLACEMENT_STRATEGIES: Constraints = NONE.length(0, 5);
pub const PLACEMENT_STRATEGY_FIELD: Constraints = NONE.length(0, 255);
pub const PLATFORM_VERSION: Constraints = NONE.length(1, 64);
pub const REFERENCE_ID: Constraints = NONE.length(0, 1_024);
pub const ROLE_ARN: Constraints =
    NONE.length(1, 1_600).pattern(pattern!(r"arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@\/-]+"));
pub const SAGE_MAKER_PIPELINE_PARAMETER_LIST: Constraints = NONE.length(0, 200);
pub const SAGE_MAKER_PIPELINE_PARAMETER_NAME: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"[A-Za-z0-9\-_]*"));
pub const SAGE_MAKER_PIPELINE_PARAMETER_VALUE: Constraints = NONE.length(1, 1_024);
pub const SCHEDULE_EXPRESSION: Constraints = NONE.length(1, 256);
pub const SCHEDULE_EXPRESSION_TIMEZONE: Constraints = NONE.length(1, 50);
pub const SECURITY_GROUP: Constraints = NONE.length(1, 1_000);
pub const SECURITY_GROUPS: Constraints = NONE.length(1, 5).each(&SECURITY_GROUP);
pub const SOURCE: Constraints = NONE.length(1, 256).pattern(SOURCE_PATTERN);
pub const SUBNET: Constraints = NONE.length(1, 1_000);
pub const SUBNETS: Constraints = NONE.length(1, 16).each(&SUBNET);
pub const TAG_KEY: Constraints = NONE.length(1, 128);
pub const TAG_KEY_LIST: Constraints = NONE.length(0, 200).each(&TAG_KEY);
pub const TAG_LIST: Constraints = NONE.length(0, 200);
pub const TAG_MAP: Constraints = NONE.keys(&TAG_KEY).each(&TAG_VALUE);
pub const TAG_RESOURCE_ARN: Constraints = NONE.length(1, 1_011).pattern(pattern!(
    r"arn:aws[a-z-]*:scheduler:[a-z0-9\-]+:\d{12}:schedule-group\/[0-9a-zA-Z-_.]+"
));
pub const TAG_VALUE: Constraints = NONE.length(1, 256);
pub const TAGS: Constraints = NONE.length(0, 50).each(&TAG_MAP);
pub const TARGET_ARN: Constraints = NONE.length(1, 1_600);
pub const TARGET_INPUT: Constraints = NONE.length(1, usize::MAX);
pub const TARGET_PARTITION_KEY: Constraints = NONE.length(1, 256);
pub const TASK_COUNT: Constraints = NONE.range(1, 10);
pub const TASK_DEFINITION_ARN: Constraints = NONE.length(1, 1_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_names_of_others_than_aws_or_paths() {
        for source in ["my.app", "/a", "awsx", "_x y", "$", "$.a.b-c[0][*].d"] {
            assert!(is_source(source), "{source}");
        }
        for source in ["", "aws.ec2", " a", "$.", "$a", "$.a[x]"] {
            assert!(!is_source(source), "{source}");
        }
    }
}
