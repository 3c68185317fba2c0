// SPDX-License-Identifier: Apache-2.0
//! What was received and waits until its batch is full, or its window over. Pure.

use crate::event::{BYTES_MAX, Received};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Pending {
    received: Vec<Received>,
    bytes: usize,
    /// From the first receipt on.
    since: Option<Since>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    /// When the batch runs, however small.
    due: Instant,
    /// Until when it makes sense to try: later the first message might be visible again before its function is done.
    tries_until: Instant,
}

/// What runs together.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) received: Vec<Received>,
    pub(crate) tries_until: Instant,
}

/// How long messages may be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) window: Duration,
    /// For which the queue hides them.
    pub(crate) visibility: Duration,
    /// Which their function may take.
    pub(crate) timeout: Duration,
}

impl Pending {
    /// Adds what was received now. A window that would outlast the time in which nobody else gets the messages is cut short.
    pub(crate) fn add(&mut self, received: Vec<Received>, now: Instant, patience: Patience) {
        if received.is_empty() {
            return;
        }
        let Patience { window, visibility, timeout } = patience;
        self.bytes += received.iter().map(|received| received.record.len()).sum::<usize>();
        self.received.extend(received);
        self.since.get_or_insert_with(|| Since {
            due: now + window.min(visibility.saturating_sub(timeout)),
            tries_until: now + visibility.saturating_sub(timeout.min(visibility / 2)),
        });
    }

    pub(crate) const fn len(&self) -> usize {
        self.received.len()
    }

    pub(crate) fn is_full(&self, batch_size: usize) -> bool {
        self.received.len() >= batch_size || self.bytes >= BYTES_MAX
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since.due)
    }

    /// Everything, if there is something.
    pub(crate) fn take(&mut self) -> Option<Gathered> {
        let taken = std::mem::take(self);
        let tries_until = taken.since?.tries_until;
        Some(Gathered { received: taken.received, tries_until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(bytes: usize) -> Vec<Received> {
        vec![Received {
            record: vec![b'1'; bytes],
            id: String::new(),
            handle: String::new(),
            trace: None,
        }]
    }

    fn patience(window: u64) -> Patience {
        Patience {
            window: Duration::from_secs(window),
            visibility: Duration::from_secs(30),
            timeout: Duration::from_secs(3),
        }
    }

    #[tokio::test]
    async fn a_window_begins_with_the_first_message() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        pending.add(Vec::new(), now, patience(5));
        assert_eq!((pending.due(), pending.len()), (None, 0));
        pending.add(received(1), now, patience(5));
        pending.add(received(1), after(4), patience(5));
        assert_eq!((pending.due(), pending.len()), (Some(after(5)), 2));
        assert!(!pending.is_full(3) && pending.is_full(2));
        let gathered = pending.take().unwrap();
        assert_eq!((gathered.received.len(), gathered.tries_until), (2, after(27)));
        assert!(pending.take().is_none());
        pending.add(received(1), now, patience(300));
        assert_eq!(
            pending.due(),
            Some(after(27)),
            "the messages are still ours when the function ends"
        );
        pending.add(received(BYTES_MAX), now, patience(300));
        assert!(pending.is_full(10_000));
    }
}
