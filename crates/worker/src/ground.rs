// SPDX-License-Identifier: Apache-2.0
//! What an environment stands on: the sandbox, and what was made for it.
//!
//! AWS resets an environment after a timeout or a crash: its processes are killed, `/tmp` stays, and the next invocation
//! initialises anew. Here the environment ends, and another one begins on the same ground.
//!
//! Invariant: nothing of a life before reaches the next one but what is in `/tmp`: no process, no connection, no message.

use crate::daemon::Daemon;
use crate::event::Event;
use crate::extensions::External;
use crate::function::Function;
use crate::host::Session;
use crate::output::Output;
use crate::runtime_api::Room;
use crate::runtimes::Installed;
use bytes::Bytes;
use sandbox::Process;
use segments::Sampled;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A process that takes longer to die is stuck in the kernel, and its sandbox is given up.
const CLEAR_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) process: Process,
    /// Where the runtime asks for events. Held by who accepts, as long as its environment lives.
    pub(crate) runtime_api: tokio::sync::Mutex<TcpListener>,
    /// What its connections may hold.
    pub(crate) room: Arc<Room>,
    pub(crate) output: Output,
    /// Extensions that are programs, and their pipes.
    pub(crate) external: Option<External>,
    /// What a stem is told each time that it is started: which function it is.
    pub(crate) identity: Option<Bytes>,
    /// The runtime. None of an image, which brings its own along.
    pub(crate) installed: Option<Arc<Installed>>,
    pub(crate) origin: Origin,
    daemon: Daemon,
    /// Credentials of the role; they die with the ground.
    pub(crate) session: Session,
    since: Instant,
}

/// What its sandbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A program that was started in it.
    Started,
    /// The same, but only for its snapshot.
    ToBeTaken,
    /// A program that goes on from a snapshot. It is not started again.
    Restored,
}

/// What a launch hands over.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) process: Process,
    pub(crate) runtime_api: TcpListener,
    pub(crate) output: OwnedFd,
    pub(crate) log: OwnedFd,
    pub(crate) session: Session,
    pub(crate) external: Option<External>,
    pub(crate) identity: Option<Bytes>,
    pub(crate) installed: Option<Arc<Installed>>,
    pub(crate) origin: Origin,
}

impl Ground {
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let Parts {
            process,
            runtime_api,
            output,
            log,
            session,
            external,
            identity,
            installed,
            origin,
        } = parts;
        let of_extensions = external.as_ref().map(External::output).transpose()?;
        Ok(Self {
            process,
            runtime_api: tokio::sync::Mutex::new(runtime_api),
            room: Arc::default(),
            output: Output::new(output, log, of_extensions)?,
            external,
            identity,
            installed,
            origin,
            daemon: Daemon::default(),
            session,
            since: Instant::now(),
        })
    }

    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// What the function of a sampled invocation sends to the X-Ray daemon is taken from now on.
    pub(crate) async fn listen(&self, function: &Function, sampled: &Sampled) {
        self.daemon.listen(&self.process, function, sampled).await;
    }

    /// Takes what the function has sent there so far, if its invocation is sampled.
    pub(crate) fn hear(&self, event: &Event) {
        if event.sampled.is_some() {
            self.daemon.take();
        }
    }

    /// Waits until nothing of the life before is left. `false` when the sandbox itself is gone, or should be.
    pub(crate) async fn clear(&self) -> bool {
        let cleared = tokio::time::timeout(CLEAR_MAX, async {
            if !self.process.emptied().await {
                return false;
            }
            // Nobody in the sandbox lives who could connect: what waits here is dead.
            let listener = self.runtime_api.lock().await;
            while rustix::net::accept(&*listener).is_ok() {}
            self.external.as_ref().is_none_or(|external| external.drain().is_ok())
        });
        let is_clear = cleared.await.unwrap_or(false);
        if !is_clear {
            self.process.kill();
        }
        is_clear
    }
}
