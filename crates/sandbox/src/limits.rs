// SPDX-License-Identifier: Apache-2.0
//! Writes a sandbox's limits to its cgroup: as it is built, and again when it becomes a function's.

use crate::Limits;
use crate::request::CpuLimits;
use std::io;
use sys::cgroup::Group;

pub(crate) fn put_in_force(group: &Group, limits: Limits, cpu_limits: CpuLimits) -> io::Result<()> {
    if let Some(memory) = &group.memory {
        memory.set_limit(limits.memory_bytes)?;
    }
    if let Some(cpu) = &group.cpu {
        cpu.set_shares(cpu_limits.shares)?;
        match cpu_limits.quota_us {
            Some(quota_us) => cpu.set_quota(quota_us)?,
            None => cpu.clear_quota()?,
        }
    }
    if let Some(pids) = &group.pids {
        // The first process is ours and not the function's.
        pids.set_limit(limits.pids_max.saturating_add(1))?;
    }
    Ok(())
}
