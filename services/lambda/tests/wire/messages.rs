// SPDX-License-Identifier: Apache-2.0
//! What AWS says most often when it refuses: status, error and body, byte by byte.
//!
//! Each row is named as the case. Those that are missing cannot be provoked; the README says which, and why.

use crate::platform::{FUNCTIONS, Platform, ROLE, base64, code, options, zip};
use crate::requests::HELLO;
use expect_test::{Expect, expect};
use lambda::{Options, PackageLimits};
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";
const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";

/// Case, method, path, body, and the answer.
type Row = (&'static str, &'static str, String, Value, Expect);

fn row(
    case: &'static str,
    method: &'static str,
    path: impl Into<String>,
    body: Value,
    answer: Expect,
) -> Row {
    (case, method, path.into(), body, answer)
}

async fn check(platform: &Platform, rows: Vec<Row>) {
    for (case, method, path, body, expected) in rows {
        let answer = platform.call(method, &path, body).await;
        let error = answer.header("x-amzn-errortype").unwrap_or_default();
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        expected.assert_eq(&format!("{case}: {} {error} {text}", answer.status));
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let of = format!("{FUNCTIONS}/hello");
    check(
        &platform,
        vec![
            row("No function", "GET", format!("{FUNCTIONS}/nope"), Value::Null, expect![[r#"No function: 404 ResourceNotFoundException {"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope"}"#]]),
            row("No version", "GET", format!("{of}?Qualifier=42"), Value::Null, expect![[r#"No version: 404 ResourceNotFoundException {"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:42"}"#]]),
            row("No alias", "GET", format!("{of}?Qualifier=gone"), Value::Null, expect![[r#"No alias: 404 ResourceNotFoundException {"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:gone"}"#]]),
            row("GetAlias", "GET", format!("{of}/aliases/gone"), Value::Null, expect![[r#"GetAlias: 404 ResourceNotFoundException {"Type":"User","Message":"Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:gone"}"#]]),
            row("GetPolicy, none", "GET", format!("{of}/policy"), Value::Null, expect![[r#"GetPolicy, none: 404 ResourceNotFoundException {"Type":"User","Message":"The resource you requested does not exist."}"#]]),
            row("RemovePermission, no policy", "DELETE", format!("{of}/policy/s1"), Value::Null, expect![[r#"RemovePermission, no policy: 404 ResourceNotFoundException {"Type":"User","Message":"No policy is associated with the given resource."}"#]]),
            row("Layer policy, none", "GET", "/2018-10-31/layers/libs/versions/1/policy", Value::Null, expect![[r#"Layer policy, none: 404 ResourceNotFoundException {"Type":"User","Message":"No policy is associated with the given resource."}"#]]),
            row("Event invoke config", "GET", "/2019-09-25/functions/hello/event-invoke-config", Value::Null, expect![[r#"Event invoke config: 404 ResourceNotFoundException {"Type":"User","Message":"The function arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST doesn't have an EventInvokeConfig"}"#]]),
            row(
                "Wrong region",
                "GET",
                format!("{FUNCTIONS}/arn:aws:lambda:eu-west-1:000000000000:function:hello"),
                Value::Null,
                expect![[r#"Wrong region: 404 ResourceNotFoundException {"Type":"User","Message":"Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"}"#]],
            ),
            row("Layer", "GET", "/2018-10-31/layers/nope/versions/1/policy", Value::Null, expect![[r#"Layer: 404 ResourceNotFoundException {"Type":"User","Message":"Layer version arn:aws:lambda:us-east-1:000000000000:layer:nope:1 does not exist."}"#]]),
            row("GetLayerVersion", "GET", "/2018-10-31/layers/nope/versions/1", Value::Null, expect![[r#"GetLayerVersion: 404 ResourceNotFoundException {"Type":"User","Message":"The resource you requested does not exist."}"#]]),
            row(
                "Provisioned config",
                "GET",
                "/2019-09-30/functions/hello/provisioned-concurrency?Qualifier=1",
                Value::Null,
                expect![[r#"Provisioned config: 404 ProvisionedConcurrencyConfigNotFoundException {"Type":"User","message":"No Provisioned Concurrency Config found for this function"}"#]],
            ),
            row("Function URL", "GET", "/2021-10-31/functions/hello/url?Qualifier=gone", Value::Null, expect![[r#"Function URL: 404 ResourceNotFoundException {"Type":"User","Message":"The resource you requested does not exist."}"#]]),
            row(
                "Mapping",
                "GET",
                "/2015-03-31/event-source-mappings/6f2c1c36-93a3-4f7b-9a58-000000000001",
                Value::Null,
                expect![[r#"Mapping: 404 ResourceNotFoundException {"Type":"User","Message":"The resource you requested does not exist."}"#]],
            ),
            row("Reserving for no function", "PUT", "/2017-10-31/functions/nope/concurrency", json!({"ReservedConcurrentExecutions": 1}), expect![[r#"Reserving for no function: 404 ResourceNotFoundException {"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope:$LATEST"}"#]]),
            row("Code signing", "GET", "/2020-04-22/code-signing-configs/arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000", Value::Null, expect![[r#"Code signing: 404 ResourceNotFoundException {"Message":"The Lambda code signing configuration arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000 can not be found."}"#]]),
            row("Code signing of a function", "PUT", "/2020-06-30/functions/hello/code-signing-config", json!({"CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000"}), expect![[r#"Code signing of a function: 404 CodeSigningConfigNotFoundException {"Type":"User","Message":"The code signing configuration cannot be found. Check that the provided configuration is not deleted: arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000."}"#]]),
        ],
    )
    .await;
    let statement = json!({"StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    assert_eq!(platform.call("POST", &format!("{of}/policy"), statement).await.status, 201);
    check(
        &platform,
        vec![row(
            "RemovePermission, no sid",
            "DELETE",
            format!("{of}/policy/s2"),
            Value::Null,
            expect![[r#"RemovePermission, no sid: 404 ResourceNotFoundException {"Type":"User","Message":"Statement s2 is not found in resource policy."}"#]],
        )],
    )
    .await;
}

#[tokio::test]
async fn what_is_there_already() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let of = format!("{FUNCTIONS}/hello");
    let function = json!({"FunctionName": "hello", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
        "Code": {"ZipFile": code("one")}});
    let statement = json!({"StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    assert_eq!(platform.call("POST", &format!("{of}/policy"), statement.clone()).await.status, 201);
    check(
        &platform,
        vec![
            row("Function", "POST", FUNCTIONS, function, expect![[r#"Function: 409 ResourceConflictException {"Type":"User","message":"Function already exist: hello"}"#]]),
            row(
                "Alias",
                "POST",
                format!("{of}/aliases"),
                json!({"Name": "live", "FunctionVersion": "1"}),
                expect![[r#"Alias: 409 ResourceConflictException {"Type":"User","message":"Alias already exists: arn:aws:lambda:us-east-1:000000000000:function:hello:live"}"#]],
            ),
            row("Sid", "POST", format!("{of}/policy"), statement, expect![[r#"Sid: 409 ResourceConflictException {"Type":"User","message":"The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement."}"#]]),
            row(
                "URL config",
                "POST",
                "/2021-10-31/functions/hello/url",
                json!({"AuthType": "NONE"}),
                expect![[r#"URL config: 409 ResourceConflictException {"Type":"User","message":"Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:000000000000:function:hello]. Error message:  FunctionUrlConfig exists for this Lambda function"}"#]],
            ),
            row(
                "Revision",
                "PUT",
                format!("{of}/configuration"),
                json!({"RevisionId": "other"}),
                expect![[r#"Revision: 412 PreconditionFailedException {"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}"#]],
            ),
            row(
                "Revision of an alias",
                "PUT",
                format!("{of}/aliases/live"),
                json!({"RevisionId": "other"}),
                expect![[r#"Revision of an alias: 412 PreconditionFailedException {"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}"#]],
            ),
            row(
                "Version with an alias",
                "DELETE",
                format!("{of}?Qualifier=1"),
                Value::Null,
                expect![[r#"Version with an alias: 409 ResourceConflictException {"Type":"User","message":"Unable to delete version because the following aliases reference it: [live]"}"#]],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_mapped_already() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let stream =
        json!({"FunctionName": "hello", "EventSourceArn": STREAM, "StartingPosition": "LATEST"});
    let mappings = "/2015-03-31/event-source-mappings";
    let of_stream = platform.call("POST", mappings, stream.clone()).await.json();
    let of_queue = platform
        .call("GET", &format!("{mappings}?EventSourceArn={QUEUE}"), Value::Null)
        .await
        .json();
    let ids = [&of_queue["EventSourceMappings"][0]["UUID"], &of_stream["UUID"]]
        .map(|id| id.as_str().unwrap());
    for (id, body, expected) in [
        (
            ids[0],
            json!({"FunctionName": "hello", "EventSourceArn": QUEUE}),
            expect![[
                r#"{"Type":"User","message":"An event source mapping with SQS arn (\" arn:aws:sqs:us-east-1:000000000000:queue \") and function (\" hello \") already exists. Please update or delete the existing mapping with UUID UUID"}"#
            ]],
        ),
        (
            ids[1],
            stream,
            expect![[
                r#"{"Type":"User","message":"The event source arn (\" arn:aws:kinesis:us-east-1:000000000000:stream/s \") and function (\" hello \") provided mapping already exists. Please update or delete the existing mapping with UUID UUID"}"#
            ]],
        ),
    ] {
        let answer = platform.call("POST", mappings, body).await;
        assert_eq!(answer.header("x-amzn-errortype"), Some("ResourceConflictException"));
        expected.assert_eq(&String::from_utf8(answer.body.to_vec()).unwrap().replace(id, "UUID"));
    }
}

#[tokio::test]
async fn what_may_not_be() {
    let platform = Platform::new().await;
    crate::requests::fill(&platform).await;
    let of = format!("{FUNCTIONS}/hello");
    let with = |members: Value| {
        let mut input = json!({"FunctionName": "new", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
            "Code": {"ZipFile": code("one")}});
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        input
    };
    let statement = json!({"StatementId": "s1", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    let one = json!({"ProvisionedConcurrentExecutions": 1});
    let many = json!({"ProvisionedConcurrentExecutions": 901});
    let too_many = json!({"ProvisionedConcurrentExecutions": 1_001});
    let provisioned = "/2019-09-30/functions/hello/provisioned-concurrency";
    check(
        &platform,
        vec![
            row("$LATEST policy", "POST", format!("{of}/policy?Qualifier=$LATEST"), statement, expect![[r#"$LATEST policy: 400 InvalidParameterValueException {"Type":"User","message":"We currently do not support adding policies for $LATEST."}"#]]),
            row("Reserved floor", "PUT", "/2017-10-31/functions/hello/concurrency", json!({"ReservedConcurrentExecutions": 901}), expect![[r#"Reserved floor: 400 InvalidParameterValueException {"message":"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}"#]]),
            row("Provisioned floor", "PUT", format!("{provisioned}?Qualifier=2"), many, expect![[r#"Provisioned floor: 400 InvalidParameterValueException {"message":"Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}"#]]),
            row("Provisioned beyond all", "PUT", format!("{provisioned}?Qualifier=2"), too_many, expect![[r#"Provisioned beyond all: 400 InvalidParameterValueException {"message":"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."}"#]]),
            row("Provisioned on $LATEST", "PUT", format!("{provisioned}?Qualifier=$LATEST"), one, expect![[r#"Provisioned on $LATEST: 400 InvalidParameterValueException {"Type":"User","message":"Provisioned Concurrency Configs cannot be applied to unpublished function versions."}"#]]),
            row("Bad zip", "POST", FUNCTIONS, with(json!({"Code": {"ZipFile": "AAAA"}})), expect![[r#"Bad zip: 400 InvalidParameterValueException {"Type":"User","message":"Could not unzip uploaded file. Please check your file, then try to upload again."}"#]]),
            row("Env too big", "POST", FUNCTIONS, with(json!({"Environment": {"Variables": {"AB": "x".repeat(4_090)}}})), expect![[r#"Env too big: 400 InvalidParameterValueException {"Type":"User","message":"Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"AB\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}"}"#]]),
            row("Old runtime", "POST", FUNCTIONS, with(json!({"Runtime": "go1.x"})), expect![[r#"Old runtime: 400 InvalidParameterValueException {"Type":"User","message":"The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."}"#]]),
            row("Old runtime in an update", "PUT", format!("{of}/configuration"), json!({"Runtime": "go1.x"}), expect![[r#"Old runtime in an update: 400 InvalidParameterValueException {"Type":"User","message":"The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."}"#]]),
            row("Unknown runtime", "POST", FUNCTIONS, with(json!({"Runtime": "X"})), expect![[r#"Unknown runtime: 400 InvalidParameterValueException {"Type":"User","message":"Value X at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs, nodejs4.3, nodejs6.10, nodejs8.10, nodejs10.x, nodejs12.x, nodejs14.x, nodejs16.x, nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, java8, java8.al2, java11, java17, java21, java25, python2.7, python3.6, python3.7, python3.8, python3.9, python3.10, python3.11, python3.12, python3.13, python3.14, dotnetcore1.0, dotnetcore2.0, dotnetcore2.1, dotnetcore3.1, dotnet6, dotnet8, dotnet10, nodejs4.3-edge, go1.x, ruby2.5, ruby2.7, ruby3.2, ruby3.3, ruby3.4, ruby4.0, provided, provided.al2, provided.al2023, nodejs26.x, python3.15, java8.al2023, java11.al2023, java17.al2023, custom] or be a valid ARN"}"#]]),
            row("Batch window", "POST", "/2015-03-31/event-source-mappings", json!({"FunctionName": "hello", "EventSourceArn": format!("{QUEUE}2"), "BatchSize": 11}), expect![[r#"Batch window: 400 InvalidParameterValueException {"Type":"User","message":"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"}"#]]),
            row("Filter pattern", "POST", "/2015-03-31/event-source-mappings", json!({"FunctionName": "hello", "EventSourceArn": format!("{QUEUE}2"), "FilterCriteria": {"Filters": [{"Pattern": "{\"a\":[{\"b\":1}]}"}]}}), expect![[r#"Filter pattern: 400 InvalidParameterValueException {"Type":"User","message":"Invalid filter pattern definition."}"#]]),
            row("Six layers", "PUT", format!("{of}/configuration"), json!({"Layers": vec!["arn:aws:lambda:us-east-1:000000000000:layer:libs:1"; 6]}), expect![[r#"Six layers: 400 InvalidParameterValueException {"Type":"User","message":"Cannot reference more than 5 layers."}"#]]),
            row("Tags of a version", "GET", format!("/2017-03-31/tags/{HELLO}:1"), Value::Null, expect![[r#"Tags of a version: 400 InvalidParameterValueException {"Type":"User","message":"Tags on function aliases and versions are not supported. Please specify a function ARN."}"#]]),
            row("Two qualifiers", "GET", format!("{FUNCTIONS}/hello:1?Qualifier=2"), Value::Null, expect![[r#"Two qualifiers: 400 InvalidParameterValueException {"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}"#]]),
            row("Long name", "POST", FUNCTIONS, with(json!({"FunctionName": "a".repeat(65)})), expect![[r#"Long name: 400 InvalidParameterValueException {"Type":"User","message":"1 validation error detected: Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"}"#]]),
        ],
    )
    .await;
    let bad = platform.invoke("hello", "{a").await;
    expect![[r#"400 {"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: Unexpected character ('a' (code 97)): was expecting double-quote to start field name\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]"}"#]].assert_eq(&format!(
        "{} {}",
        bad.status,
        String::from_utf8(bad.body.to_vec()).unwrap()
    ));
}

/// With limits a thousandth of AWS's: the sentences have whatever the limits are.
#[tokio::test]
async fn what_is_too_large() {
    let limits = PackageLimits::default();
    assert_eq!((limits.zipped_bytes_max, limits.unzipped_bytes_max), (52_428_800, 262_144_000));
    let package = PackageLimits {
        zipped_bytes_max: 52_428,
        unzipped_bytes_max: 262_144,
        ..PackageLimits::default()
    };
    let platform =
        Platform::open(tempfile::tempdir().unwrap(), Options { package, ..options() }).await;
    let with = |zip: Vec<u8>| {
        json!({"FunctionName": "new", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
            "Code": {"ZipFile": base64(zip)}})
    };
    check(
        &platform,
        vec![
            row(
                "Unzipped",
                "POST",
                FUNCTIONS,
                with(zip(&[("a", &"0".repeat(262_145))])),
                expect![[r#"Unzipped: 400 InvalidParameterValueException {"Type":"User","message":"Unzipped size must be smaller than 262144 bytes"}"#]],
            ),
            row("Zipped", "POST", FUNCTIONS, with(vec![0; 52_429]), expect![[r#"Zipped: 413 RequestEntityTooLargeException {"message":"Zipped size must be smaller than 52428 bytes"}"#]]),
        ],
    )
    .await;
}
