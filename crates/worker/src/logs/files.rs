// SPDX-License-Identifier: Apache-2.0
//! Log files and the thread that writes them.
//!
//! Nothing on the path of an invocation waits for a disk: batches are queued, and one thread writes what has gathered.
//! The queue has a limit; above it lines are dropped and the loss is written down. Each function has a limit on disk;
//! above it the oldest files go first.

use crate::function::Function;
use bytes::Bytes;
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the thread lets lines gather after the first one.
const GATHER: Duration = Duration::from_millis(50);
/// Batches up to this size share a write.
const WRITE_BYTES: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Bytes of logs kept per function, or per log group that functions share; the oldest go first. Default: 67108864 (64 MiB).
    pub function_bytes_max: u64,
    /// Bytes of log lines that may wait to be written, over all functions. Default: 33554432 (32 MiB).
    pub queue_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { function_bytes_max: 64 << 20, queue_bytes_max: 32 << 20 }
    }
}

/// A handle to the writer thread. The last one to go stops it, after all was written.
#[derive(Debug, Clone)]
pub struct LogFiles {
    root: Arc<Path>,
    thread: Arc<WriterThread>,
}

#[derive(Debug)]
struct WriterThread {
    queue: Arc<Queue>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Queue {
    options: Options,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    written: Condvar,
}

/// Lines, and the file that they go to.
type Batches = Vec<(Arc<Path>, Bytes)>;

#[derive(Debug, Default)]
struct Waiting {
    batches: Batches,
    /// Of the batches here and of those that are being written.
    bytes: usize,
    dropped_bytes: usize,
    is_writing: bool,
    /// Somebody waits for the files: gather no longer.
    is_hurried: bool,
    is_stopping: bool,
}

impl LogFiles {
    /// Starts the writer for files under `root`.
    pub fn start(root: &Path, options: Options) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let queue = Arc::new(Queue {
            options,
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
        });
        let thread_queue = Arc::clone(&queue);
        let handle =
            thread::Builder::new().name("logs".into()).spawn(move || thread_queue.write_all())?;
        let thread = WriterThread { queue, handle: Mutex::new(Some(handle)) };
        Ok(Self { root: root.into(), thread: Arc::new(thread) })
    }

    /// Where a stream of `function` is written.
    pub fn path(&self, function: &Function, file_name: &str) -> Arc<Path> {
        let mut path = self.root.join(function.account.as_str());
        path.push(function.region.as_str());
        if function.has_own_log_group() {
            path.push(&function.name);
        } else {
            path.extend(group_folders(&function.log_group));
        }
        path.push(file_name);
        path.into()
    }

    /// `false` when there is no room for it.
    pub(super) fn append(&self, path: &Arc<Path>, batch: Bytes) -> bool {
        let queue = &self.thread.queue;
        let mut waiting = queue.lock();
        if waiting.bytes + batch.len() > queue.options.queue_bytes_max {
            waiting.dropped_bytes += batch.len();
            return false;
        }
        waiting.bytes += batch.len();
        waiting.batches.push((Arc::clone(path), batch));
        if waiting.batches.len() == 1 {
            queue.arrived.notify_one();
        }
        true
    }

    /// Waits until everything appended so far is in its file. Blocks the thread.
    pub fn flush(&self) {
        let queue = &self.thread.queue;
        let mut waiting = queue.lock();
        while waiting.is_writing || !waiting.batches.is_empty() {
            waiting.is_hurried = true;
            queue.arrived.notify_one();
            waiting = queue.written.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The folder of a log group that is not a function's own, in parts that are not too long for a name. No function has such a name.
fn group_folders(group: &str) -> impl Iterator<Item = String> + '_ {
    const PART_MAX: usize = 200;
    // A group's name is ASCII.
    group.as_bytes().chunks(PART_MAX).map(|part| {
        let part = String::from_utf8_lossy(part);
        format!("+{}", part.replace(|c: char| c == '/' || !c.is_ascii_graphic(), "+"))
    })
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.queue.lock().is_stopping = true;
        self.queue.arrived.notify_one();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle
            && handle.join().is_err()
        {
            tracing::error!("log writer panicked");
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of the thread.
    fn write_all(&self) {
        let mut disk = Disk {
            function_bytes_max: self.options.function_bytes_max,
            folder_bytes: HashMap::new(),
        };
        while let Some((batches, dropped_bytes)) = self.next() {
            if dropped_bytes > 0 {
                tracing::warn!(bytes = dropped_bytes, "log lines dropped");
            }
            for (path, batches) in by_file(batches) {
                let bytes: usize = batches.iter().map(Bytes::len).sum();
                if let Err(error) = disk.append(&path, batches) {
                    tracing::warn!(path = %path.display(), %error, "log lines lost");
                }
                // They took room until now.
                self.lock().bytes -= bytes;
            }
            self.lock().is_writing = false;
            self.written.notify_all();
        }
    }

    /// What has gathered, or `None` at the end.
    fn next(&self) -> Option<(Batches, usize)> {
        let mut waiting = self.lock();
        while waiting.batches.is_empty() {
            if waiting.is_stopping {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let goes_on = |waiting: &mut Waiting| !waiting.is_stopping && !waiting.is_hurried;
        let gathered = self.arrived.wait_timeout_while(waiting, GATHER, goes_on);
        waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
        waiting.is_hurried = false;
        waiting.is_writing = true;
        let dropped_bytes = std::mem::take(&mut waiting.dropped_bytes);
        Some((std::mem::take(&mut waiting.batches), dropped_bytes))
    }
}

/// Puts together what goes to the same file, in its order.
fn by_file(batches: Batches) -> HashMap<Arc<Path>, Vec<Bytes>> {
    let mut files: HashMap<Arc<Path>, Vec<Bytes>> = HashMap::new();
    for (path, batch) in batches {
        files.entry(path).or_default().push(batch);
    }
    files
}

/// Sizes of the folders written so far, and the files in them.
struct Disk {
    function_bytes_max: u64,
    folder_bytes: HashMap<PathBuf, u64>,
}

impl Disk {
    /// Many small batches are one write; a flood is not copied.
    fn append(&mut self, path: &Path, batches: Vec<Bytes>) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = BufWriter::with_capacity(WRITE_BYTES, open(path, folder)?);
        let mut added = 0;
        for batch in batches {
            file.write_all(&batch)?;
            added += u64::try_from(batch.len()).unwrap_or(u64::MAX);
        }
        file.flush()?;
        let length = file.get_ref().metadata()?.len();
        let total = match self.folder_bytes.get(folder) {
            Some(before) => before + added,
            None => files_of(folder)?.iter().map(|(_, _, length)| length).sum(),
        };
        self.folder_bytes.insert(folder.to_owned(), total);
        if length > self.function_bytes_max / 4 {
            roll(path)?;
        }
        if total > self.function_bytes_max {
            let kept = make_room(folder, self.function_bytes_max / 4 * 3)?;
            self.folder_bytes.insert(folder.to_owned(), kept);
        }
        Ok(())
    }
}

fn open(path: &Path, folder: &Path) -> io::Result<File> {
    let append = || OpenOptions::new().append(true).create(true).open(path);
    match append() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            append()
        }
        other => other,
    }
}

/// Moves a long file aside, so that its beginning can be deleted later while its end is kept.
fn roll(path: &Path) -> io::Result<()> {
    let free =
        (1..).map(|part| path.with_extension(format!("{part}.log"))).find(|name| !name.exists());
    free.map_or(Ok(()), |name| fs::rename(path, name))
}

fn files_of(folder: &Path) -> io::Result<Vec<(std::time::SystemTime, PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        files.push((metadata.modified()?, entry.path(), metadata.len()));
    }
    files.sort();
    Ok(files)
}

/// Deletes the oldest files until at most `bytes_max` are left, and says how many are.
fn make_room(folder: &Path, bytes_max: u64) -> io::Result<u64> {
    let files = files_of(folder)?;
    let mut total: u64 = files.iter().map(|(_, _, length)| length).sum();
    for (_, path, length) in files {
        if total <= bytes_max {
            break;
        }
        fs::remove_file(path)?;
        total -= length;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_group_s_folder_is_nobody_else_s() {
        let folders = |group| group_folders(group).collect::<Vec<_>>();
        assert_eq!(folders("/my/logs"), ["++my+logs"]);
        assert_eq!(folders(".."), ["+.."]);
        assert_eq!(folders(&"a".repeat(300)).len(), 2);
    }

    #[test]
    fn batches_reach_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let files = LogFiles::start(folder.path(), Options::default()).unwrap();
        let path: Arc<Path> = folder.path().join("a/b.log").into();
        files.append(&path, Bytes::from_static(b"1 one\n"));
        files.flush();
        files.append(&path, Bytes::from_static(b"2 two\n"));
        drop(files);
        assert_eq!(fs::read_to_string(path).unwrap(), "1 one\n2 two\n");
    }

    #[test]
    fn a_function_keeps_its_newest_lines_within_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { function_bytes_max: 4000, ..Options::default() };
        let files = LogFiles::start(folder.path(), options).unwrap();
        let path: Arc<Path> = folder.path().join("a/b.log").into();
        for _ in 0..100 {
            files.append(&path, Bytes::from(vec![b'x'; 200]));
            files.flush();
        }
        let kept: u64 = files_of(&folder.path().join("a")).unwrap().iter().map(|file| file.2).sum();
        assert!((1000..=4000).contains(&kept), "{kept}");
    }

    #[test]
    fn a_full_queue_drops_instead_of_growing() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { queue_bytes_max: 10, ..Options::default() };
        let files = LogFiles::start(folder.path(), options).unwrap();
        let path: Arc<Path> = folder.path().join("b.log").into();
        files.append(&path, Bytes::from_static(b"12345678901"));
        files.append(&path, Bytes::from_static(b"1234567890"));
        drop(files);
        assert_eq!(fs::read_to_string(path).unwrap(), "1234567890");
    }

    #[test]
    fn what_is_being_written_takes_room() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { queue_bytes_max: 15, ..Options::default() };
        let files = LogFiles::start(folder.path(), options).unwrap();
        // A file that is not opened before somebody reads it.
        let path: Arc<Path> = folder.path().join("b.log").into();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &*path, rustix::fs::FileType::Fifo, mode, 0).unwrap();

        assert!(files.append(&path, Bytes::from_static(b"1234567890")));
        while !files.thread.queue.lock().is_writing {
            thread::yield_now();
        }
        assert!(!files.append(&path, Bytes::from_static(b"1234567890")));
        assert!(files.append(&path, Bytes::from_static(b"12345")));

        // Open for both, it has no end between two writers.
        let mut read = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut text = [0; 15];
        io::Read::read_exact(&mut read, &mut text).unwrap();
        assert_eq!(&text, b"123456789012345");
        files.flush();
        assert!(files.append(&path, Bytes::from_static(b"123456789012345")));
        drop(files);
    }
}
