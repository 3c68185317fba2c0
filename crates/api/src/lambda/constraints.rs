// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.
//!
//! `regex-lite` knows neither look-around nor Unicode classes: the patterns with those are tested by
//! hand, and keep AWS's text for error messages.

use names::FunctionReference;
use std::str::FromStr as _;
use wire::{Constraints, Pattern, pattern};

const NONE: Constraints = Constraints::NONE;

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// A word that is not a number.
fn is_alias(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_word) && !text.bytes().all(|byte| byte.is_ascii_digit())
}

const NAMESPACED_FUNCTION_NAME_PATTERN: Pattern = pattern!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?",
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?",
    r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
);
const QUALIFIER_PATTERN: Pattern = pattern!(r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+");

/// What a function URL's function is called, without the qualifier that may follow.
const URL_UNQUALIFIED_NAME: Pattern = pattern!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?",
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?",
    r"(function:)?([a-zA-Z0-9-_]{1,64})"
);

const TAG_TEXT: Pattern = Pattern {
    text: r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
    is_match: |text| text.chars().all(is_tag_character),
};

/// Letters, separators and numbers of any script, and a few signs. `Zl` and `Zp` are U+2028 and U+2029;
/// the other separators are `Zs`, which is white space that is no control character.
pub(crate) fn is_tag_character(character: char) -> bool {
    let is_separator = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || is_separator || "_.:/=+-@".contains(character)
}

pub const ACTION: Constraints =
    NONE.length(0, 10_000).pattern(pattern!(r"(lambda:[*]|lambda:[a-zA-Z]+|[*])"));
pub const ADDITIONAL_VERSION: Constraints = NONE.length(1, 1_024).pattern(pattern!(r"[0-9]+"));
pub const ADDITIONAL_VERSION_WEIGHTS: Constraints = NONE.keys(&ADDITIONAL_VERSION).each(&WEIGHT);
pub const ALIAS: Constraints = NONE
    .length(1, 128)
    .pattern(Pattern { text: r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", is_match: is_alias });
pub const ALLOW_METHODS_LIST: Constraints = NONE.length(0, 6).each(&METHOD);
pub const ALLOW_ORIGINS_LIST: Constraints = NONE.length(0, 100).each(&ORIGIN);
pub const ARCHITECTURES_LIST: Constraints = NONE.length(1, 1);
pub const ARN: Constraints = NONE.length(0, 10_000).pattern(pattern!(
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-",
    r"[a-z]+-\d{1})?:(\d{12})?:(.*)"
));
pub const BATCH_SIZE: Constraints = NONE.range(1, 10_000);
pub const BINARY_OPERATION_PAYLOAD: Constraints = NONE.length(0, 1_048_576).sensitive();
pub const BLOB: Constraints = NONE.sensitive();
pub const CALLBACK_ID: Constraints =
    NONE.length(1, 1_024).pattern(pattern!(r"[A-Za-z0-9+/]+={0,2}"));
pub const CALLBACK_OPTIONS_HEARTBEAT_TIMEOUT_SECONDS_INTEGER: Constraints =
    NONE.range(0, 99_999_999);
pub const CALLBACK_OPTIONS_TIMEOUT_SECONDS_INTEGER: Constraints = NONE.range(0, 99_999_999);
pub const CAPACITY_PROVIDER_ARN: Constraints = NONE.length(1, 140).pattern(pattern!(
    r"arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
    r":\d{12}:capacity-provider:[a-zA-Z0-9-_]+"
));
pub const CAPACITY_PROVIDER_MAX_V_CPU_COUNT: Constraints = NONE.range(2, 15_000);
pub const CAPACITY_PROVIDER_NAME: Constraints = NONE.length(1, 140).pattern(pattern!(
    r"(arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:c",
    r"apacity-provider:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"
));
pub const CAPACITY_PROVIDER_SCALING_POLICIES_LIST: Constraints = NONE.length(1, 10);
pub const CAPACITY_PROVIDER_SECURITY_GROUP_IDS: Constraints =
    NONE.length(0, 5).each(&SECURITY_GROUP_ID);
pub const CAPACITY_PROVIDER_SUBNET_IDS: Constraints = NONE.length(1, 16).each(&SUBNET_ID);
pub const CHECKPOINT_TOKEN: Constraints =
    NONE.length(1, 2_048).pattern(pattern!(r"[A-Za-z0-9+/]+={0,2}"));
pub const CLIENT_TOKEN: Constraints = NONE.length(1, 64).pattern(pattern!(r"[\x21-\x7E]+"));
pub const CODE_SIGNING_CONFIG_ARN: Constraints = NONE.length(0, 200).pattern(pattern!(
    r"arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
    r":\d{12}:code-signing-config:csc-[a-z0-9]{17}"
));
pub const COLLECTION_NAME: Constraints = NONE.length(1, 57).pattern(Pattern {
    text: r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)",
    is_match: |text| {
        let mut bytes = text.bytes();
        !text.starts_with("system.")
            && bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphanumeric())
            && bytes.all(|byte| byte != b'$')
    },
});
pub const COMPATIBLE_ARCHITECTURES: Constraints = NONE.length(0, 2);
pub const COMPATIBLE_RUNTIMES: Constraints = NONE.length(0, 15).each(&RUNTIME);
pub const DATABASE_NAME: Constraints = NONE.length(1, 63).pattern(pattern!(r"[^ /\.$\x22]*"));
pub const DESCRIPTION: Constraints = NONE.length(0, 256);
pub const DESTINATION_ARN: Constraints = NONE.length(0, 350).pattern(pattern!(
    r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-",
    r")?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
));
pub const DURABLE_EXECUTION_ARN: Constraints = NONE.length(1, 1_024).pattern(pattern!(
    r"arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+):(\$LATEST",
    r"(?:\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)"
));
pub const DURABLE_EXECUTION_NAME: Constraints =
    NONE.length(1, 64).pattern(pattern!(r"[a-zA-Z0-9-_]+"));
pub const ENDPOINT: Constraints = NONE.length(1, 300).pattern(pattern!(
    r"(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-",
    r"9\-]*[A-Za-z0-9]):[0-9]{1,5}"
));
pub const ENDPOINTS: Constraints = NONE.length(1, 2).keys(&END_POINT_TYPE).each(&ENDPOINT_LISTS);
pub const ENDPOINT_LISTS: Constraints = NONE.length(1, 10).each(&ENDPOINT);
pub const END_POINT_TYPE: Constraints = NONE.one_of(&["KAFKA_BOOTSTRAP_SERVERS"]);
pub const ENVIRONMENT_VARIABLES: Constraints =
    NONE.keys(&ENVIRONMENT_VARIABLE_NAME).each(&ENVIRONMENT_VARIABLE_VALUE).sensitive();
pub const ENVIRONMENT_VARIABLE_NAME: Constraints =
    NONE.pattern(pattern!(r"[a-zA-Z]([a-zA-Z0-9_])+")).sensitive();
pub const ENVIRONMENT_VARIABLE_VALUE: Constraints = NONE.sensitive();
pub const EPHEMERAL_STORAGE_SIZE: Constraints = NONE.range(512, 32_768);
pub const ERROR_DATA: Constraints = NONE.sensitive();
pub const ERROR_MESSAGE: Constraints = NONE.sensitive();
pub const ERROR_TYPE: Constraints = NONE.sensitive();
pub const EVENT_SOURCE_MAPPING_METRIC_LIST: Constraints = NONE.length(0, 3);
pub const EVENT_SOURCE_TOKEN: Constraints =
    NONE.length(0, 256).pattern(pattern!(r"[a-zA-Z0-9._\-]+"));
pub const EXECUTION_ENVIRONMENT_MEMORY_GIB_PER_VCPU: Constraints = NONE.range(2, 8);
pub const EXECUTION_STATUS_LIST: Constraints = NONE.length(1, 10);
pub const EXECUTION_TIMEOUT: Constraints = NONE.range(1, 31_622_400);
pub const FILE_SYSTEM_ARN: Constraints = NONE.length(0, 256).pattern(pattern!(
    r"arn:aws[a-zA-Z-]*:elasticfilesystem:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
    r":\d{12}:access-point/fsap-[a-f0-9]{17}",
    r"$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/",
    r"access-point/fsap-[0-9a-f]{17,40}"
));
pub const FILE_SYSTEM_CONFIG_LIST: Constraints = NONE.length(0, 1);
pub const FUNCTION_NAME: Constraints = NONE.length(1, 140).pattern(pattern!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?",
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?",
    r"(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
));
pub const FUNCTION_RESPONSE_TYPE_LIST: Constraints = NONE.length(0, 1);
pub const FUNCTION_RUNTIME_ALIAS: Constraints = NONE.length(1, 128);
pub const FUNCTION_RUNTIME_ARN: Constraints =
    NONE.length(48, 2_048).pattern(pattern!(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:runtime/.+"));
pub const FUNCTION_SCALING_CONFIG_EXECUTION_ENVIRONMENTS: Constraints = NONE.range(0, 15_000);
pub const FUNCTION_URL_FUNCTION_NAME: Constraints = NONE.length(1, 140).pattern(Pattern { text: r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?", is_match: |text| {
            (URL_UNQUALIFIED_NAME.is_match)(text)
                || text.rsplit_once(':').is_some_and(|(name, qualifier)| {
                    is_alias(qualifier) && (URL_UNQUALIFIED_NAME.is_match)(name)
                })
        } });
pub const FUNCTION_URL_QUALIFIER: Constraints = NONE
    .length(1, 128)
    .pattern(Pattern { text: r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", is_match: is_alias });
pub const HANDLER: Constraints = NONE.length(0, 128).pattern(pattern!(r"[^\s]+"));
pub const HEADER: Constraints = NONE.length(0, 1_024).pattern(pattern!(r".*"));
pub const HEADERS_LIST: Constraints = NONE.length(0, 100).each(&HEADER);
pub const INSTANCE_TYPE: Constraints = NONE.length(1, 30).pattern(pattern!(r"[a-zA-Z0-9\.\*\-]+"));
pub const INSTANCE_TYPE_SET: Constraints = NONE.length(0, 400).each(&INSTANCE_TYPE);
pub const ITEM_COUNT: Constraints = NONE.range(0, 1_000);
pub const KMS_KEY_ARN: Constraints =
    NONE.length(0, 10_000).pattern(pattern!(r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"));
pub const KMS_KEY_ARN_NON_EMPTY: Constraints =
    NONE.length(0, 10_000).pattern(pattern!(r"arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*"));
pub const LAYER_LIST: Constraints = NONE.each(&LAYER_VERSION_ARN);
pub const LAYER_NAME_OR_ARN: Constraints = NONE.length(1, 2_048).pattern(pattern!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
    r":\d{12}:layer:[a-zA-Z0-9-_]{1,140}|[a-zA-Z0-9-_]{1,140})"
));
pub const LAYER_PERMISSION_ALLOWED_ACTION: Constraints =
    NONE.length(0, 22).pattern(pattern!(r"lambda:GetLayerVersion"));
pub const LAYER_PERMISSION_ALLOWED_PRINCIPAL: Constraints =
    NONE.length(0, 10_000).pattern(pattern!(r"\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root"));
pub const LAYER_VERSION_ARN: Constraints = NONE.length(1, 2_048).pattern(pattern!(
    r"((arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
    r":\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)",
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+))"
));
pub const LICENSE_INFO: Constraints = NONE.length(0, 512).pattern(pattern!(r".*"));
pub const LOCAL_MOUNT_PATH: Constraints =
    NONE.length(0, 160).pattern(pattern!(r"/mnt/[a-zA-Z0-9-_.]+"));
pub const LOG_GROUP: Constraints = NONE.length(1, 512).pattern(pattern!(r"[\.\-_/#A-Za-z0-9]+"));
pub const MASTER_REGION: Constraints = NONE
    .length(1, 50)
    .pattern(pattern!(r"ALL|(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}"));
pub const MAXIMUM_BATCHING_WINDOW_IN_SECONDS: Constraints = NONE.range(0, 300);
pub const MAXIMUM_CONCURRENCY: Constraints = NONE.range(2, 1_000);
pub const MAXIMUM_EVENT_AGE_IN_SECONDS: Constraints = NONE.range(60, 21_600);
pub const MAXIMUM_NUMBER_OF_POLLERS: Constraints = NONE.range(1, 10_000);
pub const MAXIMUM_RECORD_AGE_IN_SECONDS: Constraints = NONE.range(-1, 604_800);
pub const MAXIMUM_RETRY_ATTEMPTS: Constraints = NONE.range(0, 2);
pub const MAXIMUM_RETRY_ATTEMPTS_EVENT_SOURCE_MAPPING: Constraints = NONE.range(-1, 10_000);
pub const MAX_AGE: Constraints = NONE.range(0, 86_400);
pub const MAX_FIFTY_LIST_ITEMS: Constraints = NONE.range(1, 50);
pub const MAX_FUNCTION_EVENT_INVOKE_CONFIG_LIST_ITEMS: Constraints = NONE.range(1, 50);
pub const MAX_ITEMS: Constraints = NONE.range(1, 50);
pub const MAX_LAYER_LIST_ITEMS: Constraints = NONE.range(1, 50);
pub const MAX_LIST_ITEMS: Constraints = NONE.range(1, 10_000);
pub const MEMORY_SIZE: Constraints = NONE.range(128, 32_768);
pub const METHOD: Constraints = NONE.length(0, 6).pattern(pattern!(r".*"));
pub const METRIC_TARGET_VALUE: Constraints = NONE.range(0, 100);
pub const MINIMUM_NUMBER_OF_POLLERS: Constraints = NONE.range(1, 200);
/// On the path of every invocation: the names that clients send are settled without the expression.
pub const NAMESPACED_FUNCTION_NAME: Constraints = NONE.length(1, 256).pattern(Pattern {
    text: NAMESPACED_FUNCTION_NAME_PATTERN.text,
    is_match: |text| {
        FunctionReference::from_str(text).is_ok()
            || (NAMESPACED_FUNCTION_NAME_PATTERN.is_match)(text)
    },
});
pub const NAMESPACED_STATEMENT_ID: Constraints =
    NONE.length(1, 100).pattern(pattern!(r"([a-zA-Z0-9-_.]+)"));
pub const NON_NEGATIVE_INTEGER: Constraints = NONE.range(0, i64::MAX);
pub const NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER: Constraints =
    NONE.length(1, 128).pattern(Pattern {
        text: QUALIFIER_PATTERN.text,
        is_match: |text| {
            (!text.is_empty() && text.bytes().all(|byte| is_word(byte) || byte == b'$'))
                || (QUALIFIER_PATTERN.is_match)(text)
        },
    });
pub const OPERATION_ID: Constraints = NONE.length(1, 64).pattern(pattern!(r"[a-zA-Z0-9-_]+"));
pub const OPERATION_NAME: Constraints = NONE.length(1, 256).pattern(pattern!(r"[\x20-\x7E]+"));
pub const OPERATION_PAYLOAD: Constraints = NONE.length(0, 6_291_456).sensitive();
pub const OPERATION_SUB_TYPE: Constraints = NONE.length(1, 32).pattern(pattern!(r"[a-zA-Z0-9-_]+"));
pub const ORGANIZATION_ID: Constraints = NONE.length(0, 34).pattern(pattern!(r"o-[a-z0-9]{10,32}"));
pub const ORIGIN: Constraints = NONE.length(1, 253).pattern(pattern!(r".*"));
pub const PARALLELIZATION_FACTOR: Constraints = NONE.range(1, 10);
pub const PATTERN: Constraints = NONE.length(0, 4_096);
pub const PAUSE_REASON: Constraints = NONE.length(0, 1_024).sensitive();
pub const PER_EXECUTION_ENVIRONMENT_MAX_CONCURRENCY: Constraints = NONE.range(1, 1_600);
pub const POLICY_RESOURCE_ARN: Constraints = NONE.length(0, 512).pattern(pattern!(
    r"arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:",
    r"(function:[a-zA-Z0-9-_]+(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_])+)?|runtime/[a-zA-Z0-9-_./]+)"
));
pub const PRINCIPAL: Constraints = NONE.length(0, 2_048).pattern(pattern!(r"[^\s]+"));
pub const PRINCIPAL_ORG_ID: Constraints =
    NONE.length(12, 34).pattern(pattern!(r"o-[a-z0-9]{10,32}"));
pub const PROPAGATE_TAGS_EXPLICIT_TAGS_MAP: Constraints =
    NONE.length(0, 40).keys(&TAG_KEY).each(&TAG_VALUE);
pub const POSITIVE_INTEGER: Constraints = NONE.range(1, i64::MAX);
pub const PROVISIONED_POLLER_GROUP_NAME: Constraints =
    NONE.length(0, 128).pattern(pattern!(r"[a-zA-Z0-9-_]*"));
pub const PUBLISHED_FUNCTION_QUALIFIER: Constraints =
    NONE.length(1, 128).pattern(pattern!(r"(\$LATEST\.PUBLISHED|[0-9]+)"));
pub const QUEUE: Constraints = NONE.length(1, 1_000);
pub const QUEUES: Constraints = NONE.length(1, 1).each(&QUEUE);
pub const QUALIFIER: Constraints = NONE.length(1, 128).pattern(pattern!(r"(|[a-zA-Z0-9$_-]+)"));
pub const RESERVED_CONCURRENT_EXECUTIONS: Constraints = NONE.range(0, i64::MAX);
pub const RESOURCE_ARN: Constraints =
    NONE.length(0, 10_000).pattern(pattern!(r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"));
pub const RESOURCE_POLICY: Constraints = NONE.length(1, 20_480).pattern(pattern!(r"[\s\S]+"));
pub const RESUME_REASON: Constraints = NONE.length(0, 1_024).sensitive();
pub const RETENTION_PERIOD_IN_DAYS: Constraints = NONE.range(1, 90);
pub const REVISION_ID: Constraints = NONE
    .length(36, 36)
    .pattern(pattern!(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
pub const ROLE_ARN: Constraints = NONE
    .length(0, 10_000)
    .pattern(pattern!(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"));
pub const RUNTIME: Constraints = NONE.one_of(super::settings::RUNTIMES);
pub const RUNTIME_VERSION_ARN: Constraints = NONE.length(26, 2_048).pattern(pattern!(
    r"((arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}::runtime:.+)",
    r"|(arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}",
    r":runtime/[A-Za-z0-9_.-]{1,128}/version/[A-Za-z0-9_.-]{1,128}))"
));
pub const S3_BUCKET: Constraints = NONE.length(3, 63).pattern(Pattern {
    text: r"[0-9A-Za-z\.\-_]*(?<!\.)",
    is_match: |text| text.bytes().all(|byte| is_word(byte) || byte == b'.') && !text.ends_with('.'),
});
pub const S3_KEY: Constraints = NONE.length(1, 1_024).pattern(pattern!(r".*"));
pub const S3_OBJECT_VERSION: Constraints = NONE.length(1, 1_024).pattern(pattern!(r".*"));
pub const SCHEMA_REGISTRY_URI: Constraints =
    NONE.length(1, 10_000).pattern(pattern!(r"[a-zA-Z0-9-\/*:_+=.@-]*"));
pub const SECURITY_GROUP_ID: Constraints =
    NONE.length(0, 1_024).pattern(pattern!(r"sg-[0-9a-zA-Z]*"));
pub const SECURITY_GROUP_IDS: Constraints = NONE.length(0, 5).each(&SECURITY_GROUP_ID);
pub const SIGNING_PROFILE_VERSION_ARNS: Constraints = NONE.length(1, 20).each(&ARN);
pub const SOURCE_ACCESS_CONFIGURATIONS: Constraints = NONE.length(0, 23);
pub const SOURCE_OWNER: Constraints = NONE.length(0, 12).pattern(pattern!(r"\d{12}"));
pub const STACK_TRACE_ENTRIES: Constraints = NONE.each(&STACK_TRACE_ENTRY);
pub const STACK_TRACE_ENTRY: Constraints = NONE.sensitive();
pub const STATEMENT_ID: Constraints = NONE.length(1, 100).pattern(pattern!(r"([a-zA-Z0-9-_]+)"));
pub const STEP_OPTIONS_NEXT_ATTEMPT_DELAY_SECONDS_INTEGER: Constraints = NONE.range(1, 31_622_400);
pub const STRING_LIST: Constraints = NONE.length(0, 1_500);
pub const SUBNET_ID: Constraints = NONE.length(0, 1_024).pattern(pattern!(r"subnet-[0-9a-z]*"));
pub const SUBNET_IDS: Constraints = NONE.length(0, 16).each(&SUBNET_ID);
pub const TAGGABLE_RESOURCE: Constraints = NONE.length(1, 10_000).pattern(pattern!(
        r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}",
        r":\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        r"|code-signing-config:csc-[a-z0-9]{17}",
        r"|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        r"|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})"
    ));
pub const TAGS: Constraints = NONE.keys(&TAG_KEY).each(&TAG_VALUE);
pub const TAG_KEY: Constraints = NONE.length(1, 128).pattern(TAG_TEXT);
pub const TAG_KEY_LIST: Constraints = NONE.each(&TAG_KEY);
pub const TAG_VALUE: Constraints = NONE.length(0, 256).pattern(TAG_TEXT);
pub const TENANT_ID: Constraints =
    NONE.length(1, 256).pattern(pattern!(r"[a-zA-Z0-9\._:\/=+\-@ ]+"));
pub const TIMEOUT: Constraints = NONE.range(1, 5_400);
pub const TOPIC: Constraints = NONE.length(1, 249).pattern(pattern!(r"[^.]([a-zA-Z0-9\-_.]+)"));
pub const TOPICS: Constraints = NONE.length(1, 1).each(&TOPIC);
pub const TUMBLING_WINDOW_IN_SECONDS: Constraints = NONE.range(0, 900);
pub const UNQUALIFIED_FUNCTION_NAME: Constraints = NONE.length(1, 140).pattern(pattern!(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?",
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"
));
pub const URI: Constraints = NONE.length(1, 200).pattern(pattern!(r"[ a-zA-Z0-9-\/*:_+=.@-]*"));
pub const UUID_STRING: Constraints = NONE.length(36, 36);
pub const VERSION_WITH_LATEST_PUBLISHED: Constraints =
    NONE.length(1, 1_024).pattern(pattern!(r"(\$LATEST(\.PUBLISHED)?|[0-9]+)"));
pub const WAIT_OPTIONS_WAIT_SECONDS_INTEGER: Constraints = NONE.range(1, 31_622_400);
pub const WEIGHT: Constraints = NONE.range(0, 1);
pub const WORKING_DIRECTORY: Constraints = NONE.length(0, 1_000);
pub const X_AMZN_TRACE_ID: Constraints = NONE.length(0, 8_192);
