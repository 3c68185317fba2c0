// SPDX-License-Identifier: Apache-2.0
//! Provisioned concurrency: what is asked of the worker, what it takes from the account, and what is refused.

use crate::platform::{Answer, FUNCTIONS, Platform, eventually};
use expect_test::expect;
use serde_json::{Value, json};

fn path(name: &str, qualifier: &str) -> String {
    format!("/2019-09-30/functions/{name}/provisioned-concurrency?Qualifier={qualifier}")
}

async fn put(platform: &Platform, name: &str, qualifier: &str, count: i64) -> Answer {
    let body = json!({"ProvisionedConcurrentExecutions": count});
    platform.call("PUT", &path(name, qualifier), body).await
}

async fn get(platform: &Platform, name: &str, qualifier: &str) -> Answer {
    platform.call("GET", &path(name, qualifier), Value::Null).await
}

async fn give_back(platform: &Platform, name: &str, qualifier: &str) -> Answer {
    platform.call("DELETE", &path(name, qualifier), Value::Null).await
}

/// Creates the alias, or changes it.
async fn alias(platform: &Platform, name: &str, mut members: Value) -> Answer {
    let path = format!("{FUNCTIONS}/hello/aliases");
    let changed = platform.call("PUT", &format!("{path}/{name}"), members.clone()).await;
    if changed.status != 404 {
        return changed;
    }
    members["Name"] = name.into();
    platform.call("POST", &path, members).await
}

async fn reserve(platform: &Platform, count: i64) -> Answer {
    let body = json!({"ReservedConcurrentExecutions": count});
    platform.call("PUT", "/2017-10-31/functions/hello/concurrency", body).await
}

async fn unreserved(platform: &Platform) -> Value {
    let settings = platform.call("GET", "/2016-08-19/account-settings", Value::Null).await.json();
    settings["AccountLimit"]["UnreservedConcurrentExecutions"].clone()
}

/// Version, qualifier and count of what the worker is to keep for `hello`.
fn wanted(platform: &Platform) -> Vec<(String, String, usize)> {
    let wanted = platform.reader.wanted.lock().unwrap();
    let of_hello = wanted.get("arn:aws:lambda:us-east-1:000000000000:function:hello");
    let shown = of_hello.into_iter().flatten();
    shown
        .map(|(_, version, qualifier, count)| (version.clone(), qualifier.clone(), *count))
        .collect()
}

fn one(version: &str, qualifier: &str, count: usize) -> (String, String, usize) {
    (version.to_owned(), qualifier.to_owned(), count)
}

/// `hello` with the versions 1 and 2.
async fn with_versions() -> Platform {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    platform.configure("hello", json!({"Timeout": 9})).await;
    platform.settled("hello").await;
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "2");
    platform
}

#[tokio::test]
async fn it_comes_and_goes() {
    let platform = with_versions().await;
    expect![[r#"
        404 ProvisionedConcurrencyConfigNotFoundException
        {
          "Type": "User",
          "message": "No Provisioned Concurrency Config found for this function"
        }"#]]
    .assert_eq(&get(&platform, "hello", "1").await.show());
    expect![[r#"
        202
        {
          "AllocatedProvisionedConcurrentExecutions": 0,
          "AvailableProvisionedConcurrentExecutions": 0,
          "LastModified": "2026-11-23T04:00:00.000+0000",
          "RequestedProvisionedConcurrentExecutions": 4,
          "Status": "IN_PROGRESS"
        }"#]]
    .assert_eq(&put(&platform, "hello", "1", 4).await.show());
    assert_eq!(wanted(&platform), [one("1", "1", 4)]);
    assert_eq!(unreserved(&platform).await, 996);

    let platform = platform.restart().await;
    // Asked for again after a restart, as soon as the code is known to be there.
    eventually(|| async { (wanted(&platform) == [one("1", "1", 4)]).then_some(()) }).await;
    let found = get(&platform, "hello", "1").await.json();
    assert_eq!(found["AllocatedProvisionedConcurrentExecutions"], 4);
    assert_eq!(found["AvailableProvisionedConcurrentExecutions"], 2);
    let list = "/2019-09-30/functions/hello/provisioned-concurrency?List=ALL";
    let items = platform.call("GET", list, Value::Null).await.json();
    assert_eq!(
        items["ProvisionedConcurrencyConfigs"][0]["FunctionArn"],
        "arn:aws:lambda:us-east-1:000000000000:function:hello:1"
    );

    let by_version = platform.invoke("hello:1", "{}").await.json();
    assert_eq!(by_version["provisioned"], "1");
    assert_eq!(platform.invoke("hello", "{}").await.json().get("provisioned"), None);
    for _ in 0..2 {
        assert_eq!(give_back(&platform, "hello", "1").await.status, 204);
    }
    assert_eq!(wanted(&platform), []);
    assert_eq!(unreserved(&platform).await, 1_000);
    put(&platform, "hello", "2", 3).await;
    platform.delete("hello?Qualifier=2").await;
    assert_eq!((wanted(&platform), unreserved(&platform).await), (vec![], json!(1_000)));
    put(&platform, "hello", "1", 3).await;
    platform.delete("hello").await;
    assert_eq!((wanted(&platform), unreserved(&platform).await), (vec![], json!(1_000)));
}

#[tokio::test]
async fn it_follows_an_alias() {
    let platform = with_versions().await;
    alias(&platform, "live", json!({"FunctionVersion": "1"})).await;
    assert_eq!(put(&platform, "hello", "live", 4).await.status, 202);
    assert_eq!(wanted(&platform), [one("1", "live", 4)]);
    assert_eq!(platform.invoke("hello:live", "{}").await.json()["provisioned"], "live");
    assert_eq!(platform.invoke("hello:1", "{}").await.json().get("provisioned"), None);

    let shifted = json!({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.3}}});
    assert_eq!(alias(&platform, "live", shifted).await.status, 200);
    assert_eq!(wanted(&platform), [one("1", "live", 2), one("2", "live", 2)]);
    let moved = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {}}});
    assert_eq!(alias(&platform, "live", moved).await.status, 200);
    assert_eq!(wanted(&platform), [one("2", "live", 4)]);

    let latest = alias(&platform, "live", json!({"FunctionVersion": "$LATEST"})).await;
    expect!["400 InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."].assert_eq(&latest.error());
    platform.delete("hello/aliases/live").await;
    assert_eq!(wanted(&platform), []);
}

#[tokio::test]
async fn what_cannot_be_provisioned_is_refused() {
    let platform = with_versions().await;
    alias(&platform, "live", json!({"FunctionVersion": "1"})).await;
    let weights =
        json!({"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}});
    alias(&platform, "shift", weights).await;
    alias(&platform, "latest", json!({"FunctionVersion": "$LATEST"})).await;
    let tenants = json!({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}, "Publish": true});
    platform.create_with("tenants", tenants).await;
    platform.settled("tenants").await;
    for (name, qualifier, expected) in [
        (
            "hello",
            "$LATEST",
            expect![
                "400 InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            ],
        ),
        (
            "hello",
            "latest",
            expect![
                "400 InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            ],
        ),
        (
            "hello",
            "7",
            expect![
                "404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:7"
            ],
        ),
        (
            "hello",
            "nobody",
            expect![
                "404 ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:nobody"
            ],
        ),
        (
            "nobody",
            "live",
            expect![
                "404 ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:nobody:live"
            ],
        ),
        (
            "nobody",
            "1",
            expect![
                "404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:1"
            ],
        ),
        (
            "hello",
            "shift",
            expect![
                "400 InvalidParameterValueException: Invalid alias configuration for Provisioned Concurrency"
            ],
        ),
        (
            "tenants",
            "1",
            expect![
                "400 InvalidParameterValueException: Provisioned concurrency is not supported for functions with tenant isolation."
            ],
        ),
    ] {
        expected.assert_eq(&put(&platform, name, qualifier, 1).await.error());
    }
}

#[tokio::test]
async fn what_is_provisioned_already_or_never() {
    let platform = with_versions().await;
    alias(&platform, "live", json!({"FunctionVersion": "1"})).await;
    expect!["400 ValidationException: 1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1"].assert_eq(&put(&platform, "hello", "1", 0).await.error());

    let latest = "/2019-09-30/functions/hello/provisioned-concurrency?Qualifier=$LATEST";
    for method in ["GET", "DELETE"] {
        let error = platform.call(method, latest, Value::Null).await.error();
        assert_eq!(
            error,
            "400 InvalidParameterValueException: The function resource provided must be an alias or a published version."
        );
    }

    put(&platform, "hello", "1", 1).await;
    expect!["409 ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"].assert_eq(&put(&platform, "hello", "live", 1).await.error());
    give_back(&platform, "hello", "1").await;
    put(&platform, "hello", "live", 1).await;
    expect!["409 ResourceConflictException: Version is pointed by a Provisioned Concurrency alias"]
        .assert_eq(&put(&platform, "hello", "1", 1).await.error());
}

#[tokio::test]
async fn it_stays_within_what_the_function_and_the_account_have() {
    let platform = with_versions().await;
    expect!["400 InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."].assert_eq(&put(&platform, "hello", "1", 1_001).await.error());
    expect!["400 InvalidParameterValueException: Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."].assert_eq(&put(&platform, "hello", "1", 901).await.error());
    assert_eq!(put(&platform, "hello", "1", 900).await.status, 202);
    assert_eq!(put(&platform, "hello", "2", 1).await.status, 400);
    assert_eq!(put(&platform, "hello", "1", 5).await.status, 202, "less is always possible");

    expect!["400 InvalidParameterValueException:  ReservedConcurrentExecutions  4 should not be lower than function's total provisioned concurrency [5]."].assert_eq(&reserve(&platform, 4).await.error());
    assert_eq!(reserve(&platform, 6).await.status, 200);
    assert_eq!(
        unreserved(&platform).await,
        994,
        "what is provisioned is a part of what is reserved"
    );
    expect!["400 InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"].assert_eq(&put(&platform, "hello", "2", 2).await.error());
    assert_eq!(put(&platform, "hello", "2", 1).await.status, 202);
    expect!["429 TooManyRequestsException: Rate Exceeded."]
        .assert_eq(&platform.invoke("hello", "{}").await.error());
    assert_eq!(platform.invoke("hello:2", "{}").await.status, 200);
}

#[tokio::test]
async fn a_tenant_is_named_where_there_are_tenants_and_nowhere_else() {
    let platform = Platform::new().await;
    platform.create("plain").await;
    let members = json!({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}});
    let created = platform.create_with("tenants", members.clone()).await;
    assert_eq!(created.json()["TenancyConfig"], members["TenancyConfig"]);
    platform.settled("tenants").await;
    let platform = platform.restart().await;
    assert_eq!(platform.settled("tenants").await["TenancyConfig"], members["TenancyConfig"]);
    assert_eq!(platform.settled("plain").await.get("TenancyConfig"), None);

    let invoke = async |name: &str, tenant: &str| {
        let path = format!("{FUNCTIONS}/{name}/invocations");
        platform.send("POST", &path, &[("x-amz-tenant-id", tenant)], "{}").await
    };
    assert_eq!(invoke("tenants", "blue").await.status, 200);
    assert_eq!(platform.reader.events.lock().unwrap()[0].tenant_id.as_deref(), Some("blue"));
    expect!["400 InvalidParameterValueException: The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."].assert_eq(&platform.invoke("tenants", "{}").await.error());
    expect!["400 InvalidParameterValueException: The invoked function is not enabled with tenancy configuration; remove the tenant ID and try again."].assert_eq(&invoke("plain", "blue").await.error());
    let url = platform
        .call("POST", "/2021-10-31/functions/tenants/url", json!({"AuthType": "NONE"}))
        .await;
    expect!["400 InvalidParameterValueException: Function URLs are not supported for functions with tenant isolation."].assert_eq(&url.error());
    let mapping = json!({"FunctionName": "tenants", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"});
    let mapping = platform.call("POST", "/2015-03-31/event-source-mappings", mapping).await;
    expect!["400 InvalidParameterValueException: Event source mappings are not supported for functions with tenant isolation."].assert_eq(&mapping.error());
    assert_eq!(
        invoke("tenants", "b*e").await.error().split(':').next(),
        Some("400 ValidationException")
    );
}
