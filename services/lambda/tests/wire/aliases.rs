// SPDX-License-Identifier: Apache-2.0
//! Aliases: records as AWS answers them (recorded 2023-11), and invocations by their weights.

use crate::platform::{FUNCTIONS, Platform, code, options};
use expect_test::expect;
use lambda::Options;
use serde_json::{Value, json};

const ALIASES: &str = "/2015-03-31/functions/hello/aliases";

/// `hello` with the versions 1 and 2, whose code says so.
async fn two_versions() -> Platform {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    platform
}

async fn alias(platform: &Platform, members: Value) -> crate::platform::Answer {
    platform.call("POST", ALIASES, members).await
}

async fn update(platform: &Platform, name: &str, members: Value) -> crate::platform::Answer {
    platform.call("PUT", &format!("{ALIASES}/{name}"), members).await
}

#[tokio::test]
async fn an_alias_comes_changes_and_goes() {
    let platform = two_versions().await;
    let created = alias(
        &platform,
        json!({"Name": "live", "FunctionVersion": "1", "Description": "d",
               "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}}}),
    )
    .await;
    expect![[r#"
        201
        {
          "AliasArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:live",
          "Description": "d",
          "FunctionVersion": "1",
          "Name": "live",
          "RevisionId": "REVISION",
          "RoutingConfig": {
            "AdditionalVersionWeights": {
              "2": 0.2
            }
          }
        }"#]]
    .assert_eq(&created.show());
    let got = platform.get("/hello/aliases/live").await;
    assert_eq!((got.status, got.json()), (200, created.json()));

    let updated =
        update(&platform, "live", json!({"RoutingConfig": {"AdditionalVersionWeights": {}}})).await;
    expect![[r#"
        200
        {
          "AliasArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:live",
          "Description": "d",
          "FunctionVersion": "1",
          "Name": "live",
          "RevisionId": "REVISION"
        }"#]]
    .assert_eq(&updated.show());
    assert_ne!(updated.json()["RevisionId"], created.json()["RevisionId"]);

    let platform = platform.restart().await;
    assert_eq!(platform.get("/hello/aliases/live").await.json(), updated.json());
    for _ in 0..2 {
        let deleted = platform.delete("hello/aliases/live").await;
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    }
    let platform = platform.restart().await;
    expect![[r#"
        404 ResourceNotFoundException
        {
          "Message": "Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:live",
          "Type": "User"
        }"#]]
    .assert_eq(&platform.get("/hello/aliases/live").await.show());
}

#[tokio::test]
async fn a_function_is_reached_by_its_alias() {
    let platform = two_versions().await;
    alias(&platform, json!({"Name": "live", "FunctionVersion": "1"})).await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:hello:live";
    for path in ["/hello:live/configuration", "/hello/configuration?Qualifier=live"] {
        let json = platform.get(path).await.json();
        assert_eq!((&json["FunctionArn"], &json["Version"]), (&json!(arn), &json!("1")));
    }
    let got = platform.get(&format!("/{}", arn.replace(':', "%3A"))).await.json();
    assert_eq!(got["Configuration"]["FunctionArn"], arn);

    let answer = platform.invoke("hello:live", "{}").await;
    assert_eq!(answer.header("x-amz-executed-version"), Some("1"));
    assert_eq!(answer.json()["code"], "one");
    assert_eq!(platform.reader.events.lock().unwrap()[0].invoked_arn, arn);

    update(&platform, "live", json!({"FunctionVersion": "$LATEST"})).await;
    let answer = platform.invoke("hello:live", "{}").await;
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:gone"]
        .assert_eq(&platform.invoke("hello:gone", "{}").await.error());
}

#[tokio::test]
async fn invocations_follow_the_weights() {
    let platform = two_versions().await;
    let routing =
        |weight: f64| json!({"RoutingConfig": {"AdditionalVersionWeights": {"2": weight}}});
    let created = alias(&platform, json!({"Name": "live", "FunctionVersion": "1"})).await;
    assert_eq!(created.status, 201);
    let second = async || {
        let mut count = 0;
        for _ in 0..200 {
            let answer = platform.invoke("hello:live", "{}").await;
            let (version, text) = (answer.header("x-amz-executed-version"), &answer.json()["code"]);
            match version {
                Some("1") => assert_eq!(text, "one"),
                Some("2") => {
                    assert_eq!(text, "two");
                    count += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        count
    };
    assert_eq!(second().await, 0);
    update(&platform, "live", routing(0.0)).await;
    assert_eq!(second().await, 0);
    update(&platform, "live", routing(1.0)).await;
    assert_eq!(second().await, 200);
    update(&platform, "live", routing(0.5)).await;
    let half = second().await;
    // Ten standard deviations wide.
    assert!((30..=170).contains(&half), "{half} of 200");
}

#[tokio::test]
async fn what_an_alias_may_not_be() {
    let platform = two_versions().await;
    let with = async |members: Value| alias(&platform, members).await.error();
    let routed = |version: &str, weights: Value| json!({"Name": "x", "FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": weights}});
    expect!["400 InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater than 1"].assert_eq(&with(routed("1", json!({"1": 0.1, "2": 0.1}))).await);
    expect!["400 InvalidParameterValueException: Invalid function version 1. Function version 1 is already included in routing configuration."].assert_eq(&with(routed("1", json!({"1": 0.5}))).await);
    expect!["400 InvalidParameterValueException: $LATEST is not supported for an alias pointing to more than 1 version"].assert_eq(&with(routed("$LATEST", json!({"1": 0.5}))).await);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:10"].assert_eq(&with(routed("10", json!({}))).await);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:10"].assert_eq(&with(routed("1", json!({"10": 0.5}))).await);
    expect!["400 ValidationException: 1 validation error detected: Value '7' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"].assert_eq(&with(json!({"Name": "7", "FunctionVersion": "1"})).await);
    expect!["400 ValidationException: 1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"].assert_eq(&with(routed("1", json!({"$LATEST": 0.5}))).await);
    expect!["400 ValidationException: 1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"].assert_eq(&with(routed("1", json!({"2": 2.0}))).await);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST.PUBLISHED"].assert_eq(&with(routed("$LATEST.PUBLISHED", json!({}))).await);

    alias(&platform, json!({"Name": "x", "FunctionVersion": "1"})).await;
    expect!["409 ResourceConflictException: Alias already exists: arn:aws:lambda:us-east-1:000000000000:function:hello:x"].assert_eq(&with(json!({"Name": "x", "FunctionVersion": "1"})).await);
    expect!["412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"].assert_eq(&update(&platform, "x", json!({"RevisionId": "other"})).await.error());
    expect!["404 ResourceNotFoundException: Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:hello:y"].assert_eq(&update(&platform, "y", json!({})).await.error());
    let nobody = platform
        .call(
            "POST",
            &format!("{FUNCTIONS}/nobody/aliases"),
            json!({"Name": "x", "FunctionVersion": "1"}),
        )
        .await;
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:1"].assert_eq(&nobody.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&platform.get("/nobody/aliases").await.error());
}

/// A change of the version alone must not lead to what its routing forbids.
#[tokio::test]
async fn an_update_is_checked_against_what_stays() {
    let platform = two_versions().await;
    let members = json!({"Name": "x", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}});
    alias(&platform, members).await;
    for version in ["2", "$LATEST"] {
        assert_eq!(update(&platform, "x", json!({"FunctionVersion": version})).await.status, 400);
    }
    let both =
        json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}});
    assert_eq!(update(&platform, "x", both).await.status, 200);
}

#[tokio::test]
async fn a_version_stays_while_an_alias_leads_to_it() {
    let platform = two_versions().await;
    for (name, version, other) in [("a", "1", "2"), ("b", "1", "2")] {
        let members = json!({"Name": name, "FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": {other: 0.1}}});
        alias(&platform, members).await;
    }
    for version in ["1", "2"] {
        expect!["409 ResourceConflictException: Unable to delete version because the following aliases reference it: [a, b]"]
            .assert_eq(&platform.delete(&format!("hello?Qualifier={version}")).await.error());
    }
    expect!["400 InvalidParameterValueException: Deletion of aliases is not currently supported."]
        .assert_eq(&platform.delete("hello?Qualifier=a").await.error());
    for name in ["a", "b"] {
        update(&platform, name, json!({"RoutingConfig": {"AdditionalVersionWeights": {}}})).await;
    }
    assert_eq!(platform.delete("hello:2").await.status, 204);

    assert_eq!(platform.delete("hello").await.status, 204);
    platform.create("hello").await;
    let platform = platform.restart().await;
    assert_eq!(platform.get("/hello/aliases").await.json(), json!({"Aliases": []}));
}

#[tokio::test]
async fn aliases_are_listed_by_page_and_by_version() {
    let platform = two_versions().await;
    for (name, version) in [("c", "1"), ("a", "1"), ("b", "2"), ("d", "$LATEST")] {
        assert_eq!(
            alias(&platform, json!({"Name": name, "FunctionVersion": version})).await.status,
            201
        );
    }
    let names = |json: &Value| {
        let names =
            json["Aliases"].as_array().unwrap().iter().map(|alias| alias["Name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&platform.get("/hello/aliases").await.json()), "a b c d");
    assert_eq!(names(&platform.get("/hello/aliases?FunctionVersion=1").await.json()), "a c");
    assert_eq!(names(&platform.get("/hello/aliases?FunctionVersion=%24LATEST").await.json()), "d");
    assert_eq!(
        names(&platform.get("/hello/aliases?FunctionVersion=99999999999999999999").await.json()),
        ""
    );

    let first = platform.get("/hello/aliases?MaxItems=2").await.json();
    let marker = first["NextMarker"].as_str().unwrap();
    platform.delete("hello/aliases/b").await;
    let second = platform.get(&format!("/hello/aliases?MaxItems=2&Marker={marker}")).await.json();
    assert_eq!((names(&first), names(&second)), ("a b".to_owned(), "c d".to_owned()));
    assert_eq!(second.get("NextMarker"), None);
}

#[tokio::test]
async fn a_function_has_so_many_aliases() {
    let limits = Options { aliases_max: 1, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    platform.create("hello").await;
    assert_eq!(
        alias(&platform, json!({"Name": "a", "FunctionVersion": "$LATEST"})).await.status,
        201
    );
    expect!["400 AliasLimitExceededException: The number of aliases of this function would exceed the limit of 1."]
        .assert_eq(&alias(&platform, json!({"Name": "b", "FunctionVersion": "$LATEST"})).await.error());
}
