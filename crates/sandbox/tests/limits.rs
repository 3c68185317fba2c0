// SPDX-License-Identifier: Apache-2.0
//! What a function may use, and what happens when it wants more.

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
    with_mount,
};
use sandbox::{CpuPolicy, Exit, Limits, Options, Spec};
use std::os::unix::fs::PermissionsExt as _;

/// A program that fills this much memory.
fn greedy(memory_mb: u32) -> Spec {
    Spec::new([
        "/usr/bin/perl",
        "-e",
        &format!("my $x = 'x' x ({memory_mb} << 20); print length($x), \"\\n\""),
    ])
}

#[tokio::test]
async fn too_much_memory_ends_a_function_and_not_its_neighbour() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let neighbour = launcher.launch(shell("echo ready; read x; sleep 12345")).await.unwrap();
    let sandbox = launcher.launch(with_memory(greedy(300), 128)).await.unwrap();

    assert_eq!(limited(sandbox.exited()).await, Exit::Signal(9));
    assert!(sandbox.is_out_of_memory());
    let peak = sandbox.memory_peak();
    assert!((100 << 20..=128 << 20).contains(&peak.own_bytes), "{peak:?}");
    assert!(!neighbour.is_out_of_memory());
}

#[tokio::test]
async fn enough_memory_is_counted_and_not_ended() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(with_memory(greedy(30), 128)).await.unwrap();
    assert_eq!(limited(sandbox.exited()).await, Exit::Code(0));
    assert!(!sandbox.is_out_of_memory());
    let peak = sandbox.memory_peak();
    assert!((30 << 20..100 << 20).contains(&peak.own_bytes), "{peak:?}");
}

/// Fills `/tmp` with so much, and then takes memory.
fn filler(tmp_mb: u32, then: &str) -> Spec {
    let program = format!(
        "$| = 1; open(my $f, '>', '/tmp/ballast') or die; my $m = 'x' x (1 << 20); \
         for (1 .. {tmp_mb}) {{ syswrite($f, $m) == 1 << 20 or die $! }} print \"full\\n\"; {then}"
    );
    with_memory(Spec::new(["/usr/bin/perl", "-e", &program]), 128)
}

#[tokio::test]
async fn a_full_tmp_leaves_a_function_all_of_its_memory() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let spec = filler(300, "my $n = 90 << 20; my $x = 'x' x $n; print length($x), \"\\n\"");
    let sandbox = launcher.launch(spec).await.unwrap();
    let text = read_until(&sandbox, |text| text.contains("94371840")).await;
    assert!(text.contains("94371840"), "{text}");
    assert_eq!(limited(sandbox.exited()).await, Exit::Code(0));
    assert!(!sandbox.is_out_of_memory());
    let peak = sandbox.memory_peak();
    assert!((90 << 20..=128 << 20).contains(&peak.own_bytes), "{peak:?}");
    assert!(peak.all_bytes > 390 << 20, "{peak:?}");
}

#[tokio::test]
async fn a_full_tmp_leaves_a_function_no_more_than_its_memory() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    for spec in [
        filler(200, "my $x = 'x' x (300 << 20); sleep 12345"),
        // Room that was /tmp's is not memory's.
        filler(300, "unlink '/tmp/ballast'; close $f; my $x = 'x' x (200 << 20); sleep 12345"),
    ] {
        let sandbox = launcher.launch(spec).await.unwrap();
        assert_eq!(limited(sandbox.exited()).await, Exit::Signal(9));
        assert!(sandbox.is_out_of_memory());
        assert!(limited(sandbox.process.emptied()).await, "the sandbox stays");
        sandbox.process.start_again().await.unwrap();
        assert!(!sandbox.is_out_of_memory(), "that was before");
    }
}

#[tokio::test]
async fn pages_of_files_are_not_memory() {
    if !is_root() {
        return;
    }
    let code = tempfile::tempdir().unwrap();
    std::fs::set_permissions(code.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(code.path().join("large"), vec![1; 300 << 20]).unwrap();
    let launcher = start(&options());
    let script = "cat /var/task/large > /dev/null && cat /var/task/large > /dev/null; echo read";
    let spec = with_mount(with_memory(shell(script), 128), code.path(), "/var/task");
    let sandbox = launcher.launch(spec).await.unwrap();
    assert_eq!(limited(sandbox.exited()).await, Exit::Code(0));
    let peak = sandbox.memory_peak();
    assert!(peak.own_bytes < 100 << 20, "{peak:?}");
}

#[tokio::test]
async fn a_fork_bomb_stays_in_its_sandbox_and_dies_with_it() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    // The shell itself forks once, before the bomb: one that cannot fork ends.
    let mut spec = shell("b() { b | b & }; (b) 2>/dev/null; echo armed; exec sleep 12345");
    spec.limits = Limits { pids_max: 64, memory_bytes: 512 << 20, ..spec.limits };
    let bomb = launcher.launch(spec).await.unwrap();
    read_until(&bomb, |text| text.contains("armed")).await;
    assert_eq!(
        run(&launcher, shell("for i in 1 2 3; do /bin/true || exit 1; done")).await.1,
        Exit::Code(0)
    );
    bomb.kill();
    limited(bomb.exited()).await;
    output(&bomb).await;
}

#[tokio::test]
async fn processes_and_open_files_have_their_limits() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let program = "$| = 1; my $n = 0; while (1) { my $p = fork; last unless defined $p; if (!$p) { sleep 12345 } $n++; } \
                   my @f; while (open(my $f, '<', '/dev/null')) { push @f, $f } print \"$n $#f\\n\"; kill 9, $$";
    let mut spec = Spec::new(["/usr/bin/perl", "-e", program]);
    spec.limits = Limits { pids_max: 20, open_files_max: 50, ..spec.limits };
    let (text, exit) = run(&launcher, spec).await;
    // One of the 20 is the program itself.
    let counts: Vec<u32> = text.split_whitespace().map(|count| count.parse().unwrap()).collect();
    assert!(counts[0] == 19, "{text}");
    assert!((44..=47).contains(&counts[1]), "{text}");
    assert_eq!(exit, Exit::Signal(9));
}

#[tokio::test]
async fn a_frozen_sandbox_stands_still_and_can_be_killed() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(shell("while :; do echo tick; sleep 0.01; done")).await.unwrap();
    read_until(&sandbox, |text| text.contains("tick")).await;
    sandbox.freeze().unwrap();
    wait_until("frozen", || sandbox.process.is_frozen().unwrap()).await;
    let mut pipe = std::fs::File::from(sandbox.output.try_clone().unwrap());
    while std::io::Read::read(&mut pipe, &mut [0; 4096]).is_ok() {}
    sandbox.thaw().unwrap();
    read_until(&sandbox, |text| text.contains("tick")).await;
    sandbox.freeze().unwrap();
    wait_until("frozen", || sandbox.process.is_frozen().unwrap()).await;
    sandbox.kill();
    assert_eq!(limited(sandbox.exited()).await, Exit::Killed);
}

#[tokio::test]
async fn the_cpu_quota_begins_after_init() {
    if !is_root() {
        return;
    }
    let launcher = start(&Options { cpu: CpuPolicy::Quota, ..options() });
    // Counts what it gets of one CPU in wall-clock time, again and again.
    let program = "$| = 1; use Time::HiRes 'time'; while (1) { my ($w, $c) = (time, (times)[0]); \
                   1 while time - $w < 0.4; printf \"%d\\n\", 100 * ((times)[0] + (times)[1] - $c) / (time - $w); }";
    let sandbox = launcher
        .launch(with_memory(Spec::new(["/usr/bin/perl", "-e", program]), 177))
        .await
        .unwrap();
    read_until(&sandbox, |text| text.lines().count() >= 1).await;
    sandbox.init_done();
    // A tenth of a CPU, twice that where there is burst to use up. Generous: the machine may be busy.
    let is_slow = |text: &str| {
        text.lines().filter_map(|line| line.parse().ok()).any(|percent: u32| percent <= 35)
    };
    let text = read_until(&sandbox, is_slow).await;
    assert!(is_slow(&text), "{text}");
}

#[tokio::test]
async fn who_computes_for_long_stands_back_until_it_has_rested() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let sandbox = launcher.launch(shell("while :; do :; done")).await.unwrap();
    let process = &sandbox.process;
    assert!(!process.stands_back());
    let an_hour = std::time::Duration::from_secs(3600);
    let mut is_known = true;
    wait_until("standing back", || {
        is_known = process.pace() < an_hour;
        process.stands_back() || !is_known
    })
    .await;
    if !is_known {
        eprintln!("skipped: needs Linux 5.15, and cgroups of version 2 to be mounted");
        return;
    }
    process.freeze().unwrap();
    wait_until("up again", || {
        process.pace();
        !process.stands_back()
    })
    .await;
}
