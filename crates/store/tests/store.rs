// SPDX-License-Identifier: Apache-2.0
//! The store as its users see it: directories, commits, scans.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole file is tests"
)]

use store::{
    Batch, CommitError, Entry, Expectation, Keyspace, OpenError, Options, Revision, Scan, Store,
};
use tempfile::TempDir;

fn open(dir: &TempDir) -> Store {
    Store::open(dir.path(), Options::default()).unwrap()
}

async fn put(
    keyspace: &Keyspace,
    key: &str,
    value: &str,
    expectation: Expectation,
) -> Result<Revision, CommitError> {
    let batch = Batch::new().put(keyspace, key, value, expectation);
    keyspace.store().commit(batch).await.map(|revisions| revisions[0])
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[tokio::test]
async fn a_second_server_is_told_who_holds_the_directory() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);

    let error = Store::open(dir.path(), Options::default()).unwrap_err();
    let expected = format!(
        "the data directory `{}` is in use by process {}",
        dir.path().display(),
        std::process::id()
    );
    assert_eq!(error.to_string(), expected);

    drop(store);
    open(&dir);
}

#[tokio::test]
async fn a_newer_format_is_refused_and_nothing_is_touched() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    std::fs::write(dir.path().join("VERSION"), "7\n").unwrap();

    let error = Store::open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::TooNew { found: 7, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(dir.path().join("VERSION")).unwrap(), "7\n");

    for text in ["", "x", "0", "-1"] {
        std::fs::write(dir.path().join("VERSION"), text).unwrap();
        let error = Store::open(dir.path(), Options::default()).unwrap_err();
        assert!(matches!(error, OpenError::InvalidVersion { .. }), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn a_database_without_a_version_is_not_taken_for_new() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    std::fs::remove_file(dir.path().join("VERSION")).unwrap();

    let error = Store::open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::InvalidVersion { .. }), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_a_file_is_a_clear_error() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "").unwrap();

    let error = Store::open(&path, Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}

#[tokio::test]
async fn records_and_revisions_outlive_the_process() {
    let dir = TempDir::new().unwrap();
    let first =
        put(&open(&dir).keyspace("functions"), "a", "1", Expectation::Absent).await.unwrap();

    let functions = open(&dir).keyspace("functions");
    let record = functions.get("a").await.unwrap().unwrap();
    assert_eq!((record.value.as_slice(), record.revision), (b"1".as_slice(), first));

    let second = put(&functions, "a", "2", Expectation::Revision(first)).await.unwrap();
    assert!(second > first);
}

#[tokio::test]
async fn json_comes_back_as_it_went() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    let batch = Batch::new().put_json(&functions, "a", &("x", 1_u8), Expectation::Any).unwrap();
    functions.store().commit(batch).await.unwrap();

    let record = functions.get("a").await.unwrap().unwrap();
    assert_eq!(record.decode::<(String, u8)>().unwrap(), ("x".to_owned(), 1));
    assert!(record.decode::<u8>().is_err());
}

#[tokio::test]
async fn one_failed_expectation_keeps_the_whole_batch_out() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let (functions, aliases) = (store.keyspace("functions"), store.keyspace("aliases"));
    let revision = put(&functions, "a", "1", Expectation::Absent).await.unwrap();

    let batch = Batch::new()
        .put(&aliases, "live", "1", Expectation::Absent)
        .put(&functions, "b", "1", Expectation::Absent)
        .put(&functions, "a", "2", Expectation::Absent);
    let error = store.commit(batch).await.unwrap_err();

    let CommitError::Conflict { keyspace, key, expected, found } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (*keyspace, key.as_str(), *expected, *found),
        ("functions", "a", Expectation::Absent, Some(revision))
    );
    assert_eq!(
        error.to_string(),
        "the record `a` of `functions` is not as expected: expected none, found revision 1"
    );
    assert_eq!(aliases.get("live").await.unwrap(), None);
    assert_eq!(functions.get("b").await.unwrap(), None);
}

#[tokio::test]
async fn of_many_who_read_the_same_revision_one_wins() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    let revision = put(&functions, "a", "0", Expectation::Any).await.unwrap();

    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let functions = functions.clone();
        tasks.spawn(async move {
            put(&functions, "a", &number.to_string(), Expectation::Revision(revision))
                .await
                .map(|_| number)
        });
    }
    let winners: Vec<i32> = tasks.join_all().await.into_iter().filter_map(Result::ok).collect();

    assert_eq!(winners.len(), 1);
    let record = functions.get("a").await.unwrap().unwrap();
    assert_eq!(record.value, winners[0].to_string().into_bytes());
}

#[tokio::test]
async fn a_deleted_record_does_not_come_back_under_its_old_revision() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    let first = put(&functions, "a", "1", Expectation::Absent).await.unwrap();
    let delete = Batch::new().delete(&functions, "a", Expectation::Revision(first));
    functions.store().commit(delete).await.unwrap();

    let error = put(&functions, "a", "2", Expectation::Revision(first)).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict { found: None, .. }), "{error}");
    assert!(put(&functions, "a", "2", Expectation::Absent).await.unwrap() > first);
}

#[tokio::test]
async fn scans_page_through_a_prefix_of_one_keyspace() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    let functions = store.keyspace("functions");
    let mut batch =
        Batch::new().put(&store.keyspace("functions.other"), "a/9", "", Expectation::Any);
    for key in ["", "a", "a/1", "a/2", "a/\u{10ffff}", "a0", "b"] {
        batch = batch.put(&functions, key, "", Expectation::Any);
    }
    store.commit(batch).await.unwrap();
    let scan = |prefix: &str, after: Option<&str>, limit| {
        functions.scan(Scan { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit })
    };

    assert_eq!(
        keys(&scan("", None, 99).await.unwrap()),
        ["", "a", "a/1", "a/2", "a/\u{10ffff}", "a0", "b"]
    );
    assert_eq!(keys(&scan("", Some(""), 2).await.unwrap()), ["a", "a/1"]);
    assert_eq!(keys(&scan("a/", None, 2).await.unwrap()), ["a/1", "a/2"]);
    assert_eq!(keys(&scan("a/", Some("a/2"), 2).await.unwrap()), ["a/\u{10ffff}"]);
    assert_eq!(keys(&scan("a/", Some("zzz"), 2).await.unwrap()), [""; 0]);
    assert_eq!(keys(&scan("a/", None, 0).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_load_sees_every_page() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    let batch = (0..2_500).fold(Batch::new(), |batch, number| {
        batch.put(&functions, format!("{number:05}"), number.to_string(), Expectation::Absent)
    });
    functions.store().commit(batch).await.unwrap();

    let mut loaded = Vec::new();
    functions.load(|entry| loaded.push(entry.key)).await.unwrap();
    assert_eq!(loaded, (0..2_500).map(|number| format!("{number:05}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn limits_are_errors_that_name_the_record() {
    let dir = TempDir::new().unwrap();
    let options = Options { record_bytes_max: 3, batch_operations_max: 2, ..Options::default() };
    let functions = Store::open(dir.path(), options).unwrap().keyspace("functions");

    let error = put(&functions, "a", "1234", Expectation::Any).await.unwrap_err();
    assert_eq!(error.to_string(), "the record `a` of `functions` has 4 bytes, more than 3");

    let batch = ["a", "b", "c"]
        .iter()
        .fold(Batch::new(), |batch, key| batch.delete(&functions, *key, Expectation::Any));
    let error = functions.store().commit(batch).await.unwrap_err();
    assert!(
        matches!(error, CommitError::BatchTooLong { operations: 3, operations_max: 2 }),
        "{error}"
    );
    assert_eq!(functions.store().commit(Batch::new()).await.unwrap(), []);
}

#[tokio::test]
async fn the_last_commits_are_finished_before_the_store_closes() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let functions = functions.clone();
        tasks.spawn(
            async move { put(&functions, &number.to_string(), "", Expectation::Absent).await },
        );
    }
    drop(functions);
    assert!(tasks.join_all().await.iter().all(Result::is_ok));

    let reopened = open(&dir).keyspace("functions");
    assert_eq!(reopened.scan(Scan::default()).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_store_that_has_settled_leaves_nothing_to_go_over() {
    let dir = TempDir::new().unwrap();
    let functions = open(&dir).keyspace("functions");
    put(&functions, "a", "", Expectation::Absent).await.unwrap();
    let log_bytes = || std::fs::metadata(dir.path().join("store.db-wal")).unwrap().len();
    assert!(log_bytes() > 0);

    functions.store().settle().await.unwrap();

    assert_eq!(log_bytes(), 0);
    put(&functions, "b", "", Expectation::Absent).await.unwrap();
    assert_eq!(functions.scan(Scan::default()).await.unwrap().len(), 2);
}
