// SPDX-License-Identifier: Apache-2.0
//! Create, get, update, delete.

use crate::platform::{FUNCTIONS, Platform, base64, code, eventually, zip};
use expect_test::expect;
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_function_is_pending() {
    let platform = Platform::new().await;
    let created = platform
        .create_with(
            "hello",
            json!({"Environment": {"Variables": {"NAME": "1"}}, "Tags": {"t": "v"}}),
        )
        .await;
    expect![[r#"
        201
        {
          "Architectures": [
            "x86_64"
          ],
          "CodeSha256": "VUwPdSFsTU5Ww3Je3rOV3BHGn3fr9eqasQMIzla+RHE=",
          "CodeSize": 119,
          "Description": "",
          "Environment": {
            "Variables": {
              "NAME": "1"
            }
          },
          "EphemeralStorage": {
            "Size": 512
          },
          "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello",
          "FunctionName": "hello",
          "Handler": "index.handler",
          "LastModified": "2026-11-23T04:00:00.000+0000",
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
          "State": "Pending",
          "StateReason": "The function is being created.",
          "StateReasonCode": "Creating",
          "Timeout": 3,
          "TracingConfig": {
            "Mode": "PassThrough"
          },
          "Version": "$LATEST"
        }"#]].assert_eq(&created.show());
}

#[tokio::test]
async fn an_active_function_is_answered_whole() {
    let platform = Platform::new().await;
    let created = platform
        .create_with(
            "hello",
            json!({"Environment": {"Variables": {"NAME": "1"}}, "Tags": {"t": "v"}}),
        )
        .await;
    platform.settled("hello").await;
    let got = platform.get("/hello").await;
    expect![[r#"
        200
        {
          "Code": {
            "Location": "http://127.0.0.1:4566/_tinderbox/code/554c0f75216c4d4e56c3725edeb395dc11c69f77ebf5ea9ab10308ce56be4471?signed-for=test",
            "RepositoryType": "S3"
          },
          "Configuration": {
            "Architectures": [
              "x86_64"
            ],
            "CodeSha256": "VUwPdSFsTU5Ww3Je3rOV3BHGn3fr9eqasQMIzla+RHE=",
            "CodeSize": 119,
            "Description": "",
            "Environment": {
              "Variables": {
                "NAME": "1"
              }
            },
            "EphemeralStorage": {
              "Size": 512
            },
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello",
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
            "Version": "$LATEST"
          },
          "Tags": {
            "t": "v"
          }
        }"#]].assert_eq(&got.show());
    let revision = |json: &Value| json["RevisionId"].as_str().unwrap().to_owned();
    assert_ne!(
        revision(&created.json()),
        revision(&got.json()["Configuration"]),
        "activation is a new revision"
    );
}

#[tokio::test]
async fn a_function_without_environment_has_none_in_its_answers() {
    let platform = Platform::new().await;
    let created = platform.create_with("plain", json!({})).await.json();
    for absent in
        ["Environment", "VpcConfig", "Layers", "KMSKeyArn", "DeadLetterConfig", "LastUpdateStatus"]
    {
        assert_eq!(created.get(absent), None, "{absent}");
    }
    assert_eq!(created["Timeout"], 3);
    assert_eq!(created["MemorySize"], 128);
}

#[tokio::test]
async fn updates_are_in_progress_first_and_refuse_each_other() {
    let platform = Platform::new().await;
    platform.create("hello").await;

    let updated = platform.configure("hello", json!({"Timeout": 10, "Description": "new"})).await;
    assert_eq!(updated.status, 200);
    let json = updated.json();
    assert_eq!(
        (
            &json["State"],
            &json["LastUpdateStatus"],
            &json["LastUpdateStatusReason"],
            &json["Timeout"]
        ),
        (
            &json!("Active"),
            &json!("InProgress"),
            &json!("The function is being created."),
            &json!(10)
        )
    );
    let settled = platform.settled("hello").await;
    assert_eq!(
        (&settled["LastUpdateStatus"], &settled["Description"]),
        (&json!("Successful"), &json!("new"))
    );
    assert_ne!(settled["RevisionId"], json["RevisionId"]);
}

#[tokio::test]
async fn of_updates_at_the_same_time_one_wins() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    // Without a turn for the activation in between: the runtime of this test has one thread.
    let (one, two) = tokio::join!(
        platform.configure("hello", json!({"Timeout": 10})),
        platform.configure("hello", json!({"Timeout": 20})),
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.show(), two.show());
    let refused = if one.status == 409 { one } else { two };
    expect!["409 ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:us-east-1:000000000000:function:hello"].assert_eq(&refused.error());
}

#[tokio::test]
async fn a_revision_guards_an_update() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let refused = platform.configure("hello", json!({"Timeout": 10, "RevisionId": "other"})).await;
    expect!["412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"].assert_eq(&refused.error());
    let revision = platform.settled("hello").await["RevisionId"].clone();
    let accepted = platform
        .update_code("hello", json!({"ZipFile": code("two"), "RevisionId": revision}))
        .await;
    assert_eq!(accepted.status, 200);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let before = platform.settled("hello").await;
    let answer =
        platform.update_code("hello", json!({"ZipFile": code("two"), "DryRun": true})).await.json();
    assert_ne!(answer["CodeSha256"], before["CodeSha256"]);
    assert_eq!(platform.settled("hello").await, before);
    assert_eq!(platform.blobs(), 1);
}

#[tokio::test]
async fn a_deleted_function_leaves_nothing_behind() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.create("same-code").await;
    assert_eq!((platform.unpacked().len(), platform.blobs()), (1, 1), "one package is kept once");

    let deleted = platform.delete("hello").await;
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(
        (platform.unpacked().len(), platform.blobs()),
        (1, 1),
        "another function still uses it"
    );
    expect![[r#"
        404 ResourceNotFoundException
        {
          "Message": "Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello",
          "Type": "User"
        }"#]]
    .assert_eq(&platform.get("/hello").await.show());

    platform.delete("same-code").await;
    eventually(|| async {
        platform.delete("nobody").await;
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
    let platform = platform.restart().await;
    assert_eq!(platform.get("").await.json()["Functions"], json!([]));
}

#[tokio::test]
async fn an_update_lets_go_of_the_old_code() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    for text in ["two", "three"] {
        platform.update_code("hello", json!({"ZipFile": code(text)})).await;
        platform.settled("hello").await;
    }
    eventually(|| async {
        (platform.unpacked().len() == 1 && platform.blobs() == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_and_deleting_at_the_same_time_leaves_all_or_nothing() {
    let platform = Platform::new().await;
    for _ in 0..20 {
        let (created, again, deleted) = tokio::join!(
            platform.create_with("race", json!({})),
            platform.create_with("race", json!({})),
            platform.delete("race"),
        );
        assert!(
            [created.status, again.status].contains(&201) && [204, 404].contains(&deleted.status)
        );
        let left = platform.get("/race").await.status;
        if left == 200 {
            platform.settled("race").await;
            assert_eq!(platform.invoke("race", "{}").await.status, 200);
            assert_eq!(platform.delete("race").await.status, 204);
        }
        assert_eq!(platform.get("/race").await.status, 404);
    }
    eventually(|| async {
        platform.delete("nobody").await;
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
}

/// The activation of the first must not touch the second, which has its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_made_anew_runs_its_own_code() {
    let platform = Platform::new().await;
    for round in 0..20 {
        let (first, second) = (format!("first {round}"), format!("second {round}"));
        platform.create_with("again", json!({"Code": {"ZipFile": code(&first)}})).await;
        platform.delete("again").await;
        platform.create_with("again", json!({"Code": {"ZipFile": code(&second)}})).await;
        platform.settled("again").await;
        assert_eq!(platform.invoke("again", "{}").await.json()["code"], second);
        platform.delete("again").await;
    }
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    expect!["409 ResourceConflictException: Function already exist: hello"]
        .assert_eq(&platform.create_with("hello", json!({})).await.error());
}

#[tokio::test]
async fn a_code_location_is_a_download_of_the_zip() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let location =
        platform.get("/hello").await.json()["Code"]["Location"].as_str().unwrap().to_owned();
    let hash = location.split(['/', '?']).find(|part| part.len() == 64).unwrap();
    let path = platform.lambda.zip_path(hash).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), zip(&[("index.py", "one")]));
    assert_eq!(platform.lambda.zip_path(&"0".repeat(64)), None);
    assert_eq!(platform.lambda.zip_path("../../store.db"), None);
}

#[tokio::test]
async fn what_tools_send_and_we_only_store_comes_back() {
    let platform = Platform::new().await;
    let vpc = json!({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]});
    let created = platform
        .create_with(
            "stored",
            json!({"VpcConfig": vpc, "TracingConfig": {"Mode": "Active"}, "Layers": [], "KMSKeyArn": "",
                   "DeadLetterConfig": {}, "FileSystemConfigs": [], "SnapStart": {"ApplyOn": "None"},
                   "LoggingConfig": {"LogGroup": "/my/logs"}, "EphemeralStorage": {"Size": 1024}}),
        )
        .await
        .json();
    let show = ["VpcConfig", "TracingConfig", "LoggingConfig", "EphemeralStorage"]
        .map(|name| created[name].clone());
    expect![[r#"[{"Ipv6AllowedForDualStack":false,"SecurityGroupIds":["sg-1"],"SubnetIds":["subnet-1"],"VpcId":""},{"Mode":"Active"},{"LogFormat":"Text","LogGroup":"/my/logs"},{"Size":1024}]"#]].assert_eq(&serde_json::to_string(&show).unwrap());

    platform.settled("stored").await;
    let detached = platform
        .configure("stored", json!({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}))
        .await;
    expect![[
        r#"{"Ipv6AllowedForDualStack":false,"SecurityGroupIds":[],"SubnetIds":[],"VpcId":""}"#
    ]]
    .assert_eq(&detached.json()["VpcConfig"].to_string());
    assert_eq!(
        platform.call("GET", FUNCTIONS, Value::Null).await.json()["Functions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// The directory of the zip is in order, so the upload is accepted; its content is not.
#[tokio::test]
async fn a_package_that_turns_out_damaged_fails_the_function() {
    let platform = Platform::new().await;
    let mut damaged = zip(&[("index.py", "one")]);
    let directory = damaged.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    damaged[directory + 16] ^= 0xff; // the checksum of index.py

    assert_eq!(
        platform.create_with("new", json!({"Code": {"ZipFile": base64(&damaged)}})).await.status,
        201
    );
    let failed = platform.settled("new").await;
    let show = ["State", "StateReasonCode", "StateReason"].map(|name| failed[name].clone());
    expect![[r#"["Failed","InvalidZipFileException","Lambda was not able to unzip the file: the entry `index.py` cannot be decompressed"]"#]].assert_eq(&serde_json::to_string(&show).unwrap());
    expect!["409 ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Failed"].assert_eq(&platform.invoke("new", "{}").await.error());
    assert_eq!(
        platform.update_code("new", json!({"ZipFile": code("good")})).await.json()["State"],
        "Pending"
    );
    assert_eq!(platform.settled("new").await["State"], "Active");

    platform.create("old").await;
    platform.update_code("old", json!({"ZipFile": base64(&damaged)})).await;
    let failed = platform.settled("old").await;
    let show = ["State", "LastUpdateStatus", "LastUpdateStatusReasonCode"]
        .map(|name| failed[name].clone());
    expect![[r#"["Active","Failed","InvalidZipFileException"]"#]]
        .assert_eq(&serde_json::to_string(&show).unwrap());
    expect!["502 InvalidZipFileException: Lambda was not able to unzip the file: the entry `index.py` cannot be decompressed"].assert_eq(&platform.invoke("old", "{}").await.error());
}
