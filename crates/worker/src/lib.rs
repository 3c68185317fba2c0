//! Execution environments and their life: sandbox, runtime and the Runtime API.

mod event;
mod function;
pub mod runtimes;

pub use event::{Event, Outcome};
pub use function::{Deployment, Function};
