// SPDX-License-Identifier: Apache-2.0
//! Sees to it that a sandbox has its memory and its `/tmp`, and not one for the other.
//!
//! `/tmp` is a tmpfs, and the kernel counts what is in it together with the memory of processes. So its limit is set to what
//! both may be together, and it gives an alarm when the sum comes to the memory size alone. Until then nothing happens here.
//! From then on somebody looks how much is in `/tmp`, as often as what is left asks for, and ends the processes of a sandbox
//! that has taken more memory than it may. So does it while the alarm is being set, which takes the kernel a while.
//!
//! Invariants:
//! - where a sandbox can not be watched the kernel's limit is the memory size, `/tmp` included: what fails here makes the
//!   limit narrower, never wider;
//! - nobody in the sandbox has a part in it;
//! - a sandbox that is frozen is not looked at.

use crate::Limits;
use crate::memory::{self, FILE_BYTES, Held, Verdict};
use crate::order::Order;
use rustix::fs::fstatfs;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use sys::cgroup::Group;
use sys::cgroup::memory::{Alarm, Memory};
use sys::{descriptors, process};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore};

/// Who has a lot of pages of files is looked at so often: the kernel may take them back, and leave room for memory unseen.
const SELDOM: Duration = Duration::from_secs(1);
/// Nobody is ended for what was seen once: what counts is not read in one moment.
const STRIKES_MAX: u32 = 2;
const AGAIN: Duration = Duration::from_millis(2);
/// Processes that were killed are gone by then, or their sandbox goes.
const END_MAX: Duration = Duration::from_secs(2);
const END_STEP: Duration = Duration::from_millis(20);
/// So many threads may wait for the kernel to set an alarm.
const ALARMS_AT_ONCE: usize = 4;

/// What all watches of a launcher share.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALARMS_AT_ONCE)))
    }
}

/// The watch over one sandbox. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Watch {
    watched: Arc<Watched>,
    task: tokio::task::AbortHandle,
}

#[derive(Debug)]
struct Watched {
    group: Arc<Group>,
    tmp: OwnedFd,
    news: Weak<UnixStream>,
    pidfd: Weak<OwnedFd>,
    bounds: Mutex<Bounds>,
    /// The most memory that was seen, and the most that was not memory.
    most_bytes: AtomicU64,
    most_apart_bytes: AtomicU64,
    is_over: AtomicBool,
    is_frozen: AtomicBool,
    /// It goes by the clock, and must not while the sandbox is frozen.
    is_awake: AtomicBool,
    /// The limits or the freezer have changed.
    changed: Notify,
}

/// What a sandbox may have, and what the kernel knows of it.
#[derive(Debug)]
struct Bounds {
    memory_bytes: u64,
    tmp_bytes: u64,
    /// Somebody looks at what the kernel lets pass.
    is_watched: bool,
    written_bytes: u64,
}

impl Bounds {
    fn put_in_force(&mut self, memory: &Memory) -> io::Result<()> {
        let bytes = if self.is_watched {
            memory::ceiling(self.memory_bytes, self.tmp_bytes)
        } else {
            self.memory_bytes
        };
        if self.written_bytes != bytes {
            memory.set_limit(bytes)?;
            self.written_bytes = bytes;
        }
        Ok(())
    }
}

impl Watch {
    /// Watches over a sandbox, and limits its memory. Must be called on a tokio runtime.
    pub(crate) fn start(
        group: &Arc<Group>,
        tmp: OwnedFd,
        news: &Arc<UnixStream>,
        pidfd: &Arc<OwnedFd>,
        limits: Limits,
        turns: &Turns,
    ) -> io::Result<Self> {
        let watched = Arc::new(Watched {
            group: Arc::clone(group),
            tmp,
            news: Arc::downgrade(news),
            pidfd: Arc::downgrade(pidfd),
            bounds: Mutex::new(Bounds {
                memory_bytes: limits.memory_bytes,
                tmp_bytes: limits.tmp_bytes,
                is_watched: true,
                written_bytes: 0,
            }),
            most_bytes: AtomicU64::new(0),
            most_apart_bytes: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_frozen: AtomicBool::new(false),
            is_awake: AtomicBool::new(false),
            changed: Notify::new(),
        });
        watched.bounds().put_in_force(watched.memory()?)?;
        let (over, turns) = (Arc::clone(&watched), Arc::clone(&turns.0));
        #[expect(clippy::disallowed_methods, reason = "ends with the watch, which aborts it")]
        let task = tokio::spawn(async move {
            if let Err(error) = over.watch(&turns).await {
                tracing::debug!(%error, "a sandbox is not watched: its memory includes /tmp");
                let _ = over.give_up();
            }
        });
        Ok(Self { task: task.abort_handle(), watched })
    }

    /// Puts other limits in force.
    pub(crate) fn bound(&self, limits: Limits) -> io::Result<()> {
        let Some(memory) = &self.watched.group.memory else { return Ok(()) };
        let mut bounds = self.watched.bounds();
        let is_less = limits.memory_bytes < bounds.memory_bytes;
        (bounds.memory_bytes, bounds.tmp_bytes) = (limits.memory_bytes, limits.tmp_bytes);
        bounds.put_in_force(memory)?;
        // An alarm that comes too early does no harm.
        if is_less {
            self.watched.changed.notify_one();
        }
        Ok(())
    }

    pub(crate) fn frozen(&self) {
        self.watched.is_frozen.store(true, Ordering::SeqCst);
    }

    pub(crate) fn thawed(&self) {
        self.watched.is_frozen.store(false, Ordering::SeqCst);
        if self.watched.is_awake.load(Ordering::SeqCst) {
            self.watched.changed.notify_one();
        }
    }

    /// Whether processes were ended, since this was last forgotten.
    pub(crate) fn is_over(&self) -> bool {
        self.watched.is_over.load(Ordering::Acquire)
    }

    pub(crate) fn forget(&self) {
        self.watched.is_over.store(false, Ordering::Release);
    }

    /// The most memory that a function used, when its sandbox has held at most `peak_bytes` together with its files and `/tmp`:
    /// what these are known to have been is taken off. Never less than was said before.
    pub(crate) fn most_bytes(&self, peak_bytes: u64) -> u64 {
        let watched = &self.watched;
        if let Ok(held) = watched.held() {
            watched.saw(&held);
            let apart_bytes = watched.most_apart_bytes.load(Ordering::Relaxed);
            let bytes = peak_bytes.saturating_sub(apart_bytes);
            watched.most_bytes.fetch_max(bytes, Ordering::Relaxed);
        }
        watched.most_bytes.load(Ordering::Relaxed).min(watched.bounds().memory_bytes)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An alarm that is being set.
type Setting<'a> = Pin<Box<dyn Future<Output = io::Result<Mark>> + Send + 'a>>;

/// An alarm that is set.
struct Mark {
    alarm: AsyncFd<Alarm>,
    at_bytes: u64,
}

impl Mark {
    fn new(alarm: Alarm, at_bytes: u64) -> io::Result<Self> {
        let interest = interest(alarm.is_urgent());
        #[expect(
            deprecated,
            reason = "what takes its place is unsafe, for descriptors that may change: this one is owned, and does not"
        )]
        let alarm = AsyncFd::with_interest(alarm, interest)?;
        Ok(Self { alarm, at_bytes })
    }

    async fn passed(&self) -> io::Result<()> {
        let alarm = self.alarm.get_ref();
        self.alarm.ready(interest(alarm.is_urgent())).await?.clear_ready();
        alarm.acknowledge()
    }
}

const fn interest(is_urgent: bool) -> Interest {
    if is_urgent { Interest::PRIORITY } else { Interest::READABLE }
}

impl Watched {
    async fn watch(self: &Arc<Self>, turns: &Semaphore) -> io::Result<()> {
        let (mut mark, mut setting) = (None::<Mark>, None::<Setting<'_>>);
        let mut strikes = 0;
        loop {
            self.is_awake.store(false, Ordering::SeqCst);
            let memory_bytes = self.bounds().memory_bytes;
            let (all_bytes, verdict) = self.verdict(memory_bytes)?;
            match verdict {
                Verdict::Over | Verdict::Reclaim { .. } if strikes == STRIKES_MAX => {
                    self.end(memory_bytes).await?;
                }
                Verdict::Over | Verdict::Reclaim { .. } => {
                    match verdict {
                        Verdict::Reclaim { bytes } if strikes == 0 => self.reclaim(bytes).await,
                        _ => tokio::time::sleep(AGAIN).await,
                    }
                    strikes += 1;
                    continue;
                }
                Verdict::Sleep { until_bytes } => {
                    let is_right = |mark: &Mark| (all_bytes..=until_bytes).contains(&mark.at_bytes);
                    if let Some(mark) = mark.as_ref().filter(|mark| is_right(mark)) {
                        self.sleep(mark, until_bytes > memory_bytes).await?;
                    } else {
                        let begin = || Box::pin(self.set_alarm(until_bytes, turns)) as _;
                        let left_bytes = until_bytes.saturating_sub(all_bytes);
                        tokio::select! {
                            set = setting.get_or_insert_with(begin) => {
                                (mark, setting) = (Some(set?), None);
                            }
                            () = self.rest(memory::look_after(left_bytes)) => {}
                            () = self.changed.notified() => {}
                        }
                    }
                }
                Verdict::Look { after } => {
                    if mark.take().is_some() {
                        self.memory()?.silence()?;
                    }
                    self.rest(after).await;
                }
            }
            strikes = 0;
        }
    }

    fn verdict(&self, memory_bytes: u64) -> io::Result<(u64, Verdict)> {
        let all_bytes = self.memory()?.bytes()?;
        if memory::is_far(all_bytes, memory_bytes) {
            return Ok((all_bytes, Verdict::Sleep { until_bytes: memory_bytes }));
        }
        let held = self.held()?;
        self.saw(&held);
        Ok((held.all_bytes, memory::judge(&held, memory_bytes)))
    }

    fn held(&self) -> io::Result<Held> {
        let memory = self.memory()?;
        // It goes on while this is read, and what is new in `/tmp` must not look like memory.
        let before = self.tmp()?;
        let (kinds, all_bytes) = (memory.kinds()?, memory.bytes()?);
        let after = self.tmp()?;
        Ok(Held {
            all_bytes,
            spare_bytes: kinds.spare_bytes,
            kept_bytes: kinds.kept_bytes,
            tmp_bytes: before.0.max(after.0),
            tmp_names_bytes: before.1.max(after.1),
        })
    }

    /// The bytes in `/tmp`, and what the kernel needs for their names.
    fn tmp(&self) -> io::Result<(u64, u64)> {
        let tmp = fstatfs(&self.tmp)?;
        let pages = tmp.f_blocks.saturating_sub(tmp.f_bfree);
        let files = tmp.f_files.saturating_sub(tmp.f_ffree);
        let page_bytes = u64::try_from(tmp.f_bsize).unwrap_or_default();
        Ok((pages.saturating_mul(page_bytes), files.saturating_mul(FILE_BYTES)))
    }

    /// Waits until the mark is passed, or what it stands for is not true any more.
    async fn sleep(&self, mark: &Mark, is_high: bool) -> io::Result<()> {
        tokio::select! {
            passed = mark.passed() => passed,
            () = self.changed.notified() => Ok(()),
            () = self.rest(SELDOM), if is_high => Ok(()),
        }
    }

    /// Waits for so long, and then for a sandbox that moves.
    async fn rest(&self, duration: Duration) {
        self.is_awake.store(true, Ordering::SeqCst);
        tokio::time::sleep(duration).await;
        while self.is_frozen.load(Ordering::SeqCst) {
            self.changed.notified().await;
        }
    }

    async fn set_alarm(self: &Arc<Self>, at_bytes: u64, turns: &Semaphore) -> io::Result<Mark> {
        let alarm = if self.memory()?.is_alarm_slow() {
            let _turn = turns.acquire().await.map_err(io::Error::other)?;
            self.slowly(move |memory| memory.alarm(at_bytes)).await?
        } else {
            self.memory()?.alarm(at_bytes)?
        };
        Mark::new(alarm, at_bytes)
    }

    async fn reclaim(self: &Arc<Self>, bytes: u64) {
        // What could not be given back is seen by who looks again.
        let _ = self.slowly(move |memory| memory.reclaim(bytes)).await;
    }

    /// Does what blocks on a thread that may.
    async fn slowly<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Memory) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let group = Arc::clone(&self.group);
        let work = move || match &group.memory {
            Some(memory) => work(memory),
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// Ends the processes, as the kernel would. The sandbox stays, with its `/tmp`.
    async fn end(&self, memory_bytes: u64) -> io::Result<()> {
        self.is_over.store(true, Ordering::Release);
        if let Some(news) = self.news.upgrade() {
            // A first process that is gone needs no order.
            let _ = descriptors::send(&*news, &Order::Empty.encode(), &[]);
        }
        let mut left = END_MAX;
        while self.held()?.memory_bytes() > memory_bytes {
            let Some(less) = left.checked_sub(END_STEP) else {
                // It holds on to memory without its processes, or its first process has not come to it.
                if let Some(pidfd) = self.pidfd.upgrade() {
                    let _ = process::kill(&*pidfd);
                }
                return Err(io::Error::other("processes that took too much memory did not end"));
            };
            left = less;
            tokio::time::sleep(END_STEP).await;
        }
        Ok(())
    }

    fn give_up(&self) -> io::Result<()> {
        let mut bounds = self.bounds();
        bounds.is_watched = false;
        bounds.put_in_force(self.memory()?)
    }

    fn saw(&self, held: &Held) {
        self.most_bytes.fetch_max(held.memory_bytes(), Ordering::Relaxed);
        self.most_apart_bytes.fetch_max(held.apart_bytes(), Ordering::Relaxed);
    }

    fn memory(&self) -> io::Result<&Memory> {
        self.group.memory.as_ref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
