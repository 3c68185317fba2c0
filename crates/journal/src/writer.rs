// SPDX-License-Identifier: Apache-2.0
//! What writes a journal, and the files for whoever reads them.
//!
//! One thread writes. What arrives while it waits for the disk goes out with the next write, and shares its fsync.
//! Whoever appends waits for that; a note is written in its order and waited for by nobody.
//!
//! A file is left for a new one when it is full, when the server starts, and when the disk failed to say that it has
//! what was written. So a file's readable part is all that it ever acknowledged: nothing stands behind a torn entry.
//!
//! Invariants:
//! - `append` returns a place only after the fsync that covers it;
//! - after an error nothing is added behind bytes of which it is not known whether they are there.

use crate::disk::{Disk, Segment};
use crate::frame::{FRAME_BYTES, Frame, frame, is_whole};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

pub(crate) const MAGIC_BYTES: usize = 12;
/// Bytes that one write gathers; an entry that is larger goes alone.
const GROUP_BYTES_MAX: usize = 4 << 20;
const GROUP_ORDERS_MAX: usize = 4_096;
/// Notes that could not be written yet. Those beyond it are lost, and what they end runs once more after a restart.
const OWED_BYTES_MAX: usize = 16 << 20;
const WAITING_MAX: usize = 4_096;

/// How the files of one journal differ from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// What a file begins with, followed by its checksum. The last two digits are the version of what its entries mean.
    pub magic: [u8; 8],
    /// What the names of its files end with: `events`.
    pub suffix: &'static str,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of its file.
    pub segment: u64,
    /// Of the frame.
    pub offset: u64,
    /// Of the frame.
    pub bytes: u32,
}

/// Why something was not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error("no space is left on the disk")]
    Full {
        #[source]
        source: io::Error,
    },
    #[error("failed to write to the disk")]
    Write {
        #[source]
        source: io::Error,
    },
    #[error("it is longer than an entry of the journal may be")]
    TooLarge,
    #[error("the journal is closed")]
    Closed,
}

impl KeepError {
    fn of(error: &io::Error) -> Self {
        // An error is not cloneable, and each who waits wants one.
        let source =
            error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { source },
            _ => Self::Write { source },
        }
    }
}

/// Told by the writer before anything else is written: as long as a file grows, all that it has is accounted for.
type Then = dyn FnOnce(Result<Place, &io::Error>) + Send;

/// Who waits for an append.
struct Waiting {
    then: Box<Then>,
    answer: oneshot::Sender<Result<Place, KeepError>>,
}

enum Order {
    Append(Vec<u8>, Waiting),
    Note(Vec<u8>),
    /// Everything that was ordered before, notes too, is on the disk when this is answered.
    Sync(oneshot::Sender<()>),
}

/// An entry on its way to the disk.
#[derive(Debug)]
pub struct Begun(oneshot::Receiver<Result<Place, KeepError>>);

impl Begun {
    /// Waits until it is there.
    ///
    /// # Errors
    ///
    /// `KeepError`: then it may still be there after a crash.
    pub async fn placed(self) -> Result<Place, KeepError> {
        self.0.await.unwrap_or(Err(KeepError::Closed))
    }
}

/// The writing end. What was ordered is written before it is gone.
#[derive(Debug)]
pub struct Journal {
    /// `None` only while it is dropped.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    files: Arc<Files>,
}

/// The files, for whoever reads them.
#[derive(Debug)]
pub struct Files {
    disk: Arc<dyn Disk>,
    pub(crate) format: Format,
    open: RwLock<BTreeMap<u64, Arc<dyn Segment>>>,
}

/// Of all journals of this process, as far as somebody waited for them.
static SYNCS: AtomicU64 = AtomicU64::new(0);

/// How often this process waited for the disk in an `append`.
pub fn syncs() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

impl Journal {
    /// `number` is that of the first file that it makes, above all that are there.
    ///
    /// # Errors
    ///
    /// When there is no thread for it.
    pub fn start(files: Arc<Files>, number: u64, segment_bytes: u64) -> io::Result<Self> {
        let (orders, receiver) = mpsc::channel(WAITING_MAX);
        let writer = Writer {
            files: Arc::clone(&files),
            current: None,
            next_number: number,
            segment_bytes,
            owed: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("{}-writer", files.format.suffix))
            .spawn(move || writer.run(receiver))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), files })
    }

    /// Writes an entry and waits until it is on the disk. `then` is called in any case, but where there is an error
    /// before the writer sees it: then it is dropped. `None` is an entry that is too long.
    ///
    /// # Errors
    ///
    /// `KeepError`: then it may still be there after a crash.
    pub async fn append(
        &self,
        frame: Option<Frame>,
        then: impl FnOnce(Result<Place, &io::Error>) + Send + 'static,
    ) -> Result<Place, KeepError> {
        self.begin(frame, then).await?.placed().await
    }

    /// The first half of `append`: when it returns, the entry stands behind those that were begun before, and is not on the disk yet.
    ///
    /// # Errors
    ///
    /// `KeepError`: it will not be there.
    pub async fn begin(
        &self,
        frame: Option<Frame>,
        then: impl FnOnce(Result<Place, &io::Error>) + Send + 'static,
    ) -> Result<Begun, KeepError> {
        let Frame(frame) = frame.ok_or(KeepError::TooLarge)?;
        let (answer, placed) = oneshot::channel();
        self.order(Order::Append(frame, Waiting { then: Box::new(then), answer })).await?;
        Ok(Begun(placed))
    }

    /// Writes an entry that may be lost if the machine goes down: what it says is found out again.
    pub async fn note(&self, frame: Option<Frame>) {
        if let Some(Frame(frame)) = frame {
            // A journal that is closed is read again by the next server, and this is found out there.
            drop(self.order(Order::Note(frame)).await);
        }
    }

    /// Waits until everything that was ordered before, notes too, is on the disk.
    pub async fn sync(&self) {
        let (answer, synced) = oneshot::channel();
        if self.order(Order::Sync(answer)).await.is_ok() {
            drop(synced.await);
        }
    }

    pub fn files(&self) -> &Arc<Files> {
        &self.files
    }

    async fn order(&self, order: Order) -> Result<(), KeepError> {
        let orders = self.orders.as_ref().ok_or(KeepError::Closed)?;
        orders.send(order).await.map_err(|_| KeepError::Closed)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of a journal panicked");
        }
    }
}

impl Files {
    pub fn new(disk: Arc<dyn Disk>, format: Format) -> Self {
        Self { disk, format, open: RwLock::default() }
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn add(&self, number: u64, segment: Arc<dyn Segment>) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, segment);
    }

    /// The oldest file and the bytes of all, if there is one besides that which grows.
    pub fn oldest_of_several(&self) -> Option<(u64, u64)> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let oldest = open.keys().next().copied().filter(|_| open.len() > 1)?;
        let total = open.values().map(|segment| segment.length().unwrap_or_default()).sum();
        Some((oldest, total))
    }

    /// Forgets a file and removes it. Nothing in it is needed any more. Blocks.
    ///
    /// # Errors
    ///
    /// When the disk does not remove it.
    pub fn remove(&self, number: u64) -> io::Result<()> {
        self.disk.remove(&self.name_of(number))?;
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        Ok(())
    }

    pub(crate) fn name_of(&self, number: u64) -> String {
        format!("{number:012}.{}", self.format.suffix)
    }

    pub(crate) fn number_of(&self, name: &str) -> Option<u64> {
        name.strip_suffix(self.format.suffix)?.strip_suffix('.')?.parse().ok()
    }

    /// How a file begins: `Ok` if as this build writes it, `Err` if as another does. `None` if it was torn.
    pub(crate) fn check_magic(&self, bytes: &[u8]) -> Option<Result<(), ()>> {
        let magic = *bytes.first_chunk::<8>()?;
        (sealed(magic) == bytes).then_some(if magic == self.format.magic {
            Ok(())
        } else {
            Err(())
        })
    }

    /// Reads an entry, and compares it with its checksum. Blocks.
    ///
    /// # Errors
    ///
    /// When the disk fails, or holds something else there.
    pub fn read(&self, place: Place) -> io::Result<Bytes> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let segment = open.get(&place.segment).cloned();
        drop(open);
        let segment = segment.ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; usize::try_from(place.bytes).unwrap_or_default()];
        segment.read_at(place.offset, &mut bytes)?;
        let entry = Bytes::from(bytes);
        let head = entry.first_chunk::<FRAME_BYTES>().copied();
        head.and_then(frame)
            .filter(|(length, sum)| {
                entry
                    .get(FRAME_BYTES..)
                    .is_some_and(|entry| entry.len() == *length && is_whole(entry, *sum))
            })
            .map(|_| entry.slice(FRAME_BYTES..))
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

fn sealed(magic: [u8; 8]) -> [u8; MAGIC_BYTES] {
    let mut sealed = [0; MAGIC_BYTES];
    let (text, sum) = sealed.split_at_mut(magic.len());
    text.copy_from_slice(&magic);
    sum.copy_from_slice(&crc32fast::hash(&magic).to_le_bytes());
    sealed
}

/// State of the thread.
struct Writer {
    files: Arc<Files>,
    current: Option<Current>,
    next_number: u64,
    segment_bytes: u64,
    /// Notes that the disk did not take.
    owed: Vec<u8>,
}

/// The file that grows.
struct Current {
    number: u64,
    segment: Arc<dyn Segment>,
    /// What is behind this is not ours.
    length: u64,
}

/// Orders that go out together.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    /// Who waits, where in `bytes` his frame begins, and how long it is.
    appends: Vec<(Waiting, usize, usize)>,
    syncs: Vec<oneshot::Sender<()>>,
}

impl Group {
    fn add(&mut self, order: Order) {
        match order {
            Order::Append(frame, waiting) => {
                self.appends.push((waiting, self.bytes.len(), frame.len()));
                self.bytes.extend(frame);
            }
            Order::Note(frame) => self.bytes.extend(frame),
            Order::Sync(answer) => self.syncs.push(answer),
        }
    }

    /// The notes among the bytes: what nobody waits for.
    fn notes(&self) -> Vec<u8> {
        let (mut notes, mut end) = (Vec::new(), 0);
        for (_, start, length) in &self.appends {
            notes.extend(self.bytes.get(end..*start).unwrap_or_default());
            end = start + length;
        }
        notes.extend(self.bytes.get(end..).unwrap_or_default());
        notes
    }
}

impl Writer {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(first) = orders.blocking_recv() {
            let mut group = Group { bytes: std::mem::take(&mut self.owed), ..Group::default() };
            group.add(first);
            let mut count = 1;
            while group.bytes.len() < GROUP_BYTES_MAX
                && count < GROUP_ORDERS_MAX
                && let Ok(next) = orders.try_recv()
            {
                group.add(next);
                count += 1;
            }
            self.write_group(group);
        }
        if !self.owed.is_empty() {
            let owed = std::mem::take(&mut self.owed);
            self.write_group(Group { bytes: owed, ..Group::default() });
        }
        self.leave();
    }

    fn write_group(&mut self, group: Group) {
        let is_waited_for = !group.appends.is_empty() || !group.syncs.is_empty();
        match self.write(&group.bytes, is_waited_for) {
            Ok((segment, base)) => {
                for (waiting, start, length) in group.appends {
                    let offset = base + start as u64;
                    let bytes = u32::try_from(length).unwrap_or(u32::MAX);
                    let place = Place { segment, offset, bytes };
                    (waiting.then)(Ok(place));
                    // Whoever stopped waiting does not want to know.
                    let _ = waiting.answer.send(Ok(place));
                }
            }
            Err(error) => {
                tracing::error!(%error, journal = self.files.format.suffix, "journal not written");
                self.owe(group.notes());
                for (waiting, ..) in group.appends {
                    (waiting.then)(Err(&error));
                    let _ = waiting.answer.send(Err(KeepError::of(&error)));
                }
            }
        }
        for answer in group.syncs {
            let _ = answer.send(());
        }
    }

    /// Keeps notes for the next write, as far as there is room.
    fn owe(&mut self, notes: Vec<u8>) {
        if notes.len() <= OWED_BYTES_MAX {
            self.owed = notes;
        } else {
            tracing::error!(bytes = notes.len(), "notes of a journal dropped");
        }
    }

    /// Writes at the end of the journal, and says where that was.
    fn write(&mut self, bytes: &[u8], is_synced: bool) -> io::Result<(u64, u64)> {
        let length = bytes.len() as u64;
        let is_full = |current: &Current| {
            current.length > MAGIC_BYTES as u64 && current.length + length > self.segment_bytes
        };
        if self.current.as_ref().is_some_and(is_full) {
            self.leave();
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.create()?,
        };
        let offset = current.length;
        if let Err(error) = current.segment.write_at(offset, bytes) {
            // The file goes on being used only if nothing of this can be in it.
            if current.segment.truncate(offset).is_ok() {
                self.current = Some(current);
            }
            return Err(error);
        }
        if is_synced && let Err(error) = current.segment.sync() {
            // What of it is on the disk, nobody knows. Without it there is less to run that was not acknowledged.
            drop(current.segment.truncate(offset));
            return Err(error);
        }
        if is_synced {
            SYNCS.fetch_add(1, Ordering::Relaxed);
        }
        current.length += length;
        let number = current.number;
        self.current = Some(current);
        Ok((number, offset))
    }

    fn create(&mut self) -> io::Result<Current> {
        let number = self.next_number;
        let name = self.files.name_of(number);
        // Numbers are not used again: of a file that failed, something may be left.
        self.next_number += 1;
        let segment = self.files.disk.create(&name)?;
        if let Err(error) = segment.write_at(0, &sealed(self.files.format.magic)) {
            drop(self.files.disk.remove(&name));
            return Err(error);
        }
        self.files.add(number, Arc::clone(&segment));
        Ok(Current { number, segment, length: MAGIC_BYTES as u64 })
    }

    /// Nothing more is added to the current file.
    fn leave(&mut self) {
        if let Some(current) = self.current.take()
            && let Err(error) = current.segment.sync()
        {
            // Only notes can be concerned.
            tracing::error!(%error, "end of a journal's file not synced");
        }
    }
}
