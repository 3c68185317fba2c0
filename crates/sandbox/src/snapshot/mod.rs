// SPDX-License-Identifier: Apache-2.0
//! Snapshots: one process with all its threads, its memory and its open files, as data, and the way back from there.
//!
//! `take` stops a runtime that has initialised and writes down what it is. `restore` makes a process that another sandbox has
//! just started into the same runtime. Nothing of the first process lives on in the second, and the kernel knows of no tie between
//! them: memory is read from the snapshot's file and written to nowhere but the new process, files are opened anew, and what
//! led outside is a dead end. So the walls around a restored runtime are those of any other sandbox.
//!
//! Invariants:
//! - a snapshot is used on the kernel and with the files that it was taken with, or refused as stale;
//! - what cannot be brought back is an obstacle that is named when the snapshot is taken, and not a surprise later;
//! - no register, no memory and no descriptor of the process that is made over is left when the runtime goes on.

pub(crate) mod descriptors;
mod procfs;
mod program;
pub(crate) mod restore;
pub(crate) mod take;
pub(crate) mod temporary;

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Where the process that is made over holds the snapshot: the last that it may have.
pub(crate) const SNAPSHOT: i32 = 1023;

/// The longest description of a snapshot, without its pages.
const DESCRIPTION_BYTES_MAX: u64 = 64 << 20;

/// What came of taking a snapshot or of going back to one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Done,
    /// The runtime holds something that cannot be brought back.
    Obstacle(String),
    /// The snapshot was taken with other files, or before the machine started.
    Stale(String),
    /// Every sandbox is in use.
    Full,
    Failed(String),
}

/// Why a snapshot was not taken, or not brought back.
#[derive(Debug)]
pub(crate) enum Trouble {
    Obstacle(String),
    Stale(String),
    Full,
    Failed(String, io::Error),
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Obstacle(what) => Self::Obstacle(what),
            Trouble::Stale(what) => Self::Stale(what),
            Trouble::Full => Self::Full,
            Trouble::Failed(step, error) => Self::Failed(format!("{step}: {error}")),
        }
    }
}

/// Says at which step a call failed.
pub(crate) trait During<T> {
    fn during(self, step: &str) -> Result<T, Trouble>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, step: &str) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::Failed(step.to_owned(), error))
    }
}

impl<T> During<T> for Result<T, rustix::io::Errno> {
    fn during(self, step: &str) -> Result<T, Trouble> {
        self.map_err(|errno| Trouble::Failed(step.to_owned(), errno.into()))
    }
}

/// All of a process but its pages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Which start of which kernel.
    pub(crate) boot: String,
    /// By their numbers: the first is the leader.
    pub(crate) threads: Vec<Thread>,
    pub(crate) areas: Vec<Area>,
    /// The kernel's own pages: their names and where they are.
    pub(crate) kernel_areas: Vec<(String, u64, u64)>,
    pub(crate) layout: Layout,
    pub(crate) signal_actions: Vec<[u64; 4]>,
    pub(crate) descriptors: Vec<descriptors::Open>,
    pub(crate) links: descriptors::Links,
    pub(crate) directory: String,
    pub(crate) umask: u32,
    pub(crate) temporary: Vec<temporary::Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Thread {
    /// As it knows itself: libraries keep it to tell who holds a lock.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) registers: sys::trace::Registers,
    pub(crate) extended: Vec<u8>,
    pub(crate) signal_mask: u64,
    /// Where its C library keeps its number.
    pub(crate) number_address: u64,
    pub(crate) robust_list: (u64, u64),
    /// Address, size and signature; no address: none.
    pub(crate) sequence: (u64, u32, u32),
    /// As `sigaltstack` has it.
    pub(crate) signal_stack: [u64; 3],
}

/// A piece of the address space.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Area {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) protection: u32,
    pub(crate) grows_down: bool,
    /// Its pages are empty in a copy of the process: that is how random state is kept from being there twice.
    pub(crate) is_wiped: bool,
    pub(crate) is_droppable: bool,
    /// What is written to it is in its file, one of `/tmp`, which is put back before: how that is opened.
    pub(crate) shared: Option<u32>,
    pub(crate) file: Option<Source>,
    /// Pages that are not the file's, or not empty.
    pub(crate) runs: Vec<Run>,
}

/// A file of which a piece is seen in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) offset: u64,
    pub(crate) identity: Identity,
}

/// What tells whether a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) bytes: u64,
    pub(crate) modified: (i64, i64),
}

/// Pages that stand in the snapshot's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    /// Where in the file.
    pub(crate) offset: u64,
}

/// Where the kernel believes the parts of the program to be, as `prctl` takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) addresses: [u64; 11],
    pub(crate) auxiliary: Vec<u8>,
}

/// The boot that this kernel is in.
pub(crate) fn boot() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Writes the description behind the pages, and its length behind that.
pub(crate) fn write_description(file: &File, image: &Image, offset: u64) -> io::Result<()> {
    let mut text = serde_json::to_vec(image)?;
    let length = text.len() as u64;
    text.extend(length.to_le_bytes());
    file.write_all_at(&text, offset)?;
    file.set_len(offset + text.len() as u64)
}

pub(crate) fn read_description(file: &File) -> io::Result<Image> {
    let whole = file.metadata()?.len();
    let end = whole.checked_sub(8).ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut length = [0; 8];
    file.read_exact_at(&mut length, end)?;
    let length = u64::from_le_bytes(length);
    let offset = end.checked_sub(length).filter(|_| length <= DESCRIPTION_BYTES_MAX);
    let offset = offset.ok_or(io::ErrorKind::InvalidData)?;
    let mut text = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut text, offset)?;
    Ok(serde_json::from_slice(&text)?)
}
