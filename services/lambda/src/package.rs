// SPDX-License-Identifier: Apache-2.0
//! A deployment package: a zip that was checked and may be unpacked.
//!
//! The check reads the central directory and the symbolic links, so that a bad upload is refused while its caller
//! still listens. It answers what a file name, a mode and a link may be; `unpack` then does as planned.
//!
//! Invariants of a `Package`:
//! - every path is relative, has no `..`, and is planned once: of two entries with one name the later stays, as unzip
//!   would leave it;
//! - no path goes through a file or a link of the same package;
//! - every link leads to a place inside the package, through however many other links;
//! - nothing is planned but files, directories and links; no mode has a setuid, setgid or sticky bit.
//!
//! Sizes in a header may lie. The check refuses what admits to be too large; `unpack` counts again.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::{Component, Path, PathBuf};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

const FILE_MODE_DEFAULT: u32 = 0o644;
const DIRECTORY_MODE_DEFAULT: u32 = 0o755;
/// Where the central directory says which system wrote the entry, and the value for Unix.
const SYSTEM_OFFSET: u64 = 5;
const SYSTEM_UNIX: u8 = 3;
const LINK_BYTES_MAX: u64 = 4_096;
/// As the kernel's own limit on links in one path.
const LINK_HOPS_MAX: usize = 40;

/// What a package may be.
#[derive(Debug, Clone, Copy)]
pub struct PackageLimits {
    /// Bytes of a zip that came in the request itself.
    pub zipped_bytes_max: u64,
    /// Bytes of all files together, unpacked.
    pub unzipped_bytes_max: u64,
    /// Files, links and directories together, those that only a path implies included.
    pub entries_max: usize,
    /// Bytes of one path.
    pub path_bytes_max: usize,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            zipped_bytes_max: 52_428_800,
            unzipped_bytes_max: 262_144_000,
            entries_max: 200_000,
            path_bytes_max: 1_024,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error("the package is empty")]
    Empty,
    #[error("the package cannot be read as a zip")]
    Unreadable {
        #[source]
        source: ZipError,
    },
    #[error("the entry `{entry}` cannot be decompressed")]
    Corrupt {
        entry: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the entry `{entry}` {reason}")]
    Refused { entry: String, reason: &'static str },
    #[error("the zip has {bytes} bytes, more than {bytes_max}")]
    ZippedTooLarge { bytes: u64, bytes_max: u64 },
    #[error("unpacked, the package has more than {bytes_max} bytes")]
    UnzippedTooLarge { bytes_max: u64 },
    #[error("the package has more than {entries_max} entries")]
    TooManyEntries { entries_max: usize },
    #[error("failed to {step} `{}`", path.display())]
    Write {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// One name of the package, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Planned {
    File { index: usize, mode: u32 },
    Directory { mode: u32 },
    Link { target: PathBuf },
}

#[derive(Debug)]
pub(crate) struct Package {
    /// The zip as it came.
    pub(crate) zip: Bytes,
    pub(crate) archive: ZipArchive<Cursor<Bytes>>,
    /// Parents come before their children.
    pub(crate) plan: BTreeMap<PathBuf, Planned>,
    pub(crate) limits: PackageLimits,
    /// Of all files, as the directory of the zip says.
    pub(crate) unzipped_bytes: u64,
}

impl Package {
    /// Reads the whole directory of `zip` and plans every entry.
    pub(crate) fn check(zip: Bytes, limits: PackageLimits) -> Result<Self, PackageError> {
        let zipped_bytes = zip.len() as u64;
        if zipped_bytes == 0 {
            return Err(PackageError::Empty);
        }
        if zipped_bytes > limits.zipped_bytes_max {
            return Err(PackageError::ZippedTooLarge {
                bytes: zipped_bytes,
                bytes_max: limits.zipped_bytes_max,
            });
        }

        let mut archive = ZipArchive::new(Cursor::new(zip.clone()))
            .map_err(|source| PackageError::Unreadable { source })?;
        if archive.is_empty() {
            return Err(PackageError::Empty);
        }
        if archive.len() > limits.entries_max {
            return Err(PackageError::TooManyEntries { entries_max: limits.entries_max });
        }

        let mut plan = BTreeMap::new();
        let mut unzipped_bytes = 0_u64;
        for index in 0..archive.len() {
            let Some(entry) = Entry::read(&mut archive, &zip, index, limits.path_bytes_max)? else {
                continue;
            };
            unzipped_bytes = unzipped_bytes.saturating_add(entry.bytes);
            if unzipped_bytes > limits.unzipped_bytes_max {
                return Err(PackageError::UnzippedTooLarge {
                    bytes_max: limits.unzipped_bytes_max,
                });
            }
            add(&mut plan, entry)?;
        }
        add_parents(&mut plan, limits.entries_max)?;
        check_links(&plan)?;
        Ok(Self { zip, archive, plan, limits, unzipped_bytes })
    }
}

/// An entry of the central directory that passed on its own.
struct Entry {
    path: PathBuf,
    planned: Planned,
    /// What the header claims.
    bytes: u64,
}

impl Entry {
    /// `None` for the package's root itself, which some tools list as `./`.
    fn read(
        archive: &mut ZipArchive<Cursor<Bytes>>,
        zip: &[u8],
        index: usize,
        path_bytes_max: usize,
    ) -> Result<Option<Self>, PackageError> {
        let file =
            archive.by_index_raw(index).map_err(|source| PackageError::Unreadable { source })?;
        let name = name_of(&file);
        let refused = |reason| PackageError::Refused { entry: name.clone(), reason };
        if file.encrypted() {
            return Err(refused("is encrypted"));
        }
        if !matches!(
            file.compression(),
            zip::CompressionMethod::Stored | zip::CompressionMethod::Deflated
        ) {
            return Err(refused("is neither stored nor deflated"));
        }

        let path = clean_path(&name, path_bytes_max).map_err(refused)?;
        let (kind, mode) = kind_and_mode(&file, zip);
        let bytes = if matches!(kind, Kind::File) { file.size() } else { 0 };
        let is_root = path.as_os_str().is_empty();
        let planned = match kind {
            Kind::Directory => Planned::Directory { mode },
            Kind::Special => return Err(refused("is a device, a pipe or a socket")),
            Kind::File | Kind::Link if is_root => return Err(refused("has no name")),
            Kind::File => Planned::File { index, mode },
            Kind::Link => {
                drop(file);
                Planned::Link { target: read_link(archive, index, &name)? }
            }
        };
        if is_root {
            return Ok(None);
        }
        Ok(Some(Self { path, planned, bytes }))
    }
}

/// The name as its bytes say, when they are UTF-8: many tools write UTF-8 without the flag that would say so.
fn name_of<R: Read>(file: &ZipFile<'_, R>) -> String {
    std::str::from_utf8(file.name_raw()).map_or_else(|_| file.name().to_owned(), ToOwned::to_owned)
}

fn clean_path(name: &str, path_bytes_max: usize) -> Result<PathBuf, &'static str> {
    if name.len() > path_bytes_max {
        return Err("has a path that is too long");
    }
    if name.contains('\0') {
        return Err("has a zero byte in its path");
    }
    if name.contains('\\') {
        return Err("has a backslash in its path; a zip separates directories with `/`");
    }
    if name.starts_with('/') {
        return Err("has an absolute path");
    }

    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("has `..` in its path"),
            part if part.len() > 255 => return Err("has a name longer than 255 bytes"),
            part => path.push(part),
        }
    }
    Ok(path)
}

enum Kind {
    File,
    Directory,
    Link,
    Special,
}

fn kind_and_mode<R: Read>(file: &ZipFile<'_, R>, zip: &[u8]) -> (Kind, u32) {
    let system = usize::try_from(file.central_header_start() + SYSTEM_OFFSET)
        .ok()
        .and_then(|at| zip.get(at));
    let mode = if system == Some(&SYSTEM_UNIX) { file.unix_mode().unwrap_or(0) } else { 0 };
    let kind = match mode & 0o170_000 {
        0 | 0o100_000 if file.name_raw().ends_with(b"/") => Kind::Directory,
        0 | 0o100_000 => Kind::File,
        0o040_000 => Kind::Directory,
        0o120_000 => Kind::Link,
        _ => Kind::Special,
    };
    let mode = match (mode & 0o777, &kind) {
        (0, Kind::Directory) => DIRECTORY_MODE_DEFAULT,
        (0, Kind::File | Kind::Link | Kind::Special) => FILE_MODE_DEFAULT,
        // The owner is the server, which must be able to remove the directory again.
        (mode, Kind::Directory) => mode | 0o700,
        (mode, Kind::File | Kind::Link | Kind::Special) => mode,
    };
    (kind, mode)
}

fn read_link(
    archive: &mut ZipArchive<Cursor<Bytes>>,
    index: usize,
    name: &str,
) -> Result<PathBuf, PackageError> {
    let refused = |reason| PackageError::Refused { entry: name.to_owned(), reason };
    let file = archive.by_index(index).map_err(|source| PackageError::Unreadable { source })?;
    let mut target = Vec::new();
    file.take(LINK_BYTES_MAX)
        .read_to_end(&mut target)
        .map_err(|source| PackageError::Corrupt { entry: name.to_owned(), source })?;
    if target.len() as u64 == LINK_BYTES_MAX {
        return Err(refused("is a link with a target that is too long"));
    }
    match String::from_utf8(target) {
        Ok(target) if !target.is_empty() && !target.contains('\0') => Ok(target.into()),
        _ => Err(refused("is a link with a target that is no path")),
    }
}

/// Of two entries with one path the later stays, unless one is a directory and the other is not.
fn add(plan: &mut BTreeMap<PathBuf, Planned>, entry: Entry) -> Result<(), PackageError> {
    let is_directory = |planned: &Planned| matches!(planned, Planned::Directory { .. });
    if let Some(earlier) = plan.get(&entry.path)
        && is_directory(earlier) != is_directory(&entry.planned)
    {
        return Err(refused(&entry.path, "is both a directory and a file"));
    }
    plan.insert(entry.path, entry.planned);
    Ok(())
}

/// Plans the directories that paths imply, and refuses paths that go through a file or a link.
fn add_parents(
    plan: &mut BTreeMap<PathBuf, Planned>,
    entries_max: usize,
) -> Result<(), PackageError> {
    let mut implied = BTreeSet::new();
    for path in plan.keys() {
        for parent in path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty()) {
            match plan.get(parent) {
                // Its own parents are planned on its own account.
                Some(Planned::Directory { .. }) => break,
                Some(Planned::File { .. } | Planned::Link { .. }) => {
                    return Err(refused(path, "has a path that goes through a file or a link"));
                }
                None if implied.insert(parent.to_path_buf()) => {}
                None => break,
            }
            if plan.len() + implied.len() > entries_max {
                return Err(PackageError::TooManyEntries { entries_max });
            }
        }
    }
    plan.extend(
        implied.into_iter().map(|path| (path, Planned::Directory { mode: DIRECTORY_MODE_DEFAULT })),
    );
    Ok(())
}

fn check_links(plan: &BTreeMap<PathBuf, Planned>) -> Result<(), PackageError> {
    for (path, planned) in plan {
        if let Planned::Link { target } = planned
            && !stays_inside(plan, path, target)
        {
            return Err(refused(path, "is a link that leads out of the package"));
        }
    }
    Ok(())
}

/// Follows a link as the kernel would, with the package as the whole world. A link to nothing stays inside.
fn stays_inside(plan: &BTreeMap<PathBuf, Planned>, link: &Path, target: &Path) -> bool {
    let mut at = link.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut ahead: Vec<Component<'_>> = target.components().rev().collect();
    let mut hops = 0;
    while let Some(component) = ahead.pop() {
        match component {
            Component::Prefix(_) | Component::RootDir => return false,
            Component::CurDir => {}
            Component::ParentDir if !at.pop() => return false,
            Component::ParentDir => {}
            Component::Normal(name) => {
                at.push(name);
                if let Some(Planned::Link { target }) = plan.get(&at) {
                    hops += 1;
                    if hops > LINK_HOPS_MAX {
                        return false;
                    }
                    at.pop();
                    ahead.extend(target.components().rev());
                }
            }
        }
    }
    true
}

fn refused(path: &Path, reason: &'static str) -> PackageError {
    PackageError::Refused { entry: path.display().to_string(), reason }
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
