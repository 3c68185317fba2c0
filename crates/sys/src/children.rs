// SPDX-License-Identifier: Apache-2.0
//! What the first process of a sandbox does for the others: it is told of their ends, reaps them, and ends them all.

use crate::descriptors::check;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd};

/// A descriptor that is readable while the end of a child has not been looked at.
///
/// From now on this process is told of such ends in no other way: the signal is blocked. Programs that it starts have it
/// unblocked (`process::spawn`).
pub fn watch() -> io::Result<OwnedFd> {
    // SAFETY: a signal set is plain numbers.
    let mut signals: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `signals` is live.
    check(unsafe { libc::sigemptyset(&raw mut signals) })?;
    // SAFETY: `signals` is live and initialized.
    check(unsafe { libc::sigaddset(&raw mut signals, libc::SIGCHLD) })?;
    // SAFETY: `signals` is live and initialized; the mask before is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut()) })?;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: `signals` is live and initialized; -1 asks for a new descriptor.
    let descriptor = check(unsafe { libc::signalfd(-1, &raw const signals, flags) })?;
    // SAFETY: the line above has just made this descriptor, and no other value owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Looks at what `watch` has to tell: it is not readable again before another child has ended.
pub fn look(watched: impl AsFd) -> io::Result<()> {
    let mut told = [0; 8 * size_of::<libc::signalfd_siginfo>()];
    loop {
        match rustix::io::read(&watched, &mut told) {
            Ok(1..) | Err(Errno::INTR) => {}
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Reaps one child that has ended: its number and its raw wait status. `None` when none has.
pub fn reap() -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    // SAFETY: `status` is a live integer that the kernel writes.
    match check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) }) {
        Ok(0) => Ok(None),
        Ok(pid) => Ok(Some((pid, status))),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Kills every process that this one may signal, but for itself. To be called only by the first process of a PID namespace,
/// which sees no others than those of its sandbox.
pub fn kill_all_others() -> io::Result<()> {
    if !rustix::process::getpid().is_init() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // SAFETY: kill takes plain numbers. -1 leaves out the caller.
    match check(unsafe { libc::kill(-1, libc::SIGKILL) }) {
        Ok(_) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks a child to end.
pub fn terminate(pid: i32) -> io::Result<()> {
    // SAFETY: kill takes plain numbers.
    check(unsafe { libc::kill(pid, libc::SIGTERM) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Ending, spawn};
    use rustix::event::{PollFd, PollFlags, poll};

    #[test]
    fn the_end_of_a_child_is_told_once() {
        // In a thread of its own: the signal is blocked in it alone, and so are those that other tests wait for.
        let told = std::thread::spawn(|| {
            let watched = watch().unwrap();
            let pid = spawn(c"/bin/sh", &[c"sh", c"-c", c"exec tail -f /dev/null"], &[]).unwrap();
            terminate(pid).unwrap();
            let mut status = 0;
            // SAFETY: `status` is a live integer; the child is ours.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            look(&watched).unwrap();
            let mut polled = [PollFd::new(&watched, PollFlags::IN)];
            let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
            let is_readable = poll(&mut polled, Some(&now)).unwrap() > 0;
            (Ending::from_wait_status(status), is_readable)
        });
        assert_eq!(told.join().unwrap(), (Ending::Signal(15), false));
    }

    #[test]
    fn only_the_first_process_may_kill_all_others() {
        assert!(kill_all_others().is_err());
    }
}
