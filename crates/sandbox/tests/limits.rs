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
};
use sandbox::{CpuPolicy, Exit, Limits, Options, Spec};

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
    let peak = sandbox.memory_peak_bytes();
    assert!((100 << 20..=128 << 20).contains(&peak), "{peak}");
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
    let peak = sandbox.memory_peak_bytes();
    assert!((30 << 20..100 << 20).contains(&peak), "{peak}");
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
