// SPDX-License-Identifier: Apache-2.0
//! A running sandbox, as the server holds it.

use crate::cpu::CpuLimits;
use crate::handle::Running;
use crate::launch;
use crate::limits::{self, Limiters};
use crate::news::{self, News};
use crate::order::Order;
use crate::pace::{self, Allowance};
use crate::request::SandboxId;
use crate::watch::Watch;
use crate::{LaunchError, Level, Limits, SnapshotError};
use std::fs::File;
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use sys::cgroup::Group;
use sys::cgroup::memory::Peak;
use sys::descriptors::{self, Wait};
use sys::process::{self, Ending};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How the runtime ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// The whole sandbox was killed from outside.
    Killed,
}

impl Exit {
    pub(crate) fn from_wait_status(status: i32) -> Self {
        match Ending::from_wait_status(status) {
            Ending::Code(code) => Self::Code(code),
            Ending::Signal(signal) => Self::Signal(signal),
        }
    }
}

/// Where the peak rose by less than this, nobody looks what it is made of: it counts as memory. To look costs half of what an
/// invocation does, and peaks creep.
const LITTLE_GROWTH: u64 = 64 << 10;

/// The most memory that a sandbox has used at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryPeak {
    /// Without its `/tmp`, and without pages of files: what counts against its memory size.
    pub own_bytes: u64,
    /// Everything that it took of the machine.
    pub all_bytes: u64,
}

/// A running sandbox and the ends of it that the server holds. Take it apart to move the ends out.
#[derive(Debug)]
pub struct Sandbox {
    /// Where the runtime asks for events: 127.0.0.1:9001 inside.
    pub runtime_api: TcpListener,
    /// The first connection to it, if it has come already.
    pub connection: Option<TcpStream>,
    /// Where the function reaches AWS's APIs: 127.0.0.1:4566 inside. Non-blocking. Absent where the sandbox has no
    /// network of its own and uses the server's edge directly.
    pub edge: Option<StdTcpListener>,
    /// Standard output and standard error, together. The read end, non-blocking.
    pub output: OwnedFd,
    /// Where the runtime writes log records in frames: descriptor 5 inside. The read end, non-blocking.
    pub log: OwnedFd,
    pub process: Process,
}

impl Sandbox {
    /// Kills every process of the sandbox.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits until the runtime has ended. May be cancelled and called again.
    pub async fn exited(&self) -> Exit {
        self.process.exited().await
    }

    /// The most memory that the sandbox has used at one time, in so far as the machine counts it.
    pub fn memory_peak(&self) -> MemoryPeak {
        self.process.memory_peak()
    }

    /// Were processes of this sandbox killed because the memory limit was met?
    pub fn is_out_of_memory(&self) -> bool {
        self.process.is_out_of_memory()
    }

    /// Ends the full speed of init: from now on the function has the CPU time of its memory size.
    pub fn init_done(&self) {
        self.process.init_done();
    }

    /// Stops every process of the sandbox, unseen by them, until `thaw`.
    pub fn freeze(&self) -> io::Result<()> {
        self.process.freeze()
    }

    /// Lets a frozen sandbox go on.
    pub fn thaw(&self) -> io::Result<()> {
        self.process.thaw()
    }
}

/// How far the program has come since it was started.
#[derive(Debug, Default)]
pub(crate) struct Course {
    exit: Option<Exit>,
    is_empty: bool,
    is_gone: bool,
}

impl Course {
    pub(crate) fn go_on(&mut self, news: &News) {
        match news {
            News::Exited { status } => {
                self.exit.get_or_insert(Exit::from_wait_status(*status));
            }
            News::Emptied => self.is_empty = true,
            News::Gone | News::Failed { .. } => {
                self.exit.get_or_insert(Exit::Killed);
                (self.is_empty, self.is_gone) = (false, true);
            }
            News::Started | News::Furnished | News::Built { .. } | News::Full => {}
        }
    }
}

/// All processes of one sandbox. Dropping it kills them and lets the launcher give back what the sandbox used.
#[derive(Debug)]
pub struct Process {
    pub(crate) id: SandboxId,
    pub(crate) news: Arc<UnixStream>,
    pub(crate) pidfd: Arc<OwnedFd>,
    pub(crate) level: Level,
    pub(crate) group: Option<Arc<Group>>,
    /// Empty where it has none.
    pub(crate) group_name: Box<str>,
    pub(crate) limiters: Limiters,
    /// Where memory is limited.
    pub(crate) watch: Option<Watch>,
    /// Its network namespace. None where it has the host's.
    pub(crate) network: Option<OwnedFd>,
    pub(crate) peak: Option<Peak>,
    /// What is in force in its cgroup.
    pub(crate) limits: Limits,
    pub(crate) cpu: CpuLimits,
    /// What `init_done` puts in force.
    pub(crate) cpu_after_init: CpuLimits,
    /// Once it was seen to take long.
    pub(crate) allowance: std::sync::Mutex<Option<Allowance>>,
    /// As its cgroup was told.
    pub(crate) stands_back: AtomicBool,
    pub(crate) course: std::sync::Mutex<Course>,
    pub(crate) memory_peak: std::sync::Mutex<MemoryPeak>,
    /// Kills of the kernel before the program was started again.
    pub(crate) kills_before: AtomicU64,
    /// Who reads the news alone decides what they mean.
    pub(crate) reading: Mutex<()>,
    /// The launcher lives as long as any of its sandboxes.
    pub(crate) launcher: Arc<Running>,
}

impl Process {
    /// See `Sandbox::kill`.
    pub fn kill(&self) {
        let group_killed = match self.level {
            Level::L0 => process::kill_group(&self.pidfd),
            Level::L1 | Level::L2 => Ok(()),
        };
        // A plain process leads its group only a moment after it was made.
        let killed = process::kill(&self.pidfd).and(group_killed);
        if let Err(error) = killed {
            tracing::warn!(%error, "killing a sandbox failed");
        }
        if let Some(freezer) = self.group.as_ref().and_then(|group| group.freezer.as_ref())
            && freezer.must_thaw_to_kill()
        {
            let _ = freezer.thaw();
        }
    }

    /// See `Sandbox::exited`.
    pub async fn exited(&self) -> Exit {
        self.until(|course| course.exit).await
    }

    /// Waits until no process is left but the first, which is ours. `false` when that is gone too.
    pub async fn emptied(&self) -> bool {
        self.until(|course| (course.is_empty || course.is_gone).then_some(course.is_empty)).await
    }

    /// Kills every process but the first, which is ours: the sandbox stays, and what is in its `/tmp`. Not where processes are
    /// the machine's: there the sandbox ends.
    pub fn empty(&self) {
        self.order(Order::Empty);
    }

    /// Moves the runtime to /var/task, soon: for one that can not go there itself after the code was mounted.
    pub fn enter_task(&self) {
        self.order(Order::EnterTask);
    }

    /// Asks the runtime to end, by SIGTERM.
    pub fn terminate(&self) {
        self.order(Order::Terminate);
    }

    /// Starts the program again, in a sandbox that was emptied.
    pub async fn start_again(&self) -> Result<(), LaunchError> {
        let memory = self.group.as_ref().and_then(|group| group.memory.as_ref());
        if let Some(Ok(count)) = memory.map(sys::cgroup::memory::Memory::kill_count) {
            self.kills_before.store(count, Ordering::Relaxed);
        }
        if let Some(watch) = &self.watch {
            watch.forget();
        }
        let _alone = self.reading.lock().await;
        if self.course().is_gone {
            return Err(LaunchError::Killed);
        }
        *self.course() = Course::default();
        self.order(Order::Start);
        match self.next_news().await {
            Some(News::Started) => Ok(()),
            Some(News::Failed { step, errno, .. }) => Err(LaunchError::Step {
                step,
                thing: String::new(),
                source: io::Error::from_raw_os_error(errno),
            }),
            _ => {
                self.course().go_on(&News::Gone);
                Err(LaunchError::Killed)
            }
        }
    }

    /// Whether the runtime has not ended, as far as is known by now.
    pub(crate) fn is_running(&self) -> bool {
        if let Ok(_alone) = self.reading.try_lock() {
            self.catch_up();
        }
        self.course().exit.is_none()
    }

    /// A first process that is gone needs no order: that is told soon.
    fn order(&self, order: Order) {
        if let Err(error) = descriptors::send(&self.news, &order.encode(), &[]) {
            tracing::debug!(%error, ?order, "order not sent to a sandbox");
        }
    }

    /// Follows the news until they have come to what `reached` looks for.
    async fn until<T>(&self, reached: impl Fn(&Course) -> Option<T>) -> T {
        let _alone = self.reading.lock().await;
        loop {
            let now = reached(&self.course());
            if let Some(now) = now {
                return now;
            }
            let news = self.next_news().await.unwrap_or(News::Gone);
            if news == News::Gone {
                // It comes from another process than the rest, which may be waiting.
                self.catch_up();
            }
            self.course().go_on(&news);
        }
    }

    /// The next message about this sandbox. `None` when there will be none.
    pub(crate) async fn next_news(&self) -> Option<News> {
        let mut buffer = [0; news::LENGTH_MAX];
        let receive = || descriptors::receive(&self.news, &mut buffer, Wait::Never);
        let (length, _) = self.news.async_io(Interest::READABLE, receive).await.ok()?;
        News::decode(buffer.get(..length)?)
    }

    /// Reads what is there.
    fn catch_up(&self) {
        let mut buffer = [0; news::LENGTH_MAX];
        while let Ok((length @ 1.., _)) = descriptors::receive(&self.news, &mut buffer, Wait::Never)
        {
            if let Some(news) = buffer.get(..length).and_then(News::decode) {
                self.course().go_on(&news);
            }
        }
    }

    pub(crate) fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A TCP socket in the sandbox's network, not connected and non-blocking: what it is connected to is inside.
    pub async fn outlet(&self) -> io::Result<OwnedFd> {
        launch::outlet(self).await
    }

    /// The UDP socket, non-blocking, of what runs here for an X-Ray daemon. It is there from now on, as long as it is held.
    ///
    /// # Errors
    ///
    /// Also where the sandbox has no network of its own.
    pub async fn daemon(&self) -> io::Result<OwnedFd> {
        launch::daemon(self).await
    }

    /// Writes what runs here to `file`, as one process that waits on the connection whose own port is `port`. It does not go on
    /// afterwards: the sandbox is to be dropped.
    pub async fn take_snapshot(&self, file: &File, port: u16) -> Result<(), SnapshotError> {
        launch::take_snapshot(self, file, port).await
    }

    /// See `Sandbox::memory_peak`. Costs one look while nothing grows much.
    pub fn memory_peak(&self) -> MemoryPeak {
        let all_bytes = self.memory_peak_bytes();
        let mut known = self.memory_peak.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grown_bytes) = all_bytes.checked_sub(known.all_bytes)
            && grown_bytes < LITTLE_GROWTH
        {
            let own_bytes = known.own_bytes.saturating_add(grown_bytes);
            return MemoryPeak { all_bytes, own_bytes: own_bytes.min(self.limits.memory_bytes) };
        }
        let own_bytes = self.watch.as_ref().map_or(all_bytes, |watch| watch.most_bytes(all_bytes));
        *known = MemoryPeak { all_bytes, own_bytes };
        *known
    }

    /// `MemoryPeak::all_bytes`.
    pub fn memory_peak_bytes(&self) -> u64 {
        self.peak.as_ref().and_then(|peak| peak.bytes().ok()).unwrap_or(0)
    }

    /// See `Sandbox::is_out_of_memory`.
    pub fn is_out_of_memory(&self) -> bool {
        if self.watch.as_ref().is_some_and(Watch::is_over) {
            return true;
        }
        let memory = self.group.as_ref().and_then(|group| group.memory.as_ref());
        let before = self.kills_before.load(Ordering::Relaxed);
        memory.and_then(|memory| memory.kill_count().ok()).is_some_and(|count| count > before)
    }

    /// Closes what is not written to any more: descriptors bound how many sandboxes there can be.
    pub(crate) fn close_limits(&mut self) {
        self.limiters.pids = None;
        self.limiters.cpu.take_if(|_| self.cpu_after_init == self.cpu);
    }

    /// What was started ahead waits for its function now, and wants nothing: it has its share again, which is not written then
    /// when somebody is in a hurry.
    pub fn stand_up(&mut self) {
        let cpu = CpuLimits { stands_back: false, ..self.cpu };
        match limits::share(&self.limiters, Some(self.cpu), cpu) {
            Ok(()) => self.cpu = cpu,
            Err(error) => tracing::debug!(%error, "a sandbox goes on to stand back"),
        }
    }

    /// See `Sandbox::init_done`.
    pub fn init_done(&self) {
        if let (Some(cpu), Some(quota_us)) = (&self.limiters.cpu, self.cpu_after_init.quota_us)
            && self.cpu.quota_us != Some(quota_us)
            && let Err(error) = cpu.set_quota(quota_us)
        {
            tracing::warn!(%error, "setting the CPU quota of a function failed");
        }
    }

    /// Whether it runs where nobody else wants to: until `pace` finds that it need not.
    pub fn stands_back(&self) -> bool {
        self.stands_back.load(Ordering::Acquire)
    }

    /// Looks how much the program has computed. One that had more than belongs to its memory stands back behind others for a
    /// while. Says when to look again, as long as it runs.
    pub fn pace(&self) -> Duration {
        let Some(used) = self.group.as_ref().and_then(|group| group.cpu_time()) else {
            return pace::NEVER;
        };
        let now = Instant::now();
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        let allowance = allowance.get_or_insert_with(|| Allowance::new(now, used));
        allowance.look(now, used, self.limits.memory_bytes);
        if allowance.is_spent() == self.stands_back() {
            return allowance.pause();
        }
        match self.let_others_go_first(allowance.is_spent()) {
            Ok(()) => {
                self.stands_back.store(allowance.is_spent(), Ordering::Release);
                allowance.pause()
            }
            // A kernel that does not know how never will.
            Err(error) => {
                tracing::debug!(%error, "the place of a function among others was not changed");
                pace::NEVER
            }
        }
    }

    fn let_others_go_first(&self, stands_back: bool) -> io::Result<()> {
        let Some(cpu) = self.launcher.tree.open_cpu(&self.group_name)? else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        if stands_back { cpu.stand_back() } else { cpu.stand_up(self.cpu.shares) }
    }

    /// See `Sandbox::freeze`.
    pub fn freeze(&self) -> io::Result<()> {
        self.freezer()?.freeze()?;
        if let Some(watch) = &self.watch {
            watch.frozen();
        }
        Ok(())
    }

    /// See `Sandbox::thaw`.
    pub fn thaw(&self) -> io::Result<()> {
        if let Some(watch) = &self.watch {
            watch.thawed();
        }
        self.freezer()?.thaw()
    }

    /// Have all processes stopped after `freeze`?
    pub fn is_frozen(&self) -> io::Result<bool> {
        self.freezer()?.is_frozen()
    }

    fn freezer(&self) -> io::Result<&sys::cgroup::freezer::Freezer> {
        let freezer = self.group.as_ref().and_then(|group| group.freezer.as_ref());
        freezer.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Closing the socket would do, through the launcher; this is sooner.
        self.kill();
    }
}
