// SPDX-License-Identifier: Apache-2.0
//! A response on its way to its caller while the function still makes it.
//!
//! Invariant: a few pieces are on their way, and no more: a caller that reads slowly slows the function down. One that
//! is gone does not: what is written for nobody is thrown away, and the function runs to its end, as on AWS.

use bytes::Bytes;
use std::num::NonZeroU32;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces on their way at once. A piece is what one read of a runtime's connection gave, some 64 KiB at most.
const PARTS_MAX: usize = 4;

#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// The function began to answer. Not for a response that it made whole: that is in the `Outcome`.
    Began {
        /// What the function says its response is.
        content_type: Option<Box<str>>,
    },
    Piece(Bytes),
    /// The runtime ended the response with an error, which it describes.
    Failed {
        error_type: String,
        document: Bytes,
    },
}

/// How fast a response may go once it is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// This much of it goes as fast as it can.
    pub free_bytes: usize,
    pub bytes_per_second: NonZeroU32,
}

/// Where a response is written to.
#[derive(Debug, Clone)]
pub struct ResponseWriter {
    parts: mpsc::Sender<Part>,
    pub(crate) bandwidth: Option<Bandwidth>,
}

/// Where a response is read from.
#[derive(Debug)]
pub struct ResponseReader(mpsc::Receiver<Part>);

/// Nobody reads any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned;

/// Both ends of a response, which goes as fast as it can without a `bandwidth`.
pub fn response(bandwidth: Option<Bandwidth>) -> (ResponseWriter, ResponseReader) {
    let (parts, receiver) = mpsc::channel(PARTS_MAX);
    (ResponseWriter { parts, bandwidth }, ResponseReader(receiver))
}

impl Bandwidth {
    /// How long a response of so many bytes takes at least, from when it had more than its free ones. `None` before that.
    pub(crate) fn time_of(self, bytes: usize) -> Option<Duration> {
        let beyond = bytes.checked_sub(self.free_bytes).filter(|beyond| *beyond > 0)?;
        let beyond = u64::try_from(beyond).unwrap_or(u64::MAX);
        Some(Duration::from_micros(
            beyond.saturating_mul(1_000_000) / u64::from(self.bytes_per_second.get()),
        ))
    }
}

impl ResponseWriter {
    /// Waits until there is room.
    pub async fn write(&self, part: Part) -> Result<(), Abandoned> {
        self.parts.send(part).await.map_err(|_| Abandoned)
    }
}

impl ResponseReader {
    /// The next part; `None` when no writer is left.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        self.0.poll_recv(cx)
    }

    /// What is there already. For after the invocation has ended: nothing is written any more.
    pub fn take_next(&mut self) -> Option<Part> {
        self.0.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_free_bytes_takes_its_time() {
        let bytes_per_second = NonZeroU32::new(2 << 20).unwrap();
        let bandwidth = Bandwidth { free_bytes: 6 << 20, bytes_per_second };
        assert_eq!(bandwidth.time_of(6 << 20), None);
        assert_eq!(bandwidth.time_of(7 << 20), Some(Duration::from_millis(500)));
        assert_eq!(bandwidth.time_of(200 << 20), Some(Duration::from_secs(97)));
    }
}
