// SPDX-License-Identifier: Apache-2.0
//! Code signing configurations, and what they keep from being deployed.

use crate::platform::{Platform, base64, code, zip};
use expect_test::expect;
use serde_json::{Value, json};

const CONFIGS: &str = "/2020-04-22/code-signing-configs";
const OF_HELLO: &str = "/2020-06-30/functions/hello/code-signing-config";
const GONE: &str =
    "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0";

async fn create(platform: &Platform, policy: &str) -> String {
    let profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/test";
    let answer = platform
        .call(
            "POST",
            CONFIGS,
            json!({"Description": "d", "AllowedPublishers": {"SigningProfileVersionArns": [profile]},
                "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": policy}, "Tags": {"a": "1"}}),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.show());
    answer.json()["CodeSigningConfig"]["CodeSigningConfigArn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_configuration_is_created_read_changed_and_deleted() {
    let platform = Platform::new().await;
    let arn = create(&platform, "Enforce").await;
    let path = format!("{CONFIGS}/{arn}");
    let update = json!({"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}});
    let updated = platform.call("PUT", &path, update).await.json();
    assert_eq!(
        updated["CodeSigningConfig"],
        json!({"AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"]},
            "CodeSigningConfigArn": arn, "CodeSigningConfigId": arn.rsplit(':').next().unwrap(), "Description": "d",
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}, "LastModified": "2026-11-23T04:00:00.000+0000"})
    );
    let platform = platform.restart().await;
    assert_eq!(platform.call("GET", &path, Value::Null).await.json(), updated);
    let list = platform.call("GET", CONFIGS, Value::Null).await.json();
    assert_eq!(list, json!({"CodeSigningConfigs": [updated["CodeSigningConfig"]]}));
    let tags = format!("/2017-03-31/tags/{arn}");
    platform.call("POST", &tags, json!({"Tags": {"b": "2"}})).await;
    platform.call("DELETE", &format!("{tags}?tagKeys=a"), Value::Null).await;
    assert_eq!(platform.call("GET", &tags, Value::Null).await.json(), json!({"Tags": {"b": "2"}}));

    platform.create_with("hello", json!({"CodeSigningConfigArn": arn})).await;
    platform.settled("hello").await;
    assert_eq!(
        platform.call("GET", OF_HELLO, Value::Null).await.json(),
        json!({"CodeSigningConfigArn": arn, "FunctionName": "hello"})
    );
    let functions = platform.call("GET", &format!("{path}/functions"), Value::Null).await.json();
    assert_eq!(
        functions,
        json!({"FunctionArns": ["arn:aws:lambda:us-east-1:000000000000:function:hello"]})
    );
    expect!["409 ResourceConflictException: The code signing configuration is used by at least one function. Delete it from its functions first."]
        .assert_eq(&platform.call("DELETE", &path, Value::Null).await.error());
    platform.call("DELETE", OF_HELLO, Value::Null).await;
    assert_eq!(platform.call("GET", OF_HELLO, Value::Null).await.json(), json!({}));
    assert_eq!(platform.call("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(
        platform.call("GET", CONFIGS, Value::Null).await.json(),
        json!({"CodeSigningConfigs": []})
    );
}

#[tokio::test]
async fn nobody_signed_means_nothing_is_deployed() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let before = platform.settled("hello").await;
    let arn = create(&platform, "Enforce").await;
    let refused = "400 CodeVerificationFailedException: The code signature failed one or more of the validation checks for signature mismatch or expiry, and the code signing policy is set to ENFORCE. Lambda blocks the deployment.";
    let made = platform.create_with("signed", json!({"CodeSigningConfigArn": arn})).await;
    assert_eq!(made.error(), refused);
    platform.call("PUT", OF_HELLO, json!({"CodeSigningConfigArn": arn})).await;
    // A change of the configuration only is no deployment.
    assert_eq!(
        platform.update_code("hello", json!({"ZipFile": code("two")})).await.error(),
        refused
    );
    let layer = json!({"Content": {"ZipFile": base64(zip(&[("a", "1")]))}});
    platform.call("POST", "/2018-10-31/layers/libs/versions", layer).await;
    let layers = json!({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:libs:1"]});
    assert_eq!(platform.configure("hello", layers.clone()).await.error(), refused);
    assert_eq!(platform.settled("hello").await, before);
    assert_eq!(platform.configure("hello", json!({"Timeout": 9})).await.status, 200);
    platform.settled("hello").await;
    assert_eq!(platform.invoke("hello", "{}").await.json()["code"], "one");

    let warn = json!({"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}});
    platform.call("PUT", &format!("{CONFIGS}/{arn}"), warn).await;
    assert_eq!(platform.update_code("hello", json!({"ZipFile": code("two")})).await.status, 200);
    platform.settled("hello").await;
    assert_eq!(platform.configure("hello", layers).await.status, 200);
}

#[tokio::test]
async fn configurations_that_are_not_there() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    for (method, path) in [
        ("GET", format!("{CONFIGS}/{GONE}")),
        ("PUT", format!("{CONFIGS}/{GONE}")),
        ("DELETE", format!("{CONFIGS}/{GONE}")),
        ("GET", format!("{CONFIGS}/{GONE}/functions")),
    ] {
        let answer = platform.call(method, &path, json!({})).await;
        assert_eq!(answer.json().get("Type"), None, "as AWS answers it");
        assert_eq!(
            answer.error(),
            format!(
                "404 ResourceNotFoundException: The Lambda code signing configuration {GONE} can not be found."
            )
        );
    }
    let put = json!({"CodeSigningConfigArn": GONE});
    let error = format!(
        "404 CodeSigningConfigNotFoundException: The code signing configuration cannot be found. Check that the provided configuration is not deleted: {GONE}."
    );
    assert_eq!(platform.call("PUT", OF_HELLO, put.clone()).await.error(), error);
    assert_eq!(platform.create_with("signed", put).await.error(), error);
    let arn = create(&platform, "Warn").await;
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"]
        .assert_eq(
            &platform
                .call("PUT", &OF_HELLO.replace("hello", "nobody"), json!({"CodeSigningConfigArn": arn}))
                .await
                .error(),
        );
}
