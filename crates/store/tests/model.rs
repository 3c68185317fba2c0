// SPDX-License-Identifier: Apache-2.0
//! The store against a `BTreeMap`: any sequence of batches, scans and reopenings gives the same answers.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole file is tests"
)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{Batch, CommitError, Expectation, Options, Revision, Scan, Store};
use tempfile::TempDir;

const KEYSPACES: [&str; 2] = ["functions", "functions.versions"];

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    Scan { keyspace: usize, prefix: String, after: Option<String>, limit: usize },
    Reopen,
}

#[derive(Debug, Clone)]
struct Change {
    keyspace: usize,
    key: String,
    value: Option<u8>,
    expectation: Expected,
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Any,
    Absent,
    /// The revision the model knows.
    Current,
    /// A revision the key had earlier, or another key has.
    Stale,
}

type Model = BTreeMap<(usize, String), (Option<u8>, Revision)>;

fn key() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "/", "é"]), 0..3)
        .prop_map(|parts| parts.concat())
}

fn change() -> impl Strategy<Value = Change> {
    let expectation = prop::sample::select(vec![
        Expected::Any,
        Expected::Absent,
        Expected::Current,
        Expected::Stale,
    ]);
    (0..2_usize, key(), any::<Option<u8>>(), expectation).prop_map(
        |(keyspace, key, value, expectation)| Change { keyspace, key, value, expectation },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(change(), 1..4).prop_map(Step::Commit),
        3 => (0..2_usize, key(), prop::option::of(key()), 0..5_usize)
            .prop_map(|(keyspace, prefix, after, limit)| Step::Scan { keyspace, prefix, after, limit }),
        1 => Just(Step::Reopen),
    ]
}

struct Run {
    dir: TempDir,
    store: Option<Store>,
    /// Deleted keys stay, without a value.
    model: Model,
    stale: Option<Revision>,
    last: u64,
}

impl Run {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Some(Store::open(dir.path(), Options::default()).unwrap());
        Self { dir, store, model: Model::new(), stale: None, last: 0 }
    }

    fn current(&self, change: &Change) -> Option<Revision> {
        let (value, revision) = self.model.get(&(change.keyspace, change.key.clone()))?;
        value.map(|_| *revision)
    }

    fn expectation(&self, change: &Change) -> Expectation {
        match (change.expectation, self.current(change), self.stale) {
            (Expected::Absent, ..) | (Expected::Current, None, _) => Expectation::Absent,
            (Expected::Current, Some(revision), _) | (Expected::Stale, _, Some(revision)) => {
                Expectation::Revision(revision)
            }
            (Expected::Any, ..) | (Expected::Stale, _, None) => Expectation::Any,
        }
    }

    async fn commit(&mut self, changes: Vec<Change>) -> Result<(), TestCaseError> {
        let store = self.store.as_ref().unwrap();
        let mut batch = Batch::new();
        let mut conflict = None;
        for change in &changes {
            let keyspace = store.keyspace(KEYSPACES[change.keyspace]);
            let (expectation, current) = (self.expectation(change), self.current(change));
            let is_met = match expectation {
                Expectation::Any => true,
                Expectation::Absent => current.is_none(),
                Expectation::Revision(revision) => current == Some(revision),
            };
            if !is_met && conflict.is_none() {
                conflict = Some((change.key.clone(), current));
            }
            batch = match change.value {
                Some(value) => batch.put(&keyspace, change.key.clone(), [value], expectation),
                None => batch.delete(&keyspace, change.key.clone(), expectation),
            };
        }

        match (store.commit(batch).await, conflict) {
            (Ok(revisions), None) => {
                prop_assert_eq!(revisions.len(), changes.len());
                for (change, revision) in changes.into_iter().zip(revisions) {
                    prop_assert!(revision.get() > self.last, "revisions grow");
                    self.last = revision.get();
                    let old =
                        self.model.insert((change.keyspace, change.key), (change.value, revision));
                    self.stale = old.map(|(_, revision)| revision).or(self.stale);
                }
            }
            (Err(CommitError::Conflict { key, found, .. }), Some(expected)) => {
                prop_assert_eq!((key, found), expected)
            }
            (outcome, conflict) => {
                prop_assert!(false, "{outcome:?} where the model has the conflict {conflict:?}")
            }
        }
        Ok(())
    }

    async fn scan(&self, keyspace: usize, scan: Scan) -> Result<(), TestCaseError> {
        let expected: Vec<_> = self
            .model
            .iter()
            .filter(|((space, key), _)| *space == keyspace && key.starts_with(&scan.prefix))
            .filter(|((_, key), _)| scan.after.as_ref().is_none_or(|after| key > after))
            .filter_map(|((_, key), (value, revision))| {
                value.map(|value| (key.clone(), vec![value], *revision))
            })
            .take(scan.limit)
            .collect();
        let entries =
            self.store.as_ref().unwrap().keyspace(KEYSPACES[keyspace]).scan(scan).await.unwrap();
        let found: Vec<_> = entries
            .into_iter()
            .map(|entry| (entry.key, entry.record.value, entry.record.revision))
            .collect();
        prop_assert_eq!(found, expected);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_an_ordered_map(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new();
            for step in steps {
                match step {
                    Step::Commit(changes) => run.commit(changes).await?,
                    Step::Scan { keyspace, prefix, after, limit } => {
                        run.scan(keyspace, Scan { prefix, after, limit }).await?;
                    }
                    Step::Reopen => {
                        run.store = None;
                        run.store = Some(Store::open(run.dir.path(), Options::default()).unwrap());
                    }
                }
            }
            for keyspace in 0..KEYSPACES.len() {
                run.scan(keyspace, Scan { limit: 1_000, ..Scan::default() }).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
