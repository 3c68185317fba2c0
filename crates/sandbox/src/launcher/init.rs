// SPDX-License-Identifier: Apache-2.0
//! The first process of a sandbox: a copy of the launcher that builds the walls from inside, starts the runtime, and stays
//! (`stay`) to reap orphans, to tell how the runtime ended, and to start it again.
//!
//! The runtime is its child and not the process itself, because the kernel shields the first process of a PID namespace from signals:
//! a function that aborts or kills itself would not end.
//!
//! Invariants:
//! - it never returns into the launcher's loop: it ends in `exit_now`;
//! - when the runtime runs, it has no privilege left, none of the launcher's descriptors, and no memory of another function;
//! - the runtime inherits descriptors 0, 1 and 2, the log pipe, and no other.

use crate::launcher::stay;
use crate::news::News;
use crate::request::{self, Kind, LOG_PIPE, Request};
use crate::snapshot::SNAPSHOT;
use crate::{Level, Limits, Step};
use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, recv};
use rustix::process::Resource;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sys::cgroup::Entrance;
use sys::descriptors::Wait;
use sys::namespaces::{self, Namespace};
use sys::process::SingleThread;
use sys::seccomp::Filter;
use sys::{descriptors, identity, mounts, process};

/// What the first process is made with, before anybody has asked for a program.
#[derive(Debug)]
pub(crate) struct Cradle<'a> {
    pub(crate) level: Level,
    /// None: the sandbox stays what the launcher is.
    pub(crate) user: Option<u32>,
    pub(crate) entrance: Option<&'a Entrance>,
    /// Where the request will come from.
    pub(crate) orders: BorrowedFd<'a>,
    pub(crate) news: BorrowedFd<'a>,
    /// Both outputs of the program.
    pub(crate) output: BorrowedFd<'a>,
    /// Where it writes log records.
    pub(crate) log: BorrowedFd<'a>,
    pub(crate) network: Option<BorrowedFd<'a>>,
    /// The mount namespace of a root that is not the template's.
    pub(crate) root: Option<BorrowedFd<'a>>,
    pub(crate) filter: &'a Filter,
    pub(crate) has_pids_controller: bool,
    pub(crate) has_memory_controller: bool,
}

/// Why the sandbox cannot be: the step, which mount it was about, and the cause.
pub(crate) type Failure = (Step, usize, io::Error);

/// Says at which step a call failed.
pub(crate) trait At<T> {
    fn at(self, step: Step) -> Result<T, Failure>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, step: Step) -> Result<T, Failure> {
        self.map_err(|error| (step, 0, error))
    }
}

/// Where the two sockets are that the first process keeps.
const NEWS: i32 = 3;
const ORDERS: i32 = 4;

/// The whole life of the first process: it builds a sandbox around itself, waits for a program, and stays with it.
pub(crate) fn run(single: &SingleThread, cradle: &Cradle<'_>) -> ! {
    let (news, orders) = match prepare(single, cradle) {
        Ok((news, orders, places)) => {
            let passed: Vec<BorrowedFd<'_>> = places.iter().map(AsFd::as_fd).collect();
            let _ = descriptors::send(&orders, PREPARED, &passed);
            (news, orders)
        }
        Err(failure) => {
            let _ = descriptors::send(cradle.orders, &failed(&failure).encode(), &[]);
            process::exit_now(0)
        }
    };
    let voice = Voice(news);
    let mut buffer = Vec::new();
    // No request: the launcher has ended, or is about to end this process.
    let Some((request, snapshot)) = wait_for_order(&orders, &mut buffer) else {
        process::exit_now(0)
    };
    let started = match snapshot {
        Some(snapshot) => start_held(cradle, &request, &snapshot, &orders),
        None => start(cradle, &request),
    };
    drop(orders);
    match started {
        // Whoever makes it over tells when it is done.
        Ok(runtime) if request.kind == Kind::Restore => {
            let _ = stay::stay(&voice, runtime, || Err(io::ErrorKind::Unsupported.into()));
        }
        Ok(runtime) => {
            voice.tell(&News::Started);
            // Whatever the reason: when this process ends, the sandbox ends, and that is told by the launcher.
            let _ = stay::stay(&voice, runtime, || execute(&request));
            if cradle.level == Level::L0 {
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::KILL);
            }
        }
        Err(failure) => voice.tell(&failed(&failure)),
    }
    process::exit_now(0)
}

/// What the launcher is told when the sandbox is built. With it come the mount namespace and `/tmp`, where there are any.
pub(crate) const PREPARED: &[u8] = b"P";

pub(crate) fn failed((step, index, error): &Failure) -> News {
    let errno = match (error.raw_os_error(), error.kind()) {
        (Some(errno), _) => errno,
        // Ours, which have no number.
        (None, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            rustix::io::Errno::INVAL.raw_os_error()
        }
        (None, _) => rustix::io::Errno::IO.raw_os_error(),
    };
    News::Failed { step: *step, index: u16::try_from(*index).unwrap_or(u16::MAX), errno }
}

/// The news socket.
pub(super) struct Voice(OwnedFd);

impl Voice {
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// A server that is gone needs no news.
    pub(super) fn tell(&self, news: &News) {
        let _ = descriptors::send(self.socket(), &news.encode(), &[]);
    }
}

/// The sockets of news and orders, and the mount namespace with `/tmp`.
type Prepared = (OwnedFd, OwnedFd, Vec<OwnedFd>);

/// Builds all that does not depend on the function, and gives up every privilege.
fn prepare(single: &SingleThread, cradle: &Cradle<'_>) -> Result<Prepared, Failure> {
    // The program inherits what is ignored: the launcher's own, and that of whoever started the server.
    process::ignore_no_signal();
    process::die_with_parent().at(Step::Clone)?;
    if let Some(entrance) = cradle.entrance {
        entrance.join().at(Step::JoinCgroup)?;
    }
    // Nothing in here belongs to the server's terminal.
    process::lead_session().at(Step::Clone)?;
    if cradle.level == Level::L0 {
        process::adopt_orphans().at(Step::Clone)?;
    } else {
        // While `/proc` is the launcher's: the sandbox's own cannot be written to.
        let myself = is_counted_alone(cradle).then(namespaces::open_myself).transpose();
        let myself = myself.at(Step::ResourceLimits)?;
        separate(single, cradle)?;
        if let Some(myself) = myself {
            count_alone(single, &myself).at(Step::ResourceLimits)?;
        }
    }
    let (news, orders) = place_descriptors(cradle).at(Step::Descriptors)?;
    let places = match cradle.level {
        Level::L0 => Vec::new(),
        Level::L1 | Level::L2 => places().at(Step::Descriptors)?,
    };
    limit(cradle).at(Step::ResourceLimits)?;
    drop_privileges(cradle).at(Step::Privileges)?;
    if cradle.level != Level::L0 {
        cradle.filter.install().at(Step::Seccomp)?;
    }
    Ok((news, orders, places))
}

/// Where the launcher puts a function's own things, and what the server looks at to know how full `/tmp` is.
fn places() -> io::Result<Vec<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let tmp = rustix::fs::open(c"/tmp", flags, Mode::empty())?;
    Ok(vec![namespaces::current(Namespace::Mount)?, tmp])
}

/// Builds what stands between a sandbox and the rest of the machine.
fn separate(single: &SingleThread, cradle: &Cradle<'_>) -> Result<(), Failure> {
    namespaces::unshare(single, Namespace::Cgroup).at(Step::JoinCgroup)?;
    if let Some(root) = cradle.root {
        // A copy of that namespace, in place of the copy of the template's.
        namespaces::enter(single, root, Namespace::Mount).at(Step::Root)?;
        namespaces::unshare(single, Namespace::Mount).at(Step::Root)?;
    }
    mount_proc().at(Step::MountProc)?;
    process::set_host_name("sandbox").at(Step::Hostname)?;
    if let Some(network) = cradle.network {
        namespaces::enter(single, network, Namespace::Network).at(Step::JoinNetwork)?;
    }
    let options = tmp_options(Limits::default().tmp_bytes).at(Step::MountTmp)?;
    mounts::mount_tmpfs(c"/tmp", mounts::Devices::Denied, &options).at(Step::MountTmp)
}

/// `buffer` is made as long as the order is when it is there: each sandbox keeps it for as long as it lives.
fn wait_for_order<'a>(
    orders: &OwnedFd,
    buffer: &'a mut Vec<u8>,
) -> Option<(Request<'a>, Option<OwnedFd>)> {
    let look = || recv(orders, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::TRUNC);
    let (_, length) = retry_on_intr(look).ok()?;
    buffer.resize(length.min(request::LENGTH_MAX), 0);
    let (length, passed) = descriptors::receive(orders, buffer, Wait::UntilReady).ok()?;
    Some((Request::decode(buffer.get(..length)?)?, passed.into_iter().next()))
}

/// Puts the function's own things into a sandbox. Done by the launcher, from inside its mount namespace.
pub(crate) fn furnish(
    request: &Request<'_>,
    trees: &[OwnedFd],
    tmp_bytes: u64,
) -> Result<(), Failure> {
    if request.limits.tmp_bytes != tmp_bytes {
        let options = tmp_options(request.limits.tmp_bytes).at(Step::MountTmp)?;
        mounts::change_tmpfs(c"/tmp", mounts::Devices::Denied, &options).at(Step::MountTmp)?;
    }
    for (index, (tree, (_, target))) in trees.iter().zip(&request.mounts).enumerate() {
        mounts::attach_at_end(tree, *target).map_err(|error| (Step::MountCode, index, error))?;
    }
    Ok(())
}

fn tmp_options(bytes: u64) -> io::Result<CString> {
    let bytes = bytes.max(4096);
    // Empty files take room in the kernel: as many as there are pages, and no more.
    let options = format!("size={bytes},nr_inodes={},mode=1777", bytes / 4096 + 16);
    CString::new(options).map_err(io::Error::other)
}

fn start(cradle: &Cradle<'_>, request: &Request<'_>) -> Result<i32, Failure> {
    limit_function(cradle, &request.limits).at(Step::ResourceLimits)?;
    rustix::process::chdir(request.cwd).map_err(io::Error::from).at(Step::WorkingDirectory)?;
    execute(request).at(Step::Execute)
}

/// Starts a program that is to be made over: it holds the snapshot, says on `orders` that it is there, and waits. Once it has
/// executed, this process says so too.
fn start_held(
    cradle: &Cradle<'_>,
    request: &Request<'_>,
    snapshot: &OwnedFd,
    orders: &OwnedFd,
) -> Result<i32, Failure> {
    limit_function(cradle, &request.limits).at(Step::ResourceLimits)?;
    descriptors::put_at(snapshot, SNAPSHOT).at(Step::Descriptors)?;
    let program = request.argv.first().ok_or(io::ErrorKind::InvalidInput.into());
    let program = program.at(Step::Execute)?;
    // The new process is one memory with this one until it executes, and an ordinary user may not trace what is hidden. Nothing of
    // a function runs here meanwhile, nor before the launcher has heard that it is over.
    process::show_to_user().at(Step::Privileges)?;
    let started = process::spawn_held(program, &request.argv, &request.env, orders);
    process::hide_from_user().at(Step::Privileges)?;
    // This process has no use for what it handed on.
    descriptors::close_from(SNAPSHOT.cast_unsigned()).at(Step::Descriptors)?;
    let runtime = started.at(Step::Execute)?;
    descriptors::send(orders, &[process::HELD], &[]).at(Step::Execute)?;
    Ok(runtime)
}

/// Starts the runtime: its number.
fn execute(request: &Request<'_>) -> io::Result<i32> {
    let program = request.argv.first().ok_or(io::ErrorKind::InvalidInput)?;
    if program.to_bytes().contains(&b'/') {
        return process::spawn(program, &request.argv, &request.env);
    }
    search(program, request)
}

/// Starts a program that is given by its name: the first of this name in `PATH` that can be executed.
fn search(program: &CStr, request: &Request<'_>) -> io::Result<i32> {
    let path = request.env.iter().find_map(|line| line.to_bytes().strip_prefix(b"PATH="));
    let mut failure = io::Error::from(rustix::io::Errno::NOENT);
    for directory in path.unwrap_or_default().split(|byte| *byte == b':') {
        let directory = if directory.is_empty() { b"." } else { directory };
        let candidate = CString::new([directory, b"/", program.to_bytes()].concat())?;
        match process::spawn(&candidate, &request.argv, &request.env) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            // There is one, but not for this user: another directory may have a better one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => failure = error,
            result => return result,
        }
    }
    Err(failure)
}

/// Files under `/proc` that tell about the machine and that no function needs.
const MASKED: [&CStr; 5] =
    [c"/proc/kcore", c"/proc/keys", c"/proc/key-users", c"/proc/timer_list", c"/proc/kallsyms"];

fn mount_proc() -> io::Result<()> {
    mounts::mount_proc(c"/proc")?;
    for path in MASKED {
        match mounts::cover(c"/dev/null", path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Standard input is empty, both outputs are one pipe, log records have another, the sockets have their numbers and are not inherited.
fn place_descriptors(cradle: &Cradle<'_>) -> io::Result<(OwnedFd, OwnedFd)> {
    // What was handed over has higher numbers: 0 to 3 were taken before, and so was 4, by the socket to the server.
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    descriptors::put_at(&null, 0)?;
    drop(null);
    descriptors::put_at(cradle.output, 1)?;
    descriptors::put_at(cradle.output, 2)?;
    let news = descriptors::move_to(cradle.news, NEWS)?;
    let orders = descriptors::move_to(cradle.orders, ORDERS)?;
    // Last: its number may have been that of what was placed before.
    descriptors::put_at(cradle.log, LOG_PIPE)?;
    // The launcher's: sockets of other sandboxes among them.
    descriptors::close_from(LOG_PIPE.cast_unsigned() + 1)?;
    Ok((news, orders))
}

/// What is the same for every function.
fn limit(cradle: &Cradle<'_>) -> io::Result<()> {
    process::limit(Resource::Core, 0)?;
    process::limit(Resource::Memlock, 64 << 10)?;
    if cradle.level == Level::L2 {
        process::limit(Resource::Stack, 8 << 20)?;
    }
    Ok(())
}

/// Whether the kernel counts the processes of this sandbox for their user, and of no other sandbox with them.
fn is_counted_alone(cradle: &Cradle<'_>) -> bool {
    cradle.level == Level::L1 && !cradle.has_pids_controller && namespaces::count_processes()
}

/// All sandboxes are the same user here, whose processes the kernel counts together. In a user namespace of its own a sandbox's
/// are counted alone, and with all others against the limit that was in force when the namespace was made.
fn count_alone(single: &SingleThread, myself: &OwnedFd) -> io::Result<()> {
    process::limit(Resource::Nproc, u64::from(Limits::default().pids_max) * USER_SHARES)?;
    let (user, group) = (identity::user(), identity::group());
    namespaces::unshare(single, Namespace::User)?;
    namespaces::map_user_at(myself, user, user, group)
}

/// How many functions may have as many processes as they can, where all are one user's.
const USER_SHARES: u64 = 16;

/// What a function may ask for itself. Limits are only lowered, which needs no privilege.
fn limit_function(cradle: &Cradle<'_>, limits: &Limits) -> io::Result<()> {
    process::limit(Resource::Nofile, limits.open_files_max.into())?;
    if cradle.level != Level::L0 && !cradle.has_pids_controller {
        // At level 2 the user is this sandbox's own, but for those of another server on this machine. At level 1 an older
        // kernel counts all sandboxes together: this keeps a fork bomb off the machine, not off its neighbours.
        let is_alone = cradle.level == Level::L2 || is_counted_alone(cradle);
        let pids_max = u64::from(limits.pids_max);
        process::limit(Resource::Nproc, if is_alone { pids_max + 1 } else { pids_max * 4 })?;
    }
    if !cradle.has_memory_controller {
        // Best effort, for each process: room for what runtimes reserve and do not use.
        process::limit(Resource::Data, limits.memory_bytes + (512 << 20))?;
    }
    Ok(())
}

fn drop_privileges(cradle: &Cradle<'_>) -> io::Result<()> {
    identity::forbid_new_privileges()?;
    if cradle.level == Level::L0 {
        return process::die_with_parent();
    }
    identity::empty_bounding_set()?;
    if let Some(user) = cradle.user {
        identity::become_user(user, user)?;
    }
    identity::drop_capabilities()?;
    process::hide_from_user()?;
    // Last: a change of user undoes it.
    process::die_with_parent()
}
