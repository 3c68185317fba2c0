// SPDX-License-Identifier: Apache-2.0
//! Every constraint of a member that a customer meets, broken at both its ends, and what AWS's front layer says of it.
//!
//! A row is a request with one thing wrong in it. Constraints that the service itself adds are in `refusals.rs`.

use crate::platform::{FUNCTIONS, Platform, ROLE, code};
use crate::requests::HELLO;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// What AWS's sentence begins with is left out, and what repeats is counted.
fn show(answer: &crate::platform::Answer) -> String {
    let text = counted(&answer.error().replace(&"a, ".repeat(1_500), "1500 times a, "));
    let one = "400 ValidationException: 1 validation error detected: ";
    match text.strip_prefix(one) {
        Some(rest) => rest.replace(" failed to satisfy constraint: ", " | "),
        None => text,
    }
}

/// A character that stands more than twenty times in a row, as `a{21}`.
fn counted(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text.chars().peekable();
    while let Some(one) = rest.next() {
        let mut count = 1;
        while rest.next_if_eq(&one).is_some() {
            count += 1;
        }
        match count {
            ..=20 => shown.extend(std::iter::repeat_n(one, count)),
            _ => shown.push_str(&format!("{one}{{{count}}}")),
        }
    }
    shown
}

async fn check(
    platform: &Platform,
    method: &str,
    path: &str,
    valid: Value,
    rows: Vec<(Value, Expect)>,
) {
    for (members, expected) in rows {
        let mut input = valid.clone();
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        expected.assert_eq(&show(&platform.call(method, path, input).await));
    }
}

fn function() -> Value {
    json!({"FunctionName": "new", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
        "Code": {"ZipFile": code("one")}})
}

#[tokio::test]
async fn of_functions() {
    let platform = Platform::new().await;
    check(
        &platform,
        "POST",
        FUNCTIONS,
        function(),
        vec![
            (json!({"FunctionName": ""}), expect![[r#"400 ValidationException: 2 validation errors detected: Value '' at 'functionName' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#]]),
            (json!({"FunctionName": "a b"}), expect![[r#"Value 'a b' at 'functionName' | Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#]]),
            (json!({"FunctionName": format!("function:{}", "a".repeat(132))}), expect!["Value 'function:a{132}' at 'functionName' | Member must have length less than or equal to 140"]),
            (json!({"Handler": "a".repeat(129)}), expect!["Value 'a{129}' at 'handler' | Member must have length less than or equal to 128"]),
            (json!({"Handler": "a b"}), expect![[r#"Value 'a b' at 'handler' | Member must satisfy regular expression pattern: [^\s]+"#]]),
            (json!({"Description": "a".repeat(257)}), expect!["Value 'a{257}' at 'description' | Member must have length less than or equal to 256"]),
            (json!({"Role": "r"}), expect![[r#"Value 'r' at 'role' | Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#]]),
            (json!({"MemorySize": 127}), expect!["Value '127' at 'memorySize' | Member must have value greater than or equal to 128"]),
            (json!({"MemorySize": 32_769}), expect!["Value '32769' at 'memorySize' | Member must have value less than or equal to 32768"]),
            (json!({"MemorySize": 10_241}), expect!["Value '10241' at 'memorySize' | Member must have value less than or equal to 10240"]),
            (json!({"Timeout": 0}), expect!["Value '0' at 'timeout' | Member must have value greater than or equal to 1"]),
            (json!({"Timeout": 5_401}), expect!["Value '5401' at 'timeout' | Member must have value less than or equal to 5400"]),
            (json!({"Timeout": 901}), expect!["Value '901' at 'timeout' | Member must have value less than or equal to 900"]),
            (json!({"EphemeralStorage": {"Size": 511}}), expect!["Value '511' at 'ephemeralStorage.size' | Member must have value greater than or equal to 512"]),
            (json!({"EphemeralStorage": {"Size": 32_769}}), expect!["Value '32769' at 'ephemeralStorage.size' | Member must have value less than or equal to 32768"]),
            (json!({"EphemeralStorage": {"Size": 10_241}}), expect!["Value '10241' at 'ephemeralStorage.size' | Member must have value less than or equal to 10240"]),
            (json!({"Environment": {"Variables": {"1A": "x"}}}), expect!["Value at 'environment.variables' | Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"]),
            (json!({"Architectures": []}), expect!["Value '[]' at 'architectures' | Member must have length greater than or equal to 1"]),
            (json!({"Architectures": ["x86_64", "arm64"]}), expect!["Value '[x86_64, arm64]' at 'architectures' | Member must have length less than or equal to 1"]),
            (json!({"Architectures": ["mips"]}), expect!["Value '[mips]' at 'architectures' | Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"]),
            (json!({"PackageType": "Jar"}), expect!["Value 'Jar' at 'packageType' | Member must satisfy enum value set: [Zip, Image]"]),
            (json!({"TracingConfig": {"Mode": "On"}}), expect!["Value 'On' at 'tracingConfig.mode' | Member must satisfy enum value set: [Active, PassThrough]"]),
            (json!({"Layers": ["libs"]}), expect![[r#"Value '[libs]' at 'layers' | Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ((arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)), Member must not be null]"#]]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_what_functions_are_given() {
    let platform = Platform::new().await;
    check(
        &platform,
        "POST",
        FUNCTIONS,
        function(),
        vec![
            (json!({"VpcConfig": {"SubnetIds": vec!["subnet-1"; 17]}}), expect!["Value '[subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1, subnet-1]' at 'vpcConfig.subnetIds' | Member must have length less than or equal to 16"]),
            (json!({"VpcConfig": {"SubnetIds": ["net"]}}), expect!["Value '[net]' at 'vpcConfig.subnetIds' | Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*, Member must not be null]"]),
            (json!({"VpcConfig": {"SecurityGroupIds": vec!["sg-1"; 6]}}), expect!["Value '[sg-1, sg-1, sg-1, sg-1, sg-1, sg-1]' at 'vpcConfig.securityGroupIds' | Member must have length less than or equal to 5"]),
            (json!({"FileSystemConfigs": vec![json!({"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/mnt/x"}); 2]}), expect!["Value '[, ]' at 'fileSystemConfigs' | Member must have length less than or equal to 1"]),
            (json!({"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/x"}]}), expect!["Value '/x' at 'fileSystemConfigs.1.member.localMountPath' | Member must satisfy regular expression pattern: /mnt/[a-zA-Z0-9-_.]+"]),
            (json!({"ImageConfig": {"EntryPoint": vec!["a"; 1_501]}}), expect!["Value '[1500 times a, a]' at 'imageConfig.entryPoint' | Member must have length less than or equal to 1500"]),
            (json!({"ImageConfig": {"WorkingDirectory": "a".repeat(1_001)}}), expect!["Value 'a{1001}' at 'imageConfig.workingDirectory' | Member must have length less than or equal to 1000"]),
            (json!({"LoggingConfig": {"LogFormat": "XML"}}), expect!["Value 'XML' at 'loggingConfig.logFormat' | Member must satisfy enum value set: [JSON, Text]"]),
            (json!({"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "LOUD"}}), expect!["Value 'LOUD' at 'loggingConfig.applicationLogLevel' | Member must satisfy enum value set: [TRACE, DEBUG, INFO, WARN, ERROR, FATAL]"]),
            (json!({"LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "TRACE"}}), expect!["Value 'TRACE' at 'loggingConfig.systemLogLevel' | Member must satisfy enum value set: [DEBUG, INFO, WARN]"]),
            (json!({"LoggingConfig": {"LogGroup": "a b"}}), expect![[r#"Value 'a b' at 'loggingConfig.logGroup' | Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"#]]),
            (json!({"SnapStart": {"ApplyOn": "Always"}}), expect!["Value 'Always' at 'snapStart.applyOn' | Member must satisfy enum value set: [PublishedVersions, None]"]),
            (json!({"TenancyConfig": {"TenantIsolationMode": "NONE"}}), expect!["Value 'NONE' at 'tenancyConfig.tenantIsolationMode' | Member must satisfy enum value set: [PER_TENANT]"]),
            (json!({"DurableConfig": {"ExecutionTimeout": 0}}), expect!["Value '0' at 'durableConfig.executionTimeout' | Member must have value greater than or equal to 1"]),
            (json!({"DurableConfig": {"ExecutionTimeout": 31_622_401}}), expect!["Value '31622401' at 'durableConfig.executionTimeout' | Member must have value less than or equal to 31622400"]),
            (json!({"DurableConfig": {"RetentionPeriodInDays": 0}}), expect!["Value '0' at 'durableConfig.retentionPeriodInDays' | Member must have value greater than or equal to 1"]),
            (json!({"DurableConfig": {"RetentionPeriodInDays": 91}}), expect!["Value '91' at 'durableConfig.retentionPeriodInDays' | Member must have value less than or equal to 90"]),
            (json!({"KMSKeyArn": "key"}), expect!["Value 'key' at 'kMSKeyArn' | Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"]),
            (json!({"DeadLetterConfig": {"TargetArn": "queue"}}), expect!["Value 'queue' at 'deadLetterConfig.targetArn' | Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"]),
            (json!({"CodeSigningConfigArn": "csc"}), expect![[r#"Value 'csc' at 'codeSigningConfigArn' | Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}"#]]),
            (json!({"Tags": {"": "x"}}), expect![[r#"Value '{=x}' at 'tags' | Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*), Member must not be null]"#]]),
            (json!({"Tags": {"k": "x".repeat(257)}}), expect![[r#"Value '{k=x{257}}' at 'tags' | Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*), Member must not be null]"#]]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_aliases() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let alias = json!({"Name": "new", "FunctionVersion": "1"});
    let weights = |weights: Value| json!({"RoutingConfig": {"AdditionalVersionWeights": weights}});
    check(
        &platform,
        "POST",
        &format!("{FUNCTIONS}/hello/aliases"),
        alias,
        vec![
            (json!({"Name": "1"}), expect!["Value '1' at 'name' | Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"]),
            (json!({"Name": "a b"}), expect!["Value 'a b' at 'name' | Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"]),
            (json!({"Name": "a".repeat(129)}), expect!["Value 'a{129}' at 'name' | Member must have length less than or equal to 128"]),
            (json!({"FunctionVersion": "live"}), expect![[r#"Value 'live' at 'functionVersion' | Member must satisfy regular expression pattern: (\$LATEST(\.PUBLISHED)?|[0-9]+)"#]]),
            (weights(json!({"2": 1.1})), expect!["Value '{2=1.1}' at 'routingConfig.additionalVersionWeights' | Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"]),
            (weights(json!({"2": -0.1})), expect!["Value '{2=-0.1}' at 'routingConfig.additionalVersionWeights' | Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"]),
            (weights(json!({"1": 0.1, "2": 0.1})), expect!["400 InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater than 1"]),
            (weights(json!({"live": 0.1})), expect!["Value '{live=0.1}' at 'routingConfig.additionalVersionWeights' | Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_what_is_said_beside_functions() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let put = async |path: &str, rows| check(&platform, "PUT", path, json!({}), rows).await;
    put(
        "/2017-10-31/functions/hello/concurrency",
        vec![(json!({"ReservedConcurrentExecutions": -1}), expect!["Value '-1' at 'reservedConcurrentExecutions' | Member must have value greater than or equal to 0"])],
    )
    .await;
    put(
        "/2019-09-30/functions/hello/provisioned-concurrency?Qualifier=1",
        vec![(json!({"ProvisionedConcurrentExecutions": 0}), expect!["Value '0' at 'provisionedConcurrentExecutions' | Member must have value greater than or equal to 1"])],
    )
    .await;
    put(
        "/2019-09-25/functions/hello/event-invoke-config",
        vec![
            (json!({"MaximumRetryAttempts": 3}), expect!["Value '3' at 'maximumRetryAttempts' | Member must have value less than or equal to 2"]),
            (json!({"MaximumRetryAttempts": -1}), expect!["Value '-1' at 'maximumRetryAttempts' | Member must have value greater than or equal to 0"]),
            (json!({"MaximumEventAgeInSeconds": 59}), expect!["Value '59' at 'maximumEventAgeInSeconds' | Member must have value greater than or equal to 60"]),
            (json!({"MaximumEventAgeInSeconds": 21_601}), expect!["Value '21601' at 'maximumEventAgeInSeconds' | Member must have value less than or equal to 21600"]),
        ],
    )
    .await;
    put(
        "/2024-08-31/functions/hello/recursion-config",
        vec![(json!({"RecursiveLoop": "Maybe"}), expect!["Value 'Maybe' at 'recursiveLoop' | Member must satisfy enum value set: [Allow, Terminate]"])],
    )
    .await;
    put(
        "/2021-07-20/functions/hello/runtime-management-config",
        vec![
            (json!({"UpdateRuntimeOn": "Never"}), expect!["Value 'Never' at 'updateRuntimeOn' | Member must satisfy enum value set: [Auto, Manual, FunctionUpdate]"]),
            (json!({"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "x"}), expect![[r#"400 ValidationException: 2 validation errors detected: Value 'x' at 'runtimeVersionArn' failed to satisfy constraint: Member must have length greater than or equal to 26; Value 'x' at 'runtimeVersionArn' failed to satisfy constraint: Member must satisfy regular expression pattern: ((arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}::runtime:.+)|(arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:runtime/[A-Za-z0-9_.-]{1,128}/version/[A-Za-z0-9_.-]{1,128}))"#]]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_queries() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    for (path, expected) in [
        (
            "/hello?Qualifier=a%20b",
            expect![[
                r#"Value 'a b' at 'qualifier' | Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#
            ]],
        ),
        (
            "/hello?Qualifier=",
            expect![[
                r#"400 ValidationException: 2 validation errors detected: Value '' at 'qualifier' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#
            ]],
        ),
        (
            "?MaxItems=0",
            expect!["Value '0' at 'maxItems' | Member must have value greater than or equal to 1"],
        ),
        (
            "?MaxItems=10001",
            expect![
                "Value '10001' at 'maxItems' | Member must have value less than or equal to 10000"
            ],
        ),
    ] {
        expected.assert_eq(&show(&platform.get(path).await));
    }
    let tags = "/2017-03-31/tags/arn:aws:something";
    expect![[r#"Value 'arn:aws:something' at 'resource' | Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})"#]].assert_eq(&show(&platform.call("GET", tags, Value::Null).await));
    let tags = format!("/2017-03-31/tags/{HELLO}");
    expect!["Value null at 'tagKeys' | Member must not be null"]
        .assert_eq(&show(&platform.call("DELETE", &tags, Value::Null).await));
}

#[tokio::test]
async fn of_mappings() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let stream = json!({"FunctionName": "hello", "StartingPosition": "LATEST",
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"});
    check(
        &platform,
        "POST",
        "/2015-03-31/event-source-mappings",
        stream,
        vec![
            (json!({"EventSourceArn": "queue"}), expect![[r#"Value 'queue' at 'eventSourceArn' | Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#]]),
            (json!({"StartingPosition": "NOW"}), expect!["Value 'NOW' at 'startingPosition' | Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"]),
            (json!({"BatchSize": 0}), expect!["Value '0' at 'batchSize' | Member must have value greater than or equal to 1"]),
            (json!({"BatchSize": 10_001}), expect!["Value '10001' at 'batchSize' | Member must have value less than or equal to 10000"]),
            (json!({"MaximumBatchingWindowInSeconds": -1}), expect!["Value '-1' at 'maximumBatchingWindowInSeconds' | Member must have value greater than or equal to 0"]),
            (json!({"MaximumBatchingWindowInSeconds": 301}), expect!["Value '301' at 'maximumBatchingWindowInSeconds' | Member must have value less than or equal to 300"]),
            (json!({"ParallelizationFactor": 0}), expect!["Value '0' at 'parallelizationFactor' | Member must have value greater than or equal to 1"]),
            (json!({"ParallelizationFactor": 11}), expect!["Value '11' at 'parallelizationFactor' | Member must have value less than or equal to 10"]),
            (json!({"MaximumRecordAgeInSeconds": -2}), expect!["Value '-2' at 'maximumRecordAgeInSeconds' | Member must have value greater than or equal to -1"]),
            (json!({"MaximumRecordAgeInSeconds": 604_801}), expect!["Value '604801' at 'maximumRecordAgeInSeconds' | Member must have value less than or equal to 604800"]),
            (json!({"MaximumRetryAttempts": -2}), expect!["Value '-2' at 'maximumRetryAttempts' | Member must have value greater than or equal to -1"]),
            (json!({"MaximumRetryAttempts": 10_001}), expect!["Value '10001' at 'maximumRetryAttempts' | Member must have value less than or equal to 10000"]),
            (json!({"TumblingWindowInSeconds": -1}), expect!["Value '-1' at 'tumblingWindowInSeconds' | Member must have value greater than or equal to 0"]),
            (json!({"TumblingWindowInSeconds": 901}), expect!["Value '901' at 'tumblingWindowInSeconds' | Member must have value less than or equal to 900"]),
            (json!({"ScalingConfig": {"MaximumConcurrency": 1}}), expect!["Value '1' at 'scalingConfig.maximumConcurrency' | Member must have value greater than or equal to 2"]),
            (json!({"ScalingConfig": {"MaximumConcurrency": 1_001}}), expect!["Value '1001' at 'scalingConfig.maximumConcurrency' | Member must have value less than or equal to 1000"]),
            (json!({"ProvisionedPollerConfig": {"MinimumPollers": 0}}), expect!["Value '0' at 'provisionedPollerConfig.minimumPollers' | Member must have value greater than or equal to 1"]),
            (json!({"ProvisionedPollerConfig": {"MinimumPollers": 201}}), expect!["Value '201' at 'provisionedPollerConfig.minimumPollers' | Member must have value less than or equal to 200"]),
            (json!({"ProvisionedPollerConfig": {"MaximumPollers": 0}}), expect!["Value '0' at 'provisionedPollerConfig.maximumPollers' | Member must have value greater than or equal to 1"]),
            (json!({"ProvisionedPollerConfig": {"MaximumPollers": 10_001}}), expect!["Value '10001' at 'provisionedPollerConfig.maximumPollers' | Member must have value less than or equal to 10000"]),
            (json!({"FilterCriteria": {"Filters": [{"Pattern": "a".repeat(4_097)}]}}), expect!["Value 'a{4097}' at 'filterCriteria.filters.1.member.pattern' | Member must have length less than or equal to 4096"]),
            (json!({"FunctionResponseTypes": ["ReportAll"]}), expect!["Value '[ReportAll]' at 'functionResponseTypes' | Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures], Member must not be null]"]),
            (json!({"FunctionResponseTypes": ["ReportBatchItemFailures", "ReportBatchItemFailures"]}), expect!["Value '[ReportBatchItemFailures, ReportBatchItemFailures]' at 'functionResponseTypes' | Member must have length less than or equal to 1"]),
            (json!({"Topics": ["one", "two"]}), expect!["Value '[one, two]' at 'topics' | Member must have length less than or equal to 1"]),
            (json!({"Queues": []}), expect!["Value '[]' at 'queues' | Member must have length greater than or equal to 1"]),
            (json!({"SourceAccessConfigurations": [{"Type": "PASSWORD", "URI": "x"}]}), expect!["Value 'PASSWORD' at 'sourceAccessConfigurations.1.member.type' | Member must satisfy enum value set: [BASIC_AUTH, VPC_SUBNET, VPC_SECURITY_GROUP, SASL_SCRAM_512_AUTH, SASL_SCRAM_256_AUTH, VIRTUAL_HOST, CLIENT_CERTIFICATE_TLS_AUTH, SERVER_ROOT_CA_CERTIFICATE, OAUTHBEARER_AUTH, OAUTHBEARER_SCOPE, OAUTHBEARER_AUDIENCE, OAUTHBEARER_LOGICAL_CLUSTER, OAUTHBEARER_IDENTITY_POOL, IAM_AUTH, IAM_OAUTHBEARER_AUTH]"]),
            (json!({"DestinationConfig": {"OnFailure": {"Destination": "x"}}}), expect![[r#"Value 'x' at 'destinationConfig.onFailure.destination' | Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#]]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_policies() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let of = format!("{FUNCTIONS}/hello");
    let statement = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    check(
        &platform,
        "POST",
        &format!("{of}/policy"),
        statement,
        vec![
            (json!({"StatementId": "a.b"}), expect!["Value 'a.b' at 'statementId' | Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"]),
            (json!({"StatementId": "a".repeat(101)}), expect!["Value 'a{101}' at 'statementId' | Member must have length less than or equal to 100"]),
            (json!({"Action": "s3:GetObject"}), expect!["Value 's3:GetObject' at 'action' | Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"]),
            (json!({"Principal": "a b"}), expect![[r#"Value 'a b' at 'principal' | Member must satisfy regular expression pattern: [^\s]+"#]]),
            (json!({"SourceAccount": "1"}), expect![[r#"Value '1' at 'sourceAccount' | Member must satisfy regular expression pattern: \d{12}"#]]),
            (json!({"SourceArn": "x"}), expect![[r#"Value 'x' at 'sourceArn' | Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#]]),
            (json!({"PrincipalOrgID": "x"}), expect!["400 ValidationException: 2 validation errors detected: Value 'x' at 'principalOrgID' failed to satisfy constraint: Member must have length greater than or equal to 12; Value 'x' at 'principalOrgID' failed to satisfy constraint: Member must satisfy regular expression pattern: o-[a-z0-9]{10,32}"]),
            (json!({"FunctionUrlAuthType": "ALL"}), expect!["Value 'ALL' at 'functionUrlAuthType' | Member must satisfy enum value set: [NONE, AWS_IAM]"]),
        ],
    )
    .await;
    let document = format!("/2026-07-09/resource-policy/{HELLO}");
    check(
        &platform,
        "PUT",
        &document,
        json!({"Policy": "{}"}),
        vec![
            (json!({"Policy": "x".repeat(20_481)}), expect!["Value 'x{20481}' at 'policy' | Member must have length less than or equal to 20480"]),
            (json!({"RevisionId": "x"}), expect!["400 ValidationException: 2 validation errors detected: Value 'x' at 'revisionId' failed to satisfy constraint: Member must have length greater than or equal to 36; Value 'x' at 'revisionId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn of_layers_and_urls() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let layer = json!({"Content": {"ZipFile": code("one")}});
    check(
        &platform,
        "POST",
        "/2018-10-31/layers/libs/versions",
        layer,
        vec![
            (json!({"CompatibleRuntimes": vec!["python3.12"; 16]}), expect!["Value '[python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12, python3.12]' at 'compatibleRuntimes' | Member must have length less than or equal to 15"]),
            (json!({"CompatibleRuntimes": ["cobol"]}), expect!["Value '[cobol]' at 'compatibleRuntimes' | Member must satisfy constraint: [Member must satisfy enum value set: [nodejs, nodejs4.3, nodejs6.10, nodejs8.10, nodejs10.x, nodejs12.x, nodejs14.x, nodejs16.x, nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, java8, java8.al2, java11, java17, java21, java25, python2.7, python3.6, python3.7, python3.8, python3.9, python3.10, python3.11, python3.12, python3.13, python3.14, dotnetcore1.0, dotnetcore2.0, dotnetcore2.1, dotnetcore3.1, dotnet6, dotnet8, dotnet10, nodejs4.3-edge, go1.x, ruby2.5, ruby2.7, ruby3.2, ruby3.3, ruby3.4, ruby4.0, provided, provided.al2, provided.al2023, nodejs26.x, python3.15, java8.al2023, java11.al2023, java17.al2023, custom], Member must not be null]"]),
            (json!({"CompatibleArchitectures": ["x86_64", "arm64", "x86_64"]}), expect!["Value '[x86_64, arm64, x86_64]' at 'compatibleArchitectures' | Member must have length less than or equal to 2"]),
            (json!({"LicenseInfo": "a".repeat(513)}), expect!["Value 'a{513}' at 'licenseInfo' | Member must have length less than or equal to 512"]),
            (json!({"Description": "a".repeat(257)}), expect!["Value 'a{257}' at 'description' | Member must have length less than or equal to 256"]),
        ],
    )
    .await;
    let (url, of_version) =
        ("/2021-10-31/functions/hello/url", "/2021-10-31/functions/hello/url?Qualifier=1");
    check(
        &platform,
        "PUT",
        url,
        json!({}),
        vec![
            (json!({"AuthType": "ALL"}), expect!["Value 'ALL' at 'authType' | Member must satisfy enum value set: [NONE, AWS_IAM]"]),
            (json!({"Cors": {"MaxAge": 86_401}}), expect!["Value '86401' at 'cors.maxAge' | Member must have value less than or equal to 86400"]),
            (json!({"Cors": {"AllowMethods": ["CONNECT"]}}), expect!["Value '[CONNECT]' at 'cors.allowMethods' | Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: .*, Member must not be null]"]),
            (json!({"InvokeMode": "LATER"}), expect!["Value 'LATER' at 'invokeMode' | Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]"]),
        ],
    )
    .await;
    check(&platform, "POST", of_version, json!({"AuthType": "NONE"}), vec![(json!({}), expect![[r#"Value '1' at 'qualifier' | Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"#]])])
        .await;
}

#[tokio::test]
async fn of_invocations() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let long_tenant = "a".repeat(257);
    let long_context = crate::platform::base64("x".repeat(3_584));
    for (name, value, expected) in [
        (
            "x-amz-invocation-type",
            "Later",
            expect![
                "Value 'Later' at 'invocationType' | Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
            ],
        ),
        (
            "x-amz-log-type",
            "All",
            expect!["Value 'All' at 'logType' | Member must satisfy enum value set: [None, Tail]"],
        ),
        (
            "x-amz-tenant-id",
            "a!",
            expect![[
                r#"Value 'a!' at 'tenantId' | Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+"#
            ]],
        ),
        (
            "x-amz-tenant-id",
            &long_tenant,
            expect![
                "Value 'a{257}' at 'tenantId' | Member must have length less than or equal to 256"
            ],
        ),
        (
            "x-amz-client-context",
            "!",
            expect![
                "400 InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object."
            ],
        ),
        (
            "x-amz-client-context",
            &long_context,
            expect![
                "400 InvalidRequestContentException: Client context must be no more than 3583 bytes when base64-decoded."
            ],
        ),
        (
            "x-amz-durable-execution-name",
            "a b",
            expect![
                "Value 'a b' at 'durableExecutionName' | Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"
            ],
        ),
    ] {
        let path = format!("{FUNCTIONS}/hello/invocations");
        expected.assert_eq(&show(&platform.send("POST", &path, &[(name, value)], "{}").await));
    }
}
