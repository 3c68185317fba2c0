// SPDX-License-Identifier: Apache-2.0
//! Event invoke configurations and recursion configurations, in the words of recordings of 2023-11.

use crate::platform::Platform;
use expect_test::expect;
use serde_json::{Value, json};

fn path(function: &str) -> String {
    format!("/2019-09-25/functions/{function}/event-invoke-config")
}

#[tokio::test]
async fn a_configuration_is_put_changed_listed_and_deleted() {
    let platform = Platform::new().await;
    platform.create_with("hello", json!({"Publish": true})).await;
    platform.settled("hello").await;
    platform.create("other").await;
    let latest = path("hello");
    let put = json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60});
    expect![[r#"
        200
        {
          "DestinationConfig": {
            "OnFailure": {},
            "OnSuccess": {}
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST",
          "LastModified": 1795406400,
          "MaximumEventAgeInSeconds": 60,
          "MaximumRetryAttempts": 2
        }"#]]
    .assert_eq(&platform.call("PUT", &latest, put).await.show());
    let other = "arn:aws:lambda:us-east-1:000000000000:function:other";
    let update = json!({"DestinationConfig": {"OnSuccess": {"Destination": other}}});
    let updated = platform.call("POST", &latest, update).await.json();
    assert_eq!(
        (&updated["MaximumRetryAttempts"], &updated["MaximumEventAgeInSeconds"]),
        (&json!(2), &json!(60))
    );
    let version = format!("{}?Qualifier=1", path("hello"));
    platform.call("PUT", &version, json!({"MaximumRetryAttempts": 0})).await;

    let platform = platform.restart().await;
    assert_eq!(platform.call("GET", &latest, Value::Null).await.json(), updated);
    // Putting leaves nothing of what was there.
    let put = platform.call("PUT", &latest, json!({"MaximumRetryAttempts": 1})).await.json();
    assert_eq!(
        (&put["MaximumEventAgeInSeconds"], &put["DestinationConfig"]),
        (&Value::Null, &json!({"OnSuccess": {}, "OnFailure": {}}))
    );
    let listed = platform
        .call("GET", &format!("{}/list?MaxItems=1", path("hello")), Value::Null)
        .await
        .json();
    assert_eq!(listed["FunctionEventInvokeConfigs"], json!([put]));
    let rest = format!("{}/list?Marker={}", path("hello"), listed["NextMarker"].as_str().unwrap());
    let listed = platform.call("GET", &rest, Value::Null).await.json();
    assert_eq!(listed["FunctionEventInvokeConfigs"][0]["MaximumRetryAttempts"], 0);

    // It goes with its version.
    platform.delete("hello?Qualifier=1").await;
    let all = platform.call("GET", &format!("{}/list", path("hello")), Value::Null).await.json();
    assert_eq!(all["FunctionEventInvokeConfigs"].as_array().unwrap().len(), 1);
    assert_eq!(platform.call("DELETE", &latest, Value::Null).await.status, 204);
    expect!["404 ResourceNotFoundException: The function arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST doesn't have an EventInvokeConfig"]
        .assert_eq(&platform.call("DELETE", &latest, Value::Null).await.error());
}

#[tokio::test]
async fn what_a_configuration_may_not_be() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let put = |body: Value| platform_call(&platform, "hello", body);
    let destination = |arn: &str| json!({"DestinationConfig": {"OnSuccess": {"Destination": arn}}});
    expect!["400 InvalidParameterValueException: You must specify at least one of error handling or destination setting."]
        .assert_eq(&put(json!({})).await);
    expect!["404 ResourceNotFoundException: The function doesn't exist."]
        .assert_eq(&platform_call(&platform, "nobody", json!({"MaximumRetryAttempts": 1})).await);
    expect!["404 ResourceNotFoundException: The function doesn't exist."].assert_eq(
        &platform_call(&platform, "hello:live", json!({"MaximumRetryAttempts": 1})).await,
    );
    expect!["400 InvalidParameterValueException: The destination ARN arn:aws:lambda:us-east-1:000000000000:function:nobody is invalid."]
        .assert_eq(&put(destination("arn:aws:lambda:us-east-1:000000000000:function:nobody")).await);
    expect!["400 InvalidParameterValueException: You can't specify the function as a destination for itself."]
        .assert_eq(&put(destination("arn:aws:lambda:us-east-1:000000000000:function:hello")).await);
    expect!["400 InvalidParameterValueException: The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), onFailure=null) is invalid."]
        .assert_eq(&put(destination("arn:aws:s3:::bucket")).await);
    expect!["400 ValidationException: 2 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2; Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60"]
        .assert_eq(&put(json!({"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 59})).await);
    let update = platform.call("POST", &path("hello"), json!({"MaximumRetryAttempts": 1})).await;
    expect!["404 ResourceNotFoundException: The function arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST doesn't have an EventInvokeConfig"]
        .assert_eq(&update.error());
}

async fn platform_call(platform: &Platform, function: &str, body: Value) -> String {
    platform.call("PUT", &path(function), body).await.error()
}

#[tokio::test]
async fn a_loop_is_allowed_or_not() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let path = "/2024-08-31/functions/hello/recursion-config";
    let get = platform.call("GET", path, Value::Null).await.json();
    assert_eq!(get, json!({"RecursiveLoop": "Terminate"}));
    let put = platform.call("PUT", path, json!({"RecursiveLoop": "Allow"})).await.json();
    assert_eq!(put, json!({"RecursiveLoop": "Allow"}));
    let platform = platform.restart().await;
    assert_eq!(platform.call("GET", path, Value::Null).await.json(), put);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"]
        .assert_eq(&platform.call("GET", &path.replace("hello", "nobody"), Value::Null).await.error());
    expect!["400 ValidationException: 1 validation error detected: Value null at 'recursiveLoop' failed to satisfy constraint: Member must not be null"]
        .assert_eq(&platform.call("PUT", path, json!({})).await.error());
}
