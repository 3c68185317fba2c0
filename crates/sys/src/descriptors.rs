// SPDX-License-Identifier: Apache-2.0
//! File descriptors: pairs, passing them to another process, closing what a child must not inherit.
//!
//! Every descriptor made here is close-on-exec.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// The most descriptors in one message.
pub const PASSED_MAX: usize = 16;

/// Two ends of a connection that keeps the borders of messages and tells each end when the other is closed.
pub fn message_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// The read end and the write end of a pipe.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

pub fn set_nonblocking(descriptor: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(descriptor, true)?)
}

/// A second descriptor for the same thing, numbered 4 or more: below are the standard streams, and one that `move_to` may take.
pub fn duplicate(descriptor: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(descriptor, 4)?)
}

/// Sends one message, with at most `PASSED_MAX` descriptors.
pub fn send(socket: impl AsFd, bytes: &[u8], passed: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PASSED_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !passed.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(passed)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    loop {
        match sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Receives one message into `buffer`: its length, and the descriptors that came with it. A length of zero is the end.
pub fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    flags: Wait,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(PASSED_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = match flags {
        Wait::UntilReady => RecvFlags::CMSG_CLOEXEC,
        Wait::Never => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    };
    let message = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, flags) {
            Ok(message) => break message,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    };
    let mut passed = Vec::new();
    for item in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = item {
            passed.extend(descriptors);
        }
    }
    Ok((message.bytes, passed))
}

/// Should a call wait until there is something to do?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    UntilReady,
    Never,
}

/// Makes `descriptor` the one numbered `number`, which a program executed later inherits.
///
/// For a process between fork and exec: whatever Rust value owned that number now owns something else.
pub fn put_at(descriptor: impl AsFd, number: i32) -> io::Result<()> {
    // SAFETY: dup2 and fcntl take plain numbers. Where the target number is open it is replaced atomically; the only callers are
    // children that own every one of their descriptors and are about to execute a program.
    if descriptor.as_fd().as_raw_fd() == number {
        // SAFETY: as above; dup2 onto itself would leave the close-on-exec flag set.
        return check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: as above.
    check(unsafe { libc::dup2(descriptor.as_fd().as_raw_fd(), number) }).map(drop)
}

/// Makes `descriptor` the one numbered `number`, which a program executed later does not inherit.
///
/// For a process between fork and exec, as `put_at`.
pub fn move_to(descriptor: impl AsFd, number: i32) -> io::Result<OwnedFd> {
    let from = descriptor.as_fd().as_raw_fd();
    if from == number {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: dup3 takes plain numbers; see `put_at` for what it may replace.
    check(unsafe { libc::dup3(from, number, libc::O_CLOEXEC) })?;
    // SAFETY: the line above has just made this descriptor, and no other value owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor from `first` on.
///
/// For a process between fork and exec, which drops no Rust value that owns one of them.
pub fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: close_range takes three plain numbers. Values that own these descriptors are not used again: the only caller is a child
    // that ends in exec or _exit.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(crate) fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_message_carries_descriptors() {
        let (ours, theirs) = message_pair().unwrap();
        let (read, write) = pipe().unwrap();
        send(&ours, b"hello", &[write.as_fd()]).unwrap();
        drop(write);

        let mut buffer = [0; 16];
        let (length, mut passed) = receive(&theirs, &mut buffer, Wait::UntilReady).unwrap();
        assert_eq!(&buffer[..length], b"hello");
        let mut write = std::fs::File::from(passed.remove(0));
        write.write_all(b"through").unwrap();
        drop(write);

        let mut text = String::new();
        std::fs::File::from(read).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn a_closed_end_is_a_message_of_no_length() {
        let (ours, theirs) = message_pair().unwrap();
        drop(ours);
        let (length, passed) = receive(&theirs, &mut [0; 4], Wait::UntilReady).unwrap();
        assert_eq!((length, passed.len()), (0, 0));
    }

    #[test]
    fn receiving_without_waiting_says_so() {
        let (_ours, theirs) = message_pair().unwrap();
        let error = receive(&theirs, &mut [0; 4], Wait::Never).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
