// SPDX-License-Identifier: Apache-2.0
//! The one thread that changes the database.
//!
//! Batches that arrive while an fsync runs wait, and then share the next one. Nobody is answered before the fsync
//! that decides his batch, not even with a conflict: it may be with a neighbour in the group that is not on disk yet.
//!
//! Invariant: after a failed transaction the database is as before it, and the thread takes the next.

use crate::batch::Operation;
use crate::database::{Database, Transaction};
use crate::{Batch, CommitError, EngineError, Options, Revision};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Outcome = Result<Vec<Revision>, CommitError>;

#[derive(Debug)]
pub(crate) struct Writer {
    /// `None` only while it is dropped.
    pending: Option<mpsc::Sender<Pending>>,
    thread: Option<JoinHandle<()>>,
    options: Options,
}

#[derive(Debug)]
struct Pending {
    operations: Vec<Operation>,
    answer: oneshot::Sender<Outcome>,
}

/// State of the thread.
struct Committer {
    database: Database,
    /// The revision of the last operation that was committed.
    last_revision: u64,
}

impl Writer {
    pub(crate) fn start(database: Database, options: Options) -> Result<Self, EngineError> {
        let (sender, receiver) = mpsc::channel(options.pending_batches_max.max(1));
        let last_revision = database.last_revision()?;
        let group_batches_max = options.group_batches_max.max(1);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || Committer { database, last_revision }.run(receiver, group_batches_max))
            .map_err(|error| EngineError(Box::new(error)))?;
        Ok(Self { pending: Some(sender), thread: Some(thread), options })
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Outcome {
        self.check_limits(&batch)?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }

        let (answer, outcome) = oneshot::channel();
        let pending = self.pending.as_ref().ok_or(CommitError::Closed)?;
        pending
            .send(Pending { operations: batch.operations, answer })
            .await
            .map_err(|_| CommitError::Closed)?;
        outcome.await.unwrap_or(Err(CommitError::Closed))
    }

    fn check_limits(&self, batch: &Batch) -> Result<(), CommitError> {
        let Options { batch_operations_max: operations_max, record_bytes_max: bytes_max, .. } =
            self.options;
        let operations = batch.operations.len();
        if operations > operations_max {
            return Err(CommitError::BatchTooLong { operations, operations_max });
        }

        for operation in &batch.operations {
            let bytes = operation.value.as_ref().map_or(0, Vec::len);
            if bytes > bytes_max {
                let (keyspace, key) = (operation.keyspace, operation.key.clone());
                return Err(CommitError::RecordTooLarge { keyspace, key, bytes, bytes_max });
            }
        }
        Ok(())
    }
}

impl Pending {
    /// Whoever stopped waiting does not want to know.
    fn answer(self, outcome: Outcome) {
        let _ = self.answer.send(outcome);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.pending = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

impl Committer {
    fn run(mut self, mut receiver: mpsc::Receiver<Pending>, group_batches_max: usize) {
        let mut group = Vec::with_capacity(group_batches_max);
        while let Some(first) = receiver.blocking_recv() {
            group.push(first);
            while group.len() < group_batches_max
                && let Ok(next) = receiver.try_recv()
            {
                group.push(next);
            }
            self.commit_group(&mut group);
        }
    }

    fn commit_group(&mut self, group: &mut Vec<Pending>) {
        match self.commit_together(group) {
            Ok(outcomes) => {
                for (pending, outcome) in group.drain(..).zip(outcomes) {
                    pending.answer(outcome);
                }
            }
            // One batch may be too much for the disk where its neighbours are not: each alone.
            Err(_) if group.len() > 1 => {
                for pending in std::mem::take(group) {
                    self.commit_group(&mut vec![pending]);
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "commit failed");
                if let Some(pending) = group.pop() {
                    pending.answer(Err(failure_of(error)));
                }
            }
        }
    }

    /// One transaction, one fsync. An error means that nothing was kept.
    fn commit_together(&mut self, group: &[Pending]) -> Result<Vec<Outcome>, rusqlite::Error> {
        let mut revision = self.last_revision;
        let transaction = self.database.begin()?;
        let outcomes = group
            .iter()
            .map(|pending| apply(&transaction, &pending.operations, &mut revision))
            .collect::<Result<Vec<_>, _>>()?;

        if revision != self.last_revision {
            transaction.commit(revision)?;
            metrics::STORE_COMMITTED.add(1);
            self.last_revision = revision;
        }
        Ok(outcomes)
    }
}

/// Applies one batch, or finds that it may not be applied. Checks all before it changes any.
fn apply(
    transaction: &Transaction<'_>,
    operations: &[Operation],
    revision: &mut u64,
) -> Result<Outcome, rusqlite::Error> {
    for operation in operations {
        let Operation { keyspace, key, expectation, value: _ } = operation;
        if *expectation == crate::Expectation::Any {
            continue;
        }
        let found = transaction.revision_of(keyspace, key)?;
        if !expectation.is_met_by(found) {
            let (key, expected) = (key.clone(), *expectation);
            return Ok(Err(CommitError::Conflict { keyspace, key, expected, found }));
        }
    }

    let mut revisions = Vec::with_capacity(operations.len());
    for operation in operations {
        *revision += 1;
        transaction.apply(operation, Revision(*revision))?;
        revisions.push(Revision(*revision));
    }
    Ok(Ok(revisions))
}

fn failure_of(error: rusqlite::Error) -> CommitError {
    let is_full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    let source = EngineError::from(error);
    if is_full { CommitError::Full { source } } else { CommitError::Write { source } }
}
