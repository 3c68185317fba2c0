// SPDX-License-Identifier: Apache-2.0
//! What a sandbox may see and use, and the launcher that builds it.
//!
//! The server holds a `Launcher`, which stands for a small process of the same name. `Launcher::launch` turns a `Spec` into a
//! running `Sandbox`. What happens in between is in `launcher`.
//!
//! This crate knows nothing of functions, events or the Runtime API's messages: it hands out listeners and never reads from them.

mod capability;
mod cpu;
mod error;
mod greeting;
mod handle;
mod launch;
mod launcher;
mod limits;
mod memory;
mod news;
mod options;
mod order;
mod pace;
mod ready;
mod request;
mod sandbox;
mod snapshot;
mod spec;
mod watch;

pub use capability::Capability;
pub use error::{Blame, LaunchError, SnapshotError, StartError, Step};
pub use handle::{Launcher, Starting, probe, probe_with};
pub use launcher::launcher_main;
pub use options::{CpuPolicy, Level, Network, Options};
pub use ready::Hurry;
pub use sandbox::{Exit, MemoryPeak, Process, Sandbox};
pub use spec::{Limits, Mount, Spec};
