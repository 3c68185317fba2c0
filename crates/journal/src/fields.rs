// SPDX-License-Identifier: Apache-2.0
//! Reading an entry field by field. `None`: it is shorter than its kind says.
//!
//! Numbers are little-endian.

use bytes::Bytes;

pub fn take(from: &mut Bytes, length: usize) -> Option<Bytes> {
    (from.len() >= length).then(|| from.split_to(length))
}

pub fn take_u32(from: &mut Bytes) -> Option<u32> {
    Some(u32::from_le_bytes(take(from, 4)?.as_ref().try_into().ok()?))
}

pub fn take_u64(from: &mut Bytes) -> Option<u64> {
    Some(u64::from_le_bytes(take(from, 8)?.as_ref().try_into().ok()?))
}
