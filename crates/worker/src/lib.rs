// SPDX-License-Identifier: Apache-2.0
//! Execution environments and their life: sandbox, runtime and the Runtime API.
//!
//! Start at `worker.rs`, which makes environments, and `run.rs`, which runs an event on one. `state.rs` is pure and holds
//! the life cycle. Environments that run several events at once are in `multi`. How many environments there are is decided in `invoke`.

mod bytecode;
mod clock;
mod daemon;
mod delivery;
mod env_vars;
mod environment;
mod event;
mod extensions;
mod failure;
mod function;
mod ground;
mod host;
mod image;
mod life;
pub mod logs;
mod multi;
mod output;
mod response;
mod run;
mod runtime_api;
pub mod runtimes;
mod snap_start;
pub mod snapshots;
mod state;
pub mod stems;
mod telemetry;
mod worker;

pub use bytecode::{Bytecode, bytecode_dir};
pub use environment::Environment;
pub use event::{Event, Outcome};
pub use function::{Deployment, Function, FunctionImage, Initialization};
pub use host::{Host, Session};
pub use multi::{Busy, MultiEnvironment};
pub use response::{Abandoned, Bandwidth, Part, ResponseReader, ResponseWriter, response};
pub use run::NotDelivered;
pub use snap_start::{InitCause, SnapStartError};
pub use worker::{FailedInit, StartError, Worker};
