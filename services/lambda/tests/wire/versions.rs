// SPDX-License-Identifier: Apache-2.0
//! Published versions.

use crate::platform::{Platform, base64, code, zip};
use expect_test::expect;
use serde_json::{Value, json};

async fn versions(platform: &Platform, name: &str) -> String {
    let json = platform.get(&format!("/{name}/versions")).await.json();
    let show = |item: &Value| {
        format!("{} {}", item["Version"].as_str().unwrap(), item["Description"].as_str().unwrap())
    };
    json["Versions"].as_array().unwrap().iter().map(show).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn publishing_freezes_latest_and_nothing_when_nothing_changed() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let latest = platform.settled("hello").await;

    let first = platform.publish("hello", json!({"Description": "first"})).await;
    expect![[r#"
        201
        {
          "Architectures": [
            "x86_64"
          ],
          "CodeSha256": "VUwPdSFsTU5Ww3Je3rOV3BHGn3fr9eqasQMIzla+RHE=",
          "CodeSize": 119,
          "Description": "first",
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello:1",
          "FunctionName": "hello",
          "Handler": "index.handler",
          "LastModified": "2026-11-23T04:00:00.000+0000",
          "LastUpdateStatus": "Successful",
          "LoggingConfig": {
            "LogFormat": "Text",
            "LogGroup": "/aws/lambda/hello"
          },
          "MemorySize": 128,
          "PackageType": "Zip",
          "RevisionId": "REVISION",
          "Role": "arn:aws:iam::000000000000:role/test",
          "Runtime": "python3.12",
          "RuntimeVersionConfig": {
            "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:42f2b28d8258c41a63374ac4365007738900f66a9b62a7eb1a2041a2e091d41b"
          },
          "SnapStart": {
            "ApplyOn": "None",
            "OptimizationStatus": "Off"
          },
          "State": "Active",
          "Timeout": 3,
          "TracingConfig": {
            "Mode": "PassThrough"
          },
          "Version": "1"
        }"#]].assert_eq(&first.show());
    let again = platform.publish("hello", json!({"Description": "ignored"})).await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    let mut after = platform.settled("hello").await;
    assert_ne!(after["RevisionId"], latest["RevisionId"], "publishing is a change of $LATEST");
    let revision_id = after["RevisionId"].take();
    platform.publish("hello", json!({})).await;
    assert_eq!(platform.settled("hello").await["RevisionId"], revision_id, "nothing was published");
    let mut before = latest.clone();
    before["RevisionId"].take();
    assert_eq!(after, before, "and of nothing else");

    platform.configure("hello", json!({"Description": "changed"})).await;
    platform.settled("hello").await;
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "2");
    assert_eq!(versions(&platform, "hello").await, "$LATEST changed, 1 first, 2 changed");
}

#[tokio::test]
async fn a_number_is_never_used_again() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    assert_eq!(platform.delete("hello?Qualifier=1").await.status, 204);
    assert_eq!(platform.delete("hello?Qualifier=1").await.status, 204, "gone is gone");
    let platform = platform.restart().await;
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "2");
    assert_eq!(versions(&platform, "hello").await, "$LATEST , 2 ");
}

#[tokio::test]
async fn publishing_may_be_guarded() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    expect!["400 InvalidParameterValueException: CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (VUwPdSFsTU5Ww3Je3rOV3BHGn3fr9eqasQMIzla+RHE=). Please try again with the CodeSHA256 in $LATEST."]
        .assert_eq(&platform.publish("hello", json!({"CodeSha256": "other"})).await.error());
    expect!["412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"]
        .assert_eq(&platform.publish("hello", json!({"RevisionId": "other"})).await.error());
}

#[tokio::test]
async fn creating_and_updating_may_publish() {
    let platform = Platform::new().await;
    let created = platform.create_with("hello", json!({"Publish": true})).await.json();
    assert_eq!(
        [&created["Version"], &created["State"], &created["FunctionArn"]],
        ["1", "Pending", "arn:aws:lambda:us-east-1:000000000000:function:hello"]
    );
    platform.settled("hello").await;
    assert_eq!(platform.get("/hello?Qualifier=1").await.json()["Configuration"]["State"], "Active");
    assert_eq!(platform.publish("hello", json!({})).await.json()["Version"], "1");

    let updated = platform
        .update_code("hello", json!({"ZipFile": code("two"), "Publish": true}))
        .await
        .json();
    assert_eq!(
        [&updated["Version"], &updated["FunctionArn"]],
        ["2", "arn:aws:lambda:us-east-1:000000000000:function:hello:2"]
    );
    platform.settled("hello").await;
    for (version, text) in [("1", "one"), ("2", "two"), ("$LATEST", "two")] {
        let answer = platform.invoke(&format!("hello:{version}"), "").await;
        assert_eq!(
            (&answer.json()["code"], answer.header("x-amz-executed-version")),
            (&json!(text), Some(version))
        );
    }
}

#[tokio::test]
async fn versions_are_addressed_by_qualifier() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    let arn = async |path: &str| {
        platform.get(path).await.json()["FunctionArn"].as_str().unwrap_or_default().to_owned()
    };
    assert!(arn("/hello/configuration").await.ends_with(":hello"));
    assert!(arn("/hello/configuration?Qualifier=$LATEST").await.ends_with(":hello:$LATEST"));
    assert!(arn("/hello:1/configuration").await.ends_with(":hello:1"));
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:2"].assert_eq(&platform.get("/hello:2").await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:live"].assert_eq(&platform.get("/hello?Qualifier=live").await.error());
    expect!["400 InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier."].assert_eq(&platform.get("/hello:1?Qualifier=2").await.error());
    expect!["400 InvalidParameterValueException: $LATEST version cannot be deleted without deleting the function."].assert_eq(&platform.delete("hello?Qualifier=$LATEST").await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&platform.delete("nobody?Qualifier=1").await.error());
}

#[tokio::test]
async fn lists_come_in_pages() {
    let platform = Platform::new().await;
    for name in ["a", "b", "c"] {
        platform.create(name).await;
    }
    platform.publish("b", json!({})).await;

    let mut pages = Vec::new();
    let mut path = "?MaxItems=2&FunctionVersion=ALL".to_owned();
    loop {
        let page = platform.get(&path).await.json();
        let arn = |item: &Value| {
            item["FunctionArn"].as_str().unwrap().split(":function:").nth(1).unwrap().to_owned()
        };
        pages.push(
            page["Functions"].as_array().unwrap().iter().map(arn).collect::<Vec<_>>().join(" "),
        );
        let Some(marker) = page["NextMarker"].as_str() else { break };
        path = format!("?MaxItems=2&FunctionVersion=ALL&Marker={marker}");
    }
    assert_eq!(pages, ["a:$LATEST b:$LATEST", "b:1 c:$LATEST"]);

    let item = &platform.get("?MaxItems=1").await.json()["Functions"][0];
    for absent in ["State", "LastUpdateStatus", "RuntimeVersionConfig"] {
        assert_eq!(item.get(absent), None, "lists leave out {absent}");
    }
    expect![
        "400 InvalidParameterValueException: The Marker is not one that this operation answered."
    ]
    .assert_eq(&platform.get("?Marker=nonsense").await.error());
}

/// What was there all the time comes once, whatever came and went between two pages: also the item of the marker.
#[tokio::test]
async fn a_list_may_change_between_its_pages() {
    let platform = Platform::new().await;
    for name in ["a", "b", "c", "d"] {
        platform.create(name).await;
    }
    let names = |page: &Value| {
        let name = |item: &Value| item["FunctionName"].as_str().unwrap().to_owned();
        page["Functions"].as_array().unwrap().iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let first = platform.get("?MaxItems=2").await.json();
    assert_eq!(names(&first), "a b");
    platform.delete("b").await;
    platform.delete("d").await;
    platform.create("aa").await;
    platform.create("cc").await;
    let platform = platform.restart().await;
    let marker = first["NextMarker"].as_str().unwrap();
    let second = platform.get(&format!("?MaxItems=2&Marker={marker}")).await.json();
    assert_eq!((names(&second).as_str(), second.get("NextMarker")), ("c cc", None));

    // Newest first: what was published meanwhile was before the marker.
    let zip = base64(zip(&[("a", "1")]));
    let publish = || async {
        let layer = json!({"Content": {"ZipFile": zip}});
        platform.call("POST", "/2018-10-31/layers/libs/versions", layer).await
    };
    for _ in 0..3 {
        publish().await;
    }
    let list = |query: String| {
        let path = format!("/2018-10-31/layers/libs/versions?MaxItems=1{query}");
        let platform = &platform;
        async move {
            let page = platform.call("GET", &path, Value::Null).await.json();
            (page["LayerVersions"][0]["Version"].clone(), page["NextMarker"].clone())
        }
    };
    let (newest, marker) = list(String::new()).await;
    assert_eq!(newest, 3);
    publish().await;
    platform.call("DELETE", "/2018-10-31/layers/libs/versions/3", Value::Null).await;
    let (next, _) = list(format!("&Marker={}", marker.as_str().unwrap())).await;
    assert_eq!(next, 2);
}
