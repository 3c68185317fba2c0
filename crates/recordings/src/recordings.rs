// SPDX-License-Identifier: Apache-2.0
//! All recordings of a data directory.

use crate::FunctionKey;
use crate::options::Options;
use crate::queue::Queue;
use crate::record::{Outcome, Recorded, Recording, head};
use bytes::BytesMut;
use log_store::{Batch, Direction, Group, Logs, Query, put_event};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The one stream of a function's group.
const STREAM: &str = "recorded";
/// What is read at once of recordings, payloads and all.
const PAGE_BYTES: usize = 16 << 20;

/// A handle to all recordings. The last one to go writes what waits.
#[derive(Debug, Clone)]
pub struct Recordings(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    /// Started with the first recording.
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What handles and the thread have in common.
#[derive(Debug)]
struct Shared {
    root: PathBuf,
    options: Options,
    queue: Queue,
    /// Opened by the first who writes or reads.
    logs: Mutex<Option<Logs>>,
}

/// Which recordings.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `None`: of all functions.
    pub function: Option<FunctionKey>,
    pub request_id: Option<String>,
    pub outcome: Option<Outcome>,
    /// The first time, in milliseconds since 1970,
    pub from_ms: Option<i64>,
    /// and the first time after.
    pub until_ms: Option<i64>,
}

impl Recordings {
    /// Recordings under `root`, a directory of their own. It is made with the first; what is there grows old from now on.
    ///
    /// # Errors
    ///
    /// When what is there can not be opened.
    pub fn open(root: PathBuf, options: Options) -> io::Result<Self> {
        let queue = Queue::new(options.waiting_bytes_max);
        let shared = Arc::new(Shared { root, options, queue, logs: Mutex::default() });
        if shared.root.is_dir() {
            shared.logs()?;
        }
        Ok(Self(Arc::new(Inner { shared, writer: Mutex::default() })))
    }

    /// Whether functions may ask to be recorded.
    pub fn are_kept(&self) -> bool {
        self.0.shared.options.bytes_max > 0
    }

    /// Takes a recording to the disk, soon. `false`: too many are on their way.
    pub fn add(&self, recorded: Recorded) -> bool {
        if !self.0.shared.queue.add(recorded) {
            return false;
        }
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            let shared = Arc::clone(&self.0.shared);
            let thread = thread::Builder::new().name("recordings".into());
            *writer = match thread.spawn(move || shared.write()) {
                Ok(handle) => Some(handle),
                Err(error) => {
                    tracing::error!(%error, "recordings wait: no thread to write them");
                    None
                }
            };
        }
        true
    }

    /// How many invocations were not recorded since the server started, by the name of their function.
    pub fn dropped(&self) -> BTreeMap<String, u64> {
        self.0.shared.queue.dropped()
    }

    /// Waits until everything that was added before can be read. Blocks the thread.
    pub fn flush(&self) {
        let is_writing = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_writing {
            self.0.shared.queue.flush();
        }
    }

    /// The newest recordings that are wanted, the newest first. Blocks the thread.
    ///
    /// # Errors
    ///
    /// When the disk can not be read.
    pub fn list(
        &self,
        wanted: &Wanted,
        count_max: usize,
    ) -> io::Result<Vec<(FunctionKey, Recording)>> {
        let mut found = Vec::new();
        for (key, group) in self.groups(wanted)? {
            read(&group, wanted, count_max, |text| {
                found.extend(head(text).map(|recording| (key.clone(), recording)));
            })?;
        }
        found.sort_by_key(|(_, recording)| std::cmp::Reverse(recording.time_ms));
        found.truncate(count_max);
        Ok(found)
    }

    /// The same, whole. Blocks the thread.
    ///
    /// # Errors
    ///
    /// When the disk can not be read.
    pub fn read(&self, wanted: &Wanted, count_max: usize) -> io::Result<Vec<Recorded>> {
        let mut found = Vec::new();
        for (key, group) in self.groups(wanted)? {
            read(&group, wanted, count_max, |text| found.extend(Recorded::decode(&key, text)))?;
        }
        found.sort_by_key(|recorded| std::cmp::Reverse(recorded.recording.time_ms));
        found.truncate(count_max);
        Ok(found)
    }

    /// Removes the recordings of a function, or of all, and says of how many functions there were some. Blocks the thread.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn purge(&self, function: Option<&FunctionKey>) -> io::Result<usize> {
        self.flush();
        let Some(logs) = self.0.shared.opened()? else { return Ok(0) };
        let keys = match function {
            Some(function) => vec![function.clone()],
            None => logs.all().into_iter().map(|(key, _)| key).collect(),
        };
        let mut count = 0;
        for key in keys {
            count += usize::from(logs.delete(&key)?);
        }
        Ok(count)
    }

    fn groups(&self, wanted: &Wanted) -> io::Result<Vec<(FunctionKey, Arc<Group>)>> {
        self.flush();
        let Some(logs) = self.0.shared.opened()? else { return Ok(Vec::new()) };
        Ok(match &wanted.function {
            Some(key) => logs.group(key).map(|group| (key.clone(), group)).into_iter().collect(),
            None => logs.all(),
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue.stop();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the writer of recordings panicked");
        }
    }
}

impl Shared {
    /// Opens the directory if it is not open, and makes it if it is not there: for this user alone.
    fn logs(&self) -> io::Result<Logs> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(logs) = &*logs {
            return Ok(logs.clone());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let opened = Logs::start(&self.root, self.options.log_store())?;
        Ok(logs.insert(opened).clone())
    }

    /// `None`: nothing was recorded yet.
    fn opened(&self) -> io::Result<Option<Logs>> {
        if self.root.is_dir() { self.logs().map(Some) } else { Ok(None) }
    }

    /// The body of the thread.
    fn write(&self) {
        while let Some(recorded) = self.queue.take() {
            let count = recorded.len();
            let bytes = recorded.iter().map(Recorded::bytes).sum();
            let mut by_function: BTreeMap<FunctionKey, Vec<Recorded>> = BTreeMap::new();
            for one in recorded {
                by_function.entry(one.function.clone()).or_default().push(one);
            }
            for (function, recorded) in by_function {
                let count = recorded.len();
                if let Err(error) = self.write_to(&function, recorded) {
                    let error: &dyn std::error::Error = &*error;
                    tracing::warn!(function = function.name, count, error, "recordings lost");
                }
            }
            self.queue.done(count, bytes);
        }
    }

    fn write_to(
        &self,
        function: &FunctionKey,
        recorded: Vec<Recorded>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let group = self.logs()?.find_or_make(function).ok_or("no place for them")?;
        let batches = recorded.into_iter().map(|one| {
            let time_ms = one.recording.time_ms;
            let text = one.encode(self.options.answer_bytes_max);
            let mut batch = BytesMut::with_capacity(text.len() + 16);
            put_event(&mut batch, time_ms, &text, b"");
            Batch { events: batch.freeze(), cause: None }
        });
        let batches: Vec<Batch> = batches.collect();
        Ok(group.append([(STREAM, batches.as_slice())].into_iter())?)
    }
}

/// Gives `each` what is wanted of a group, the newest first.
fn read(
    group: &Group,
    wanted: &Wanted,
    count_max: usize,
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let is_wanted = |text: &[u8]| {
        head(text).is_some_and(|recording| {
            wanted.outcome.is_none_or(|outcome| recording.outcome == outcome)
                && wanted.request_id.as_ref().is_none_or(|id| recording.request_id == *id)
        })
    };
    let mut query = Query {
        from: wanted.from_ms.unwrap_or(i64::MIN),
        until: wanted.until_ms.unwrap_or(i64::MAX),
        after: None,
        direction: Direction::Backward,
        events_max: count_max,
        bytes_max: PAGE_BYTES,
    };
    while query.events_max > 0 {
        let page = group.read(&query, &|_| true, &is_wanted)?;
        page.events.iter().for_each(|event| each(event.text.as_bytes()));
        query.events_max -= page.events.len().min(query.events_max);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{key, recorded};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use tempfile::TempDir;

    fn open(dir: &TempDir, options: Options) -> Recordings {
        Recordings::open(dir.path().join("recordings"), options).unwrap()
    }

    /// The time of day, as the disk has it.
    fn now_ms() -> i64 {
        let dir = TempDir::new().unwrap();
        let made = fs::metadata(dir.path()).unwrap().modified().unwrap();
        let since = made.duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    }

    fn times(recordings: &Recordings, wanted: &Wanted, count_max: usize) -> Vec<i64> {
        let found = recordings.list(wanted, count_max).unwrap();
        found.iter().map(|(_, recording)| recording.time_ms).collect()
    }

    fn files(dir: &Path, found: &mut Vec<(u32, u64)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if !path.ends_with("group.json") {
                let metadata = path.metadata().unwrap();
                found.push((metadata.permissions().mode() & 0o777, metadata.len()));
            }
        }
    }

    #[test]
    fn nothing_is_made_before_there_is_something() {
        let dir = TempDir::new().unwrap();
        let recordings = open(&dir, Options::default());
        assert_eq!(recordings.list(&Wanted::default(), 10).unwrap(), []);
        assert_eq!(recordings.purge(None).unwrap(), 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_newest_that_are_wanted_are_listed_first_also_by_the_next_server() {
        let (dir, now) = (TempDir::new().unwrap(), now_ms());
        let recordings = open(&dir, Options::default());
        for (number, name) in (0..5).zip(["f", "g"].into_iter().cycle()) {
            let mut one = recorded(name, now + number, "1", "2");
            if number == 3 {
                one.recording.outcome = Outcome::Failed;
            }
            assert!(recordings.add(one));
        }
        let all = Wanted::default();
        assert_eq!(times(&recordings, &all, 3), [now + 4, now + 3, now + 2]);
        drop(recordings);

        let recordings = open(&dir, Options::default());
        let of = |function: &str| Wanted { function: Some(key(function)), ..Wanted::default() };
        assert_eq!(times(&recordings, &of("f"), 10), [now + 4, now + 2, now]);
        let failed = Wanted { outcome: Some(Outcome::Failed), ..Wanted::default() };
        assert_eq!(times(&recordings, &failed, 10), [now + 3]);
        let some = Wanted { from_ms: Some(now + 1), until_ms: Some(now + 3), ..Wanted::default() };
        assert_eq!(times(&recordings, &some, 10), [now + 2, now + 1]);
        let one = Wanted { request_id: Some(format!("request-{now}")), ..Wanted::default() };
        assert_eq!(recordings.read(&one, 10).unwrap(), [recorded("f", now, "1", "2")]);
        assert_eq!(recordings.purge(Some(&key("f"))).unwrap(), 1);
        assert_eq!(times(&recordings, &all, 10), [now + 3, now + 1]);
    }

    #[test]
    fn only_the_owner_may_read() {
        let dir = TempDir::new().unwrap();
        let recordings = open(&dir, Options { function_bytes_max: 8_000, ..Options::default() });
        for number in 0..10 {
            recordings.add(recorded("f", now_ms() + number, &"x".repeat(1_000), "1"));
            recordings.flush();
        }
        let root = dir.path().join("recordings");
        assert_eq!(root.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let mut found = Vec::new();
        files(&root, &mut found);
        assert!(found.len() > 1 && found.iter().all(|(mode, _)| *mode == 0o600), "{found:?}");
    }

    /// What can not be compressed, so that it takes its room.
    fn noise(seed: i64) -> String {
        let mut state = u64::try_from(seed).unwrap() | 1;
        let letter = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from_u32(0x4E00 + u32::try_from(*state >> 51).unwrap()).unwrap()
        };
        (0..1_000).map(|_| letter(&mut state)).collect()
    }

    #[test]
    fn the_oldest_go_first_and_one_function_takes_nothing_from_another() {
        let (dir, now) = (TempDir::new().unwrap(), now_ms());
        let recordings = open(&dir, Options { function_bytes_max: 40_000, ..Options::default() });
        recordings.add(recorded("quiet", now, "1", "1"));
        for number in 1..100 {
            recordings.add(recorded("busy", now + number, &noise(now + number), "1"));
            recordings.flush();
        }
        let mut found = Vec::new();
        files(&dir.path().join("recordings"), &mut found);
        let bytes: u64 = found.iter().map(|(_, bytes)| bytes).sum();
        assert!(bytes < 50_000, "{bytes}");
        let busy = Wanted { function: Some(key("busy")), ..Wanted::default() };
        let kept = times(&recordings, &busy, 1_000);
        assert_eq!(kept.first(), Some(&(now + 99)), "the newest is kept");
        assert!((3..90).contains(&kept.len()), "{}", kept.len());
        let quiet = Wanted { function: Some(key("quiet")), ..Wanted::default() };
        assert_eq!(times(&recordings, &quiet, 10), [now]);
    }

    #[test]
    fn what_is_too_old_is_not_there() {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        let (dir, now) = (TempDir::new().unwrap(), now_ms());
        let recordings = open(&dir, Options { retention_days: 2, ..Options::default() });
        for time in [now - 3 * DAY_MS, now - DAY_MS] {
            recordings.add(recorded("f", time, "1", "1"));
        }
        assert_eq!(times(&recordings, &Wanted::default(), 10), [now - DAY_MS]);
    }
}
