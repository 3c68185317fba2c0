// SPDX-License-Identifier: Apache-2.0
//! An execution environment: a sandbox, the runtime in it, and where it is in its life.
//!
//! An environment serves one function version, one invocation at a time, and is never shared or repaired: after a
//! timeout or a crash it ends. What takes its place (`renew`) begins dormant on the same ground: it initialises inside its
//! first invocation. The tasks of an environment keep it alive until its runtime has ended, so whoever is done with it
//! calls `stop`.

use crate::delivery::Delivery;
use crate::extensions::{Exits, Extensions, Reason};
use crate::failure::Failure;
use crate::function::Function;
use crate::ground::{Ground, Origin};
use crate::host::Session;
use crate::logs::LogStream;
use crate::response::ResponseWriter;
use crate::runtime_api::{self, Connection};
use crate::runtimes::Installed;
use crate::state::{Ended, Phase, State};
use crate::telemetry::{Before, Ending, Invocation};
use bytes::Bytes;
use sandbox::{Exit, LaunchError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
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

/// What the init phase comes to.
pub(crate) type InitResult = oneshot::Receiver<Result<(), Failure>>;

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
    function: Arc<Function>,
    log: Arc<LogStream>,
    ground: Arc<Ground>,
    state: Mutex<State<Connection, Delivery, Answer>>,
    /// What the init phase came to.
    init: Mutex<Option<oneshot::Sender<Result<(), Failure>>>>,
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
    extensions: Extensions,
    /// What the shell that starts the extensions tells, until the environment begins.
    exits: Mutex<Option<Exits>>,
    /// Why it was stopped, or ended by itself.
    reason: OnceLock<Reason>,
    /// A response that comes piece by piece has begun, ended or broken off, or its connection is gone.
    pub(crate) response_moved: Notify,
    /// The last invocation, while extensions are busy with it.
    unreported: Mutex<Option<Invocation>>,
    /// `true` once the runtime has ended. Also ends the tasks of this environment.
    ended: watch::Sender<bool>,
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
        let opened = ground.external.as_ref().map(|external| external.open()).transpose()?;
        let (exits, orders) = opened.unzip();
        let names = ground.external.as_ref().map(|external| external.names.clone());
        Ok(Self {
            function,
            log,
            extensions: Extensions::new(names.unwrap_or_default(), orders),
            ground,
            state: Mutex::default(),
            init: Mutex::default(),
            before: Mutex::default(),
            waiting: Mutex::default(),
            memory_seen_bytes: AtomicU64::new(0),
            has_initialised: AtomicBool::new(false),
            is_frozen: AtomicBool::new(false),
            is_provisioned: AtomicBool::new(false),
            is_dormant: AtomicBool::new(false),
            exits: Mutex::new(exits),
            reason: OnceLock::new(),
            response_moved: Notify::new(),
            unreported: Mutex::default(),
            ended: watch::Sender::new(false),
        })
    }

    /// Puts the program that was started to work: its listener is served, its output read, its end watched for. A stem comes
    /// with the connection on which it was told its function. The value tells what the init phase came to.
    pub(crate) fn begin(self: &Arc<Self>, connection: Option<Connection>) -> InitResult {
        let (init, init_result) = oneshot::channel();
        *self.init.lock().unwrap_or_else(PoisonError::into_inner) = Some(init);
        spawn_until_ended(self, accept(Arc::clone(self)));
        if let Some(connection) = connection {
            let connection = connection.within(&self.ground.room);
            spawn_until_ended(self, runtime_api::serve(Arc::clone(self), connection));
        }
        let printed = Arc::clone(self);
        spawn_until_ended(self, async move { printed.ground.output.follow(&printed.log).await });
        if let Some(exits) = self.exits.lock().unwrap_or_else(PoisonError::into_inner).take() {
            spawn_until_ended(self, Arc::clone(self).watch_ends(exits));
        }
        let watched = Arc::clone(self);
        spawn(async move {
            let exit = watched.ground.process.exited().await;
            runtime_api::rest_of_response(&watched).await;
            watched.end(exit);
        });
        init_result
    }

    /// Whether it has yet to initialise, inside its first invocation.
    pub fn is_dormant(&self) -> bool {
        self.is_dormant.load(Ordering::Acquire)
    }

    /// Initialises one that is dormant.
    pub(crate) async fn wake(self: &Arc<Self>, deadline: Instant) -> Result<(), Failure> {
        self.is_dormant.store(false, Ordering::Release);
        if let Err(error) = self.ground.process.start_again().await {
            self.ended.send_replace(true);
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
        if self.reason.get() == Some(&Reason::Spindown) || self.has_filled_its_ground() {
            return None;
        }
        if self.ground.origin != Origin::Started || !self.ground.clear().await {
            return None;
        }
        let (function, log) = (Arc::clone(&self.function), Arc::clone(&self.log));
        let renewed = Self::new(function, log, Arc::clone(&self.ground)).ok()?;
        renewed.is_dormant.store(true, Ordering::Release);
        Some(Arc::new(renewed))
    }

    /// One that had not even room to initialise would not have it the next time either: `/tmp` stays as it is.
    fn has_filled_its_ground(&self) -> bool {
        self.is_out_of_memory() && !self.has_initialised.load(Ordering::Acquire)
    }

    pub fn function(&self) -> &Arc<Function> {
        &self.function
    }

    pub(crate) fn log(&self) -> &Arc<LogStream> {
        &self.log
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State<Connection, Delivery, Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unreported(&self) -> MutexGuard<'_, Option<Invocation>> {
        self.unreported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether it can be given an event.
    pub fn is_usable(&self) -> bool {
        self.is_dormant() || matches!(self.state().phase(), Phase::Idle | Phase::Returning)
    }

    /// Nobody reads the connection that got the event any more.
    pub(crate) fn let_go(&self) {
        self.state().let_go();
        self.response_moved.notify_waiters();
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
            Phase::Idle if self.are_extensions_parked() && self.log.telemetry().may_rest() => {}
            Phase::Dead => return true,
            Phase::Init | Phase::Idle | Phase::Busy | Phase::Returning => return false,
        }
        self.rest();
        // Before the processes are: a thaw must never be left out.
        self.is_frozen.store(true, Ordering::Release);
        if let Err(error) = self.ground.process.freeze() {
            tracing::debug!(%error, "environment not frozen");
        }
        true
    }

    /// Whether it was stopped by `freeze`.
    pub fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Acquire)
    }

    pub(crate) fn thaw(&self) {
        if self.is_frozen.swap(false, Ordering::AcqRel)
            && let Err(error) = self.ground.process.thaw()
        {
            tracing::debug!(%error, "environment not thawed");
        }
    }

    /// Ends it, because it is no longer needed: at once, or when its extensions have shut down. Idempotent.
    pub fn stop(self: &Arc<Self>) {
        self.stop_because(Reason::Spindown);
    }

    /// Ends it, because its init phase failed.
    pub(crate) fn stop_after(self: &Arc<Self>, failure: &Failure) {
        self.stop_because(match failure {
            Failure::TimedOut => Reason::Timeout,
            _ => Reason::Failure,
        });
        self.drain_output();
    }

    /// Waits until nothing of it runs any more.
    pub async fn ended(&self) {
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(crate) fn process(&self) -> &sandbox::Process {
        &self.ground.process
    }

    /// What a stem is told of its function.
    pub(crate) fn identity(&self) -> Option<&Bytes> {
        self.ground.identity.as_ref()
    }

    /// None of an image, which brings its runtime along.
    pub(crate) fn installed(&self) -> Option<&Installed> {
        self.ground.installed.as_deref()
    }

    /// Why it was stopped; the first reason counts. `false` when there was one already.
    pub(crate) fn set_reason(&self, reason: Reason) -> bool {
        self.reason.set(reason).is_ok()
    }

    /// Ends all its processes. After a timeout or a crash the sandbox stays, for what takes the place of this environment.
    pub(crate) fn end_processes(&self) {
        self.thaw();
        match self.reason.get() {
            Some(Reason::Timeout | Reason::Failure) => self.ground.process.empty(),
            Some(Reason::Spindown) | None => self.ground.process.kill(),
        }
        if self.is_dormant() {
            // Nothing of it has begun, so nothing will tell.
            self.ended.send_replace(true);
        }
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.ground.process.is_out_of_memory()
    }

    /// The most memory that the function used.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        let peak = self.ground.process.memory_peak();
        self.memory_seen_bytes.store(peak.all_bytes, Ordering::Relaxed);
        peak.own_bytes
    }

    /// The most that it had taken of the machine's memory, its `/tmp` included, when that was last looked at: after its last event.
    pub fn memory_seen_bytes(&self) -> u64 {
        self.memory_seen_bytes.load(Ordering::Relaxed)
    }

    /// The init phase is over: the first `next` came, of the runtime and of all extensions.
    pub(crate) fn init_done(&self) {
        let bytes = self.ground.process.memory_peak_bytes();
        self.memory_seen_bytes.store(bytes, Ordering::Relaxed);
        self.ground.process.init_done();
        self.has_initialised.store(true, Ordering::Release);
        self.settle_init(Ok(()));
    }

    /// The runtime reported that it cannot serve.
    pub(crate) fn init_failed(&self, failure: Failure) {
        self.settle_init(Err(failure));
    }

    fn settle_init(&self, result: Result<(), Failure>) {
        let waiting = self.init.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            drop(waiting.send(result));
        }
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
        self.log.tell_init_runtime_done(Ending::SUCCESS);
        self.settle_init(Ok(()));
        None
    }

    /// The connection on which the runtime waits to be restored, if it does.
    pub(crate) fn take_waiting(&self) -> Option<Connection> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether its snapshot is to be taken once it has initialised.
    pub(crate) fn is_to_be_taken(&self) -> bool {
        self.ground.origin == Origin::ToBeTaken
    }

    /// The keys that this environment asks for, if `token` is the one that it was given for that.
    pub(crate) fn credentials(&self, token: Option<&str>) -> Option<&Session> {
        let is_its_own = token.is_some() && self.function.snapshot.as_deref() == token;
        is_its_own.then_some(&self.ground.session)
    }

    /// Takes everything printed so far into the log.
    pub(crate) fn drain_output(&self) {
        self.ground.output.drain(&self.log);
    }

    fn end(&self, exit: Exit) {
        self.drain_output();
        self.set_reason(Reason::Failure);
        let failure = Failure::Exited { exit, was_out_of_memory: self.is_out_of_memory() };
        // The guard must be gone before the answers are sent.
        let ended = self.state().end();
        self.tell_failure(ended, failure);
        self.report_last();
        self.log.flush();
        self.ended.send_replace(true);
        self.extensions.moved_on();
    }

    /// Tells whoever waits for an answer that there will be none.
    pub(crate) fn tell_failure(&self, ended: Ended<Answer>, failure: Failure) {
        self.settle_init(Err(failure.clone()));
        if let Some(answer) = ended.running {
            answer.send(Err(failure));
        }
        if let Some(answer) = ended.waiting {
            answer.not_delivered();
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.drain_output();
    }
}

async fn accept(environment: Arc<Environment>) {
    let listener = environment.ground.runtime_api.lock().await;
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // A delay of Nagle's algorithm would cost more than the invocation.
                drop(stream.set_nodelay(true));
                let connection = Connection::new(stream).within(&environment.ground.room);
                let serving = runtime_api::serve(Arc::clone(&environment), connection);
                spawn_until_ended(&environment, async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "runtime connection refused");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Runs `task` until it is done or the environment has ended. The task keeps the environment alive no longer than that.
pub(crate) fn spawn_until_ended(
    environment: &Arc<Environment>,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let mut ended = environment.ended.subscribe();
    spawn(async move {
        tokio::select! {
            () = task => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
    });
}

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate starts tasks; each ends with its environment, or with what it makes ready"
    )]
    drop(tokio::spawn(task));
}

/// Waits for the init phase, at most until `deadline`.
pub(crate) async fn init_result(result: InitResult, deadline: Instant) -> Result<(), Failure> {
    match tokio::time::timeout_at(deadline, result).await {
        Ok(Ok(result)) => result,
        Ok(Err(_gone)) => Err(Failure::Exited { exit: Exit::Killed, was_out_of_memory: false }),
        Err(_elapsed) => Err(Failure::TimedOut),
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
