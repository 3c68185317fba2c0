// SPDX-License-Identifier: Apache-2.0
//! How an entry stands in a file: its length (4 bytes), the CRC-32 of the length and the entry (4), the entry.
//!
//! Numbers are little-endian. The format is one of the data directory's: what is read here was written by this build or an
//! older one.

/// Before each entry.
pub(crate) const FRAME_BYTES: usize = 8;
/// Longer than any entry may be: a length above it was never written.
const ENTRY_BYTES_MAX: usize = 64 << 20;

/// An entry, ready to be written.
#[derive(Debug, Clone)]
pub struct Frame(pub(crate) Vec<u8>);

impl Frame {
    /// The entry that `write` appends to the bytes it is given. `None` if that is what `write` answers, or the entry is longer
    /// than one may be.
    pub fn of(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<Self> {
        let mut frame = vec![0; FRAME_BYTES];
        write(&mut frame)?;
        let length = frame.len() - FRAME_BYTES;
        if length == 0 || length > ENTRY_BYTES_MAX {
            return None;
        }
        let length = u32::try_from(length).ok()?.to_le_bytes();
        let (head, entry) = frame.split_at_mut(FRAME_BYTES);
        head.copy_from_slice(&[length, checksum(length, entry).to_le_bytes()].concat());
        Some(Self(frame))
    }

    /// The entry alone.
    pub fn entry(&self) -> &[u8] {
        self.0.get(FRAME_BYTES..).unwrap_or_default()
    }
}

/// The length that a frame's head tells, and its checksum. `None` for what no frame begins with.
pub(crate) fn frame(head: [u8; FRAME_BYTES]) -> Option<(usize, u32)> {
    let (length, sum) = head.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let sum = u32::from_le_bytes(*sum.first_chunk::<4>()?);
    (length > 0 && length <= ENTRY_BYTES_MAX).then_some((length, sum))
}

/// Whether `entry` is what the frame with this checksum was made of.
pub(crate) fn is_whole(entry: &[u8], sum: u32) -> bool {
    u32::try_from(entry.len()).is_ok_and(|length| checksum(length.to_le_bytes(), entry) == sum)
}

fn checksum(length: [u8; 4], entry: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(entry);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 1..100)
    }

    fn frame_of(entry: &[u8]) -> Vec<u8> {
        let frame = Frame::of(|bytes| {
            bytes.extend(entry);
            Some(())
        });
        frame.unwrap().0
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(entry in entry()) {
            let bytes = frame_of(&entry);
            let (length, sum) = frame(*bytes.first_chunk().unwrap()).unwrap();
            prop_assert_eq!(length, bytes.len() - FRAME_BYTES);
            prop_assert!(is_whole(&bytes[FRAME_BYTES..], sum));
            prop_assert_eq!(&bytes[FRAME_BYTES..], entry);
        }

        #[test]
        fn what_was_torn_is_not_read(entry in entry(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let mut bytes = frame_of(&entry);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let whole = frame(*bytes.first_chunk().unwrap())
                .is_some_and(|(length, sum)| bytes.get(FRAME_BYTES..FRAME_BYTES + length).is_some_and(|entry| is_whole(entry, sum)));
            prop_assert!(!whole);
        }
    }
}
