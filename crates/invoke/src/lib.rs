//! The path of one invocation: admission, lease, run, result.

use std::sync::Arc;
use worker::{Deployment, Event, Function, Outcome};

/// Runs events on functions: the one way to invoke, for API calls and event sources alike.
#[derive(Debug, Clone)]
pub struct Invoker {}

/// Why an event did not reach a function. What the function itself did wrong is in `Outcome`.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No environment was free and none may be added. Retry later.
    #[error("throttled: {reason}")]
    Throttled {
        /// `ConcurrentInvocationLimitExceeded`, `ReservedFunctionConcurrentInvocationLimitExceeded`
        reason: &'static str,
    },
    /// The runtime is not installed on this machine. The text says how to install it.
    #[error("{0}")]
    RuntimeNotInstalled(String),
    /// The sandbox could not be built. Our fault; the cause was logged.
    #[error("failed to start an execution environment")]
    StartFailed,
    /// The server is going down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl Invoker {
    /// Runs one event to its end. A caller that goes away does not stop it.
    pub async fn invoke(&self, function: &Arc<Function>, event: Event) -> Result<Outcome, InvokeError> {
        let _ = (function, event);
        Err(InvokeError::StartFailed)
    }

    /// No event runs on `deployment` any more: idle environments stop now, busy ones after their invocation.
    pub fn retire(&self, deployment: Deployment) {
        let _ = deployment;
    }
}
