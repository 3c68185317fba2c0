// SPDX-License-Identifier: Apache-2.0
//! A part of a segment that is read, and compressed, as one. Pure.

use crate::frame::{self, Body, Frame, StreamId};
use flate2::Compression;
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};

/// A block is at least this long, uncompressed, if it is not the last one.
const BLOCK_BYTES: usize = 128 << 10;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Where it is in the segment, uncompressed.
    pub(crate) raw_at: u32,
    pub(crate) raw_length: u32,
    /// Where it is in the file.
    pub(crate) at: u64,
    pub(crate) length: u32,
    /// The times of its events. Without any, the greatest and the least.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// How many events are in it.
    #[serde(default)]
    pub(crate) events: u32,
    /// Whose events are in it, in order.
    pub(crate) streams: Vec<StreamId>,
}

/// Adds a frame to the index of a segment that is not compressed.
pub(crate) fn note(blocks: &mut Vec<Block>, at: usize, length: usize, frame: &Frame<'_>) {
    let (at, length) = (short(at), short(length));
    let is_full = |block: &Block| usize::try_from(block.raw_length).unwrap_or(0) >= BLOCK_BYTES;
    if blocks.last().is_none_or(is_full) {
        blocks.push(Block {
            raw_at: at,
            raw_length: 0,
            at: u64::from(at),
            length: 0,
            first: i64::MAX,
            last: i64::MIN,
            events: 0,
            streams: Vec::new(),
        });
    }
    let Some(block) = blocks.last_mut() else { return };
    block.raw_length += length;
    block.length += length;
    if let Body::Events(events) = frame.body.clone() {
        for (_, time, _) in events {
            block.first = block.first.min(time);
            block.last = block.last.max(time);
            block.events += 1;
        }
        if let Err(place) = block.streams.binary_search(&frame.stream) {
            block.streams.insert(place, frame.stream);
        }
    }
}

/// A segment is written at a few megabytes and never comes near this.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Block {
    /// Where it is in the raw segment.
    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        let at = usize::try_from(self.raw_at).unwrap_or(usize::MAX);
        at..at.saturating_add(usize::try_from(self.raw_length).unwrap_or(usize::MAX))
    }

    /// The same block at another place of another file.
    pub(crate) fn moved(&self, at: u64, length: usize) -> Self {
        Self { at, length: short(length), ..self.clone() }
    }

    /// The frames of its bytes, each with its place in the segment.
    pub(crate) fn frames<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = (usize, Frame<'a>)> {
        let begin = self.range().start;
        frame::frames(bytes).map(move |(at, frame, _)| (begin + at, frame))
    }
}

pub(crate) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::DeflateEncoder::new(
        Vec::with_capacity(bytes.len() / 4),
        Compression::fast(),
    );
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// At most as much as the index says that there is.
pub(crate) fn decompress(bytes: &[u8], raw_length: u32) -> io::Result<Vec<u8>> {
    let mut raw = Vec::with_capacity(usize::try_from(raw_length).unwrap_or(0).min(64 << 20));
    flate2::read::DeflateDecoder::new(bytes).take(u64::from(raw_length)).read_to_end(&mut raw)?;
    Ok(raw)
}
