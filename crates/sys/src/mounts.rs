// SPDX-License-Identifier: Apache-2.0
//! Mounts, mostly by descriptor: a tree is cloned, restricted while nobody sees it, and then attached.

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount,
    mount_change, mount_remount, move_mount, open_tree, unmount,
};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

/// May device files in a mounted tree be opened as devices?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    Allowed,
    Denied,
}

/// A clone of the mounts at and below `path`, attached nowhere.
pub fn clone_tree(path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path.as_ref(), flags)?)
}

/// As `clone_tree`, of the one mount at `path` without those below it.
pub fn clone_mount(path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(CWD, path.as_ref(), flags)?)
}

/// Makes a cloned tree read-only, without set-user-id programs, and without devices where they are denied.
pub fn restrict_tree(tree: impl AsFd, devices: Devices) -> io::Result<()> {
    let mut attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;
    if devices == Devices::Denied {
        attributes |= libc::MOUNT_ATTR_NODEV;
    }
    set_attributes(tree, c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, attributes)
}

/// Makes the one mount at `path` read-only.
pub fn make_read_only(path: &CStr) -> io::Result<()> {
    set_attributes(CWD, path, 0, libc::MOUNT_ATTR_RDONLY)
}

fn set_attributes(directory: impl AsFd, path: &CStr, flags: i32, set: u64) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: `path` is a C string, and `attributes` is a live mount_attr whose size is given; the kernel only reads both.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_fd().as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Attaches a cloned tree at `target`, and where that is a link, at what it leads to.
pub fn attach_at_end(tree: impl AsFd, target: impl rustix::path::Arg) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    Ok(move_mount(tree.as_fd(), c"", CWD, target, flags)?)
}

/// Attaches a cloned tree at `target`, be it a link.
pub fn attach(tree: impl AsFd, target: impl rustix::path::Arg) -> io::Result<()> {
    Ok(move_mount(tree.as_fd(), c"", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// Shows the file `source` in place of the file `target`.
pub fn cover(source: impl rustix::path::Arg, target: impl rustix::path::Arg) -> io::Result<()> {
    Ok(rustix::mount::mount_bind(source, target)?)
}

/// Mounts a new tmpfs without set-user-id programs. `options` as in `size=64k,mode=755`.
pub fn mount_tmpfs(
    target: impl rustix::path::Arg,
    devices: Devices,
    options: &CStr,
) -> io::Result<()> {
    Ok(mount(c"tmpfs", target, c"tmpfs", tmpfs_flags(devices), options)?)
}

/// Changes the options of a tmpfs that `mount_tmpfs` mounted.
pub fn change_tmpfs(
    target: impl rustix::path::Arg,
    devices: Devices,
    options: &CStr,
) -> io::Result<()> {
    Ok(mount_remount(target, tmpfs_flags(devices), options)?)
}

const fn tmpfs_flags(devices: Devices) -> MountFlags {
    match devices {
        Devices::Allowed => MountFlags::NOSUID,
        Devices::Denied => MountFlags::NOSUID.union(MountFlags::NODEV),
    }
}

/// Mounts the processes of this process's PID namespace, read-only.
pub fn mount_proc(target: impl rustix::path::Arg) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    Ok(mount(c"proc", target, c"proc", flags, c"")?)
}

/// From now on mounts made here are not seen in other mount namespaces, nor theirs here.
pub fn isolate() -> io::Result<()> {
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// From now on mounts made here are not seen in other mount namespaces, but theirs are seen here.
pub fn follow() -> io::Result<()> {
    Ok(mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?)
}

/// Makes the working directory, which must be a mount, the root, and forgets the old root.
pub fn make_root() -> io::Result<()> {
    rustix::process::pivot_root(".", ".")?;
    // The old root now lies over the new one; "." is the old one.
    unmount(".", UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}
