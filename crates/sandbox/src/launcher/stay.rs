// SPDX-License-Identifier: Apache-2.0
//! The first process of a sandbox once the runtime runs: it reaps, tells how the runtime ended, and takes orders.
//!
//! When the runtime has ended, whatever it left running is killed. The sandbox itself stays: with its `/tmp`, its network and
//! its limits, and the program can be started in it again. It goes when the server closes its end of the socket.
//!
//! Invariants:
//! - a program is started only in a sandbox in which nothing else runs;
//! - nothing here has a privilege: a function gains nothing by what it does to this process.

use crate::Step;
use crate::launcher::init::Voice;
use crate::news::News;
use crate::order::Order;
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::os::fd::OwnedFd;
use sys::descriptors::{self, Wait};
use sys::{children, process};

/// Where the code of functions is mounted.
const TASK: &str = "/var/task";

/// Serves until the server is gone, or until there is nothing more to serve.
pub(super) fn stay(
    voice: &Voice,
    mut runtime: i32,
    start: impl Fn() -> io::Result<i32>,
) -> io::Result<()> {
    let ends = children::watch()?;
    loop {
        let status = watch(voice, &ends, runtime)?;
        voice.tell(&News::Exited { status });
        // Without a PID namespace of its own this is not the first process, and the end of the runtime is the end.
        children::kill_all_others()?;
        while process::wait_any()?.is_some() {}
        voice.tell(&News::Emptied);
        while receive(voice)? != Some(Order::Start) {}
        runtime = match start() {
            Ok(runtime) => runtime,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(0);
                voice.tell(&News::Failed { step: Step::Execute, index: 0, errno });
                return Ok(());
            }
        };
        voice.tell(&News::Started);
    }
}

/// Waits until the runtime has ended: its raw wait status.
fn watch(voice: &Voice, ends: &OwnedFd, runtime: i32) -> io::Result<i32> {
    loop {
        // First: what ended before anybody watched is told by nothing else.
        while let Some((pid, status)) = children::reap()? {
            if pid == runtime {
                return Ok(status);
            }
        }
        let orders = voice.socket();
        let mut polled = [PollFd::new(ends, PollFlags::IN), PollFd::new(&orders, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let has_orders = !polled.last().is_none_or(|polled| polled.revents().is_empty());
        children::look(ends)?;
        if has_orders {
            match receive(voice)? {
                // The runtime is reaped before its number is free again, so this is the right one or none.
                Some(Order::Terminate) => drop(children::terminate(runtime)),
                Some(Order::Empty) => children::kill_all_others()?,
                // The runtime was started to share this process's directory. It looks whether it has been moved.
                Some(Order::EnterTask) => drop(rustix::process::chdir(TASK)),
                Some(Order::Start) | None => {}
            }
        }
    }
}

/// The next order. Fails when the server is gone.
fn receive(voice: &Voice) -> io::Result<Option<Order>> {
    let mut buffer = [0; 8];
    let (length, _) = descriptors::receive(voice.socket(), &mut buffer, Wait::UntilReady)?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Order::decode(buffer.get(..length).unwrap_or_default()))
}
