// SPDX-License-Identifier: Apache-2.0
//! An environment that runs several invocations at once: a sandbox, a runtime with several connections, and its life.
//!
//! It ends as a whole: when its process ends, when it is stopped, or when every slot is taken by an invocation whose
//! time was up long ago. It is never reset; whoever keeps it starts another.

use super::state::{Ended, State};
use crate::delivery::Delivery;
use crate::environment::{Answer, InitResult, spawn};
use crate::failure::Failure;
use crate::function::Function;
use crate::ground::Ground;
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection};
use crate::telemetry::Ending;
use sandbox::Exit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Connections beside those that wait for events: answers may come on connections of their own.
const CONNECTIONS_MORE: usize = 64;

pub(super) type Events = State<Connection, Delivery, Answer>;

#[derive(Debug)]
pub struct MultiEnvironment {
    function: Arc<Function>,
    log: Arc<LogStream>,
    ground: Ground,
    slots: usize,
    state: Mutex<Events>,
    /// What the init phase came to.
    init: Mutex<Option<oneshot::Sender<Result<(), Failure>>>>,
    /// `true` once the runtime has ended. Also ends the tasks of this environment.
    ended: watch::Sender<bool>,
}

impl MultiEnvironment {
    pub(crate) fn new(
        function: Arc<Function>,
        log: Arc<LogStream>,
        ground: Ground,
        slots: usize,
    ) -> Self {
        Self {
            function,
            log,
            ground,
            slots,
            state: Mutex::new(State::new(slots)),
            init: Mutex::default(),
            ended: watch::Sender::new(false),
        }
    }

    /// Puts the program that was started to work. The value tells what the init phase came to.
    pub(crate) fn begin(self: &Arc<Self>, connection: Option<Connection>) -> InitResult {
        let (init, init_result) = oneshot::channel();
        *lock(&self.init) = Some(init);
        self.spawn_until_ended(accept(Arc::clone(self)));
        if let Some(connection) = connection {
            self.serve(connection.within(&self.ground.room));
        }
        let printed = Arc::clone(self);
        self.spawn_until_ended(async move { printed.ground.output.follow(&printed.log).await });
        let watched = Arc::clone(self);
        spawn(async move {
            let exit = watched.ground.process.exited().await;
            watched.end(exit);
        });
        init_result
    }

    pub fn function(&self) -> &Arc<Function> {
        &self.function
    }

    /// How many invocations it runs at once.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// How many of its slots are taken; `None` when it takes no event.
    pub fn taken(&self) -> Option<usize> {
        self.state().taken()
    }

    /// Ends it at once. Idempotent.
    pub fn stop(&self) {
        self.ground.process.kill();
    }

    /// Waits until nothing of it runs any more.
    pub async fn ended(&self) {
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    /// The most memory that it has used.
    pub fn memory_peak_bytes(&self) -> u64 {
        self.ground.process.memory_peak_bytes()
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(crate) fn log(&self) -> &Arc<LogStream> {
        &self.log
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Events> {
        lock(&self.state)
    }

    /// A connection waits in `next`.
    pub(crate) fn parked(&self, was_init: bool) {
        if was_init {
            self.log.tell_init_runtime_done(Ending::SUCCESS);
            self.log.telemetry().close();
            self.ground.process.init_done();
            self.settle_init(Ok(()));
        }
    }

    /// The runtime reported that it cannot serve.
    pub(crate) fn init_failed(&self, failure: Failure) {
        self.settle_init(Err(failure));
    }

    /// Takes everything printed so far into the log.
    pub(crate) fn drain_output(&self) {
        self.ground.output.drain(&self.log);
    }

    /// Serves a connection for as long as it lasts.
    pub(crate) fn serve(self: &Arc<Self>, connection: Connection) {
        self.spawn_until_ended(runtime_api::serve_multi(Arc::clone(self), connection));
    }

    fn settle_init(&self, result: Result<(), Failure>) {
        let waiting = lock(&self.init).take();
        if let Some(waiting) = waiting {
            drop(waiting.send(result));
        }
    }

    fn end(&self, exit: Exit) {
        self.drain_output();
        let was_out_of_memory = self.ground.process.is_out_of_memory();
        let failure = Failure::Exited { exit, was_out_of_memory };
        self.settle_init(Err(failure.clone()));
        // The guard must be gone before the answers are sent.
        let Ended { running, waiting } = self.state().end();
        for answer in running {
            answer.send(Err(failure.clone()));
        }
        waiting.into_iter().for_each(Answer::not_delivered);
        self.log.flush();
        self.ended.send_replace(true);
    }

    /// Runs `task` until it is done or the environment has ended. The task keeps the environment no longer than that.
    pub(super) fn spawn_until_ended(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut ended = self.ended.subscribe();
        spawn(async move {
            tokio::select! {
                () = task => {}
                _ = ended.wait_for(|ended| *ended) => {}
            }
        });
    }
}

impl Drop for MultiEnvironment {
    fn drop(&mut self) {
        self.drain_output();
    }
}

async fn accept(environment: Arc<MultiEnvironment>) {
    let listener = environment.ground.runtime_api.lock().await;
    let places = environment.slots.saturating_mul(2).saturating_add(CONNECTIONS_MORE);
    let places = Arc::new(tokio::sync::Semaphore::new(places));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // A delay of Nagle's algorithm would cost more than the invocation.
                drop(stream.set_nodelay(true));
                let connection = Connection::new(stream).within(&environment.ground.room);
                let serving = runtime_api::serve_multi(Arc::clone(&environment), connection);
                environment.spawn_until_ended(async move {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
