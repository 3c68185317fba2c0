// SPDX-License-Identifier: Apache-2.0
//! Namespaces: leaving one for a new one, and entering one by its descriptor.

use crate::process::SingleThread;
use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The kinds that are entered or made one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    Mount,
    Network,
    Cgroup,
    User,
}

/// Puts this process into a new namespace. The token says that no other thread is left behind in the old one.
pub fn unshare(_: &SingleThread, namespace: Namespace) -> io::Result<()> {
    let flags = match namespace {
        Namespace::Mount => UnshareFlags::NEWNS,
        Namespace::Network => UnshareFlags::NEWNET,
        Namespace::Cgroup => UnshareFlags::NEWCGROUP,
        Namespace::User => UnshareFlags::NEWUSER,
    };
    // SAFETY: only CLONE_FILES can break Rust's rules, by giving threads different descriptor tables; it is not among the flags,
    // and there is one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Moves this process into the namespace behind `descriptor`.
pub fn enter(_: &SingleThread, descriptor: impl AsFd, namespace: Namespace) -> io::Result<()> {
    let kind = match namespace {
        Namespace::Mount => LinkNameSpaceType::Mount,
        Namespace::Network => LinkNameSpaceType::Network,
        Namespace::Cgroup => LinkNameSpaceType::ControlGroup,
        Namespace::User => LinkNameSpaceType::User,
    };
    Ok(move_into_link_name_space(descriptor.as_fd(), Some(kind))?)
}

/// A descriptor of the namespace that this process is in.
pub fn current(namespace: Namespace) -> io::Result<OwnedFd> {
    let name = match namespace {
        Namespace::Mount => "mnt",
        Namespace::Network => "net",
        Namespace::Cgroup => "cgroup",
        Namespace::User => "user",
    };
    Ok(File::open(format!("/proc/self/ns/{name}"))?.into())
}

/// Maps user `inside` of a new user namespace, and the group of the same number, to the user and group that this process
/// was before it made the namespace. No other user exists inside.
pub fn map_user(inside: u32, user_outside: u32, group_outside: u32) -> io::Result<()> {
    let myself = open_myself()?;
    map_user_at(&myself, inside, user_outside, group_outside)
}

/// Whether this kernel counts the processes of a user in each user namespace alone: Linux 5.14 and later do.
pub fn count_processes() -> bool {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(5), Some(14))
}

/// The directory of this process under `/proc`: to be opened while the `/proc` that is seen can be written to.
pub fn open_myself() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/proc/self", flags, Mode::empty())?)
}

/// As `map_user`, by way of a directory that was opened before.
pub fn map_user_at(
    myself: &OwnedFd,
    inside: u32,
    user_outside: u32,
    group_outside: u32,
) -> io::Result<()> {
    let write = |name: &str, text: String| -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(myself, name, flags, Mode::empty())?;
        // One write: the kernel takes a map whole or not at all.
        rustix::io::write(&file, text.as_bytes())?;
        Ok(())
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{inside} {user_outside} 1"))?;
    write("gid_map", format!("{inside} {group_outside} 1"))
}
