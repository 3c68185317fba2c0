// SPDX-License-Identifier: Apache-2.0
//! The pipes from a sandbox to its log: what is printed, what the runtime writes in frames, what extensions print.
//!
//! They are emptied when an invocation ends: what a function printed before it answered is in them when the answer is. Between and
//! during invocations they are read as they fill, but for a moment after each time: to be told of every line of a function that
//! prints one for each of its events costs the function more than the line does.
//!
//! Invariant: each pipe has one reader at a time, so its order is kept.

use crate::logs::{LogStream, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::unix::pipe;

const READ_BYTES: usize = 16 * 1024;
/// A function that goes on printing does not hold up its answer: this is the most that a pipe can hold, unless root made it larger.
const DRAIN_BYTES_MAX: usize = 1 << 20;
/// How long nobody is told of what a pipe holds after somebody looked. Who fills a pipe in that time waits for the rest of it.
const REST: Duration = Duration::from_millis(4);
/// Where so much has come there is more: no rest.
const MUCH_BYTES: usize = 2 * 1024;

/// All that is in a pipe whose writers have nothing more to say, up to a limit.
pub(crate) fn all(pipe: &OwnedFd, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut text = vec![0; bytes_max];
    let mut length = 0;
    while let Some(rest) = text.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match rustix::io::read(pipe, rest) {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => break,
            Ok(read) => length += read,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    text.truncate(length);
    Ok(text)
}

#[derive(Debug)]
pub(crate) struct Output {
    printed: OwnedFd,
    framed: OwnedFd,
    /// Of those with a process of their own.
    extensions: Option<OwnedFd>,
    /// Held while something is read and taken into the log.
    turn: Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
enum Pipe {
    Printed,
    Framed,
    Extensions,
}

impl Output {
    pub(crate) fn new(
        printed: OwnedFd,
        framed: OwnedFd,
        extensions: Option<pipe::Receiver>,
    ) -> io::Result<Self> {
        // A receiver that is made of one has seen to it that it is a pipe and that nobody waits in it.
        let checked = |fd| pipe::Receiver::from_owned_fd(fd)?.into_nonblocking_fd();
        Ok(Self {
            printed: checked(printed)?,
            framed: checked(framed)?,
            extensions: extensions.map(pipe::Receiver::into_nonblocking_fd).transpose()?,
            turn: Mutex::default(),
        })
    }

    /// Takes everything printed so far into `log`. One look at all pipes when there is nothing.
    pub(crate) fn drain(&self, log: &LogStream) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drained = 0;
        while drained < DRAIN_BYTES_MAX {
            let mut has_more = false;
            for pipe in self.ready() {
                let read = |buffer: &mut [u8]| Ok(rustix::io::read(self.fd(pipe), buffer)?);
                let length = self.take(log, pipe, read).unwrap_or(0);
                has_more |= length == READ_BYTES;
                drained += length;
            }
            if !has_more {
                return;
            }
        }
    }

    /// Takes what is printed into `log` until all that could print have ended.
    pub(crate) async fn follow(&self, log: &LogStream) {
        let extensions = async {
            if self.extensions.is_some() {
                self.follow_one(log, Pipe::Extensions).await;
            }
        };
        tokio::join!(
            self.follow_one(log, Pipe::Printed),
            self.follow_one(log, Pipe::Framed),
            extensions,
        );
    }

    async fn follow_one(&self, log: &LogStream, pipe: Pipe) {
        // Nobody is told of a pipe that is not watched: a function that prints wakes no thread of the server.
        while let Ok(()) = self.watch(log, pipe).await {
            tokio::time::sleep(REST).await;
        }
    }

    /// Takes what comes, until that is little at once.
    async fn watch(&self, log: &LogStream, pipe: Pipe) -> io::Result<()> {
        let watched = self.fd(pipe).try_clone_to_owned()?;
        let watched = pipe::Receiver::from_owned_fd_unchecked(watched)?;
        loop {
            watched.readable().await?;
            let taken = {
                let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                self.take(log, pipe, |buffer| watched.try_read(buffer))
            };
            let length = match taken {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                // An invocation that ended took it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if length < READ_BYTES {
                // Nobody knows when there will be more, and somebody may be looking.
                log.flush();
            }
            if length < MUCH_BYTES {
                return Ok(());
            }
        }
    }

    /// Which pipes have something, seen with one call.
    fn ready(&self) -> impl Iterator<Item = Pipe> + use<> {
        let fd = |pipe| PollFd::from_borrowed_fd(self.fd(pipe), PollFlags::IN);
        let mut polled = [fd(Pipe::Printed), fd(Pipe::Framed), fd(Pipe::Extensions)];
        let count = if self.extensions.is_some() { 3 } else { 2 };
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let polled_ones = polled.get_mut(..count).unwrap_or_default();
        let is_any = poll(polled_ones, Some(&at_once)).is_ok_and(|ready| ready > 0);
        let ready = polled.map(|fd| is_any && fd.revents().contains(PollFlags::IN));
        let pipes = [Pipe::Printed, Pipe::Framed, Pipe::Extensions];
        pipes.into_iter().zip(ready).filter_map(|(pipe, is_ready)| is_ready.then_some(pipe))
    }

    fn fd(&self, pipe: Pipe) -> BorrowedFd<'_> {
        match (pipe, &self.extensions) {
            (Pipe::Extensions, Some(extensions)) => extensions.as_fd(),
            (Pipe::Framed, _) => self.framed.as_fd(),
            (Pipe::Printed | Pipe::Extensions, _) => self.printed.as_fd(),
        }
    }

    /// Reads once.
    fn take(
        &self,
        log: &LogStream,
        pipe: Pipe,
        read: impl Fn(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut buffer = [0; READ_BYTES];
        let length = read(&mut buffer)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        match pipe {
            Pipe::Printed => log.print(Source::Function, bytes),
            Pipe::Framed => log.print_framed(bytes),
            Pipe::Extensions => log.print(Source::Extension, bytes),
        }
        Ok(length)
    }
}
