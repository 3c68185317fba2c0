// SPDX-License-Identifier: Apache-2.0
//! Which invocations an environment runs at once, and which connections wait for more. Pure: no I/O, no clock.
//!
//! Invariants:
//! - an event is in one place: waiting for a connection, or being run;
//! - no more than `slots` events are here at once, those counted whose time was up and whose code goes on;
//! - an answer is taken once.

use crate::state::Assigned;
use names::RequestId;
use std::collections::{HashMap, VecDeque};

/// Of how many invocations it is remembered that their time was up, for each slot.
const REMEMBERED: usize = 4;

/// `C` is a connection parked in `next`, `E` an event on its way, `A` who waits for the answer.
#[derive(Debug)]
pub(crate) struct State<C, E, A> {
    slots: usize,
    has_initialised: bool,
    is_dead: bool,
    parked: Vec<C>,
    waiting: VecDeque<(RequestId, E, A)>,
    /// Without who waits once the answer is being made.
    running: HashMap<RequestId, Option<A>>,
    /// Those whose time was up, the oldest in front, and whether their code is believed to go on.
    late: VecDeque<(RequestId, bool)>,
}

/// What to do with a `next` request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<C, E> {
    Write(C, E),
    /// `was_init` says that this ended the init phase.
    Parked {
        was_init: bool,
    },
    /// More connections wait already than there are slots.
    TooMany(C),
}

/// What an answer is to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<A> {
    To(A),
    /// Its invocation's time was up.
    Late,
    Unknown,
}

/// Who waits when an environment ends.
#[derive(Debug)]
pub(crate) struct Ended<A> {
    /// Their events were delivered: they failed.
    pub(crate) running: Vec<A>,
    /// Theirs were not.
    pub(crate) waiting: Vec<A>,
}

impl<C, E, A> State<C, E, A> {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            has_initialised: false,
            is_dead: false,
            parked: Vec::new(),
            waiting: VecDeque::new(),
            running: HashMap::new(),
            late: VecDeque::new(),
        }
    }

    /// How many slots are taken; `None` when it takes no event at all.
    pub(crate) fn taken(&self) -> Option<usize> {
        let lingering = self.late.iter().filter(|(_, goes_on)| *goes_on).count();
        (self.has_initialised && !self.is_dead)
            .then(|| self.running.len() + self.waiting.len() + lingering)
    }

    /// Whether every slot is taken by an invocation whose time was up.
    pub(crate) fn is_stuck(&self) -> bool {
        self.late.iter().filter(|(_, goes_on)| *goes_on).count() >= self.slots
    }

    pub(crate) fn assign(&mut self, id: RequestId, event: E, answer: A) -> Assigned<C, E> {
        if self.taken().is_none_or(|taken| taken >= self.slots) || self.running.contains_key(&id) {
            return Assigned::Refused;
        }
        match self.parked.pop() {
            Some(connection) => {
                self.running.insert(id, Some(answer));
                Assigned::Write(connection, event)
            }
            None => {
                self.waiting.push_back((id, event, answer));
                Assigned::Waits
            }
        }
    }

    pub(crate) fn next(&mut self, connection: C) -> Next<C, E> {
        if let Some((id, event, answer)) = self.waiting.pop_front() {
            self.running.insert(id, Some(answer));
            return Next::Write(connection, event);
        }
        if self.parked.len() >= self.slots {
            return Next::TooMany(connection);
        }
        // A runtime that waits in every slot has left what it was too late for.
        while self.parked.len() + self.taken().unwrap_or_default() >= self.slots {
            let Some((_, goes_on)) = self.late.iter_mut().find(|(_, goes_on)| *goes_on) else {
                break;
            };
            *goes_on = false;
        }
        self.parked.push(connection);
        Next::Parked { was_init: !std::mem::replace(&mut self.has_initialised, true) }
    }

    /// Takes who waits for the answer to `id`. Until `end_answer`, its slot stays taken.
    pub(crate) fn begin_answer(&mut self, id: RequestId) -> Answer<A> {
        match self.running.get_mut(&id) {
            Some(answer) => answer.take().map_or(Answer::Unknown, Answer::To),
            None => match self.late.iter().position(|(late, _)| *late == id) {
                Some(index) => {
                    self.late.remove(index);
                    Answer::Late
                }
                None => Answer::Unknown,
            },
        }
    }

    /// The answer to `id` is whole, or broke off.
    pub(crate) fn end_answer(&mut self, id: RequestId) {
        if self.running.remove(&id).is_none() {
            self.late.retain(|(late, _)| *late != id);
        }
    }

    /// The time of `id` is up, or nobody waits for it any more. Its code goes on if it has begun.
    pub(crate) fn give_up(&mut self, id: RequestId) {
        self.waiting.retain(|(waiting, ..)| *waiting != id);
        if self.running.remove(&id).is_some() {
            self.late.push_back((id, true));
            if self.late.len() > self.slots.saturating_mul(REMEMBERED) {
                self.late.pop_front();
            }
        }
    }

    pub(crate) fn end(&mut self) -> Ended<A> {
        self.is_dead = true;
        self.parked.clear();
        Ended {
            running: self.running.drain().filter_map(|(_, answer)| answer).collect(),
            waiting: self.waiting.drain(..).map(|(_, _, answer)| answer).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Test = State<&'static str, u8, u8>;

    fn ready(slots: usize, connections: &[&'static str]) -> Test {
        let mut state = Test::new(slots);
        for (index, connection) in connections.iter().enumerate() {
            assert_eq!(state.next(connection), Next::Parked { was_init: index == 0 });
        }
        state
    }

    #[test]
    fn several_events_run_at_once_and_no_more_than_there_are_slots() {
        let ids = [(); 4].map(|()| RequestId::random());
        let mut state = ready(3, &["a", "b"]);
        assert_eq!(state.assign(ids[0], 1, 1), Assigned::Write("b", 1));
        assert_eq!(state.assign(ids[1], 2, 2), Assigned::Write("a", 2));
        assert_eq!(state.assign(ids[2], 3, 3), Assigned::Waits);
        assert_eq!(state.assign(ids[3], 4, 4), Assigned::Refused);
        assert_eq!(state.begin_answer(ids[1]), Answer::To(2));
        assert_eq!(state.begin_answer(ids[1]), Answer::Unknown, "an answer is taken once");
        assert_eq!(state.taken(), Some(3), "it is being made");
        state.end_answer(ids[1]);
        assert_eq!(state.next("a"), Next::Write("a", 3));
        assert_eq!(state.assign(ids[3], 4, 4), Assigned::Waits);
        let ended = state.end();
        assert_eq!((ended.running.len(), ended.waiting), (2, vec![4]));
        assert_eq!(state.assign(ids[1], 2, 2), Assigned::Refused);
    }

    #[test]
    fn what_is_too_late_keeps_its_slot_until_its_code_is_through() {
        let (slow, other) = (RequestId::random(), RequestId::random());
        let mut state = ready(1, &["a"]);
        state.assign(slow, 1, 1);
        state.give_up(slow);
        assert!(state.is_stuck());
        assert_eq!(state.assign(other, 2, 2), Assigned::Refused);
        assert_eq!(state.begin_answer(slow), Answer::Late);
        assert_eq!(state.begin_answer(slow), Answer::Unknown);
        assert_eq!(state.next("a"), Next::Parked { was_init: false });
        assert_eq!(state.assign(other, 2, 2), Assigned::Write("a", 2));
        state.give_up(other);
        assert_eq!(state.next("a"), Next::Parked { was_init: false }, "it left it unanswered");
        assert!(!state.is_stuck());
        assert_eq!(state.begin_answer(other), Answer::Late);
        assert_eq!(state.next("b"), Next::TooMany("b"));
    }

    #[test]
    fn an_event_that_never_reached_the_runtime_leaves_nothing() {
        let id = RequestId::random();
        let mut state = ready(2, &["a"]);
        state.assign(RequestId::random(), 1, 1);
        assert_eq!(state.assign(id, 2, 2), Assigned::Waits);
        state.give_up(id);
        assert_eq!((state.taken(), state.begin_answer(id)), (Some(1), Answer::Unknown));
        assert_eq!(Test::new(1).taken(), None, "it has yet to initialise");
    }

    proptest! {
        /// Whatever comes, there are never more events than slots, and each answer has one taker.
        #[test]
        fn slots_are_kept(slots in 1..5_usize, steps in prop::collection::vec((0..5_u8, 0..6_usize), 0..200)) {
            let ids: Vec<_> = (0..6).map(|_| RequestId::random()).collect();
            let mut state = Test::new(slots);
            let mut waits = 0_usize;
            for (step, which) in steps {
                let id = ids[which];
                match step {
                    0 => if state.assign(id, 0, 0) != Assigned::Refused { waits += 1; },
                    1 => { state.next("c"); }
                    2 => if matches!(state.begin_answer(id), Answer::To(_)) { waits -= 1; },
                    3 => state.end_answer(id),
                    _ => {
                        let before = state.waiting.iter().filter(|(waiting, ..)| *waiting == id).count()
                            + usize::from(matches!(state.running.get(&id), Some(Some(_))));
                        state.give_up(id);
                        waits -= before;
                    }
                }
                prop_assert!(state.taken().is_none_or(|taken| taken <= slots));
                prop_assert!(state.parked.len() <= slots && state.late.len() <= slots * REMEMBERED);
                let held = state.waiting.len() + state.running.values().flatten().count();
                // An event that is ended while it has not been answered is the caller's own doing.
                prop_assert!(held <= waits || step == 3);
                waits = held;
            }
        }
    }
}
