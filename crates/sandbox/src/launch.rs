// SPDX-License-Identifier: Apache-2.0
//! One launch, from the server's side: the request out, the news in.

use crate::handle::{Running, Shared};
use crate::launcher::network::{EDGE, RUNTIME_API};
use crate::limits;
use crate::news::{self, News};
use crate::request::{CpuLimits, Encoder, MOUNTS_MAX};
use crate::sandbox::{Course, Process, Sandbox};
use crate::{LaunchError, Level, Limits, Mount, Network, Spec, Step};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use sys::descriptors::{self, Wait};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

/// The environment variables that a sandbox adds.
const RUNTIME_API_VARIABLE: &str = "AWS_LAMBDA_RUNTIME_API";
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";

pub(crate) async fn launch(
    shared: &Shared,
    running: &Arc<Running>,
    spec: &Spec,
    cpu: CpuLimits,
    cpu_after_init: CpuLimits,
) -> Result<Sandbox, LaunchError> {
    let talk = |source| LaunchError::Talk { source };
    // A sandbox with the host's network is listened to on a port of its own.
    let own_listener = match shared.network {
        Network::Host => Some(listen().map_err(talk)?),
        Network::None | Network::Outbound => None,
    };
    let request = encode(shared, spec, cpu, own_listener.as_ref())?;
    let (ours, theirs) = descriptors::message_pair().map_err(talk)?;
    descriptors::set_nonblocking(&ours).map_err(talk)?;
    send(&running.socket, &request, &[theirs.as_fd()]).await?;
    drop(theirs);
    let news = watched(ours).map_err(talk)?;
    let Started { group, passed, course } = started(&news, shared, spec).await?;

    let mut passed = passed.into_iter();
    let (Some(pidfd), Some(output)) = (passed.next(), passed.next()) else {
        return Err(LaunchError::LauncherEnded);
    };
    let (runtime_api, edge) = match (own_listener, passed.next(), passed.next()) {
        (Some(listener), _, _) => (listener, None),
        (None, Some(runtime_api), edge) => {
            (TcpListener::from(runtime_api), edge.map(TcpListener::from))
        }
        (None, None, _) => return Err(LaunchError::LauncherEnded),
    };
    descriptors::set_nonblocking(&output).map_err(talk)?;
    let group =
        if group.is_empty() { None } else { Some(running.tree.open_group(&group).map_err(talk)?) };
    let peak = group
        .as_ref()
        .and_then(|group| group.memory.as_ref())
        .and_then(|memory| memory.peak().ok());
    let process = Process {
        news,
        pidfd,
        level: shared.level,
        group,
        peak,
        cpu_after_init,
        course: std::sync::Mutex::new(course),
        kills_before: AtomicU64::new(0),
        reading: Mutex::new(()),
        launcher: Arc::clone(running),
    };
    Ok(Sandbox { runtime_api, edge, output, process })
}

/// Puts a function's directories and limits into a sandbox whose program runs already.
pub(crate) async fn furnish(
    shared: &Shared,
    process: &Process,
    mounts: &[Mount],
    limits: Limits,
    cpu: CpuLimits,
) -> Result<(), LaunchError> {
    let talk = |source| LaunchError::Talk { source };
    if !process.is_running() {
        return Err(LaunchError::Killed);
    }
    if let Some(group) = &process.group {
        let failed =
            |source| LaunchError::Step { step: Step::Limits, thing: String::new(), source };
        limits::put_in_force(group, limits, cpu).map_err(failed)?;
    }
    let spec = Spec { mounts: mounts.to_vec(), limits, ..Spec::new(Vec::<String>::new()) };
    let request = encode(shared, &spec, cpu, None)?;
    let (ours, theirs) = descriptors::message_pair().map_err(talk)?;
    descriptors::set_nonblocking(&ours).map_err(talk)?;
    send(&process.launcher.socket, &request, &[theirs.as_fd(), process.pidfd.as_fd()]).await?;
    drop(theirs);
    let reply = watched(ours).map_err(talk)?;
    let mut buffer = [0; news::LENGTH_MAX];
    let receive = || descriptors::receive(&reply, &mut buffer, Wait::Never);
    let (length, _) = reply.async_io(Interest::READABLE, receive).await.map_err(talk)?;
    match News::decode(buffer.get(..length).unwrap_or_default()) {
        Some(News::Started) => Ok(()),
        Some(News::Failed { step, index, errno }) => Err(failed(step, index, errno, &spec)),
        _ => Err(LaunchError::LauncherEnded),
    }
}

fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Lets tokio watch a socket. That it is one of messages and not of a stream makes no difference as long as it is not read as one.
fn watched(socket: OwnedFd) -> io::Result<UnixStream> {
    UnixStream::from_std(socket.into())
}

/// Sends the request. Waits only when the launcher is far behind.
async fn send(
    socket: &OwnedFd,
    request: &[u8],
    passed: &[BorrowedFd<'_>],
) -> Result<(), LaunchError> {
    let send = || descriptors::send(socket, request, passed);
    let result = match send() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let watched = descriptors::duplicate(socket).and_then(watched);
            let watched = watched.map_err(|source| LaunchError::Talk { source })?;
            watched.async_io(Interest::WRITABLE, send).await
        }
        result => result,
    };
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => LaunchError::LauncherEnded,
        _ => LaunchError::Talk { source: error },
    })
}

/// What the news say up to the start of the program.
struct Started {
    group: String,
    passed: Vec<OwnedFd>,
    course: Course,
}

/// Waits until the sandbox is built and its program executed. The two messages come from two processes, in either order.
async fn started(news: &UnixStream, shared: &Shared, spec: &Spec) -> Result<Started, LaunchError> {
    let (mut built, mut is_started, mut course) = (None, false, Course::default());
    loop {
        if let (Some((group, passed)), true) = (&mut built, is_started) {
            return Ok(Started {
                group: std::mem::take(group),
                passed: std::mem::take(passed),
                course,
            });
        }
        let mut buffer = [0; news::LENGTH_MAX];
        let receive = || descriptors::receive(news, &mut buffer, Wait::Never);
        let (length, passed) =
            news.async_io(Interest::READABLE, receive).await.map_err(|error| {
                match error.kind() {
                    io::ErrorKind::ConnectionReset => LaunchError::LauncherEnded,
                    _ => LaunchError::Talk { source: error },
                }
            })?;
        match News::decode(buffer.get(..length).unwrap_or_default()) {
            Some(News::Built { group }) => built = Some((group, passed)),
            Some(News::Started) => is_started = true,
            Some(News::Failed { step, index, errno }) => {
                return Err(failed(step, index, errno, spec));
            }
            Some(News::Full) => {
                return Err(LaunchError::Full { sandboxes_max: shared.options.sandboxes_max });
            }
            // A short program may end before the launcher has said that it built the sandbox.
            Some(news @ (News::Exited { .. } | News::Emptied)) => course.go_on(&news),
            Some(News::Gone) => return Err(LaunchError::Killed),
            None => return Err(LaunchError::LauncherEnded),
        }
    }
}

fn failed(step: Step, index: u16, errno: i32, spec: &Spec) -> LaunchError {
    let mount = spec.mounts.get(usize::from(index));
    let thing = match step {
        Step::Root => spec.root.as_ref().map(|root| root.display().to_string()),
        Step::OpenMount => mount.map(|mount| mount.source.display().to_string()),
        Step::MountPoint | Step::MountCode => mount.map(|mount| mount.target.display().to_string()),
        Step::Execute => spec.argv.first().cloned(),
        Step::WorkingDirectory => Some(spec.cwd.display().to_string()),
        _ => None,
    };
    LaunchError::Step {
        step,
        thing: thing.unwrap_or_default(),
        source: io::Error::from_raw_os_error(errno),
    }
}

/// Writes the request, with what the sandbox adds to the environment.
fn encode(
    shared: &Shared,
    spec: &Spec,
    cpu: CpuLimits,
    own_listener: Option<&TcpListener>,
) -> Result<Vec<u8>, LaunchError> {
    let runtime_api = match own_listener.and_then(|listener| listener.local_addr().ok()) {
        Some(address) => address,
        None => RUNTIME_API,
    };
    let edge = if own_listener.is_some() { shared.edge_address } else { EDGE };
    let mut added = vec![(RUNTIME_API_VARIABLE, runtime_api.to_string())];
    if !spec.env.iter().any(|(name, _)| name == ENDPOINT_VARIABLE) {
        added.push((ENDPOINT_VARIABLE, format!("http://{edge}")));
    }
    // A plain process has no mounts: it is told where the directories really are.
    let moved: &[Mount] = if shared.level == Level::L0 { &spec.mounts } else { &[] };
    let in_place =
        |text: &str| if moved.is_empty() { text.to_owned() } else { relocate(text, moved) };

    if spec.root.is_some() && shared.level == Level::L0 {
        return Err(LaunchError::NoRoot);
    }
    if spec.mounts.len() > MOUNTS_MAX {
        return Err(LaunchError::TooMany { count: spec.mounts.len(), count_max: MOUNTS_MAX });
    }
    let counts = [spec.mounts.len(), spec.argv.len(), spec.env.len() + added.len()];
    let mut encoder = Encoder::new(spec.limits, cpu, counts)?;
    encoder.string("the root", &[spec.root.as_deref().map_or(b"", path_bytes)])?;
    let cwd = in_place(&spec.cwd.to_string_lossy());
    encoder.string("the working directory", &[cwd.as_bytes()])?;
    for Mount { source, target } in &spec.mounts {
        encoder.string("a mount's source", &[path_bytes(source)])?;
        encoder.string("a mount's target", &[path_bytes(target)])?;
    }
    for argument in &spec.argv {
        encoder.string("an argument", &[in_place(argument).as_bytes()])?;
    }
    for (name, value) in &spec.env {
        encoder.string(
            "an environment variable",
            &[name.as_bytes(), b"=", in_place(value).as_bytes()],
        )?;
    }
    for (name, value) in &added {
        encoder.string("an environment variable", &[name.as_bytes(), b"=", value.as_bytes()])?;
    }
    encoder.finish()
}

fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Replaces mounts' targets by their sources, in each part of a text such as `/opt/bin:/var/task`.
fn relocate(text: &str, mounts: &[Mount]) -> String {
    let one = |part: &str| {
        let place = |mount: &Mount| {
            let rest = Path::new(part).strip_prefix(&mount.target).ok()?;
            let place = if rest.as_os_str().is_empty() {
                mount.source.clone()
            } else {
                mount.source.join(rest)
            };
            Some(place.to_string_lossy().into_owned())
        };
        mounts.iter().find_map(place).unwrap_or_else(|| part.to_owned())
    };
    text.split(':').map(one).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_process_is_told_where_things_really_are() {
        let mounts = [
            Mount { source: "/data/code".into(), target: "/var/task".into() },
            Mount { source: "/data/layers".into(), target: "/opt".into() },
        ];
        for (text, expected) in [
            ("/var/task", "/data/code"),
            ("/var/task/lib:/opt/lib:/usr/lib", "/data/code/lib:/data/layers/lib:/usr/lib"),
            ("/var/tasks", "/var/tasks"),
            ("index.handler", "index.handler"),
            ("http://x/opt", "http://x/opt"),
        ] {
            assert_eq!(relocate(text, &mounts), expected);
        }
    }
}
