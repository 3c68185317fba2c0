// SPDX-License-Identifier: Apache-2.0
//! Create, get, update, delete.

use crate::platform::{FUNCTIONS, Platform, code, eventually};
use expect_test::expect;
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_function_is_pending_and_then_active() {
    let platform = Platform::new().await;
    let created = platform
        .create_with("hello", json!({"Environment": {"Variables": {"A": "1"}}, "Tags": {"t": "v"}}))
        .await;
    expect![[r#"
        400 ValidationException
        {
          "message": "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
        }"#]].assert_eq(&created.show());

    platform.settled("hello").await;
    let got = platform.get("/hello").await;
    expect![[r#"
        404 ResourceNotFoundException
        {
          "Message": "Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello",
          "Type": "User"
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
        }"#]].assert_eq(&platform.get("/hello").await.show());

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

#[tokio::test]
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

#[tokio::test]
async fn a_name_is_taken_once() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    expect!["409 ResourceConflictException: Function already exist: hello"].assert_eq(&platform.create_with("hello", json!({})).await.error());
}

#[tokio::test]
async fn a_code_location_is_a_download_of_the_zip() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let location =
        platform.get("/hello").await.json()["Code"]["Location"].as_str().unwrap().to_owned();
    let hash = location.split(['/', '?']).find(|part| part.len() == 64).unwrap();
    let path = platform.lambda.zip_path(hash).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), crate::platform::zip(&[("index.py", "one")]));
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
    assert_eq!(detached.json().get("VpcConfig"), None);
    assert_eq!(
        platform.call("GET", FUNCTIONS, Value::Null).await.json()["Functions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
