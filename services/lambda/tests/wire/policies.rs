// SPDX-License-Identifier: Apache-2.0
//! Resource policies as AWS builds and answers them (recorded 2023-11), and what tools read at every plan.

use crate::platform::{FUNCTIONS, Platform};
use expect_test::expect;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

async fn platform() -> Platform {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    platform.call("POST", &format!("{FUNCTIONS}/hello/aliases"), alias).await;
    platform
}

async fn add(platform: &Platform, name: &str, members: Value) -> crate::platform::Answer {
    let mut input = json!({"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let (name, query) = name.split_once('?').unwrap_or((name, ""));
    platform.call("POST", &format!("{FUNCTIONS}/{name}/policy?{query}"), input).await
}

#[tokio::test]
async fn a_statement_is_built_as_aws_builds_it() {
    let platform = platform().await;
    let statement = async |members: Value| {
        add(&platform, "hello", members).await.json()["Statement"].as_str().unwrap().to_owned()
    };
    expect![[r#"{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello"}"#]].assert_eq(&statement(json!({})).await);
    expect![[r#"{"Sid":"both","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}"#]]
        .assert_eq(&statement(json!({"StatementId": "both", "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "123456789012"})).await);
    expect![[r#"{"Sid":"url","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}"#]]
        .assert_eq(&statement(json!({"StatementId": "url", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"})).await);
    expect![[r#"{"Sid":"via","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}"#]]
        .assert_eq(&statement(json!({"StatementId": "via", "Principal": "*", "InvokedViaFunctionUrl": true})).await);
    expect![[r#"{"Sid":"org","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}"#]]
        .assert_eq(&statement(json!({"StatementId": "org", "Principal": "*", "PrincipalOrgID": "o-1234567890"})).await);
    expect![[r#"{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello"}"#]]
        .assert_eq(&statement(json!({"StatementId": "account", "Principal": "123456789012"})).await);
}

#[tokio::test]
async fn statements_come_and_go() {
    let platform = platform().await;
    let before = platform.settled("hello").await["RevisionId"].clone();
    let added = add(&platform, "hello", json!({})).await;
    assert_eq!(added.status, 201);
    add(&platform, "hello", json!({"StatementId": "sqs", "Principal": "sqs.amazonaws.com"})).await;

    let platform = platform.restart().await;
    let got = platform.get("/hello/policy").await;
    expect![[r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello"},{"Sid":"sqs","Effect":"Allow","Principal":{"Service":"sqs.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hello"}]}"#]].assert_eq(got.json()["Policy"].as_str().unwrap());
    assert_eq!(got.json()["RevisionId"], platform.settled("hello").await["RevisionId"]);
    assert_ne!(got.json()["RevisionId"], before, "a statement is a new revision of the function");

    expect!["404 ResourceNotFoundException: Statement other is not found in resource policy."]
        .assert_eq(&platform.delete("hello/policy/other").await.error());
    assert_eq!(platform.delete("hello/policy/sqs").await.status, 204);
    assert_eq!(platform.delete("hello/policy/s3").await.status, 204);
    expect!["404 ResourceNotFoundException: The resource you requested does not exist."]
        .assert_eq(&platform.get("/hello/policy").await.error());
    expect!["404 ResourceNotFoundException: No policy is associated with the given resource."]
        .assert_eq(&platform.delete("hello/policy/s3").await.error());
}

#[tokio::test]
async fn versions_and_aliases_have_policies_of_their_own() {
    let platform = platform().await;
    add(&platform, "hello", json!({})).await;
    add(&platform, "hello?Qualifier=1", json!({})).await;
    add(&platform, "hello:live", json!({})).await;
    let resource = async |path: &str| {
        let got = platform.get(path).await.json();
        let policy: Value = serde_json::from_str(got["Policy"].as_str().unwrap()).unwrap();
        (policy["Statement"][0]["Resource"].as_str().unwrap().to_owned(), got["RevisionId"].clone())
    };
    let (version, revision) = resource("/hello/policy?Qualifier=1").await;
    assert_eq!(version, format!("{ARN}:1"));
    assert_eq!(revision, platform.get("/hello:1/configuration").await.json()["RevisionId"]);
    let (alias, revision) = resource("/hello:live/policy").await;
    assert_eq!(alias, format!("{ARN}:live"));
    assert_eq!(revision, platform.get("/hello/aliases/live").await.json()["RevisionId"]);

    // A new version starts without any, and is no reason to publish one.
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "1");
    platform.configure("hello", json!({"Timeout": 9})).await;
    platform.settled("hello").await;
    assert_eq!(resource("/hello/policy").await.0, ARN, "an update keeps the policy");
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "2");
    assert_eq!(platform.get("/hello/policy?Qualifier=2").await.status, 404);

    // It goes with what it was attached to.
    platform.delete("hello/aliases/live").await;
    let alias = json!({"Name": "live", "FunctionVersion": "2"});
    platform.call("POST", &format!("{FUNCTIONS}/hello/aliases"), alias).await;
    assert_eq!(platform.get("/hello:live/policy").await.status, 404);
}

#[tokio::test]
async fn what_a_statement_may_not_be() {
    let platform = platform().await;
    let with = async |name: &str, members: Value| add(&platform, name, members).await.error();
    expect!["400 ValidationException: 1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"].assert_eq(&with("hello", json!({"StatementId": "example.com"})).await);
    expect!["400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier."].assert_eq(&with("hello:live?Qualifier=1", json!({})).await);
    expect!["400 InvalidParameterValueException: We currently do not support adding policies for $LATEST."].assert_eq(&with("hello:$LATEST", json!({})).await);
    expect!["400 InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again."].assert_eq(&with("hello", json!({"Principal": "invalid.nonaws.com"})).await);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&with("nobody", json!({})).await);
    expect!["404 ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:gone"].assert_eq(&with("hello:gone", json!({})).await);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:42"].assert_eq(&with("hello:42", json!({})).await);
    expect!["412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"].assert_eq(&with("hello", json!({"RevisionId": "other"})).await);
    add(&platform, "hello", json!({})).await;
    expect!["409 ResourceConflictException: The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement."].assert_eq(&with("hello", json!({})).await);
    expect!["404 ResourceNotFoundException: No policy found for: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&platform.delete("nobody/policy/s3").await.error());
    expect!["404 ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:gone"].assert_eq(&platform.delete("hello:gone/policy/s3").await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&platform.get("/nobody/policy").await.error());
    expect!["404 ResourceNotFoundException: The resource you requested does not exist."]
        .assert_eq(&platform.get("/hello:42/policy").await.error());

    let long = format!("arn:aws:s3:::{}", "b".repeat(9_000));
    let mut last = String::new();
    for sid in ["a", "b", "c"] {
        last = with("hello", json!({"StatementId": sid, "SourceArn": long})).await;
    }
    expect!["400 PolicyLengthExceededException: The final policy size (27912) is bigger than the limit (20480)."].assert_eq(&last);
}

#[tokio::test]
async fn a_whole_document_shares_the_place_of_statements() {
    let platform = platform().await;
    let path = format!("/2026-07-09/resource-policy/{ARN}");
    add(&platform, "hello", json!({})).await;
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "deny", "Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": ARN,
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]});
    let put = platform.call("PUT", &path, json!({"Policy": document.to_string()})).await;
    assert_eq!(put.status, 200, "{}", put.show());
    let policy =
        |json: &Value| serde_json::from_str::<Value>(json["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy(&put.json()), document, "it replaces all there was");

    add(&platform, "hello", json!({})).await;
    let platform = platform.restart().await;
    let got = platform.call("GET", &path, Value::Null).await.json();
    assert_eq!(got, platform.get("/hello/policy").await.json());
    let sids: Vec<_> = policy(&got)["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| statement["Sid"].clone())
        .collect();
    assert_eq!(sids, ["deny", "s3"]);

    let other = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        platform
            .call("PUT", &path, json!({"Policy": document.to_string(), "RevisionId": other}))
            .await
            .status,
        412
    );
    assert_eq!(
        platform.call("DELETE", &format!("{path}?RevisionId={other}"), Value::Null).await.status,
        412
    );
    let revision = got["RevisionId"].as_str().unwrap();
    assert_eq!(
        platform.call("DELETE", &format!("{path}?RevisionId={revision}"), Value::Null).await.status,
        204
    );
    assert_eq!(platform.get("/hello/policy").await.status, 404);
    expect!["404 ResourceNotFoundException: No policy is associated with the given resource."]
        .assert_eq(&platform.call("DELETE", &path, Value::Null).await.error());
    expect!["400 InvalidParameterValueException: The policy document is malformed: Syntax errors in policy."].assert_eq(&platform.call("PUT", &path, json!({"Policy": "("})).await.error());
    expect!["400 InvalidParameterValueException: A policy on this kind of resource is not available in this build of Tinderbox: functions, versions and aliases have policies"]
        .assert_eq(&platform.call("GET", "/2026-07-09/resource-policy/arn:aws:lambda:us-east-1:000000000000:runtime%2Fmine", Value::Null).await.error());
}

#[tokio::test]
async fn what_tools_read_at_every_plan() {
    let platform = platform().await;
    let signing = "/2020-06-30/functions/hello/code-signing-config";
    let got = platform.call("GET", signing, Value::Null).await;
    assert_eq!((got.status, got.json()), (200, json!({})));
    assert_eq!(platform.call("DELETE", signing, Value::Null).await.status, 204);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"]
        .assert_eq(&platform.call("GET", "/2020-06-30/functions/nobody/code-signing-config", Value::Null).await.error());

    let management = "/2021-07-20/functions/hello/runtime-management-config";
    expect![[r#"
        200
        {
          "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST",
          "UpdateRuntimeOn": "Auto"
        }"#]]
    .assert_eq(&platform.call("GET", management, Value::Null).await.show());
    let put = async |members: Value| platform.call("PUT", management, members).await;
    assert_eq!(
        put(json!({"UpdateRuntimeOn": "Auto"})).await.json(),
        platform.call("GET", management, Value::Null).await.json()
    );
}
