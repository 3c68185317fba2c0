// SPDX-License-Identifier: Apache-2.0
//! A journal: entries on disk in the order in which they happened, in files that only grow.
//!
//! Whoever appends waits for the disk; what arrives meanwhile shares the next fsync. Start at `writer.rs`;
//! `recovery.rs` reads what is there at start, `disk.rs` is the seam where tests let a disk fail.
//!
//! Invariants:
//! - `append` returns a place only after the fsync that covers it;
//! - what is read was written whole, or a checksum of 32 bits was fooled.
//!
//! Not here: what an entry means, and when a file is not needed any more.

pub mod disk;
pub mod fields;
mod frame;
mod recovery;
mod writer;

pub use frame::Frame;
pub use recovery::{Found, OpenError, recover};
pub use writer::{Begun, Files, Format, Journal, KeepError, Place, syncs};
