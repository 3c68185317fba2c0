// SPDX-License-Identifier: Apache-2.0
//! Where an environment is in its life. Pure: no I/O, no clock.
//!
//! ```text
//! Init ──next──> Idle ──assign──> Busy ──answer──> Returning ──next──> Idle
//!                                  ^                   │
//!                                  └─────── assign ────┘   (the event waits for `next`)
//! any ──end──> Dead
//! ```
//!
//! Invariants:
//! - an event is in one place: waiting for `next`, or being run;
//! - a connection is parked only in `Idle`;
//! - an answer is taken once, and only for the invocation that runs; one that comes piece by piece is taken at its end,
//!   and nobody else answers meanwhile.

use names::RequestId;

/// `C` is a connection parked in `next`, `E` an event on its way, `A` who waits for the answer.
#[derive(Debug)]
pub(crate) struct State<C, E, A> {
    phase: Phase,
    parked: Option<C>,
    waiting: Option<(RequestId, E, A)>,
    running: Option<(RequestId, A)>,
    /// The last that has its answer.
    answered: Option<RequestId>,
    /// The connection that got the event of the invocation that runs is open, and may hold its answer.
    is_carried: bool,
    /// How far the response of the invocation that runs has come.
    answering: Answering,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answering {
    No,
    Begun,
    /// It broke off. Whether its runtime lives will be seen.
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Init,
    Idle,
    Busy,
    Returning,
    Dead,
}

/// What to do with an event that was assigned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assigned<C, E> {
    /// Write the event to this connection.
    Write(C, E),
    /// The next `next` will take it.
    Waits,
    /// The environment is gone, or has all the events that it takes at once.
    Refused,
}

/// What to do with a `next` request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<C, E> {
    /// Write the event that waited to the connection, and go on with it.
    Write(C, E),
    /// The connection is parked. `was_init` says that this ended the init phase.
    Parked { was_init: bool },
    /// A `next` out of turn.
    Refused(C),
}

impl<C, E, A> Default for State<C, E, A> {
    fn default() -> Self {
        Self {
            phase: Phase::Init,
            parked: None,
            waiting: None,
            running: None,
            answered: None,
            is_carried: false,
            answering: Answering::No,
        }
    }
}

impl<C, E, A> State<C, E, A> {
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The connection that waits for the next event.
    pub(crate) fn parked(&mut self) -> Option<&mut C> {
        self.parked.as_mut()
    }

    pub(crate) fn assign(&mut self, id: RequestId, event: E, answer: A) -> Assigned<C, E> {
        match (self.phase, self.parked.take()) {
            (Phase::Idle, Some(connection)) => {
                self.phase = Phase::Busy;
                self.running = Some((id, answer));
                self.is_carried = true;
                Assigned::Write(connection, event)
            }
            (Phase::Returning | Phase::Idle, None) if self.waiting.is_none() => {
                self.waiting = Some((id, event, answer));
                Assigned::Waits
            }
            (_, connection) => {
                self.parked = connection;
                Assigned::Refused
            }
        }
    }

    pub(crate) fn next(&mut self, connection: C) -> Next<C, E> {
        match self.phase {
            Phase::Init | Phase::Idle | Phase::Returning if self.parked.is_some() => {
                Next::Refused(connection)
            }
            Phase::Busy | Phase::Dead => Next::Refused(connection),
            Phase::Init | Phase::Idle | Phase::Returning => match self.waiting.take() {
                Some((id, event, answer)) => {
                    self.phase = Phase::Busy;
                    self.running = Some((id, answer));
                    Next::Write(connection, event)
                }
                None => {
                    let was_init = self.phase == Phase::Init;
                    self.phase = Phase::Idle;
                    self.parked = Some(connection);
                    Next::Parked { was_init }
                }
            },
        }
    }

    /// Who waits for the answer to `id`, if it is the invocation that runs.
    pub(crate) fn answer(&mut self, id: RequestId) -> Option<A> {
        if self.answering == Answering::No { self.end_answer(id) } else { None }
    }

    /// The same for an answer that is made from here on to `end_answer`.
    pub(crate) fn begin_answer(&mut self, id: RequestId) -> Option<&mut A> {
        match &mut self.running {
            Some((running, answer)) if *running == id && self.answering == Answering::No => {
                self.answering = Answering::Begun;
                Some(answer)
            }
            Some(_) | None => None,
        }
    }

    /// The connection that got the event is gone, or nobody reads it any more.
    pub(crate) fn let_go(&mut self) {
        self.is_carried = false;
    }

    /// Whether an answer may be on its way that nobody has seen yet.
    pub(crate) fn is_carried(&self) -> bool {
        self.running.is_some() && self.is_carried && self.answering == Answering::No
    }

    /// Whether an answer is being made.
    pub(crate) fn is_answering(&self) -> bool {
        self.running.is_some() && self.answering == Answering::Begun
    }

    /// The answer to `id` will not go on.
    pub(crate) fn break_answer(&mut self, id: RequestId) {
        if self.is_answering() && self.running.as_ref().is_some_and(|(running, _)| *running == id) {
            self.answering = Answering::Broken;
        }
    }

    /// Who waited for an answer that broke off.
    pub(crate) fn take_broken(&mut self) -> Option<A> {
        let (id, _) = self.running.as_ref().filter(|_| self.answering == Answering::Broken)?;
        self.end_answer(*id)
    }

    /// Who waited for the answer that began. `None` when the invocation has ended without it.
    pub(crate) fn end_answer(&mut self, id: RequestId) -> Option<A> {
        match self.running.take() {
            Some((running, answer)) if running == id => {
                self.phase = Phase::Returning;
                self.answered = Some(id);
                self.answering = Answering::No;
                self.is_carried = false;
                Some(answer)
            }
            other => {
                self.running = other;
                None
            }
        }
    }

    /// Whether `id` is the invocation that was answered last, and nothing has come after it.
    pub(crate) fn was_answered(&self, id: RequestId) -> bool {
        self.running.is_none() && self.answered == Some(id)
    }

    /// The environment ended. Who waits, and whether the event had reached the runtime.
    pub(crate) fn end(&mut self) -> Ended<A> {
        self.parked = None;
        self.retire()
    }

    /// The environment takes no more events. A runtime that waits for one goes on waiting.
    pub(crate) fn retire(&mut self) -> Ended<A> {
        self.phase = Phase::Dead;
        Ended {
            running: self.running.take().map(|(_, answer)| answer),
            waiting: self.waiting.take().map(|(_, _, answer)| answer),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended<A> {
    /// Its event was delivered: the invocation failed.
    pub(crate) running: Option<A>,
    /// Its event was not: it may run elsewhere.
    pub(crate) waiting: Option<A>,
}

#[cfg(test)]
mod tests {
    use super::*;

    type Test = State<&'static str, u8, &'static str>;

    #[test]
    fn the_straight_life() {
        let id = RequestId::random();
        let mut state = Test::default();
        assert_eq!(state.next("c"), Next::Parked { was_init: true });
        assert_eq!(state.assign(id, 1, "a"), Assigned::Write("c", 1));
        assert_eq!(state.answer(RequestId::random()), None);
        assert_eq!(state.answer(id), Some("a"));
        assert_eq!(state.answer(id), None, "a second answer is refused");
        assert!(state.was_answered(id) && !state.was_answered(RequestId::random()));
        assert_eq!(state.next("c"), Next::Parked { was_init: false });
    }

    #[test]
    fn an_event_may_be_assigned_before_next() {
        let (first, second) = (RequestId::random(), RequestId::random());
        let mut state = Test::default();
        state.next("c");
        state.assign(first, 1, "a");
        state.answer(first);
        assert_eq!(state.assign(second, 2, "b"), Assigned::Waits);
        assert_eq!(state.assign(RequestId::random(), 3, "x"), Assigned::Refused);
        assert_eq!(state.next("c"), Next::Write("c", 2));
        assert_eq!(state.next("d"), Next::Refused("d"), "one event at a time");
        assert_eq!(state.end(), Ended { running: Some("b"), waiting: None });
    }

    #[test]
    fn an_event_that_was_not_delivered_is_told_apart() {
        let id = RequestId::random();
        let mut state = Test::default();
        state.next("c");
        state.assign(id, 1, "a");
        state.answer(id);
        state.assign(RequestId::random(), 2, "b");
        assert_eq!(state.end(), Ended { running: None, waiting: Some("b") });
        assert_eq!(state.assign(RequestId::random(), 3, "x"), Assigned::Refused);
        assert_eq!(state.phase(), Phase::Dead);
    }

    #[test]
    fn a_retired_environment_takes_nothing_and_drops_nobody() {
        let mut state = Test::default();
        state.next("c");
        assert_eq!(state.retire(), Ended { running: None, waiting: None });
        assert_eq!(state.assign(RequestId::random(), 1, "a"), Assigned::Refused);
        assert_eq!(state.parked, Some("c"));
        state.end();
        assert_eq!(state.parked, None);
    }

    #[test]
    fn an_answer_that_is_being_made_is_nobody_elses() {
        let (id, other) = (RequestId::random(), RequestId::random());
        let mut state = Test::default();
        state.next("c");
        state.assign(id, 1, "a");
        assert_eq!(state.begin_answer(other), None);
        assert!(state.is_carried() && !state.is_answering());
        assert_eq!(state.begin_answer(id), Some(&mut "a"));
        assert!(!state.is_carried() && state.is_answering());
        assert_eq!(state.begin_answer(id), None);
        assert_eq!(state.answer(id), None);
        assert_eq!(state.next("d"), Next::Refused("d"), "it is not over");
        assert_eq!(state.end_answer(id), Some("a"));
        assert_eq!(state.end_answer(id), None);
        state.next("c");
        state.assign(other, 2, "b");
        state.begin_answer(other);
        assert_eq!(state.end(), Ended { running: Some("b"), waiting: None });
        assert_eq!(state.end_answer(other), None, "the end was told");
    }

    #[test]
    fn an_answer_that_broke_off_is_taken_once() {
        let id = RequestId::random();
        let mut state = Test::default();
        state.next("c");
        state.assign(id, 1, "a");
        state.begin_answer(id);
        assert_eq!(state.take_broken(), None);
        state.break_answer(id);
        assert_eq!(state.next("d"), Next::Refused("d"), "who waits must be told first");
        assert_eq!((state.take_broken(), state.take_broken()), (Some("a"), None));
        assert_eq!(state.next("d"), Next::Parked { was_init: false });
        state.break_answer(id);
        assert_eq!(state.assign(RequestId::random(), 2, "b"), Assigned::Write("d", 2));
    }

    #[test]
    fn init_takes_no_event() {
        let mut state = Test::default();
        assert_eq!(state.assign(RequestId::random(), 1, "a"), Assigned::Refused);
    }
}
