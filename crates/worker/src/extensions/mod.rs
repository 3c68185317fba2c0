// SPDX-License-Identifier: Apache-2.0
//! The Extensions API, version 2020-01-01: programs and libraries that live beside a function's handler.
//!
//! `roster` is pure and holds where each extension is in its life; `api` answers their requests; `external` starts those that
//! are programs; `life` is what they mean for their environment: when init is over, when it may have the next event, how
//! it is stopped.
//!
//! Invariant: an environment without extensions pays one look at a flag for all of this on its warm path.

mod api;
mod external;
mod life;
mod roster;
mod subscribe;

pub(crate) use api::Call;
pub(crate) use external::{Exits, External, has_any};
pub(crate) use life::{answer, runtime_parked, stop, watch_ends};
pub(crate) use roster::EXTENSIONS_MAX;
pub(crate) use subscribe::{answer_subscriber, api_of};

use crate::event::Event;
use crate::failure::Failure;
use crate::function::Function;
use crate::runtime_api::Connection;
use bytes::Bytes;
use roster::Roster;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::net::unix::pipe;
use tokio::sync::Notify;

/// Why an environment is stopped, as its extensions are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Spindown,
    Timeout,
    Failure,
}

impl Reason {
    /// Of an init phase that failed.
    pub(crate) const fn after(failure: &Failure) -> Self {
        match failure {
            Failure::TimedOut => Self::Timeout,
            _ => Self::Failure,
        }
    }
}

/// The extensions of one environment.
#[derive(Debug)]
pub(crate) struct Extensions {
    /// Never `false` again.
    has_any: AtomicBool,
    roster: Mutex<Roster<Connection>>,
    /// The roster, the runtime or the environment has moved on.
    changed: Notify,
    /// Where the shell that started external ones is told what to signal to the runtime.
    orders: Option<pipe::Sender>,
    has_runtime_ended: AtomicBool,
    /// The event that tells of the end.
    shutdown: OnceLock<String>,
}

impl Extensions {
    /// `external` are the names of those that are programs.
    pub(crate) fn new(
        function: &Function,
        external: Vec<String>,
        orders: Option<pipe::Sender>,
    ) -> Self {
        let has_any = AtomicBool::new(!external.is_empty());
        let roster = match function.max_concurrency {
            Some(_) => Roster::beside_several(external),
            None => Roster::new(external),
        };
        Self {
            has_any,
            roster: Mutex::new(roster),
            changed: Notify::new(),
            orders,
            has_runtime_ended: AtomicBool::new(false),
            shutdown: OnceLock::new(),
        }
    }

    pub(crate) fn has_any(&self) -> bool {
        self.has_any.load(Ordering::Acquire)
    }

    /// Lets those look again who wait for something.
    pub(crate) fn moved_on(&self) {
        self.changed.notify_waiters();
    }

    fn roster(&self) -> MutexGuard<'_, Roster<Connection>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the shell in the sandbox send `signal` to the runtime.
    fn signal_runtime(&self, signal: &str) {
        if let Some(orders) = &self.orders
            && let Err(error) = orders.try_write(format!("{signal}\n").as_bytes())
        {
            tracing::debug!(%error, "runtime not signalled");
        }
    }

    /// Waits until `is_met`, which is looked at after each change.
    async fn until(&self, is_met: impl Fn() -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_met() {
                return;
            }
            changed.await;
        }
    }
}

/// What extensions are told of an invocation.
fn invoke_event(event: &Event, deadline_ms: u64) -> String {
    let Event { request_id, invoked_arn, trace_id, .. } = event;
    let tracing = serde_json::json!({ "type": "X-Amzn-Trace-Id", "value": trace_id });
    serde_json::json!({
        "eventType": "INVOKE",
        "deadlineMs": deadline_ms,
        "requestId": request_id.to_string(),
        "invokedFunctionArn": invoked_arn,
        "tracing": tracing,
    })
    .to_string()
}

fn shutdown_event(reason: Reason, deadline_ms: u64) -> String {
    let reason = match reason {
        Reason::Spindown => "SPINDOWN",
        Reason::Timeout => "TIMEOUT",
        Reason::Failure => "FAILURE",
    };
    serde_json::json!({
        "eventType": "SHUTDOWN",
        "shutdownReason": reason,
        "deadlineMs": deadline_ms,
    })
    .to_string()
}

/// Queues the answer to an extension's `next`.
fn queue_event(connection: &mut Connection, event: &str) {
    let id = uuid::Uuid::new_v4();
    let length = event.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Extension-Event-Identifier: {id}\r\nContent-Length: {length}\r\n\r\n{event}"
    );
    connection.queue(answer.as_bytes(), Bytes::new());
}

#[cfg(test)]
mod tests;
