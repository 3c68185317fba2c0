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
//! - the runtime inherits descriptors 0, 1 and 2 and no other.

use crate::launcher::stay;
use crate::news::News;
use crate::request::{self, Request};
use crate::{Level, Limits, Step};
use rustix::fs::{Mode, OFlags};
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

/// What the first process is made with, before anybody has asked for a sandbox.
#[derive(Debug)]
pub(crate) struct Cradle<'a> {
    pub(crate) level: Level,
    pub(crate) entrance: Option<&'a Entrance>,
    /// Where the request will come from.
    pub(crate) orders: BorrowedFd<'a>,
    pub(crate) filter: &'a Filter,
    pub(crate) has_pids_controller: bool,
    pub(crate) has_memory_controller: bool,
}

/// What the request came with.
#[derive(Debug)]
struct Passed {
    news: OwnedFd,
    output: OwnedFd,
    network: Option<OwnedFd>,
    /// The mount namespace of the root that was asked for.
    root: Option<OwnedFd>,
    trees: Vec<OwnedFd>,
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

/// Where the one socket is that the first process keeps: of orders at first, of news then.
const SOCKET: i32 = 3;

/// The whole life of the first process. It builds what every sandbox has, waits until it is wanted, and becomes one.
pub(crate) fn run(single: &SingleThread, cradle: &Cradle<'_>) -> ! {
    let Ok(orders) = descriptors::move_to(cradle.orders, SOCKET) else { process::exit_now(1) };
    let prepared = prepare(single, cradle);
    let mut buffer = vec![0; request::LENGTH_MAX];
    let Some((request, passed)) = wait_for_order(&orders, &mut buffer) else {
        process::exit_now(0)
    };
    let mut voice = Voice { first: passed.news.as_fd(), placed: None };
    let started = prepared.and_then(|()| {
        enter(single, cradle, &request, &passed)?;
        // Its number is the news socket's from now on.
        drop(orders);
        voice.placed = Some(place_descriptors(&passed).at(Step::Descriptors)?);
        give_up(cradle, &request)?;
        execute(&request).at(Step::Execute)
    });
    match started {
        Ok(runtime) => {
            voice.tell(&News::Started);
            // Whatever the reason: when this process ends, the sandbox ends, and that is told by the launcher.
            let _ = stay::stay(&voice, runtime, || execute(&request));
            if cradle.level == Level::L0 {
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::KILL);
            }
        }
        Err((step, index, error)) => {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            voice.tell(&News::Failed { step, index, errno: error.raw_os_error().unwrap_or(0) });
        }
    }
    process::exit_now(0)
}

/// The news socket: under the number it came with at first, then under `SOCKET`.
pub(super) struct Voice<'a> {
    first: BorrowedFd<'a>,
    placed: Option<OwnedFd>,
}

impl Voice<'_> {
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.placed.as_ref().map_or(self.first, AsFd::as_fd)
    }

    /// A server that is gone needs no news.
    pub(super) fn tell(&self, news: &News) {
        let _ = descriptors::send(self.socket(), &news.encode(), &[]);
    }
}

/// What can be done before the function is known.
fn prepare(single: &SingleThread, cradle: &Cradle<'_>) -> Result<(), Failure> {
    process::mind_children().at(Step::Clone)?;
    process::die_with_parent().at(Step::Clone)?;
    if let Some(entrance) = cradle.entrance {
        entrance.join().at(Step::JoinCgroup)?;
    }
    // The launcher's: sockets of other sandboxes among them.
    descriptors::close_from(SOCKET.cast_unsigned() + 1).at(Step::Descriptors)?;
    // Nothing in here belongs to the server's terminal.
    process::lead_session().at(Step::Clone)?;
    if cradle.level == Level::L0 {
        return process::adopt_orphans().at(Step::Clone);
    }
    namespaces::unshare(single, Namespace::Cgroup).at(Step::JoinCgroup)?;
    mount_proc().at(Step::MountProc)?;
    process::set_host_name("sandbox").at(Step::Hostname)
}

/// Waits for a request and what comes with it. `None` when there will be none: the launcher has ended, or is about to.
fn wait_for_order<'a>(orders: &OwnedFd, buffer: &'a mut [u8]) -> Option<(Request<'a>, Passed)> {
    let (length, passed) = descriptors::receive(orders, buffer, Wait::UntilReady).ok()?;
    let request = Request::decode(buffer.get(..length)?)?;
    let mut passed = passed.into_iter();
    let (news, output) = (passed.next()?, passed.next()?);
    let network = if request.has_network { Some(passed.next()?) } else { None };
    let root = if request.root.is_empty() { None } else { Some(passed.next()?) };
    Some((request, Passed { news, output, network, root, trees: passed.collect() }))
}

/// Puts the function's own things in place.
fn enter(
    single: &SingleThread,
    cradle: &Cradle<'_>,
    request: &Request<'_>,
    passed: &Passed,
) -> Result<(), Failure> {
    if cradle.level == Level::L0 {
        return Ok(());
    }
    if let Some(network) = &passed.network {
        namespaces::enter(single, network, Namespace::Network).at(Step::JoinNetwork)?;
    }
    if let Some(root) = &passed.root {
        // A copy of that namespace, in place of the copy of the template's.
        namespaces::enter(single, root, Namespace::Mount).at(Step::Root)?;
        namespaces::unshare(single, Namespace::Mount).at(Step::Root)?;
        mount_proc().at(Step::MountProc)?;
    }
    let options = tmp_options(&request.limits).at(Step::MountTmp)?;
    mounts::mount_tmpfs(c"/tmp", mounts::Devices::Denied, &options).at(Step::MountTmp)?;
    attach(&passed.trees, request)
}

/// Puts the function's own things into a sandbox that runs already. Done by the launcher, from inside its mount namespace.
pub(crate) fn furnish(request: &Request<'_>, trees: &[OwnedFd]) -> Result<(), Failure> {
    let options = tmp_options(&request.limits).at(Step::MountTmp)?;
    mounts::change_tmpfs(c"/tmp", mounts::Devices::Denied, &options).at(Step::MountTmp)?;
    attach(trees, request)
}

fn tmp_options(limits: &Limits) -> io::Result<CString> {
    CString::new(format!("size={},mode=1777", limits.tmp_bytes.max(4096))).map_err(io::Error::other)
}

fn attach(trees: &[OwnedFd], request: &Request<'_>) -> Result<(), Failure> {
    for (index, (tree, (_, target))) in trees.iter().zip(&request.mounts).enumerate() {
        mounts::attach_at_end(tree, *target).map_err(|error| (Step::MountCode, index, error))?;
    }
    Ok(())
}

/// Gives up everything that a runtime must not have.
fn give_up(cradle: &Cradle<'_>, request: &Request<'_>) -> Result<(), Failure> {
    limit(cradle, &request.limits).at(Step::ResourceLimits)?;
    drop_privileges(cradle, request).at(Step::Privileges)?;
    rustix::process::chdir(request.cwd).map_err(io::Error::from).at(Step::WorkingDirectory)?;
    if cradle.level != Level::L0 {
        cradle.filter.install().at(Step::Seccomp)?;
    }
    Ok(())
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

/// Standard input is empty, both outputs are the pipe, the news socket is number 3 and not inherited; all others are closed.
fn place_descriptors(passed: &Passed) -> io::Result<OwnedFd> {
    // What was passed has higher numbers: 0 to 3 were taken when it came.
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    descriptors::put_at(&null, 0)?;
    drop(null);
    descriptors::put_at(&passed.output, 1)?;
    descriptors::put_at(&passed.output, 2)?;
    let news = descriptors::move_to(&passed.news, SOCKET)?;
    descriptors::close_from(SOCKET.cast_unsigned() + 1)?;
    Ok(news)
}

fn limit(cradle: &Cradle<'_>, limits: &Limits) -> io::Result<()> {
    process::limit(Resource::Core, 0)?;
    process::limit(Resource::Nofile, limits.open_files_max.into())?;
    process::limit(Resource::Memlock, 64 << 10)?;
    if cradle.level == Level::L2 {
        process::limit(Resource::Stack, 8 << 20)?;
    }
    if cradle.level == Level::L2 && !cradle.has_pids_controller {
        // The user is this sandbox's own, but for those of another server on this machine.
        process::limit(Resource::Nproc, u64::from(limits.pids_max))?;
    } else if cradle.level == Level::L1 && !cradle.has_pids_controller {
        // All sandboxes are the same user here: this keeps a fork bomb off the machine, not off its neighbours.
        process::limit(Resource::Nproc, u64::from(limits.pids_max) * 4)?;
    }
    if !cradle.has_memory_controller {
        // Best effort, for each process: room for what runtimes reserve and do not use.
        process::limit(Resource::Data, limits.memory_bytes + (512 << 20))?;
    }
    Ok(())
}

fn drop_privileges(cradle: &Cradle<'_>, request: &Request<'_>) -> io::Result<()> {
    identity::forbid_new_privileges()?;
    if cradle.level == Level::L0 {
        return process::die_with_parent();
    }
    identity::empty_bounding_set()?;
    if let Some(user) = request.user {
        identity::become_user(user, user)?;
    }
    identity::drop_capabilities()?;
    process::hide_from_user()?;
    // Last: a change of user undoes it.
    process::die_with_parent()
}
