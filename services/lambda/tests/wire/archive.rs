// SPDX-License-Identifier: Apache-2.0
//! Export and import: everything comes back, and nothing half.

use crate::platform::{Platform, base64, code, options, zip};
use lambda::archive::{self, ArchiveError};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use store::{Scan, Store};

/// Something of each kind, and more than one version.
async fn filled() -> Platform {
    let platform = Platform::new().await;
    let layer = json!({"Content": {"ZipFile": base64(zip(&[("lib", "x")]))}});
    platform.call("POST", "/2018-10-31/layers/libs/versions", layer).await;
    let layers = json!({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:libs:1"], "Tags": {"a": "1"},
        "Environment": {"Variables": {"WHO": "me"}}, "Publish": true});
    platform.create_with("hello", layers).await;
    platform.settled("hello").await;
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    platform.delete("hello?Qualifier=2").await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    platform.call("POST", "/2015-03-31/functions/hello/aliases", alias).await;
    let concurrency = json!({"ReservedConcurrentExecutions": 5});
    platform.call("PUT", "/2017-10-31/functions/hello/concurrency", concurrency).await;
    platform.call("POST", "/2021-10-31/functions/hello/url", json!({"AuthType": "NONE"})).await;
    let retries = json!({"MaximumRetryAttempts": 1});
    platform
        .call("PUT", "/2019-09-25/functions/hello/event-invoke-config?Qualifier=live", retries)
        .await;
    let mapping =
        json!({"FunctionName": "hello", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"});
    platform.call("POST", "/2015-03-31/event-source-mappings", mapping).await;
    let signing = json!({"AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"]}});
    platform.call("POST", "/2020-04-22/code-signing-configs", signing).await;
    let provider = crate::capacity_providers::provider("p", json!({}));
    platform.call("POST", crate::capacity_providers::PROVIDERS, provider).await;
    platform
}

/// All that can be read of it.
async fn shown(platform: &Platform) -> Vec<Value> {
    let mut shown = Vec::new();
    for path in [
        "/2015-03-31/functions/hello",
        "/2015-03-31/functions/hello/versions",
        "/2015-03-31/functions/hello/aliases",
        "/2019-09-30/functions/hello/concurrency",
        "/2021-10-31/functions/hello/urls",
        "/2019-09-25/functions/hello/event-invoke-config/list",
        "/2015-03-31/event-source-mappings",
        "/2020-04-22/code-signing-configs",
        crate::capacity_providers::PROVIDERS,
        "/2018-10-31/layers",
    ] {
        let answer = platform.call("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.show());
        shown.push(answer.json());
    }
    shown
}

async fn import(
    dir: &Path,
    file: &Path,
    overwrites: bool,
) -> Result<archive::Summary, ArchiveError> {
    let store = Store::open(dir, store::Options::default()).unwrap();
    archive::import(&store, File::open(file).unwrap(), overwrites).await
}

#[tokio::test]
async fn what_was_exported_comes_back() {
    let platform = filled().await;
    let before = shown(&platform).await;
    let dir = platform.close().await;
    let file = dir.path().join("all.tinderbox");
    let store = Store::open(dir.path(), store::Options::default()).unwrap();
    let exported = archive::export(&store, File::create(&file).unwrap()).await.unwrap();
    drop(store);
    let kept = [
        ("function", 1),
        ("layer", 1),
        ("event source mapping", 1),
        ("code signing configuration", 1),
        ("capacity provider", 1),
    ];
    assert_eq!((&exported.kept[..], exported.packages), (&kept[..], 3));

    let other = tempfile::tempdir().unwrap();
    assert_eq!(import(other.path(), &file, false).await.unwrap(), exported);
    let moved = Platform::open(other, options()).await;
    assert_eq!(shown(&moved).await, before);
    let answer = moved.invoke("hello:live", "{}").await.json();
    assert_eq!(
        (&answer["code"], &answer["who"], &answer["opt"]),
        (&json!("one"), &json!("me"), &json!({"lib": "x"}))
    );
    // A number is not used again, though its version is gone.
    moved.configure("hello", json!({"Timeout": 9})).await;
    moved.settled("hello").await;
    assert_eq!(moved.publish("hello", json!({})).await.json()["Version"], "3");

    // There is one already: refused, and then replaced whole.
    let other = moved.close().await;
    match import(other.path(), &file, false).await {
        Err(ArchiveError::Exists { existing }) => {
            assert_eq!(existing.first().unwrap(), "function 000000000000/us-east-1/hello");
        }
        other => panic!("{other:?}"),
    }
    import(other.path(), &file, true).await.unwrap();
    let moved = Platform::open(other, options()).await;
    assert_eq!(shown(&moved).await, before);
}

#[tokio::test]
async fn a_damaged_archive_changes_nothing() {
    let dir = filled().await.close().await;
    let file = dir.path().join("all.tinderbox");
    let store = Store::open(dir.path(), store::Options::default()).unwrap();
    archive::export(&store, File::create(&file).unwrap()).await.unwrap();
    drop(store);
    let good = std::fs::read(&file).unwrap();
    // Every part has its turn: records, packages, manifest, the directory of the zip.
    let mut refused = 0;
    for place in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        let damaged = dir.path().join("damaged");
        std::fs::write(&damaged, &bad).unwrap();
        let target = tempfile::tempdir().unwrap();
        let imported = import(target.path(), &damaged, false).await;
        let store = Store::open(target.path(), store::Options::default()).unwrap();
        let functions = store.keyspace("lambda.functions").scan(Scan::default()).await.unwrap();
        // A byte that means nothing, such as a date in the zip, may differ: then all of it came.
        assert_eq!(functions.len(), usize::from(imported.is_ok()), "byte {place}: {imported:?}");
        refused += usize::from(imported.is_err());
    }
    assert!(refused > 20, "{refused} of 40");

    let truncated = dir.path().join("truncated");
    std::fs::write(&truncated, &good[..good.len() / 2]).unwrap();
    let target = tempfile::tempdir().unwrap();
    assert!(import(target.path(), &truncated, false).await.is_err());
    let platform = Platform::open(target, options()).await;
    assert_eq!(platform.get("").await.json()["Functions"], json!([]));
    assert_eq!(platform.blobs(), 0);
}
