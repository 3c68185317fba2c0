// SPDX-License-Identifier: Apache-2.0
//! How sandboxes begin and end.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{
    is_root, limited, options, output, read_until, run, shell, start, wait_until, with_memory,
};
use std::io::Read as _;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpSocket;

use sandbox::{Blame, Exit, LaunchError, Launcher, Level, Options, Spec, Step};

#[tokio::test]
async fn the_end_of_the_runtime_is_told() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    for (script, exit) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -SEGV $$", Exit::Signal(11)),
        // What is left behind does not hold up the end.
        ("/bin/sleep 1000 & exit 3", Exit::Code(3)),
    ] {
        assert_eq!(run(&launcher, shell(script)).await.1, exit, "{script}");
    }
}

#[tokio::test]
async fn both_outputs_are_one_pipe_and_input_is_empty() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let (text, _) =
        run(&launcher, shell("cat; echo one; echo two >&2; ls -l /proc/self/fd | wc -l")).await;
    // The total, 0, 1, 2, the log pipe, and the directory that is being read.
    assert_eq!(text, "one\ntwo\n6\n");
}

#[tokio::test]
async fn a_program_ignores_no_signal_and_has_none_blocked() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let (text, _) =
        run(&launcher, shell("exec /bin/grep -E 'Sig(Ign|Blk)' /proc/self/status")).await;
    assert_eq!(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

/// As on Amazon Linux, whose path for libraries names this directory first. A machine without this C library has none.
#[tokio::test]
async fn a_linker_finds_the_c_library_at_its_first_look() {
    if !is_root() || std::fs::canonicalize("/lib64/ld-linux-x86-64.so.2").is_err() {
        return;
    }
    let launcher = start(&options());
    let mut spec = Spec::new(["/lib64/ld-linux-x86-64.so.2", "--list", "/bin/sh"]);
    let path = "/var/lang/lib:/lib64:/usr/lib64:/var/task/lib";
    spec.env.push(("LD_LIBRARY_PATH".into(), path.into()));
    spec.env.push(("LD_DEBUG".into(), "libs".into()));
    let (text, exit) = run(&launcher, spec).await;
    let tried: Vec<&str> = text.lines().filter(|line| line.contains("trying file=")).collect();
    assert_eq!(tried.len(), 1, "the first look is right: {tried:?}");
    assert!(text.contains("libc.so.6 => /var/lang/lib/glibc-hwcaps/"), "{text}");
    assert_eq!(exit, Exit::Code(0));
}

#[tokio::test]
async fn nothing_is_made_ahead_while_somebody_waits() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let (quiet, patience) = (Duration::from_millis(1), Duration::from_secs(600));
    limited(launcher.calm(quiet, patience)).await;
    let hurry = launcher.hurry();
    let calm = launcher.calm(quiet, patience);
    tokio::pin!(calm);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut calm).await;
    assert!(early.is_err(), "somebody is in a hurry");
    drop(hurry);
    limited(calm).await;
    let _hurry = launcher.hurry();
    limited(launcher.calm(quiet, Duration::from_millis(20))).await;
}

#[tokio::test]
async fn log_records_have_a_pipe_of_their_own() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let script = "printf record >&$_LAMBDA_TELEMETRY_LOG_FD; echo printed";
    let sandbox = launcher.launch(shell(script)).await.unwrap();
    assert_eq!(output(&sandbox).await, "printed\n");
    let mut record = String::new();
    let mut pipe = std::fs::File::from(sandbox.log.try_clone().unwrap());
    pipe.read_to_string(&mut record).unwrap();
    assert_eq!(record, "record");
}

#[tokio::test]
async fn an_outlet_leads_into_the_sandbox_s_network() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(shell("exec sleep 1000")).await.unwrap();
    let inside = &sandbox.runtime_api;
    for _ in 0..2 {
        let outlet = TcpSocket::from_std_stream(sandbox.process.outlet().await.unwrap().into());
        let connected = outlet.connect(inside.local_addr().unwrap());
        let (connected, accepted) =
            limited(async { tokio::join!(connected, inside.accept()) }).await;
        assert_eq!(connected.unwrap().local_addr().unwrap(), accepted.unwrap().1);
    }
}

#[tokio::test]
async fn a_daemon_hears_its_own_sandbox() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let send = "while true; do echo $0 > /dev/udp/169.254.100.1/2000; sleep 0.05; done";
    let mut sandboxes = Vec::new();
    for name in ["one", "two"] {
        let script = format!("exec bash -c '{send}' {name} 2> /dev/null");
        let sandbox = launcher.launch(shell(&script)).await.unwrap();
        let daemon = UdpSocket::from(sandbox.process.daemon().await.unwrap());
        assert!(sandbox.process.daemon().await.is_err(), "there is one");
        sandboxes.push((name, sandbox, tokio::net::UdpSocket::from_std(daemon).unwrap()));
    }
    for (name, _sandbox, daemon) in &sandboxes {
        for _ in 0..3 {
            let mut message = [0; 16];
            let length = limited(daemon.recv(&mut message)).await.unwrap();
            assert_eq!(&message[..length], format!("{name}\n").as_bytes());
        }
    }
}

#[tokio::test]
async fn a_killed_sandbox_leaves_no_process() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let script = "(setsid sh -c 'echo ready; exec sleep 12345') & (trap '' TERM INT HUP; sleep 12345) & wait";
    let sandbox = launcher.launch(shell(script)).await.unwrap();
    read_until(&sandbox, |text| text.contains("ready")).await;

    sandbox.kill();

    assert_eq!(limited(sandbox.exited()).await, Exit::Killed);
    // The pipe ends only when the last process that holds it is gone.
    output(&sandbox).await;
}

#[tokio::test]
async fn an_emptied_sandbox_keeps_its_tmp_and_nothing_else() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let script = "cat /tmp/seen; echo $A; set -- /proc/[0-9]*; echo $#; echo $A >>/tmp/seen; \
        (setsid sleep 12345) & (trap '' TERM; sleep 12345) & echo ready; wait";
    let mut spec = shell(script);
    spec.env.push(("A".into(), "a".into()));
    let sandbox = launcher.launch(spec).await.unwrap();
    read_until(&sandbox, |text| text.contains("ready")).await;

    sandbox.process.empty();
    assert_eq!(limited(sandbox.exited()).await, Exit::Signal(9));
    assert!(limited(sandbox.process.emptied()).await);
    limited(sandbox.process.start_again()).await.unwrap();

    let text = read_until(&sandbox, |text| text.contains("ready")).await;
    // What it wrote; its variable; the first process and the shell.
    assert_eq!(text, "a\na\n2\nready\n");
    // Orders that come too late change nothing.
    sandbox.process.terminate();
    assert_eq!(limited(sandbox.exited()).await, Exit::Signal(15));
    assert!(limited(sandbox.process.emptied()).await);
    sandbox.process.empty();
    sandbox.process.terminate();
    limited(sandbox.process.start_again()).await.unwrap();
    read_until(&sandbox, |text| text.contains("ready")).await;
    sandbox.kill();
    assert_eq!(limited(sandbox.exited()).await, Exit::Killed);
    assert!(!limited(sandbox.process.emptied()).await);
    assert!(limited(sandbox.process.start_again()).await.is_err());
}

#[tokio::test]
async fn a_fork_bomb_is_emptied_too() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let script = "test -e /tmp/seen && echo again && exit; touch /tmp/seen; echo ready; \
        bomb() { while :; do bomb & done 2>/dev/null; }; bomb";
    // With memory enough for all of them, so that the kernel need not choose one to kill.
    let sandbox = launcher.launch(with_memory(shell(script), 2048)).await.unwrap();
    read_until(&sandbox, |text| text.contains("ready")).await;

    sandbox.process.empty();
    assert!(limited(sandbox.process.emptied()).await);
    limited(sandbox.process.start_again()).await.unwrap();

    read_until(&sandbox, |text| text.contains("again")).await;
    assert_eq!(limited(sandbox.exited()).await, Exit::Code(0));
}

#[tokio::test]
async fn a_dropped_sandbox_is_killed() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(shell("echo ready; exec sleep 12345")).await.unwrap();
    let (_, second) = (
        read_until(&sandbox, |text| text.contains("ready")).await,
        sandbox.output.try_clone().unwrap(),
    );
    drop(sandbox);
    let mut file = std::fs::File::from(second);
    wait_until("the pipe ends", || matches!(std::io::Read::read(&mut file, &mut [0; 64]), Ok(0)))
        .await;
}

#[tokio::test]
async fn what_cannot_start_says_which_step_failed() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let step = async |spec: Spec| match launcher.launch(spec).await.unwrap_err() {
        error @ LaunchError::Step { step, .. } => (step, error.to_string(), error.blame()),
        error => panic!("another error: {error}"),
    };
    assert_eq!(
        step(Spec::new(["/var/task/bootstrap"])).await,
        (Step::Execute, "failed to execute `/var/task/bootstrap`".into(), Blame::Customer)
    );
    let mut spec = shell("true");
    spec.cwd = "/var/nowhere".into();
    assert_eq!(step(spec).await.0, Step::WorkingDirectory);
    let spec = harness::with_mount(shell("true"), "/does/not/exist".as_ref(), "/var/task");
    assert_eq!(
        step(spec).await,
        (
            Step::OpenMount,
            "failed to open the directory to mount `/does/not/exist`".into(),
            Blame::Platform
        )
    );
    let spec = harness::with_mount(shell("true"), "/usr".as_ref(), "/var/../etc");
    assert_eq!(step(spec).await.0, Step::MountPoint);
    // And the launcher is none the worse for it.
    assert_eq!(run(&launcher, shell("exit 4")).await.1, Exit::Code(4));
}

#[tokio::test]
async fn more_sandboxes_than_allowed_are_refused_until_one_ends() {
    if !is_root() {
        return;
    }
    let launcher = start(&Options { sandboxes_max: 2, ..options() });
    let _first = launcher.launch(shell("exec sleep 12345")).await.unwrap();
    let second = launcher.launch(shell("exec sleep 12345")).await.unwrap();
    let error = launcher.launch(shell("true")).await.unwrap_err();
    assert!(matches!(error, LaunchError::Full { sandboxes_max: 2 }), "{error}");
    drop(second);
    let launched = async {
        loop {
            match launcher.launch(shell("true")).await {
                Ok(_) => break,
                Err(LaunchError::Full { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    limited(launched).await;
}

#[tokio::test]
async fn many_at_once_all_start() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let launcher: Launcher = launcher.clone();
            async move { run(&launcher, shell(&format!("exit {number}"))).await.1 }
        })
        .collect();
    let mut set = tokio::task::JoinSet::new();
    for (number, task) in tasks.into_iter().enumerate() {
        set.spawn(async move { (number, task.await) });
    }
    while let Some(done) = limited(set.join_next()).await {
        let (number, exit) = done.unwrap();
        assert_eq!(exit, Exit::Code(i32::try_from(number).unwrap()));
    }
}

#[tokio::test]
async fn a_launcher_that_died_takes_its_sandboxes_along_and_is_replaced() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let orphan = launcher.launch(shell("echo ready; exec sleep 12345")).await.unwrap();
    read_until(&orphan, |text| text.contains("ready")).await;
    let first = launcher.process_id();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(first.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();

    assert_eq!(limited(orphan.exited()).await, Exit::Killed);
    output(&orphan).await;
    assert_eq!(run(&launcher, shell("exit 5")).await.1, Exit::Code(5));
    assert_ne!(launcher.process_id(), first);
    assert_eq!(launcher.level(), Level::L2);
}

#[tokio::test]
async fn dead_helpers_of_the_launcher_are_replaced() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    run(&launcher, shell("true")).await;
    let id = launcher.process_id();
    // The parked first processes and the network factory.
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    assert!(!children.is_empty());
    for child in children.split_whitespace() {
        let child = rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap();
        let _ = rustix::process::kill_process(child, rustix::process::Signal::KILL);
    }
    let launched = async {
        loop {
            match launcher.launch(shell("exit 6")).await {
                Ok(sandbox) => match sandbox.exited().await {
                    Exit::Killed => {}
                    exit => break exit,
                },
                // Without a factory a launcher gives up, with all its sandboxes, and the next launch starts another.
                Err(error) => assert_eq!(error.blame(), Blame::Platform, "{error}"),
            }
        }
    };
    assert_eq!(limited(launched).await, Exit::Code(6));
}

#[tokio::test]
async fn a_launcher_that_is_stopped_cleans_up() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(shell("echo ready; exec sleep 12345")).await.unwrap();
    read_until(&sandbox, |text| text.contains("ready")).await;
    assert!(!trees_of(std::process::id(), launcher.process_id()).is_empty());
    let process_id = launcher.process_id();
    launcher.stop().unwrap();
    output(&sandbox).await;
    assert_eq!(trees_of(std::process::id(), process_id), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn when_the_server_is_killed_everything_goes() {
    if !is_root() {
        return;
    }
    // A time that nobody else sleeps, to find the process by.
    let marker = format!("98765.{}", std::process::id());
    let mut server = std::process::Command::new(harness::PROGRAM)
        .args(["hold", "/bin/sleep", &marker])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(server.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    let sleepers = || processes_with(&format!("/bin/sleep\0{marker}\0"));
    assert_eq!(sleepers(), 1);
    let name = format!("tinderbox-{}-", server.id());
    assert!(!sys::cgroup::Layout::discover().unwrap().list(&name).is_empty());

    server.kill().unwrap();
    server.wait().unwrap();

    wait_until("the sandbox is gone", || sleepers() == 0).await;
    wait_until("its cgroups are gone", || {
        sys::cgroup::Layout::discover().unwrap().list(&name).is_empty()
    })
    .await;
}

fn processes_with(command_line: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines =
        entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line == command_line).count()
}

/// The cgroup directories of a server whose groups are named after this launcher.
fn trees_of(server: u32, launcher: u32) -> Vec<PathBuf> {
    let layout = sys::cgroup::Layout::discover().unwrap();
    let mut found = Vec::new();
    for place in [&layout.memory, &layout.cpu, &layout.pids, &layout.freezer].into_iter().flatten()
    {
        for tree in layout.list(&format!("tinderbox-{server}-")) {
            let Ok(groups) = std::fs::read_dir(place.path.join(tree)) else { continue };
            let is_ours = |path: &PathBuf| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(&format!("{launcher}-")))
            };
            found.extend(groups.flatten().map(|group| group.path()).filter(is_ours));
        }
    }
    found
}
