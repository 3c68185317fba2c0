// SPDX-License-Identifier: Apache-2.0
//! Tags, and what an account uses.

use crate::platform::{Platform, base64, options, zip};
use expect_test::expect;
use lambda::Options;
use serde_json::{Value, json};

const TAGS: &str = "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:hello";

#[tokio::test]
async fn tags_come_and_go() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let before = platform.settled("hello").await["RevisionId"].clone();
    assert_eq!(
        platform.call("POST", TAGS, json!({"Tags": {"a": "1", "b": "2"}})).await.status,
        204
    );
    assert_ne!(platform.settled("hello").await["RevisionId"], before);
    assert_eq!(
        platform.call("DELETE", &format!("{TAGS}?tagKeys=a&tagKeys=c"), Value::Null).await.status,
        204
    );
    let platform = platform.restart().await;
    assert_eq!(platform.call("GET", TAGS, Value::Null).await.json(), json!({"Tags": {"b": "2"}}));
    assert_eq!(platform.get("/hello").await.json()["Tags"], json!({"b": "2"}));

    expect!["400 InvalidParameterValueException: Tags on function aliases and versions are not supported. Please specify a function ARN."]
        .assert_eq(&platform.call("GET", &format!("{TAGS}:1"), Value::Null).await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hellox"].assert_eq(&platform.call("GET", &format!("{TAGS}x"), Value::Null).await.error());
    expect!["400 InvalidParameterValueException: Tag keys that start with aws: are reserved for system use."]
        .assert_eq(&platform.call("POST", TAGS, json!({"Tags": {"aws:x": "1"}})).await.error());
}

async fn settings(platform: &Platform) -> Value {
    platform.call("GET", "/2016-08-19/account-settings", Value::Null).await.json()
}

#[tokio::test]
async fn usage_is_counted() {
    let platform = Platform::new().await;
    platform.create("one").await;
    platform.create("two").await;
    platform.publish("two", json!({})).await;
    let size = platform.settled("one").await["CodeSize"].as_i64().unwrap();
    let layer_zip = zip(&[("a", "1")]);
    let layer_size = layer_zip.len();
    let layer = json!({"Content": {"ZipFile": base64(layer_zip)}});
    platform.call("POST", "/2018-10-31/layers/libs/versions", layer).await;
    let reserved = json!({"ReservedConcurrentExecutions": 7});
    platform.call("PUT", "/2017-10-31/functions/two/concurrency", reserved).await;
    let before = settings(&platform).await;
    let usage = |functions: i64, code: i64, layers: usize| json!({"FunctionCount": functions, "TotalCodeSize": code * size + i64::try_from(layers).unwrap()});
    assert_eq!(before["AccountUsage"], usage(2, 3, layer_size));
    assert_eq!(before["AccountLimit"]["UnreservedConcurrentExecutions"], 993);
    let platform = platform.restart().await;
    assert_eq!(settings(&platform).await, before);

    platform.delete("two?Qualifier=1").await;
    assert_eq!(settings(&platform).await["AccountUsage"], usage(2, 2, layer_size));
    platform.call("DELETE", "/2018-10-31/layers/libs/versions/1", Value::Null).await;
    assert_eq!(settings(&platform).await["AccountUsage"], usage(2, 2, 0));
    platform.delete("two").await;
    let platform = platform.restart().await;
    let settings = settings(&platform).await;
    assert_eq!(settings["AccountUsage"], usage(1, 1, 0));
    expect![[r#"{"CodeSizeUnzipped":10000,"CodeSizeZipped":5000,"ConcurrentExecutions":1000,"TotalCodeSize":80530636800,"UnreservedConcurrentExecutions":1000}"#]].assert_eq(&settings["AccountLimit"].to_string());
}

#[tokio::test]
async fn an_account_has_limits() {
    let limits = Options { functions_max: 1, versions_max: 1, code_bytes_max: 300, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    platform.create("one").await;
    expect!["400 CodeStorageExceededException: The number of functions of this account and region would exceed the limit of 1."].assert_eq(&platform.create_with("two", json!({})).await.error());
    assert_eq!(platform.publish("one", json!({})).await.status, 201);
    platform.configure("one", json!({"Timeout": 5})).await;
    platform.settled("one").await;
    expect!["400 CodeStorageExceededException: The number of versions of this function would exceed the limit of 1."].assert_eq(&platform.publish("one", json!({})).await.error());
    let code = json!({"ZipFile": crate::platform::code("another")});
    expect!["400 CodeStorageExceededException: The code of all functions and layers, in bytes, would exceed the limit of 300."].assert_eq(&platform.update_code("one", code).await.error());
}
