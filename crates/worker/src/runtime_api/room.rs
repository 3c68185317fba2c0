// SPDX-License-Identifier: Apache-2.0
//! How much of what the connections of one environment are being sent may be held at once.
//!
//! A request is held until it is whole, and a function may open many connections: without this, each could hold an
//! answer that never ends. A connection that would hold too much is closed.

use super::request::invalid;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two of the largest requests, and more.
const BYTES_MAX: usize = 16 << 20;
/// What is not counted: with it, ordinary requests cost nothing here.
const FREE_BYTES: usize = 64 << 10;

#[derive(Debug, Default)]
pub(crate) struct Room {
    held: AtomicUsize,
}

/// What one connection holds.
#[derive(Debug, Default)]
pub(super) struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Share {
    pub(super) fn of(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), bytes: 0 }
    }

    /// From now on the connection holds this much.
    pub(super) fn hold(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = if bytes <= FREE_BYTES { 0 } else { bytes };
        if bytes == self.bytes {
            return Ok(());
        }
        self.give_back();
        if self.room.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > BYTES_MAX {
            self.room.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(invalid("too much is on its way at once"));
        }
        self.bytes = bytes;
        Ok(())
    }

    fn give_back(&mut self) {
        self.room.held.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_what_may_be_held() {
        let room = Arc::new(Room::default());
        let (mut one, mut other) = (Share::of(&room), Share::of(&room));
        assert!(one.hold(BYTES_MAX - 100_000).is_ok());
        assert!(other.hold(FREE_BYTES).is_ok(), "ordinary requests are not counted");
        assert!(other.hold(100_001).is_err());
        assert!(other.hold(100_000).is_ok());
        assert!(one.hold(0).is_ok());
        assert!(other.hold(BYTES_MAX).is_ok());
        drop((one, other));
        assert_eq!(room.held.load(Ordering::Relaxed), 0);
    }
}
