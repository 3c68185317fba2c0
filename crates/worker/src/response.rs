// SPDX-License-Identifier: Apache-2.0
//! A response on its way to its caller while the function still makes it.
//!
//! Invariant: a few pieces are on their way, and no more: a caller that reads slowly slows the function down. One that
//! is gone does not: what is written for nobody is thrown away, and the function runs to its end, as on AWS.

use bytes::Bytes;
use std::task::{Context, Poll};
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

/// Where a response is written to.
#[derive(Debug, Clone)]
pub struct ResponseWriter(mpsc::Sender<Part>);

/// Where a response is read from.
#[derive(Debug)]
pub struct ResponseReader(mpsc::Receiver<Part>);

/// Nobody reads any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abandoned;

/// Both ends of a response.
pub fn response() -> (ResponseWriter, ResponseReader) {
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    (ResponseWriter(sender), ResponseReader(receiver))
}

impl ResponseWriter {
    /// Waits until there is room.
    pub async fn write(&self, part: Part) -> Result<(), Abandoned> {
        self.0.send(part).await.map_err(|_| Abandoned)
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
