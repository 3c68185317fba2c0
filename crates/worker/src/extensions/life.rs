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
use crate::environment::Environment;
use crate::event::Event;
use crate::failure::{self, Failure};
use crate::life::Living;
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
/// The part of it in which telemetry is delivered.
const DELIVERY_GRACE: Duration = Duration::from_millis(300);
/// How long a caller who reads the end of the log waits for extensions, so that the report is in it.
const REPORT_GRACE: Duration = Duration::from_millis(200);

/// Answers a request of an extension.
pub(crate) async fn answer<E: Living>(
    environment: &Arc<E>,
    call: Call,
    connection: Connection,
    request: &Request,
) -> io::Result<Served> {
    let life = environment.life();
    match life.extensions.answer(&life.function, call, connection, request).await? {
        Led::Answered(connection) => Ok(Served::Open(connection)),
        Led::Parked => {
            life.extensions.moved_on();
            settle_init_phase(environment.as_ref());
            Ok(Served::Parked)
        }
        Led::Failed(connection, failure) => {
            fail(environment, failure);
            Ok(Served::Open(connection))
        }
    }
}

/// The runtime waits for an event.
pub(crate) fn runtime_parked<E: Living>(environment: &E, was_init: bool) {
    let life = environment.life();
    if was_init {
        life.log.tell_init_runtime_done(Ending::SUCCESS);
        settle_init_phase(environment);
    }
    if life.extensions.has_any() {
        life.extensions.moved_on();
    }
}

/// Ends the init phase when the runtime and all extensions are through with it.
fn settle_init_phase<E: Living>(environment: &E) {
    if environment.has_runtime_asked()
        && environment.life().extensions.roster().is_ready()
        && close_registration(environment)
    {
        environment.initialised();
    }
}

/// Lets no other extension in and says in the log which there are. `false` when that was done before.
fn close_registration<E: Living>(environment: &E) -> bool {
    let life = environment.life();
    let told = {
        let mut roster = life.extensions.roster();
        if !roster.close() {
            return false;
        }
        roster.told()
    };
    for extension in told {
        life.log.tell(&PlatformEvent::Extension(extension.event()));
    }
    life.log.telemetry().close();
    true
}

fn send<E: Living>(environment: &Arc<E>, connections: Vec<Connection>, event: &str) {
    for mut connection in connections {
        queue_event(&mut connection, event);
        environment.life().spawn(runtime_api::serve(Arc::clone(environment), connection));
    }
}

impl Environment {
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
            send(self, connections, &invoke_event(event, deadline_ms));
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
        self.life().spawn(async move {
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
                stop(&environment, Reason::Timeout);
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
}

/// Reads what the shell in the sandbox tells, until the environment has ended.
pub(crate) async fn watch_ends<E: Living>(environment: Arc<E>, exits: pipe::Receiver) {
    let mut read = Vec::new();
    loop {
        match external::told(&exits, &mut read).await {
            Ok(Told::Extension { index, exit }) => extension_ended(&environment, index, exit),
            Ok(Told::Runtime(exit)) => runtime_ended(&environment, exit),
            Err(error) => {
                tracing::warn!(%error, "ends of extensions are not seen any more");
                return;
            }
        }
    }
}

fn extension_ended<E: Living>(environment: &Arc<E>, index: usize, exit: Exit) {
    let extensions = &environment.life().extensions;
    let failure = {
        let mut roster = extensions.roster();
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
    extensions.moved_on();
    if let Some(failure) = failure {
        fail(environment, failure);
    }
}

fn runtime_ended<E: Living>(environment: &Arc<E>, exit: Exit) {
    let life = environment.life();
    life.extensions.has_runtime_ended.store(true, Ordering::Release);
    life.extensions.moved_on();
    if !life.extensions.roster().is_stopping() {
        fail(environment, Failure::Exited { exit, was_out_of_memory: life.is_out_of_memory() });
    }
}

/// It serves no more: whoever waits is told why, and it is stopped.
fn fail<E: Living>(environment: &Arc<E>, failure: Failure) {
    environment.life().drain_output();
    close_registration(environment.as_ref());
    environment.give_up(failure);
    stop(environment, Reason::Failure);
}

/// Ends an environment. Extensions have their time to shut down, in the background; without any the end is at once. Idempotent:
/// the first reason counts.
pub(crate) fn stop<E: Living>(environment: &Arc<E>, reason: Reason) {
    let life = environment.life();
    if !life.set_reason(reason) {
        return;
    }
    let has_time = life.extensions.roster().stop()
        && has_time_to_shut_down(environment.as_ref(), reason)
        && tokio::runtime::Handle::try_current().is_ok();
    close_registration(environment.as_ref());
    // Nobody waits any more, or not for this.
    environment.retire();
    life.extensions.moved_on();
    if !has_time {
        return environment.end_processes();
    }
    let environment = Arc::clone(environment);
    life.spawn(async move {
        if environment.life().extensions.orders.is_some() {
            shut_down(&environment, reason).await;
        } else {
            shut_down_runtime(environment.as_ref()).await;
        }
        environment.life().drain_output();
        environment.end_processes();
    });
}

/// A runtime that is an extension itself is only told when it is no longer needed.
fn has_time_to_shut_down<E: Living>(environment: &E, reason: Reason) -> bool {
    let extensions = &environment.life().extensions;
    let is_extension = extensions.has_any() && reason == Reason::Spindown;
    environment.has_begun() && (extensions.orders.is_some() || is_extension)
}

/// The shutdown phase of a runtime without programs beside it. It is over when the runtime ends.
async fn shut_down_runtime<E: Living>(environment: &E) {
    let deadline = Instant::now() + INTERNAL_GRACE;
    environment.thaw();
    deliver_telemetry(environment).await;
    environment.life().ground.process.terminate();
    tokio::time::sleep_until(deadline).await;
}

/// What was told reaches who subscribed, before anybody is told of the end.
async fn deliver_telemetry<E: Living>(environment: &E) {
    let life = environment.life();
    life.drain_output();
    drop(tokio::time::timeout(DELIVERY_GRACE, life.log.telemetry().drain()).await);
}

/// The shutdown phase: the runtime first, then the extensions, then whatever is left.
async fn shut_down<E: Living>(environment: &Arc<E>, reason: Reason) {
    let extensions = &environment.life().extensions;
    let deadline = Instant::now() + GRACE;
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or(u64::MAX);
    let deadline_ms = clock::epoch_ms().saturating_add(grace_ms);
    environment.thaw();
    let has_runtime_ended = || extensions.has_runtime_ended.load(Ordering::Acquire);
    if !has_runtime_ended() {
        if reason == Reason::Spindown {
            extensions.signal_runtime("TERM");
            let ended = extensions.until(has_runtime_ended);
            drop(tokio::time::timeout(E::RUNTIME_GRACE, ended).await);
        }
        extensions.signal_runtime("KILL");
    }
    deliver_telemetry(environment.as_ref()).await;
    let event = extensions.shutdown.get_or_init(|| shutdown_event(reason, deadline_ms));
    let connections = extensions.roster().shut_down();
    send(environment, connections, event);
    let all_ended = extensions.until(|| extensions.roster().has_shut_down());
    drop(tokio::time::timeout_at(deadline, all_ended).await);
}

/// What the shell says of a program that it could not execute: the log's word for it, and the kernel's.
fn launch_error(exit: Exit) -> Option<(&'static str, &'static str)> {
    match exit {
        Exit::Code(126) => Some(("PermissionDenied", "permission denied")),
        Exit::Code(127) => Some(("UnknownError", "no such file or directory")),
        Exit::Code(_) | Exit::Signal(_) | Exit::Killed => None,
    }
}
