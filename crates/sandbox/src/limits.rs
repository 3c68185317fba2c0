// SPDX-License-Identifier: Apache-2.0
//! Writes a sandbox's limits to its cgroup: as it is built, and again when it becomes a function's. Only what changes: each
//! write costs ten microseconds of a cold start.

use crate::Limits;
use crate::cpu::{CpuLimits, LEAST_SHARES};
use crate::watch::Watch;
use std::io;
use sys::cgroup::Group;
use sys::cgroup::cpu::Cpu;
use sys::cgroup::pids::Pids;

/// The controllers of a sandbox's cgroup that are written to until its function runs, and seldom after. They are closed as soon as
/// may be: descriptors bound how many sandboxes there can be.
#[derive(Debug, Default)]
pub(crate) struct Limiters {
    pub(crate) cpu: Option<Cpu>,
    pub(crate) pids: Option<Pids>,
}

impl Limiters {
    /// Takes its part of a group.
    pub(crate) fn of(group: &mut Group) -> Self {
        Self { cpu: group.cpu.take(), pids: group.pids.take() }
    }
}

/// Limits that must hold before the program runs. `before` is what is in force. Memory is the watch's, where there is one.
pub(crate) fn bound(
    group: &Group,
    limiters: &Limiters,
    watch: Option<&Watch>,
    before: Option<Limits>,
    limits: Limits,
) -> io::Result<()> {
    match (watch, &group.memory) {
        (Some(watch), _) => watch.bound(limits)?,
        (None, Some(memory))
            if before.is_none_or(|before| before.memory_bytes != limits.memory_bytes) =>
        {
            memory.set_limit(limits.memory_bytes)?;
        }
        (None, _) => {}
    }
    if let Some(pids) = &limiters.pids
        && before.is_none_or(|before| before.pids_max != limits.pids_max)
    {
        // The first process is ours and not the function's.
        pids.set_limit(limits.pids_max.saturating_add(1))?;
    }
    Ok(())
}

/// How CPU time is shared out.
pub(crate) fn share(
    limiters: &Limiters,
    before: Option<CpuLimits>,
    limits: CpuLimits,
) -> io::Result<()> {
    let Some(cpu) = &limiters.cpu else { return Ok(()) };
    let stood_back = before.is_some_and(|before| before.stands_back);
    if limits.stands_back {
        if !stood_back && cpu.stand_back().is_err() {
            cpu.set_shares(LEAST_SHARES)?;
        }
    } else if stood_back {
        // A kernel on which it could not stand back has no file for it, but the share.
        cpu.stand_up(limits.shares).or_else(|_| cpu.set_shares(limits.shares))?;
    } else if before.is_none_or(|before| before.shares != limits.shares) {
        cpu.set_shares(limits.shares)?;
    }
    if before.is_none_or(|before| before.quota_us != limits.quota_us) {
        match limits.quota_us {
            Some(quota_us) => cpu.set_quota(quota_us)?,
            None => cpu.clear_quota()?,
        }
    }
    Ok(())
}
