// SPDX-License-Identifier: Apache-2.0
//! The controller that counts processes and threads.

use super::Directory;
use std::io;

#[derive(Debug)]
pub struct Pids(pub(super) Directory);

impl Pids {
    /// At most `max` processes and threads together. Both versions spell it alike.
    pub fn set_limit(&self, max: u32) -> io::Result<()> {
        self.0.write("pids.max", max)
    }
}
