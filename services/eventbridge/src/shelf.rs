// SPDX-License-Identifier: Apache-2.0
//! The events of archives on the disk: a log store of its own, with a group for each archive, which is bounded by size and by age.
//! Each event is there at its own time.
//!
//! Invariants:
//! - what `put` acknowledged is on the disk; who puts at the same time shares an fsync;
//! - a server that never had an archive has neither thread nor file for them.

use crate::Options;
use crate::address::ArchiveKey;
use crate::archive::Archive;
use bytes::BytesMut;
use log_store::{Batch, Direction, Group, GroupKey, Logs, Position, Query, Settings};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OnceCell, oneshot};

/// All events of an archive are in one stream.
const STREAM: &str = "events";
/// What is written at once.
const WRITE_BYTES_MAX: usize = 4 << 20;
/// What is read at once.
const PAGE_EVENTS: usize = 100;
const PAGE_BYTES: usize = 256 << 10;

/// Where all archives have their events.
#[derive(Debug)]
pub(crate) struct Shelf {
    root: PathBuf,
    options: log_store::Options,
    logs: OnceCell<Logs>,
}

/// What waits to be written to one archive.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: Mutex<Vec<Waiting>>,
    /// Whoever has it writes what waits.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    events: BytesMut,
    written: oneshot::Sender<Result<(), Arc<io::Error>>>,
}

/// Events, in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// JSON, each with its time in milliseconds since 1970.
    pub(crate) events: Vec<(i64, String)>,
    /// Where to go on. `None`: there are no more.
    pub(crate) next: Option<(i64, u64)>,
}

/// How much is in an archive.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) events: u64,
}

impl Shelf {
    pub(crate) fn new(root: PathBuf, options: &Options) -> Self {
        let options = log_store::Options {
            group_bytes_max: options.archive_bytes_max,
            bytes_max: options.archives_bytes_max,
            ..log_store::Options::default()
        };
        Self { root, options, logs: OnceCell::new() }
    }

    async fn logs(&self) -> io::Result<Logs> {
        let (root, options) = (self.root.clone(), self.options.clone());
        let open = || blocking(move || Logs::start(&root, options));
        self.logs.get_or_try_init(open).await.cloned()
    }

    /// Works with the group of an archive. `None`: there is none.
    async fn with<T: Send + 'static>(
        &self,
        key: &ArchiveKey,
        work: impl FnOnce(&Group) -> io::Result<T> + Send + 'static,
    ) -> io::Result<Option<T>> {
        let (logs, key) = (self.logs().await?, group_key(key));
        blocking(move || logs.group(&key).map(|group| work(&group)).transpose()).await
    }

    /// A place for a new archive. On the disk when this returns.
    pub(crate) async fn make(&self, key: &ArchiveKey, retention_days: i32) -> io::Result<()> {
        let (logs, key) = (self.logs().await?, group_key(key));
        let settings = Settings { retention_days: days(retention_days), ..Settings::default() };
        blocking(move || {
            // Left by who was killed while it was made, or deleted.
            logs.delete(&key)?;
            logs.create(&key, settings).map_err(io::Error::other)?;
            let group = logs.group(&key).ok_or(io::ErrorKind::NotFound)?;
            group.make_stream(STREAM).map(drop)
        })
        .await
    }

    pub(crate) async fn set_retention(&self, key: &ArchiveKey, days_kept: i32) -> io::Result<()> {
        let change = move |group: &Group| {
            group.change::<io::Error>(|settings| {
                settings.retention_days = days(days_kept);
                Ok(())
            })
        };
        self.with(key, change).await.map(drop)
    }

    pub(crate) async fn remove(&self, key: &ArchiveKey) -> io::Result<()> {
        let (logs, key) = (self.logs().await?, group_key(key));
        blocking(move || logs.delete(&key).map(drop)).await
    }

    /// Removes what belongs to no archive.
    pub(crate) async fn sweep(&self, is_known: impl Fn(&ArchiveKey) -> bool) -> io::Result<()> {
        let logs = self.logs().await?;
        let all = {
            let logs = logs.clone();
            blocking(move || Ok(logs.all())).await?
        };
        for (GroupKey { account, region, name }, _) in all {
            let key = ArchiveKey { account, region, name };
            if !is_known(&key) {
                self.remove(&key).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn size(&self, key: &ArchiveKey) -> io::Result<Size> {
        let size =
            |group: &Group| Ok(Size { bytes: group.stored_bytes(), events: group.event_count() });
        Ok(self.with(key, size).await?.unwrap_or_default())
    }

    /// Adds events, each with its time. An archive that is gone meanwhile wants none.
    pub(crate) async fn put(
        &self,
        archive: &Archive,
        events: &[(i64, &str)],
    ) -> Result<(), Arc<io::Error>> {
        let mut encoded = BytesMut::new();
        for (time, text) in events {
            log_store::put_event(&mut encoded, *time, text.as_bytes(), b"");
        }
        let (written, mut told) = oneshot::channel();
        let line = &archive.line;
        line.lock().push(Waiting { events: encoded, written });
        let _turn = line.turn.lock().await;
        loop {
            // Who had the turn before may have written it.
            match told.try_recv() {
                Ok(result) => return result,
                Err(oneshot::error::TryRecvError::Closed) => {
                    return Err(Arc::new(io::ErrorKind::Interrupted.into()));
                }
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            self.write(&archive.key, line.take()).await;
        }
    }

    async fn write(&self, key: &ArchiveKey, waiting: Vec<Waiting>) {
        let (mut events, mut tells) = (BytesMut::new(), Vec::new());
        for Waiting { events: one, written } in waiting {
            events.unsplit(one);
            tells.push(written);
        }
        let batch = Batch { events: events.freeze(), cause: None };
        let write = move |group: &Group| group.put(STREAM, &batch).map_err(io::Error::other);
        let result = self.with(key, write).await.map(drop).map_err(Arc::new);
        for written in tells {
            // Who does not wait any more does not want to know.
            drop(written.send(result.clone()));
        }
    }

    /// The events of `times`, behind those that were read before. `None`: the archive is gone.
    pub(crate) async fn read(
        &self,
        key: &ArchiveKey,
        times: std::ops::Range<i64>,
        after: Option<(i64, u64)>,
    ) -> io::Result<Option<Page>> {
        let query = Query {
            from: times.start,
            until: times.end,
            after: after.map(|(time, place)| Position { time, place }),
            direction: Direction::Forward,
            events_max: PAGE_EVENTS,
            bytes_max: PAGE_BYTES,
        };
        let read = move |group: &Group| {
            let page = group.read(&query, &|_| true, &|_| true)?;
            let events = page.events.into_iter().map(|event| (event.position.time, event.text));
            let next = page.next.map(|Position { time, place }| (time, place));
            Ok(Page { events: events.collect(), next })
        };
        self.with(key, read).await
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that wait: as much as is written at once, and at least one.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.lock();
        let mut bytes = 0;
        let fits = |one: &&Waiting| {
            bytes += one.events.len();
            bytes <= WRITE_BYTES_MAX
        };
        let count = waiting.iter().take_while(fits).count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }
}

fn group_key(key: &ArchiveKey) -> GroupKey {
    let ArchiveKey { account, region, name } = key.clone();
    GroupKey { account, region, name }
}

fn days(days: i32) -> Option<u32> {
    u32::try_from(days).ok().filter(|days| *days > 0)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::ArchiveRecord;

    fn archive(name: &str) -> Archive {
        let (account, region) = ("000000000000".parse().unwrap(), "us-east-1".parse().unwrap());
        let key = ArchiveKey { account, region, name: name.to_owned() };
        Archive { key, record: ArchiveRecord::default(), line: Arc::default() }
    }

    #[tokio::test]
    async fn events_come_back_in_the_order_of_their_times() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(dir.path().join("archives"), &Options::default());
        let archive = archive("a");
        shelf.make(&archive.key, 0).await.unwrap();
        let put = |time: i64| {
            let (shelf, archive) = (&shelf, &archive);
            async move {
                let (first, second) = (format!("{time}"), format!("{}", time + 1_000));
                let events = [(time, first.as_str()), (time + 1_000, second.as_str())];
                shelf.put(archive, &events).await.unwrap();
            }
        };
        tokio::join!(put(3), put(1), put(2), put(500));
        assert_eq!(shelf.size(&archive.key).await.unwrap().events, 8);
        // A second store on the same directory is what the next server finds.
        let again = Shelf::new(dir.path().join("archives"), &Options::default());
        let page = again.read(&archive.key, 2..1_002, None).await.unwrap().unwrap();
        let texts: Vec<_> = page.events.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["2", "3", "500", "1001"]);
        assert_eq!(page.next, None);
        let behind = page.events.first().map(|(time, _)| (*time, u64::MAX));
        let page = again.read(&archive.key, 2..1_002, behind).await.unwrap().unwrap();
        assert_eq!(page.events.len(), 3);
        assert!(
            again
                .read(&ArchiveKey { name: "b".to_owned(), ..archive.key }, 0..1, None)
                .await
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn what_is_no_archives_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(dir.path().join("archives"), &Options::default());
        let (one, other) = (archive("a"), archive("b"));
        for archive in [&one, &other] {
            shelf.make(&archive.key, 7).await.unwrap();
            shelf.put(archive, &[(0, "{}")]).await.unwrap();
        }
        shelf.sweep(|key| *key == one.key).await.unwrap();
        assert!(shelf.read(&other.key, 0..1, None).await.unwrap().is_none());
        // Made again it has nothing of before.
        shelf.make(&other.key, 0).await.unwrap();
        assert_eq!(shelf.size(&other.key).await.unwrap().events, 0);
        shelf.put(&one, &[]).await.unwrap();
        shelf.remove(&one.key).await.unwrap();
        shelf.put(&one, &[(0, "{}")]).await.unwrap();
    }
}
