// SPDX-License-Identifier: Apache-2.0
//! A disk that fails, fills up, tears and forgets, hundreds of times: what was acknowledged reaches its end.
//!
//! The disk is in memory and keeps what was written apart from what was synced. When its power fails, of what was not
//! synced any prefix may be there, and behind that anything. Meanwhile the clock jumps, by up to a month. `EVENTS_ROUNDS` sets
//! how many rounds are played; a failed one tells its seed.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole file is tests"
)]

use bytes::Bytes;
use events::disk::{Disk, Segment};
use events::{Class, New, Next, NotKept, Options, Queue, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Deterministic, and good enough to play with.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }

    fn index(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).unwrap()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The power fails before this operation, or in the middle of it.
    PowerFails,
    /// The disk is full, for this operation and some after it.
    Full,
    /// An fsync reports an error, and nobody knows what is on the disk.
    SyncFails,
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    written: Vec<u8>,
}

#[derive(Debug)]
struct State {
    files: BTreeMap<String, File>,
    dice: Dice,
    /// Operations until something happens.
    countdown: u64,
    fault: Option<Fault>,
    full_for: u64,
    is_dead: bool,
    fault_count: usize,
}

#[derive(Debug, Clone)]
struct Memory(Arc<Mutex<State>>);

#[derive(Debug)]
struct MemoryFile(Memory, String);

impl Memory {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            files: BTreeMap::new(),
            dice: Dice(seed | 1),
            countdown: u64::MAX,
            fault: None,
            full_for: 0,
            is_dead: false,
            fault_count: 0,
        })))
    }

    fn arm(&self, fault: Fault, countdown: u64) {
        let mut state = self.0.lock().unwrap();
        (state.fault, state.countdown) = (Some(fault), countdown);
    }

    fn is_dead(&self) -> bool {
        self.0.lock().unwrap().is_dead
    }

    /// What is there when the power is back.
    fn revive(&self) {
        let mut state = self.0.lock().unwrap();
        let State { files, dice, .. } = &mut *state;
        for file in files.values_mut() {
            file.forget(dice);
        }
        (state.is_dead, state.fault, state.full_for) = (false, None, 0);
    }
}

impl File {
    /// Loses what was not synced, but for a part at its start that may be followed by anything.
    fn forget(&mut self, dice: &mut Dice) {
        let common =
            self.synced.iter().zip(&self.written).take_while(|(one, other)| one == other).count();
        if common < self.synced.len() {
            // It was cut, and that was not synced: it may be long again.
            self.written.clone_from(&self.synced);
            return;
        }
        let kept = common + dice.index(self.written.len() - common + 1);
        let lost = self.written.len() - kept;
        self.written.truncate(kept);
        match dice.roll(3) {
            0 => self.written.extend(std::iter::repeat_n(0, lost)),
            1 => self.written.extend((0..lost).map(|_| dice.roll(256).to_le_bytes()[0])),
            _ => {}
        }
        self.synced.clone_from(&self.written);
    }
}

impl State {
    /// Counts an operation that changes something. An error is what it meets.
    fn step(&mut self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("the power is off"));
        }
        if self.full_for > 0 {
            self.full_for -= 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.countdown = self.countdown.saturating_sub(1);
        if self.countdown > 0 {
            return Ok(());
        }
        match self.fault.take() {
            None => return Ok(()),
            Some(Fault::PowerFails) => self.is_dead = true,
            Some(Fault::Full) => self.full_for = 1 + self.dice.roll(20),
            Some(Fault::SyncFails) => {}
        }
        self.fault_count += 1;
        Err(if self.full_for > 0 {
            io::ErrorKind::StorageFull.into()
        } else {
            io::Error::other("it failed")
        })
    }
}

impl Disk for Memory {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().files.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        let mut state = self.0.lock().unwrap();
        state.step()?;
        assert!(state.files.insert(name.to_owned(), File::default()).is_none(), "a new file");
        Ok(Arc::new(MemoryFile(self.clone(), name.to_owned())))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        Ok(Arc::new(MemoryFile(self.clone(), name.to_owned())))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.step()?;
        state.files.remove(name);
        Ok(())
    }
}

impl MemoryFile {
    fn with<T>(&self, work: impl FnOnce(&mut State, &mut File) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.0.lock().unwrap();
        let Some(mut file) = state.files.remove(&self.1) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let result = work(&mut state, &mut file);
        state.files.insert(self.1.clone(), file);
        result
    }
}

impl Segment for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        self.with(|_, file| Ok(file.written.len() as u64))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.with(|_, file| {
            let from = usize::try_from(offset).unwrap();
            let bytes = file.written.get(from..from + buffer.len());
            buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.with(|state, file| {
            let result = state.step();
            let from = usize::try_from(offset).unwrap();
            assert!(from <= file.written.len(), "no holes");
            // What fails in the middle leaves a part behind.
            let written =
                if result.is_ok() { bytes.len() } else { state.dice.index(bytes.len() + 1) };
            file.written.truncate(from);
            file.written.extend(&bytes[..written]);
            result
        })
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.with(|state, file| {
            state.step()?;
            file.written.truncate(usize::try_from(length).unwrap());
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, file| {
            if let Err(error) = state.step() {
                // Some of it came to the disk, and the kernel holds the rest for written.
                if !state.is_dead {
                    file.forget(&mut state.dice);
                }
                return Err(error);
            }
            file.synced.clone_from(&file.written);
            Ok(())
        })
    }
}

#[derive(Debug, Default)]
struct Seen {
    acknowledged: BTreeSet<String>,
    delivered: BTreeSet<String>,
    runs: usize,
}

fn item(class: Class, name: &str, bytes: usize) -> New {
    let line = format!("line-{}", name.len() % 3);
    New { line, class, head: Bytes::from(name.to_owned()), body: vec![7; bytes].into() }
}

/// What the runs come to. Nothing happens after the power has failed.
async fn run(disk: Memory, seen: Arc<Mutex<Seen>>, work: Work) -> Next {
    tokio::task::yield_now().await;
    if disk.is_dead() {
        std::future::pending::<()>().await;
    }
    let name = String::from_utf8(work.head.to_vec()).unwrap();
    let mut seen = seen.lock().unwrap();
    seen.runs += 1;
    match (work.class, seen.runs % 7) {
        (_, 0) => Next::Retry { after: Duration::from_millis(1) },
        (_, 1) => Next::PutOff { at_most: Duration::from_millis(1) },
        (Class::Event, _) => Next::End(vec![item(Class::Delivery, &name, 50)]),
        (Class::Delivery, _) => {
            seen.delivered.insert(name);
            Next::End(Vec::new())
        }
    }
}

/// A server's life on this disk, until its power fails or everything has ended. `false` if neither comes.
async fn live(disk: &Memory, seen: &Arc<Mutex<Seen>>, life: usize, events: usize) -> bool {
    let options =
        Options { throttled_ms: 1, throttled_ms_max: 2, file_bytes: 2_000, ..Options::default() };
    // A server that can not read its disk does not start.
    let queue = match Queue::open(Arc::new(disk.clone()), options) {
        Ok(queue) => Arc::new(queue),
        Err(error) => {
            assert!(events > 0, "it starts on a disk that works: {error}");
            return true;
        }
    };
    let (runs_on, told) = (disk.clone(), Arc::clone(seen));
    queue.start(move |work| run(runs_on.clone(), Arc::clone(&told), work));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let (queue, seen) = (Arc::clone(&queue), Arc::clone(seen));
        tasks.spawn(async move {
            for number in 0..events {
                let name = format!("{life}.{task}.{number}");
                match queue.keep(item(Class::Event, &name, 10 + number * 13 % 300)).await {
                    Ok(()) => drop(seen.lock().unwrap().acknowledged.insert(name)),
                    Err(NotKept::Failed(_)) => {}
                    Err(NotKept::Refused(refused)) => panic!("{refused}"),
                }
            }
        });
    }
    if life.is_multiple_of(2) {
        // Three times while events are kept and run: everything is due, and older than any limit.
        tasks.spawn(async {
            for jump in [HOUR, 24 * HOUR, 30 * 24 * HOUR] {
                tokio::time::sleep(Duration::from_millis(1)).await;
                pass(jump).await;
            }
        });
    }
    tasks.join_all().await;
    let ended = async {
        while !disk.is_dead() && !queue.lines().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), ended).await.is_ok()
}

fn play(seed: u64) -> usize {
    let (disk, seen) = (Memory::new(seed), Arc::new(Mutex::new(Seen::default())));
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    dice.roll(2);
    let lives = 2 + dice.index(4);
    for life in 0..=lives {
        if life < lives {
            let faults = [Fault::PowerFails, Fault::PowerFails, Fault::Full, Fault::SyncFails];
            disk.arm(faults[dice.index(faults.len())], 1 + dice.roll(60));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let events = if life < lives { 5 + dice.index(15) } else { 0 };
        assert!(
            runtime.block_on(live(&disk, &seen, life, events)),
            "seed {seed}: what was kept comes to its end"
        );
        drop(runtime);
        disk.revive();
    }
    let seen = seen.lock().unwrap();
    let lost: Vec<_> = seen.acknowledged.difference(&seen.delivered).collect();
    assert!(lost.is_empty(), "seed {seed}: lost {lost:?} of {}", seen.acknowledged.len());
    seen.acknowledged.len()
}

const HOUR: Duration = Duration::from_secs(3_600);

/// The clock jumps.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_outage_ages_nothing() {
    let disk = Memory::new(1);
    let age = async |queue: &Queue| queue.items("line-1", 1).await.unwrap()[0].age;
    let queue = Queue::open(Arc::new(disk.clone()), Options::default()).unwrap();
    queue.keep(item(Class::Event, "1", 10)).await.unwrap();
    pass(HOUR).await;
    assert!(age(&queue).await >= HOUR, "a server that runs ages what waits");
    drop(queue);

    pass(24 * HOUR).await;

    let queue = Queue::open(Arc::new(disk), Options::default()).unwrap();
    assert!(age(&queue).await < 2 * HOUR);
}

/// Files in which nothing is needed go, and what is needed of one that is mostly not moves on.
#[test]
fn the_disk_does_not_fill_up() {
    let disk = Memory::new(1);
    let count = || disk.0.lock().unwrap().files.len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = Options { file_bytes: 2_000, ..Options::default() };
        let queue = Queue::open(Arc::new(disk.clone()), options).unwrap();
        // One that stays stands among the first.
        queue.start(|work| async move {
            match work.class {
                Class::Event => Next::End(Vec::new()),
                Class::Delivery => Next::PutOff { at_most: Duration::MAX },
            }
        });
        queue.keep(item(Class::Delivery, "stays", 50)).await.unwrap();
        for number in 0..500 {
            queue.keep(item(Class::Event, &number.to_string(), 200)).await.unwrap();
        }
        while count() > 5 || queue.lines().values().map(|(line, _)| line.events).sum::<usize>() > 0
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(queue.lines().values().map(|(line, _)| line.undelivered).sum::<usize>(), 1);
        let left = queue.items("line-2", 10).await.unwrap();
        assert_eq!(left.iter().map(|waiting| &waiting.head[..]).collect::<Vec<_>>(), [b"stays"]);
    });
    drop(runtime);
    let queue = Queue::open(Arc::new(disk.clone()), Options::default()).unwrap();
    assert_eq!(queue.lines().len(), 1, "and is there after all of it");
}

#[test]
fn what_was_acknowledged_reaches_its_end_whatever_the_disk_does() {
    let rounds = std::env::var_os("EVENTS_ROUNDS")
        .and_then(|text| text.into_string().ok()?.parse().ok())
        .unwrap_or(300);
    let acknowledged: usize = (1..=rounds).map(play).sum();
    assert!(
        acknowledged > 20 * usize::try_from(rounds).unwrap(),
        "{acknowledged} in {rounds} rounds"
    );
}
