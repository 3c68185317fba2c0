// SPDX-License-Identifier: Apache-2.0
//! One of the invocations of an environment that runs several.
//!
//! As for a single one, the invoking task takes a connection that waits, writes the event and reads the answer itself.

use super::environment::MultiEnvironment;
use crate::clock;
use crate::delivery::Delivery;
use crate::environment::{Answer, Answered};
use crate::event::{Event, Outcome};
use crate::failure::Failure;
use crate::life::Living;
use crate::run::{Given, outcome, serve_on, wait};
use crate::state::Assigned;
use crate::telemetry::Invocation;
use bytes::{Bytes, BytesMut};
use names::RequestId;
use std::sync::Arc;
use std::time::Duration;

/// How long an environment may have nothing but invocations whose time was up.
const STUCK_MAX: Duration = Duration::from_secs(60);

/// Every slot is taken, or the environment ended before its runtime took the event. It may run elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// An invocation that has not ended. Dropped, it gives its event up.
struct Unfinished<'a> {
    environment: &'a Arc<MultiEnvironment>,
    id: RequestId,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.environment.give_up(self.id);
    }
}

impl MultiEnvironment {
    /// Runs `event` to its end, within the function's timeout.
    ///
    /// # Errors
    ///
    /// `Busy` when the event never reached the function.
    pub async fn run(self: &Arc<Self>, event: &Event) -> Result<Outcome, Busy> {
        let life = self.life();
        let function = Arc::clone(self.function());
        if let Some(sampled) = &event.sampled {
            Box::pin(life.ground.listen(&function, sampled)).await;
        }
        let timeout_ms = u64::try_from(function.timeout.as_millis()).unwrap_or(u64::MAX);
        let delivery = Delivery::new(event, clock::epoch_ms().saturating_add(timeout_ms));
        let (answer, answered) = Answer::pair(event.response.clone());
        // The guard must be gone before the first await.
        let assigned = self.state().assign(event.request_id, delivery, answer);
        let mut connection = match assigned {
            Assigned::Write(mut connection, delivery) => {
                delivery.queue_on(&mut connection);
                Some(connection)
            }
            Assigned::Waits => None,
            Assigned::Refused => return Err(Busy),
        };
        let unfinished = Unfinished { environment: self, id: event.request_id };
        let mut invocation = Invocation::beside_others(&life.log, &function, event);
        invocation.tell_start(&function, event);
        let waited =
            tokio::time::timeout(function.timeout, wait(self, answered, &mut connection)).await;
        // What the runtime does with this connection from here on is no longer this invocation's.
        if let Some(connection) = connection {
            serve_on(Arc::clone(self), connection);
        }
        let given = match waited {
            Ok(Answered::Result(result, streamed)) => Given { result, streamed },
            Ok(Answered::NotDelivered) => return Err(Busy),
            Err(_elapsed) => Given { result: Err(Failure::TimedOut), streamed: None },
        };
        drop(unfinished);
        life.drain_output();
        invocation.answered(&given, None);
        life.ground.hear(event);
        invocation.tell_report(self.memory_peak_bytes());
        let whole = outcome(&life.log, &function, event, given.result);
        let log_tail = match event.wants_log_tail {
            true => lines_of(&whole.log_tail, &event.request_id.to_string()),
            false => Bytes::new(),
        };
        Ok(Outcome { log_tail, ..whole })
    }

    /// Nobody waits for `id` any more. An environment that has only such invocations left is ended after a while.
    fn give_up(self: &Arc<Self>, id: RequestId) {
        let is_stuck = {
            let mut state = self.state();
            state.give_up(id);
            state.is_stuck()
        };
        if is_stuck {
            let stuck = Arc::clone(self);
            self.life().spawn(async move {
                tokio::time::sleep(STUCK_MAX).await;
                if stuck.state().is_stuck() {
                    stuck.stop();
                }
            });
        }
    }
}

/// The lines of a log that name an invocation: those of its neighbours are not its caller's.
fn lines_of(log: &[u8], request_id: &str) -> Bytes {
    let mut own = BytesMut::new();
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        if memchr::memmem::find(line, request_id.as_bytes()).is_some() {
            own.extend_from_slice(line);
        }
    }
    own.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tail_is_the_callers_own() {
        let log = b"{\"requestId\":\"a\"}\n{\"requestId\":\"b\"}\nplain\n{\"x\":\"a\"}";
        assert_eq!(lines_of(log, "\"a\""), &b"{\"requestId\":\"a\"}\n{\"x\":\"a\"}"[..]);
    }
}
