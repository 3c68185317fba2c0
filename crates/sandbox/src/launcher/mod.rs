// SPDX-License-Identifier: Apache-2.0
//! The launcher: a small process with one thread that builds sandboxes on request.
//!
//! The server is large and never forks; the launcher is small, so that a fork costs little. A sandbox comes about in two steps.
//! It is built, before anybody knows for which function: a first process in its namespaces and its cgroup, without a privilege,
//! behind the system call filter (`init`). Then, on request, the launcher mounts a function's directories into it from outside
//! and hands the request on to the first process, which has nothing left to do but to execute the program.
//!
//! For each sandbox the server makes a socket pair and sends one end along when it asks for one to be built. On it the server is
//! told what becomes of the sandbox; and when the server closes its end, by dropping the sandbox or by dying, the sandbox is
//! killed and all that it used is given back. No request to stop exists, so none can be lost.
//!
//! Invariants:
//! - one thread, no async runtime;
//! - a request's bytes are wiped before the next is read;
//! - a slot (and with it a user number) is free only when no process of its sandbox is left.

mod firewall;
mod init;
mod libraries;
pub(crate) mod network;
mod refused;
mod roots;
mod sandboxes;
mod setup;
mod snapshots;
mod stay;
mod subnet;
mod survey;
mod template;

use crate::greeting;
use crate::greeting::Answer;
use crate::request;
use rustix::event::epoll;
use sandboxes::{Sandboxes, Token};
use std::io;
use std::os::fd::{IntoRawFd as _, OwnedFd};
use std::process::ExitCode;
use sys::descriptors::{self, Wait};
use sys::process::SingleThread;

/// The user that a function is inside a user namespace, as on AWS.
const USER_INSIDE: u32 = 1051;

/// How long the launcher waits before it tries again to remove what is still in use.
const RETRY_MS: i64 = 10;

/// The body of the hidden subcommand `launcher`.
///
/// Expects the socket to the server as standard input. Returns when the server has gone and everything is cleaned up.
pub fn launcher_main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run() -> io::Result<()> {
    let single = SingleThread::prove()?
        .ok_or_else(|| io::Error::other("the launcher must be started with one thread"))?;
    let server = take_socket()?;
    let _ = rustix::thread::set_name(c"tb-launcher");
    sys::process::raise_open_files_limit()?;
    // What functions have on AWS, and what the template's files need to be readable.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));

    let mut buffer = vec![0; greeting::LENGTH_MAX];
    let (length, _) = descriptors::receive(&server, &mut buffer, Wait::UntilReady)?;
    let hello = serde_json::from_slice(buffer.get(..length).unwrap_or_default())?;
    let ready = match setup::set_up(single, &hello) {
        Ok(ready) => ready,
        Err(answer) => return say(&server, &answer),
    };
    say(&server, &ready.answer)?;
    // Of what has set it up nothing is needed again. Memory that stays where it is does no harm.
    let _ = sys::program::let_go();
    match ready.sandboxes {
        Some(mut sandboxes) => {
            let served = serve(&server, &mut sandboxes);
            // Whatever the end was: nothing stays behind.
            sandboxes.close().and(served)
        }
        None => Ok(()),
    }
}

/// Takes the socket from standard input, and leaves nothing that a sandbox could inherit in numbers 0 to 3.
fn take_socket() -> io::Result<OwnedFd> {
    let server = descriptors::duplicate(io::stdin())?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    descriptors::put_at(&null, 0)?;
    descriptors::put_at(&null, 1)?;
    // It may have been number 3 itself.
    drop(null);
    // Number 3 stays taken as long as the launcher lives; a sandbox's first process puts its own socket there.
    let _ = descriptors::move_to(&server, 3)?.into_raw_fd();
    Ok(server)
}

fn say(server: &OwnedFd, answer: &Answer) -> io::Result<()> {
    descriptors::send(server, &serde_json::to_vec(answer)?, &[])
}

/// Builds sandboxes until the server is gone.
fn serve(server: &OwnedFd, sandboxes: &mut Sandboxes) -> io::Result<()> {
    // With the byte that says what it is for.
    let mut buffer = vec![0; 1 + request::LENGTH_MAX];
    let mut events = Vec::with_capacity(64);
    epoll::add(sandboxes.epoll(), server, Token::Server.into(), epoll::EventFlags::IN)?;
    loop {
        let timeout = sandboxes.next_chore_ms().map(|ms| rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(u8::try_from(ms).unwrap_or(u8::MAX)) * 1_000_000,
        });
        events.clear();
        match epoll::wait(
            sandboxes.epoll(),
            rustix::buffer::spare_capacity(&mut events),
            timeout.as_ref(),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        if events.is_empty() {
            sandboxes.do_chore();
        }
        sandboxes.keep_up();
        for event in &events {
            match Token::from(event.data) {
                Token::Server => {
                    if !accept(server, &mut buffer, sandboxes)? {
                        return Ok(());
                    }
                }
                Token::Dropped(slot) => sandboxes.dropped(slot),
                Token::Gone(slot) => sandboxes.gone(slot),
                Token::Prepared(slot) => sandboxes.prepared(slot),
            }
        }
    }
}

/// Takes one request. `false` when the server is gone.
fn accept(server: &OwnedFd, buffer: &mut [u8], sandboxes: &mut Sandboxes) -> io::Result<bool> {
    let (length, mut passed) = match descriptors::receive(server, buffer, Wait::Never) {
        Ok(received) => received,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
        Err(error) => return Err(error),
    };
    if length == 0 {
        return Ok(false);
    }
    let kind = buffer.get(..1).unwrap_or_default();
    match (passed.pop(), passed.pop(), buffer.get(..length)) {
        (Some(namespace), Some(reply), Some(request::OUTLET)) => {
            network::open_in(sandboxes.single(), &namespace, &reply, network::outlet);
        }
        (Some(namespace), Some(reply), Some(request::DAEMON)) => {
            network::open_in(sandboxes.single(), &namespace, &reply, network::daemon);
        }
        (Some(file), Some(reply), Some([_, asked @ ..])) if kind == request::TAKE => {
            sandboxes.take_snapshot(asked, &file, &reply);
        }
        (Some(file), Some(reply), Some([_, asked @ ..])) if kind == request::RESTORE => {
            sandboxes.restore(asked, &file, &reply);
        }
        // Only a sandbox to be comes with the socket for its news.
        (Some(news), None, Some([_, root @ ..])) => sandboxes.build(news, root)?,
        (None, None, Some(bytes)) => sandboxes.serve(bytes),
        _ => {}
    }
    if let Some(bytes) = buffer.get_mut(..length) {
        bytes.fill(0);
    }
    Ok(true)
}
