// SPDX-License-Identifier: Apache-2.0
//! Capacity providers: what is kept of them, and what is refused.

use crate::platform::{Platform, options};
use expect_test::{Expect, expect};
use lambda::Options;
use serde_json::{Value, json};

pub(crate) const PROVIDERS: &str = "/2025-11-30/capacity-providers";
const ROLE: &str = "arn:aws:iam::000000000000:role/operator";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p";

/// What creates a provider, with `more` on top.
pub(crate) fn provider(name: &str, more: Value) -> Value {
    let mut provider = json!({"CapacityProviderName": name,
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE}});
    let more = more.as_object().unwrap().clone();
    provider.as_object_mut().unwrap().extend(more);
    provider
}

async fn refused(platform: &Platform, more: Value, expected: Expect) {
    let answer = platform.call("POST", PROVIDERS, provider("q", more)).await;
    expected.assert_eq(&answer.error());
}

#[tokio::test]
async fn a_provider_is_created_read_changed_and_deleted() {
    let platform = Platform::new().await;
    let given = json!({"CapacityProviderScalingConfig": {"MaxVCpuCount": 30}, "Tags": {"a": "1"}});
    let created = platform.call("POST", PROVIDERS, provider("p", given)).await;
    assert_eq!(created.status, 202, "{}", created.show());
    let created = created.json()["CapacityProvider"].clone();
    let mut expected = json!({"CapacityProviderArn": ARN, "State": "Pending",
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
        "InstanceRequirements": created["InstanceRequirements"],
        "CapacityProviderScalingConfig": {"MaxVCpuCount": 30, "ScalingMode": "Auto"},
        "LastModified": "2026-11-23T04:00:00.000+0000"});
    assert_eq!(created, expected);
    assert_eq!(created["InstanceRequirements"]["Architectures"].as_array().unwrap().len(), 1);

    let platform = platform.restart().await;
    expected["State"] = "Active".into();
    for name in ["p", ARN] {
        let got = platform.call("GET", &format!("{PROVIDERS}/{name}"), Value::Null).await.json();
        assert_eq!(got["CapacityProvider"], expected);
    }
    let change = json!({"CapacityProviderScalingConfig": {"MaxVCpuCount": 31}});
    let changed = platform.call("PUT", &format!("{PROVIDERS}/p"), change).await;
    expected["CapacityProviderScalingConfig"]["MaxVCpuCount"] = 31.into();
    assert_eq!((changed.status, &changed.json()["CapacityProvider"]), (202, &expected));

    let tags = format!("/2017-03-31/tags/{ARN}");
    platform.call("POST", &tags, json!({"Tags": {"b": "2"}})).await;
    platform.call("DELETE", &format!("{tags}?tagKeys=a"), Value::Null).await;
    assert_eq!(platform.call("GET", &tags, Value::Null).await.json(), json!({"Tags": {"b": "2"}}));

    let again = platform.call("POST", PROVIDERS, provider("p", json!({}))).await;
    expect!["409 ResourceConflictException: Capacity provider already exists: arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"]
        .assert_eq(&again.error());
    let deleted = platform.call("DELETE", &format!("{PROVIDERS}/p"), Value::Null).await;
    assert_eq!(
        (deleted.status, &deleted.json()["CapacityProvider"]["State"]),
        (202, &json!("Deleting"))
    );
    for (method, path) in [
        ("GET", format!("{PROVIDERS}/p")),
        ("PUT", format!("{PROVIDERS}/p")),
        ("DELETE", format!("{PROVIDERS}/p")),
        ("GET", format!("{PROVIDERS}/p/function-versions")),
        ("GET", tags),
    ] {
        let body = if method == "PUT" { json!({}) } else { Value::Null };
        let gone = platform.call(method, &path, body).await;
        assert_eq!(gone.status, 404, "{method} {path}: {}", gone.show());
    }
}

#[tokio::test]
async fn providers_are_listed_page_by_page_and_no_more_than_there_may_be() {
    let limits = Options { capacity_providers_max: 3, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    for name in ["c", "a", "b"] {
        platform.call("POST", PROVIDERS, provider(name, json!({}))).await;
    }
    let more = platform.call("POST", PROVIDERS, provider("d", json!({}))).await;
    expect!["400 CapacityProviderLimitExceededException: The number of capacity providers of this account and region would exceed the limit of 3."]
        .assert_eq(&more.error());
    let (mut names, mut marker) = (Vec::new(), String::new());
    loop {
        let path = format!("{PROVIDERS}?State=Active&MaxItems=2&Marker={marker}");
        let page = platform.call("GET", &path, Value::Null).await.json();
        for found in page["CapacityProviders"].as_array().unwrap() {
            let arn = found["CapacityProviderArn"].as_str().unwrap();
            names.push(arn.rsplit(':').next().unwrap().to_owned());
        }
        match page["NextMarker"].as_str() {
            Some(next) => next.clone_into(&mut marker),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    let failed = platform.call("GET", &format!("{PROVIDERS}?State=Failed"), Value::Null).await;
    assert_eq!(failed.json(), json!({"CapacityProviders": []}));
}

#[tokio::test]
async fn what_instances_would_have_is_refused() {
    let platform = Platform::new().await;
    let scaling = |scaling: Value| json!({"CapacityProviderScalingConfig": scaling});
    refused(&platform, json!({"InstanceRequirements": {"AllowedInstanceTypes": ["m7g.large"]}}),
        expect!["400 InvalidParameterValueException: A choice of instance types is not available in this build of Tinderbox: environments run on this machine"]).await;
    refused(&platform, json!({"KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}),
        expect!["400 InvalidParameterValueException: KmsKeyArn is not available in this build of Tinderbox: nothing is encrypted for a capacity provider"]).await;
    refused(&platform, json!({"PropagateTags": {"Mode": "Explicit", "ExplicitTags": {"a": "b"}}}),
        expect!["400 InvalidParameterValueException: PropagateTags is not available in this build of Tinderbox: there are no instances to tag"]).await;
    refused(&platform, json!({"TelemetryConfig": {"LoggingConfig": {"SystemLogLevel": "INFO"}}}),
        expect!["400 InvalidParameterValueException: TelemetryConfig is not available in this build of Tinderbox: a capacity provider logs nothing of its own"]).await;
    refused(&platform, scaling(json!({"ScalingMode": "Manual", "ScalingPolicies":
        [{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50}]})),
        expect!["400 InvalidParameterValueException: ScalingMode=Manual is not available in this build of Tinderbox: environments are added by how many of their places for invocations are taken"]).await;
    let long = platform.call("POST", PROVIDERS, provider(&"a".repeat(65), json!({}))).await;
    assert!(
        long.error().starts_with("400 ValidationException: 1 validation error"),
        "{}",
        long.show()
    );
    let harmless = json!({"InstanceRequirements": {"ExcludedInstanceTypes": []}, "PropagateTags": {"Mode": "None"}, "CapacityProviderScalingConfig": {"ScalingMode": "Auto"}});
    let taken = platform.call("POST", PROVIDERS, provider("q", harmless)).await;
    assert_eq!(taken.status, 202, "{}", taken.show());
}

#[tokio::test]
async fn a_function_without_a_provider_has_no_scaling_configuration() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    let path = "/2025-11-30/functions/hello/function-scaling-config?Qualifier=1";
    for (method, body) in [("GET", Value::Null), ("PUT", json!({}))] {
        let answer = platform.call(method, path, body).await;
        expect!["403 AccessDeniedException: The function provided by the arn does not contain a capacity provider configuration"]
            .assert_eq(&answer.error());
    }
    let gone = platform.call("GET", &path.replace("hello", "gone"), Value::Null).await;
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:gone:1"]
        .assert_eq(&gone.error());
}
