// SPDX-License-Identifier: Apache-2.0
//! Sees the events in which certain bytes stand, of all groups, as they arrive.
//!
//! Whoever writes looks for the bytes in each batch as a whole, and hands on those that have them; the events of a batch are for
//! the lookout to tell apart. Nobody looks where there is no lookout.
//!
//! Invariant: a lookout is owed so many bytes; what it does not take in time is counted and gone. The writer never waits.

use crate::frame::Events;
use crate::store::GroupKey;
use bytes::Bytes;
use memchr::memmem::Finder;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Bytes of batches that may wait.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// Events that arrived together, some of which have the bytes.
#[derive(Debug)]
pub struct Sighted {
    pub group: GroupKey,
    batch: Bytes,
    finder: Finder<'static>,
}

#[derive(Debug)]
pub struct Lookout {
    receive: mpsc::UnboundedReceiver<Sighted>,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// The end that writers have.
#[derive(Debug)]
pub(crate) struct Spyglass {
    finder: Finder<'static>,
    send: mpsc::UnboundedSender<Sighted>,
    waiting: Arc<Waiting>,
}

impl Sighted {
    /// The texts that have the bytes.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let texts = Events::within(&self.batch, 0).map(|(_, _, text)| text);
        texts.filter(|text| self.finder.find(text).is_some())
    }
}

impl Lookout {
    pub(crate) fn new(bytes: &'static [u8]) -> (Self, Spyglass) {
        let (send, receive) = mpsc::unbounded_channel();
        let waiting = Arc::<Waiting>::default();
        let lookout = Self { receive, waiting: Arc::clone(&waiting) };
        (lookout, Spyglass { finder: Finder::new(bytes), send, waiting })
    }

    /// The next batch. `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Sighted> {
        let sighted = self.receive.recv().await?;
        Some(self.take(sighted))
    }

    /// The next of those that are there.
    pub fn try_next(&mut self) -> Option<Sighted> {
        let sighted = self.receive.try_recv().ok()?;
        Some(self.take(sighted))
    }

    fn take(&self, sighted: Sighted) -> Sighted {
        self.waiting.bytes.fetch_sub(sighted.batch.len(), Ordering::Relaxed);
        sighted
    }

    /// How many batches were too much since it looks.
    pub fn dropped(&self) -> u64 {
        self.waiting.dropped.load(Ordering::Relaxed)
    }
}

impl Spyglass {
    pub(crate) fn look(&self, group: &GroupKey, batch: &Bytes) {
        if self.finder.find(batch).is_none() {
            return;
        }
        let length = batch.len();
        let before = self.waiting.bytes.fetch_add(length, Ordering::Relaxed);
        let sighted =
            Sighted { group: group.clone(), batch: batch.clone(), finder: self.finder.clone() };
        if before + length > WAITING_BYTES_MAX || self.send.send(sighted).is_err() {
            self.waiting.bytes.fetch_sub(length, Ordering::Relaxed);
            self.waiting.dropped.fetch_add(1, Ordering::Relaxed);
            metrics::EMBEDDED_DROPPED.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::put_event;
    use bytes::BytesMut;

    fn batch(texts: &[&[u8]]) -> Bytes {
        let mut batch = BytesMut::new();
        texts.iter().for_each(|text| put_event(&mut batch, 0, text, b"\n"));
        batch.freeze()
    }

    #[test]
    fn only_what_has_the_bytes_is_seen_and_too_much_is_counted() {
        let (mut lookout, spyglass) = Lookout::new(b"mark");
        let group = GroupKey {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: "g".to_owned(),
        };
        spyglass.look(&group, &batch(&[b"plain", b"mar", b"k"]));
        spyglass.look(&group, &batch(&[b"plain", b"a mark", b"mark"]));
        let sighted = lookout.try_next().unwrap();
        assert_eq!(sighted.texts().collect::<Vec<_>>(), [b"a mark\n".as_slice(), b"mark\n"]);
        assert!(lookout.try_next().is_none());

        let long = batch(&[&[b"mark".as_slice(), &vec![0; WAITING_BYTES_MAX / 2]].concat()]);
        (0..2).for_each(|_| spyglass.look(&group, &long));
        assert_eq!(lookout.dropped(), 1);
        assert!(lookout.try_next().is_some() && lookout.try_next().is_none());
        spyglass.look(&group, &long);
        assert!(lookout.try_next().is_some(), "there is room again");
    }
}
