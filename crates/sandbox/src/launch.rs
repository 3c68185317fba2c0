// SPDX-License-Identifier: Apache-2.0
//! One launch, from the server's side: requests out, news in.

use crate::cpu::Phase;
use crate::handle::{Running, Shared};
use crate::launcher::network::{EDGE, RUNTIME_API};
use crate::limits::{self, Limiters};
use crate::news::{self, News};
use crate::ready::Unused;
use crate::request::{self, DAEMON, Encoder, Kind, LOG_PIPE, MOUNTS_MAX, OUTLET, SandboxId};
use crate::sandbox::{Process, Sandbox};
use crate::snapshot::Outcome;
use crate::watch::Watch;
use crate::{LaunchError, Level, Limits, Mount, SnapshotError, Spec, Step};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdTcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use sys::cgroup::Group;
use sys::descriptors::{self, Wait};
use tokio::io::Interest;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::Mutex;

/// The environment variables that a sandbox adds.
const RUNTIME_API_VARIABLE: &str = "AWS_LAMBDA_RUNTIME_API";
const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";
const LOG_PIPE_VARIABLE: &str = "_LAMBDA_TELEMETRY_LOG_FD";

/// A sandbox that was built ahead, or one that is built now. One with a root of its own always is. What `is_ahead` itself was not
/// expected.
pub(crate) async fn unused(
    shared: &Shared,
    running: &Arc<Running>,
    root: Option<&Path>,
    is_ahead: bool,
) -> Result<Unused, LaunchError> {
    let ready = if root.is_none() { shared.ready.take(running, is_ahead) } else { None };
    match ready {
        Some(unused) => Ok(unused),
        None => build(shared, running, root).await,
    }
}

/// Has a sandbox built, without a program.
pub(crate) async fn build(
    shared: &Shared,
    running: &Arc<Running>,
    root: Option<&Path>,
) -> Result<Unused, LaunchError> {
    if root.is_some() && shared.level == Level::L0 {
        return Err(LaunchError::NoRoot);
    }
    let request = [request::BUILD, root.map_or(b"", path_bytes)].concat();
    if request.contains(&0) {
        return Err(LaunchError::ZeroByte { thing: "the root" });
    }
    let (ours, theirs) = descriptors::message_pair().map_err(talk)?;
    descriptors::set_nonblocking(&ours).map_err(talk)?;
    send(&running.socket, &request, &[theirs.as_fd()]).await?;
    drop(theirs);
    let news = UnixStream::from_std(ours.into()).map_err(talk)?;
    let (id, group_name, passed) = built(&news, shared, root).await?;

    let mut passed = passed.into_iter();
    let tmp = if shared.level == Level::L0 { None } else { passed.next() };
    let (Some(pidfd), Some(output), Some(log)) = (passed.next(), passed.next(), passed.next())
    else {
        return Err(LaunchError::LauncherEnded);
    };
    descriptors::set_nonblocking(&output).map_err(talk)?;
    descriptors::set_nonblocking(&log).map_err(talk)?;
    let listeners = match (passed.next(), passed.next()) {
        (Some(runtime_api), Some(edge)) => {
            let runtime_api = TcpListener::from_std(runtime_api.into()).map_err(talk)?;
            Some((runtime_api, StdTcpListener::from(edge)))
        }
        _ => None,
    };
    let network = passed.next();
    let (group, limiters) = open_group(running, &group_name).map_err(talk)?;
    let (news, pidfd) = (Arc::new(news), Arc::new(pidfd));
    let limits = Limits::default();
    let cpu = shared.cpu_limits(limits.memory_bytes, Phase::Init);
    let memory = group.as_ref().and_then(|group| group.memory.as_ref());
    let watch = match (&group, memory, tmp) {
        (Some(group), Some(_), Some(tmp)) => {
            let started = Watch::start(group, tmp, &news, &pidfd, limits, &shared.turns);
            Some(started.map_err(not_limited)?)
        }
        _ => None,
    };
    if let Some(group) = &group {
        let written = limits::bound(group, &limiters, watch.as_ref(), None, limits);
        written.and_then(|()| limits::share(&limiters, None, cpu)).map_err(not_limited)?;
    }
    let process = Process {
        id,
        news,
        pidfd,
        level: shared.level,
        peak: memory.and_then(|memory| memory.peak().ok()),
        watch,
        group,
        group_name,
        limiters,
        network,
        limits,
        cpu,
        cpu_after_init: cpu,
        allowance: std::sync::Mutex::default(),
        stands_back: AtomicBool::new(false),
        course: std::sync::Mutex::default(),
        kills_before: AtomicU64::new(0),
        memory_peak: std::sync::Mutex::default(),
        reading: Mutex::new(()),
        launcher: Arc::clone(running),
    };
    Ok(Unused { process, output, log, listeners })
}

/// The cgroup of a sandbox that has one.
fn open_group(running: &Running, name: &str) -> io::Result<(Option<Arc<Group>>, Limiters)> {
    if name.is_empty() {
        return Ok((None, Limiters::default()));
    }
    let mut group = running.tree.open_group(name)?;
    let limiters = Limiters::of(&mut group);
    Ok((Some(Arc::new(group)), limiters))
}

/// Waits until the sandbox is built: its number, the name of its cgroup, and its descriptors.
async fn built(
    news: &UnixStream,
    shared: &Shared,
    root: Option<&Path>,
) -> Result<(SandboxId, Box<str>, Vec<OwnedFd>), LaunchError> {
    let mut buffer = [0; news::LENGTH_MAX];
    let receive = || descriptors::receive(news, &mut buffer, Wait::Never);
    let (length, passed) =
        news.async_io(Interest::READABLE, receive).await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionReset => LaunchError::LauncherEnded,
            _ => talk(error),
        })?;
    match News::decode(buffer.get(..length).unwrap_or_default()) {
        Some(News::Built { sandbox, group }) => Ok((sandbox, group.into_boxed_str(), passed)),
        Some(news) => {
            let root = root.map(Path::to_owned);
            let spec = Spec { root, ..Spec::new(Vec::<String>::new()) };
            Err(not_started(news, shared, &spec))
        }
        None => Err(LaunchError::LauncherEnded),
    }
}

/// Puts a function's directories into a sandbox and starts its program there.
pub(crate) async fn start(
    shared: &Shared,
    unused: Unused,
    spec: &Spec,
) -> Result<Sandbox, LaunchError> {
    let Unused { mut process, output, log, listeners } = unused;
    // A sandbox with the host's network is listened to on a port of its own.
    let (runtime_api, edge) = match listeners {
        Some((runtime_api, edge)) => (runtime_api, Some(edge)),
        None => (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(talk)?, None),
    };
    let own_listener = edge.is_none().then_some(&runtime_api);
    let request = encode(shared, Kind::Start, process.id, spec, own_listener)?;
    // It was built with the least limits that there are, which hold until these do.
    send(&process.launcher.socket, &request, &[]).await?;
    bound(&mut process, spec.limits)?;
    share(shared, &mut process, spec)?;
    let connection = {
        let _alone = process.reading.lock().await;
        tokio::select! {
            biased;
            // A program that has connected has been started: that is known before it is told.
            Ok((connection, _)) = runtime_api.accept() => Some(connection),
            result = started(&process, shared, spec) => {
                result?;
                None
            }
        }
    };
    Ok(Sandbox { runtime_api, connection, edge, output, log, process })
}

/// Waits until the program is executed.
async fn started(process: &Process, shared: &Shared, spec: &Spec) -> Result<(), LaunchError> {
    match process.next_news().await {
        Some(News::Started) => Ok(()),
        Some(news) => Err(not_started(news, shared, spec)),
        None => Err(LaunchError::LauncherEnded),
    }
}

/// Puts a function's directories and limits into a sandbox whose program runs already.
pub(crate) async fn furnish(
    shared: &Shared,
    process: &mut Process,
    mounts: &[Mount],
    limits: Limits,
) -> Result<(), LaunchError> {
    if !process.is_running() {
        return Err(LaunchError::Killed);
    }
    let spec = Spec { mounts: mounts.to_vec(), limits, ..Spec::new(Vec::<String>::new()) };
    let request = encode(shared, Kind::Furnish, process.id, &spec, None)?;
    send(&process.launcher.socket, &request, &[]).await?;
    bound(process, limits)?;
    share(shared, process, &spec)?;
    let _alone = process.reading.lock().await;
    loop {
        match process.next_news().await {
            Some(News::Furnished) => return Ok(()),
            // Of the start, when a connection came before it was told.
            Some(News::Started) => {}
            Some(news) => {
                process.course().go_on(&news);
                return Err(not_started(news, shared, &spec));
            }
            None => return Err(LaunchError::LauncherEnded),
        }
    }
}

/// Has a snapshot taken of what runs in a sandbox.
pub(crate) async fn take_snapshot(
    process: &Process,
    file: &File,
    port: u16,
) -> Result<(), SnapshotError> {
    let port = port.to_ne_bytes();
    let request = [request::TAKE, process.id.0.to_ne_bytes().as_slice(), &port].concat();
    ask_aside(&process.launcher, &request, file).await
}

/// Has a program started in a sandbox that goes on from a snapshot, and waits for its connection.
pub(crate) async fn restore(
    shared: &Shared,
    unused: Unused,
    spec: &Spec,
    snapshot: &File,
) -> Result<Sandbox, SnapshotError> {
    let Unused { mut process, output, log, listeners } = unused;
    let Some((runtime_api, edge)) = listeners else {
        let reason = "bring back a snapshot: the sandbox has no network of its own".to_owned();
        return Err(SnapshotError::Failed { reason });
    };
    let request = encode(shared, Kind::Restore, process.id, spec, None)?;
    bound(&mut process, spec.limits)?;
    share(shared, &mut process, spec)?;
    let request = [request::RESTORE, &request].concat();
    ask_aside(&process.launcher, &request, snapshot).await?;
    let (connection, _) = runtime_api.accept().await.map_err(talk)?;
    Ok(Sandbox {
        runtime_api,
        connection: Some(connection),
        edge: Some(edge),
        output,
        log,
        process,
    })
}

/// Asks for what a child of the launcher does, and waits for what comes of it.
async fn ask_aside(launcher: &Running, request: &[u8], file: &File) -> Result<(), SnapshotError> {
    let (ours, theirs) = descriptors::message_pair().map_err(talk)?;
    descriptors::set_nonblocking(&ours).map_err(talk)?;
    send(&launcher.socket, request, &[theirs.as_fd(), file.as_fd()]).await?;
    drop(theirs);
    let reply = UnixStream::from_std(ours.into()).map_err(talk)?;
    let mut buffer = vec![0; OUTCOME_BYTES_MAX];
    let receive = || descriptors::receive(&reply, &mut buffer, Wait::Never);
    let (length, _) = reply.async_io(Interest::READABLE, receive).await.map_err(talk)?;
    match serde_json::from_slice(buffer.get(..length).unwrap_or_default()) {
        Ok(Outcome::Done) => Ok(()),
        Ok(Outcome::Obstacle(what)) => Err(SnapshotError::Obstacle { what }),
        Ok(Outcome::Stale(what)) => Err(SnapshotError::Stale { what }),
        Ok(Outcome::Failed(reason)) => Err(SnapshotError::Failed { reason }),
        Ok(Outcome::Full) => {
            let sandboxes_max = 0;
            Err(LaunchError::Full { sandboxes_max }.into())
        }
        // Killed on the way, with the sandbox or with the launcher.
        Err(_) => Err(LaunchError::Killed.into()),
    }
}

/// The longest answer: it may name a file.
const OUTCOME_BYTES_MAX: usize = 16 << 10;

/// A TCP socket in a sandbox's network, not connected. Whatever it is connected to is inside.
pub(crate) async fn outlet(process: &Process) -> io::Result<OwnedFd> {
    let Some(network) = &process.network else {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        return Ok(socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?);
    };
    socket_in(process, network, OUTLET).await
}

/// The UDP socket where the function finds the X-Ray daemon.
pub(crate) async fn daemon(process: &Process) -> io::Result<OwnedFd> {
    match &process.network {
        Some(network) => socket_in(process, network, DAEMON).await,
        // Its address is not this machine's to give away.
        None => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Has the launcher open a socket in a sandbox's network.
async fn socket_in(process: &Process, network: &OwnedFd, asked: &[u8]) -> io::Result<OwnedFd> {
    let (ours, theirs) = descriptors::message_pair()?;
    descriptors::set_nonblocking(&ours)?;
    let sent = send(&process.launcher.socket, asked, &[theirs.as_fd(), network.as_fd()]).await;
    sent.map_err(io::Error::other)?;
    drop(theirs);
    let reply = UnixStream::from_std(ours.into())?;
    let mut buffer = [0; news::LENGTH_MAX];
    let receive = || descriptors::receive(&reply, &mut buffer, Wait::Never);
    let (_, mut passed) = reply.async_io(Interest::READABLE, receive).await?;
    passed.pop().ok_or_else(|| io::Error::other("the launcher made no socket"))
}

fn bound(process: &mut Process, limits: Limits) -> Result<(), LaunchError> {
    if let Some(group) = &process.group {
        let (limiters, watch) = (&process.limiters, process.watch.as_ref());
        limits::bound(group, limiters, watch, Some(process.limits), limits).map_err(not_limited)?;
        process.limits = limits;
    }
    Ok(())
}

/// The program may run already: this is its share of what it has as long as it runs, and not a bound.
fn share(shared: &Shared, process: &mut Process, spec: &Spec) -> Result<(), LaunchError> {
    let mut cpu = shared.cpu_limits(spec.limits.memory_bytes, Phase::Init);
    cpu.stands_back = spec.is_ahead;
    if process.group.is_some() {
        limits::share(&process.limiters, Some(process.cpu), cpu).map_err(not_limited)?;
        process.cpu = cpu;
    }
    process.cpu_after_init = shared.cpu_limits(spec.limits.memory_bytes, Phase::Invoke);
    if !spec.is_ahead {
        process.close_limits();
    }
    Ok(())
}

fn talk(source: io::Error) -> LaunchError {
    LaunchError::Talk { source }
}

fn not_limited(source: io::Error) -> LaunchError {
    LaunchError::Step { step: Step::Limits, thing: String::new(), source }
}

/// What news mean that came in place of good ones.
fn not_started(news: News, shared: &Shared, spec: &Spec) -> LaunchError {
    match news {
        News::Failed { step, index, errno } => failed(step, index, errno, spec),
        News::Full => LaunchError::Full { sandboxes_max: shared.options.sandboxes_max },
        _ => LaunchError::Killed,
    }
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
            let watched = descriptors::duplicate(socket).map(Into::into);
            let watched = watched.and_then(UnixStream::from_std).map_err(talk)?;
            watched.async_io(Interest::WRITABLE, send).await
        }
        result => result,
    };
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => LaunchError::LauncherEnded,
        _ => talk(error),
    })
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
    kind: Kind,
    sandbox: SandboxId,
    spec: &Spec,
    own_listener: Option<&TcpListener>,
) -> Result<Vec<u8>, LaunchError> {
    let runtime_api = match own_listener.and_then(|listener| listener.local_addr().ok()) {
        Some(address) => address,
        None => RUNTIME_API,
    };
    let edge = if own_listener.is_some() { shared.edge_address } else { EDGE };
    let mut added = vec![
        (RUNTIME_API_VARIABLE, runtime_api.to_string()),
        (LOG_PIPE_VARIABLE, LOG_PIPE.to_string()),
    ];
    if !spec.env.iter().any(|(name, _)| name == ENDPOINT_VARIABLE) {
        added.push((ENDPOINT_VARIABLE, format!("http://{edge}")));
    }
    // A plain process has no mounts: it is told where the directories really are.
    let moved: &[Mount] = if shared.level == Level::L0 { &spec.mounts } else { &[] };
    let in_place =
        |text: &str| if moved.is_empty() { text.to_owned() } else { relocate(text, moved) };

    if spec.mounts.len() > MOUNTS_MAX {
        return Err(LaunchError::TooMany { count: spec.mounts.len(), count_max: MOUNTS_MAX });
    }
    let counts = [spec.mounts.len(), spec.argv.len(), spec.env.len() + added.len()];
    let mut encoder = Encoder::new(kind, sandbox, spec.limits, counts)?;
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
