// SPDX-License-Identifier: Apache-2.0
//! Environments that run several invocations at once, as those of AWS's Managed Instances do.
//!
//! They are apart from the others, which are tuned for one invocation at a time and frozen between two. Here a runtime
//! asks for events on several connections, each invocation ends for itself, and nothing is ever frozen. An invocation
//! that takes too long is told so and loses its caller, while its code goes on: AWS does not stop it either. When the
//! process ends, all invocations fail, and so does the environment.
//!
//! Start at `state.rs`, which is pure, and at `run.rs`, which runs an event.

mod environment;
mod run;
mod state;

pub use environment::MultiEnvironment;
pub use run::Busy;

pub(crate) use state::{Answer, Next};
