// SPDX-License-Identifier: Apache-2.0
//! The first process of a sandbox: a copy of the launcher that builds the walls from inside, starts the runtime, and stays to
//! reap orphans and to tell how the runtime ended.
//!
//! The runtime is its child and not the process itself, because the kernel shields the first process of a PID namespace from signals:
//! a function that aborts or kills itself would not end.
//!
//! Invariants:
//! - it never returns into the launcher's loop: it ends in `exit_now`;
//! - when the runtime runs, it has no privilege left, none of the launcher's descriptors, and no memory of another function;
//! - the runtime inherits descriptors 0, 1 and 2 and no other.

use crate::news::News;
use crate::request::Request;
use crate::{Level, Step};
use rustix::fs::{Mode, OFlags};
use rustix::process::Resource;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sys::cgroup::Entrance;
use sys::namespaces::{self, Namespace};
use sys::process::SingleThread;
use sys::seccomp::Filter;
use sys::{descriptors, identity, mounts, process};

/// What the first process needs besides the request.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) level: Level,
    pub(crate) request: &'a Request<'a>,
    pub(crate) trees: &'a [OwnedFd],
    pub(crate) entrance: Option<&'a Entrance>,
    pub(crate) network: Option<BorrowedFd<'a>>,
    /// User and group of the sandbox, at level 2.
    pub(crate) user: Option<u32>,
    pub(crate) output: BorrowedFd<'a>,
    pub(crate) news: BorrowedFd<'a>,
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

/// Where the news socket is once the others are closed.
const NEWS: i32 = 3;

/// The whole life of the first process.
pub(crate) fn run(single: &SingleThread, plan: &Plan<'_>) -> ! {
    let mut voice = Voice { first: plan.news, placed: None };
    match build(single, plan, &mut voice) {
        Ok(runtime) => {
            voice.tell(&News::Started);
            stay(plan, &voice, runtime);
        }
        Err((step, index, error)) => {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            voice.tell(&News::Failed { step, index, errno: error.raw_os_error().unwrap_or(0) });
        }
    }
    process::exit_now(0)
}

/// The news socket: under the launcher's number at first, then under `NEWS`.
struct Voice<'a> {
    first: BorrowedFd<'a>,
    placed: Option<OwnedFd>,
}

impl Voice<'_> {
    /// A server that is gone needs no news.
    fn tell(&self, news: &News) {
        let socket = self.placed.as_ref().map_or(self.first, AsFd::as_fd);
        let r = descriptors::send(socket, &news.encode(), &[]); eprintln!("DEBUG 8 {news:?} {r:?}");
    }
}

fn build(single: &SingleThread, plan: &Plan<'_>, voice: &mut Voice<'_>) -> Result<i32, Failure> {
    process::mind_children().at(Step::Clone)?;
    if let Some(entrance) = plan.entrance {
        entrance.join().at(Step::JoinCgroup)?;
    }
    if plan.level == Level::L0 {
        process::lead_session().at(Step::Clone)?;
        process::adopt_orphans().at(Step::Clone)?;
    } else {
        namespaces::unshare(single, Namespace::Cgroup).at(Step::JoinCgroup)?;
        if let Some(network) = plan.network {
            namespaces::enter(single, network, Namespace::Network).at(Step::JoinNetwork)?;
        }
        mount(plan)?;
        process::set_host_name("sandbox").at(Step::Hostname)?;
    }
    voice.placed = Some(place_descriptors(plan).at(Step::Descriptors)?);
    limit(plan).at(Step::ResourceLimits)?;
    drop_privileges(plan).at(Step::Privileges)?;
    rustix::process::chdir(plan.request.cwd).map_err(io::Error::from).at(Step::WorkingDirectory)?;
    if plan.level != Level::L0 {
        plan.filter.install().at(Step::Seccomp)?;
    }
    let program =
        plan.request.argv.first().ok_or((Step::Execute, 0, io::ErrorKind::InvalidInput.into()))?;
    process::spawn(program, &plan.request.argv, &plan.request.env).at(Step::Execute)
}

/// Files under `/proc` that tell about the machine and that no function needs.
const MASKED: [&std::ffi::CStr; 5] =
    [c"/proc/kcore", c"/proc/keys", c"/proc/key-users", c"/proc/timer_list", c"/proc/kallsyms"];

fn mount(plan: &Plan<'_>) -> Result<(), Failure> {
    mounts::mount_proc(c"/proc").at(Step::MountProc)?;
    for path in MASKED {
        match mounts::cover(c"/dev/null", path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err((Step::MountProc, 0, error));
            }
            _ => {}
        }
    }
    let options = format!("size={},mode=1777", plan.request.limits.tmp_bytes.max(4096));
    let options = CString::new(options).map_err(io::Error::other).at(Step::MountTmp)?;
    mounts::mount_tmpfs(c"/tmp", mounts::Devices::Denied, &options).at(Step::MountTmp)?;
    for (index, (tree, (_, target))) in plan.trees.iter().zip(&plan.request.mounts).enumerate() {
        mounts::attach(tree, *target).map_err(|error| (Step::MountCode, index, error))?;
    }
    Ok(())
}

/// Standard input is empty, both outputs are the pipe, the news socket is number 3 and not inherited; all others are closed.
fn place_descriptors(plan: &Plan<'_>) -> io::Result<OwnedFd> {
    // The launcher's own 0 to 3 are taken from its start on, so none of these is overwritten before it is put in place.
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    descriptors::put_at(&null, 0)?;
    drop(null);
    descriptors::put_at(plan.output, 1)?;
    descriptors::put_at(plan.output, 2)?;
    let news = descriptors::move_to(plan.news, NEWS)?;
    descriptors::close_from(NEWS.cast_unsigned() + 1)?;
    Ok(news)
}

fn limit(plan: &Plan<'_>) -> io::Result<()> {
    let limits = &plan.request.limits;
    process::limit(Resource::Core, 0)?;
    process::limit(Resource::Nofile, limits.open_files_max.into())?;
    process::limit(Resource::Memlock, 64 << 10)?;
    if plan.level == Level::L2 {
        process::limit(Resource::Stack, 8 << 20)?;
        // The user is this sandbox's own, so the count is.
        process::limit(Resource::Nproc, u64::from(limits.pids_max))?;
    } else if plan.level == Level::L1 && !plan.has_pids_controller {
        // All sandboxes are the same user here: this keeps a fork bomb off the machine, not off its neighbours.
        process::limit(Resource::Nproc, u64::from(limits.pids_max) * 4)?;
    }
    if !plan.has_memory_controller {
        // Best effort, for each process: room for what runtimes reserve and do not use.
        process::limit(Resource::Data, limits.memory_bytes + (512 << 20))?;
    }
    Ok(())
}

fn drop_privileges(plan: &Plan<'_>) -> io::Result<()> {
    identity::forbid_new_privileges()?;
    if plan.level == Level::L0 {
        return process::die_with_parent();
    }
    identity::empty_bounding_set()?;
    if let Some(user) = plan.user {
        identity::become_user(user, user)?;
    }
    identity::drop_capabilities()?;
    process::hide_from_user()?;
    // Last: a change of user undoes it.
    process::die_with_parent()
}

/// Reaps until the runtime has ended, then says how. The kernel kills what is left of the sandbox when this process ends.
fn stay(plan: &Plan<'_>, voice: &Voice<'_>, runtime: i32) {
    loop {
        let got = process::wait_any();
        let Ok(Some((pid, status))) = got else {
            eprintln!("DEBUG runtime {runtime} {got:?}");
            voice.tell(&News::Failed { step: Step::Clone, index: runtime as u16, errno: 99 });
            break;
        };
        if pid == runtime {
            voice.tell(&News::Exited { status });
            break;
        }
    }
    if plan.level == Level::L0 {
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::KILL);
    }
}
