// SPDX-License-Identifier: Apache-2.0
//! What extensions mean for their environment: when its init phase is over, when it may have the next event, and how it
//! is stopped.
//!
//! Invariants:
//! - an environment that is being stopped takes no event, whatever its extensions still do;
//! - it lives at most `GRACE` after it was stopped, or `INTERNAL_GRACE` without programs among its extensions, or not at all
//!   without extensions.

use super::api::Led;
use super::external::{self, Told};
use super::{Call, Reason, invoke_event, queue_event, shutdown_event};
use crate::clock;
use crate::environment::{Environment, spawn_until_ended};
use crate::event::Event;
use crate::failure::{self, Failure};
use crate::runtime_api::{self, Connection, Request, Served};
use crate::state::Phase;
use crate::telemetry::{Ending, Invocation, PlatformEvent};
use sandbox::Exit;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::time::Instant;

/// What external extensions have to shut down.
const GRACE: Duration = Duration::from_secs(2);
/// What a runtime has that is an extension itself.
const INTERNAL_GRACE: Duration = Duration::from_millis(500);
/// The runtime's part of it, before the extensions are told.
const RUNTIME_GRACE: Duration = Duration::from_millis(300);

/// The part of it in which telemetry is delivered.
const DELIVERY_GRACE: Duration = Duration::from_millis(300);
/// How long a caller who reads the end of the log waits for extensions, so that the report is in it.
const REPORT_GRACE: Duration = Duration::from_millis(200);

impl Environment {
    /// Answers a request of an extension.
    pub(crate) async fn answer_extension(
        self: &Arc<Self>,
        call: Call,
        connection: Connection,
        request: &Request,
    ) -> io::Result<Served> {
        match self.extensions().answer(self.function(), call, connection, request).await? {
            Led::Answered(connection) => Ok(Served::Open(connection)),
            Led::Parked => {
                self.extensions().moved_on();
                self.settle_init_phase();
                Ok(Served::Parked)
            }
            Led::Failed(connection, failure) => {
                self.fail(failure);
                Ok(Served::Open(connection))
            }
        }
    }

    /// The runtime waits for an event.
    pub(crate) fn runtime_parked(&self, was_init: bool) {
        if was_init {
            self.log().tell_init_runtime_done(Ending::SUCCESS);
            self.settle_init_phase();
        }
        if self.extensions().has_any() {
            self.extensions().moved_on();
        }
    }

    /// Ends the init phase when the runtime and all extensions are through with it.
    fn settle_init_phase(&self) {
        if self.state().phase() != Phase::Idle || !self.extensions().roster().is_ready() {
            return;
        }
        if self.close_registration() {
            self.init_done();
        }
    }

    /// Lets no other extension in and says in the log which there are. `false` when that was done before.
    fn close_registration(&self) -> bool {
        let told = {
            let mut roster = self.extensions().roster();
            if !roster.close() {
                return false;
            }
            roster.told()
        };
        for extension in told {
            self.log().tell(&PlatformEvent::Extension(extension.event()));
        }
        self.log().telemetry().close();
        true
    }

    /// Whether it can be given an event right now, or will never be again.
    pub fn is_settled(&self) -> bool {
        if !self.extensions().has_any() || self.is_dormant() {
            return true;
        }
        match self.state().phase() {
            Phase::Dead => true,
            Phase::Idle => self.extensions().roster().is_quiet(),
            Phase::Init | Phase::Busy | Phase::Returning => false,
        }
    }

    /// Waits until the runtime and all extensions are done with the last event.
    pub async fn settled(&self) {
        self.extensions().until(|| self.is_settled()).await;
    }

    /// Whether nothing in it has work to do.
    pub(crate) fn are_extensions_parked(&self) -> bool {
        !self.extensions().has_any() || self.extensions().roster().is_ready()
    }

    /// Waits for extensions that are still busy with the event before, and says what is left of `left`.
    pub(crate) async fn wait_for_extensions(&self, left: Duration) -> Duration {
        let deadline = Instant::now() + left;
        // Out of time or not: the invocation that follows finds out.
        drop(tokio::time::timeout_at(deadline, self.settled()).await);
        deadline.saturating_duration_since(Instant::now())
    }

    /// Tells those who want to know that `event` is being run.
    pub(crate) fn tell_extensions(self: &Arc<Self>, event: &Event, deadline_ms: u64) {
        // The guard must be gone before anything else is done.
        let connections = self.extensions().roster().invoke();
        if !connections.is_empty() {
            self.send_to_extensions(connections, &invoke_event(event, deadline_ms));
        }
    }

    fn send_to_extensions(self: &Arc<Self>, connections: Vec<Connection>, event: &str) {
        for mut connection in connections {
            queue_event(&mut connection, event);
            spawn_until_ended(self, runtime_api::serve(Arc::clone(self), connection));
        }
    }

    /// Tells of an invocation when the runtime and all extensions are done with it, at the latest at its deadline. The caller has
    /// its answer already.
    pub(crate) fn report_later(self: &Arc<Self>, invocation: Invocation, deadline: Instant) {
        *self.unreported() = Some(invocation);
        if self.is_settled() {
            self.report_last();
            return;
        }
        let environment = Arc::clone(self);
        spawn_until_ended(self, async move {
            let is_runtime_done = || environment.state().phase() != Phase::Returning;
            let runtime_done = environment.extensions().until(is_runtime_done);
            if tokio::time::timeout_at(deadline, runtime_done).await.is_ok()
                && let Some(invocation) = &mut *environment.unreported()
            {
                invocation.runtime_done();
            }
            if tokio::time::timeout_at(deadline, environment.settled()).await.is_err() {
                if let Some(invocation) = &mut *environment.unreported() {
                    invocation.fail(&Failure::TimedOut);
                }
                environment.stop_because(Reason::Timeout);
            }
            environment.drain_output();
            environment.report_last();
        });
    }

    /// Tells how the last invocation came out, if that was not told yet.
    pub(crate) fn report_last(&self) {
        // The guard is held until all is told: the next invocation starts after it.
        let mut unreported = self.unreported();
        if let Some(invocation) = unreported.take() {
            invocation.tell_report(self.memory_peak_bytes());
            self.extensions().changed.notify_waiters();
        }
    }

    /// Waits until the last invocation is told of, but not for long: its caller waits for the end of its log.
    pub(crate) async fn wait_for_report(&self) {
        let reported = self.extensions().until(|| self.unreported().is_none());
        drop(tokio::time::timeout(REPORT_GRACE, reported).await);
    }

    /// Reads what the shell in the sandbox tells, until the environment has ended.
    pub(crate) async fn watch_ends(self: Arc<Self>, exits: pipe::Receiver) {
        let mut read = Vec::new();
        loop {
            match external::told(&exits, &mut read).await {
                Ok(Told::Extension { index, exit }) => self.extension_ended(index, exit),
                Ok(Told::Runtime(exit)) => self.runtime_ended(exit),
                Err(error) => {
                    tracing::warn!(%error, "ends of extensions are not seen any more");
                    return;
                }
            }
        }
    }

    fn extension_ended(self: &Arc<Self>, index: usize, exit: Exit) {
        let failure = {
            let mut roster = self.extensions().roster();
            match launch_error(exit).filter(|_| !roster.has_registered(index)) {
                Some((error_type, words)) => {
                    let name = roster.not_launched(index, error_type);
                    let reason = format!("fork/exec /opt/extensions/{name}: {words}");
                    Some(Failure::Extension { error_type: "Extension.LaunchError", reason })
                }
                None => roster.exited(index).then(|| Failure::Extension {
                    error_type: "Extension.Crash",
                    reason: failure::exit_words(exit),
                }),
            }
        };
        self.extensions().moved_on();
        if let Some(failure) = failure {
            self.fail(failure);
        }
    }

    fn runtime_ended(self: &Arc<Self>, exit: Exit) {
        self.extensions().has_runtime_ended.store(true, Ordering::Release);
        self.extensions().moved_on();
        if !self.extensions().roster().is_stopping() {
            self.fail(Failure::Exited { exit, was_out_of_memory: self.is_out_of_memory() });
        }
    }

    /// It serves no more: whoever waits is told why, and it is stopped.
    fn fail(self: &Arc<Self>, failure: Failure) {
        self.drain_output();
        self.close_registration();
        // The guard must be gone before the answers are sent.
        let ended = self.state().retire();
        if let Some(invocation) = &mut *self.unreported() {
            invocation.fail(&failure);
        }
        self.tell_failure(ended, failure);
        self.report_last();
        self.stop_because(Reason::Failure);
    }

    /// Ends it. Extensions have their time to shut down, in the background; without any the end is at once. Idempotent: the
    /// first reason counts.
    pub(crate) fn stop_because(self: &Arc<Self>, reason: Reason) {
        if !self.set_reason(reason) {
            return;
        }
        let has_time = self.extensions().roster().stop()
            && self.has_time_to_shut_down(reason)
            && tokio::runtime::Handle::try_current().is_ok();
        self.close_registration();
        // Nobody waits any more, or not for this.
        drop(self.state().retire());
        self.extensions().moved_on();
        if !has_time {
            return self.end_processes();
        }
        let environment = Arc::clone(self);
        spawn_until_ended(self, async move {
            if environment.extensions().orders.is_some() {
                environment.shut_down(reason).await;
            } else {
                environment.shut_down_runtime().await;
            }
            environment.drain_output();
            environment.end_processes();
        });
    }

    /// A runtime that is an extension itself is only told when it is no longer needed.
    fn has_time_to_shut_down(&self, reason: Reason) -> bool {
        let extensions = self.extensions();
        let is_extension = extensions.has_any() && reason == Reason::Spindown;
        !self.is_dormant() && (extensions.orders.is_some() || is_extension)
    }

    /// The shutdown phase of a runtime without programs beside it. It is over when the runtime ends.
    async fn shut_down_runtime(&self) {
        let deadline = Instant::now() + INTERNAL_GRACE;
        self.thaw();
        self.deliver_telemetry().await;
        self.process().terminate();
        tokio::time::sleep_until(deadline).await;
    }

    /// What was told reaches who subscribed, before anybody is told of the end.
    async fn deliver_telemetry(&self) {
        self.drain_output();
        drop(tokio::time::timeout(DELIVERY_GRACE, self.log().telemetry().drain()).await);
    }

    /// The shutdown phase: the runtime first, then the extensions, then whatever is left.
    async fn shut_down(self: &Arc<Self>, reason: Reason) {
        let extensions = self.extensions();
        let deadline = Instant::now() + GRACE;
        let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = clock::epoch_ms().saturating_add(grace_ms);
        self.thaw();
        let has_runtime_ended = || extensions.has_runtime_ended.load(Ordering::Acquire);
        if !has_runtime_ended() {
            if reason == Reason::Spindown {
                extensions.signal_runtime("TERM");
                let ended = extensions.until(has_runtime_ended);
                drop(tokio::time::timeout(RUNTIME_GRACE, ended).await);
            }
            extensions.signal_runtime("KILL");
        }
        self.deliver_telemetry().await;
        let event = extensions.shutdown.get_or_init(|| shutdown_event(reason, deadline_ms));
        let connections = extensions.roster().shut_down();
        self.send_to_extensions(connections, event);
        let all_ended = extensions.until(|| extensions.roster().has_shut_down());
        drop(tokio::time::timeout_at(deadline, all_ended).await);
    }
}

/// What the shell says of a program that it could not execute: the log's word for it, and the kernel's.
fn launch_error(exit: Exit) -> Option<(&'static str, &'static str)> {
    match exit {
        Exit::Code(126) => Some(("PermissionDenied", "permission denied")),
        Exit::Code(127) => Some(("UnknownError", "no such file or directory")),
        Exit::Code(_) | Exit::Signal(_) | Exit::Killed => None,
    }
}
