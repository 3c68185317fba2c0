// SPDX-License-Identifier: Apache-2.0
//! Snapshots, from the launcher's side: each is taken and brought back by a child of the launcher, which has time.
//!
//! Invariant: what came of it is told by that child, or by the end of its socket; the launcher waits for neither.

use super::sandboxes::Sandboxes;
use crate::launcher::network::RUNTIME_API;
use crate::request::{Request, SandboxId};
use crate::snapshot::restore::Held;
use crate::snapshot::{self, During as _, Outcome, Trouble, take, temporary};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use sys::descriptors::{self, Wait};
use sys::mounts;
use sys::process::{self, Fork, Separation};

impl Sandboxes {
    /// Takes a snapshot of what runs in a sandbox.
    pub(crate) fn take_snapshot(&mut self, asked: &[u8], file: &OwnedFd, reply: &OwnedFd) {
        let Some((number, port)) = asked.split_first_chunk() else { return };
        let Some(port) = port.first_chunk().map(|port| u16::from_ne_bytes(*port)) else { return };
        let Some(slot) = self.slot_of(SandboxId(u64::from_ne_bytes(*number))) else { return };
        self.aside(reply, |this| this.take_now(slot, file, port));
    }

    fn take_now(&self, slot: usize, file: &OwnedFd, port: u16) -> Result<(), Trouble> {
        let file = File::from(descriptors::duplicate(file).during("duplicate a descriptor")?);
        let work = || take::take(self.first_process(slot)?, self.pipes_of(slot), &file, port);
        self.in_host(work).during("go to the host's files")?
    }

    /// Starts a program in a sandbox that was built, and makes it go on from a snapshot.
    pub(crate) fn restore(&mut self, asked: &[u8], file: &OwnedFd, reply: &OwnedFd) {
        let outcome = match self.prepare_restore(asked) {
            Ok((slot, orders)) => {
                return self.aside(reply, |this| this.restore_now(slot, asked, &orders, file));
            }
            Err(trouble) => Outcome::from(trouble),
        };
        tell(reply, &outcome);
    }

    /// Puts the function's directories into the sandbox.
    fn prepare_restore(&mut self, asked: &[u8]) -> Result<(usize, OwnedFd), Trouble> {
        let none = || io::Error::from(io::ErrorKind::InvalidInput);
        let request = Request::decode(asked).ok_or_else(none).during("read the request")?;
        let slot = self.slot_of(request.sandbox).ok_or_else(none).during("find the sandbox")?;
        if self.is_full() {
            return Err(Trouble::Full);
        }
        if let Err((step, _, error)) = self.furnish(slot, &request) {
            return Err(Trouble::Failed(step.to_string(), error));
        }
        Ok((slot, self.hand_out(slot).during("find the sandbox")?))
    }

    fn restore_now(
        &self,
        slot: usize,
        asked: &[u8],
        orders: &OwnedFd,
        file: &OwnedFd,
    ) -> Result<(), Trouble> {
        let file = File::from(descriptors::duplicate(file).during("duplicate a descriptor")?);
        let image = snapshot::read_description(&file).during("read the snapshot")?;
        let file = self.in_host(|| without_path(&file)).during("go to the host's files")??;
        let fill = || temporary::put_back(&image.temporary, &file, self.user_of(slot));
        self.in_files_of(slot, fill).during("go to the sandbox's files")??;

        descriptors::send(orders, asked, &[file.as_fd()]).during("start the runtime")?;
        hear(orders)?;
        let work = || {
            let held = Held::seize(self.first_process(slot)?)?;
            descriptors::send(orders, &[process::HELD], &[]).during("start the runtime")?;
            held.wait_for_program()?;
            hear(orders)?;
            held.become_image(&image, &file, RUNTIME_API)
        };
        self.in_host(work).during("go to the host's files")?
    }

    /// The number of the first process of a sandbox. Where `/proc` is the host's.
    fn first_process(&self, slot: usize) -> Result<i32, Trouble> {
        let number = self.pidfd_of(slot).map(process::number).transpose();
        let number = number.during("find the sandbox")?.flatten();
        let gone = || io::Error::other("the sandbox has ended");
        let number = number.ok_or_else(gone).during("find the sandbox")?;
        Ok(number.as_raw_nonzero().get())
    }

    /// Does `work` in a child of the launcher, and tells `reply` what came of it.
    fn aside(&self, reply: &OwnedFd, work: impl FnOnce(&Self) -> Result<(), Trouble>) {
        match process::fork(self.single(), Separation::None, None) {
            Ok(Fork::Child) => {
                let prepared = process::die_with_parent().and_then(|()| process::mind_children());
                let worked = prepared.during("prepare").and_then(|()| work(self));
                tell(reply, &worked.map_or_else(Outcome::from, |()| Outcome::Done));
                process::exit_now(0)
            }
            Ok(Fork::Parent(_)) => {}
            Err(error) => tell(reply, &Outcome::Failed(format!("fork: {error}"))),
        }
    }
}

/// The same file, opened by a mount of its own that lies nowhere: what is mapped of it shows a path to the process that maps it.
fn without_path(file: &File) -> Result<File, Trouble> {
    let shown = |descriptor: i32| format!("/proc/self/fd/{descriptor}");
    let path = std::fs::read_link(shown(file.as_raw_fd())).during("find the snapshot")?;
    let removed = || Trouble::Stale("the snapshot was removed".to_owned());
    let mount = mounts::clone_mount(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => removed(),
        _ => Trouble::Failed("mount the snapshot".to_owned(), error),
    })?;
    let opened = File::open(shown(mount.as_raw_fd())).during("open the snapshot")?;
    let identity = |file: &File| file.metadata().map(|found| (found.dev(), found.ino()));
    let is_it = identity(&opened).during("open the snapshot")?
        == identity(file).during("open the snapshot")?;
    if is_it { Ok(opened) } else { Err(removed()) }
}

/// Waits until the sandbox says that it has come to the next step.
fn hear(orders: &OwnedFd) -> Result<(), Trouble> {
    let heard = descriptors::receive(orders, &mut [0; 1], Wait::UntilReady);
    if heard.during("start the runtime")?.0 == 0 {
        let error = io::Error::other("the sandbox has ended");
        return Err(Trouble::Failed("start the runtime".to_owned(), error));
    }
    Ok(())
}

/// A server that is gone needs no answer.
fn tell(reply: &OwnedFd, outcome: &Outcome) {
    let text = serde_json::to_vec(outcome).unwrap_or_default();
    let _ = descriptors::send(reply, &text, &[]);
}
