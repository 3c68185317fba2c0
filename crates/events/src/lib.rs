// SPDX-License-Identifier: Apache-2.0
//! The durable queue of asynchronous invocations.
//!
//! What is kept here is on disk before it is acknowledged, and runs until its end is known, whatever happens to the
//! server. Start at `queue.rs`; `ledger.rs` is pure and decides what runs next. What is written is `crates/journal`'s.
//!
//! Payloads stay on the disk, in files that only grow and are removed in the order of their age: an index of what
//! waits is all that is in memory.
//!
//! Invariants:
//! - acknowledged means on disk, and on disk means run at least once;
//! - one function's backlog delays no other function.
//!
//! Not here: what an item means, how it is run, when it has failed for good, and where it goes then.

mod entry;
mod ledger;
mod options;
mod queue;
mod recovery;

pub use ::journal::{KeepError, OpenError, disk};
pub use entry::Class;
pub use ledger::{LineState, Refused};
pub use options::Options;
pub use queue::{Keeping, New, Next, NotKept, Queue, Waiting, Work};
