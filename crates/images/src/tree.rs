// SPDX-License-Identifier: Apache-2.0
//! A directory tree that is written by names which nobody can be trusted to have chosen well.
//!
//! Every name is resolved by the kernel with the tree as its root: a link, wherever it leads, leads to somewhere in the tree.
//! So nothing here opens, makes or removes anything outside.
//!
//! Blocks. Invariant: no name is followed in its last part.

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags, Timespec, Timestamps,
    UTIME_OMIT, fchmod, futimens, linkat, mkdirat, openat, openat2, statx, symlinkat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

/// How deep directories may lie in each other.
const DEPTH_MAX: usize = 128;
const NAME_BYTES_MAX: usize = 255;
const PATH_BYTES_MAX: usize = 4096;

/// A relative path without `.` and `..`. Empty: the tree itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Inner(PathBuf);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadPath {
    Outside,
    TooLong,
}

impl Inner {
    /// Reads the name of an entry. Absolute ones are taken as relative, as every unpacker of images does.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BadPath> {
        if bytes.len() > PATH_BYTES_MAX {
            return Err(BadPath::TooLong);
        }
        if bytes.contains(&0) {
            return Err(BadPath::Outside);
        }
        let mut path = PathBuf::new();
        for component in Path::new(OsStr::from_bytes(bytes)).components() {
            match component {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) if name.len() <= NAME_BYTES_MAX => path.push(name),
                Component::Normal(_) => return Err(BadPath::TooLong),
                Component::ParentDir | Component::Prefix(_) => return Err(BadPath::Outside),
            }
        }
        if path.components().count() > DEPTH_MAX {
            return Err(BadPath::TooLong);
        }
        Ok(Self(path))
    }

    pub(crate) const fn root() -> Self {
        Self(PathBuf::new())
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.clone().into_os_string().into_vec()
    }

    pub(crate) fn length(&self) -> usize {
        self.0.as_os_str().len()
    }

    /// Parts the last name from the directory that it is in. `None` for the tree itself.
    pub(crate) fn split(&self) -> Option<(Self, OsString)> {
        Some((Self(self.0.parent()?.to_path_buf()), self.0.file_name()?.to_owned()))
    }

    pub(crate) fn join(&self, name: &OsStr) -> Self {
        Self(self.0.join(name))
    }
}

#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

/// What is in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    Directory,
    File,
    Link,
    Other,
}

impl Tree {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: openat(CWD, path, flags, Mode::empty())? })
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The directory at `path`, links followed inside the tree.
    pub(crate) fn directory(&self, path: &Inner) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let name = if path.length() == 0 { Path::new(".") } else { path.as_path() };
        Ok(openat2(&self.root, name, flags, Mode::empty(), ResolveFlags::IN_ROOT)?)
    }

    /// The same, and makes what is missing. `made` is told what that was.
    pub(crate) fn ensure_directory(
        &self,
        path: &Inner,
        mut made: impl FnMut(&Inner),
    ) -> io::Result<OwnedFd> {
        match self.directory(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let (parent, name) = path.split().ok_or(io::ErrorKind::NotFound)?;
        // As deep as a path may be.
        let parent = self.ensure_directory_of(&parent, &mut made)?;
        make_directory(parent.as_fd(), &name, 0o755)?;
        made(path);
        self.directory(path)
    }

    fn ensure_directory_of(
        &self,
        path: &Inner,
        made: &mut dyn FnMut(&Inner),
    ) -> io::Result<OwnedFd> {
        self.ensure_directory(path, |path| made(path))
    }

    /// Removes what is in a place, with all that is in it.
    pub(crate) fn remove(&self, path: &Inner) -> io::Result<()> {
        let Some((parent, name)) = path.split() else { return self.empty(path) };
        match self.directory(&parent) {
            Ok(parent) => remove(parent.as_fd(), &name),
            Err(error) if is_nothing_there(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes all that is in the directory at `path`.
    pub(crate) fn empty(&self, path: &Inner) -> io::Result<()> {
        let directory = match self.directory(path) {
            Ok(directory) => directory,
            Err(error) if is_nothing_there(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        for name in names(directory.as_fd())? {
            remove(directory.as_fd(), &name)?;
        }
        Ok(())
    }
}

fn is_nothing_there(error: &io::Error) -> bool {
    let is_loop = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    is_loop || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The names in a directory.
pub(crate) fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

pub(crate) fn kind(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Kind> {
    match statx(directory, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE) {
        Ok(found) => Ok(match FileType::from_raw_mode(found.stx_mode.into()) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        }),
        Err(Errno::NOENT) => Ok(Kind::Nothing),
        Err(errno) => Err(errno.into()),
    }
}

/// The permissions of a directory.
pub(crate) fn mode(directory: BorrowedFd<'_>) -> io::Result<u32> {
    let found = statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::MODE)?;
    Ok(u32::from(found.stx_mode) & 0o777)
}

pub(crate) fn set_mode(directory: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    Ok(fchmod(directory, Mode::from_raw_mode(mode))?)
}

/// A directory of a directory, if it is one itself.
pub(crate) fn enter(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?)
}

/// Removes what is called `name`, with all that is in it. Nothing is fine, too.
pub(crate) fn remove(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {
            // The standard library's removal follows no link below a directory; the directory itself is this one.
            let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
            std::fs::remove_dir_all(path.join(name))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Makes a directory. One that is there gets the mode. What is there and is none is an error.
pub(crate) fn make_directory(directory: BorrowedFd<'_>, name: &OsStr, mode: u32) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode);
    match mkdirat(directory, name, mode) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    // Whatever the umask, and by its descriptor: a link of this name must not have its target changed.
    Ok(fchmod(enter(directory, name)?, mode)?)
}

/// Makes a file that is not there yet.
pub(crate) fn make_file(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::from_raw_mode(0o600))?.into())
}

/// Gives a file its permissions and the time of its last change, which Python checks its compiled files by.
pub(crate) fn finish_file(file: &File, mode: u32, modified_s: i64) -> io::Result<()> {
    fchmod(file, Mode::from_raw_mode(mode))?;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: modified_s, tv_nsec: 0 },
    };
    Ok(futimens(file, &times)?)
}

pub(crate) fn make_link(directory: BorrowedFd<'_>, name: &OsStr, target: &[u8]) -> io::Result<()> {
    Ok(symlinkat(OsStr::from_bytes(target), directory, name)?)
}

/// Gives a file, or a link itself, another name.
pub(crate) fn make_hard_link(
    from: BorrowedFd<'_>,
    from_name: &OsStr,
    to: BorrowedFd<'_>,
    to_name: &OsStr,
) -> io::Result<()> {
    Ok(linkat(from, from_name, to, to_name, AtFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        let parse = |text: &str| Inner::parse(text.as_bytes()).map(|inner| inner.0);
        assert_eq!(parse("/a/./b/"), Ok(PathBuf::from("a/b")));
        assert_eq!(parse("./"), Ok(PathBuf::new()));
        for bad in ["..", "a/../b", "/../a", "a\0b"] {
            assert_eq!(parse(bad), Err(BadPath::Outside), "{bad:?}");
        }
        for long in ["a/".repeat(129), "a".repeat(256), "a/".repeat(3000)] {
            assert_eq!(parse(&long), Err(BadPath::TooLong));
        }
    }

    #[test]
    fn a_link_leads_to_a_place_in_the_tree() {
        let (outside, inside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(inside.path().join("etc")).unwrap();
        for (name, target) in [
            ("absolute", outside.path().as_os_str().as_bytes()),
            ("up", b"../../../../../../../../etc".as_slice()),
            ("root", b"/".as_slice()),
        ] {
            let tree = Tree::open(inside.path()).unwrap();
            make_link(tree.root(), OsStr::new(name), target).unwrap();
        }
        let tree = Tree::open(inside.path()).unwrap();
        let inner = |text: &str| Inner::parse(text.as_bytes()).unwrap();
        assert!(tree.directory(&inner("absolute")).is_err(), "it does not exist in here");
        let etc = tree.directory(&inner("up")).unwrap();
        make_file(etc.as_fd(), OsStr::new("passwd")).unwrap();
        assert!(inside.path().join("etc/passwd").is_file());
        tree.ensure_directory(&inner("root/new/deep"), |_| {}).unwrap();
        assert!(inside.path().join("new/deep").is_dir());
        tree.remove(&inner("up/passwd")).unwrap();
        assert!(!inside.path().join("etc/passwd").exists());
        tree.empty(&Inner::root()).unwrap();
        assert_eq!(std::fs::read_dir(inside.path()).unwrap().count(), 0);
        assert!(outside.path().is_dir());
    }
}
