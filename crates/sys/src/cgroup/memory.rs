// SPDX-License-Identifier: Apache-2.0
//! The memory controller.

use super::{Directory, Version};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

#[derive(Debug)]
pub struct Memory(pub(super) Directory);

impl Memory {
    /// Memory and swap together are limited to `bytes`: what does not fit is killed, never swapped.
    pub fn set_limit(&self, bytes: u64) -> io::Result<()> {
        match self.0.version {
            Version::V1 => {
                // Memory with swap may not be below memory alone: raise it first, lower it last. Kernels without swap
                // accounting have no such file.
                let _ = self.0.write("memory.memsw.limit_in_bytes", bytes);
                self.0.write("memory.limit_in_bytes", bytes)?;
                let _ = self.0.write("memory.memsw.limit_in_bytes", bytes);
                Ok(())
            }
            Version::V2 => {
                self.0.write("memory.max", bytes)?;
                // A kernel without swap has no such file.
                let _ = self.0.write("memory.swap.max", 0);
                Ok(())
            }
        }
    }

    /// A file to read the peak from, again and again.
    pub fn peak(&self) -> io::Result<Peak> {
        let name = match self.0.version {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        };
        Ok(Peak(self.0.open_file(name)?))
    }

    /// How many processes the kernel has killed here because the limit was met.
    pub fn kill_count(&self) -> io::Result<u64> {
        match self.0.version {
            Version::V1 => self.0.read_key("memory.oom_control", "oom_kill "),
            Version::V2 => self.0.read_key("memory.events", "oom_kill "),
        }
    }

    /// Gives back what pages of files the group still holds. Only version 1 needs it before a group is removed.
    pub fn empty(&self) -> io::Result<()> {
        match self.0.version {
            Version::V1 => self.0.write("memory.force_empty", 0),
            Version::V2 => Ok(()),
        }
    }
}

/// The most memory that was in use at one time.
#[derive(Debug)]
pub struct Peak(File);

impl Peak {
    pub fn bytes(&self) -> io::Result<u64> {
        let mut buffer = [0; 32];
        let length = self.0.read_at(&mut buffer, 0)?;
        let text = buffer
            .get(..length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default();
        text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}
