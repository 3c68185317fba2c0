// SPDX-License-Identifier: Apache-2.0
//! Processes: making them with namespaces, executing programs, signals.

use crate::descriptors::check;
use rustix::process::{Pid, Resource, Rlimit, Signal, setrlimit};
use std::ffi::CStr;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// Proof that this process has one thread, and so may fork without an exec: no lock can be held by a thread that the
/// child does not have.
///
/// Invariant: whoever holds one starts no thread. It is not `Send`, so no other thread can hold it.
#[derive(Debug)]
pub struct SingleThread(PhantomData<*const ()>);

impl SingleThread {
    /// Counts the threads of this process. `None` if there are more than this one.
    pub fn prove() -> io::Result<Option<Self>> {
        let thread_count = std::fs::read_dir("/proc/self/task")?.count();
        Ok((thread_count == 1).then_some(Self(PhantomData)))
    }
}

/// Which namespaces a new process gets of its own, besides those of its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separation {
    /// Mounts, processes, inter-process communication and host name.
    Sandbox,
    /// None: a plain fork.
    None,
}

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Fork {
    Child,
    Parent(OwnedFd),
}

/// Forks. The parent gets a descriptor of the child that stays right when the kernel reuses its number.
/// The child starts in the cgroup (version 2) `cgroup`, if one is given.
pub fn fork(
    _: &SingleThread,
    separation: Separation,
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<Fork> {
    let mut pidfd: libc::c_int = -1;
    let flags = match separation {
        Separation::Sandbox => {
            libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS
        }
        Separation::None => 0,
    } | libc::CLONE_PIDFD;
    // SAFETY: clone_args is plain numbers, for which zero is a valid value and means "not used".
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = u64::from(flags.cast_unsigned());
    arguments.pidfd = (&raw mut pidfd).addr() as u64;
    arguments.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: `arguments` is a live clone_args whose size is given, and asks for a fork: no shared memory, no new stack. The caller
    // has proved that there is one thread, so that the child's copy of every lock and of the allocator is whole.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>())
    };
    match pid {
        ..0 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        // SAFETY: the kernel has put a new descriptor into `pidfd`, which nobody else knows of.
        1.. => Ok(Fork::Parent(unsafe { OwnedFd::from_raw_fd(pidfd) })),
    }
}

/// Not in `libc` with the right type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Sends SIGKILL. A process that is already gone is not an error.
pub fn kill(pidfd: impl AsFd) -> io::Result<()> {
    match rustix::process::pidfd_send_signal(pidfd, Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Sends SIGKILL to the process group that a process leads.
pub fn kill_group(pidfd: impl AsFd) -> io::Result<()> {
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 4;
    // SAFETY: all arguments are plain numbers but the third, which may be null.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_fd().as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            PIDFD_SIGNAL_PROCESS_GROUP,
        )
    };
    if result == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        // Linux before 6.9 cannot. Nothing guards against the number being used again, but for the group's members.
        error if error.raw_os_error() == Some(libc::EINVAL) => match number(&pidfd)? {
            Some(pid) => Ok(rustix::process::kill_process_group(pid, Signal::KILL)?),
            None => Ok(()),
        },
        error => Err(error),
    }
}

/// The number of a process, if it still has one. To be called where `/proc` is this process's.
pub fn number(pidfd: impl AsFd) -> io::Result<Option<Pid>> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd()))?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    Ok(number.filter(|number| *number > 0).and_then(Pid::from_raw))
}

/// A descriptor of a process by its number.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?)
}

/// Is there a process of this number?
pub fn exists(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Ends this process at once: nothing is flushed, no destructor runs. For children that never executed a program.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Children of this process leave no zombie: nobody waits for them.
pub fn forget_children() -> io::Result<()> {
    // SAFETY: SIG_IGN is a valid disposition for SIGCHLD, and no handler of ours is replaced.
    let previous = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    if previous == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Children of this process are waited for again.
pub fn mind_children() -> io::Result<()> {
    // SAFETY: SIG_DFL is a valid disposition for SIGCHLD.
    let previous = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    if previous == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits for any child to end: its number and its raw wait status. `None` when there is no child.
pub fn wait_any() -> io::Result<Option<(i32, i32)>> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a live integer that the kernel writes.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if pid > 0 {
            return Ok(Some((pid, status)));
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EINTR) => {}
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error => return Err(error),
        }
    }
}

/// How a process ended, out of a raw wait status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i32),
    Signal(i32),
}

impl Ending {
    pub fn from_wait_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

/// This process ignores no signal, and neither does what it executes. Handlers go too.
///
/// Asked of the kernel, because the C library leaves two signals alone that whoever started this process may ignore.
pub fn ignore_no_signal() {
    // The default disposition, no flags, nothing blocked.
    let default = [0_u64; 4];
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: `default` is as large as the kernel's description of a signal's disposition, whose set has 64 bits, and is only
        // read; what was before is not asked for. SIGKILL and SIGSTOP refuse.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                std::ptr::null::<u64>(),
                8_usize,
            )
        };
    }
}

/// Starts `program` with no signal blocked. What this process ignores it ignores too. Returns when it has been executed, or with the reason why not.
///
/// The two processes share one working directory from then on: when one goes elsewhere, so does the other. That is how a
/// program is moved that can not do it itself.
pub fn spawn(program: &CStr, argv: &[&CStr], env: &[&CStr]) -> io::Result<i32> {
    start(program, argv, env, None)
}

/// As `spawn`, but before it executes the new process says a byte on `line`, and waits there for another: who answers may have
/// begun to trace it.
pub fn spawn_held(
    program: &CStr,
    argv: &[&CStr],
    env: &[&CStr],
    line: impl AsFd,
) -> io::Result<i32> {
    start(program, argv, env, Some(line.as_fd()))
}

fn start(
    program: &CStr,
    argv: &[&CStr],
    env: &[&CStr],
    line: Option<BorrowedFd<'_>>,
) -> io::Result<i32> {
    let argv = null_terminated(argv);
    let env = null_terminated(env);
    let line = line.map_or(-1, |line| line.as_raw_fd());
    let mut image =
        Image { program: program.as_ptr(), argv: argv.as_ptr(), env: env.as_ptr(), line, error: 0 };
    let mut stack = vec![0_u128; SPAWN_STACK_BYTES / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FS | libc::SIGCHLD;
    // SAFETY: the child runs on `stack`, of which this is the aligned end, while this process waits in the call until it has
    // executed or ended; so `stack` and `image`, and what that points to, outlive its use of them.
    let pid = check(unsafe {
        let top = stack.as_mut_ptr_range().end;
        libc::clone(execute, top.cast(), flags, (&raw mut image).cast())
    })?;
    if image.error == 0 {
        return Ok(pid);
    }
    let mut status = 0;
    // SAFETY: `status` is a live integer that the kernel writes; the child has ended, and is this process's.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    Err(io::Error::from_raw_os_error(image.error))
}

/// What a process says that waits before it executes its program.
pub const HELD: u8 = b'H';

/// Enough for the few calls between the start of the child and its program.
const SPAWN_STACK_BYTES: usize = 64 << 10;

/// What a child executes, and why it could not. Both processes see it.
struct Image {
    program: *const libc::c_char,
    argv: *const *mut libc::c_char,
    env: *const *mut libc::c_char,
    /// Where to wait. -1: nowhere.
    line: i32,
    error: i32,
}

extern "C" fn execute(image: *mut libc::c_void) -> i32 {
    // SAFETY: `spawn` gives a live Image, which nobody else touches while this runs.
    let image = unsafe { &mut *image.cast::<Image>() };
    let none: u64 = 0;
    // SAFETY: the kernel's signal set is 64 bits, and is only read; the mask is this process's own.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            0_usize,
            8_usize,
        )
    };
    if image.line >= 0 {
        let mut byte = HELD;
        // SAFETY: `byte` is live, and one byte is read from it.
        unsafe { libc::write(image.line, (&raw const byte).cast(), 1) };
        // SAFETY: `byte` is live, and one byte is written to it.
        unsafe { libc::read(image.line, (&raw mut byte).cast(), 1) };
    }
    // SAFETY: a C string and two arrays of C strings that end in null, as `spawn` made them.
    unsafe { libc::execve(image.program, image.argv.cast(), image.env.cast()) };
    image.error = io::Error::last_os_error().raw_os_error().unwrap_or(libc::ENOEXEC);
    exit_now(127)
}

fn null_terminated(strings: &[&CStr]) -> Vec<*mut libc::c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect()
}

/// Lowers a limit to `value`, soft and hard alike, so that it cannot be raised again without privileges. A limit that is lower
/// already stays.
pub fn limit(resource: Resource, value: u64) -> io::Result<()> {
    let value =
        rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}

/// Lets this process open as many files as it ever may.
pub fn raise_open_files_limit() -> io::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

/// Asks the kernel for turns of this length (0.1 to 100 milliseconds) for this thread and those that it starts from now on. It gets
/// no more of the processor by it: who asks for shorter turns has the next one sooner. Kernels before 6.12 do not listen.
pub fn ask_for_turns(length: std::time::Duration) -> io::Result<()> {
    let mut attributes = scheduling()?;
    attributes.sched_runtime = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: the kernel reads the structure that is given, whose size is in it. Zero is this thread, and there are no flags.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How this thread is scheduled.
fn scheduling() -> io::Result<libc::sched_attr> {
    // SAFETY: sched_attr is plain numbers, for which zero is a valid value.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes at most `size` bytes to the structure. Zero is this thread, and there are no flags.
    match unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) } {
        0 => Ok(attributes),
        _ => Err(io::Error::last_os_error()),
    }
}

/// This process is killed when its parent ends. Changing user undoes it.
pub fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Other processes of the same user can neither trace this one nor look into it through `/proc`.
pub fn hide_from_user() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?)
}

/// Undoes `hide_from_user`.
pub fn show_to_user() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)?)
}

/// Orphans among the descendants of this process become its children.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Starts a new session and process group, which this process leads.
pub fn lead_session() -> io::Result<Pid> {
    Ok(rustix::process::setsid()?)
}

pub fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `name`, which the kernel only reads.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spawned_program_is_waited_for_and_its_end_is_told() {
        let pid = spawn(c"/bin/sh", &[c"sh", c"-c", c"exit 7"], &[]).unwrap();
        let mut status = 0;
        // SAFETY: `status` is a live integer; the child is ours.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(Ending::from_wait_status(status), Ending::Code(7));

        let pid = spawn(c"/bin/sh", &[c"sh", c"-c", c"kill -TERM $$"], &[]).unwrap();
        // SAFETY: as above.
        unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(Ending::from_wait_status(status), Ending::Signal(15));
    }

    #[test]
    fn a_spawned_program_is_where_this_process_goes() {
        let where_it_is = std::thread::spawn(|| {
            // SAFETY: CLONE_FS gives this thread a working directory of its own, and changes nothing else.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_FS) }, 0);
            let pid = spawn(c"/bin/sh", &[c"sh", c"-c", c"exec tail -f /dev/null"], &[]).unwrap();
            std::env::set_current_dir("/usr").unwrap();
            let found = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
            let mut status = 0;
            // SAFETY: kill takes plain numbers; the child is ours.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            // SAFETY: `status` is a live integer; the child is ours.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            found
        });
        assert_eq!(where_it_is.join().unwrap(), std::path::Path::new("/usr"));
    }

    #[test]
    fn a_missing_program_is_an_error_of_the_spawn() {
        let error = spawn(c"/nowhere/at/all", &[c"x"], &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
    #[test]
    fn a_thread_that_asks_has_shorter_turns_and_nothing_else() {
        let before = scheduling().unwrap();
        let asks = || {
            ask_for_turns(std::time::Duration::from_micros(200)).unwrap();
            // Those that it starts have them, too.
            std::thread::spawn(|| scheduling().unwrap()).join().unwrap()
        };
        let after = std::thread::spawn(asks).join().unwrap();
        // Where the kernel tells no length there is none to ask for.
        let expected = if before.sched_runtime == 0 { 0 } else { 200_000 };
        assert_eq!(after.sched_runtime, expected);
        assert_eq!(
            (after.sched_policy, after.sched_nice),
            (before.sched_policy, before.sched_nice)
        );
    }
}
