// SPDX-License-Identifier: Apache-2.0
//! `kill -9` of a process that keeps and runs events, at any moment and at the worst ones, again and again on one directory.
//!
//! The process is this same test binary, told by variables which part it plays. It prints what was acknowledged, and
//! writes down what was delivered, in files that outlive it. `EVENTS_KILLS` sets how often it is killed.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use bytes::Bytes;
use events::disk::{Directory, Disk, Segment};
use events::{Class, New, Next, Options, Queue};
use rustix::process::{Signal, getpid, kill_process};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const DIR: &str = "EVENTS_TEST_DIR";
const FAULT: &str = "EVENTS_TEST_FAULT";

/// What happens to the process itself, at the operation that `AtomicI64` counts down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    BeforeSync,
    AfterSync,
    TornWrite,
    Full,
}

const FAULTS: [(&str, Fault); 5] = [
    ("nothing", Fault::Nothing),
    ("before-sync", Fault::BeforeSync),
    ("after-sync", Fault::AfterSync),
    ("torn-write", Fault::TornWrite),
    ("full", Fault::Full),
];

#[derive(Debug)]
struct Deadly<T: ?Sized> {
    fault: Fault,
    countdown: Arc<AtomicI64>,
    inner: T,
}

fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    unreachable!("the signal can not be held off")
}

impl<T: ?Sized> Deadly<T> {
    fn is_due(&self, fault: Fault) -> bool {
        self.fault == fault && self.countdown.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn segment(&self, inner: Arc<dyn Segment>) -> Arc<dyn Segment> {
        Arc::new(Deadly { fault: self.fault, countdown: Arc::clone(&self.countdown), inner })
    }
}

impl Disk for Deadly<Directory> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        Ok(self.segment(self.inner.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Segment>> {
        Ok(self.segment(self.inner.open(name)?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
}

impl Segment for Deadly<Arc<dyn Segment>> {
    fn length(&self) -> io::Result<u64> {
        self.inner.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        if self.is_due(Fault::TornWrite) {
            self.inner.write_at(offset, half)?;
            die();
        }
        // Full from here on, for a while.
        if self.fault == Fault::Full
            && (-20..=0).contains(&self.countdown.fetch_sub(1, Ordering::Relaxed))
        {
            self.inner.write_at(offset, half)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.write_at(offset, bytes)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.inner.truncate(length)
    }

    fn sync(&self) -> io::Result<()> {
        if self.is_due(Fault::BeforeSync) {
            die();
        }
        self.inner.sync()?;
        if self.is_due(Fault::AfterSync) {
            die();
        }
        Ok(())
    }
}

fn child(dir: &Path, fault: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "acknowledged_events_survive_kill_9", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(FAULT, fault)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[test]
fn acknowledged_events_survive_kill_9() {
    if let Some(dir) = std::env::var_os(DIR) {
        let fault = std::env::var_os(FAULT).unwrap().into_string().unwrap();
        return work(&PathBuf::from(dir), &fault);
    }
    let kills = std::env::var_os("EVENTS_KILLS")
        .and_then(|text| text.into_string().ok()?.parse().ok())
        .unwrap_or(60);
    let dir = tempfile::TempDir::new().unwrap();
    let (mut acknowledged, mut random) = (BTreeSet::new(), 1_u64);
    for round in 0..kills {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (name, _) = FAULTS.get(round % FAULTS.len()).unwrap();
        let mut process =
            child(dir.path(), &format!("{name}:{}", 1 + (random >> 33) % 30)).spawn().unwrap();
        let mut lines =
            BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let after = usize::try_from((random >> 40) % 120).unwrap();
        acknowledged.extend(lines.by_ref().filter_map(|line| name_in(&line)).take(after));
        process.kill().unwrap();
        process.wait().unwrap();
        // What was printed before and not yet read counts too. The last line may be cut.
        acknowledged.extend(lines.filter_map(|line| name_in(&line)));
    }
    assert!(acknowledged.len() > kills * 5, "it came far enough: {}", acknowledged.len());

    // The last one keeps nothing new, and ends when nothing is left.
    let last = child(dir.path(), "drain:0").output().unwrap();
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stdout));
    let text = std::fs::read_to_string(dir.path().join("delivered")).unwrap();
    let delivered: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let lost: Vec<_> = acknowledged.difference(&delivered).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
}

fn name_in(line: &str) -> Option<String> {
    line.strip_prefix("acknowledged ")?.strip_suffix(" .").map(str::to_owned)
}

/// The part of the process that is killed.
fn work(dir: &Path, fault: &str) {
    let (name, count) = fault.split_once(':').unwrap();
    let known = FAULTS.iter().find(|(known, _)| *known == name);
    let disk = Deadly {
        fault: known.map_or(Fault::Nothing, |(_, fault)| *fault),
        countdown: Arc::new(AtomicI64::new(count.parse().unwrap())),
        inner: Directory::open(&dir.join("events")).unwrap(),
    };
    let delivered =
        OpenOptions::new().create(true).append(true).open(dir.join("delivered")).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options {
            throttled_ms: 1,
            throttled_ms_max: 2,
            file_bytes: 20_000,
            ..Options::default()
        };
        let queue = Arc::new(Queue::open(Arc::new(disk), options).unwrap());
        let delivered = Arc::new(delivered);
        queue.start(move |work| {
            let delivered = Arc::clone(&delivered);
            async move {
                if work.class == Class::Event {
                    return Next::End(vec![item(Class::Delivery, &work.head)]);
                }
                let line = [&work.head, &b"\n"[..]].concat();
                (&*delivered).write_all(&line).unwrap();
                Next::End(Vec::new())
            }
        });
        if known.is_some() {
            keep(&queue).await;
        }
        while !queue.lines().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Keeps events and says so, until it is killed.
async fn keep(queue: &Arc<Queue>) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let queue = Arc::clone(queue);
        tasks.spawn(async move {
            for number in 0.. {
                let name = format!("{}-{task}-{number}", std::process::id());
                if queue.keep(item(Class::Event, name.as_bytes())).await.is_ok() {
                    // A line of its own, whatever the test harness has printed.
                    io::stdout()
                        .write_all(format!("\nacknowledged {name} .\n").as_bytes())
                        .unwrap();
                }
            }
        });
    }
    tasks.join_all().await;
}

fn item(class: Class, head: &[u8]) -> New {
    let head = Bytes::copy_from_slice(head);
    New { line: "line".to_owned(), class, head, body: vec![7; 200].into() }
}
