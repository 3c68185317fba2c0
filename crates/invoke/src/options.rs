// SPDX-License-Identifier: Apache-2.0
//! The limits of invocations, as operators set them.

use crate::rate::Rate;
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Invocations that may run at once, over all functions; more are throttled. Default: 1000, as a new AWS account has.
    pub concurrency_max: usize,
    /// Invocations per second of a function with reserved concurrency, for each one that is reserved. 0: no limit.
    /// Default: 10, as AWS has.
    pub reserved_requests_per_second: u32,
    /// Invocations per second of all functions without reserved concurrency together. AWS has ten for each of its
    /// concurrency; here the machine sets the limit. Default: 0, no limit.
    pub requests_per_second_max: u32,
    /// Bytes per second of one streamed response after its first 6 MB. AWS has 2097152, which protects a network that many
    /// share; here caller and function set the pace. Default: 0, no limit.
    pub stream_bytes_per_second_max: u32,
    /// Environments that one function may start at once, after a pause. 0: no limit. Default: 1000, as AWS has.
    pub scaling_burst: u32,
    /// Environments that one function may start each second, after that. Default: 100, as AWS has: 1000 in 10 seconds.
    pub scaling_per_second: u32,
    /// Environments that may exist at once, idle ones too. Above it the one idle longest goes first. At most as
    /// many as `sandbox.sandboxes_max`. Default: 1700.
    pub environments_max: usize,
    /// Megabytes that all environments may use together, each counted with the most it has used. Above it the one
    /// idle longest goes first. 0 (the default): three quarters of the machine's memory.
    pub memory_mb_max: u64,
    /// Environments that may be starting at once. 0 (the default): one more than the machine has CPUs.
    pub concurrent_starts_max: usize,
    /// Milliseconds after which an idle environment is frozen: its processes stand still until the next event. 0: never.
    /// Default: 100.
    pub freeze_after_ms: u64,
    /// Milliseconds after which an idle environment is stopped. Default: 300000 (5 minutes).
    pub idle_max_ms: u64,
    /// Milliseconds after which an environment gets no further event, and another takes its place. Its credentials are good
    /// for an hour more. Default: 39600000 (11 hours).
    pub age_max_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency_max: 1000,
            reserved_requests_per_second: 10,
            requests_per_second_max: 0,
            stream_bytes_per_second_max: 0,
            scaling_burst: 1000,
            scaling_per_second: 100,
            environments_max: 1700,
            memory_mb_max: 0,
            concurrent_starts_max: 0,
            freeze_after_ms: 100,
            idle_max_ms: 300_000,
            age_max_ms: 39_600_000,
        }
    }
}

/// What an environment takes of this process's descriptors, and what the rest of it may take.
const DESCRIPTORS_EACH: u64 = 12;
const DESCRIPTORS_OTHER: u64 = 512;

/// What an event may take, and then some: credentials outlast every use of their environment.
const CREDENTIALS_OUTLAST: Duration = Duration::from_secs(3600);

impl Options {
    pub(crate) const fn age_max(&self) -> Duration {
        Duration::from_millis(self.age_max_ms)
    }

    /// How long the credentials of an environment are good.
    pub const fn credentials_max(&self) -> Duration {
        self.age_max().saturating_add(CREDENTIALS_OUTLAST)
    }

    /// As many environments as are allowed, and possible: with so many sandboxes, and so many descriptors.
    pub(crate) fn environments_max(&self, sandboxes_max: usize) -> usize {
        let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let possible = descriptors
            .map_or(u64::MAX, |limit| limit.saturating_sub(DESCRIPTORS_OTHER) / DESCRIPTORS_EACH);
        let possible = usize::try_from(possible).unwrap_or(usize::MAX).min(sandboxes_max);
        self.environments_max.min(possible.max(1))
    }

    pub(crate) fn memory_bytes_max(&self) -> u64 {
        match self.memory_mb_max {
            0 => {
                let memory = rustix::system::sysinfo();
                u64::from(memory.mem_unit).saturating_mul(memory.totalram) / 4 * 3
            }
            megabytes => megabytes.saturating_mul(1 << 20),
        }
    }

    pub(crate) fn starts_max(&self) -> usize {
        match self.concurrent_starts_max {
            0 => std::thread::available_parallelism().map_or(1, usize::from) + 1,
            max => max,
        }
    }

    /// How fast one function may add environments; `None` without a limit.
    pub(crate) fn scaling_rate(&self) -> Option<Rate> {
        let rate = Rate { per_second: self.scaling_per_second, burst: self.scaling_burst };
        (rate.burst > 0).then_some(rate)
    }
}
