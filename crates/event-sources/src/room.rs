// SPDX-License-Identifier: Apache-2.0
//! How much all pollers together may hold of messages. Who is about to receive more waits while it is too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Section `[event_sources]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes of messages that wait for their functions, or are with them, of all event source mappings together. While there are
    /// more, no further ones are received. Default: 256 MiB.
    pub bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes_max: 256 << 20 }
    }
}

#[derive(Debug)]
pub(crate) struct Room {
    bytes_max: usize,
    bytes: AtomicUsize,
    freed: Notify,
}

/// Counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(crate) fn new(options: &Options) -> Arc<Self> {
        let (bytes, freed) = (AtomicUsize::new(0), Notify::new());
        Arc::new(Self { bytes_max: options.bytes_max, bytes, freed })
    }

    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Held { room: Arc::clone(self), bytes }
    }

    /// Waits until there is room. What one receipt brings may be beyond it.
    pub(crate) async fn free(&self) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.bytes.load(Ordering::Acquire) < self.bytes_max {
                return;
            }
            freed.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn who_would_hold_too_much_waits_until_something_is_let_go() {
        let room = Room::new(&Options { bytes_max: 10 });
        room.free().await;
        let held = room.hold(12);
        let waited = tokio::time::timeout(Duration::from_secs(60), room.free()).await;
        assert!(waited.is_err());
        drop(held);
        room.free().await;
    }
}
