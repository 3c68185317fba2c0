// SPDX-License-Identifier: Apache-2.0
//! The memory controller.

use super::{Directory, Version};
use rustix::event::{EventfdFlags, eventfd};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
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
                let is_raised = self.0.write("memory.memsw.limit_in_bytes", bytes).is_ok();
                self.0.write("memory.limit_in_bytes", bytes)?;
                if !is_raised {
                    let _ = self.0.write("memory.memsw.limit_in_bytes", bytes);
                }
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

    /// How much the group holds now.
    pub fn bytes(&self) -> io::Result<u64> {
        number(&self.0.read(match self.0.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        })?)
    }

    /// Of which kind it is.
    pub fn kinds(&self) -> io::Result<Kinds> {
        Ok(Kinds::from_stat(self.0.version, &self.0.read("memory.stat")?))
    }

    /// Has it told when the group comes to hold `bytes`. Version 1 takes some ten milliseconds for that, and forgets the alarm
    /// when its value is dropped. Version 2 has one for a group, and slows down what goes on above it.
    pub fn alarm(&self, bytes: u64) -> io::Result<Alarm> {
        match self.0.version {
            Version::V1 => {
                let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                let usage = self.0.open_file("memory.usage_in_bytes")?;
                let line = format!("{} {} {bytes}", event.as_raw_fd(), usage.as_raw_fd());
                self.0.write("cgroup.event_control", line)?;
                Ok(Alarm { told: event.into(), version: Version::V1 })
            }
            Version::V2 => {
                let told = self.0.open_file("memory.events")?;
                let alarm = Alarm { told, version: Version::V2 };
                // What happened before is not news.
                alarm.acknowledge()?;
                self.0.write("memory.high", bytes)?;
                Ok(alarm)
            }
        }
    }

    /// Whether `alarm` takes long.
    pub fn is_alarm_slow(&self) -> bool {
        self.0.version == Version::V1
    }

    /// Lets what goes on above an alarm go on at full speed. Version 1 always does.
    pub fn silence(&self) -> io::Result<()> {
        match self.0.version {
            Version::V1 => Ok(()),
            Version::V2 => self.0.write("memory.high", "max"),
        }
    }

    /// Gives back some `bytes` that nobody needs: pages of files, and what the kernel remembers about files. Version 1 knows
    /// only how to give back all that it can. Takes as long as that takes.
    pub fn reclaim(&self, bytes: u64) -> io::Result<()> {
        match self.0.version {
            Version::V1 => self.0.write("memory.force_empty", 0),
            // It could be less.
            Version::V2 => self.0.write("memory.reclaim", bytes),
        }
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
        number(text)
    }
}

/// Parts of what a group holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    /// What the kernel can take back at any time, because it is on a disk too.
    pub spare_bytes: u64,
    /// What processes have, alone or shared, and what is in a tmpfs.
    pub kept_bytes: u64,
}

impl Kinds {
    fn from_stat(version: Version, stat: &str) -> Self {
        let mut this = Self::default();
        let anonymous = match version {
            Version::V1 => "rss",
            Version::V2 => "anon",
        };
        for line in stat.lines() {
            let Some((key, Ok(bytes))) = line.split_once(' ').map(|(k, v)| (k, v.parse::<u64>()))
            else {
                continue;
            };
            match key {
                // Version 1 does not tell the last one.
                "active_file" | "inactive_file" | "slab_reclaimable" => this.spare_bytes += bytes,
                "shmem" => this.kept_bytes += bytes,
                key if key == anonymous => this.kept_bytes += bytes,
                _ => {}
            }
        }
        this
    }
}

/// Becomes ready when a group has come to hold as much as was said.
#[derive(Debug)]
pub struct Alarm {
    told: File,
    version: Version,
}

impl Alarm {
    /// Whether it is ready for urgent data, and not for reading.
    pub fn is_urgent(&self) -> bool {
        self.version == Version::V2
    }

    /// Makes it not ready again.
    pub fn acknowledge(&self) -> io::Result<()> {
        let read = match self.version {
            Version::V1 => (&self.told).read(&mut [0; 8]),
            Version::V2 => self.told.read_at(&mut [0; 256], 0),
        };
        match read {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.told.as_fd()
    }
}

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.told.as_raw_fd()
    }
}

fn number(text: &str) -> io::Result<u64> {
    text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
