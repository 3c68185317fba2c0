// SPDX-License-Identifier: Apache-2.0
//! Up to ten things at once: each comes to an end of its own.

use crate::message;
use api::sqs::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry, SendMessageInput, fault,
};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use wire::{Blame, Fault, Result};

const ENTRIES_MAX: usize = 10;
const BYTES_MAX: usize = 1 << 20;
const ID_CHARACTERS_MAX: usize = 80;

/// Something in a batch.
pub(crate) trait Entry {
    fn id(&self) -> &str;
}

macro_rules! entries {
    ($($entry:ty),*) => {$(
        impl Entry for $entry {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )*};
}

entries!(
    SendMessageBatchRequestEntry,
    DeleteMessageBatchRequestEntry,
    ChangeMessageVisibilityBatchRequestEntry
);

/// What an entry would be alone.
pub(crate) fn message(entry: SendMessageBatchRequestEntry, queue_url: &str) -> SendMessageInput {
    SendMessageInput {
        queue_url: queue_url.to_owned(),
        message_body: entry.message_body,
        delay_seconds: entry.delay_seconds,
        message_attributes: entry.message_attributes,
        message_system_attributes: entry.message_system_attributes,
        message_deduplication_id: entry.message_deduplication_id,
        message_group_id: entry.message_group_id,
    }
}

/// What holds for every batch.
pub(crate) fn check<E: Entry>(entries: &[E]) -> Result<()> {
    if entries.is_empty() {
        return Err(fault::empty_batch_request(
            "There should be at least one entry in the request.",
        ));
    }
    if entries.len() > ENTRIES_MAX {
        return Err(fault::too_many_entries_in_batch_request(format!(
            "Maximum number of entries per request are {ENTRIES_MAX}. You have sent {}.",
            entries.len()
        )));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_id =
        |id: &str| (1..=ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(is_allowed);
    if !entries.iter().all(|entry| is_id(entry.id())) {
        return Err(fault::invalid_batch_entry_id(
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
        ));
    }
    let mut ids = BTreeSet::new();
    match entries.iter().find(|entry| !ids.insert(entry.id())) {
        Some(entry) => {
            let id = entry.id();
            Err(fault::batch_entry_ids_not_distinct(format!("Id {id} repeated.")))
        }
        None => Ok(()),
    }
}

/// All messages of a batch together have the size of one at most.
pub(crate) fn check_size(entries: &[SendMessageBatchRequestEntry]) -> Result<()> {
    let size = |entry: &SendMessageBatchRequestEntry| {
        message::size(&entry.message_body, entry.message_attributes.as_ref())
    };
    let bytes: usize = entries.iter().map(size).sum();
    if bytes > BYTES_MAX {
        return Err(fault::batch_request_too_long(format!(
            "Batch requests cannot be longer than {BYTES_MAX} bytes. You have sent {bytes} bytes."
        )));
    }
    Ok(())
}

/// Does all of them at once, begun in their order. Those that came through, and those that did not.
pub(crate) async fn run<E: Entry, T, F: Future<Output = Result<T>>>(
    entries: Vec<E>,
    each: impl Fn(E) -> F,
) -> (Vec<(String, T)>, Vec<BatchResultErrorEntry>) {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let ids: Vec<String> = entries.iter().map(|entry| entry.id().to_owned()).collect();
    let running = entries.into_iter().map(|entry| Box::pin(each(entry))).collect();
    for (id, result) in ids.into_iter().zip(all(running).await) {
        match result {
            Ok(value) => done.push((id, value)),
            Err(fault) => failed.push(failure(id, &fault)),
        }
    }
    (done, failed)
}

/// Waits for all. Each is polled in its turn, so that they begin in their order.
async fn all<F: Future>(mut running: Vec<Pin<Box<F>>>) -> Vec<F::Output> {
    let mut ended: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|task| {
        let mut is_pending = false;
        for (future, ended) in running.iter_mut().zip(&mut ended) {
            if ended.is_none() {
                match future.as_mut().poll(task) {
                    Poll::Ready(output) => *ended = Some(output),
                    Poll::Pending => is_pending = true,
                }
            }
        }
        if is_pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    ended.into_iter().flatten().collect()
}

fn failure(id: String, fault: &Fault) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id,
        sender_fault: fault.blame() == Blame::Customer,
        code: fault.query_code.unwrap_or(&fault.code).to_owned(),
        message: Some(fault.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str) -> DeleteMessageBatchRequestEntry {
        DeleteMessageBatchRequestEntry { id: id.to_owned(), ..Default::default() }
    }

    #[test]
    fn batches_that_are_none() {
        let code = |ids: &[&str]| {
            let entries: Vec<_> = ids.iter().map(|id| entry(id)).collect();
            check(&entries).err().map(|fault| fault.code.into_owned())
        };
        assert_eq!(code(&["a", "b"]), None);
        assert_eq!(code(&[]).as_deref(), Some("EmptyBatchRequest"));
        assert_eq!(code(&["a"; 11]).as_deref(), Some("TooManyEntriesInBatchRequest"));
        assert_eq!(code(&["a", "a"]).as_deref(), Some("BatchEntryIdsNotDistinct"));
        assert_eq!(code(&["a b"]).as_deref(), Some("InvalidBatchEntryId"));
    }

    #[tokio::test]
    async fn each_has_its_own_end() {
        let each = |entry: DeleteMessageBatchRequestEntry| async move {
            tokio::task::yield_now().await;
            if entry.id == "b" { Err(Fault::internal()) } else { Ok(entry.id) }
        };
        let (done, failed) = run(vec![entry("a"), entry("b"), entry("c")], each).await;
        assert_eq!(done, [("a".to_owned(), "a".to_owned()), ("c".to_owned(), "c".to_owned())]);
        assert_eq!((failed.len(), failed[0].id.as_str(), failed[0].sender_fault), (1, "b", false));
    }
}
