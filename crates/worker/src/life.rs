// SPDX-License-Identifier: Apache-2.0
//! What every environment has, however many invocations it runs at once: a function, a log and a ground, the outcome of its
//! init phase, extensions, and an end.
//!
//! Invariant: the tasks of an environment end with it, and keep it no longer than that.

use crate::extensions::{self, Exits, Extensions, Reason};
use crate::failure::Failure;
use crate::function::Function;
use crate::ground::Ground;
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection, Request, Served};
use sandbox::Exit;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::Instant;

/// What the init phase comes to.
pub(crate) type InitResult = oneshot::Receiver<Result<(), Failure>>;

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) function: Arc<Function>,
    pub(crate) log: Arc<LogStream>,
    pub(crate) ground: Arc<Ground>,
    pub(crate) extensions: Extensions,
    /// What the shell that starts the extensions tells, until the environment begins.
    exits: Mutex<Option<Exits>>,
    /// Who waits for the init phase.
    init: Mutex<Option<oneshot::Sender<Result<(), Failure>>>>,
    /// Why it was stopped, or ended by itself.
    reason: OnceLock<Reason>,
    /// `true` once the runtime has ended. Also ends the tasks of this environment.
    ended: watch::Sender<bool>,
}

/// An environment, of either kind.
pub(crate) trait Living: Debug + Send + Sync + 'static {
    /// The runtime's part of the time to shut down, before its extensions are told.
    const RUNTIME_GRACE: Duration;

    fn life(&self) -> &Life;

    /// Connections that may be open at once.
    fn connections_max(&self) -> usize;

    /// Decides and answers a request of what runs in it.
    fn answer(
        self: &Arc<Self>,
        connection: Connection,
        request: Request,
    ) -> impl Future<Output = io::Result<Served>> + Send;

    /// Whether its runtime is through with the init phase.
    fn has_runtime_asked(&self) -> bool;

    /// The init phase is over: the first `next` came, of the runtime and of all extensions.
    fn initialised(&self);

    /// It takes no more events.
    fn retire(&self);

    /// The same, and whoever waits is told why.
    fn give_up(&self, failure: Failure);

    /// The connection that got an event is gone, or nobody reads it any more.
    fn let_go(&self) {}

    /// A connection is closed.
    fn connection_closed(&self) {}

    /// Whether a program was started in it.
    fn has_begun(&self) -> bool {
        true
    }

    fn thaw(&self) {}

    /// Ends all its processes.
    fn end_processes(&self) {
        self.life().ground.process.kill();
    }

    /// Waits for what its runtime had written before it ended.
    fn last_words(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Its processes have ended.
    fn end(&self, exit: Exit);
}

impl Life {
    pub(crate) fn new(
        function: Arc<Function>,
        log: Arc<LogStream>,
        ground: Arc<Ground>,
    ) -> io::Result<Self> {
        let opened = ground.external.as_ref().map(|external| external.open()).transpose()?;
        let (exits, orders) = opened.unzip();
        let names = ground.external.as_ref().map(|external| external.names.clone());
        Ok(Self {
            extensions: Extensions::new(&function, names.unwrap_or_default(), orders),
            function,
            log,
            ground,
            exits: Mutex::new(exits),
            init: Mutex::default(),
            reason: OnceLock::new(),
            ended: watch::Sender::new(false),
        })
    }

    /// The first outcome of the init phase counts.
    pub(crate) fn settle_init(&self, result: Result<(), Failure>) {
        let waiting = self.init.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            drop(waiting.send(result));
        }
    }

    /// Why it was stopped; the first reason counts. `false` when there was one already.
    pub(crate) fn set_reason(&self, reason: Reason) -> bool {
        self.reason.set(reason).is_ok()
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.reason.get().copied()
    }

    /// Takes everything printed so far into the log.
    pub(crate) fn drain_output(&self) {
        self.ground.output.drain(&self.log);
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.ground.process.is_out_of_memory()
    }

    /// Nothing of it runs any more.
    pub(crate) fn over(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until nothing of it runs any more.
    pub(crate) async fn ended(&self) {
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    /// Runs `task` until it is done or the environment has ended.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut ended = self.ended.subscribe();
        spawn(async move {
            tokio::select! {
                () = task => {}
                _ = ended.wait_for(|ended| *ended) => {}
            }
        });
    }
}

/// Puts the program that was started to work: its listener is served, its output read, its end watched for. A stem comes
/// with the connection on which it was told its function. The value tells what the init phase came to.
pub(crate) fn begin<E: Living>(environment: &Arc<E>, connection: Option<Connection>) -> InitResult {
    let life = environment.life();
    let (init, init_result) = oneshot::channel();
    *life.init.lock().unwrap_or_else(PoisonError::into_inner) = Some(init);
    life.spawn(accept(Arc::clone(environment)));
    if let Some(connection) = connection {
        let connection = connection.within(&life.ground.room);
        life.spawn(runtime_api::serve(Arc::clone(environment), connection));
    }
    let printed = Arc::clone(environment);
    life.spawn(async move {
        let life = printed.life();
        life.ground.output.follow(&life.log).await;
    });
    if let Some(exits) = life.exits.lock().unwrap_or_else(PoisonError::into_inner).take() {
        life.spawn(extensions::watch_ends(Arc::clone(environment), exits));
    }
    let watched = Arc::clone(environment);
    spawn(async move {
        let exit = watched.life().ground.process.exited().await;
        watched.last_words().await;
        watched.end(exit);
        watched.life().over();
        watched.life().extensions.moved_on();
    });
    init_result
}

/// Waits for the init phase, at most until `deadline`.
pub(crate) async fn init_result(result: InitResult, deadline: Instant) -> Result<(), Failure> {
    match tokio::time::timeout_at(deadline, result).await {
        Ok(Ok(result)) => result,
        Ok(Err(_gone)) => Err(Failure::Exited { exit: Exit::Killed, was_out_of_memory: false }),
        Err(_elapsed) => Err(Failure::TimedOut),
    }
}

async fn accept<E: Living>(environment: Arc<E>) {
    let life = environment.life();
    let listener = life.ground.runtime_api.lock().await;
    let places = Arc::new(Semaphore::new(environment.connections_max()));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // A delay of Nagle's algorithm would cost more than the invocation.
                drop(stream.set_nodelay(true));
                let connection = Connection::new(stream).within(&life.ground.room);
                let serving = runtime_api::serve(Arc::clone(&environment), connection);
                life.spawn(async move {
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

pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate starts tasks; each ends with its environment, or with what it makes ready"
    )]
    drop(tokio::spawn(task));
}
