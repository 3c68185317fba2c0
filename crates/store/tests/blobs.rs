// SPDX-License-Identifier: Apache-2.0
//! Blobs: what is put is found by its hash, whole or not at all.

#![expect(clippy::tests_outside_test_module, reason = "the whole file is tests")]

use bytes::Bytes;
use store::{BlobError, BlobId, Options, Store};
use tempfile::TempDir;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[tokio::test]
async fn a_blob_is_found_by_its_hash_until_it_is_deleted() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let blobs = store.blobs();

    let id = blobs.put(Bytes::new()).await.unwrap();
    assert_eq!(id.to_string(), EMPTY);
    assert_eq!(blobs.put(Bytes::new()).await.unwrap(), id);
    assert_eq!(blobs.path(id), dir.path().join("blobs/e3").join(EMPTY));
    assert_eq!(blobs.list().await.unwrap(), [id]);
    assert_eq!(blobs.read(id).await.unwrap(), Bytes::new());
    assert_eq!(blobs.open_file(id).await.unwrap().metadata().unwrap().len(), 0);
    blobs.verify(id).await.unwrap();

    blobs.delete(id).await.unwrap();
    blobs.delete(id).await.unwrap();
    assert!(matches!(blobs.read(id).await, Err(BlobError::NotFound { .. })));
    assert!(matches!(blobs.open_file(id).await, Err(BlobError::NotFound { .. })));
    assert_eq!(blobs.list().await.unwrap(), []);
}

#[tokio::test]
async fn damage_is_found() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let id = store.blobs().put(Bytes::from_static(b"code")).await.unwrap();
    std::fs::write(store.blobs().path(id), b"Code").unwrap();

    let error = store.blobs().verify(id).await.unwrap_err();
    assert!(
        matches!(error, BlobError::Damaged { found, .. } if found == BlobId::of(b"Code")),
        "{error}"
    );
}

#[tokio::test]
async fn the_same_bytes_may_be_put_at_the_same_time() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40_u8 {
        let blobs = store.blobs().clone();
        tasks.spawn(
            async move { blobs.put(Bytes::from(vec![number / 10; 100_000])).await.unwrap() },
        );
    }
    tasks.join_all().await;

    let ids = store.blobs().list().await.unwrap();
    assert_eq!(ids.len(), 4);
    for id in ids {
        store.blobs().verify(id).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_gone_after_the_next_start() {
    let dir = TempDir::new().unwrap();
    drop(Store::open(dir.path(), Options::default()).unwrap());
    std::fs::write(dir.path().join("tmp/blob-7"), b"half").unwrap();
    std::fs::write(dir.path().join("tmp/other"), b"not ours").unwrap();

    let store = Store::open(dir.path(), Options::default()).unwrap();
    assert_eq!(store.blobs().list().await.unwrap(), []);
    assert!(!dir.path().join("tmp/blob-7").exists());
    assert!(dir.path().join("tmp/other").exists());
}

#[test]
fn ids_are_parsed_strictly() {
    let id: BlobId = EMPTY.parse().unwrap();
    assert_eq!(id, BlobId::of(b""));
    assert_eq!(serde_json::from_str::<BlobId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    for text in [
        "",
        "e3",
        &EMPTY.to_uppercase(),
        &EMPTY.replace('e', "g"),
        &format!("{EMPTY}0"),
        &"é".repeat(32),
    ] {
        assert!(text.parse::<BlobId>().is_err(), "{text}");
    }
}
