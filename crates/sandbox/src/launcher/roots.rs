// SPDX-License-Identifier: Apache-2.0
//! Roots besides the template's: the file systems of images.
//!
//! For each there is a mount namespace that nobody lives in: the image's directory as its root, the template's devices in it, and
//! the few files of `/etc` that are not an image's to say. A sandbox that asks for the root gets a copy of that namespace, as
//! others get one of the template's. So it has nothing to hide and no root to change, and what a root costs is paid once.
//!
//! Links in an image are of no use to it here: everything is mounted after the image has become the root.

use crate::Level;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;
use sys::mounts::{self, Devices};

/// The most namespaces that are kept. One more, and the oldest goes; it can be made again.
const ROOTS_MAX: usize = 64;
/// What is read of an image's list of users or groups.
const LIST_BYTES_MAX: u64 = 1 << 20;
/// Files of the template that are seen in place of an image's.
const OURS: [&str; 3] = ["hosts", "hostname", "resolv.conf"];
/// Files to which the template's are added: functions run as users whom the image does not know.
const BOTH: [&str; 2] = ["passwd", "group"];

/// A directory, whatever its name is.
pub(crate) type Identity = (u64, u64);

#[derive(Debug)]
pub(crate) struct Roots {
    level: Level,
    /// The oldest in front.
    known: VecDeque<Root>,
}

#[derive(Debug)]
struct Root {
    path: CString,
    identity: Identity,
    namespace: Rc<OwnedFd>,
}

impl Roots {
    pub(crate) const fn new(level: Level) -> Self {
        Self { level, known: VecDeque::new() }
    }

    /// The namespace of a directory, if it is still the directory that it was made for.
    pub(crate) fn get(&self, path: &CStr, identity: Identity) -> Option<Rc<OwnedFd>> {
        let root = self.known.iter().find(|root| root.path.as_c_str() == path)?;
        (root.identity == identity).then(|| Rc::clone(&root.namespace))
    }

    pub(crate) fn put(
        &mut self,
        path: &CStr,
        identity: Identity,
        namespace: OwnedFd,
    ) -> Rc<OwnedFd> {
        self.known.retain(|root| root.path.as_c_str() != path);
        if self.known.len() >= ROOTS_MAX {
            self.known.pop_front();
        }
        let namespace = Rc::new(namespace);
        let kept = Rc::clone(&namespace);
        self.known.push_back(Root { path: path.to_owned(), identity, namespace: kept });
        namespace
    }

    /// Makes `tree`, which is read-only, the root of this namespace, a copy of the template's.
    pub(crate) fn build(&self, tree: &OwnedFd) -> io::Result<()> {
        let devices = mounts::clone_tree("/dev")?;
        // A user namespace may mount /proc only where one is already seen.
        let proc = if self.level == Level::L1 { Some(mounts::clone_tree("/proc")?) } else { None };
        let mut files = Vec::new();
        for name in OURS {
            files.push((name, mounts::clone_mount(format!("/etc/{name}"))?));
        }
        mounts::attach(tree, c"/mnt")?;
        mounts::mount_tmpfs(c"/tmp", Devices::Denied, c"size=8m,mode=755")?;
        for name in BOTH {
            files.push((name, list_of_both(name)?));
        }
        std::env::set_current_dir("/mnt")?;
        mounts::make_root()?;
        mounts::attach_at_end(devices, c"/dev")?;
        if let Some(proc) = proc {
            mounts::attach_at_end(proc, c"/proc")?;
        }
        for (name, file) in files {
            mounts::attach(file, format!("/etc/{name}"))?;
        }
        Ok(())
    }
}

/// A file with the image's lines and then the template's, ready to be attached.
fn list_of_both(name: &str) -> io::Result<OwnedFd> {
    let ours = fs::read(format!("/etc/{name}"))?;
    let mut lines = image_s(name)?;
    if lines.is_empty() {
        lines = ours;
    } else {
        if lines.last() != Some(&b'\n') {
            lines.push(b'\n');
        }
        // Its root is the image's.
        let users = ours.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        lines.extend(ours.get(users..).unwrap_or_default());
    }
    let path = format!("/tmp/{name}");
    fs::write(&path, lines)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    let file = mounts::clone_mount(&path)?;
    mounts::restrict_tree(&file, Devices::Denied)?;
    Ok(file)
}

/// What the image says itself. Not more than is sensible, and nothing that is not a file.
fn image_s(name: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, "/mnt", flags, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let path = format!("etc/{name}");
    let file = match openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(Vec::new()),
        Err(errno) => return Err(errno.into()),
    };
    let mut lines = Vec::new();
    if file.metadata()?.is_file() {
        file.take(LIST_BYTES_MAX).read_to_end(&mut lines)?;
    }
    Ok(lines)
}
