// SPDX-License-Identifier: Apache-2.0
//! Pollers of event source mappings: they bring the messages of queues to functions.
//!
//! Start at `poller.rs` for the life of one mapping, at `batch.rs` for what becomes of a batch. `pending.rs`, `scale.rs` and
//! `response.rs` are pure: what waits for its window, how many batches may run, and which messages failed. Queues are called
//! by the operations that clients call, as the role of the function; a queue that has nothing is not asked again and again.
//!
//! Invariants:
//! - a message is deleted only after its function had it, or when no filter is for it;
//! - mappings do not wait for each other;
//! - of a FIFO queue no batch follows before the one ahead of it has ended; which messages of a batch failed, its function says.
//!
//! Not here: which mappings there are, and what they may say.

mod batch;
mod event;
mod mapping;
mod pending;
mod poller;
mod pollers;
mod queue;
mod response;
mod room;
mod scale;
mod seams;

pub use mapping::{Mapping, Scaling};
pub use pollers::{Pollers, Standing};
pub use queue::{Problem, Reach};
pub use room::Options;
pub use seams::{Answer, Counted, Functions, NotInvoked, Owner, Queues, Roles, Sources};
