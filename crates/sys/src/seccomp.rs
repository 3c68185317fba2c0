// SPDX-License-Identifier: Apache-2.0
//! A system call filter: a list of what is refused, compiled to the kernel's small machine.
//!
//! The filter refuses; it does not list what is allowed, so that a function runs whatever an ordinary program may. What
//! is refused is what no function needs and what has been the way into kernels: other namespaces, other processes'
//! memory, modules, tracing, rarely used socket families.
//!
//! Invariants:
//! - a call of another architecture (32-bit on a 64-bit machine) kills the process;
//! - jumps are only ever over one instruction, so no list can grow too long for them.

use std::io;

/// One condition under which a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The call, with any arguments.
    Always { call: i64, errno: i32 },
    /// The call, when its argument has any of the bits.
    AnyBit { call: i64, argument: u8, bits: u32, errno: i32 },
    /// The call, when the low half of its argument is the value.
    Equal { call: i64, argument: u8, value: u32, errno: i32 },
    /// The call, when the low half of its argument is none of the values.
    NoneOf { call: i64, argument: u8, values: &'static [u32], errno: i32 },
    /// The call, when one argument is `value` and another is not `required`.
    Unless { call: i64, argument: u8, value: u32, other: u8, required: u32, errno: i32 },
}

/// A compiled filter.
#[derive(Clone)]
pub struct Filter(Vec<libc::sock_filter>);

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} instructions)", self.0.len())
    }
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Calls of the x32 interface have this bit in their number.
#[cfg(target_arch = "x86_64")]
const X32_BIT: u32 = 0x4000_0000;

const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
#[cfg(target_arch = "x86_64")]
const IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

impl Filter {
    /// Compiles `rules`. A call that none of them refuses is allowed.
    pub fn compile(rules: &[Rule]) -> Self {
        let mut this = Self(Vec::new());
        this.load(OFFSET_ARCHITECTURE);
        this.test(IF_EQUAL, ARCHITECTURE, 1, 0);
        this.push(RETURN, libc::SECCOMP_RET_KILL_PROCESS, 0, 0);
        this.load(OFFSET_NUMBER);
        #[cfg(target_arch = "x86_64")]
        {
            this.test(IF_AT_LEAST, X32_BIT, 0, 1);
            this.refuse(libc::ENOSYS);
        }
        for rule in rules {
            this.rule(*rule);
        }
        this.push(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0);
        this
    }

    fn rule(&mut self, rule: Rule) {
        match rule {
            Rule::Always { call, errno } => {
                self.test(IF_EQUAL, number(call), 0, 1);
                self.refuse(errno);
            }
            Rule::AnyBit { call, argument, bits, errno } => {
                self.test(IF_EQUAL, number(call), 0, 4);
                self.load_argument(argument);
                self.test(IF_ANY_BIT, bits, 0, 1);
                self.refuse(errno);
                self.load(OFFSET_NUMBER);
            }
            Rule::Equal { call, argument, value, errno } => {
                self.test(IF_EQUAL, number(call), 0, 4);
                self.load_argument(argument);
                self.test(IF_EQUAL, value, 0, 1);
                self.refuse(errno);
                self.load(OFFSET_NUMBER);
            }
            Rule::NoneOf { call, argument, values, errno } => {
                let count = u8::try_from(values.len()).expect("a rule lists a handful of values");
                self.test(IF_EQUAL, number(call), 0, count + 3);
                self.load_argument(argument);
                for (index, value) in (0..).zip(values) {
                    // Over the tests that remain and the refusal.
                    self.test(IF_EQUAL, *value, count - index, 0);
                }
                self.refuse(errno);
                self.load(OFFSET_NUMBER);
            }
            Rule::Unless { call, argument, value, other, required, errno } => {
                self.test(IF_EQUAL, number(call), 0, 6);
                self.load_argument(argument);
                self.test(IF_EQUAL, value, 0, 3);
                self.load_argument(other);
                self.test(IF_EQUAL, required, 1, 0);
                self.refuse(errno);
                self.load(OFFSET_NUMBER);
            }
        }
    }

    fn load(&mut self, offset: u32) {
        self.push(LOAD, offset, 0, 0);
    }

    /// The low half of an argument. Both architectures are little-endian.
    fn load_argument(&mut self, argument: u8) {
        self.load(OFFSET_ARGUMENTS + 8 * u32::from(argument));
    }

    fn refuse(&mut self, errno: i32) {
        self.push(RETURN, libc::SECCOMP_RET_ERRNO | errno.cast_unsigned(), 0, 0);
    }

    /// Skips `then` instructions if the test holds, or else `otherwise`.
    fn test(&mut self, code: u32, value: u32, then: u8, otherwise: u8) {
        self.push(code, value, then, otherwise);
    }

    fn push(&mut self, code: u32, k: u32, jt: u8, jf: u8) {
        let code = u16::try_from(code).expect("an instruction code has 16 bits");
        self.0.push(libc::sock_filter { code, jt, jf, k });
    }

    /// Puts this process, and all it will ever start, under the filter. Needs `forbid_new_privileges` first.
    pub fn install(&self) -> io::Result<()> {
        let len = u16::try_from(self.0.len()).map_err(io::Error::other)?;
        let program = libc::sock_fprog { len, filter: self.0.as_ptr().cast_mut() };
        // SAFETY: `program` points to `len` live instructions, which the kernel copies and checks.
        let result = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// System calls by name.
pub mod call {
    pub const CLONE: i64 = libc::SYS_clone;
    pub const CLONE3: i64 = libc::SYS_clone3;
    pub const SOCKET: i64 = libc::SYS_socket;
    pub const IOCTL: i64 = libc::SYS_ioctl;

    /// What no function needs, and what the ways out of sandboxes have begun with: mounts and namespaces, the memory of other
    /// processes, kernel code and tracing, keys, files by handle, the machine's clock, name and power.
    pub const DANGEROUS: &[i64] = &[
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_mount_setattr,
        // open_tree_attr, the same number everywhere, not in libc.
        467,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_userfaultfd,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_fanotify_init,
        libc::SYS_lookup_dcookie,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        libc::SYS_syslog,
        libc::SYS_vhangup,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_clock_settime,
        libc::SYS_clock_adjtime,
        libc::SYS_settimeofday,
        libc::SYS_adjtimex,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_move_pages,
        libc::SYS_migrate_pages,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_iopl,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_ioperm,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_modify_ldt,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_uselib,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_ustat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_sysfs,
    ];
}

fn number(call: i64) -> u32 {
    u32::try_from(call).expect("a system call number has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel would: the call's number, architecture and arguments in, the verdict out.
    fn run(filter: &Filter, architecture: u32, call: i64, arguments: [u64; 6]) -> u32 {
        let mut at = 0;
        let mut accumulator = 0;
        loop {
            let instruction = &filter.0[at];
            at += 1;
            let jump =
                |holds: bool| usize::from(if holds { instruction.jt } else { instruction.jf });
            match u32::from(instruction.code) {
                LOAD => {
                    accumulator = match instruction.k {
                        OFFSET_NUMBER => u32::try_from(call).unwrap(),
                        OFFSET_ARCHITECTURE => architecture,
                        offset => {
                            let index = usize::try_from((offset - OFFSET_ARGUMENTS) / 8).unwrap();
                            u32::try_from(arguments[index] & 0xffff_ffff).unwrap()
                        }
                    }
                }
                IF_EQUAL => at += jump(accumulator == instruction.k),
                IF_ANY_BIT => at += jump(accumulator & instruction.k != 0),
                RETURN => return instruction.k,
                code if code == (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) => {
                    at += jump(accumulator >= instruction.k)
                }
                code => panic!("no instruction has code {code:#x}"),
            }
        }
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    fn refusal(errno: i32) -> u32 {
        libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()
    }

    fn filter() -> Filter {
        Filter::compile(&[
            Rule::AnyBit { call: 10, argument: 0, bits: 0x30, errno: 1 },
            Rule::Equal { call: 11, argument: 1, value: 7, errno: 2 },
            Rule::NoneOf { call: 12, argument: 0, values: &[1, 2, 16], errno: 3 },
            Rule::Unless { call: 12, argument: 0, value: 16, other: 2, required: 0, errno: 4 },
            Rule::Always { call: 13, errno: 5 },
        ])
    }

    #[test]
    fn each_rule_refuses_what_it_names_and_nothing_else() {
        let run = |call, arguments| run(&filter(), ARCHITECTURE, call, arguments);
        assert_eq!(run(9, [0x30; 6]), ALLOW);
        assert_eq!(run(10, [0x0f, 0x30, 0, 0, 0, 0]), ALLOW);
        assert_eq!(run(10, [0x10, 0, 0, 0, 0, 0]), refusal(1));
        assert_eq!(run(11, [7, 8, 0, 0, 0, 0]), ALLOW);
        assert_eq!(run(11, [0, 7, 0, 0, 0, 0]), refusal(2));
        assert_eq!(
            run(11, [0, 0x1_0000_0007, 0, 0, 0, 0]),
            refusal(2),
            "the kernel looks at the low half too"
        );
        for family in [1, 2] {
            assert_eq!(run(12, [family, 0, 99, 0, 0, 0]), ALLOW);
        }
        for family in [0, 3, 17, 40] {
            assert_eq!(run(12, [family, 0, 0, 0, 0, 0]), refusal(3));
        }
        assert_eq!(run(12, [16, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(run(12, [16, 0, 9, 0, 0, 0]), refusal(4));
        assert_eq!(run(13, [0; 6]), refusal(5));
    }

    #[test]
    fn another_architecture_kills() {
        assert_eq!(run(&filter(), 0x4000_0003, 9, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_x32_interface_does_not_exist() {
        assert_eq!(run(&filter(), ARCHITECTURE, 0x4000_0000 | 9, [0; 6]), refusal(libc::ENOSYS));
    }
}
