// SPDX-License-Identifier: Apache-2.0
//! What every test here needs: a launcher of its own, sandboxes that run a shell command, and their output.

#![allow(dead_code, reason = "each test file uses a part of it")]

use sandbox::{Exit, Launcher, Level, Limits, Mount, Network, Options, Sandbox, Spec};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sandbox-launcher");

pub(crate) const EDGE: &str = "127.0.0.1:4566";

/// Without root there is nothing of level 2 to test. Says so where it is the reason.
pub(crate) fn is_root() -> bool {
    let is_root = sys::identity::is_privileged();
    if !is_root {
        eprintln!("skipped: needs root");
    }
    is_root
}

pub(crate) fn options() -> Options {
    Options { level: Some(Level::L2), network: Some(Network::None), ..Options::default() }
}

pub(crate) fn start(options: &Options) -> Launcher {
    Launcher::start_program(Path::new(PROGRAM), options, EDGE.parse().unwrap()).unwrap()
}

/// A sandbox that runs a script of the shell.
pub(crate) fn shell(script: &str) -> Spec {
    let mut spec = Spec::new(["/bin/sh", "-c", script]);
    spec.env.push(("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()));
    spec
}

pub(crate) fn with_memory(mut spec: Spec, memory_mb: u64) -> Spec {
    spec.limits = Limits { memory_bytes: memory_mb << 20, ..spec.limits };
    spec
}

pub(crate) fn with_mount(mut spec: Spec, source: &Path, target: &str) -> Spec {
    spec.mounts.push(Mount { source: source.to_owned(), target: target.into() });
    spec
}

/// Runs a sandbox to its end: what it printed, and how it ended.
pub(crate) async fn run(launcher: &Launcher, spec: Spec) -> (String, Exit) {
    let sandbox = launcher.launch(spec).await.unwrap();
    let text = output(&sandbox).await;
    let exit = limited(sandbox.exited()).await;
    (text, exit)
}

/// Everything that a sandbox prints until its last process has ended.
pub(crate) async fn output(sandbox: &Sandbox) -> String {
    // A sandbox outlives its program, and holds its end of the pipe.
    let end = async {
        limited(sandbox.process.emptied()).await;
        sandbox.kill();
    };
    tokio::join!(read_until(sandbox, |_| false), end).0
}

/// What a sandbox prints until `is_enough`, or until its end.
pub(crate) async fn read_until(sandbox: &Sandbox, is_enough: impl Fn(&str) -> bool) -> String {
    let mut pipe = Receiver::from_owned_fd(sandbox.output.try_clone().unwrap()).unwrap();
    let mut text = String::new();
    while !is_enough(&text) {
        let mut buffer = [0; 4096];
        let length = limited(pipe.read(&mut buffer)).await.unwrap();
        if length == 0 {
            break;
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

/// A test that hangs is a test that fails.
pub(crate) async fn limited<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("took longer than 30 s")
}

/// Asks again and again until it holds.
pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(),
        "never happened: {what}"
    );
}
