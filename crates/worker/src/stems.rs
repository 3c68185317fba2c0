// SPDX-License-Identifier: Apache-2.0
//! Stems: runtimes that were started ahead, each in its own finished sandbox, and wait for code.
//!
//! A cold start takes a stem, has the function's code mounted into it from outside, and tells it the function's
//! environment variables. What is left of the start is loading the handler.
//!
//! Invariants:
//! - a stem has run no function's code, and becomes one function's environment once: two functions never share one;
//! - stems of one kind are alike: what a function needs before its runtime starts (a wrapper, NODE_OPTIONS) takes the
//!   ordinary path;
//! - a stem that cannot serve is a missing stem, never a failed start.
//!
//! Each is a program of its own and none is forked from another: forked ones would start in a tenth of the time and share four
//! fifths of their memory, and with it where everything is in it. A function that learns its own addresses or the seed of
//! its hashes would know its neighbour's. What starts them ahead is time that nobody waits for.

use crate::function::Function;
use crate::life::spawn;
use crate::runtime_api::{self, Connection};
use crate::runtimes::{self, Installed};
use bytes::Bytes;
use sandbox::{Launcher, Limits, Mount, Process, Sandbox, Spec};
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Tells a bootstrap that it is a stem.
const STEM: &str = "TINDERBOX_STEM";
/// A runtime that has not asked for its function by then never will.
const READY_MAX: Duration = Duration::from_secs(10);
/// Before a stem is replaced: the invocation that took it goes first, and so do others that come one after the other.
const QUIET: Duration = Duration::from_millis(20);
/// But a long row of them needs stems too.
const PATIENCE: Duration = Duration::from_millis(500);
/// Variables that every program reads as it starts. A function that sets one, or one that its runtime reads then, takes the
/// ordinary path.
const EARLY: [&str; 6] = ["AWS_LAMBDA_EXEC_WRAPPER", "GLIBC_", "LANG", "LC_", "LD_", "MALLOC_"];

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Stems kept ready for each runtime in use, whatever the demand. Default: 4.
    pub ready_min: usize,
    /// Stems that may be ready for one runtime when many functions are new. 0: no stems, every cold start takes the ordinary
    /// path. Default: 64, or less on a machine with less than 24 GiB of memory.
    pub ready_max: usize,
    /// Megabytes that the stems of one runtime may take: there are fewer of a runtime whose stems are large. Default: a twelfth
    /// of the machine's memory.
    pub ready_mb_max: u64,
    /// Milliseconds for which a new function, or a start that found no stem, counts as demand. Default: 60000.
    pub demand_window_ms: u64,
    /// Milliseconds after which the stems of a runtime that nobody has used are stopped. Default: 900000 (15 minutes).
    pub idle_max_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ready_min: 4,
            ready_max: ready_max(),
            ready_mb_max: memory_mb() / 12,
            demand_window_ms: 60_000,
            idle_max_ms: 900_000,
        }
    }
}

/// What a stem usually takes.
const USUAL_MB: u64 = 12;

/// At most a thirty-second part of the memory for stems of the usual size.
fn ready_max() -> usize {
    usize::try_from(memory_mb() / 32 / USUAL_MB).unwrap_or(usize::MAX).clamp(4, 64)
}

/// Of this machine.
fn memory_mb() -> u64 {
    let memory = rustix::system::sysinfo();
    u64::from(memory.mem_unit).saturating_mul(memory.totalram) >> 20
}

impl Options {
    /// The same for stems of this size: of large ones fewer are kept for nobody, and there are only as many as there is memory
    /// for, but one.
    fn for_stems_of(&self, memory_mb: u64) -> Self {
        let usual = usize::try_from(memory_mb.max(USUAL_MB) / USUAL_MB).unwrap_or(usize::MAX);
        let room = usize::try_from(self.ready_mb_max / memory_mb.max(1)).unwrap_or(usize::MAX);
        Self {
            ready_min: self.ready_min.div_ceil(usual),
            ready_max: self.ready_max.min(room.max(1)),
            ..self.clone()
        }
    }
}

/// What makes stems alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    identifier: String,
    /// Of the version of the runtime.
    version_id: String,
    /// Of a runtime that lives in one.
    image: Option<images::Digest>,
    /// If it is told as it starts.
    memory_mb: Option<u32>,
    stem_mb: u64,
}

/// A runtime in its sandbox that asked which function it is.
#[derive(Debug)]
pub(crate) struct Stem {
    process: Process,
    runtime_api: TcpListener,
    edge: Option<StdTcpListener>,
    output: OwnedFd,
    log: OwnedFd,
    /// What it was started with.
    env: Vec<(String, String)>,
    /// Whether it goes to the function's code by itself.
    changes_directory: bool,
    /// The one that waits for the answer.
    connection: Connection,
}

/// A sandbox whose runtime knows its function.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) process: Process,
    pub(crate) runtime_api: TcpListener,
    pub(crate) edge: Option<StdTcpListener>,
    pub(crate) output: OwnedFd,
    pub(crate) log: OwnedFd,
    /// Where a stem was told its function, and what it was told.
    pub(crate) told: Option<(Connection, Bytes)>,
}

#[derive(Debug, Default)]
struct Pool {
    ready: Vec<Stem>,
    /// Stems that are being started, and at most one for each CPU: they have the CPU only when nobody else wants it.
    starting: usize,
    used: Option<Instant>,
    /// When starts were expected, or found no stem: the oldest in front.
    demand: VecDeque<Instant>,
}

#[derive(Debug)]
pub(crate) struct Stems {
    launcher: Launcher,
    options: Options,
    /// Asking for it reads files.
    cpu_count: usize,
    pools: Mutex<HashMap<Kind, Pool>>,
}

impl Stems {
    pub(crate) fn new(launcher: Launcher, options: Options) -> Self {
        let cpu_count = std::thread::available_parallelism().map_or(1, usize::from);
        Self { launcher, options, cpu_count, pools: Mutex::default() }
    }

    /// A stem for `function`, if it may have one and one is ready. Either way there will be one for the next.
    pub(crate) fn take(
        self: &Arc<Self>,
        function: &Function,
        installed: &Installed,
    ) -> Option<Stem> {
        let kind = self.kind(function, installed)?;
        let stem = {
            let mut pools = self.pools();
            let pool = pools.entry(kind.clone()).or_default();
            pool.used = Some(Instant::now());
            let stem = pool.ready.pop();
            if stem.is_some() {
                // One that was expected has come.
                pool.demand.pop_front();
            } else {
                pool.demand.push_back(Instant::now());
            }
            stem
        };
        self.fill(kind, function, installed);
        stem
    }

    /// How many are ready, and how many are being started.
    pub(crate) fn count(&self) -> (usize, usize) {
        let pools = self.pools();
        let sum = |count: fn(&Pool) -> usize| pools.values().map(count).sum();
        (sum(|pool| pool.ready.len()), sum(|pool| pool.starting))
    }

    /// Sees to it that there are stems for functions like this one, or an empty sandbox if it may have none.
    pub(crate) fn expect(self: &Arc<Self>, function: &Function, installed: &Installed) {
        let Some(kind) = self.kind(function, installed) else { return self.launcher.expect() };
        {
            let mut pools = self.pools();
            let pool = pools.entry(kind.clone()).or_default();
            pool.used = Some(Instant::now());
            pool.demand.push_back(Instant::now());
        }
        self.fill(kind, function, installed);
    }

    /// Stops stems that are no longer wanted.
    pub(crate) fn reap(&self, now: Instant) {
        let idle_max = Duration::from_millis(self.options.idle_max_ms);
        let mut surplus = Vec::new();
        self.pools().retain(|kind, pool| {
            let wanted = pool.wanted(&self.options.for_stems_of(kind.stem_mb), now);
            surplus.extend(pool.ready.drain(..pool.ready.len().saturating_sub(wanted)));
            pool.starting > 0 || pool.used.is_some_and(|used| now - used < idle_max)
        });
    }

    /// Stops one of those there are most of: an environment needs its place.
    pub(crate) fn make_way(&self) {
        // The guard must be gone before the stem is stopped.
        let stem = {
            let mut pools = self.pools();
            let most = pools.values_mut().max_by_key(|pool| pool.ready.len());
            most.and_then(|pool| {
                pool.demand.pop_front();
                pool.ready.pop()
            })
        };
        drop(stem);
    }

    fn kind(&self, function: &Function, installed: &Installed) -> Option<Kind> {
        let ahead = installed.identifier.language().ahead()?;
        let is_early = |name: &str| {
            EARLY.iter().chain(ahead.early_variables).any(|early| name.starts_with(early))
        };
        let has_none = self.options.ready_max == 0 || !self.launcher.can_furnish();
        if has_none || function.env_vars.iter().any(|(name, _)| is_early(name)) {
            return None;
        }
        // Extensions start before the runtime.
        if crate::extensions::has_any(function.layers_dir.as_deref()) {
            return None;
        }
        Some(Kind {
            identifier: installed.identifier.to_string(),
            version_id: installed.id.clone(),
            image: installed.image.as_ref().map(|image| image.digest),
            memory_mb: ahead.is_for_one_memory_size.then_some(function.memory_mb),
            stem_mb: ahead.memory_mb,
        })
    }

    /// Starts stems, until there are enough.
    fn fill(self: &Arc<Self>, kind: Kind, function: &Function, installed: &Installed) {
        let options = self.options.for_stems_of(kind.stem_mb);
        let more = {
            let mut pools = self.pools();
            let pool = pools.entry(kind.clone()).or_default();
            let missing = pool.missing(&options, Instant::now());
            let more = missing.min(self.cpu_count.saturating_sub(pool.starting));
            pool.starting += more;
            more
        };
        if more == 0 {
            return;
        }
        let argv = installed.argv_for(function.memory_mb, &[]);
        for _ in 0..more {
            let filler = Filler {
                stems: Arc::clone(self),
                kind: kind.clone(),
                options: options.clone(),
                installed: installed.clone(),
                argv: argv.clone(),
            };
            spawn(filler.run());
        }
    }

    async fn start(&self, installed: &Installed, argv: Vec<String>) -> io::Result<Stem> {
        let mounts = runtimes::mounts(installed);
        let mut env = crate::env_vars::of_every_function();
        env.extend(installed.env.iter().cloned());
        env.push((STEM.to_owned(), "1".to_owned()));
        let limits = Limits::default();
        let ahead = installed.identifier.language().ahead();
        let changes_directory = ahead.is_none_or(|ahead| ahead.changes_directory);
        // One that is moved believes to be there already.
        let cwd = if changes_directory { "/tmp" } else { "/var/task" }.into();
        let root = installed.image.as_ref().map(|image| image.directory.clone());
        let spec = Spec { root, mounts, argv, env: env.clone(), cwd, limits, is_ahead: true };
        let Sandbox { runtime_api, connection, edge, output, log, mut process } =
            self.launcher.launch(spec).await.map_err(io::Error::other)?;
        let asked = async {
            let stream = match connection {
                Some(stream) => stream,
                None => runtime_api.accept().await?.0,
            };
            stream.set_nodelay(true)?;
            let mut connection = Connection::new(stream);
            loop {
                match runtime_api::read(&mut connection).await? {
                    Some(request) if runtime_api::asks_for_function(&request) => {
                        return Ok(connection);
                    }
                    // It rehearses.
                    Some(request) if runtime_api::is_ping(&request) => {
                        runtime_api::answer_ping(&mut connection);
                    }
                    Some(_) | None => {
                        let what = "the runtime asked for something else than its function";
                        return Err(io::Error::other(what));
                    }
                }
            }
        };
        let connection = tokio::time::timeout(READY_MAX, asked).await??;
        process.stand_up();
        Ok(Stem { process, runtime_api, edge, output, log, env, changes_directory, connection })
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Kind, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts stems of one kind one after the other, and counts as one that is being started.
struct Filler {
    stems: Arc<Stems>,
    kind: Kind,
    options: Options,
    installed: Installed,
    argv: Vec<String>,
}

impl Filler {
    async fn run(self) {
        loop {
            self.stems.launcher.calm(QUIET, PATIENCE).await;
            let started = self.stems.start(&self.installed, self.argv.clone()).await;
            let mut pools = self.stems.pools();
            let pool = pools.entry(self.kind.clone()).or_default();
            let has_started = started.is_ok();
            match started {
                Ok(stem) => pool.ready.push(stem),
                Err(error) => {
                    tracing::warn!(runtime = self.kind.identifier, %error, "stem not started")
                }
            }
            pool.starting = pool.starting.saturating_sub(1);
            // After a failure the next start that finds no stem tries again.
            if !has_started || pool.missing(&self.options, Instant::now()) == 0 {
                return;
            }
            pool.starting += 1;
        }
    }
}

impl Pool {
    /// How many stems must be started besides those that are being.
    fn missing(&mut self, options: &Options, now: Instant) -> usize {
        let there = self.ready.len().saturating_add(self.starting);
        self.wanted(options, now).saturating_sub(there)
    }

    /// How many stems there should be.
    fn wanted(&mut self, options: &Options, now: Instant) -> usize {
        let window = Duration::from_millis(options.demand_window_ms);
        let is_over = |since: &Instant| now.duration_since(*since) > window;
        while self.demand.len() > options.ready_max || self.demand.front().is_some_and(is_over) {
            self.demand.pop_front();
        }
        (options.ready_min + self.demand.len()).min(options.ready_max)
    }
}

impl Stem {
    /// Makes it a function's: mounts the code, puts the limits in force, says which function it is.
    pub(crate) async fn grow(
        self,
        launcher: &Launcher,
        code: &[Mount],
        limits: Limits,
        env: &[(String, String)],
    ) -> io::Result<Grown> {
        let Self {
            mut process, runtime_api, edge, output, log, env: known, mut connection, ..
        } = self;
        // What it is told is written down while the launcher mounts the code.
        let told = async { identity(env.iter().filter(|variable| !known.contains(variable))) };
        let (furnished, identity) =
            tokio::join!(launcher.furnish(&mut process, code, limits), told);
        furnished.map_err(io::Error::other)?;
        if !self.changes_directory {
            process.enter_task();
        }
        connection.queue(&identity, Bytes::new());
        connection.flush().await?;
        Ok(Grown { process, runtime_api, edge, output, log, told: Some((connection, identity)) })
    }
}

/// The answer to a stem that asks which function it is: the environment variables that it does not have yet.
fn identity<'a>(env: impl Iterator<Item = &'a (String, String)>) -> Bytes {
    let members: serde_json::Map<_, _> =
        env.map(|(name, value)| (name.clone(), serde_json::Value::from(value.as_str()))).collect();
    let body = serde_json::Value::Object(members).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { demand_window_ms: 1000, ..Options::default() }
    }

    #[test]
    fn large_stems_are_fewer() {
        let options = Options { ready_min: 4, ready_max: 64, ready_mb_max: 1440, ..options() };
        let counts = |memory_mb| {
            let options = options.for_stems_of(memory_mb);
            (options.ready_min, options.ready_max)
        };
        assert_eq!(counts(12), (4, 64));
        assert_eq!(counts(36), (2, 40));
        assert_eq!(counts(9000), (1, 1));
        let none = Options { ready_max: 0, ..options.clone() };
        assert_eq!(none.for_stems_of(36).ready_max, 0);
    }

    #[test]
    fn stems_follow_demand_within_their_limits() {
        let options = Options { ready_min: 2, ready_max: 10, ..options() };
        let (mut pool, now) = (Pool::default(), Instant::now());
        assert_eq!(pool.wanted(&options, now), 2);
        pool.demand.extend([now; 3]);
        assert_eq!(pool.wanted(&options, now), 5);
        pool.demand.extend([now; 100]);
        assert_eq!(pool.wanted(&options, now), 10);
        assert!(pool.demand.len() <= 10, "demand is not remembered without limit");
        pool.starting = 7;
        assert_eq!(pool.missing(&options, now), 3, "those that are being started count");
        assert_eq!(pool.wanted(&options, now + Duration::from_millis(1001)), 2);
    }
}
