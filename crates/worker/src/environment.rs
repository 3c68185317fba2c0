// SPDX-License-Identifier: Apache-2.0
//! An execution environment: a sandbox, the runtime in it, and where it is in its life.
//!
//! An environment serves one function version, one invocation at a time, and is never shared or repaired: after a
//! timeout or a crash it ends. What takes its place (`renew`) begins dormant on the same ground: it initialises inside its
//! first invocation. The tasks of an environment keep it alive until its runtime has ended, so whoever is done with it
//! calls `stop`.

use crate::delivery::Delivery;
use crate::extensions::{self, Extensions, Reason};
use crate::failure::Failure;
use crate::function::Function;
use crate::ground::{Ground, Origin};
use crate::host::Session;
use crate::life::{self, InitResult, Life, Living, init_result};
use crate::logs::LogStream;
use crate::response::ResponseWriter;
use crate::runtime_api::{self, Connection, Request, Served};
use crate::runtimes::Installed;
use crate::state::{Ended, Phase, State};
use crate::telemetry::{Before, Ending, Invocation};
use bytes::Bytes;
use sandbox::{Exit, LaunchError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Connections a runtime may have open at once. Real ones use one or two.
const CONNECTIONS_MAX: usize = 64;

/// Who waits for the answer to an invocation.
#[derive(Debug)]
pub(crate) struct Answer {
    sender: oneshot::Sender<Answered>,
    /// Where a response goes that is made piece by piece.
    pub(crate) response: Option<ResponseWriter>,
}

/// A response that was made piece by piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streamed {
    pub(crate) began: Instant,
    pub(crate) bytes: usize,
}

/// What came of an event that was given to an environment.
#[derive(Debug)]
pub(crate) enum Answered {
    Result(Result<Bytes, Failure>, Option<Streamed>),
    /// The environment ended before the runtime took the event.
    NotDelivered,
}

#[derive(Debug)]
pub struct Environment {
    life: Life,
    state: Mutex<State<Connection, Delivery, Answer>>,
    before: Mutex<Option<(Before, Instant)>>,
    /// The connection on which the runtime waits to be restored.
    waiting: Mutex<Option<Connection>>,
    memory_seen_bytes: AtomicU64,
    has_initialised: AtomicBool,
    is_frozen: AtomicBool,
    /// It was started ahead of events, by provisioned concurrency.
    is_provisioned: AtomicBool,
    /// It takes the place of one that was reset, and has yet to initialise.
    is_dormant: AtomicBool,
    /// A response that comes piece by piece has begun, ended or broken off, or its connection is gone.
    pub(crate) response_moved: Notify,
    /// The last invocation, while extensions are busy with it.
    unreported: Mutex<Option<Invocation>>,
}

impl Answer {
    pub(crate) fn pair(response: Option<ResponseWriter>) -> (Self, oneshot::Receiver<Answered>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, response }, receiver)
    }

    /// The one who waits may be gone: its invocation timed out.
    pub(crate) fn send(self, result: Result<Bytes, Failure>) {
        drop(self.sender.send(Answered::Result(result, None)));
    }

    /// As `send`, after a response that was made piece by piece.
    pub(crate) fn send_streamed(self, result: Result<Bytes, Failure>, streamed: Streamed) {
        drop(self.sender.send(Answered::Result(result, Some(streamed))));
    }

    pub(crate) fn not_delivered(self) {
        drop(self.sender.send(Answered::NotDelivered));
    }
}

impl Environment {
    /// One that has not begun, on a ground where nothing runs that is not its own.
    pub(crate) fn new(
        function: Arc<Function>,
        log: Arc<LogStream>,
        ground: Arc<Ground>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            life: Life::new(function, log, ground)?,
            state: Mutex::default(),
            before: Mutex::default(),
            waiting: Mutex::default(),
            memory_seen_bytes: AtomicU64::new(0),
            has_initialised: AtomicBool::new(false),
            is_frozen: AtomicBool::new(false),
            is_provisioned: AtomicBool::new(false),
            is_dormant: AtomicBool::new(false),
            response_moved: Notify::new(),
            unreported: Mutex::default(),
        })
    }

    /// Puts the program that was started to work.
    pub(crate) fn begin(self: &Arc<Self>, connection: Option<Connection>) -> InitResult {
        life::begin(self, connection)
    }

    /// Whether it has yet to initialise, inside its first invocation.
    pub fn is_dormant(&self) -> bool {
        self.is_dormant.load(Ordering::Acquire)
    }

    /// Initialises one that is dormant.
    pub(crate) async fn wake(self: &Arc<Self>, deadline: Instant) -> Result<(), Failure> {
        self.is_dormant.store(false, Ordering::Release);
        if let Err(error) = self.life.ground.process.start_again().await {
            self.life.over();
            return Err(not_started(&error));
        }
        init_result(self.begin(None), deadline).await
    }

    /// This environment, or after a timeout or a crash what takes its place: one in the same sandbox with the same `/tmp`,
    /// that is dormant. `None` when nothing can go on here.
    pub async fn renew(self: &Arc<Self>) -> Option<Arc<Self>> {
        if self.is_usable() {
            return Some(Arc::clone(self));
        }
        self.ended().await;
        if self.life.reason() == Some(Reason::Spindown) || self.has_filled_its_ground() {
            return None;
        }
        if self.life.ground.origin != Origin::Started || !self.life.ground.clear().await {
            return None;
        }
        let (function, log) = (Arc::clone(&self.life.function), Arc::clone(&self.life.log));
        let renewed = Self::new(function, log, Arc::clone(&self.life.ground)).ok()?;
        renewed.is_dormant.store(true, Ordering::Release);
        Some(Arc::new(renewed))
    }

    /// One that had not even room to initialise would not have it the next time either: `/tmp` stays as it is.
    fn has_filled_its_ground(&self) -> bool {
        self.is_out_of_memory() && !self.has_initialised.load(Ordering::Acquire)
    }

    pub fn function(&self) -> &Arc<Function> {
        &self.life.function
    }

    pub(crate) fn log(&self) -> &Arc<LogStream> {
        &self.life.log
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State<Connection, Delivery, Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unreported(&self) -> MutexGuard<'_, Option<Invocation>> {
        self.unreported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.life.extensions
    }

    /// Whether it can be given an event.
    pub fn is_usable(&self) -> bool {
        self.is_dormant() || matches!(self.state().phase(), Phase::Idle | Phase::Returning)
    }

    /// Sends what is to leave with the next event, which has not come. `false` when it must be tried again.
    pub fn rest(&self) -> bool {
        // An error is one of the connection, and is seen by whoever uses it next.
        self.state().parked().is_none_or(|connection| connection.try_flush().unwrap_or(true))
    }

    /// Stops its processes, unseen by them, until the next event. Only while it waits for one; whoever calls this makes sure that
    /// none is given to it meanwhile. Background work does not run between invocations, as on AWS.
    ///
    /// `false` when it must be tried again, because something in it has work to do.
    pub fn freeze(&self) -> bool {
        if self.is_frozen.load(Ordering::Acquire) || self.is_dormant() {
            return true;
        }
        match self.state().phase() {
            Phase::Idle if self.are_extensions_parked() && self.life.log.telemetry().may_rest() => {
            }
            Phase::Dead => return true,
            Phase::Init | Phase::Idle | Phase::Busy | Phase::Returning => return false,
        }
        self.rest();
        // Before the processes are: a thaw must never be left out.
        self.is_frozen.store(true, Ordering::Release);
        if let Err(error) = self.life.ground.process.freeze() {
            tracing::debug!(%error, "environment not frozen");
        }
        true
    }

    /// Whether it was stopped by `freeze`.
    pub fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Acquire)
    }

    /// Ends it, because it is no longer needed: at once, or when its extensions have shut down. Idempotent.
    pub fn stop(self: &Arc<Self>) {
        extensions::stop(self, Reason::Spindown);
    }

    /// Ends it, because its init phase failed.
    pub(crate) fn stop_after(self: &Arc<Self>, failure: &Failure) {
        extensions::stop(self, Reason::after(failure));
        self.drain_output();
    }

    /// Waits until nothing of it runs any more.
    pub async fn ended(&self) {
        self.life.ended().await;
    }

    /// How long its sandbox and its credentials have been there, however often its processes were started again.
    pub fn age(&self) -> Duration {
        self.life.ground.age()
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.life.ground
    }

    pub(crate) fn process(&self) -> &sandbox::Process {
        &self.life.ground.process
    }

    /// What a stem is told of its function.
    pub(crate) fn identity(&self) -> Option<&Bytes> {
        self.life.ground.identity.as_ref()
    }

    /// None of an image, which brings its runtime along.
    pub(crate) fn installed(&self) -> Option<&Installed> {
        self.life.ground.installed.as_deref()
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.life.is_out_of_memory()
    }

    /// The most memory that the function used.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        let peak = self.life.ground.process.memory_peak();
        self.memory_seen_bytes.store(peak.all_bytes, Ordering::Relaxed);
        peak.own_bytes
    }

    /// The most that it had taken of the machine's memory, its `/tmp` included, when that was last looked at: after its last event.
    pub fn memory_seen_bytes(&self) -> u64 {
        self.memory_seen_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_provisioned(&self) {
        self.is_provisioned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_provisioned(&self) -> bool {
        self.is_provisioned.load(Ordering::Relaxed)
    }

    /// What came before its first invocation, which is over now.
    pub(crate) fn set_before(&self, before: Before) {
        let before = Some((before, Instant::now()));
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = before;
    }

    /// What came before the first invocation, and when it was over, for the first who asks.
    pub(crate) fn take_before(&self) -> Option<(Before, Instant)> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The runtime has initialised and waits on `connection` until it is restored. It comes back where no snapshot is to be taken.
    pub(crate) fn wait_for_restore(&self, connection: Connection) -> Option<Connection> {
        if !self.is_to_be_taken() || self.state().phase() != Phase::Init {
            return Some(connection);
        }
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        self.life.log.tell_init_runtime_done(Ending::SUCCESS);
        self.life.settle_init(Ok(()));
        None
    }

    /// The connection on which the runtime waits to be restored, if it does.
    pub(crate) fn take_waiting(&self) -> Option<Connection> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether its snapshot is to be taken once it has initialised.
    pub(crate) fn is_to_be_taken(&self) -> bool {
        self.life.ground.origin == Origin::ToBeTaken
    }

    /// The keys that this environment asks for, if `token` is the one that it was given for that.
    pub(crate) fn credentials(&self, token: Option<&str>) -> Option<&Session> {
        let own = self.life.function.snapshot.as_deref()?;
        let is_its_own = token?.as_bytes().ct_eq(own.as_bytes());
        bool::from(is_its_own).then_some(&self.life.ground.session)
    }

    /// Takes everything printed so far into the log.
    pub(crate) fn drain_output(&self) {
        self.life.drain_output();
    }

    /// Tells whoever waits for an answer that there will be none.
    fn tell_failure(&self, ended: Ended<Answer>, failure: Failure) {
        self.life.settle_init(Err(failure.clone()));
        if let Some(answer) = ended.running {
            answer.send(Err(failure));
        }
        if let Some(answer) = ended.waiting {
            answer.not_delivered();
        }
    }
}

impl Living for Environment {
    const RUNTIME_GRACE: Duration = Duration::from_millis(300);

    fn life(&self) -> &Life {
        &self.life
    }

    fn connections_max(&self) -> usize {
        CONNECTIONS_MAX
    }

    async fn answer(
        self: &Arc<Self>,
        connection: Connection,
        request: Request,
    ) -> std::io::Result<Served> {
        runtime_api::answer(self, connection, request).await
    }

    fn has_runtime_asked(&self) -> bool {
        self.state().phase() == Phase::Idle
    }

    fn initialised(&self) {
        let bytes = self.process().memory_peak_bytes();
        self.memory_seen_bytes.store(bytes, Ordering::Relaxed);
        self.process().init_done();
        self.has_initialised.store(true, Ordering::Release);
        self.life.settle_init(Ok(()));
    }

    fn retire(&self) {
        drop(self.state().retire());
    }

    fn give_up(&self, failure: Failure) {
        // The guard must be gone before the answers are sent.
        let ended = self.state().retire();
        if let Some(invocation) = &mut *self.unreported() {
            invocation.fail(&failure);
        }
        self.tell_failure(ended, failure);
        self.report_last();
    }

    fn let_go(&self) {
        self.state().let_go();
        self.response_moved.notify_waiters();
    }

    fn connection_closed(&self) {
        self.response_moved.notify_waiters();
    }

    fn has_begun(&self) -> bool {
        !self.is_dormant()
    }

    fn thaw(&self) {
        if self.is_frozen.swap(false, Ordering::AcqRel)
            && let Err(error) = self.process().thaw()
        {
            tracing::debug!(%error, "environment not thawed");
        }
    }

    /// After a timeout or a crash the sandbox stays, for what takes the place of this environment.
    fn end_processes(&self) {
        self.thaw();
        match self.life.reason() {
            Some(Reason::Timeout | Reason::Failure) => self.process().empty(),
            Some(Reason::Spindown) | None => self.process().kill(),
        }
        if self.is_dormant() {
            // Nothing of it has begun, so nothing will tell.
            self.life.over();
        }
    }

    async fn last_words(&self) {
        runtime_api::rest_of_response(self).await;
    }

    fn end(&self, exit: Exit) {
        self.drain_output();
        self.life.set_reason(Reason::Failure);
        let failure = Failure::Exited { exit, was_out_of_memory: self.is_out_of_memory() };
        // The guard must be gone before the answers are sent.
        let ended = self.state().end();
        self.tell_failure(ended, failure);
        self.report_last();
        self.life.log.flush();
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.drain_output();
    }
}

/// Why a program that ran before did not start again.
fn not_started(error: &LaunchError) -> Failure {
    match error {
        LaunchError::Step { source, .. } => Failure::NotExecutable {
            program: "bootstrap".to_owned(),
            reason: crate::failure::kernel_reason(source),
        },
        _ => Failure::Exited { exit: Exit::Killed, was_out_of_memory: false },
    }
}
