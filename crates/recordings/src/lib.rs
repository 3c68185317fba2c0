// SPDX-License-Identifier: Apache-2.0
//! Recordings: what functions were invoked with and how that ended, for those that asked for it, so that it can be looked at and
//! played again.
//!
//! Start at `record.rs` for what is kept of an invocation, at `recordings.rs` for what can be done with it. `queue.rs` is the way
//! to the disk, which is a log store of its own: a group for each function, bounded by size and by age.
//!
//! Invariants:
//! - whoever invokes never waits: what is too much for the queue is not recorded, and counted;
//! - the payload that is read is byte for byte the one that was recorded;
//! - nothing is made, no thread and no file, before the first invocation is recorded.
//!
//! Not here: which functions want it, and how an invocation is played again.

mod options;
mod queue;
mod record;
mod recordings;

pub use log_store::GroupKey as FunctionKey;
pub use options::Options;
pub use record::{Kind, Outcome, Recorded, Recording, error_type};
pub use recordings::{Recordings, Wanted};
