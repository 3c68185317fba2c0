// SPDX-License-Identifier: Apache-2.0
//! Functions that move to newer versions of their runtime, and functions that stay.

use crate::platform::{Platform, code};
use expect_test::expect;
use serde_json::{Value, json};

const CONFIG: &str = "/2021-07-20/functions/hello/runtime-management-config";
const OLD: &str = "arn:aws:lambda:us-east-1::runtime:old";

/// The version that the worker was told to run it on.
async fn ran_on(platform: &Platform) -> Option<String> {
    assert_eq!(platform.invoke("hello", "{}").await.status, 200);
    let function = platform.reader.last.lock().unwrap().upgrade().expect("the service keeps it");
    function.runtime_version.clone()
}

async fn put(platform: &Platform, members: Value) -> crate::platform::Answer {
    platform.call("PUT", CONFIG, members).await
}

fn arn(configuration: &Value) -> &str {
    configuration["RuntimeVersionConfig"]["RuntimeVersionArn"].as_str().unwrap()
}

#[tokio::test]
async fn a_function_is_bound_to_a_version_and_let_go() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let newest = arn(&platform.settled("hello").await).to_owned();
    assert_eq!(ran_on(&platform).await, None);

    let manual = json!({"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": OLD});
    let answer = put(&platform, manual).await;
    expect![[r#"
        200
        {
          "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST",
          "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:old",
          "UpdateRuntimeOn": "Manual"
        }"#]]
    .assert_eq(&answer.show());
    assert_eq!(platform.reader.retired.lock().unwrap().len(), 1, "nothing runs on the other");
    assert_eq!(ran_on(&platform).await.as_deref(), Some("old"));

    // It stays: through changes, in what is published, and after a restart.
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    assert_eq!(platform.publish("hello", json!({})).await.status, 201);
    let platform = platform.restart().await;
    assert_eq!(platform.call("GET", CONFIG, Value::Null).await.json(), answer.json());
    let published = platform.get("/hello/configuration?Qualifier=1").await.json();
    assert_eq!((arn(&published), arn(&platform.settled("hello").await)), (OLD, OLD));
    assert_eq!(ran_on(&platform).await.as_deref(), Some("old"));
    expect!["400 InvalidParameterValueException: The function is bound to a version of another runtime. Let it move to newer versions first (PutRuntimeManagementConfig)."]
        .assert_eq(&platform.configure("hello", json!({"Runtime": "python3.11"})).await.error());

    let update = put(&platform, json!({"UpdateRuntimeOn": "FunctionUpdate"})).await.json();
    assert_eq!(update.get("RuntimeVersionArn"), None);
    assert_eq!(arn(&platform.settled("hello").await), newest);
    assert_eq!(ran_on(&platform).await.as_deref(), newest.rsplit(':').next());
    put(&platform, json!({"UpdateRuntimeOn": "Auto"})).await;
    assert_eq!(ran_on(&platform).await, None);
    let published = format!("{CONFIG}?Qualifier=1");
    let published = platform.call("GET", &published, Value::Null).await.json();
    assert_eq!(published["UpdateRuntimeOn"], "Manual", "each version has its own");
}

#[tokio::test]
async fn what_a_function_can_not_be_bound_to() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let with = |members: Value| {
        let platform = &platform;
        async move { put(platform, members).await.error() }
    };
    expect![
        "400 InvalidParameterValueException: UpdateRuntimeOn=Manual needs a RuntimeVersionArn."
    ]
    .assert_eq(&with(json!({"UpdateRuntimeOn": "Manual"})).await);
    expect!["400 InvalidParameterValueException: A RuntimeVersionArn goes with UpdateRuntimeOn=Manual only."]
        .assert_eq(&with(json!({"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": OLD})).await);
    expect!["400 InvalidParameterValueException: The runtime version arn:aws:lambda:us-east-1::runtime:gone is not a version of python3.12 that is installed here."]
        .assert_eq(&with(json!({"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:gone"})).await);
    expect!["400 InvalidParameterValueException: The runtime version arn:aws:lambda:eu-west-1::runtime:old is not one of this region."]
        .assert_eq(&with(json!({"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:eu-west-1::runtime:old"})).await);
    let config = platform.call("GET", CONFIG, Value::Null).await.json();
    assert_eq!(config["UpdateRuntimeOn"], "Auto");
}
