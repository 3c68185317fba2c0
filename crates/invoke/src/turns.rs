// SPDX-License-Identifier: Apache-2.0
//! Turns: how many environments start at once, and who is next.
//!
//! Functions take turns one by one, however many starts each of them waits for: a burst of one does not delay the first
//! start of another. Starts ahead of events come when no event waits for one.
//!
//! Invariants:
//! - nobody waits while a turn is free;
//! - between two turns of one function, every other function that waits has one.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use worker::Deployment;

/// What a start is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// An event waits.
    Event,
    /// Nobody waits yet.
    Ahead,
}

#[derive(Debug)]
pub(crate) struct Turns(Mutex<State>);

/// The right to start, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Arc<Turns>>);

#[derive(Debug)]
struct State {
    free: usize,
    events: Line<Deployment, oneshot::Sender<Turn>>,
    ahead: Line<Deployment, oneshot::Sender<Turn>>,
}

/// Who waits, by whose turn it is next.
#[derive(Debug)]
struct Line<K, W> {
    /// Each key once.
    order: VecDeque<K>,
    waiting: HashMap<K, VecDeque<W>>,
}

impl Turns {
    pub(crate) fn new(free: usize) -> Arc<Self> {
        let (events, ahead) = (Line::default(), Line::default());
        Arc::new(Self(Mutex::new(State { free, events, ahead })))
    }

    /// Waits for a turn on behalf of `deployment`. May be dropped.
    pub(crate) async fn take(self: &Arc<Self>, deployment: Deployment, urgency: Urgency) -> Turn {
        let receiver = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            match urgency {
                Urgency::Event => state.events.push(deployment, sender),
                Urgency::Ahead => state.ahead.push(deployment, sender),
            }
            receiver
        };
        // Whoever waits is called as long as there are turns, and `self` is held here.
        receiver.await.unwrap_or(Turn(None))
    }

    fn give_back(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.events.pop().or_else(|| state.ahead.pop());
                state.free += usize::from(next.is_none());
                next
            };
            let Some(waiting) = next else { return };
            match waiting.send(Turn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // It does not wait any more. Its turn goes on to the next right here.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.give_back();
        }
    }
}

impl<K, W> Default for Line<K, W> {
    fn default() -> Self {
        Self { order: VecDeque::new(), waiting: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, W> Line<K, W> {
    fn push(&mut self, key: K, waiting: W) {
        let queue = self.waiting.entry(key.clone()).or_default();
        if queue.is_empty() {
            self.order.push_back(key);
        }
        queue.push_back(waiting);
    }

    fn pop(&mut self) -> Option<W> {
        let key = self.order.pop_front()?;
        let queue = self.waiting.get_mut(&key)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&key);
        } else {
            self.order.push_back(key);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn functions_take_turns_one_by_one() {
        let mut line = Line::default();
        for (key, waiting) in [('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('b', 6)] {
            line.push(key, waiting);
        }
        let order: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }

    proptest! {
        /// Nobody is lost, a function's own starts keep their order, and nobody overtakes twice.
        #[test]
        fn a_line_is_fair(steps in prop::collection::vec((0..4_u8, any::<bool>()), 0..200)) {
            let mut line: Line<u8, (u8, usize)> = Line::default();
            let mut waiting: HashMap<u8, VecDeque<usize>> = HashMap::new();
            // How many turns others had since this key had one, for keys that wait.
            let mut passed: HashMap<u8, usize> = HashMap::new();
            for (serial, (key, comes)) in steps.into_iter().enumerate() {
                if comes {
                    line.push(key, (key, serial));
                    waiting.entry(key).or_default().push_back(serial);
                    passed.entry(key).or_insert(0);
                } else {
                    let next = line.pop();
                    prop_assert_eq!(next.is_none(), waiting.values().all(VecDeque::is_empty));
                    let Some((key, serial)) = next else { continue };
                    prop_assert_eq!(waiting.entry(key).or_default().pop_front(), Some(serial));
                    passed.values_mut().for_each(|passed| *passed += 1);
                    prop_assert!(passed.remove(&key).unwrap_or(0) <= 4, "there are four keys");
                    if !waiting[&key].is_empty() { passed.insert(key, 0); }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_turn_goes_to_the_next_that_still_waits() {
        let (turns, a, b) = (Turns::new(1), Deployment(1), Deployment(2));
        let first = turns.take(a, Urgency::Event).await;
        let mut gone = Box::pin(turns.take(a, Urgency::Event));
        let mut ahead = Box::pin(turns.take(a, Urgency::Ahead));
        let mut other = Box::pin(turns.take(b, Urgency::Event));
        for waiting in [&mut gone, &mut ahead, &mut other] {
            let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx)));
            assert!(poll.await.is_pending());
        }
        drop(gone);
        drop(first);
        let turn = other.await;
        drop(turn);
        drop(ahead.await);
        assert_eq!(turns.lock().free, 1);
    }
}
