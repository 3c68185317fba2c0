// SPDX-License-Identifier: Apache-2.0
//! The system calls that a function does not have.

use rustix::io::Errno;
use sys::seccomp::{Filter, Rule, call};

/// Clone flags that make namespaces: mount, cgroup, uts, ipc, user, pid, network.
const NAMESPACE_FLAGS: u32 = 0x7e02_0000;

/// Pushes bytes into a terminal's input; the console's twin of it.
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;

const UNIX: u32 = 1;
const INET: u32 = 2;
const INET6: u32 = 10;
const NETLINK: u32 = 16;
const NETLINK_ROUTE: u32 = 0;

pub(crate) fn filter() -> Filter {
    let eperm = Errno::PERM.raw_os_error();
    let mut rules = vec![
        Rule::AnyBit { call: call::CLONE, argument: 0, bits: NAMESPACE_FLAGS, errno: eperm },
        // Its flags lie in memory, where a filter cannot look. Without it the C library uses clone.
        Rule::Always { call: call::CLONE3, errno: Errno::NOSYS.raw_os_error() },
        Rule::NoneOf {
            call: call::SOCKET,
            argument: 0,
            values: &[UNIX, INET, INET6, NETLINK],
            errno: Errno::AFNOSUPPORT.raw_os_error(),
        },
        Rule::Unless {
            call: call::SOCKET,
            argument: 0,
            value: NETLINK,
            other: 2,
            required: NETLINK_ROUTE,
            errno: Errno::PROTONOSUPPORT.raw_os_error(),
        },
        Rule::Equal { call: call::IOCTL, argument: 1, value: TIOCSTI, errno: eperm },
        Rule::Equal { call: call::IOCTL, argument: 1, value: TIOCLINUX, errno: eperm },
    ];
    rules.extend(call::DANGEROUS.iter().map(|call| Rule::Always { call: *call, errno: eperm }));
    Filter::compile(&rules)
}
