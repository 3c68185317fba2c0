// SPDX-License-Identifier: Apache-2.0
//! The server's handle on the launcher process.
//!
//! Invariant: no call here blocks a thread of the async runtime, but for `start`, which comes before it, and for starting a
//! launcher again after it has died, which is given a thread of its own.

use crate::cpu::{self, CpuLimits, Phase};
use crate::greeting::{self, Answer, Hello, Purpose};
use crate::launch;
use crate::ready::{Hurry, Ready};
use crate::sandbox::Process;
use crate::watch::Turns;
use crate::{
    Capability, LaunchError, Level, Limits, Mount, Network, Options, Sandbox, SnapshotError, Spec,
    StartError,
};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sys::cgroup::{Layout, Tree};
use sys::descriptors::{self, Wait};

/// How long a launcher may take to set itself up.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A launcher that sets itself up, while the server does something else. Dropping it ends it.
#[derive(Debug)]
pub struct Starting {
    program: PathBuf,
    options: Options,
    tree_name: String,
    greeted: Greeted,
}

/// A process that was told what it is for and has not answered.
#[derive(Debug)]
struct Greeted {
    socket: OwnedFd,
    child: Child,
}

impl Starting {
    /// Starts the launcher: this same program with the hidden argument `launcher`.
    pub fn begin(options: &Options) -> Result<Self, StartError> {
        Self::begin_program(Path::new("/proc/self/exe"), options)
    }

    fn begin_program(program: &Path, options: &Options) -> Result<Self, StartError> {
        if options.sandboxes_max == 0 {
            return Err(StartError::Option {
                option: "sandboxes_max".into(),
                reason: "must be 1 or more".into(),
            });
        }
        let tree_name = tree_name();
        let greeted = Greeted::start(program, options, Purpose::Launch, &tree_name)?;
        Ok(Self { program: program.to_owned(), options: options.clone(), tree_name, greeted })
    }

    /// Waits until the launcher is ready. `edge_address` is what functions are told where they have no listener of their own.
    pub fn finish(self, edge_address: SocketAddr) -> Result<Launcher, StartError> {
        let Self { program, options, tree_name, greeted } = self;
        let (running, (level, network)) = greeted.finish(&tree_name)?;
        let cpu_count = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let shared = Shared {
            program,
            tree_name,
            // What was found out at first stays so: a launcher started again must not be weaker.
            options: Options { level: Some(level), network: Some(network), ..options },
            edge_address,
            level,
            network,
            cpu_count,
            running: Mutex::new(Arc::new(running)),
            ready: Ready::default(),
            turns: Turns::default(),
        };
        // Nobody waits for it, and it may be much. Where there is no thread to be had, the next server does it.
        let removing = std::thread::Builder::new().name("stale cgroups".into());
        drop(removing.spawn(|| remove_stale_trees(&Layout::discover().unwrap_or_default())));
        Ok(Launcher { shared: Arc::new(shared) })
    }
}

/// The launcher process. Clones share it; when the last is dropped, and the last sandbox, it ends.
#[derive(Debug, Clone)]
pub struct Launcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    program: PathBuf,
    /// The same for each process of the launcher, so that the last one cleans up after all.
    tree_name: String,
    pub(crate) options: Options,
    pub(crate) edge_address: SocketAddr,
    pub(crate) level: Level,
    pub(crate) network: Network,
    pub(crate) cpu_count: u64,
    running: Mutex<Arc<Running>>,
    pub(crate) ready: Ready,
    pub(crate) turns: Turns,
}

/// One process of the launcher. There is another after it has died.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) socket: OwnedFd,
    pub(crate) tree: Tree,
    child: Mutex<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The launcher ends by itself when the socket closes. One that has ended already leaves no zombie.
        let _ = self.child.get_mut().unwrap_or_else(PoisonError::into_inner).try_wait();
    }
}

impl Launcher {
    /// Starts the launcher: this same program with the hidden argument `launcher`. `edge_address` is what functions are told
    /// where they have no listener of their own. Blocks until the launcher is ready.
    pub fn start(options: &Options, edge_address: SocketAddr) -> Result<Self, StartError> {
        Self::start_program(Path::new("/proc/self/exe"), options, edge_address)
    }

    /// As `start`, with another program whose `main` is `launcher_main`.
    pub fn start_program(
        program: &Path,
        options: &Options,
        edge_address: SocketAddr,
    ) -> Result<Self, StartError> {
        Starting::begin_program(program, options)?.finish(edge_address)
    }

    pub fn level(&self) -> Level {
        self.shared.level
    }

    pub fn network(&self) -> Network {
        self.shared.network
    }

    /// How many sandboxes there may be.
    pub fn sandboxes_max(&self) -> u16 {
        self.shared.options.sandboxes_max
    }

    /// The number of the launcher process.
    pub fn process_id(&self) -> u32 {
        self.shared.running().child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Builds a sandbox and starts its program. Returns when the program has been executed. A launcher that has died is
    /// started again first.
    ///
    /// Must be called on a tokio runtime, and the sandbox be used on the same one.
    pub async fn launch(
        &self,
        spec: impl Borrow<Spec> + Send + Sync,
    ) -> Result<Sandbox, LaunchError> {
        let (running, spec) = (self.shared.running(), spec.borrow());
        let launched = match self.launch_with(&running, spec).await {
            Err(LaunchError::LauncherEnded) => {
                let running = self.restart(running).await?;
                self.launch_with(&running, spec).await
            }
            result => result,
        };
        self.shared.ready.fill(&self.shared);
        launched
    }

    async fn launch_with(
        &self,
        running: &Arc<Running>,
        spec: &Spec,
    ) -> Result<Sandbox, LaunchError> {
        let root = spec.root.as_deref();
        let unused = launch::unused(&self.shared, running, root, spec.is_ahead).await?;
        launch::start(&self.shared, unused, spec).await
    }

    /// There will be a launch: makes ready what does not depend on its function. Must be called on a tokio runtime.
    pub fn expect(&self) {
        self.shared.ready.expect(&self.shared);
    }

    /// Ends sandboxes that were built for launches which did not come.
    pub fn reap(&self) {
        self.shared.ready.reap(&self.shared.options);
    }

    /// Somebody waits for what is about to be started: nothing is made ahead meanwhile.
    pub fn hurry(&self) -> Hurry {
        Hurry::new(&self.shared)
    }

    /// Waits until nobody has been in a hurry for `quiet`, or `patience` is over.
    pub async fn calm(&self, quiet: Duration, patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        while let Some(until) = self.shared.ready.busy_until(quiet)
            && tokio::time::Instant::now() < end
        {
            tokio::time::sleep_until(until.min(end)).await;
        }
    }

    /// Whether `furnish` works here: a plain process has no directories of its own.
    pub fn can_furnish(&self) -> bool {
        self.shared.level != Level::L0
    }

    /// Makes a sandbox whose program runs already a function's: mounts its directories and puts its limits in force. What the
    /// program has read or opened before is its own business.
    pub async fn furnish(
        &self,
        process: &mut Process,
        mounts: &[Mount],
        limits: Limits,
    ) -> Result<(), LaunchError> {
        launch::furnish(&self.shared, process, mounts, limits).await
    }

    /// Whether snapshots of sandboxes can be taken and brought back here, or what stands against it.
    pub fn can_snapshot(&self) -> Result<(), &'static str> {
        if !sys::trace::IS_SUPPORTED {
            Err("the processor is not an x86-64")
        } else if self.shared.level == Level::L0 {
            Err("isolation level 1 or 2 is needed")
        } else if self.shared.network == Network::Host {
            Err("functions have the machine's network, and not one of their own")
        } else {
            Ok(())
        }
    }

    /// Builds a sandbox in which a program goes on from a snapshot that `Process::take_snapshot` wrote. The connection on which it
    /// waits comes with it.
    ///
    /// Must be called on a tokio runtime, and the sandbox be used on the same one.
    pub async fn restore(&self, spec: Spec, snapshot: &File) -> Result<Sandbox, SnapshotError> {
        let running = self.shared.running();
        let root = spec.root.as_deref();
        let unused = match launch::unused(&self.shared, &running, root, false).await {
            Err(LaunchError::LauncherEnded) => {
                let running = self.restart(running).await?;
                launch::unused(&self.shared, &running, root, false).await
            }
            result => result,
        };
        let restored = launch::restore(&self.shared, unused?, &spec, snapshot).await;
        self.shared.ready.fill(&self.shared);
        restored
    }

    /// Starts another launcher in place of `ended`, unless somebody has already.
    async fn restart(&self, ended: Arc<Running>) -> Result<Arc<Running>, LaunchError> {
        let shared = Arc::clone(&self.shared);
        let restarted = tokio::task::spawn_blocking(move || shared.restart(&ended)).await;
        restarted
            .map_err(|_| LaunchError::LauncherEnded)?
            .map_err(|source| LaunchError::Restart { source: Box::new(source) })
    }

    /// Ends the launcher and all sandboxes, and waits until everything they used is given back. Blocks.
    pub fn stop(self) -> io::Result<()> {
        let running = self.shared.running();
        self.shared.ready.clear();
        rustix::net::shutdown(&running.socket, rustix::net::Shutdown::Both)?;
        let mut child = running.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.wait().map(drop)
    }
}

impl Shared {
    pub(crate) fn cpu_limits(&self, memory_bytes: u64, phase: Phase) -> CpuLimits {
        cpu::limits(memory_bytes, self.options.cpu, phase, self.cpu_count)
    }

    pub(crate) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn restart(&self, ended: &Arc<Running>) -> Result<Arc<Running>, StartError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&running, ended) {
            tracing::warn!("the launcher process ended and is started again");
            // It may be about to end only. Two at a time would clean up after each other.
            let mut child = ended.child.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = child.kill();
            let _ = child.wait();
            *running = Arc::new(
                Greeted::start(&self.program, &self.options, Purpose::Launch, &self.tree_name)?
                    .finish(&self.tree_name)?
                    .0,
            );
        }
        Ok(Arc::clone(&running))
    }
}

type Found = (Level, Network);

fn not_talked(source: io::Error) -> StartError {
    StartError::Talk { source }
}

impl Greeted {
    fn start(
        program: &Path,
        options: &Options,
        purpose: Purpose,
        tree_name: &str,
    ) -> Result<Self, StartError> {
        let (socket, theirs) = descriptors::message_pair().map_err(not_talked)?;
        let child = Command::new(program)
            .arg("launcher")
            .env_clear()
            .stdin(theirs)
            .stdout(Stdio::null())
            // A signal from the terminal is for the server, which then ends in order.
            .process_group(0)
            .spawn()
            .map_err(|source| StartError::Spawn {
                program: program.display().to_string(),
                source,
            })?;
        let hello = Hello { options: options.clone(), purpose, tree: tree_name.to_owned() };
        let hello = serde_json::to_vec(&hello).map_err(|error| not_talked(error.into()))?;
        descriptors::send(&socket, &hello, &[]).map_err(not_talked)?;
        Ok(Self { socket, child })
    }

    fn answer(&self) -> Result<Answer, StartError> {
        set_socket_timeout(&self.socket, Timeout::Recv, Some(START_TIMEOUT))
            .map_err(|errno| not_talked(errno.into()))?;
        let mut buffer = vec![0; greeting::LENGTH_MAX];
        let (length, _) = descriptors::receive(&self.socket, &mut buffer, Wait::UntilReady)
            .map_err(not_talked)?;
        if length == 0 {
            return Err(StartError::Ended);
        }
        let answer = serde_json::from_slice(buffer.get(..length).unwrap_or_default());
        answer.map_err(|error| not_talked(error.into()))
    }

    fn finish(self, tree_name: &str) -> Result<(Running, Found), StartError> {
        let found = match self.answer()? {
            Answer::Ready { level, network } => (level, network),
            answer => return Err(unexpected(answer)),
        };
        let Self { socket, child } = self;
        descriptors::set_nonblocking(&socket).map_err(not_talked)?;
        // The launcher has made it, where it could be made, and removes it.
        let tree = Tree::open(&Layout::discover().unwrap_or_default(), tree_name);
        // A weight that cannot be written leaves the kernel's own.
        if let Err(error) = tree.set_shares(cpu::all_shares()) {
            tracing::debug!(%error, "the share of all sandboxes was not set");
        }
        Ok((Running { socket, tree, child: Mutex::new(child) }, found))
    }
}

/// Why there is no other answer.
fn unexpected(answer: Answer) -> StartError {
    match answer {
        Answer::NoLevel { level, missing } => StartError::Level { level, missing },
        Answer::NoNetwork { network, missing } => StartError::Network { network, missing },
        Answer::BadOption { option, reason } => StartError::Option { option, reason },
        Answer::Failed { step, reason } => StartError::Setup { step, reason },
        Answer::Ready { .. } | Answer::Surveyed { .. } => StartError::Ended,
    }
}

const TREE_PREFIX: &str = "tinderbox-";

/// Names a launcher of this server for as long as the machine runs: process numbers are used again, but not with the same
/// start.
fn tree_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{TREE_PREFIX}{pid}-{}-{number}", start_time(pid).unwrap_or(0))
}

/// When a process started, in ticks of the kernel's clock. `None` if there is no such process.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may contain anything. The start is field 22.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// Removes the cgroups of servers that were killed.
fn remove_stale_trees(layout: &Layout) {
    for name in layout.list(TREE_PREFIX) {
        let owner = name.strip_prefix(TREE_PREFIX).and_then(|owner| owner.split_once('-'));
        let Some((pid, start)) =
            owner.and_then(|(pid, start)| Some((pid.parse().ok()?, start.parse().ok()?)))
        else {
            continue;
        };
        if start_time(pid) != Some(start)
            && let Err(error) = layout.remove_tree(&name)
        {
            tracing::debug!(name, %error, "the cgroups of an earlier server are still in use");
        }
    }
}

/// What this machine can do for sandboxes. Starts a launcher to try it. Blocks.
pub fn probe() -> Result<Vec<Capability>, StartError> {
    probe_with(Path::new("/proc/self/exe"))
}

/// As `probe`, with another program whose `main` is `launcher_main`.
pub fn probe_with(program: &Path) -> Result<Vec<Capability>, StartError> {
    let mut greeted = Greeted::start(program, &Options::default(), Purpose::Probe, &tree_name())?;
    let capabilities = match greeted.answer()? {
        Answer::Surveyed { capabilities } => capabilities,
        answer => return Err(unexpected(answer)),
    };
    let _ = greeted.child.wait();
    Ok(capabilities)
}
