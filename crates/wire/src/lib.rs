//! AWS wire protocols: how a request becomes an input and an output a response.

mod context;
mod fault;
mod service;

pub use context::{Caller, Context};
pub use fault::{Blame, Fault, MessageKey, Result};
pub use service::{BoxFuture, Endpoint, OperationSpec, Protocol, Request, Response, Route, ServiceSpec};
