// SPDX-License-Identifier: Apache-2.0
//! Event source mappings as records: nothing polls, and no state says otherwise.

use crate::platform::Platform;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const MAPPINGS: &str = "/2015-03-31/event-source-mappings";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";
const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";

async fn create(platform: &Platform, members: Value) -> crate::platform::Answer {
    let mut input = json!({"FunctionName": "hello"});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    platform.call("POST", MAPPINGS, input).await
}

/// What differs from run to run is taken out.
fn shown(mut json: Value, id: &str) -> String {
    for member in ["UUID", "EventSourceMappingArn"] {
        let text = json[member].as_str().unwrap().replace(id, "ID");
        json[member] = text.into();
    }
    json.to_string()
}

#[tokio::test]
async fn a_queue_is_mapped() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = create(&platform, json!({"EventSourceArn": QUEUE, "Tags": {"a": "1"}})).await;
    assert_eq!(answer.status, 202, "{}", answer.show());
    let id = answer.json()["UUID"].as_str().unwrap().to_owned();
    let path = format!("{MAPPINGS}/{id}");
    expect![[r#"{"BatchSize":10,"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:queue","EventSourceMappingArn":"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:ID","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello","FunctionResponseTypes":[],"LastModified":1795406400,"MaximumBatchingWindowInSeconds":0,"State":"Creating","StateTransitionReason":"USER_INITIATED","UUID":"ID"}"#]].assert_eq(&shown(answer.json(), &id));
    let platform = platform.restart().await;
    let settled = platform.call("GET", &path, Value::Null).await.json();
    expect![[r#"{"BatchSize":10,"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:queue","EventSourceMappingArn":"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:ID","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello","FunctionResponseTypes":[],"LastModified":1795406400,"MaximumBatchingWindowInSeconds":0,"State":"Disabled","StateTransitionReason":"No poller is available in this build of Tinderbox","UUID":"ID"}"#]].assert_eq(&shown(settled.clone(), &id));
    let tags = format!("/2017-03-31/tags/{}", settled["EventSourceMappingArn"].as_str().unwrap());
    assert_eq!(platform.call("GET", &tags, Value::Null).await.json(), json!({"Tags": {"a": "1"}}));

    let update = json!({"Enabled": false, "BatchSize": 100, "MaximumBatchingWindowInSeconds": 5,
        "ScalingConfig": {"MaximumConcurrency": 2}, "FilterCriteria": {"Filters": [{"Pattern": "{\"body\":[1]}"}]}});
    let updated = platform.call("PUT", &path, update).await;
    assert_eq!((updated.status, &updated.json()["State"]), (202, &json!("Disabling")));
    let settled = platform.call("GET", &path, Value::Null).await.json();
    assert_eq!(
        (&settled["State"], &settled["StateTransitionReason"]),
        (&json!("Disabled"), &json!("USER_INITIATED"))
    );
    assert_eq!(
        (&settled["BatchSize"], &settled["ScalingConfig"]),
        (&json!(100), &json!({"MaximumConcurrency": 2}))
    );
    // What is empty takes away.
    let empty = json!({"FilterCriteria": {}, "ScalingConfig": {}, "Enabled": true});
    assert_eq!(platform.call("PUT", &path, empty).await.json()["State"], "Enabling");
    let settled = platform.call("GET", &path, Value::Null).await.json();
    assert_eq!(
        (&settled["FilterCriteria"], &settled["ScalingConfig"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        settled["StateTransitionReason"],
        "No poller is available in this build of Tinderbox"
    );

    let deleted = platform.call("DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status, &deleted.json()["State"]), (202, &json!("Deleting")));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(
            platform.call(method, &path, Value::Null).await.error(),
            "404 ResourceNotFoundException: The resource you requested does not exist."
        );
    }
}

#[tokio::test]
async fn a_stream_has_what_streams_have() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = create(
        &platform,
        json!({"EventSourceArn": TABLE, "StartingPosition": "TRIM_HORIZON", "BatchSize": 1, "MaximumRetryAttempts": 1,
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}),
    )
    .await
    .json();
    let id = answer["UUID"].as_str().unwrap().to_owned();
    expect![[r#"{"BatchSize":1,"BisectBatchOnFunctionError":false,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:queue"}},"EventSourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000","EventSourceMappingArn":"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:ID","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello","FunctionResponseTypes":[],"LastModified":1795406400,"LastProcessingResult":"No records processed","MaximumBatchingWindowInSeconds":0,"MaximumRecordAgeInSeconds":-1,"MaximumRetryAttempts":1,"ParallelizationFactor":1,"StartingPosition":"TRIM_HORIZON","State":"Creating","StateTransitionReason":"User action","TumblingWindowInSeconds":0,"UUID":"ID"}"#]].assert_eq(&shown(answer, &id));
    let kafka = json!({"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a.b:9092"]}}, "Topics": ["one"],
        "StartingPosition": "LATEST"});
    assert_eq!(create(&platform, kafka).await.status, 202);
}

#[tokio::test]
async fn mappings_are_listed_by_source_and_function() {
    let platform = Platform::new().await;
    platform.create_with("hello", json!({"Publish": true})).await;
    platform.settled("hello").await;
    platform.create("other").await;
    for name in ["hello", "hello:1", "other"] {
        let answer =
            create(&platform, json!({"FunctionName": name, "EventSourceArn": QUEUE})).await;
        assert_eq!(answer.status, 202, "{}", answer.show());
    }
    let count = async |query: &str| {
        let json = platform.call("GET", &format!("{MAPPINGS}/?{query}"), Value::Null).await.json();
        json["EventSourceMappings"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count(&format!("EventSourceArn={QUEUE}&FunctionName=hello")).await, 2);
    assert_eq!(count("FunctionName=hello:1").await, 1);
    assert_eq!(count("FunctionName=arn:aws:lambda:us-east-1:000000000000:function:other").await, 1);
    assert_eq!(count(&format!("EventSourceArn={STREAM}")).await, 0);
    let first = platform.call("GET", &format!("{MAPPINGS}?MaxItems=2"), Value::Null).await.json();
    let marker = first["NextMarker"].as_str().unwrap();
    assert_eq!(count(&format!("Marker={marker}")).await, 1);
}

async fn check(cases: Vec<(Value, Expect)>) {
    let platform = Platform::new().await;
    platform.create("hello").await;
    for (members, expected) in cases {
        expected.assert_eq(&create(&platform, members).await.error());
    }
    let list = platform.call("GET", MAPPINGS, Value::Null).await.json();
    assert_eq!(list, json!({"EventSourceMappings": []}));
}

fn queue(members: &Value) -> Value {
    let mut input = json!({"EventSourceArn": QUEUE});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    input
}

#[tokio::test]
async fn what_a_mapping_of_a_queue_may_not_be() {
    check(vec![
        (json!({}), expect!["400 InvalidParameterValueException: Unrecognized event source."]),
        (
            json!({"EventSourceArn": "arn:aws:s3:::b"}),
            expect!["400 InvalidParameterValueException: Unrecognized event source."],
        ),
        (
            queue(&json!({"FunctionName": "nobody"})),
            expect!["400 InvalidParameterValueException: Function does not exist"],
        ),
        (
            queue(&json!({"FunctionName": "hello:live"})),
            expect!["400 InvalidParameterValueException: Function does not exist"],
        ),
        (
            queue(&json!({"BatchSize": 11})),
            expect![
                "400 InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            ],
        ),
        (
            queue(&json!({"StartingPosition": "LATEST"})),
            expect![
                "400 InvalidParameterValueException: StartingPosition is not valid for SQS event sources."
            ],
        ),
        (
            queue(&json!({"ParallelizationFactor": 2})),
            expect![
                "400 InvalidParameterValueException: ParallelizationFactor is not valid for SQS event sources."
            ],
        ),
        (
            queue(&json!({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}})),
            expect!["400 InvalidParameterValueException: Invalid filter pattern definition."],
        ),
        (
            queue(&json!({"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"})),
            expect![
                "400 InvalidParameterValueException: KMSKeyArn is not available in this build of Tinderbox: filters are kept as they are"
            ],
        ),
        (
            queue(&json!({"BatchSize": 0, "MaximumBatchingWindowInSeconds": 301})),
            expect![
                "400 ValidationException: 2 validation errors detected: Value '0' at 'batchSize' failed to satisfy constraint: Member must have value greater than or equal to 1; Value '301' at 'maximumBatchingWindowInSeconds' failed to satisfy constraint: Member must have value less than or equal to 300"
            ],
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_a_mapping_of_a_stream_may_not_be() {
    check(vec![
        (
            json!({"EventSourceArn": STREAM}),
            expect![
                "400 InvalidParameterValueException: 1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
            ],
        ),
        (
            json!({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "StartingPositionTimestamp": 1}),
            expect![
                "400 InvalidParameterValueException: Timestamp only valid with StartingPosition AT_TIMESTAMP"
            ],
        ),
        (
            json!({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 1}),
            expect![
                "400 InvalidParameterValueException: MaximumRecordAgeInSeconds must be -1, or from 60 to 604800"
            ],
        ),
        (
            json!({"EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}),
            expect![
                "400 InvalidParameterValueException: Unsupported starting position for arn type: arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"
            ],
        ),
        (
            json!({"EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/c/1", "StartingPosition": "LATEST"}),
            expect!["400 InvalidParameterValueException: Topics is needed for MSK event sources."],
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_source_leads_to_a_function_once() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let id = create(&platform, queue(&json!({}))).await.json()["UUID"].as_str().unwrap().to_owned();
    let error = create(&platform, queue(&json!({}))).await.error().replace(&id, "ID");
    expect![[r#"409 ResourceConflictException: An event source mapping with SQS arn (" arn:aws:sqs:us-east-1:000000000000:queue ") and function (" hello ") already exists. Please update or delete the existing mapping with UUID ID"#]].assert_eq(&error);
}
