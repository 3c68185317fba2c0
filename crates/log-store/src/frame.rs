// SPDX-License-Identifier: Apache-2.0
//! What a segment consists of, byte by byte. Pure.
//!
//! ```text
//! frame:  length u32 | CRC-32 u32 | kind u8 | stream u32 | arrived i64 | body       length and CRC are of all behind them
//! body:   of events: as many as there are;   of a stream: whether it stays without events u8 | its name
//!         of events with a cause: its length u16 | the cause | events
//! event:  time i64 | length u32 | text                                              all numbers little-endian
//! ```
//!
//! Invariant: what can not be read as a whole frame ends the reading; nothing in it is trusted.

use bytes::{BufMut, BytesMut};

/// What stands before the kind.
const PRELUDE_BYTES: usize = 8;
/// Kind, stream and time of arrival.
const HEAD_BYTES: usize = 13;
const EVENT_HEAD_BYTES: usize = 12;
/// No frame is longer: of what clients put at once, and what a function prints in a batch, both are far from it.
const FRAME_BYTES_MAX: usize = 16 << 20;

const EVENTS: u8 = 1;
const STREAM: u8 = 2;
const STREAM_DELETED: u8 = 3;
const CAUSED_EVENTS: u8 = 4;

/// A number that a stream has in its group. A stream that was deleted and made again has another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct StreamId(pub(crate) u32);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) stream: StreamId,
    /// When it arrived here, or when the stream was made.
    pub(crate) arrived: i64,
    pub(crate) body: Body<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    Events(Events<'a>),
    /// Stands in each segment before the first event of the stream.
    Stream {
        name: &'a str,
        stays: bool,
    },
    StreamDeleted,
}

/// Adds an event to a batch: its text and what ends it.
pub fn put_event(batch: &mut BytesMut, time: i64, text: &[u8], end: &[u8]) {
    // Nobody has a text of four gigabytes.
    let length = u32::try_from(text.len() + end.len()).unwrap_or(u32::MAX);
    batch.put_i64_le(time);
    batch.put_u32_le(length);
    batch.put_slice(text);
    batch.put_slice(end);
}

pub(crate) fn put_events(
    out: &mut Vec<u8>,
    stream: StreamId,
    arrived: i64,
    cause: Option<&str>,
    events: &[u8],
) {
    let length = |cause: &str| u16::try_from(cause.len()).ok();
    match cause.and_then(|cause| Some((cause, length(cause)?))) {
        None => put(out, EVENTS, stream, arrived, &[events]),
        Some((cause, length)) => {
            let body = [&length.to_le_bytes()[..], cause.as_bytes(), events];
            put(out, CAUSED_EVENTS, stream, arrived, &body);
        }
    }
}

pub(crate) fn put_stream(out: &mut Vec<u8>, stream: StreamId, made: i64, stays: bool, name: &str) {
    put(out, STREAM, stream, made, &[&[u8::from(stays)], name.as_bytes()]);
}

pub(crate) fn put_stream_deleted(out: &mut Vec<u8>, stream: StreamId, at: i64) {
    put(out, STREAM_DELETED, stream, at, &[]);
}

/// Where the body of a frame begins, behind the beginning of the frame.
pub(crate) const BODY_AT: usize = PRELUDE_BYTES + HEAD_BYTES;

fn put(out: &mut Vec<u8>, kind: u8, stream: StreamId, arrived: i64, body: &[&[u8]]) {
    let length = HEAD_BYTES + body.iter().map(|part| part.len()).sum::<usize>();
    let begin = out.len();
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
    out.put_u32_le(0);
    out.put_u8(kind);
    out.put_u32_le(stream.0);
    out.put_i64_le(arrived);
    for part in body {
        out.put_slice(part);
    }
    let crc = crc32fast::hash(out.get(begin + PRELUDE_BYTES..).unwrap_or_default());
    if let Some(place) = out.get_mut(begin + 4..begin + 8) {
        place.copy_from_slice(&crc.to_le_bytes());
    }
}

/// The first frame of `bytes`, and how long it is.
pub(crate) fn read(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let (length, rest) = u32_of(bytes)?;
    let (crc, rest) = u32_of(rest)?;
    let length = usize::try_from(length).ok()?;
    if !(HEAD_BYTES..=FRAME_BYTES_MAX).contains(&length) {
        return None;
    }
    let checked = rest.get(..length)?;
    if crc32fast::hash(checked) != crc {
        return None;
    }
    let (kind, rest) = checked.split_first()?;
    let (stream, rest) = u32_of(rest)?;
    let (arrived, rest) = i64_of(rest)?;
    let body = match *kind {
        EVENTS => Body::Events(Events::within(rest, 0)),
        CAUSED_EVENTS => {
            let (length, behind) = rest.split_first_chunk()?;
            let cause = behind.get(..usize::from(u16::from_le_bytes(*length)))?;
            let events = Events::within(rest, length.len() + cause.len());
            Body::Events(Events { cause: Some(std::str::from_utf8(cause).ok()?), ..events })
        }
        STREAM => {
            let (stays, name) = rest.split_first()?;
            Body::Stream { name: std::str::from_utf8(name).ok()?, stays: *stays != 0 }
        }
        STREAM_DELETED => Body::StreamDeleted,
        _ => return None,
    };
    Some((Frame { stream: StreamId(stream), arrived, body }, PRELUDE_BYTES + length))
}

/// The frames of a part of a segment, each with its place in it. Ends before what is not whole.
pub(crate) fn frames(bytes: &[u8]) -> impl Iterator<Item = (usize, Frame<'_>, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (frame, length) = read(bytes.get(at..)?)?;
        let begin = at;
        at += length;
        Some((begin, frame, length))
    })
}

/// Events of a frame: the place of each in its body, its time and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Events<'a> {
    /// What made them, where that was told.
    pub(crate) cause: Option<&'a str>,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Events<'a> {
    /// Those of a body that begin at `at`.
    pub(crate) const fn within(bytes: &'a [u8], at: usize) -> Self {
        Self { cause: None, bytes, at }
    }

    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the next one begins.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = (usize, i64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (time, rest) = i64_of(self.bytes.get(self.at..)?)?;
        let (length, rest) = u32_of(rest)?;
        let text = rest.get(..usize::try_from(length).ok()?)?;
        let begin = self.at;
        self.at += EVENT_HEAD_BYTES + text.len();
        Some((begin, time, text))
    }
}

fn u32_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn i64_of(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_come_back() {
        let mut batch = BytesMut::new();
        put_event(&mut batch, 5, b"on", b"e");
        put_event(&mut batch, 6, b"", b"");
        let mut bytes = Vec::new();
        put_stream(&mut bytes, StreamId(7), 4, true, "a/b");
        put_events(&mut bytes, StreamId(7), 8, None, &batch);
        put_events(&mut bytes, StreamId(7), 8, Some("why"), &batch);
        put_stream_deleted(&mut bytes, StreamId(7), 9);

        let found: Vec<_> = frames(&bytes).map(|(_, frame, _)| frame).collect();
        let [stream, events, caused, deleted] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(stream.body, Body::Stream { name: "a/b", stays: true });
        let Body::Events(events) = events.body.clone() else { panic!("no events") };
        assert_eq!(events.cause, None);
        assert_eq!(events.collect::<Vec<_>>(), [(0, 5, b"one".as_slice()), (15, 6, b"")]);
        let Body::Events(events) = caused.body.clone() else { panic!("no events") };
        assert_eq!(events.cause, Some("why"));
        assert_eq!(events.collect::<Vec<_>>(), [(5, 5, b"one".as_slice()), (20, 6, b"")]);
        assert_eq!((&deleted.body, deleted.arrived), (&Body::StreamDeleted, 9));
    }

    proptest! {
        #[test]
        fn a_torn_tail_ends_the_reading(cut in 1_usize..60, noise in any::<Vec<u8>>()) {
            let mut bytes = Vec::new();
            put_stream(&mut bytes, StreamId(1), 0, false, "first");
            let whole = bytes.len();
            put_events(&mut bytes, StreamId(1), 0, None, &[7; 40]);
            bytes.truncate(bytes.len() - cut);
            prop_assert_eq!(frames(&bytes).map(|(_, _, length)| length).sum::<usize>(), whole);
            let _ = frames(&noise).count();
        }
    }
}
