// SPDX-License-Identifier: Apache-2.0
//! One log group: its settings, its streams, its segments.
//!
//! A group is read from the disk when it is first used and let go of when it was not used for a while. Whoever writes
//! holds its lock while the bytes go to the file; whoever reads holds it only to see which blocks there are.

use crate::follow::Bookmarks;
use crate::frame::{self, Body, StreamId};
use crate::news::News;
use crate::query::{self, Found, Page, Query};
use crate::segment::{self, Form, Index, Segment};
use crate::settings::{self, Settings};
use crate::store::GroupKey;
use crate::stream::{StreamState, Streams};
use crate::writer::Batch;
use crate::{Options, clock};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// A segment that is longer than this is compressed, and the next one begins.
const SEGMENT_BYTES: usize = 1 << 20;
/// What is written at once.
const WRITE_BYTES: usize = 128 << 10;
/// How long a group that nobody uses is kept in memory.
const IDLE_MS: i64 = 60_000;

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the log group was deleted")]
    GroupDeleted,
    #[error("there is no such stream")]
    NoStream,
    #[error("failed to write to a log group")]
    Write(#[from] io::Error),
}

/// What became of a stream that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    New,
    Exists,
    TooMany,
}

#[derive(Debug)]
pub struct Group {
    key: GroupKey,
    dir: PathBuf,
    options: Options,
    /// Readers beside a server have none: they change nothing.
    news: Option<Arc<News>>,
    settings: Mutex<Arc<Settings>>,
    is_deleted: AtomicBool,
    /// `None` until it is used.
    open: Mutex<Option<Open>>,
    pub(crate) bookmarks: Bookmarks,
}

#[derive(Debug)]
pub(crate) struct Open {
    /// In their order; the last one is written to.
    pub(crate) segments: Vec<Segment>,
    file: Option<File>,
    pub(crate) streams: Streams,
    /// Of the last segment.
    deleted: Vec<StreamId>,
    seen: BTreeSet<StreamId>,
    /// Somebody was told that what is in the last segment is on the disk.
    is_durable: bool,
    used: i64,
}

impl Group {
    pub(crate) fn new(
        key: GroupKey,
        dir: PathBuf,
        settings: Settings,
        options: Options,
        news: Option<Arc<News>>,
    ) -> Self {
        if let Some(news) = &news {
            news.want(&settings);
        }
        Self {
            key,
            bookmarks: Bookmarks::new(&dir),
            dir,
            options,
            news,
            settings: Mutex::new(Arc::new(settings)),
            is_deleted: AtomicBool::new(false),
            open: Mutex::default(),
        }
    }

    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the settings, on the disk first. `change` may refuse.
    pub fn change<E: From<io::Error>>(
        &self,
        change: impl FnOnce(&mut Settings) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Settings::clone(&settings);
        change(&mut changed)?;
        if changed != **settings {
            changed.write(&self.dir, true)?;
            if let Some(news) = &self.news {
                news.want(&changed);
            }
            *settings = Arc::new(changed);
        }
        Ok(())
    }

    pub fn is_deleted(&self) -> bool {
        self.is_deleted.load(Ordering::Acquire)
    }

    /// Bytes on the disk.
    pub fn stored_bytes(&self) -> u64 {
        self.with(|open| Ok(open.segments.iter().map(|segment| segment.disk_bytes).sum()))
            .unwrap_or(0)
    }

    /// Events on the disk, whether their streams are there or not. Of what builds before this one compressed, none is counted.
    pub fn event_count(&self) -> u64 {
        let events = |segment: &Segment| {
            segment.blocks.iter().map(|block| u64::from(block.events)).sum::<u64>()
        };
        self.with(|open| Ok(open.segments.iter().map(events).sum())).unwrap_or(0)
    }

    /// All streams, in the order of their names.
    pub fn streams(&self) -> io::Result<Vec<StreamState>> {
        self.with(|open| Ok(open.streams.iter().map(|(_, state)| state.clone()).collect()))
    }

    pub fn stream(&self, name: &str) -> io::Result<Option<StreamState>> {
        self.with(|open| Ok(open.streams.find(name).and_then(|id| open.streams.get(id).cloned())))
    }

    /// Makes a stream that stays until it is deleted. On the disk when this returns.
    pub fn make_stream(&self, name: &str) -> io::Result<Made> {
        self.with(|open| {
            let found = open.streams.find(name).and_then(|id| open.streams.get(id).map(|_| id));
            match found {
                Some(_) => return Ok(Made::Exists),
                None if open.streams.len() >= self.options.group_streams_max => {
                    return Ok(Made::TooMany);
                }
                None => {}
            }
            let mut frames = Vec::new();
            let id = open.streams.next_id();
            frame::put_stream(&mut frames, id, clock::epoch_ms(), true, name);
            open.write(&self.dir, &frames)?;
            open.sync()?;
            Ok(Made::New)
        })
    }

    /// `false` when there was none. On the disk when this returns.
    pub fn delete_stream(&self, name: &str) -> io::Result<bool> {
        self.with(|open| {
            let Some(id) = open.streams.find(name) else { return Ok(false) };
            open.delete_stream(&self.dir, id)?;
            open.sync()?;
            Ok(true)
        })
    }

    /// Adds events that a client has put to a stream that is there. On the disk when this returns.
    pub fn put(&self, stream: &str, batch: &Batch) -> Result<(), AppendError> {
        let is_there = self.with(|open| {
            let Some(id) = open.streams.find(stream) else { return Ok(false) };
            if !batch.events.is_empty() {
                // Before it is written: the segment may be full then, and is compressed at once.
                open.is_durable = true;
                self.append_to(open, id, std::slice::from_ref(batch), &mut Vec::new())?;
                open.sync()?;
            }
            Ok(true)
        });
        match is_there {
            _ if self.is_deleted() => Err(AppendError::GroupDeleted),
            Ok(true) => Ok(()),
            Ok(false) => Err(AppendError::NoStream),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds what functions printed. A stream that is not there is made. It may be lost if the machine goes down.
    pub fn append<'a>(
        &self,
        streams: impl Iterator<Item = (&'a str, &'a [Batch])>,
    ) -> Result<(), AppendError> {
        let mut frames = Vec::new();
        self.with(|open| {
            for (name, batches) in streams {
                let id = match open.streams.find(name) {
                    Some(id) => id,
                    None => self.make_function_stream(open, name)?,
                };
                self.append_to(open, id, batches, &mut frames)?;
            }
            Ok(())
        })?;
        if self.is_deleted() { Err(AppendError::GroupDeleted) } else { Ok(()) }
    }

    fn make_function_stream(&self, open: &mut Open, name: &str) -> io::Result<StreamId> {
        if open.streams.len() >= self.options.group_streams_max
            && let Some(oldest) = open.streams.oldest_of_functions()
        {
            open.delete_stream(&self.dir, oldest)?;
        }
        let id = open.streams.next_id();
        let mut frames = Vec::new();
        frame::put_stream(&mut frames, id, clock::epoch_ms(), false, name);
        open.write(&self.dir, &frames)?;
        Ok(id)
    }

    /// `frames` is room to work in.
    fn append_to(
        &self,
        open: &mut Open,
        id: StreamId,
        batches: &[Batch],
        frames: &mut Vec<u8>,
    ) -> io::Result<()> {
        let arrived = clock::epoch_ms();
        let mut batches = batches.iter().peekable();
        frames.clear();
        while let Some(batch) = batches.next() {
            open.declare(id, frames);
            frame::put_events(frames, id, arrived, batch.cause.as_deref(), &batch.events);
            // A flood is several segments, so that its beginning can go while its end is kept.
            if frames.len() > WRITE_BYTES || batches.peek().is_none() {
                open.write(&self.dir, frames)?;
                frames.clear();
                self.tidy(open)?;
            }
        }
        self.note_news();
        Ok(())
    }

    fn note_news(&self) {
        if let Some(news) = self.news.as_ref().filter(|news| news.is_wanted())
            && self.settings().is_followed()
        {
            news.note(&self.key);
        }
    }

    /// Compresses the last segment when it is long, and makes room.
    fn tidy(&self, open: &mut Open) -> io::Result<()> {
        let quarter = usize::try_from(self.options.group_bytes_max / 4).unwrap_or(usize::MAX);
        if open.segments.last().is_some_and(|last| last.raw_bytes > SEGMENT_BYTES.min(quarter)) {
            open.begin_segment(&self.dir)?;
        }
        let bytes = |open: &Open| open.segments.iter().map(|one| one.disk_bytes).sum::<u64>();
        while bytes(open) > self.options.group_bytes_max && open.segments.len() > 1 {
            open.remove_oldest(&self.dir)?;
        }
        Ok(())
    }

    /// The events that `query` wants, of streams whose name is wanted and with a text that is wanted.
    pub fn read(
        &self,
        query: &Query,
        stream_is_wanted: &dyn Fn(&str) -> bool,
        text_is_wanted: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<Page> {
        let mut query = query.clone();
        if let Some(oldest) = self.oldest(clock::epoch_ms()) {
            query.from = query.from.max(oldest);
        }
        let query = &query;
        let (mut blocks, names) = self.with(|open| {
            let names = query::names(open.streams.iter(), stream_is_wanted);
            let mut blocks = Vec::new();
            for segment in &open.segments {
                let wanted = segment.blocks.iter().filter(|block| {
                    query.wants(block) && block.streams.iter().any(|id| names.contains_key(id))
                });
                blocks.extend(wanted.map(|block| (segment.number, segment.form, block.clone())));
            }
            Ok((blocks, names))
        })?;
        blocks.sort_by_key(|(_, _, block)| query.first_key(block));
        let mut found = Found::new(query);
        for (number, form, block) in &blocks {
            let first_key = query.first_key(block);
            if found.is_complete(first_key) {
                break;
            }
            if found.is_tired(first_key) {
                return Ok(found.finish(Some(first_key)));
            }
            if let Some(bytes) = self.read_block(*number, *form, block)? {
                found.take(*number, block, &bytes, &names, text_is_wanted);
            }
        }
        Ok(found.finish(None))
    }

    /// `None` when the segment was removed meanwhile.
    pub(crate) fn read_block(
        &self,
        number: u32,
        form: Form,
        block: &crate::block::Block,
    ) -> io::Result<Option<Vec<u8>>> {
        let segment = Segment { form, ..Segment::new(number) };
        match segment.read(&self.dir, block) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            // It was compressed meanwhile.
            Err(_) if form == Form::Raw => {
                let again = self.with(|open| {
                    let segment = open.segments.iter().find(|one| one.number == number);
                    let blocks = segment.map(|one| one.blocks.iter()).into_iter().flatten();
                    let same = blocks.into_iter().find(|one| one.raw_at == block.raw_at);
                    Ok(same.cloned())
                })?;
                let segment = Segment { form: Form::Compressed, ..segment };
                again.map(|block| segment.read(&self.dir, &block)).transpose()
            }
            Err(_) => Ok(None),
        }
    }

    /// What is older than this is gone, if there is a retention.
    fn oldest(&self, now: i64) -> Option<i64> {
        let days = self.settings().retention_days.or(self.options.retention_days)?;
        Some(settings::oldest(now, days))
    }

    /// What is due without anybody asking: removes what is too old, and lets go of what nobody uses.
    pub(crate) fn tend(&self, now: i64) {
        if let Some(oldest) = self.oldest(now)
            && let Err(error) = self.remove_older(oldest)
        {
            tracing::warn!(group = %self.settings().name, %error, "old log events not removed");
        }
        let mut open = self.lock();
        if open.as_ref().is_some_and(|open| open.used < now - IDLE_MS) {
            *open = None;
        }
    }

    /// Removes segments whose events are all older. What was written later is not looked at.
    fn remove_older(&self, oldest: i64) -> io::Result<()> {
        let written = self.oldest_write().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let is_older =
            |since: Duration| i64::try_from(since.as_millis()).is_ok_and(|ms| ms < oldest);
        if !written.is_some_and(is_older) {
            return Ok(());
        }
        self.with(|open| {
            if open.segments.last().is_some_and(|last| last.raw_bytes > 0 && last.last() < oldest) {
                open.begin_segment(&self.dir)?;
            }
            while let [first, _, ..] = open.segments.as_slice()
                && first.last() < oldest
            {
                open.remove_oldest(&self.dir)?;
            }
            Ok(())
        })
    }

    /// When its first segment was last written to.
    pub(crate) fn oldest_write(&self) -> Option<std::time::SystemTime> {
        let (number, form) = *segment::list(&self.dir).ok()?.first()?;
        fs::metadata(segment::path(&self.dir, number, form)).ok()?.modified().ok()
    }

    pub(crate) fn disk_bytes(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(&self.dir)? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// Removes the oldest events, and says how many bytes they took.
    pub(crate) fn remove_oldest(&self) -> io::Result<u64> {
        self.with(|open| {
            if open.segments.len() == 1 {
                open.begin_segment(&self.dir)?;
            }
            open.remove_oldest(&self.dir)
        })
    }

    /// The directory is gone when this returns, and nobody writes to it again.
    pub(crate) fn delete(&self) -> io::Result<()> {
        let mut open = self.lock();
        self.is_deleted.store(true, Ordering::Release);
        *open = None;
        // The settings last: without them it is no group.
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if !path.ends_with(settings::NAME) {
                fs::remove_file(path)?;
            }
        }
        fs::remove_dir_all(&self.dir)
    }

    /// Works on the open group.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Open) -> io::Result<T>) -> io::Result<T> {
        let mut place = self.lock();
        if self.is_deleted() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the log group was deleted"));
        }
        let open = match place.as_mut() {
            Some(open) => open,
            None => place.insert(Open::read(&self.dir, self.news.is_none())?),
        };
        open.used = clock::epoch_ms();
        work(open)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Reads what is on the disk. What stands behind a torn write is cut off.
    fn read(dir: &Path, is_read_only: bool) -> io::Result<Self> {
        let mut open = Self {
            segments: Vec::new(),
            file: None,
            streams: Streams::default(),
            deleted: Vec::new(),
            seen: BTreeSet::new(),
            is_durable: false,
            used: 0,
        };
        for (number, form) in segment::list(dir)? {
            match form {
                Form::Compressed => match segment::open_compressed(dir, number) {
                    Ok((segment, index)) => open.take_compressed(segment, index),
                    Err(error) => {
                        let path = segment::path(dir, number, form);
                        tracing::warn!(path = %path.display(), %error, "log events not readable");
                    }
                },
                Form::Raw => open.take_raw(dir, number, is_read_only)?,
            }
        }
        // Nobody knows how the file was written to.
        open.is_durable = true;
        Ok(open)
    }

    fn take_compressed(&mut self, segment: Segment, index: Index) {
        for id in index.deleted {
            self.streams.remove(id);
        }
        for (id, mut state) in index.streams {
            state.segment = segment.number;
            self.streams.put(id, state);
        }
        self.segments.push(segment);
    }

    fn take_raw(&mut self, dir: &Path, number: u32, is_read_only: bool) -> io::Result<()> {
        let path = segment::path(dir, number, Form::Raw);
        let bytes = fs::read(&path)?;
        let whole: usize = frame::frames(&bytes).map(|(_, _, length)| length).sum();
        if whole < bytes.len() && !is_read_only {
            tracing::warn!(path = %path.display(), bytes = bytes.len() - whole, "torn log events cut off");
            let length = u64::try_from(whole).unwrap_or(u64::MAX);
            fs::OpenOptions::new().write(true).open(&path)?.set_len(length)?;
        }
        self.begin(number);
        self.note(bytes.get(..whole).unwrap_or_default());
        Ok(())
    }

    fn begin(&mut self, number: u32) {
        self.segments.push(Segment::new(number));
        self.file = None;
        self.deleted.clear();
        self.seen.clear();
        self.is_durable = false;
    }

    /// Takes what was written to the last segment into what is known.
    fn note(&mut self, written: &[u8]) {
        let Self { segments, streams, deleted, seen, .. } = self;
        let Some(last) = segments.last_mut() else { return };
        let number = last.number;
        last.note(written, |frame| match &frame.body {
            Body::Stream { name, stays } => {
                seen.insert(frame.stream);
                match streams.get_mut(frame.stream) {
                    Some(state) => state.segment = number,
                    None => streams
                        .put(frame.stream, StreamState::new(name, frame.arrived, *stays, number)),
                }
            }
            Body::StreamDeleted => {
                streams.remove(frame.stream);
                seen.remove(&frame.stream);
                deleted.push(frame.stream);
            }
            Body::Events(events) => {
                let times = || events.clone().map(|(_, time, _)| time);
                if let (Some(state), Some(first), Some(last)) =
                    (streams.get_mut(frame.stream), times().min(), times().max())
                {
                    state.note(first, last, frame.arrived);
                }
            }
        });
    }

    /// Writes frames to the end of the last segment.
    fn write(&mut self, dir: &Path, frames: &[u8]) -> io::Result<()> {
        if self.segments.last().is_none_or(|last| last.form == Form::Compressed) {
            let number = self.segments.last().map_or(0, |last| last.number + 1);
            self.begin(number);
        }
        let Some(last) = self.segments.last() else { return Ok(()) };
        let (number, begin) = (last.number, last.raw_bytes);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(segment::open_raw(dir, number)?),
        };
        if let Err(error) = file.write_all(frames) {
            // A part of them may be there. What comes next must not stand behind it.
            file.set_len(u64::try_from(begin).unwrap_or(u64::MAX))?;
            return Err(error);
        }
        self.note(frames);
        Ok(())
    }

    /// Says in this segment which stream `id` is, if nothing there does.
    fn declare(&self, id: StreamId, frames: &mut Vec<u8>) {
        let number =
            self.segments.last().filter(|last| last.form == Form::Raw).map(|last| last.number);
        if let Some(state) = self.streams.get(id)
            && Some(state.segment) != number
        {
            frame::put_stream(frames, id, state.made, state.stays, &state.name);
        }
    }

    fn delete_stream(&mut self, dir: &Path, id: StreamId) -> io::Result<()> {
        let mut frames = Vec::new();
        frame::put_stream_deleted(&mut frames, id, clock::epoch_ms());
        self.write(dir, &frames)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.is_durable = true;
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Compresses the last segment, and begins the next.
    fn begin_segment(&mut self, dir: &Path) -> io::Result<()> {
        let Some(last) = self.segments.last() else { return Ok(()) };
        let number = last.number;
        if last.form == Form::Raw {
            let streams =
                self.seen.iter().filter_map(|id| Some((*id, self.streams.get(*id)?.clone())));
            let index = Index {
                blocks: Vec::new(),
                streams: streams.collect(),
                deleted: self.deleted.clone(),
            };
            let compressed = last.compress(dir, index, self.is_durable)?;
            if let Some(last) = self.segments.last_mut() {
                *last = compressed;
            }
        }
        // So that its number is taken, whatever becomes of those before it.
        let file = segment::open_raw(dir, number + 1)?;
        self.begin(number + 1);
        self.file = Some(file);
        Ok(())
    }

    /// Removes the first segment, and says how many bytes it took. Streams of which nothing is left go with it, unless they are to
    /// stay: those are told again in the last segment.
    fn remove_oldest(&mut self, dir: &Path) -> io::Result<u64> {
        let Some(oldest) = self.segments.first() else { return Ok(0) };
        let (path, number, bytes) = (oldest.path(dir), oldest.number, oldest.disk_bytes);
        let (mut frames, mut gone) = (Vec::new(), Vec::new());
        for (id, state) in self.streams.iter().filter(|(_, state)| state.segment <= number) {
            if state.stays {
                self.declare(id, &mut frames);
            } else {
                gone.push(id);
            }
        }
        if !frames.is_empty() {
            self.write(dir, &frames)?;
            self.sync()?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for id in gone {
            self.streams.remove(id);
        }
        self.segments.remove(0);
        Ok(bytes)
    }
}
