// SPDX-License-Identifier: Apache-2.0
//! What an environment stands on: the sandbox, and what was made for it.
//!
//! AWS resets an environment after a timeout or a crash: its processes are killed, `/tmp` stays, and the next invocation
//! initialises anew. Here the environment ends, and another one begins on the same ground.
//!
//! Invariant: nothing of a life before reaches the next one but what is in `/tmp`: no process, no connection, no message.

use crate::extensions::External;
use crate::host::Session;
use crate::logs::LogStream;
use bytes::Bytes;
use sandbox::Process;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::unix::pipe;

const OUTPUT_READ_BYTES: usize = 16 * 1024;
/// A process that takes longer to die is stuck in the kernel, and its sandbox is given up.
const CLEAR_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) process: Process,
    /// Where the runtime asks for events. Held by who accepts, as long as its environment lives.
    pub(crate) runtime_api: tokio::sync::Mutex<TcpListener>,
    output: pipe::Receiver,
    /// Held while output is read and printed, so that two readers keep its order.
    reading: Mutex<()>,
    /// Extensions that are programs, and their pipes.
    pub(crate) external: Option<External>,
    /// What a stem is told each time that it is started: which function it is.
    pub(crate) identity: Option<Bytes>,
    pub(crate) runtime_version: String,
    /// Credentials of the role; they die with the ground.
    _session: Session,
}

/// What a launch hands over.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) process: Process,
    pub(crate) runtime_api: TcpListener,
    pub(crate) output: std::os::fd::OwnedFd,
    pub(crate) session: Session,
    pub(crate) external: Option<External>,
    pub(crate) identity: Option<Bytes>,
    pub(crate) runtime_version: String,
}

impl Ground {
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let Parts { process, runtime_api, output, session, external, identity, runtime_version } =
            parts;
        Ok(Self {
            process,
            runtime_api: tokio::sync::Mutex::new(runtime_api),
            output: pipe::Receiver::from_owned_fd(output)?,
            reading: Mutex::default(),
            external,
            identity,
            runtime_version,
            _session: session,
        })
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

    /// Prints what the function has printed, until its pipe is closed.
    pub(crate) async fn print_output(&self, log: &LogStream) {
        while self.output.readable().await.is_ok() {
            match self.take_output(log, pipe::Receiver::try_read) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Takes everything printed so far into the log. What a function printed before it answered is in the pipe when
    /// the answer is, so after this the log is complete.
    pub(crate) fn drain_output(&self, log: &LogStream) {
        // Past tokio, which believes the pipe to be empty until it has been told otherwise.
        while let Ok(1..) =
            self.take_output(log, |pipe, buffer| Ok(rustix::io::read(pipe, buffer)?))
        {}
    }

    fn take_output(
        &self,
        log: &LogStream,
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; OUTPUT_READ_BYTES];
        let length = read(&self.output, &mut buffer)?;
        log.print(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
