// SPDX-License-Identifier: Apache-2.0
//! What one queue has: what is ready, what is hidden, and what is next. Pure: no clock, no disk.
//!
//! Messages stand in lines, one for each message group; those without a group share one. Of a standard queue the lines take
//! turns, so that the backlog of one group does not delay the others. Of a FIFO queue a line is in order, and nothing of it
//! is given out while something of it is in flight.
//!
//! Invariants:
//! - a message is ready, delayed, in flight or ending, and never two of them;
//! - a line that has something to give has exactly one turn.

use crate::entry::{Content, Progress};
use crate::room::Stored;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Messages that are looked at for the oldest: a ledger is locked meanwhile.
const OLDEST_SEEN_MAX: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) progress: Progress,
    pub(crate) group: Option<Arc<str>>,
    /// The ARN of the queue that it was moved from, since it was written.
    pub(crate) source: Option<Arc<str>>,
    pub(crate) stored: Stored,
    /// In memory while there is room.
    pub(crate) content: Option<Arc<Content>>,
    state: State,
    /// It is being deleted or moved: nobody gets it.
    is_ending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Delayed,
    InFlight,
}

#[derive(Debug, Default)]
struct Line {
    /// Of a FIFO queue the delayed ones too: nothing overtakes them.
    waiting: BTreeSet<u64>,
    in_flight: usize,
    has_turn: bool,
}

/// What a receiver is given.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) id: u64,
    pub(crate) progress: Progress,
    pub(crate) source: Option<Arc<str>>,
    pub(crate) content: Option<Arc<Content>>,
}

/// How many messages are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) ready: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

/// How a receiver wants them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) now: u64,
    pub(crate) count_max: usize,
    pub(crate) hidden_until: u64,
    /// What was received so often is dead.
    pub(crate) receives_max: Option<u32>,
}

/// Why something was not done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotHeld {
    Gone,
    /// The handle is of an earlier receipt.
    Stale,
    /// It is not hidden any more.
    Visible,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    is_fifo: bool,
    messages: BTreeMap<u64, Message>,
    lines: HashMap<Option<Arc<str>>, Line>,
    turns: VecDeque<Option<Arc<str>>>,
    /// When what is hidden is due.
    due: BTreeSet<(u64, u64)>,
    counts: Counts,
}

impl Message {
    pub(crate) fn new(
        progress: Progress,
        group: Option<Arc<str>>,
        source: Option<Arc<str>>,
        stored: Stored,
        content: Option<Arc<Content>>,
    ) -> Self {
        Self { progress, group, source, stored, content, state: State::Ready, is_ending: false }
    }
}

impl Counts {
    fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Ready => &mut self.ready,
            State::Delayed => &mut self.delayed,
            State::InFlight => &mut self.in_flight,
        }
    }
}

impl Ledger {
    pub(crate) fn new(is_fifo: bool) -> Self {
        Self { is_fifo, ..Self::default() }
    }

    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    /// The group as it is known here already, so that all messages share one text.
    pub(crate) fn group(&self, name: Option<&str>) -> Option<Arc<str>> {
        let name: Arc<str> = name?.into();
        let known = self.lines.get_key_value(&Some(Arc::clone(&name)));
        Some(known.and_then(|(known, _)| known.clone()).unwrap_or(name))
    }

    pub(crate) fn insert(&mut self, id: u64, mut message: Message, now: u64) {
        let due = message.progress.due;
        message.state = if due > now { State::Delayed } else { State::Ready };
        *self.counts.of(message.state) += 1;
        let group = message.group.clone();
        let is_delayed = message.state == State::Delayed;
        self.messages.insert(id, message);
        if is_delayed {
            self.due.insert((due, id));
        }
        if self.is_fifo || !is_delayed {
            self.lines.entry(group.clone()).or_default().waiting.insert(id);
        }
        self.give_turn(&group, now);
    }

    /// The line has a turn if it has something to give.
    fn give_turn(&mut self, group: &Option<Arc<str>>, now: u64) {
        let Some(line) = self.lines.get_mut(group) else { return };
        if line.waiting.is_empty() && line.in_flight == 0 && !line.has_turn {
            self.lines.remove(group);
            return;
        }
        let is_open = !self.is_fifo || line.in_flight == 0;
        let first = line.waiting.first().and_then(|id| self.messages.get(id));
        let gives = first.is_some_and(|first| first.progress.due <= now && !first.is_ending);
        if is_open && gives && !line.has_turn {
            line.has_turn = true;
            self.turns.push_back(group.clone());
        }
    }

    /// What was hidden and is due is ready.
    fn wake(&mut self, now: u64) {
        while let Some(&(due, id)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            self.make_ready(id, now);
        }
    }

    fn make_ready(&mut self, id: u64, now: u64) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        let (was, group) = (message.state, message.group.clone());
        let waits = self.is_fifo || !message.is_ending;
        message.state = State::Ready;
        *self.counts.of(was) -= 1;
        self.counts.ready += 1;
        let line = self.lines.entry(group.clone()).or_default();
        line.in_flight -= usize::from(was == State::InFlight);
        if waits {
            line.waiting.insert(id);
        }
        self.give_turn(&group, now);
    }

    /// What a receiver gets, and what is dead instead. The dead are ending: they are moved, or given back by `resume`.
    pub(crate) fn take(&mut self, wanted: Wanted) -> (Vec<Taken>, Vec<u64>) {
        self.wake(wanted.now);
        let (mut taken, mut dead) = (Vec::new(), Vec::new());
        while taken.len() < wanted.count_max
            && let Some(group) = self.turns.pop_front()
        {
            let Some(line) = self.lines.get_mut(&group) else { continue };
            line.has_turn = false;
            // A line of a FIFO queue gives as much as it can, for its next turn is only after that.
            let count_max = if self.is_fifo { wanted.count_max - taken.len() } else { 1 };
            for _ in 0..count_max {
                if !self.take_first(&group, wanted, &mut taken, &mut dead) {
                    break;
                }
            }
            self.give_turn(&group, wanted.now);
        }
        (taken, dead)
    }

    /// Takes the first of a line. `false` if it gives nothing now.
    fn take_first(
        &mut self,
        group: &Option<Arc<str>>,
        wanted: Wanted,
        taken: &mut Vec<Taken>,
        dead: &mut Vec<u64>,
    ) -> bool {
        let Some(line) = self.lines.get_mut(group) else { return false };
        let Some(id) = line.waiting.first().copied() else { return false };
        let Some(message) = self.messages.get_mut(&id) else { return false };
        if message.progress.due > wanted.now || message.is_ending {
            return false;
        }
        if wanted.receives_max.is_some_and(|max| message.progress.receives >= max) {
            dead.push(id);
            self.begin_end(id);
            return !self.is_fifo;
        }
        line.waiting.remove(&id);
        line.in_flight += 1;
        let progress = &mut message.progress;
        progress.receives = progress.receives.saturating_add(1);
        if progress.first_received == 0 {
            progress.first_received = wanted.now;
        }
        progress.due = wanted.hidden_until;
        message.state = State::InFlight;
        self.counts.ready -= 1;
        self.counts.in_flight += 1;
        self.due.insert((wanted.hidden_until, id));
        taken.push(Taken {
            id,
            progress: *progress,
            source: message.source.clone(),
            content: message.content.clone(),
        });
        true
    }

    /// When the next of what is hidden is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Hides what was received for longer, or for no longer.
    pub(crate) fn hide(
        &mut self,
        id: u64,
        receives: u32,
        until: u64,
        now: u64,
    ) -> Result<(), NotHeld> {
        self.wake(now);
        let message = self.messages.get_mut(&id).ok_or(NotHeld::Gone)?;
        if message.progress.receives != receives {
            return Err(NotHeld::Stale);
        }
        if message.state != State::InFlight || message.is_ending {
            return Err(NotHeld::Visible);
        }
        self.due.remove(&(message.progress.due, id));
        message.progress.due = until;
        if until > now {
            self.due.insert((until, id));
        } else {
            self.make_ready(id, now);
        }
        Ok(())
    }

    /// Begins to delete what was received. Nobody gets it until it is removed, or given back by `resume`.
    pub(crate) fn begin_delete(&mut self, id: u64, receives: u32, now: u64) -> Result<(), NotHeld> {
        self.wake(now);
        let message = self.messages.get_mut(&id).ok_or(NotHeld::Gone)?;
        if message.progress.receives != receives || message.is_ending {
            return Err(NotHeld::Stale);
        }
        if self.is_fifo && message.state != State::InFlight {
            return Err(NotHeld::Visible);
        }
        self.begin_end(id);
        Ok(())
    }

    /// Nobody gets it from here on. Of a FIFO queue it holds up its line.
    fn begin_end(&mut self, id: u64) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        message.is_ending = true;
        if !self.is_fifo
            && let Some(line) = self.lines.get_mut(&message.group)
        {
            line.waiting.remove(&id);
        }
    }

    /// Begins to move what is ready, at most so many.
    pub(crate) fn begin_moves(&mut self, now: u64, count_max: usize) -> Vec<u64> {
        self.wake(now);
        let is_free = |message: &Message| message.state == State::Ready && !message.is_ending;
        let found = self.messages.iter().filter(|(_, message)| is_free(message));
        let ids: Vec<u64> = found.take(count_max).map(|(id, _)| *id).collect();
        for id in &ids {
            self.begin_end(*id);
        }
        ids
    }

    /// What was to be deleted or moved is there still.
    pub(crate) fn resume(&mut self, id: u64, now: u64) {
        let Some(message) = self.messages.get_mut(&id) else { return };
        if !std::mem::replace(&mut message.is_ending, false) {
            return;
        }
        let (group, state) = (message.group.clone(), message.state);
        if state == State::Ready {
            self.lines.entry(group.clone()).or_default().waiting.insert(id);
        }
        self.give_turn(&group, now);
    }

    pub(crate) fn remove(&mut self, id: u64, now: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        *self.counts.of(message.state) -= 1;
        self.due.remove(&(message.progress.due, id));
        if let Some(line) = self.lines.get_mut(&message.group) {
            line.waiting.remove(&id);
            line.in_flight -= usize::from(message.state == State::InFlight);
        }
        self.give_turn(&message.group, now);
        Some(message)
    }

    /// Takes out what was sent before `sent`. An id begins with the time at which it was given, so that what has one that is
    /// not old is not looked at.
    pub(crate) fn expire(&mut self, sent: u64, id_bits: u32, now: u64) -> Vec<u64> {
        let old: Vec<u64> = self
            .messages
            .range(..sent << id_bits)
            .filter(|(_, message)| message.progress.sent < sent && !message.is_ending)
            .map(|(id, _)| *id)
            .collect();
        for id in &old {
            self.remove(*id, now);
        }
        old
    }

    /// Takes out everything. The largest id that was there is answered.
    pub(crate) fn clear(&mut self) -> (Option<u64>, BTreeMap<u64, Message>) {
        let emptied = std::mem::replace(self, Self::new(self.is_fifo));
        (emptied.messages.last_key_value().map(|(id, _)| *id), emptied.messages)
    }

    /// When the oldest message was sent. Of a standard queue, those do not count that were received three times, and are there still:
    /// as on AWS, where they go to the back.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let counts = |message: &&Message| self.is_fifo || message.progress.receives < 3;
        let oldest = self.messages.values().take(OLDEST_SEEN_MAX).find(counts);
        oldest.map(|message| message.progress.sent)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Message> {
        self.messages.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.get_mut(&id)
    }

    /// What stands in this file of the journal.
    pub(crate) fn in_segment(&self, segment: u64) -> Vec<u64> {
        let is_there = |message: &Message| message.stored.place.segment == segment;
        self.messages.iter().filter(|(_, message)| is_there(message)).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Options, Room};
    use journal::Place;
    use proptest::prelude::*;

    fn message(room: &Arc<Room>, group: Option<&str>, due: u64) -> Message {
        let place = Place { segment: 1, offset: 0, bytes: 10 };
        let stored = room.reserve_always(10, false).stored(place);
        let progress = Progress { sent: 0, due, ..Progress::default() };
        Message::new(progress, group.map(Arc::from), None, stored, None)
    }

    fn wanted(now: u64, count_max: usize) -> Wanted {
        Wanted { now, count_max, hidden_until: now + 10, receives_max: None }
    }

    fn ids(taken: &(Vec<Taken>, Vec<u64>)) -> Vec<u64> {
        taken.0.iter().map(|taken| taken.id).collect()
    }

    #[test]
    fn groups_of_a_standard_queue_take_turns() {
        let (room, mut ledger) = (Room::new(Options::default()), Ledger::new(false));
        for (id, group) in [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b")] {
            ledger.insert(id, message(&room, Some(group), 0), 0);
        }
        assert_eq!(ids(&ledger.take(wanted(0, 5))), [1, 4, 2, 5, 3]);
    }

    #[test]
    fn a_delayed_message_holds_up_its_group_and_no_other() {
        let (room, mut ledger) = (Room::new(Options::default()), Ledger::new(true));
        ledger.insert(1, message(&room, Some("a"), 50), 0);
        ledger.insert(2, message(&room, Some("a"), 0), 0);
        ledger.insert(3, message(&room, Some("b"), 0), 0);
        assert_eq!(ids(&ledger.take(wanted(0, 5))), [3]);
        assert_eq!(ledger.next_due(), Some(10));
        ledger.remove(3, 0);
        assert_eq!((ids(&ledger.take(wanted(49, 5))), ledger.next_due()), (vec![], Some(50)));
        assert_eq!(ids(&ledger.take(wanted(50, 5))), [1, 2]);
    }

    #[test]
    fn what_was_received_too_often_is_dead() {
        for is_fifo in [false, true] {
            let (room, mut ledger) = (Room::new(Options::default()), Ledger::new(is_fifo));
            for id in [1, 2] {
                ledger.insert(id, message(&room, Some("a"), 0), 0);
            }
            let wanted = |now| Wanted { receives_max: Some(1), ..wanted(now, 1) };
            assert_eq!(ids(&ledger.take(wanted(0))), [1]);
            let (taken, dead) = ledger.take(wanted(10));
            assert_eq!((taken.len(), dead), (usize::from(!is_fifo), vec![1]), "{is_fifo}");
            ledger.resume(1, 10);
            assert_eq!(ledger.take(wanted(20)).1[0], 1);
            assert!(ledger.remove(1, 20).is_some());
        }
    }

    proptest! {
        /// Whatever happens in whatever order: the counts are true, a group of a FIFO queue is in order, and all ends.
        #[test]
        fn everything_is_received_and_ends(
            is_fifo: bool,
            steps in prop::collection::vec((0..8_u8, 0..3_usize, 0..20_u64), 0..120),
        ) {
            let (room, mut ledger) = (Room::new(Options::default()), Ledger::new(is_fifo));
            let (mut next, mut now, mut held, mut left) = (1, 1, Vec::new(), 0);
            for (step, which, number) in steps {
                match step {
                    0..=2 => {
                        let due = if number > 15 && !is_fifo { now + number } else { 0 };
                        let group = [None, Some("a"), Some("b")][which];
                        ledger.insert(next, message(&room, group, due), now);
                        (next, left) = (next + 1, left + 1);
                    }
                    3 => {
                        let taken = ledger.take(wanted(now, which + 1)).0;
                        held.extend(taken.into_iter().map(|taken| (taken.id, taken.progress.receives)));
                    }
                    4 if !held.is_empty() => {
                        let (id, receives) = held.swap_remove(which % held.len());
                        if ledger.begin_delete(id, receives, now).is_ok() {
                            if number > 3 {
                                prop_assert!(ledger.remove(id, now).is_some());
                                left -= 1;
                            } else {
                                ledger.resume(id, now);
                            }
                        }
                    }
                    5 if !held.is_empty() => {
                        let (id, receives) = held[which % held.len()];
                        let _ = ledger.hide(id, receives, now + number % 5, now);
                    }
                    6 => for id in ledger.begin_moves(now, which) { ledger.resume(id, now); },
                    _ => now += number,
                }
                let Counts { ready, in_flight, delayed } = ledger.counts();
                prop_assert_eq!(ready + in_flight + delayed, left);
                prop_assert_eq!(ledger.messages.len(), left);
            }
            let mut last: HashMap<Option<Arc<str>>, u64> = HashMap::new();
            while left > 0 {
                now += 100;
                let taken = ledger.take(wanted(now, 3)).0;
                prop_assert!(!taken.is_empty());
                for taken in taken {
                    let group = ledger.get(taken.id).unwrap().group.clone();
                    let before = last.insert(group, taken.id).unwrap_or_default();
                    prop_assert!(!is_fifo || before < taken.id);
                    prop_assert!(ledger.begin_delete(taken.id, taken.progress.receives, now).is_ok());
                    ledger.remove(taken.id, now);
                    left -= 1;
                }
            }
            prop_assert_eq!(ledger.counts(), Counts::default());
            prop_assert!(ledger.due.is_empty() && ledger.lines.is_empty());
        }
    }
}
