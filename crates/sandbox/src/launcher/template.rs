// SPDX-License-Identifier: Apache-2.0
//! The file system that every sandbox starts from, and the way back to the host's.
//!
//! The launcher lives in a mount namespace of its own whose root is a small read-only tmpfs: the machine's programs and
//! libraries read-only, a generated `/etc`, five devices, and empty mount points. A new sandbox gets a copy of that namespace, so
//! there is nothing to hide from it and no root to change. Code is picked up in the host's namespace, as a cloned tree that
//! belongs to none, and attached in the sandbox's.
//!
//! Not here, on purpose: `/home`, `/root`, `/run`, `/sys`, `/var` of the host, `/dev/shm` (AWS Lambda has none that can be used).

use crate::Level;
use crate::launcher::libraries;
use crate::launcher::roots::Roots;
use rustix::fs::{CWD, FileType, Mode, makedev, mkdirat, mknodat, stat, symlinkat};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use sys::mounts::{self, Devices};
use sys::namespaces::{self, Namespace};
use sys::process::SingleThread;

/// The most mount points that are ever made besides the usual ones.
const EXTRA_MOUNT_POINTS_MAX: usize = 256;

/// Top directories of the host that hold programs and libraries. A link among them stays a link.
const PROGRAM_DIRECTORIES: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What programs expect under `/etc` and what tells nothing about the machine's users or services. Copied.
const ETC_FILES: [&str; 7] = [
    "ld.so.cache",
    "localtime",
    "os-release",
    "protocols",
    "services",
    "mime.types",
    "ca-certificates.conf",
];

/// The same, for directories. Mounted.
const ETC_DIRECTORIES: [&str; 5] =
    ["alternatives", "ssl/certs", "pki/ca-trust", "pki/tls/certs", "fonts"];

const DEVICES: [(&str, u32, u32); 5] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)];

/// Where code goes, and what else a function expects to exist.
const MOUNT_POINTS: [&str; 9] =
    ["proc", "tmp", "var/task", "opt", "var/lang", "var/runtime", "var/rapid", "var/tmp", "mnt"];

/// The user name of functions on AWS.
const USER_NAME: &str = "sbx_user1051";

/// The two mount namespaces of the launcher.
#[derive(Debug)]
pub(crate) struct Template {
    host: OwnedFd,
    template: OwnedFd,
    /// The tmpfs of the template's root, writable, attached nowhere.
    root: OwnedFd,
    mount_points: HashSet<PathBuf>,
    /// `/proc/self/ns` of the launcher: where it is now, there may be no `/proc`.
    namespaces: fs::File,
    roots: Roots,
}

/// What goes into the generated files.
#[derive(Debug)]
pub(crate) struct Etc {
    /// The users that functions run as; the group of each has the same number.
    pub(crate) users: Range<u32>,
    pub(crate) nameservers: Vec<String>,
}

impl Template {
    /// Builds the template and moves the launcher into it.
    pub(crate) fn build(single: &SingleThread, level: Level, etc: &Etc) -> io::Result<Self> {
        let directory = fs::File::open("/proc/self/ns")?;
        let current = || current(&directory);
        if level == Level::L1 {
            // The host's namespace belongs to another user namespace and could not be entered again: have a copy that follows it.
            namespaces::unshare(single, Namespace::Mount)?;
            mounts::follow()?;
        }
        let host = current()?;
        let (programs, mut links) = programs()?;
        let libraries = libraries::links();
        if !libraries.is_empty() {
            links.retain(|(name, _)| *name != libraries::PLACE);
        }
        let etc_trees = etc_trees()?;
        let etc_files = etc_files();
        let devices = if level == Level::L1 { device_trees()? } else { Vec::new() };
        let proc = if level == Level::L1 { Some(mounts::clone_tree("/proc")?) } else { None };

        namespaces::unshare(single, Namespace::Mount)?;
        mounts::isolate()?;
        mounts::mount_tmpfs("/tmp", Devices::Denied, c"size=8m,mode=755")?;
        std::env::set_current_dir("/tmp")?;
        let root = mounts::clone_mount(".")?;
        for (name, tree) in programs {
            make_directories(Path::new(name))?;
            mounts::attach(tree, name)?;
        }
        for (name, target) in links {
            symlinkat(target, CWD, name)?;
        }
        for point in MOUNT_POINTS {
            make_directories(Path::new(point))?;
        }
        libraries::link(libraries, Path::new("var/lang"))?;
        write_etc(etc, &etc_files)?;
        for (name, tree) in etc_trees {
            make_directories(&name)?;
            mounts::attach(tree, &*name)?;
        }
        make_devices(devices)?;
        if let Some(proc) = proc {
            // A user namespace may mount /proc only where one is already seen.
            mounts::attach(proc, "proc")?;
        }
        mounts::make_root()?;
        mounts::make_read_only(c"/dev")?;
        mounts::make_read_only(c"/")?;
        let mount_points = MOUNT_POINTS.iter().map(|point| Path::new("/").join(point)).collect();
        let (template, roots) = (current()?, Roots::new(level));
        Ok(Self { host, template, root, mount_points, namespaces: directory, roots })
    }

    /// Does `work` with the host's files in place of the template's.
    pub(crate) fn in_host<T>(
        &self,
        single: &SingleThread,
        work: impl FnOnce() -> T,
    ) -> io::Result<T> {
        namespaces::enter(single, &self.host, Namespace::Mount)?;
        let result = work();
        namespaces::enter(single, &self.template, Namespace::Mount)?;
        Ok(result)
    }

    /// The mount namespace whose root is the directory `path` of the host.
    pub(crate) fn namespace_of_root(
        &mut self,
        single: &SingleThread,
        path: &CStr,
    ) -> io::Result<Rc<OwnedFd>> {
        let picked_up = self.in_host(single, || {
            let directory = OsStr::from_bytes(path.to_bytes());
            let identity = stat(directory).map(|found| (found.st_dev, found.st_ino))?;
            let is_known = self.roots.get(path, identity).is_some();
            let tree = if is_known { None } else { Some(mounts::clone_mount(directory)?) };
            io::Result::Ok((identity, tree))
        })??;
        let (identity, Some(tree)) = picked_up else {
            return self.roots.get(path, picked_up.0).ok_or_else(|| io::ErrorKind::NotFound.into());
        };
        mounts::restrict_tree(&tree, Devices::Denied)?;
        // A copy of this namespace becomes that of the root, and the launcher comes back from there.
        namespaces::unshare(single, Namespace::Mount)?;
        let built = self.roots.build(&tree).and_then(|()| current(&self.namespaces));
        namespaces::enter(single, &self.template, Namespace::Mount)?;
        Ok(self.roots.put(path, identity, built?))
    }

    /// Does `work` among the files of a sandbox, given by the descriptor of its first process.
    pub(crate) fn in_sandbox<T>(
        &self,
        single: &SingleThread,
        sandbox: &OwnedFd,
        work: impl FnOnce() -> T,
    ) -> io::Result<T> {
        namespaces::enter(single, sandbox, Namespace::Mount)?;
        let result = work();
        namespaces::enter(single, &self.template, Namespace::Mount)?;
        Ok(result)
    }

    /// Picks up directories of the host, read-only.
    pub(crate) fn pick_up(
        &self,
        single: &SingleThread,
        sources: impl Iterator<Item = impl AsRef<CStr>>,
    ) -> Result<Vec<OwnedFd>, (usize, io::Error)> {
        let mut trees = Vec::new();
        let result = self.in_host(single, || {
            for source in sources {
                trees.push(pick_up_one(source.as_ref()).map_err(|error| (trees.len(), error))?);
            }
            Ok(())
        });
        match result {
            Ok(Ok(())) => Ok(trees),
            Ok(Err(failed)) => Err(failed),
            Err(error) => Err((0, error)),
        }
    }

    /// Makes sure that something can be mounted at `target`.
    pub(crate) fn ensure_mount_point(&mut self, target: &CStr) -> io::Result<()> {
        let target = Path::new(OsStr::from_bytes(target.to_bytes()));
        if self.mount_points.contains(target) {
            return Ok(());
        }
        let mut components = target.components();
        let is_plain = components.next() == Some(Component::RootDir)
            && components.all(|component| matches!(component, Component::Normal(_)));
        if !is_plain || self.mount_points.len() >= EXTRA_MOUNT_POINTS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut path = PathBuf::new();
        for component in target.components().skip(1) {
            path.push(component);
            make_directory(self.root.as_fd(), &path)?;
        }
        self.mount_points.insert(target.to_owned());
        Ok(())
    }
}

/// The mount namespace that this process is in.
fn current(namespaces: &fs::File) -> io::Result<OwnedFd> {
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    Ok(rustix::fs::openat(namespaces, "mnt", flags, Mode::empty())?)
}

fn pick_up_one(source: &CStr) -> io::Result<OwnedFd> {
    let tree = mounts::clone_tree(OsStr::from_bytes(source.to_bytes()))?;
    mounts::restrict_tree(&tree, Devices::Denied)?;
    Ok(tree)
}

type Trees = Vec<(&'static str, OwnedFd)>;
type Links = Vec<(&'static str, PathBuf)>;

fn programs() -> io::Result<(Trees, Links)> {
    let (mut trees, mut links) = (Trees::new(), Links::new());
    for name in PROGRAM_DIRECTORIES {
        let path = Path::new("/").join(name);
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_symlink() {
            links.push((name, fs::read_link(&path)?));
        } else if metadata.is_dir() {
            let tree = mounts::clone_tree(&path)?;
            mounts::restrict_tree(&tree, Devices::Denied)?;
            trees.push((name, tree));
        }
    }
    Ok((trees, links))
}

fn etc_trees() -> io::Result<Vec<(PathBuf, OwnedFd)>> {
    let mut names: Vec<PathBuf> = ETC_DIRECTORIES.iter().map(PathBuf::from).collect();
    // Debian keeps what a Java runtime cannot start without under /etc.
    for entry in fs::read_dir("/etc")?.flatten() {
        if entry.file_name().as_bytes().starts_with(b"java-") {
            names.push(PathBuf::from(entry.file_name()));
        }
    }
    let mut trees = Vec::new();
    for name in names {
        let source = Path::new("/etc").join(&name);
        if source.is_dir() {
            let tree = mounts::clone_tree(&source)?;
            mounts::restrict_tree(&tree, Devices::Denied)?;
            trees.push((Path::new("etc").join(name), tree));
        }
    }
    Ok(trees)
}

fn etc_files() -> Vec<(&'static str, Vec<u8>)> {
    let read = |name: &'static str| Some((name, fs::read(Path::new("/etc").join(name)).ok()?));
    ETC_FILES.into_iter().filter_map(read).collect()
}

fn device_trees() -> io::Result<Trees> {
    DEVICES
        .into_iter()
        .map(|(name, ..)| Ok((name, mounts::clone_tree(Path::new("/dev").join(name))?)))
        .collect()
}

fn write_etc(etc: &Etc, copies: &[(&str, Vec<u8>)]) -> io::Result<()> {
    make_directories(Path::new("etc"))?;
    // Every sandbox has its own number, and all have the one name.
    let users: String = etc
        .users
        .clone()
        .map(|user| format!("{USER_NAME}:x:{user}:{user}::/tmp:/sbin/nologin\n"))
        .collect();
    let groups: String = etc.users.clone().map(|user| format!("{USER_NAME}:x:{user}:\n")).collect();
    let nameservers: String =
        etc.nameservers.iter().map(|address| format!("nameserver {address}\n")).collect();
    let texts = [
        ("passwd", format!("root:x:0:0:root:/root:/sbin/nologin\n{users}")),
        ("group", format!("root:x:0:\n{groups}")),
        ("hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n".to_owned()),
        ("hostname", "sandbox\n".to_owned()),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"
                .to_owned(),
        ),
        ("resolv.conf", nameservers),
    ];
    for (name, text) in texts {
        write_file(&Path::new("etc").join(name), text.as_bytes())?;
    }
    for (name, bytes) in copies {
        write_file(&Path::new("etc").join(name), bytes)?;
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// Devices as nodes where this process may make them, or else as mounts of the host's.
fn make_devices(trees: Trees) -> io::Result<()> {
    make_directories(Path::new("dev"))?;
    mounts::mount_tmpfs("dev", Devices::Allowed, c"size=64k,mode=755")?;
    if trees.is_empty() {
        for (name, major, minor) in DEVICES {
            let path = Path::new("dev").join(name);
            mknodat(
                CWD,
                &path,
                FileType::CharacterDevice,
                Mode::from_raw_mode(0o666),
                makedev(major, minor),
            )?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        }
    }
    for (name, tree) in trees {
        let path = Path::new("dev").join(name);
        write_file(&path, b"")?;
        mounts::attach(tree, &*path)?;
    }
    symlinkat("/proc/self/fd", CWD, "dev/fd")?;
    for (number, name) in ["dev/stdin", "dev/stdout", "dev/stderr"].into_iter().enumerate() {
        symlinkat(format!("/proc/self/fd/{number}"), CWD, name)?;
    }
    Ok(())
}

fn make_directories(path: &Path) -> io::Result<()> {
    let mut made = PathBuf::new();
    for component in path.components() {
        made.push(component);
        make_directory(CWD, &made)?;
    }
    Ok(())
}

fn make_directory(parent: std::os::fd::BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    match mkdirat(parent, path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Is there enough of a host to make sandboxes of?
pub(crate) fn has_programs() -> bool {
    stat("/usr").is_ok()
}
