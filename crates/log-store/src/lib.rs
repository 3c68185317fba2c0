// SPDX-License-Identifier: Apache-2.0
//! Log groups on disk: what functions print, and what clients put.
//!
//! A group is a directory: its settings (`settings.rs`), and segments that are written one after the other (`segment.rs`).
//! What arrives goes to the end of the last segment as it is; a segment that is long enough is compressed and never
//! changed again. The oldest ones are removed when the group, or all groups together, take too much room, and when all
//! in them is older than the group's retention. Start at `store.rs` for groups, at `group.rs` for one of them.
//!
//! Functions hand batches of events to a thread (`writer.rs`) and wait for nothing. Who puts events through the API
//! waits until they are on the disk.
//!
//! Invariants:
//! - an event that was read once is found at the same [`Position`] as long as it is there;
//! - a file that was cut off in the middle of a write is read up to there, and written on from there;
//! - what is too much for the thread is dropped at once and counted, and never waits in memory.
//!
//! What sends events on reads them here in the order of their arrival (`follow.rs`), when it is told that there are some
//! (`news.rs`).
//!
//! Not here: names and limits of AWS's API, patterns, what becomes of events.

mod block;
mod clock;
mod follow;
mod frame;
mod group;
mod lookout;
mod news;
mod options;
mod query;
mod segment;
mod settings;
mod store;
mod stream;
mod writer;

pub use follow::{Arrived, Followed, Place};
pub use frame::put_event;
pub use group::{AppendError, Group, Made};
pub use lookout::{Lookout, Sighted};
pub use news::News;
pub use options::Options;
pub use query::{Direction, Event, Page, Position, Query};
pub use settings::{MetricFilter, Settings, SubscriptionFilter};
pub use store::{CreateError, GroupKey, Logs, read_only};
pub use stream::StreamState;
pub use writer::{Batch, LogStream};
