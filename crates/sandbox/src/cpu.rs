// SPDX-License-Identifier: Apache-2.0
//! How much CPU time belongs to how much memory. Pure.

use crate::CpuPolicy;
use sys::cgroup::cpu::PERIOD_US;

/// What AWS calls one vCPU's worth of memory.
pub(crate) const VCPU_MEMORY_MB: u64 = 1769;

/// What is written to the CPU controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuLimits {
    pub(crate) shares: u64,
    /// Nobody waits for it: it runs where nobody else wants to.
    pub(crate) stands_back: bool,
    pub(crate) quota_us: Option<u64>,
}

/// Which part of its life a function is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Init,
    Invoke,
}

/// What the kernel calls the least share: of what nobody waits for, where it can not stand back.
pub(crate) const LEAST_SHARES: u64 = 2;

/// The limits of a function of this much memory on a machine of `cpu_count` CPUs.
pub(crate) fn limits(
    memory_bytes: u64,
    policy: CpuPolicy,
    phase: Phase,
    cpu_count: u64,
) -> CpuLimits {
    let memory_mb = memory_bytes >> 20;
    let shares = (memory_mb * 1024).div_ceil(VCPU_MEMORY_MB).max(LEAST_SHARES);
    let quota_us = match (policy, phase) {
        (CpuPolicy::Quota, Phase::Init) => None,
        (CpuPolicy::Quota, Phase::Invoke) => {
            Some((memory_mb * PERIOD_US / VCPU_MEMORY_MB).max(1000))
        }
        (CpuPolicy::Share, _) => {
            let visible = visible_vcpus(memory_mb);
            (visible < cpu_count).then_some(visible * PERIOD_US)
        }
    };
    CpuLimits { shares, stands_back: false, quota_us }
}

/// The share of all sandboxes together: twice that of one busy process for each CPU. The kernel would give them all as much as
/// it gives one process, and the server's own threads would crowd out what they wait for.
pub(crate) fn all_shares() -> u64 {
    let cpus = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    2048 * cpus
}

/// How many vCPUs AWS shows a function of this size.
const fn visible_vcpus(memory_mb: u64) -> u64 {
    match memory_mb {
        0..3009 => 2,
        3009..5308 => 3,
        5308..7077 => 4,
        7077..8846 => 5,
        8846.. => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        memory_mb: u64,
        policy: CpuPolicy,
        phase: Phase,
        cpu_count: u64,
    ) -> (u64, Option<u64>) {
        let limits = limits(memory_mb << 20, policy, phase, cpu_count);
        (limits.shares, limits.quota_us)
    }

    #[test]
    fn a_share_grows_with_memory_and_idle_time_may_be_used() {
        assert_eq!(check(128, CpuPolicy::Share, Phase::Invoke, 2), (75, None));
        assert_eq!(check(1769, CpuPolicy::Share, Phase::Init, 2), (1024, None));
        assert_eq!(check(1769, CpuPolicy::Share, Phase::Init, 8), (1024, Some(200_000)));
        assert_eq!(check(10240, CpuPolicy::Share, Phase::Invoke, 64), (5928, Some(600_000)));
    }

    #[test]
    fn a_quota_is_aws_share_of_a_vcpu_after_init() {
        assert_eq!(check(128, CpuPolicy::Quota, Phase::Init, 8), (75, None));
        assert_eq!(check(128, CpuPolicy::Quota, Phase::Invoke, 8), (75, Some(7_235)));
        assert_eq!(check(1769, CpuPolicy::Quota, Phase::Invoke, 8), (1024, Some(100_000)));
        assert_eq!(
            check(1, CpuPolicy::Quota, Phase::Invoke, 8),
            (2, Some(1000)),
            "the kernel's least"
        );
    }
}
