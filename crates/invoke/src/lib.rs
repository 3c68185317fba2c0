// SPDX-License-Identifier: Apache-2.0
//! The path of one invocation: admission, lease, run, result.
//!
//! Start at `invoker.rs`. What decides is pure: `pool.rs`, `provision.rs` and `fleet.rs` who gets which environment, `turns.rs` who
//! starts next, `rate.rs` how fast. `start.rs`, `provisioned.rs`, `managed.rs` and `tend.rs` do it.

mod capacity;
mod fleet;
mod invoker;
mod lease;
mod managed;
mod options;
mod places;
mod pool;
mod pools;
mod provision;
mod provisioned;
mod rate;
mod scaling;
mod setbacks;
mod start;
mod states;
mod tend;
mod turns;

pub use invoker::{InvokeError, Invoker};
pub use managed::Managed;
pub use options::Options;
pub use provision::{Provisioned, Shortage};
pub use provisioned::Wanted;
pub use rate::{Bucket, Rate};
pub use states::{Census, States};
