// SPDX-License-Identifier: Apache-2.0
//! What functions get from this server: credentials of their role, and the edge.

use edge::{Edge, Identity, Listening};
use std::any::Any;
use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use worker::{Function, Host, Session};

/// The worker needs a host before there are services, and the edge needs the services: the edge comes last.
pub(crate) struct FunctionHost {
    identity: Arc<Identity>,
    edge: OnceLock<Arc<Edge>>,
}

/// Ends a session when the environment it was made for is gone.
struct Revoke {
    identity: Arc<Identity>,
    access_key_id: String,
}

impl FunctionHost {
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        Self { identity, edge: OnceLock::new() }
    }

    pub(crate) fn set_edge(&self, edge: Arc<Edge>) {
        // A second edge would be ignored; there is one.
        drop(self.edge.set(edge));
    }
}

impl fmt::Debug for FunctionHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionHost").finish_non_exhaustive()
    }
}

impl Host for FunctionHost {
    fn open_session(&self, function: &Function, session_name: &str) -> std::io::Result<Session> {
        let credentials =
            self.identity.issue_session(&function.account, &function.role, session_name);
        let access_key_id = credentials.access_key_id.clone();
        let revoke = Revoke { identity: Arc::clone(&self.identity), access_key_id };
        Ok(Session {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            lifeline: vec![Box::new(revoke)],
        })
    }

    fn serve(&self, listener: TcpListener) -> std::io::Result<Box<dyn Any + Send + Sync>> {
        let edge =
            self.edge.get().ok_or_else(|| std::io::Error::other("the edge is not open yet"))?;
        let listening: Listening = edge.listen(listener)?;
        Ok(Box::new(listening))
    }
}

impl Drop for Revoke {
    fn drop(&mut self) {
        self.identity.revoke(&self.access_key_id);
    }
}
