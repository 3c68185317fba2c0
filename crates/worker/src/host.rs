// SPDX-License-Identifier: Apache-2.0
//! What the server gives to the code in a sandbox, beside its events: an identity, and AWS's APIs.

use crate::function::Function;
use std::any::Any;
use std::fmt;
use std::net::TcpListener;

/// Implemented by the application, which knows identities and the edge.
pub trait Host: Send + Sync + fmt::Debug {
    /// Short-lived credentials of the function's role, for one environment.
    fn open_session(&self, function: &Function, session_name: &str) -> std::io::Result<Session>;

    /// Serves AWS's APIs on a listener inside a sandbox, until the value is dropped.
    fn serve(&self, listener: TcpListener) -> std::io::Result<Box<dyn Any + Send + Sync>>;
}

/// Credentials of one environment, and what keeps them and its way to the edge alive.
pub struct Session {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    /// When they end, in milliseconds since 1970.
    pub expires_at_ms: u64,
    /// Dropped with the environment: the credentials end.
    pub lifeline: Vec<Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
