// SPDX-License-Identifier: Apache-2.0
//! The CPU controller.

use super::{Directory, Version};
use std::io;

#[derive(Debug)]
pub struct Cpu(pub(super) Directory);

/// The period of every quota. Shorter ones make bursts of 5 ms five times slower.
pub const PERIOD_US: u64 = 100_000;

impl Cpu {
    /// The share of this group when others want the CPU too; 1024 is what a group has that was told nothing.
    pub fn set_shares(&self, shares: u64) -> io::Result<()> {
        write_shares(&self.0, shares)
    }

    /// Lets this group run only where no group beside it wants to, and has it give way at once to one that does. Not on kernels
    /// before 5.15.
    pub fn stand_back(&self) -> io::Result<()> {
        self.0.write("cpu.idle", 1)
    }

    /// Ends that, with this share.
    pub fn stand_up(&self, shares: u64) -> io::Result<()> {
        self.0.write("cpu.idle", 0)?;
        // The kernel has forgotten what was there before.
        self.set_shares(shares)
    }

    /// At most `quota_us` of CPU time in each period, and as much again if the periods before left it unused.
    pub fn set_quota(&self, quota_us: u64) -> io::Result<()> {
        match self.0.version {
            Version::V1 => {
                self.0.write("cpu.cfs_period_us", PERIOD_US)?;
                // The burst may not be above the quota: take it away while the quota changes.
                let _ = self.0.write("cpu.cfs_burst_us", 0);
                self.0.write("cpu.cfs_quota_us", quota_us)?;
                // Kernels before 5.14 have no burst.
                let _ = self.0.write("cpu.cfs_burst_us", quota_us);
                Ok(())
            }
            Version::V2 => {
                let _ = self.0.write("cpu.max.burst", 0);
                self.0.write("cpu.max", format_args!("{quota_us} {PERIOD_US}"))?;
                let _ = self.0.write("cpu.max.burst", quota_us);
                Ok(())
            }
        }
    }

    /// Takes a quota away.
    pub fn clear_quota(&self) -> io::Result<()> {
        match self.0.version {
            Version::V1 => {
                let _ = self.0.write("cpu.cfs_burst_us", 0);
                self.0.write("cpu.cfs_quota_us", -1)
            }
            Version::V2 => {
                let _ = self.0.write("cpu.max.burst", 0);
                self.0.write("cpu.max", format_args!("max {PERIOD_US}"))
            }
        }
    }
}

pub(super) fn write_shares(directory: &Directory, shares: u64) -> io::Result<()> {
    match directory.version {
        Version::V1 => directory.write("cpu.shares", shares.clamp(2, 262_144)),
        Version::V2 => directory.write("cpu.weight", weight(shares)),
    }
}

/// What version 2 calls the share: 1 to 10,000 for 2 to 262,144, as the kernel's documentation maps them.
fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9_999 / 262_142
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn the_ends_of_the_scale_meet() {
        assert_eq!(
            (weight(0), weight(2), weight(1024), weight(262_144), weight(u64::MAX)),
            (1, 1, 39, 10_000, 10_000)
        );
    }
}
