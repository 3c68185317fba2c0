// SPDX-License-Identifier: Apache-2.0
//! The freezer: stops all processes of a group, unseen by them.

use super::{Directory, Version};
use std::io;

#[derive(Debug)]
pub struct Freezer(pub(super) Directory);

impl Freezer {
    pub fn freeze(&self) -> io::Result<()> {
        match self.0.version {
            Version::V1 => self.0.write("freezer.state", "FROZEN"),
            Version::V2 => self.0.write("cgroup.freeze", 1),
        }
    }

    pub fn thaw(&self) -> io::Result<()> {
        match self.0.version {
            Version::V1 => self.0.write("freezer.state", "THAWED"),
            Version::V2 => self.0.write("cgroup.freeze", 0),
        }
    }

    /// Have all processes stopped?
    pub fn is_frozen(&self) -> io::Result<bool> {
        match self.0.version {
            Version::V1 => Ok(self.0.read("freezer.state")?.trim() == "FROZEN"),
            Version::V2 => Ok(self.0.read_key("cgroup.events", "frozen ")? == 1),
        }
    }

    /// Does a frozen process die of SIGKILL only once it is thawed?
    pub fn must_thaw_to_kill(&self) -> bool {
        self.0.version == Version::V1
    }
}
