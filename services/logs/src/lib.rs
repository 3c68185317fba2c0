// SPDX-License-Identifier: Apache-2.0
//! Amazon CloudWatch Logs: log groups, streams and events by AWS's protocol.
//!
//! What is kept is in `log_store`; here are AWS's names, rules, limits and words. Start at `service.rs`. Reads and writes
//! touch the disk and run on threads that may block.
//!
//! Invariants:
//! - what a client put is on the disk before it is told so;
//! - what a function printed before its invocation was answered is found by the next read;
//! - what a subscription filter wants waits in its log group until its function has it.

mod address;
mod clock;
mod error;
mod following;
mod get;
mod groups;
mod live_tail;
mod measuring;
mod message;
mod metric_filters;
mod pattern;
mod policies;
mod put;
mod service;
mod streams;
mod subscriptions;
mod tags;
mod token;

pub use measuring::Metrics;
pub use policies::{OpenError, ResourcePolicies};
pub use service::Service;
