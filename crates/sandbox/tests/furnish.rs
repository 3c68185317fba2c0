// SPDX-License-Identifier: Apache-2.0
//! A sandbox whose program runs already becomes a function's: directories and limits are put into it from outside.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{is_root, limited, options, output, read_until, shell, start, with_memory};
use sandbox::{Exit, LaunchError, Limits, Mount, Sandbox, Step};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn mount(source: &Path, target: &str) -> Mount {
    Mount { source: source.to_owned(), target: target.into() }
}

/// A function's directory, which the sandbox's user may read.
fn code(text: &str) -> tempfile::TempDir {
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("code"), text).unwrap();
    std::fs::set_permissions(code.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    code
}

/// Waits for a line of the function's code.
const WAITING: &str =
    "echo waiting; until [ -e /var/task/code ]; do sleep 0.01; done; cat /var/task/code; ";

async fn ready(sandbox: &Sandbox) {
    read_until(sandbox, |text| text.contains("waiting")).await;
}

#[tokio::test]
async fn code_appears_in_a_running_sandbox_and_stays_read_only() {
    if !is_root() {
        return;
    }
    let code = code("the function\n");
    let launcher = start(&options());
    let script = format!("{WAITING} touch /var/task/x || echo refused; df -k /tmp | tail -1");
    let mut sandbox = launcher.launch(shell(&script)).await.unwrap();
    ready(&sandbox).await;

    let limits = Limits { tmp_bytes: 1 << 20, ..Limits::default() };
    launcher
        .furnish(&mut sandbox.process, &[mount(code.path(), "/var/task")], limits)
        .await
        .unwrap();

    let text = output(&sandbox).await;
    assert!(text.contains("the function") && text.contains("refused"), "{text}");
    assert!(text.split_whitespace().any(|word| word == "1024"), "/tmp has its new size: {text}");
}

#[tokio::test]
async fn a_neighbour_sees_nothing_of_it() {
    if !is_root() {
        return;
    }
    let code = code("the function\n");
    let launcher = start(&options());
    let mut sandbox = launcher.launch(shell(WAITING)).await.unwrap();
    let neighbour = launcher.launch(shell("echo waiting; read x; ls -A /var/task")).await.unwrap();
    ready(&sandbox).await;
    ready(&neighbour).await;

    launcher
        .furnish(&mut sandbox.process, &[mount(code.path(), "/var/task")], Limits::default())
        .await
        .unwrap();

    assert!(output(&sandbox).await.contains("the function"));
    let later = launcher.launch(shell("ls -A /var/task")).await.unwrap();
    assert_eq!(output(&later).await, "", "nor does a sandbox that is made later");
}

#[tokio::test]
async fn the_new_memory_limit_holds() {
    if !is_root() {
        return;
    }
    let code = code("go\n");
    let launcher = start(&options());
    let script = format!("{WAITING} exec perl -e 'my $x = q(x) x (300 << 20); print length($x)'");
    let mut sandbox = launcher.launch(with_memory(shell(&script), 1024)).await.unwrap();
    ready(&sandbox).await;

    let limits = Limits { memory_bytes: 128 << 20, ..Limits::default() };
    launcher
        .furnish(&mut sandbox.process, &[mount(code.path(), "/var/task")], limits)
        .await
        .unwrap();

    assert_eq!(limited(sandbox.exited()).await, Exit::Signal(9));
    assert!(sandbox.is_out_of_memory());
}

#[tokio::test]
async fn what_cannot_be_mounted_is_told() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let mut sandbox = launcher.launch(shell("exec sleep 12345")).await.unwrap();
    let missing = [mount(Path::new("/nonexistent"), "/var/task")];

    let result = launcher.furnish(&mut sandbox.process, &missing, Limits::default()).await;

    let Err(LaunchError::Step { step, thing, .. }) = result else { panic!("{result:?}") };
    assert_eq!((step, thing.as_str()), (Step::OpenMount, "/nonexistent"));
}
