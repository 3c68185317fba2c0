// SPDX-License-Identifier: Apache-2.0
//! What is found at start: functions as they were, activations to finish, leftovers to remove.

use crate::platform::{FUNCTIONS, Platform, eventually};
use serde_json::{Value, json};
use store::{Batch, Expectation, Store};

#[tokio::test]
async fn functions_come_back_as_they_were() {
    let platform = Platform::new().await;
    platform
        .create_with("hello", json!({"Publish": true, "Environment": {"Variables": {"WHO": "me"}}}))
        .await;
    platform.settled("hello").await;
    let before =
        (platform.get("/hello").await.json(), platform.get("/hello/versions").await.json());
    let platform = platform.restart().await;
    assert_eq!(
        (platform.get("/hello").await.json(), platform.get("/hello/versions").await.json()),
        before
    );
    let answer = platform.invoke("hello:1", "{}").await.json();
    assert_eq!((&answer["code"], &answer["who"]), (&json!("one"), &json!("me")));
}

#[tokio::test]
async fn an_interrupted_activation_is_finished() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let dir = platform.close().await;
    let store = Store::open(dir.path(), store::Options::default()).unwrap();
    // As a crash between the acknowledgement and the activation leaves it.
    let functions = store.keyspace("lambda.functions");
    let key = "000000000000/us-east-1/hello";
    let record = functions.get(key).await.unwrap().unwrap();
    let mut value: Value = serde_json::from_slice(&record.value).unwrap();
    value["latest"]["state"] = json!("Pending");
    value["latest"]["update"] = json!(null);
    store
        .commit(Batch::new().put(&functions, key, value.to_string(), Expectation::Any))
        .await
        .unwrap();
    std::fs::remove_dir_all(dir.path().join("code")).unwrap();
    drop((functions, store));

    let platform = Platform::open(dir, crate::platform::options()).await;
    assert_eq!(platform.settled("hello").await["State"], "Active");
    assert_eq!(platform.invoke("hello", "{}").await.json()["code"], "one");
}

#[tokio::test]
async fn leftovers_are_removed_and_lost_directories_made_again() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let code = platform.unpacked().pop().unwrap();
    let marked = code.with_extension("durable");
    eventually(|| async { marked.exists().then_some(()) }).await;
    let dir = platform.close().await;

    // A power failure may leave a directory without its mark, and anything else half-made.
    std::fs::remove_file(&marked).unwrap();
    std::fs::write(code.join("index.py"), "").unwrap();
    std::fs::create_dir(dir.path().join("code/new-7")).unwrap();
    std::fs::write(dir.path().join("code").join("0".repeat(64)), "").unwrap();

    let platform = Platform::open(dir, crate::platform::options()).await;
    assert_eq!(platform.invoke("hello", "{}").await.json()["code"], "one");
    assert_eq!(platform.unpacked(), [code]);
}

#[tokio::test]
async fn packages_of_nobody_are_removed_and_blobs_of_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), store::Options::default()).unwrap();
    let packages = store.keyspace("lambda.packages");
    let ours =
        store.blobs().put("a package whose function was never created".into()).await.unwrap();
    store.blobs().put("an object of another service".into()).await.unwrap();
    store
        .commit(Batch::new().put(&packages, ours.to_string(), "{}", Expectation::Any))
        .await
        .unwrap();
    drop((packages, store));

    let platform = Platform::open(dir, crate::platform::options()).await;
    assert_eq!(platform.blobs(), 1);
}

/// Records from before aliases, layers, policies and reservations were kept.
#[tokio::test]
async fn older_records_are_read() {
    let platform = Platform::new().await;
    platform.create_with("hello", json!({"Publish": true})).await;
    platform.settled("hello").await;
    let before = platform.get("/hello/versions").await.json();
    let dir = platform.close().await;
    let store = Store::open(dir.path(), store::Options::default()).unwrap();
    for (keyspace, key, version) in [
        ("lambda.functions", "000000000000/us-east-1/hello", "/latest"),
        ("lambda.versions", "000000000000/us-east-1/hello/00000000000000000001", ""),
    ] {
        let keyspace = store.keyspace(keyspace);
        let record = keyspace.get(key).await.unwrap().unwrap();
        let mut value: Value = serde_json::from_slice(&record.value).unwrap();
        let version = value.pointer_mut(version).unwrap();
        assert!(version.as_object_mut().unwrap().remove("unzipped_bytes").is_some());
        // What says nothing is not written now either.
        for member in ["/policy", "/settings/layers"] {
            assert!(version.pointer(member).is_none(), "{member}");
        }
        store
            .commit(Batch::new().put(&keyspace, key, value.to_string(), Expectation::Any))
            .await
            .unwrap();
    }
    drop(store);

    let platform = Platform::open(dir, crate::platform::options()).await;
    assert_eq!(platform.get("/hello/versions").await.json(), before);
    assert_eq!(platform.invoke("hello:1", "{}").await.json()["code"], "one");
}

/// Nobody asks for a function after the start: what is told of it and of its account is the same, and so it is when it is asked for.
#[tokio::test]
async fn a_function_that_nobody_wanted_yet_is_there_as_it_was() {
    let platform = Platform::new().await;
    let one = json!({"Publish": true, "Tags": {"a": "1"}});
    for name in ["first", "second", "third"] {
        platform.create_with(name, one.clone()).await;
        platform.settled(name).await;
        let alias = json!({"Name": "live", "FunctionVersion": "1"});
        platform.call("POST", &format!("{FUNCTIONS}/{name}/aliases"), alias).await;
    }
    let package = platform.unpacked();
    let marked = package[0].with_extension("durable");
    eventually(|| async { marked.exists().then_some(()) }).await;
    let told = async |platform: &Platform| {
        let settings = platform.call("GET", "/2016-08-19/account-settings", Value::Null).await;
        let first = platform.get("/?FunctionVersion=ALL&MaxItems=3").await.json();
        let marker = first["NextMarker"].as_str().unwrap();
        let rest = platform.get(&format!("/?FunctionVersion=ALL&Marker={marker}")).await.json();
        (settings.json(), first["Functions"].clone(), rest)
    };
    let before = told(&platform).await;
    let tags = platform.get("/first").await.json()["Tags"].clone();

    let platform = platform.restart().await;
    assert_eq!(told(&platform).await, before);
    assert_eq!(told(&platform).await, before, "to look is not to change");
    assert_eq!(platform.get("/first").await.json()["Tags"], tags);
    // Two are asked for; the package is that of the third, too, which sleeps.
    platform.delete("first").await;
    let running = platform.invoke("second:live", "{}").await.json();
    assert_eq!((&running["code"], &running["version"]), (&json!("one"), &json!("1")));
    platform.delete("second").await;
    let settings = platform.call("GET", "/2016-08-19/account-settings", Value::Null).await.json();
    let of_one = before.0["AccountUsage"]["TotalCodeSize"].as_u64().unwrap() / 3;
    assert_eq!(settings["AccountUsage"], json!({"TotalCodeSize": of_one, "FunctionCount": 1}));
    assert_eq!(platform.unpacked(), package);
    assert_eq!(platform.invoke("third", "{}").await.json()["code"], "one");
    platform.delete("third").await;
    eventually(|| async { platform.unpacked().is_empty().then_some(()) }).await;
}
