// SPDX-License-Identifier: Apache-2.0
//! Control groups: where the kernel counts and limits what processes use.
//!
//! Two versions exist, and many machines have both: a controller is on the one or on the other. A `Layout` says where each
//! is; a `Tree` is our directory in each of them; a `Group` is one sandbox's directory below it. The files of each
//! controller, in both versions, are in a module of their own.
//!
//! Invariant: a group is joined only by processes that have one thread, through the version 1 file `tasks` or by being born
//! into it (version 2). Writing to `cgroup.procs` of version 1 costs 15 ms after a pause.

pub mod cpu;
pub mod freezer;
pub mod memory;
pub mod pids;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// A directory of a cgroup file system in which this process may make groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub version: Version,
    pub path: PathBuf,
}

/// Where each controller is on this machine, as far as this process may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pub memory: Option<Place>,
    pub cpu: Option<Place>,
    pub pids: Option<Place>,
    pub freezer: Option<Place>,
}

impl Layout {
    /// Looks at what is mounted and writable.
    pub fn discover() -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let own = std::fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::find(&mounts, &own))
    }

    /// `mounts` is the text of `/proc/self/mountinfo`, `own` that of `/proc/self/cgroup`.
    pub fn find(mounts: &str, own: &str) -> Self {
        let mut this = Self::default();
        for line in mounts.lines() {
            let Some((mount, filesystem)) = line.split_once(" - ") else { continue };
            let Some(path) = mount.split(' ').nth(4).map(PathBuf::from) else { continue };
            let mut words = filesystem.split(' ');
            match words.next() {
                Some("cgroup") => this.add_v1(&path, words.nth(1).unwrap_or_default()),
                Some("cgroup2") => this.add_v2(&path, own),
                _ => {}
            }
        }
        this
    }

    fn add_v1(&mut self, path: &Path, options: &str) {
        if !is_writable(path) {
            return;
        }
        let place = Place { version: Version::V1, path: path.to_owned() };
        for option in options.split(',') {
            match option {
                "memory" => self.memory = Some(place.clone()),
                "cpu" => self.cpu = Some(place.clone()),
                "pids" => self.pids = Some(place.clone()),
                // The freezer of version 2 is four times as fast, and always there.
                "freezer" => {
                    self.freezer.get_or_insert_with(|| place.clone());
                }
                _ => {}
            }
        }
    }

    fn add_v2(&mut self, mount: &Path, own: &str) {
        let Some(path) = writable_v2(mount, own) else { return };
        let controllers =
            std::fs::read_to_string(path.join("cgroup.controllers")).unwrap_or_default();
        let place = Place { version: Version::V2, path };
        for controller in controllers.split_whitespace() {
            match controller {
                "memory" => self.memory = Some(place.clone()),
                "cpu" => self.cpu = Some(place.clone()),
                "pids" => self.pids = Some(place.clone()),
                _ => {}
            }
        }
        self.freezer = Some(place);
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        [&self.memory, &self.cpu, &self.pids, &self.freezer].into_iter().flatten()
    }

    /// The names of groups called `prefix...` directly in our places. Each name once.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .places()
            .filter_map(|place| std::fs::read_dir(&place.path).ok())
            .flat_map(|entries| entries.flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Removes the tree called `name`, with the groups in it that have no process. The rest stays, which is an error.
    pub fn remove_tree(&self, name: &str) -> io::Result<()> {
        let mut result = Ok(());
        for place in self.places() {
            let tree = place.path.join(name);
            let Ok(entries) = std::fs::read_dir(&tree) else { continue };
            for entry in entries.flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    result = remove_directory(&entry.path()).and(result);
                }
            }
            result = remove_directory(&tree).and(result);
        }
        result
    }
}

fn remove_directory(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The top, for root; or else what was delegated to this process's user: the group above its own, or its own.
fn writable_v2(mount: &Path, own: &str) -> Option<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let own = mount.join(own.trim_start_matches('/'));
    // A group with processes cannot hand controllers down, so where a service manager has put this process into a leaf of what it
    // delegated, the parent is the one to use.
    let candidates =
        [Some(mount), own.parent().filter(|parent| parent.starts_with(mount)), Some(&*own)];
    let is_ours = |path: &&Path| is_writable(&path.join("cgroup.procs")) && is_writable(path);
    candidates.into_iter().flatten().find(is_ours).map(Path::to_owned)
}

/// The longest file that is read here, `memory.stat`, is not longer on most machines.
const FILE_BYTES_USUAL: usize = 2048;

/// A group's directory in one hierarchy.
#[derive(Debug)]
pub struct Directory {
    version: Version,
    descriptor: OwnedFd,
}

impl Directory {
    fn open(version: Version, parent: impl AsFd, name: impl rustix::path::Arg) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { version, descriptor: openat(parent, name, flags, Mode::empty())? })
    }

    /// Writes the whole of `value` to `file`.
    fn write(&self, file: &str, value: impl std::fmt::Display) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::TRUNC;
        let mut file = File::from(openat(&self.descriptor, file, flags, Mode::empty())?);
        file.write_all(value.to_string().as_bytes())
    }

    /// The kernel makes the whole of it in one read, and the second finds the end.
    fn read(&self, file: &str) -> io::Result<String> {
        let mut bytes = Vec::with_capacity(FILE_BYTES_USUAL);
        let file = self.open_file(file)?;
        while rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes))? > 0 {
            bytes.reserve(FILE_BYTES_USUAL / 4);
        }
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn open_file(&self, file: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(openat(&self.descriptor, file, flags, Mode::empty())?.into())
    }

    /// The value after `key` in a file of `key value` lines.
    fn read_key(&self, file: &str, key: &str) -> io::Result<u64> {
        let text = self.read(file)?;
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
        value.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("no `{key}` in `{file}`"))
        })
    }
}

/// One directory for each controller that this machine has. In version 2 they are the same directory.
#[derive(Debug)]
pub struct Group {
    pub memory: Option<memory::Memory>,
    pub cpu: Option<cpu::Cpu>,
    pub pids: Option<pids::Pids>,
    pub freezer: Option<freezer::Freezer>,
}

/// Our own directory in each hierarchy, in which the groups are.
#[derive(Debug)]
pub struct Tree {
    memory: Option<Directory>,
    cpu: Option<Directory>,
    pids: Option<Directory>,
    freezer: Option<Directory>,
}

impl Tree {
    /// Makes, or finds, the directory `name` in each place of `layout`. A place where it cannot be made is not used.
    pub fn create(layout: &Layout, name: &str) -> Self {
        Self::from_places(layout, |place, controller| {
            Self::create_directory(place, name, controller)
        })
    }

    /// Finds the directory `name` in each place of `layout`. A place where it is not is not used.
    pub fn open(layout: &Layout, name: &str) -> Self {
        Self::from_places(layout, |place, _| {
            Directory::open(place.version, CWD, place.path.join(name))
        })
    }

    fn from_places(layout: &Layout, make: impl Fn(&Place, &str) -> io::Result<Directory>) -> Self {
        let make = |place: &Option<Place>, controller| make(place.as_ref()?, controller).ok();
        Self {
            memory: make(&layout.memory, "memory"),
            cpu: make(&layout.cpu, "cpu"),
            pids: make(&layout.pids, "pids"),
            freezer: make(&layout.freezer, ""),
        }
    }

    fn create_directory(place: &Place, name: &str, controller: &str) -> io::Result<Directory> {
        let parent = Directory::open(place.version, CWD, &place.path)?;
        if place.version == Version::V2 && !controller.is_empty() {
            enable(&parent, controller)?;
        }
        make_directory(&parent, name)?;
        let directory = Directory::open(place.version, &parent.descriptor, name)?;
        if place.version == Version::V2 && !controller.is_empty() {
            enable(&directory, controller)?;
        }
        Ok(directory)
    }

    /// Is there any controller at all?
    pub fn has_any(&self) -> bool {
        self.directories().next().is_some()
    }

    pub fn has_memory(&self) -> bool {
        self.memory.is_some()
    }

    pub fn has_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    pub fn has_pids(&self) -> bool {
        self.pids.is_some()
    }

    pub fn has_freezer(&self) -> bool {
        self.freezer.is_some()
    }

    /// Does a frozen process die of SIGKILL only once it is thawed?
    pub fn must_thaw_to_kill(&self) -> bool {
        self.freezer.as_ref().is_some_and(|directory| directory.version == Version::V1)
    }

    fn directories(&self) -> impl Iterator<Item = &Directory> {
        [&self.memory, &self.cpu, &self.pids, &self.freezer].into_iter().flatten()
    }

    /// The share of CPU time that all groups have together when others want it too. See `cpu::Cpu::set_shares`.
    pub fn set_shares(&self, shares: u64) -> io::Result<()> {
        match &self.cpu {
            Some(directory) => cpu::write_shares(directory, shares),
            None => Ok(()),
        }
    }

    /// Makes the group `name`.
    pub fn create_group(&self, name: &str) -> io::Result<Group> {
        for directory in self.directories() {
            make_directory(directory, name)?;
        }
        self.open_group(name)
    }

    /// Finds the group `name`.
    pub fn open_group(&self, name: &str) -> io::Result<Group> {
        let open = |directory: &Option<Directory>| {
            let Some(parent) = directory else { return Ok(None) };
            Directory::open(parent.version, &parent.descriptor, name).map(Some)
        };
        Ok(Group {
            memory: open(&self.memory)?.map(memory::Memory),
            cpu: open(&self.cpu)?.map(cpu::Cpu),
            pids: open(&self.pids)?.map(pids::Pids),
            freezer: open(&self.freezer)?.map(freezer::Freezer),
        })
    }

    /// The CPU controller of the group `name`, where there is one.
    pub fn open_cpu(&self, name: &str) -> io::Result<Option<cpu::Cpu>> {
        let Some(parent) = &self.cpu else { return Ok(None) };
        let directory = Directory::open(parent.version, &parent.descriptor, name)?;
        Ok(Some(cpu::Cpu(directory)))
    }

    /// Removes the group `name`, in which no process may be left. A group that is gone already is not an error.
    pub fn remove_group(&self, name: &str) -> io::Result<()> {
        for directory in self.directories() {
            match unlinkat(&directory.descriptor, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

/// Lets the groups below a version 2 directory have `controller`.
fn enable(directory: &Directory, controller: &str) -> io::Result<()> {
    directory.write("cgroup.subtree_control", format_args!("+{controller}"))
}

fn make_directory(parent: &Directory, name: &str) -> io::Result<()> {
    match mkdirat(&parent.descriptor, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// How a new process gets into a group.
#[derive(Debug)]
pub struct Entrance {
    /// The `tasks` file of each version 1 directory.
    tasks: Vec<File>,
    unified: Option<OwnedFd>,
}

impl Entrance {
    /// Opens the ways into `group`.
    pub fn open(group: &Group) -> io::Result<Self> {
        let mut this = Self { tasks: Vec::new(), unified: None };
        for directory in group.directories() {
            match directory.version {
                Version::V1 => {
                    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                    this.tasks
                        .push(openat(&directory.descriptor, "tasks", flags, Mode::empty())?.into());
                }
                Version::V2 if this.unified.is_none() => {
                    this.unified = Some(directory.descriptor.try_clone()?)
                }
                Version::V2 => {}
            }
        }
        Ok(this)
    }

    /// The directory to give to `process::fork`.
    pub fn unified(&self) -> Option<BorrowedFd<'_>> {
        self.unified.as_ref().map(AsFd::as_fd)
    }

    /// Moves this process, which must have one thread, into the version 1 directories.
    pub fn join(&self) -> io::Result<()> {
        self.tasks.iter().try_for_each(|mut file| file.write_all(b"0"))
    }
}

impl Group {
    /// The CPU time that all processes of this group have used. `None` where nobody counts it: version 1 alone does so in a
    /// hierarchy that we have no use for.
    pub fn cpu_time(&self) -> Option<Duration> {
        let directory = self.directories().find(|directory| directory.version == Version::V2)?;
        directory.read_key("cpu.stat", "usage_usec").ok().map(Duration::from_micros)
    }

    fn directories(&self) -> impl Iterator<Item = &Directory> {
        let memory = self.memory.as_ref().map(|memory| &memory.0);
        let cpu = self.cpu.as_ref().map(|cpu| &cpu.0);
        let pids = self.pids.as_ref().map(|pids| &pids.0);
        let freezer = self.freezer.as_ref().map(|freezer| &freezer.0);
        [memory, cpu, pids, freezer].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
