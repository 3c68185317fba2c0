// SPDX-License-Identifier: Apache-2.0
//! What functions use, counted where it is reported, and what else happens to them, and to queues, topics, rules and schedules.
//!
//! A [`Meter`] belongs to one deployment of one function version. Whoever reports an invocation counts it there: a lock
//! that nobody else holds, and a few additions. Now and then somebody drains what was counted, and learns of the meters
//! that counted something only: what is not used costs nothing. A [`Tally`] does the same for one resource of another service.
//!
//! Invariants:
//! - everything counted is drained once;
//! - nothing here reads a clock or keeps anything: who drains does.

mod distribution;
mod meter;
mod metric;
mod tally;

pub use distribution::Distribution;
pub use meter::{Counted, Drained, Meter, Meters, Use, Whose, Window};
pub use metric::{Metric, Note, Scope, Subject};
pub use tally::{Measure, Resource, Tallied, Tally, drain_tallies};
