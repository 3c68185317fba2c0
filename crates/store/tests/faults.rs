// SPDX-License-Identifier: Apache-2.0
//! Kill -9 and full disks. A child process is this same test binary, told by a variable which part it plays.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use bytes::Bytes;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use store::{Batch, BlobError, CommitError, Expectation, Options, Scan, Store};
use tempfile::TempDir;

const PART: &str = "STORE_TEST_DIR";

fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PART, dir);
    command
}

/// The directory to work in, when this process is the child.
fn child_dir() -> Option<std::path::PathBuf> {
    std::env::var_os(PART).map(Into::into)
}

#[test]
fn what_was_acknowledged_before_kill_9_is_there() {
    if let Some(dir) = child_dir() {
        commit_until_killed(&dir);
    }
    let dir = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..5 {
        let mut process = child("what_was_acknowledged_before_kill_9_is_there", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines =
            BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seen = lines.by_ref().filter_map(|line| acknowledged_key(&line)).take(50 + 37 * round);
        acknowledged.extend(seen);
        process.kill().unwrap();
        process.wait().unwrap();
        // What was printed before the kill and not yet read counts too. The last line may be cut.
        acknowledged.extend(lines.filter_map(|line| acknowledged_key(&line)));
    }

    let found = keys_of(dir.path());
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(acknowledged.len() > 500, "the children came far enough: {}", acknowledged.len());
    assert_eq!(lost, Vec::<&String>::new());
}

/// Eight tasks that commit pairs, so that a torn batch would show as a key without its twin.
fn commit_until_killed(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(dir, Options::default()).unwrap();
        let (keys, twins) = (store.keyspace("keys"), store.keyspace("twins"));
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..8 {
            let (store, keys, twins) = (store.clone(), keys.clone(), twins.clone());
            tasks.spawn(async move {
                for number in 0_u64.. {
                    let key = format!("{}-{task}-{number}", std::process::id());
                    let batch = Batch::new()
                        .put(&keys, key.clone(), [0; 500], Expectation::Absent)
                        .put(&twins, key.clone(), [1; 500], Expectation::Absent);
                    store.commit(batch).await.unwrap();
                    let mut line = format!("acknowledged {key} .\n");
                    line.insert(0, '\n');
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
}

fn acknowledged_key(line: &str) -> Option<String> {
    line.strip_prefix("acknowledged ")?.strip_suffix(" .").map(str::to_owned)
}

fn keys_of(dir: &Path) -> BTreeSet<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(dir, Options::default()).unwrap();
        let (mut keys, mut twins) = (BTreeSet::new(), BTreeSet::new());
        store.keyspace("keys").load(|entry| keys.extend([entry.key])).await.unwrap();
        store.keyspace("twins").load(|entry| twins.extend([entry.key])).await.unwrap();
        assert_eq!(keys, twins, "batches are whole");
        keys
    })
}

#[tokio::test]
async fn a_store_at_its_limit_says_so_and_lives_on() {
    let dir = TempDir::new().unwrap();
    let options = Options { bytes_max: 1 << 20, ..Options::default() };
    fill_and_recover(&Store::open(dir.path(), options).unwrap()).await;
}

/// Commits until there is no room, checks that nothing is half there, makes room, and commits again.
async fn fill_and_recover(store: &Store) {
    let keyspace = store.keyspace("keys");
    let put = |key: String| {
        let batch = Batch::new()
            .put(&keyspace, key.clone(), vec![7; 100_000], Expectation::Any)
            .put(&keyspace, format!("{key}-twin"), "", Expectation::Any);
        store.commit(batch)
    };
    let mut count = 0;
    let error = loop {
        match put(format!("{count:03}")).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(count < 200, "the disk is never full");
    };
    assert!(matches!(error, CommitError::Full { .. }), "{error:?}");
    assert!(count > 0);
    assert_eq!(
        keyspace.scan(Scan::default()).await.unwrap().len(),
        2 * count,
        "nothing is half written"
    );

    // Together with one that is too large, the others get through: freed space is enough for them.
    let (freed, large, small) = tokio::join!(
        store.commit(Batch::new().delete(&keyspace, "000", Expectation::Any)),
        store.commit(Batch::new().put(&keyspace, "large", vec![7; 4_000_000], Expectation::Any)),
        store.commit(Batch::new().put(&keyspace, "small", "", Expectation::Any)),
    );
    freed.unwrap();
    assert!(matches!(large, Err(CommitError::Full { .. })), "{large:?}");
    small.unwrap();
    assert!(keyspace.get("small").await.unwrap().is_some());
    assert!(keyspace.get("large").await.unwrap().is_none());
}

#[test]
fn a_full_disk_is_an_error_and_the_store_lives_on() {
    if let Some(dir) = child_dir() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(work_on_a_full_disk(&dir));
        return;
    }
    // Needs a file system of its own, so root. Elsewhere `a_store_at_its_limit_says_so_and_lives_on` stands for it.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let child = child("a_full_disk_is_an_error_and_the_store_lives_on", dir.path());
    let script = r#"mount -t tmpfs -o size=8m tmpfs "$STORE_TEST_DIR" && exec "$@""#;
    let output = Command::new("unshare")
        .args(["--mount", "--", "sh", "-c", script, "sh"])
        .arg(child.get_program())
        .args(child.get_args())
        .env(PART, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn work_on_a_full_disk(dir: &Path) {
    let store = Store::open(dir, Options::default()).unwrap();
    let kept = store.blobs().put(Bytes::from_static(b"kept")).await.unwrap();
    let ballast = store.blobs().put(Bytes::from(vec![1; 2 << 20])).await.unwrap();

    let error = store.blobs().put(Bytes::from(vec![2; 8 << 20])).await.unwrap_err();
    assert!(matches!(error, BlobError::Full { .. }), "{error:?}");
    assert_eq!(store.blobs().list().await.unwrap().len(), 2);
    assert_eq!(std::fs::read_dir(dir.join("tmp")).unwrap().count(), 0, "no half blob stays");

    let keyspace = store.keyspace("keys");
    let put = |key: String| {
        store.commit(Batch::new().put(&keyspace, key, vec![7; 100_000], Expectation::Absent))
    };
    let mut count = 0;
    let error = loop {
        match put(format!("{count:03}")).await {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(count < 200, "the disk is never full");
    };
    assert!(matches!(error, CommitError::Full { .. }), "{error:?}");
    assert_eq!(keyspace.scan(Scan::default()).await.unwrap().len(), count);

    store.blobs().delete(ballast).await.unwrap();
    put(format!("{count:03}")).await.unwrap();
    store.blobs().verify(kept).await.unwrap();

    drop((keyspace.clone(), put));
    drop(keyspace);
    drop(store);
    let reopened = Store::open(dir, Options::default()).unwrap().keyspace("keys");
    assert_eq!(reopened.scan(Scan::default()).await.unwrap().len(), count + 1);
}
