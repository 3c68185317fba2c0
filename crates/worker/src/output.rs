// SPDX-License-Identifier: Apache-2.0
//! The pipes from a sandbox to its log: what is printed, what the runtime writes in frames, what extensions print.
//!
//! They are read as they fill, and emptied when an invocation ends: what a function printed before it answered is in them when the
//! answer is.
//!
//! Invariant: each pipe has one reader at a time, so its order is kept.

use crate::logs::{LogStream, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use tokio::net::unix::pipe;

const READ_BYTES: usize = 16 * 1024;
/// A function that goes on printing does not hold up its answer: this is the most that a pipe can hold, unless root made it larger.
const DRAIN_BYTES_MAX: usize = 1 << 20;

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
    printed: pipe::Receiver,
    framed: pipe::Receiver,
    /// Of those with a process of their own.
    extensions: Option<pipe::Receiver>,
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
        Ok(Self {
            printed: pipe::Receiver::from_owned_fd(printed)?,
            framed: pipe::Receiver::from_owned_fd(framed)?,
            extensions,
            turn: Mutex::default(),
        })
    }

    /// Takes everything printed so far into `log`. One look at all pipes when there is nothing.
    pub(crate) fn drain(&self, log: &LogStream) {
        // Past tokio, which believes a pipe to be empty until it has been told otherwise.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drained = 0;
        while drained < DRAIN_BYTES_MAX {
            let mut has_more = false;
            for pipe in self.ready() {
                let length =
                    self.take(log, pipe, |pipe, buffer| Ok(rustix::io::read(pipe, buffer)?));
                let length = length.unwrap_or(0);
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
            if let Some(pipe) = &self.extensions {
                self.follow_one(log, pipe, Pipe::Extensions).await;
            }
        };
        tokio::join!(
            self.follow_one(log, &self.printed, Pipe::Printed),
            self.follow_one(log, &self.framed, Pipe::Framed),
            extensions,
        );
    }

    async fn follow_one(&self, log: &LogStream, receiver: &pipe::Receiver, pipe: Pipe) {
        while receiver.readable().await.is_ok() {
            let taken = {
                let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                self.take(log, pipe, pipe::Receiver::try_read)
            };
            match taken {
                // Nobody knows when there will be more, and somebody may be looking.
                Ok(1..READ_BYTES) => log.flush(),
                Ok(READ_BYTES..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Which pipes have something, seen with one call.
    fn ready(&self) -> impl Iterator<Item = Pipe> + use<> {
        let fd = |pipe| PollFd::new(pipe, PollFlags::IN);
        let extensions = self.extensions.as_ref().unwrap_or(&self.printed);
        let mut polled = [fd(&self.printed), fd(&self.framed), fd(extensions)];
        let count = if self.extensions.is_some() { 3 } else { 2 };
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let polled_ones = polled.get_mut(..count).unwrap_or_default();
        let is_any = poll(polled_ones, Some(&at_once)).is_ok_and(|ready| ready > 0);
        let ready = polled.map(|fd| is_any && fd.revents().contains(PollFlags::IN));
        let pipes = [Pipe::Printed, Pipe::Framed, Pipe::Extensions];
        pipes.into_iter().zip(ready).filter_map(|(pipe, is_ready)| is_ready.then_some(pipe))
    }

    /// Reads once.
    fn take(
        &self,
        log: &LogStream,
        pipe: Pipe,
        read: impl Fn(&pipe::Receiver, &mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let receiver = match (pipe, &self.extensions) {
            (Pipe::Extensions, Some(extensions)) => extensions,
            (Pipe::Framed, _) => &self.framed,
            (Pipe::Printed | Pipe::Extensions, _) => &self.printed,
        };
        let mut buffer = [0; READ_BYTES];
        let length = read(receiver, &mut buffer)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        match pipe {
            Pipe::Printed => log.print(Source::Function, bytes),
            Pipe::Framed => log.print_framed(bytes),
            Pipe::Extensions => log.print(Source::Extension, bytes),
        }
        Ok(length)
    }
}
