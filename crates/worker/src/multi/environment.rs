// SPDX-License-Identifier: Apache-2.0
//! An environment that runs several invocations at once: a sandbox, a runtime with several connections, and its life.
//!
//! It ends as a whole: when its process or one of its extensions ends, when it is stopped, or when every slot is taken by an
//! invocation whose time was up long ago. It is never reset; whoever keeps it starts another.

use super::state::{Ended, State};
use crate::delivery::Delivery;
use crate::environment::Answer;
use crate::extensions::{self, Reason};
use crate::failure::Failure;
use crate::function::Function;
use crate::ground::Ground;
use crate::life::{self, InitResult, Life, Living};
use crate::logs::LogStream;
use crate::runtime_api::{self, Connection, Request, Served};
use sandbox::Exit;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Connections beside those that wait for events: answers may come on connections of their own.
const CONNECTIONS_MORE: usize = 64;

pub(super) type Events = State<Connection, Delivery, Answer>;

#[derive(Debug)]
pub struct MultiEnvironment {
    life: Life,
    slots: usize,
    state: Mutex<Events>,
}

impl MultiEnvironment {
    pub(crate) fn new(
        function: Arc<Function>,
        log: Arc<LogStream>,
        ground: Arc<Ground>,
        slots: usize,
    ) -> io::Result<Self> {
        let state = Mutex::new(State::new(slots));
        Ok(Self { life: Life::new(function, log, ground)?, slots, state })
    }

    /// Puts the program that was started to work.
    pub(crate) fn begin(self: &Arc<Self>, connection: Option<Connection>) -> InitResult {
        life::begin(self, connection)
    }

    pub fn function(&self) -> &Arc<Function> {
        &self.life.function
    }

    /// How many invocations it runs at once.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// How many of its slots are taken; `None` when it takes no event.
    pub fn taken(&self) -> Option<usize> {
        self.state().taken()
    }

    /// How long it has been there.
    pub fn age(&self) -> Duration {
        self.life.ground.age()
    }

    /// Ends it, because it is no longer needed: at once, or when its extensions have shut down. Idempotent.
    pub fn stop(self: &Arc<Self>) {
        extensions::stop(self, Reason::Spindown);
    }

    /// Ends it, because its init phase failed.
    pub(crate) fn stop_after(self: &Arc<Self>, failure: &Failure) {
        extensions::stop(self, Reason::after(failure));
        self.life.drain_output();
    }

    /// Waits until nothing of it runs any more.
    pub async fn ended(&self) {
        self.life.ended().await;
    }

    /// The most memory that it has used.
    pub fn memory_peak_bytes(&self) -> u64 {
        self.life.ground.process.memory_peak_bytes()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Events> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Living for MultiEnvironment {
    const RUNTIME_GRACE: Duration = Duration::from_millis(600);

    fn life(&self) -> &Life {
        &self.life
    }

    fn connections_max(&self) -> usize {
        self.slots.saturating_mul(2).saturating_add(CONNECTIONS_MORE)
    }

    async fn answer(
        self: &Arc<Self>,
        connection: Connection,
        request: Request,
    ) -> io::Result<Served> {
        runtime_api::answer_multi(self, connection, request).await
    }

    fn has_runtime_asked(&self) -> bool {
        self.taken().is_some()
    }

    fn initialised(&self) {
        self.life.ground.process.init_done();
        self.life.settle_init(Ok(()));
    }

    /// Whoever waits is told of the end: an event that was delivered must not run elsewhere too.
    fn retire(&self) {
        self.give_up(Failure::Exited { exit: Exit::Killed, was_out_of_memory: false });
    }

    fn give_up(&self, failure: Failure) {
        self.life.settle_init(Err(failure.clone()));
        // The guard must be gone before the answers are sent.
        let Ended { running, waiting } = self.state().end();
        for answer in running {
            answer.send(Err(failure.clone()));
        }
        waiting.into_iter().for_each(Answer::not_delivered);
    }

    fn end(&self, exit: Exit) {
        self.life.drain_output();
        self.life.set_reason(Reason::Failure);
        let was_out_of_memory = self.life.is_out_of_memory();
        self.give_up(Failure::Exited { exit, was_out_of_memory });
        self.life.log.flush();
    }
}

impl Drop for MultiEnvironment {
    fn drop(&mut self) {
        self.life.drain_output();
    }
}
