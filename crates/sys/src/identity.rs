// SPDX-License-Identifier: Apache-2.0
//! Who a process is: user, groups, capabilities. All calls act on the calling thread; meant for processes that have one.

use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use std::io;

/// May this process do what only root may: mount, change its user, make network devices?
pub fn is_privileged() -> bool {
    let needed = CapabilitySet::SYS_ADMIN
        | CapabilitySet::SETUID
        | CapabilitySet::SETGID
        | CapabilitySet::SETPCAP
        | CapabilitySet::NET_ADMIN
        | CapabilitySet::KILL;
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// No program executed later gains anything from a set-user-id bit.
pub fn forbid_new_privileges() -> io::Result<()> {
    Ok(set_no_new_privs(true)?)
}

/// Empties the bounding and ambient sets: no later program can have a capability. Needs SETPCAP.
pub fn empty_bounding_set() -> io::Result<()> {
    clear_ambient_capability_set()?;
    for bit in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // The kernel knows no capability of this number, nor of a higher one.
            Err(rustix::io::Errno::INVAL) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Becomes `user` with the one group `group`. Needs SETUID and SETGID.
pub fn become_user(user: u32, group: u32) -> io::Result<()> {
    set_thread_groups(&[])?;
    let group = Gid::from_raw(group);
    set_thread_res_gid(group, group, group)?;
    let user = Uid::from_raw(user);
    set_thread_res_uid(user, user, user)?;
    Ok(())
}

/// Gives up every capability.
pub fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    Ok(set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?)
}
