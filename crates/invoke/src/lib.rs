// SPDX-License-Identifier: Apache-2.0
//! The path of one invocation: admission, lease, run, result.
//!
//! Start at `invoker.rs`; `pool.rs` is pure and holds the policy.

mod invoker;
mod pool;

pub use invoker::{InvokeError, Invoker, Options};
