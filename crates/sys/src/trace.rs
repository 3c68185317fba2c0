// SPDX-License-Identifier: Apache-2.0
//! Tracing: looking into a stopped thread of another process, and having it make system calls.
//!
//! The thread that seizes another is its tracer: it alone may ask for more. What is traced dies with its tracer, unless it was let go
//! before.

use crate::descriptors::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

/// Whether registers are known here by their names.
pub const IS_SUPPORTED: bool = cfg!(target_arch = "x86_64");

/// The most that a processor keeps of a thread beside its general registers.
const EXTENDED_BYTES_MAX: usize = 32 << 10;

/// Notes of registers, as the kernel numbers them.
const GENERAL: usize = 1;
const EXTENDED: usize = 0x202;

const PTRACE_GETSIGMASK: libc::c_uint = 0x420a;
const PTRACE_SETSIGMASK: libc::c_uint = 0x420b;
const PTRACE_GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;

/// The general registers of a thread, in the order in which this architecture's kernel has them.
pub type Registers = [u64; 27];

/// Where some are among `Registers`, on the one architecture that is supported.
pub mod register {
    pub const R12: usize = 3;
    pub const RBX: usize = 5;
    pub const R10: usize = 7;
    pub const R9: usize = 8;
    pub const R8: usize = 9;
    pub const RAX: usize = 10;
    pub const RDX: usize = 12;
    pub const RSI: usize = 13;
    pub const RDI: usize = 14;
    /// The system call that the thread is in, or -1.
    pub const ORIG_RAX: usize = 15;
    pub const RIP: usize = 16;
}

/// System calls by their numbers, for a process that is made to make them.
pub mod call {
    pub const CHDIR: i64 = libc::SYS_chdir;
    pub const CLONE: i64 = libc::SYS_clone;
    pub const CLOSE: i64 = libc::SYS_close;
    pub const CONNECT: i64 = libc::SYS_connect;
    pub const DUP3: i64 = libc::SYS_dup3;
    pub const EPOLL_CREATE1: i64 = libc::SYS_epoll_create1;
    pub const EPOLL_CTL: i64 = libc::SYS_epoll_ctl;
    pub const EVENTFD2: i64 = libc::SYS_eventfd2;
    pub const EXIT: i64 = libc::SYS_exit;
    pub const FCNTL: i64 = libc::SYS_fcntl;
    pub const LSEEK: i64 = libc::SYS_lseek;
    pub const MADVISE: i64 = libc::SYS_madvise;
    pub const MMAP: i64 = libc::SYS_mmap;
    pub const MREMAP: i64 = libc::SYS_mremap;
    pub const MUNMAP: i64 = libc::SYS_munmap;
    pub const OPENAT: i64 = libc::SYS_openat;
    pub const PIPE2: i64 = libc::SYS_pipe2;
    pub const BRK: i64 = libc::SYS_brk;
    pub const PRCTL: i64 = libc::SYS_prctl;
    pub const RSEQ: i64 = libc::SYS_rseq;
    pub const RT_SIGACTION: i64 = libc::SYS_rt_sigaction;
    pub const SETSOCKOPT: i64 = libc::SYS_setsockopt;
    pub const SET_ROBUST_LIST: i64 = libc::SYS_set_robust_list;
    pub const SET_TID_ADDRESS: i64 = libc::SYS_set_tid_address;
    pub const SIGALTSTACK: i64 = libc::SYS_sigaltstack;
    pub const SOCKET: i64 = libc::SYS_socket;
    pub const SOCKETPAIR: i64 = libc::SYS_socketpair;
    pub const UMASK: i64 = libc::SYS_umask;
}

/// Why a traced thread stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is about to get this signal.
    Signal(i32),
    /// It has executed another program.
    Executed,
    /// It has made another thread, which is traced too.
    Cloned,
    /// It was asked to, or it has just been made.
    Asked,
    /// Something else that tracers are told.
    Other,
}

/// A restartable sequence's place, as the C library has told the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Sequence {
    pub pointer: u64,
    pub size: u32,
    pub signature: u32,
    pub flags: u32,
    padding: u32,
}

/// A thread that this one traces.
#[derive(Debug)]
pub struct Tracee(libc::pid_t);

impl Tracee {
    /// Begins to trace, without stopping anything.
    pub fn seize(thread: i32) -> io::Result<Self> {
        let options =
            libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
        let tracee = Self(thread);
        tracee.ask(libc::PTRACE_SEIZE, 0, usize::try_from(options).unwrap_or_default())?;
        Ok(tracee)
    }

    pub fn number(&self) -> i32 {
        self.0
    }

    /// Asks it to stop, wherever it is.
    pub fn interrupt(&self) -> io::Result<()> {
        self.ask(libc::PTRACE_INTERRUPT, 0, 0)
    }

    /// Waits until it stands still. An end is an error.
    pub fn wait(&self) -> io::Result<Stop> {
        let mut status = 0;
        loop {
            // SAFETY: `status` is a live integer that the kernel writes.
            match check(unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) }) {
                Ok(_) => break,
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        if !libc::WIFSTOPPED(status) {
            return Err(io::Error::other("the traced thread has ended"));
        }
        Ok(match status >> 16 {
            0 => Stop::Signal(libc::WSTOPSIG(status)),
            libc::PTRACE_EVENT_EXEC => Stop::Executed,
            libc::PTRACE_EVENT_CLONE => Stop::Cloned,
            libc::PTRACE_EVENT_STOP => Stop::Asked,
            _ => Stop::Other,
        })
    }

    /// The thread that it has just made.
    pub fn cloned(&self) -> io::Result<Self> {
        let mut number: libc::c_ulong = 0;
        self.ask(libc::PTRACE_GETEVENTMSG, 0, (&raw mut number).addr())?;
        Ok(Self(libc::pid_t::try_from(number).map_err(io::Error::other)?))
    }

    /// Lets it go on, traced as before.
    pub fn resume(&self) -> io::Result<()> {
        self.ask(libc::PTRACE_CONT, 0, 0)
    }

    /// Lets it go on for one instruction.
    pub fn step(&self) -> io::Result<()> {
        self.ask(libc::PTRACE_SINGLESTEP, 0, 0)
    }

    /// Lets it go on, and traces it no more.
    pub fn let_go(&self) -> io::Result<()> {
        self.ask(libc::PTRACE_DETACH, 0, 0)
    }

    pub fn registers(&self) -> io::Result<Registers> {
        let mut registers = [0; 27];
        let mut place = libc::iovec {
            iov_base: registers.as_mut_ptr().cast(),
            iov_len: size_of::<Registers>(),
        };
        self.ask(libc::PTRACE_GETREGSET, GENERAL, (&raw mut place).addr())?;
        Ok(registers)
    }

    pub fn set_registers(&self, registers: &Registers) -> io::Result<()> {
        let mut place = libc::iovec {
            iov_base: registers.as_ptr().cast_mut().cast(),
            iov_len: size_of::<Registers>(),
        };
        self.ask(libc::PTRACE_SETREGSET, GENERAL, (&raw mut place).addr())
    }

    /// What the processor keeps of it beside its general registers.
    pub fn extended_registers(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0_u8; EXTENDED_BYTES_MAX];
        let mut place = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        self.ask(libc::PTRACE_GETREGSET, EXTENDED, (&raw mut place).addr())?;
        bytes.truncate(place.iov_len);
        Ok(bytes)
    }

    pub fn set_extended_registers(&self, bytes: &[u8]) -> io::Result<()> {
        let mut place =
            libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        self.ask(libc::PTRACE_SETREGSET, EXTENDED, (&raw mut place).addr())
    }

    /// The signals that it has blocked.
    pub fn signal_mask(&self) -> io::Result<u64> {
        let mut mask = 0_u64;
        self.ask(PTRACE_GETSIGMASK, size_of::<u64>(), (&raw mut mask).addr())?;
        Ok(mask)
    }

    pub fn set_signal_mask(&self, mask: u64) -> io::Result<()> {
        self.ask(PTRACE_SETSIGMASK, size_of::<u64>(), (&raw const mask).addr())
    }

    /// Where its restartable sequence is. All zero where it has none.
    pub fn sequence(&self) -> io::Result<Sequence> {
        let mut sequence = Sequence::default();
        let size = size_of::<Sequence>();
        match self.ask(PTRACE_GET_RSEQ_CONFIGURATION, size, (&raw mut sequence).addr()) {
            // A kernel without it has no such sequences to be restored, or none that are needed.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(Sequence::default()),
            result => result.map(|()| sequence),
        }
    }

    /// Where the list of the robust mutexes is that it holds, and the size of the list's head.
    pub fn robust_list(&self) -> io::Result<(u64, u64)> {
        let (mut head, mut size) = (0_u64, 0_u64);
        // SAFETY: both pointers are to live integers of the size of a pointer, which the kernel writes.
        let result = unsafe {
            libc::syscall(libc::SYS_get_robust_list, self.0, &raw mut head, &raw mut size)
        };
        if result == 0 { Ok((head, size)) } else { Err(io::Error::last_os_error()) }
    }

    fn ask(&self, request: libc::c_uint, address: usize, data: usize) -> io::Result<()> {
        // SAFETY: what `data` points to, where it is an address, is live and as large as the request says: each caller here
        // gives it so. The kernel changes nothing else of this process.
        let result = unsafe { libc::ptrace(request, self.0, address, data) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// A descriptor of the same open file as `number` in another process.
pub fn borrow_descriptor(pidfd: impl AsFd, number: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_getfd takes plain numbers.
    let descriptor =
        unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_fd().as_raw_fd(), number, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the line above has just made this descriptor, and no other value owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
