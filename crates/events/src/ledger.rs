// SPDX-License-Identifier: Apache-2.0
//! What waits, what runs, and whose turn it is. Pure: no clock, no disk.
//!
//! Each function has a line of its own, and lines take turns. A line has at most half of what the others leave of the
//! room for second runs, and every line may have its first: so one backlog delays nobody else. A line whose runs are
//! throttled narrows to half of what ran, and widens by one each time as many runs as it is wide came through.
//!
//! A line may be one in order: then only its first item runs, and while that is delayed, nothing of it does.
//!
//! Bodies stay on the disk: an item here is a hundred bytes.
//!
//! Invariants:
//! - an item is ready, delayed or running, and never two of them;
//! - what is reserved or kept counts until it ends, so that no limit is passed by more than deliveries, which are
//!   never refused: they stand for an event that was accepted;
//! - a line with something that may run has exactly one turn.

use crate::entry::{Class, Progress};
use journal::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) items_max: usize,
    pub(crate) bytes_max: u64,
    pub(crate) line_items_max: usize,
    pub(crate) line_bytes_max: u64,
    pub(crate) running_max: usize,
}

/// Too much waits already. Retry later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("too many events of this function wait")]
    Line,
    #[error("too many events wait")]
    Queue,
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) line: Arc<str>,
    pub(crate) class: Class,
    pub(crate) place: Place,
    /// What it counts for.
    pub(crate) bytes: u64,
    pub(crate) accepted: u64,
    pub(crate) progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Delayed,
    Running,
}

/// One function's items.
#[derive(Debug, Default)]
struct Line {
    /// Of a line in order the first may be delayed.
    ready: VecDeque<u64>,
    is_in_order: bool,
    has_turn: bool,
    running: usize,
    /// So many run at most, since some were throttled.
    window: Option<usize>,
    /// Runs that came through since the window last changed.
    through: usize,
    items: usize,
    bytes: u64,
}

/// What of one file is still needed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) items: usize,
    pub(crate) bytes: u64,
}

/// How it stands with one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineState {
    /// Events that have not ended, and how many of them run.
    pub events: usize,
    pub running: usize,
    /// Events that failed at least once and wait for another attempt.
    pub retrying: usize,
    /// Events that were throttled and wait.
    pub throttled: usize,
    /// What is to be delivered and could not be yet.
    pub undelivered: usize,
    pub bytes: u64,
    /// When the oldest of its items was accepted: queue time in milliseconds.
    pub(crate) oldest: u64,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    limits: Limits,
    is_in_order: fn(&str) -> bool,
    items: HashMap<u64, (Item, State)>,
    lines: HashMap<Arc<str>, Line>,
    turns: VecDeque<Arc<str>>,
    delayed: BTreeSet<(u64, u64)>,
    uses: BTreeMap<u64, Use>,
    /// Reserved ones too.
    count: usize,
    bytes: u64,
    running: usize,
    /// Of those that run, how many are not the first of their line.
    seconds: usize,
}

impl Ledger {
    pub(crate) fn new(limits: Limits, is_in_order: fn(&str) -> bool) -> Self {
        Self {
            limits,
            is_in_order,
            items: HashMap::new(),
            lines: HashMap::new(),
            turns: VecDeque::new(),
            delayed: BTreeSet::new(),
            uses: BTreeMap::new(),
            count: 0,
            bytes: 0,
            running: 0,
            seconds: 0,
        }
    }

    /// Makes room for an event that is about to be written.
    pub(crate) fn reserve(&mut self, line: &str, bytes: u64) -> Result<Arc<str>, Refused> {
        let limits = self.limits;
        if self.count >= limits.items_max || self.bytes.saturating_add(bytes) > limits.bytes_max {
            return Err(Refused::Queue);
        }
        if let Some(found) = self.lines.get(line)
            && (found.items >= limits.line_items_max
                || found.bytes.saturating_add(bytes) > limits.line_bytes_max)
        {
            return Err(Refused::Line);
        }
        Ok(self.reserve_always(line, bytes))
    }

    /// Makes room for what stands for an event that was accepted.
    pub(crate) fn reserve_always(&mut self, line: &str, bytes: u64) -> Arc<str> {
        let name = match self.lines.get_key_value(line) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::from(line),
        };
        let is_in_order = self.is_in_order;
        let new = || Line { is_in_order: is_in_order(&name), ..Line::default() };
        let line = self.lines.entry(Arc::clone(&name)).or_insert_with(new);
        line.items += 1;
        line.bytes += bytes;
        self.count += 1;
        self.bytes += bytes;
        name
    }

    /// Gives back what was reserved or kept.
    pub(crate) fn release(&mut self, name: &Arc<str>, bytes: u64) {
        self.count -= 1;
        self.bytes -= bytes;
        if let Some(line) = self.lines.get_mut(name) {
            line.items -= 1;
            line.bytes -= bytes;
            if line.items == 0 && !line.has_turn {
                self.lines.remove(name);
            }
        }
    }

    /// Puts what is on the disk, and was reserved, in its line.
    pub(crate) fn insert(&mut self, id: u64, item: Item) {
        self.count_use(item.place, true);
        let (due, name) = (item.progress.due, Arc::clone(&item.line));
        if due > 0 {
            self.delayed.insert((due, id));
            self.items.insert(id, (item, State::Delayed));
            if let Some(line) = self.lines.get_mut(&name).filter(|line| line.is_in_order) {
                line.ready.push_back(id);
            }
        } else {
            self.items.insert(id, (item, State::Ready));
            if let Some(line) = self.lines.get_mut(&name) {
                line.ready.push_back(id);
            }
            self.give_turn(&name);
        }
    }

    /// An item stands somewhere else on the disk now. `false` if it has ended meanwhile.
    pub(crate) fn moved(&mut self, id: u64, place: Place) -> bool {
        let Some((item, _)) = self.items.get_mut(&id) else { return false };
        let before = std::mem::replace(&mut item.place, place);
        self.count_use(before, false);
        self.count_use(place, true);
        true
    }

    /// What may run now, in the order of turns. It runs until `again` or `end`.
    pub(crate) fn take(&mut self, now: u64) -> Vec<(u64, Item)> {
        while let Some(&(due, id)) = self.delayed.first()
            && due <= now
        {
            self.delayed.pop_first();
            if let Some((item, state)) = self.items.get_mut(&id) {
                *state = State::Ready;
                let name = Arc::clone(&item.line);
                self.wake(&name, id);
            }
        }
        let (mut taken, mut passed) = (Vec::new(), 0);
        while self.running < self.limits.running_max
            && passed < self.turns.len()
            && let Some(name) = self.turns.pop_front()
        {
            match self.take_of(&name) {
                Some(id) => {
                    passed = 0;
                    taken.extend(self.items.get(&id).map(|(item, _)| (id, item.clone())));
                }
                None if self.lines.get(&name).is_some_and(|line| line.has_turn) => passed += 1,
                // It has nothing any more, and no turn.
                None => {}
            }
        }
        taken
    }

    /// The next of a line that just had its turn, which it has again if more is ready.
    fn take_of(&mut self, name: &Arc<str>) -> Option<u64> {
        let seconds_max = self.limits.running_max / 2;
        let line = self.lines.get_mut(name)?;
        let is_first = line.running == 0;
        let fits = line.running <= seconds_max.saturating_sub(self.seconds)
            && self.seconds < seconds_max
            && line.window.is_none_or(|window| line.running < window);
        let id = if is_first || fits { line.ready.pop_front() } else { None };
        if id.is_some() {
            line.running += 1;
            self.running += 1;
            self.seconds += usize::from(!is_first);
        }
        line.has_turn = !line.ready.is_empty() && !line.is_in_order;
        if line.has_turn {
            self.turns.push_back(Arc::clone(name));
        } else if line.items == 0 {
            // What was ready was purged.
            self.lines.remove(name);
        }
        if let Some((_, state)) = id.and_then(|id| self.items.get_mut(&id)) {
            *state = State::Running;
        }
        id
    }

    /// When the next delayed item is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.delayed.first().map(|(due, _)| *due)
    }

    /// A run came to its end, and its item goes on later. `is_through`: it was not throttled.
    pub(crate) fn again(&mut self, id: u64, progress: Progress, is_through: bool) {
        let Some((item, state)) = self.items.get_mut(&id) else { return };
        (*state, item.progress) = (State::Delayed, progress);
        let (name, class) = (Arc::clone(&item.line), item.class);
        self.delayed.insert((progress.due, id));
        if let Some(line) = self.lines.get_mut(&name).filter(|line| line.is_in_order) {
            line.ready.push_front(id);
        }
        self.stopped_running(&name, class, is_through);
    }

    /// A run came to its end, and its item with it.
    pub(crate) fn end(&mut self, id: u64) {
        let Some((item, _)) = self.items.remove(&id) else { return };
        self.stopped_running(&item.line, item.class, true);
        self.count_use(item.place, false);
        self.release(&item.line, item.bytes);
    }

    fn stopped_running(&mut self, name: &Arc<str>, class: Class, is_through: bool) {
        self.running -= 1;
        let Some(line) = self.lines.get_mut(name) else { return };
        if class == Class::Event {
            line.adapt(is_through);
        }
        line.running -= 1;
        self.seconds -= usize::from(line.running > 0);
        self.give_turn(name);
    }

    /// An item is delayed no longer. Of a line in order it has kept its place.
    fn wake(&mut self, name: &Arc<str>, id: u64) {
        if let Some(line) = self.lines.get_mut(name).filter(|line| !line.is_in_order) {
            line.ready.push_back(id);
        }
        self.give_turn(name);
    }

    /// A line has a turn when something of it may run.
    fn give_turn(&mut self, name: &Arc<str>) {
        let Some(line) = self.lines.get_mut(name).filter(|line| !line.has_turn) else { return };
        let Some(first) = line.ready.front() else { return };
        let is_delayed = || matches!(self.items.get(first), Some((_, State::Delayed)));
        if !line.is_in_order || (line.running == 0 && !is_delayed()) {
            line.has_turn = true;
            self.turns.push_back(Arc::clone(name));
        }
    }

    fn count_use(&mut self, place: Place, is_used: bool) {
        let found = self.uses.entry(place.segment).or_default();
        let bytes = u64::from(place.bytes);
        if is_used {
            *found = Use { items: found.items + 1, bytes: found.bytes + bytes };
        } else {
            *found = Use { items: found.items - 1, bytes: found.bytes - bytes };
        }
        if found.items == 0 {
            self.uses.remove(&place.segment);
        }
    }

    pub(crate) fn use_of(&self, segment: u64) -> Use {
        self.uses.get(&segment).copied().unwrap_or_default()
    }

    /// Bytes on the disk that are still needed.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.uses.values().map(|found| found.bytes).sum()
    }

    /// Items that stand in this file, with what is known of them.
    pub(crate) fn items_in(&self, segment: u64) -> Vec<u64> {
        let is_there = |item: &Item| item.place.segment == segment;
        self.items.iter().filter(|(_, (item, _))| is_there(item)).map(|(id, _)| *id).collect()
    }

    /// The first items of a line, and whether each runs.
    pub(crate) fn items_of(&self, line: &str, count_max: usize) -> Vec<(Item, bool)> {
        let is_its = |item: &Item| *item.line == *line;
        let mut ids: Vec<u64> =
            self.items.iter().filter(|(_, (item, _))| is_its(item)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.truncate(count_max);
        let found = ids.iter().filter_map(|id| self.items.get(id));
        found.map(|(item, state)| (item.clone(), *state == State::Running)).collect()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Item> {
        self.items.get(&id).map(|(item, _)| item)
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes out everything of `line` that does not run, or of all lines.
    pub(crate) fn purge(&mut self, line: Option<&str>, class: Option<Class>) -> Vec<u64> {
        let is_meant = |item: &Item, state: State| {
            state != State::Running
                && line.is_none_or(|line| *line == *item.line)
                && class.is_none_or(|class| class == item.class)
        };
        let found = self.items.iter().filter(|(_, (item, state))| is_meant(item, *state));
        let mut ids: Vec<u64> = found.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for id in &ids {
            let Some((item, _)) = self.items.remove(id) else { continue };
            self.delayed.remove(&(item.progress.due, *id));
            self.count_use(item.place, false);
            self.release(&item.line, item.bytes);
        }
        // What is ready of them has a place in its line still.
        let items = &self.items;
        for line in self.lines.values_mut() {
            line.ready.retain(|id| items.contains_key(id));
        }
        // The first of a line in order may be another now.
        let held = self.lines.iter().filter(|(_, line)| line.is_in_order && !line.has_turn);
        let held: Vec<_> = held.map(|(name, _)| Arc::clone(name)).collect();
        held.iter().for_each(|name| self.give_turn(name));
        ids
    }

    /// Makes everything of `line` that is delayed ready now, or of all lines. How many that is.
    pub(crate) fn redrive(&mut self, line: Option<&str>) -> usize {
        let delayed = std::mem::take(&mut self.delayed);
        let (mut count, mut left) = (0, BTreeSet::new());
        for (due, id) in delayed {
            let Some((item, state)) = self.items.get_mut(&id) else { continue };
            if line.is_some_and(|line| *line != *item.line) {
                left.insert((due, id));
                continue;
            }
            *state = State::Ready;
            let name = Arc::clone(&item.line);
            self.wake(&name, id);
            count += 1;
        }
        self.delayed = left;
        count
    }

    pub(crate) fn waiting(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn lines(&self) -> BTreeMap<Arc<str>, LineState> {
        let mut lines: BTreeMap<Arc<str>, LineState> = BTreeMap::new();
        for (item, state) in self.items.values() {
            let line = lines
                .entry(Arc::clone(&item.line))
                .or_insert_with(|| LineState { oldest: u64::MAX, ..LineState::default() });
            line.bytes += item.bytes;
            line.oldest = line.oldest.min(item.accepted);
            let is_running = *state == State::Running;
            match item.class {
                Class::Delivery => line.undelivered += 1,
                Class::Event => {
                    let Progress { attempts, delays, .. } = item.progress;
                    line.events += 1;
                    line.running += usize::from(is_running);
                    line.retrying += usize::from(!is_running && attempts > 0);
                    line.throttled += usize::from(!is_running && delays > 0);
                }
            }
        }
        lines
    }
}

impl Line {
    /// Narrows or widens, before the run that ended is taken off.
    fn adapt(&mut self, is_through: bool) {
        if !is_through {
            (self.window, self.through) = (Some((self.running / 2).max(1)), 0);
            return;
        }
        let Some(window) = &mut self.window else { return };
        self.through += 1;
        if self.through >= *window {
            (*window, self.through) = (*window + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        items_max: 1_000,
        bytes_max: 1_000_000,
        line_items_max: 500,
        line_bytes_max: 500_000,
        running_max: 16,
    };

    fn ledger(limits: Limits) -> Ledger {
        Ledger::new(limits, |line| line == "d")
    }

    fn add(ledger: &mut Ledger, line: &str, id: u64) -> Result<(), Refused> {
        let line = ledger.reserve(line, 10)?;
        let place = Place { segment: id / 10, offset: 0, bytes: 10 };
        let progress = Progress::default();
        let item = Item { line, class: Class::Event, place, bytes: 10, accepted: id, progress };
        ledger.insert(id, item);
        Ok(())
    }

    fn taken(ledger: &mut Ledger, now: u64) -> String {
        ledger.take(now).iter().map(|(_, item)| &*item.line).collect()
    }

    #[test]
    fn a_backlog_leaves_the_first_run_to_every_other_line() {
        let mut ledger = ledger(LIMITS);
        for id in 1..=100 {
            add(&mut ledger, "a", id).unwrap();
        }
        assert_eq!(taken(&mut ledger, 0), "aaaaa", "one, and half of eight");
        for (id, line) in (101..).zip(["b", "b", "b", "b", "c", "d", "e", "f", "g", "h"]) {
            add(&mut ledger, line, id).unwrap();
        }
        assert_eq!(taken(&mut ledger, 0), "bcdefghbb", "in turns, and half of what is left");
        assert_eq!(ledger.running(), 14);
    }

    #[test]
    fn lines_take_turns() {
        let mut ledger = ledger(Limits { running_max: 1, ..LIMITS });
        for (id, line) in (1..).zip(["a", "a", "a", "b", "b", "c"]) {
            add(&mut ledger, line, id).unwrap();
        }
        let mut order = String::new();
        while let Some((id, item)) = ledger.take(0).pop() {
            order += &item.line;
            ledger.end(id);
        }
        assert_eq!(order, "abcaba");
        assert!(ledger.lines.is_empty() && ledger.uses.is_empty());
    }

    #[test]
    fn a_throttled_line_narrows_and_widens() {
        let mut ledger = ledger(LIMITS);
        for id in 1..=60 {
            add(&mut ledger, "a", id).unwrap();
        }
        let mut running: VecDeque<u64> = ledger.take(0).into_iter().map(|(id, _)| id).collect();
        assert_eq!(running.len(), 5);
        let throttled = running.pop_front().unwrap();
        let later = Progress { delays: 1, due: 1_000, ..Progress::default() };
        ledger.again(throttled, later, false);
        assert_eq!(taken(&mut ledger, 0), "", "four run, two may");
        let mut widths = Vec::new();
        while let Some(id) = running.pop_front() {
            ledger.end(id);
            running.extend(ledger.take(0).into_iter().map(|(id, _)| id));
            widths.push(running.len());
        }
        assert_eq!(widths[..12], [3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]);
    }

    #[test]
    fn what_waits_is_limited_by_line_and_in_all() {
        let mut ledger = ledger(Limits { items_max: 5, line_items_max: 3, ..LIMITS });
        for id in 1..=3 {
            add(&mut ledger, "a", id).unwrap();
        }
        assert_eq!(add(&mut ledger, "a", 4), Err(Refused::Line));
        add(&mut ledger, "b", 4).unwrap();
        add(&mut ledger, "b", 5).unwrap();
        assert_eq!(add(&mut ledger, "c", 6), Err(Refused::Queue));
        let (id, _) = ledger.take(0).swap_remove(0);
        assert_eq!(add(&mut ledger, "c", 6), Err(Refused::Queue), "what runs counts");
        ledger.end(id);
        add(&mut ledger, "c", 6).unwrap();
    }

    #[test]
    fn what_is_purged_is_gone_and_what_is_redriven_is_ready() {
        let mut ledger = ledger(LIMITS);
        for (id, line) in (1..).zip(["a", "a", "b"]) {
            add(&mut ledger, line, id).unwrap();
        }
        for (id, _) in ledger.take(0) {
            ledger.again(id, Progress { attempts: 1, delays: 0, due: 60_000 }, true);
        }
        assert_eq!((ledger.next_due(), ledger.redrive(Some("b"))), (Some(60_000), 1));
        assert_eq!(taken(&mut ledger, 1), "b");
        assert_eq!(ledger.purge(None, None), [1, 2], "b runs");
        assert_eq!((ledger.next_due(), ledger.items.len()), (None, 1));
        ledger.end(3);
        assert!(ledger.is_empty() && ledger.lines.is_empty());
    }

    #[test]
    fn a_line_that_was_purged_takes_no_turn_from_the_next() {
        let mut ledger = ledger(LIMITS);
        for (id, line) in (1..).zip(["a", "b"]) {
            add(&mut ledger, line, id).unwrap();
        }
        assert_eq!(ledger.purge(Some("a"), None), [1]);
        assert_eq!(taken(&mut ledger, 0), "b");
    }

    #[test]
    fn a_line_in_order_waits_for_its_first() {
        let mut ledger = ledger(LIMITS);
        for (id, line) in (1..).zip(["d", "d", "d", "a"]) {
            add(&mut ledger, line, id).unwrap();
        }
        let take = |ledger: &mut Ledger, now| {
            ledger.take(now).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(take(&mut ledger, 0), [1, 4]);
        ledger.again(1, Progress { attempts: 1, due: 10, ..Progress::default() }, true);
        assert_eq!(take(&mut ledger, 9), [0; 0], "the first is delayed");
        assert_eq!(take(&mut ledger, 10), [1]);
        ledger.end(1);
        assert_eq!(take(&mut ledger, 10), [2]);
        ledger.again(2, Progress { delays: 1, due: 20, ..Progress::default() }, false);
        assert_eq!(ledger.redrive(Some("d")), 1);
        assert_eq!(take(&mut ledger, 10), [2]);
    }

    proptest! {
        /// Whatever happens in whatever order: nothing is counted twice, nothing is forgotten, and all comes to an end.
        #[test]
        fn everything_ends(steps in prop::collection::vec((0..7_u8, 0..4_u8, any::<prop::sample::Index>()), 0..200)) {
            let mut ledger = ledger(Limits { running_max: 6, ..LIMITS });
            let (mut next, mut now, mut running, mut ended, mut purged) = (1, 0, Vec::new(), 0, 0);
            // Of the line in order: what ran first, and has not ended.
            let mut first = None;
            for (step, line, index) in steps {
                match step {
                    0 | 1 => { add(&mut ledger, ["a", "b", "c", "d"][usize::from(line)], next).unwrap(); next += 1; }
                    2 | 3 => for (id, item) in ledger.take(now) {
                        if &*item.line == "d" {
                            prop_assert!(first.is_none_or(|first| first == id));
                            first = Some(id);
                        }
                        running.push(id);
                    },
                    4 if !running.is_empty() => {
                        let id = running.swap_remove(index.index(running.len()));
                        first = first.filter(|first| *first != id);
                        ledger.end(id);
                        ended += 1;
                    }
                    5 if !running.is_empty() => {
                        let id = running.swap_remove(index.index(running.len()));
                        let progress = Progress { due: now + 10, ..Progress::default() };
                        ledger.again(id, progress, line > 0);
                    }
                    6 if line == 0 => purged += ledger.purge(Some("a"), None).len(),
                    6 if line == 1 => drop(ledger.redrive(Some("b"))),
                    _ => now += 7,
                }
                prop_assert!(ledger.running <= 6 && ledger.running == running.len());
            }
            loop {
                running.extend(ledger.take(u64::MAX).into_iter().map(|(id, _)| id));
                let Some(id) = running.pop() else { break };
                ledger.end(id);
                ended += 1;
            }
            prop_assert_eq!(ended + purged + 1, usize::try_from(next).unwrap());
            prop_assert!(ledger.is_empty() && ledger.lines.is_empty() && ledger.turns.is_empty() && ledger.uses.is_empty());
            prop_assert_eq!((ledger.count, ledger.bytes, ledger.running, ledger.seconds), (0, 0, 0, 0));
        }
    }
}
