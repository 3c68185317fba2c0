// SPDX-License-Identifier: Apache-2.0
//! Frames: how a runtime tells where a log record ends, so that a record of several lines stays one. Pure.
//!
//! ```text
//! type: 4 bytes | length: 4 bytes | microseconds since 1970: 8 bytes | the record
//! ```
//!
//! All numbers are big-endian. A type is `0xa55a`, then the level in bits 2 to 4 (0: none), then the form in bits 0 and 1: 1 is text
//! without a time, 2 is JSON, 3 is text. What does not begin like a frame is printed text.
//!
//! Invariants:
//! - whatever arrives, at most one read and `RECORD_BYTES_MAX` are held;
//! - no byte is lost: a record that is too long becomes several.

use super::RECORD_BYTES_MAX;
use super::level::Level;
use bytes::{Buf, Bytes, BytesMut};

const MAGIC: [u8; 2] = [0xa5, 0x5a];
const TEXT_WITHOUT_TIME: u8 = 1;

/// What came through the pipe, put together again.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
    /// What is left of a record that was too long, and its level.
    rest: usize,
    level: Option<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Record {
        /// If the runtime said one.
        level: Option<Level>,
        bytes: Bytes,
    },
    /// Written by somebody who does not know about frames.
    Printed(Bytes),
}

struct Head {
    level: Option<Level>,
    length: usize,
    record_length: usize,
}

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next piece that is whole.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        if self.rest == 0 {
            let printed = self.printed_length();
            if printed > 0 {
                return Some(Piece::Printed(self.buffer.split_to(printed).freeze()));
            }
            let head = self.head()?;
            let is_whole =
                self.buffer.len() >= head.length + head.record_length.min(RECORD_BYTES_MAX);
            if !is_whole {
                return None;
            }
            self.buffer.advance(head.length);
            self.rest = head.record_length;
            self.level = head.level;
            if self.rest == 0 {
                return Some(Piece::Record { level: self.level, bytes: Bytes::new() });
            }
        }
        let length = self.rest.min(RECORD_BYTES_MAX);
        if self.buffer.len() < length {
            return None;
        }
        self.rest -= length;
        let bytes = self.buffer.split_to(length).freeze();
        Some(Piece::Record { level: self.level, bytes })
    }

    /// What never became a frame, at the end.
    pub(crate) fn take_rest(&mut self) -> Option<Piece> {
        let bytes = self.buffer.split().freeze();
        let was_record = std::mem::take(&mut self.rest) > 0;
        match (bytes.is_empty(), was_record) {
            (true, _) => None,
            (false, true) => Some(Piece::Record { level: self.level, bytes }),
            (false, false) => Some(Piece::Printed(bytes)),
        }
    }

    /// How much there is before what may be a frame.
    fn printed_length(&self) -> usize {
        let [first, second] = MAGIC;
        let may_begin = |at: usize| match self.buffer.get(at + 1) {
            Some(byte) => *byte == second,
            None => true,
        };
        let mut candidates = memchr::memchr_iter(first, &self.buffer);
        candidates.find(|at| may_begin(*at)).unwrap_or(self.buffer.len())
    }

    fn head(&self) -> Option<Head> {
        let (kind, rest) = self.buffer.split_first_chunk::<4>()?;
        let (length, _) = rest.split_first_chunk::<4>()?;
        let [_, _, _, kind] = *kind;
        let level = match kind >> 2 & 7 {
            1 => Some(Level::Trace),
            2 => Some(Level::Debug),
            3 => Some(Level::Info),
            4 => Some(Level::Warn),
            5 => Some(Level::Error),
            6 => Some(Level::Fatal),
            _ => None,
        };
        let head_length = if kind & 3 == TEXT_WITHOUT_TIME { 8 } else { 16 };
        let record_length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        (self.buffer.len() >= head_length).then_some(Head {
            level,
            length: head_length,
            record_length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u32, record: &[u8]) -> Vec<u8> {
        let mut frame = kind.to_be_bytes().to_vec();
        frame.extend(u32::try_from(record.len()).unwrap().to_be_bytes());
        if kind & 3 != 1 {
            frame.extend(1_700_000_000_000_000_u64.to_be_bytes());
        }
        frame.extend(record);
        frame
    }

    fn pieces(frames: &mut Frames, bytes: &[u8]) -> Vec<Piece> {
        frames.push(bytes);
        std::iter::from_fn(|| frames.next()).collect()
    }

    fn record(level: Option<Level>, text: &str) -> Piece {
        Piece::Record { level, bytes: Bytes::copy_from_slice(text.as_bytes()) }
    }

    #[test]
    fn every_kind_of_frame_is_known() {
        for (kind, level) in [
            (0xa55a_0001, None),
            (0xa55a_0002, None),
            (0xa55a_0003, None),
            (0xa55a_0007, Some(Level::Trace)),
            (0xa55a_000a, Some(Level::Debug)),
            (0xa55a_000f, Some(Level::Info)),
            (0xa55a_0013, Some(Level::Warn)),
            (0xa55a_0016, Some(Level::Error)),
            (0xa55a_001b, Some(Level::Fatal)),
        ] {
            let found = pieces(&mut Frames::default(), &frame(kind, b"a\nb\n"));
            assert_eq!(found, [record(level, "a\nb\n")], "{kind:x}");
        }
    }

    #[test]
    fn text_between_frames_is_printed_text() {
        let bytes = [b"one \xa5".as_slice(), &frame(0xa55a_0003, b""), b"two"].concat();
        let mut frames = Frames::default();
        let printed = |text: &'static [u8]| Piece::Printed(Bytes::from_static(text));
        assert_eq!(
            pieces(&mut frames, &bytes),
            [printed(b"one \xa5"), record(None, ""), printed(b"two")]
        );
        assert_eq!(pieces(&mut frames, b"\xa5"), []);
        assert_eq!(frames.take_rest(), Some(printed(b"\xa5")));
    }

    #[test]
    fn a_record_that_is_too_long_becomes_several() {
        let long = vec![b'x'; RECORD_BYTES_MAX + 5];
        let found = pieces(&mut Frames::default(), &frame(0xa55a_000f, &long));
        let lengths: Vec<_> = found
            .iter()
            .map(|piece| match piece {
                Piece::Record { level: Some(Level::Info), bytes } => bytes.len(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(lengths, [RECORD_BYTES_MAX, 5]);
    }

    proptest! {
        #[test]
        fn frames_survive_however_they_are_cut(
            records in proptest::collection::vec("[a-z\n]{0,20}", 1..6),
            cut in 1_usize..40,
        ) {
            let bytes: Vec<u8> = records.iter().flat_map(|text| frame(0xa55a_000f, text.as_bytes())).collect();
            let mut frames = Frames::default();
            let found: Vec<_> = bytes.chunks(cut).flat_map(|part| pieces(&mut frames, part)).collect();
            let expected: Vec<_> = records.iter().map(|text| record(Some(Level::Info), text)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_are_lost_or_kept_for_ever(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..20),
        ) {
            let mut frames = Frames::default();
            for part in &parts {
                let _ = pieces(&mut frames, part);
                prop_assert!(frames.buffer.len() <= RECORD_BYTES_MAX + 64 + 16);
            }
            let _ = frames.take_rest();
            prop_assert!(frames.buffer.is_empty());
        }
    }
}
