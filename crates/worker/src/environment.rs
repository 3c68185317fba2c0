// SPDX-License-Identifier: Apache-2.0
//! An execution environment: a sandbox, the runtime in it, and where it is in its life.
//!
//! An environment serves one function version, one invocation at a time, and is never shared or repaired: after a
//! timeout or a crash it ends. Its own tasks keep it alive until its runtime has ended, so whoever is done with it calls
//! `stop`.

use crate::delivery::Delivery;
use crate::extensions::{Extensions, External, Reason};
use crate::failure::Failure;
use crate::function::Function;
use crate::host::Session;
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection};
use crate::state::{Ended, Phase, State};
use bytes::Bytes;
use sandbox::{Exit, Process};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// Connections a runtime may have open at once. Real ones use one or two.
const CONNECTIONS_MAX: usize = 64;
const OUTPUT_READ_BYTES: usize = 16 * 1024;

/// Who waits for the answer to an invocation.
#[derive(Debug)]
pub(crate) struct Answer(oneshot::Sender<Answered>);

/// What the init phase comes to.
pub(crate) type InitResult = oneshot::Receiver<Result<(), Failure>>;

/// What came of an event that was given to an environment.
#[derive(Debug)]
pub(crate) enum Answered {
    Result(Result<Bytes, Failure>),
    /// The environment ended before the runtime took the event.
    NotDelivered,
}

#[derive(Debug)]
pub struct Environment {
    function: Arc<Function>,
    log: Arc<LogStream>,
    process: Process,
    output: pipe::Receiver,
    state: Mutex<State<Connection, Delivery, Answer>>,
    /// What the init phase came to.
    init: Mutex<Option<oneshot::Sender<Result<(), Failure>>>>,
    init_duration: Mutex<Option<Duration>>,
    memory_seen_bytes: AtomicU64,
    /// Held while output is read and printed, so that two readers keep its order.
    reading: Mutex<()>,
    is_frozen: AtomicBool,
    extensions: Extensions,
    /// `true` once the runtime has ended. Also ends the tasks of this environment.
    ended: watch::Sender<bool>,
    /// Credentials of the role; they die with the environment.
    _session: Session,
}

impl Answer {
    pub(crate) fn pair() -> (Self, oneshot::Receiver<Answered>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// The one who waits may be gone: its invocation timed out.
    pub(crate) fn send(self, result: Result<Bytes, Failure>) {
        drop(self.0.send(Answered::Result(result)));
    }

    fn not_delivered(self) {
        drop(self.0.send(Answered::NotDelivered));
    }
}

impl Environment {
    /// Puts a launched sandbox to work: its listener is served, its output read, its end watched for.
    /// The second value tells what the init phase came to.
    pub(crate) fn open(
        function: Arc<Function>,
        log: Arc<LogStream>,
        parts: Parts,
    ) -> std::io::Result<(Arc<Self>, InitResult)> {
        let output = pipe::Receiver::from_owned_fd(parts.output)?;
        let (init, init_result) = oneshot::channel();
        let (external, exits) = match parts.external {
            Some(external) => {
                let (exits, orders) = external.open()?;
                (Some((external, orders)), Some(exits))
            }
            None => (None, None),
        };
        let environment = Arc::new(Self {
            function,
            log,
            process: parts.process,
            output,
            reading: Mutex::default(),
            is_frozen: AtomicBool::new(false),
            extensions: Extensions::new(external),
            state: Mutex::default(),
            init: Mutex::new(Some(init)),
            init_duration: Mutex::default(),
            memory_seen_bytes: AtomicU64::new(0),
            ended: watch::Sender::new(false),
            _session: parts.session,
        });
        spawn_until_ended(&environment, accept(Arc::clone(&environment), parts.runtime_api));
        if let Some(connection) = parts.connection {
            spawn_until_ended(
                &environment,
                runtime_api::serve(Arc::clone(&environment), connection),
            );
        }
        spawn_until_ended(&environment, read_output(Arc::clone(&environment)));
        if let Some(exits) = exits {
            spawn_until_ended(&environment, Arc::clone(&environment).watch_ends(exits));
        }
        let watched = Arc::clone(&environment);
        spawn(async move {
            let exit = watched.process.exited().await;
            watched.end(exit);
        });
        Ok((environment, init_result))
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

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether it can be given an event.
    pub fn is_usable(&self) -> bool {
        matches!(self.state().phase(), Phase::Idle | Phase::Returning)
    }

    /// Stops its processes, unseen by them, until the next event. Only while it waits for one; whoever calls this makes sure that
    /// none is given to it meanwhile. Background work does not run between invocations, as on AWS.
    ///
    /// `false` when it must be tried again, because something in it has work to do.
    pub fn freeze(&self) -> bool {
        if self.is_frozen.load(Ordering::Acquire) {
            return true;
        }
        match self.state().phase() {
            Phase::Idle if self.are_extensions_parked() => {}
            Phase::Dead => return true,
            Phase::Init | Phase::Idle | Phase::Busy | Phase::Returning => return false,
        }
        // Before the processes are: a thaw must never be left out.
        self.is_frozen.store(true, Ordering::Release);
        if let Err(error) = self.process.freeze() {
            tracing::debug!(%error, "environment not frozen");
        }
        true
    }

    pub(crate) fn thaw(&self) {
        if self.is_frozen.swap(false, Ordering::AcqRel)
            && let Err(error) = self.process.thaw()
        {
            tracing::debug!(%error, "environment not thawed");
        }
    }

    /// Ends it, because it is no longer needed: at once, or when its extensions have shut down. Idempotent.
    pub fn stop(self: &Arc<Self>) {
        self.stop_because(Reason::Spindown);
    }

    /// Waits until nothing of it runs any more.
    pub async fn ended(&self) {
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    pub(crate) fn kill(&self) {
        self.process.kill();
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.process.is_out_of_memory()
    }

    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        let bytes = self.process.memory_peak_bytes();
        self.memory_seen_bytes.store(bytes, Ordering::Relaxed);
        bytes
    }

    /// The most memory that it had used when that was last looked at: after its last event.
    pub fn memory_seen_bytes(&self) -> u64 {
        self.memory_seen_bytes.load(Ordering::Relaxed)
    }

    /// The init phase is over: the first `next` came, of the runtime and of all extensions.
    pub(crate) fn init_done(&self) {
        self.process.init_done();
        self.memory_peak_bytes();
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

    pub(crate) fn set_init_duration(&self, duration: Duration) {
        *self.init_duration.lock().unwrap_or_else(PoisonError::into_inner) = Some(duration);
    }

    /// The init duration, for the first who asks.
    pub(crate) fn take_init_duration(&self) -> Option<Duration> {
        self.init_duration.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes everything printed so far into the log. What a function printed before it answered is in the pipe when
    /// the answer is, so after this the log is complete.
    pub(crate) fn drain_output(&self) {
        // Past tokio, which believes the pipe to be empty until it has been told otherwise.
        while let Ok(1..) = self.take_output(|pipe, buffer| Ok(rustix::io::read(pipe, buffer)?)) {}
    }

    fn take_output(
        &self,
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; OUTPUT_READ_BYTES];
        let length = read(&self.output, &mut buffer)?;
        self.log.print(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn end(&self, exit: Exit) {
        self.drain_output();
        let failure = Failure::Exited { exit, was_out_of_memory: self.process.is_out_of_memory() };
        let ended = self.state().end();
        self.tell_failure(ended, failure);
        self.log.flush();
        self.ended.send_replace(true);
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
        self.process.kill();
    }
}

/// What a launch hands over.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) process: Process,
    pub(crate) runtime_api: TcpListener,
    /// The one on which a stem was told its function.
    pub(crate) connection: Option<Connection>,
    pub(crate) output: OwnedFd,
    pub(crate) session: Session,
    pub(crate) external: Option<External>,
}

async fn accept(environment: Arc<Environment>, listener: TcpListener) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // A delay of Nagle's algorithm would cost more than the invocation.
                drop(stream.set_nodelay(true));
                let serving = runtime_api::serve(Arc::clone(&environment), Connection::new(stream));
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

async fn read_output(environment: Arc<Environment>) {
    while environment.output.readable().await.is_ok() {
        match environment.take_output(pipe::Receiver::try_read) {
            Ok(1..) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
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
        reason = "the one place where this crate starts tasks; each ends with its environment"
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
