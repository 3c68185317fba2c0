// SPDX-License-Identifier: Apache-2.0
//! What functions get from this server: credentials of their role, and the edge.

use edge::{Edge, Identity, Listening};
use std::any::Any;
use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use worker::{Function, Host, Session};

/// The worker needs a host before there are services, and the edge needs the services: the edge comes last.
pub(crate) struct FunctionHost {
    identity: Arc<Identity>,
    /// How long the credentials of an environment are good.
    credentials_max: Duration,
    edge: OnceLock<Arc<Edge>>,
}

/// Ends a session when the environment it was made for is gone.
struct Revoke {
    identity: Arc<Identity>,
    access_key_id: String,
}

impl FunctionHost {
    pub(crate) fn new(identity: Arc<Identity>, credentials_max: Duration) -> Self {
        Self { identity, credentials_max, edge: OnceLock::new() }
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
        let lasts_ms = u64::try_from(self.credentials_max.as_millis()).unwrap_or(u64::MAX);
        let expires_at_ms = crate::metering::epoch_ms().saturating_add(lasts_ms);
        let expires_at_s = i64::try_from(expires_at_ms / 1000).unwrap_or(i64::MAX);
        let credentials = self.identity.issue_session(
            &function.account,
            &function.role,
            session_name,
            expires_at_s,
        );
        let access_key_id = credentials.access_key_id.clone();
        let revoke = Revoke { identity: Arc::clone(&self.identity), access_key_id };
        Ok(Session {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
            expires_at_ms,
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
