// SPDX-License-Identifier: Apache-2.0
//! Traces on disk: the documents of their segments, kept for a while, and found again.
//!
//! They are in a log store of their own (`log_store`): what it is made for holds of them too. There is much of them, most are
//! never read, nobody waits for an fsync, and the oldest go first, by size and by age. A trace is found by reading what has
//! arrived since it began, which its id says; so there is no index, and a server without traces keeps nothing of this
//! in memory, and no thread. Where an operator names a collector of OpenTelemetry they are sent there as well (`export.rs`).
//!
//! Invariants:
//! - whoever keeps a document waits for nothing: what there is no room for is dropped and counted, and the log says so;
//! - a read sees what was kept before it;
//! - what one account kept in a region, no other reads.

mod clock;
mod export;
mod options;
mod otlp;
mod store;
mod trace;

pub use options::Options;
pub use store::{Seen, Traces};
pub use trace::Part;
