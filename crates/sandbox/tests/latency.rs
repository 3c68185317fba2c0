// SPDX-License-Identifier: Apache-2.0
//! How long a launch takes. Prints what it measured; fails only where something is badly wrong.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{is_root, limited, options, start};
use sandbox::{Exit, Launcher, Spec};
use std::time::Duration;
use tokio::time::Instant;

const LAUNCH_COUNT: usize = 100;

#[tokio::test]
async fn a_launch_is_a_matter_of_milliseconds() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    measure_latency(&launcher).await;
    // Not at the same time.
    measure_rate(&launcher).await;
}

/// One at a time, with pauses.
async fn measure_latency(launcher: &Launcher) {
    let (mut launched, mut ended) = (Vec::new(), Vec::new());
    for _ in 0..LAUNCH_COUNT {
        let start = Instant::now();
        let sandbox = launcher.launch(Spec::new(["/bin/true"])).await.unwrap();
        launched.push(start.elapsed());
        assert_eq!(limited(sandbox.exited()).await, Exit::Code(0));
        ended.push(start.elapsed());
        drop(sandbox);
        // As a rare cold start finds it: idle, with the pools full.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for (what, times) in [("executed", &mut launched), ("ended", &mut ended)] {
        times.sort();
        eprintln!(
            "{what}: p50 {:?}, p90 {:?}, least {:?}",
            times[LAUNCH_COUNT / 2],
            times[LAUNCH_COUNT * 9 / 10],
            times[0]
        );
    }
    assert!(launched[LAUNCH_COUNT / 2] < Duration::from_millis(100));
}

/// Eight at a time, without a pause.
async fn measure_rate(launcher: &Launcher) {
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    let mut count = 0;
    while count < 4 * LAUNCH_COUNT {
        while running.len() < 8 {
            let launcher = launcher.clone();
            running.spawn(async move {
                let sandbox = launcher.launch(Spec::new(["/bin/true"])).await.unwrap();
                limited(sandbox.exited()).await
            });
        }
        assert_eq!(running.join_next().await.unwrap().unwrap(), Exit::Code(0));
        count += 1;
    }
    let rate = u128::try_from(count).unwrap() * 1_000_000 / start.elapsed().as_micros();
    eprintln!("sustained: {rate} starts per second");
    assert!(rate > 10);
}
