// SPDX-License-Identifier: Apache-2.0
//! Functions on capacity providers: what they may be, when they are active, how many environments they are to have.

use crate::capacity_providers::{PROVIDERS, provider};
use crate::platform::{FUNCTIONS, Platform, eventually};
use expect_test::{Expect, expect};
use invoke::Shortage;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p";
const SCALING: &str = "/2025-11-30/functions/hello/function-scaling-config?Qualifier=1";

/// What puts a function on the provider, with `more` beside the provider and `members` beside that.
fn on_provider(more: Value, members: Value) -> Value {
    let mut config = json!({"CapacityProviderArn": ARN});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut function = json!({"Runtime": "python3.13",
        "CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": config}});
    function.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    function
}

async fn with_provider() -> Platform {
    let platform = Platform::new().await;
    let scaling = json!({"CapacityProviderScalingConfig": {"MaxVCpuCount": 9}});
    platform.call("POST", PROVIDERS, provider("p", scaling)).await;
    platform
}

/// With the function `hello` on the provider, and its version 1.
async fn with_version() -> Platform {
    let platform = with_provider().await;
    let created =
        platform.create_with("hello", on_provider(json!({}), json!({"Publish": true}))).await;
    assert_eq!(created.status, 201, "{}", created.show());
    is_in_state(&platform, "1", "Active").await;
    platform
}

async fn is_in_state(platform: &Platform, version: &str, state: &str) -> Value {
    eventually(|| async {
        let path = format!("/hello/configuration?Qualifier={version}");
        let found = platform.get(&path).await.json();
        (found["State"] == state).then_some(found)
    })
    .await
}

/// Version, slots, least, most and thousandths of vCPUs of each that is to have environments.
fn managed(platform: &Platform) -> Vec<(String, usize, usize, usize, u64)> {
    let managed = platform.reader.managed.lock().unwrap();
    let found = managed.values().flatten();
    found
        .map(|one| {
            let version = one.function.version.clone();
            assert_eq!(one.provider, ARN);
            assert_eq!(one.function.max_concurrency, u32::try_from(one.slots).ok());
            (version, one.slots, one.min, one.max, one.vcpu_millis)
        })
        .collect()
}

#[tokio::test]
async fn a_version_is_active_with_its_environments_and_latest_is_not_invoked() {
    let platform = with_version().await;
    assert_eq!(managed(&platform), [("1".to_owned(), 16, 3, usize::MAX, 1000)]);
    assert_eq!(platform.reader.vcpus.lock().unwrap().get(ARN), Some(&9));
    let latest = platform.settled("hello").await;
    assert_eq!(
        (&latest["State"], &latest["MemorySize"], &latest["LoggingConfig"]["LogFormat"]),
        (&json!("ActiveNonInvocable"), &json!(2048), &json!("JSON"))
    );
    assert_eq!(
        latest["CapacityProviderConfig"]["LambdaManagedInstancesCapacityProviderConfig"],
        json!({"CapacityProviderArn": ARN, "PerExecutionEnvironmentMaxConcurrency": 16, "ExecutionEnvironmentMemoryGiBPerVCpu": 2.0})
    );
    assert_eq!(platform.invoke("hello:1", "{}").await.json()["version"], "1");
    expect!["400 NoPublishedVersionException: The function has no published version that can be invoked without a qualifier."]
        .assert_eq(&platform.invoke("hello", "{}").await.error());
    expect!["409 ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: ActiveNonInvocable"]
        .assert_eq(&platform.invoke("hello:$LATEST", "{}").await.error());

    let platform = platform.restart().await;
    let again = eventually(|| async { Some(managed(&platform)).filter(|all| !all.is_empty()) });
    assert_eq!(again.await, [("1".to_owned(), 16, 3, usize::MAX, 1000)]);
    assert_eq!(platform.reader.vcpus.lock().unwrap().get(ARN), Some(&9));
    let versions = format!("{PROVIDERS}/p/function-versions");
    assert_eq!(
        platform.call("GET", &versions, Value::Null).await.json(),
        json!({"CapacityProviderArn": ARN, "FunctionVersions": [
            {"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:1", "State": "Active"}]})
    );
    expect!["409 ResourceConflictException: The capacity provider arn:aws:lambda:us-east-1:000000000000:capacity-provider:p is used by at least one function."]
        .assert_eq(&platform.call("DELETE", &format!("{PROVIDERS}/p"), Value::Null).await.error());
    platform.delete("hello?Qualifier=1").await;
    assert_eq!(managed(&platform), []);
    platform.delete("hello").await;
    let deleted = platform.call("DELETE", &format!("{PROVIDERS}/p"), Value::Null).await;
    assert_eq!(deleted.status, 202, "{}", deleted.show());
    assert_eq!(platform.reader.vcpus.lock().unwrap().get(ARN), Some(&0));
}

#[tokio::test]
async fn how_many_environments_there_are_is_asked_for_and_answered() {
    let platform = with_version().await;
    let put = async |bounds: Value| {
        let body = json!({"FunctionScalingConfig": bounds});
        platform.call("PUT", SCALING, body).await
    };
    let function = "arn:aws:lambda:us-east-1:000000000000:function:hello:1";
    let got = platform.call("GET", SCALING, Value::Null).await.json();
    assert_eq!(got, json!({"FunctionArn": function}));
    let bounds = json!({"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 4});
    let answer = put(bounds.clone()).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"FunctionState": "Active"})));
    assert_eq!(managed(&platform), [("1".to_owned(), 16, 1, 4, 1000)]);
    let got = platform.call("GET", SCALING, Value::Null).await.json();
    assert_eq!(
        got,
        json!({"FunctionArn": function, "AppliedFunctionScalingConfig": bounds, "RequestedFunctionScalingConfig": bounds})
    );
    expect!["400 InvalidParameterValueException: MinExecutionEnvironments (2) must not be greater than MaxExecutionEnvironments (1)."]
        .assert_eq(&put(json!({"MinExecutionEnvironments": 2, "MaxExecutionEnvironments": 1})).await.error());

    let off = json!({"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0});
    assert_eq!(put(off).await.json(), json!({"FunctionState": "Deactivating"}));
    assert_eq!(managed(&platform), []);
    is_in_state(&platform, "1", "Deactivated").await;
    expect!["409 ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Deactivated"]
        .assert_eq(&platform.invoke("hello:1", "{}").await.error());
    assert_eq!(put(bounds).await.json(), json!({"FunctionState": "Pending"}));
    is_in_state(&platform, "1", "Active").await;
    assert_eq!(platform.invoke("hello:1", "{}").await.status, 200);
}

#[tokio::test]
async fn a_version_whose_environments_do_not_start_says_why() {
    let platform = with_provider().await;
    *platform.reader.shortage.lock().unwrap() = Some(Shortage::Capacity);
    platform.create_with("hello", on_provider(json!({}), json!({"Publish": true}))).await;
    let failed = is_in_state(&platform, "1", "Failed").await;
    assert_eq!(failed["StateReasonCode"], "CapacityProviderScalingLimitExceeded");
    assert_eq!(platform.settled("hello").await["State"], "ActiveNonInvocable");
    *platform.reader.shortage.lock().unwrap() = Some(Shortage::Init);
    platform.configure("hello", json!({"Timeout": 9})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    let failed = is_in_state(&platform, "2", "Failed").await;
    assert_eq!(failed["StateReasonCode"], "FunctionError.RuntimeInitError");
    *platform.reader.shortage.lock().unwrap() = None;
    let more = json!({"PerExecutionEnvironmentMaxConcurrency": 5, "ExecutionEnvironmentMemoryGiBPerVCpu": 4.0, "CapacityProviderArn": ARN});
    let more = json!({"MemorySize": 8192,
        "CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": more}});
    let changed = platform.configure("hello", more).await;
    assert_eq!(changed.status, 200, "{}", changed.show());
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    is_in_state(&platform, "3", "Active").await;
    assert_eq!(managed(&platform), [("3".to_owned(), 5, 3, usize::MAX, 2000)]);
}

#[tokio::test]
async fn latest_published_is_published_again_and_is_what_no_qualifier_means() {
    let platform = with_provider().await;
    platform.create_with("hello", on_provider(json!({}), json!({}))).await;
    platform.settled("hello").await;
    let to = || json!({"PublishTo": "LATEST_PUBLISHED"});
    let published = platform.publish("hello", to()).await;
    assert_eq!(published.status, 201, "{}", published.show());
    let function = "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST.PUBLISHED";
    assert_eq!(
        (&published.json()["Version"], &published.json()["FunctionArn"]),
        (&json!("$LATEST.PUBLISHED"), &json!(function))
    );
    let first = is_in_state(&platform, "$LATEST.PUBLISHED", "Active").await;
    assert_eq!(platform.invoke("hello", "{}").await.json()["version"], "$LATEST.PUBLISHED");
    let qualified = platform.invoke("hello:$LATEST.PUBLISHED", "{}").await;
    assert_eq!(qualified.json()["version"], "$LATEST.PUBLISHED");
    // Without a change it stays what it is, and with one it is another, in the place of the first.
    let again = platform.publish("hello", to()).await.json();
    assert_eq!(again["RevisionId"], first["RevisionId"]);
    platform.configure("hello", json!({"Timeout": 9})).await;
    platform.settled("hello").await;
    platform.publish("hello", to()).await;
    let second = is_in_state(&platform, "$LATEST.PUBLISHED", "Active").await;
    assert_eq!((&first["Timeout"], &second["Timeout"]), (&json!(3), &json!(9)));
    assert_eq!(managed(&platform).len(), 1, "the first has no environments any more");
    // Numbers go their own way, and it outlives the server.
    platform.publish("hello", json!({})).await;
    is_in_state(&platform, "1", "Active").await;
    let platform = platform.restart().await;
    let listed = platform.get("/hello/versions").await.json();
    let versions: Vec<_> = listed["Versions"].as_array().unwrap().iter().collect();
    let numbers: Vec<_> = versions.iter().map(|one| one["Version"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["$LATEST", "$LATEST.PUBLISHED", "1"]);
    eventually(|| async { (managed(&platform).len() == 2).then_some(()) }).await;
    assert_eq!(platform.invoke("hello", "{}").await.json()["version"], "$LATEST.PUBLISHED");
    let deleted = platform.delete("hello?Qualifier=$LATEST.PUBLISHED").await;
    assert_eq!(deleted.status, 204, "{}", deleted.show());
    expect!["400 NoPublishedVersionException: The function has no published version that can be invoked without a qualifier."]
        .assert_eq(&platform.invoke("hello", "{}").await.error());
    assert_eq!(platform.invoke("hello:1", "{}").await.json()["version"], "1");

    platform.create("plain").await;
    platform.settled("plain").await;
    expect!["400 InvalidParameterValueException: PublishTo is supported for functions with a capacity provider only."]
        .assert_eq(&platform.publish("plain", to()).await.error());
}

async fn refused(platform: &Platform, more: Value, members: Value, expected: Expect) {
    let answer = platform.create_with("bad", on_provider(more, members)).await;
    expected.assert_eq(&answer.error());
}

#[tokio::test]
async fn what_cannot_be_on_a_provider_is_refused() {
    let platform = with_provider().await;
    let none = json!({});
    refused(&platform, none.clone(), json!({"Runtime": "python3.12"}),
        expect!["400 InvalidParameterValueException: CapacityProviderConfig with this runtime is not available in this build of Tinderbox: python3.13, nodejs22.x, java21, their successors and provided.al2023 run several invocations at once"]).await;
    refused(&platform, none.clone(), json!({"MemorySize": 2047}),
        expect!["400 InvalidParameterValueException: MemorySize must be at least 2048 MB for functions with CapacityProviderConfig."]).await;
    refused(&platform, none.clone(), json!({"LoggingConfig": {"LogFormat": "Text"}}),
        expect!["400 InvalidParameterValueException: LogFormat must be JSON for functions with CapacityProviderConfig."]).await;
    refused(&platform, none.clone(), json!({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}),
        expect!["400 InvalidParameterValueException: TenancyConfig isn't supported with CapacityProviderConfig."]).await;
    refused(&platform, json!({"ExecutionEnvironmentMemoryGiBPerVCpu": 4.0}), none.clone(),
        expect!["400 InvalidParameterValueException: MemorySize of 2048 MB is less than one vCPU at 4 GiB for each."]).await;
    refused(&platform, json!({"ExecutionEnvironmentMemoryGiBPerVCpu": 3.0}), none.clone(),
        expect!["400 InvalidParameterValueException: ExecutionEnvironmentMemoryGiBPerVCpu must be 2, 4 or 8, and not 3."]).await;
    refused(&platform, json!({"CapacityProviderArn": ARN.replace(":p", ":gone")}), none.clone(),
        expect!["400 InvalidParameterValueException: Capacity provider not found: arn:aws:lambda:us-east-1:000000000000:capacity-provider:gone"]).await;
    refused(&platform, none.clone(), json!({"MemorySize": 32768, "Timeout": 901}),
        expect!["400 ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"]).await;

    platform.create("plain").await;
    let change = on_provider(json!({}), json!({}));
    let change = json!({"CapacityProviderConfig": change["CapacityProviderConfig"]});
    expect!["400 InvalidParameterValueException: CapacityProviderConfig isn't supported for Lambda Default functions."]
        .assert_eq(&platform.configure("plain", change).await.error());

    platform.create_with("hello", on_provider(none, json!({"Publish": true}))).await;
    is_in_state(&platform, "1", "Active").await;
    let path = "/2019-09-30/functions/hello/provisioned-concurrency?Qualifier=1";
    let count = json!({"ProvisionedConcurrentExecutions": 1});
    expect!["400 InvalidParameterValueException: Provisioned concurrency is not supported for functions with a capacity provider."]
        .assert_eq(&platform.call("PUT", path, count).await.error());
    let got = platform.call("GET", &format!("{FUNCTIONS}/hello"), Value::Null).await;
    assert_eq!(got.status, 200);
}
