// SPDX-License-Identifier: Apache-2.0
//! The machine's C library, where Amazon Linux has it: in `/lib64`.
//!
//! AWS's `LD_LIBRARY_PATH` names `/lib64` before the directories of the function. On a machine that keeps its libraries elsewhere,
//! as Debian does, each program would look through all of that path before it finds its C library in the end: some three
//! hundred system calls of each start. And a C library that a package brings by mistake would be taken with the machine's own
//! linker, which is not so on AWS.
//!
//! In each directory of the path a linker first looks for what was compiled for just this processor, in a dozen directories that
//! are not there. So `/lib64` is its own directory of such libraries, and `/var/lang/lib`, which comes before it, is a link to it
//! until a runtime is mounted there: the first name tried is right. That is a sixth of the start of a small program.
//!
//! Not here, on purpose: any other library of the machine. AWS does not have it, so it must not come before what a function brings.

use rustix::fs::{CWD, Mode, mkdirat, symlinkat};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the links go.
pub(crate) const PLACE: &str = "lib64";

/// The dynamic linkers that we know: their path is in each program.
const LINKERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/// Where a linker looks first below a directory: for processors of the second, third and fourth level.
const FIRST_TRIED: &str = "glibc-hwcaps";
const LEVELS: [&str; 3] = ["x86-64-v2", "x86-64-v3", "x86-64-v4"];

/// What belongs to the C library, and what compilers add to each program.
const NAMES: [&str; 13] = [
    "libc.so.6",
    "libm.so.6",
    "libmvec.so.1",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libresolv.so.2",
    "libutil.so.1",
    "libanl.so.1",
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libthread_db.so.1",
    "libgcc_s.so.1",
];

/// More in `/lib64` than a linker or two is another kind of machine.
const FOUND_MAX: usize = 16;

/// The links that make up a `/lib64`: name and target. None where the machine's own is used as it is.
pub(crate) fn links() -> Vec<(OsString, PathBuf)> {
    let linker = LINKERS.iter().find_map(|linker| fs::canonicalize(linker).ok());
    let Some(directory) = linker.as_deref().and_then(Path::parent) else { return Vec::new() };
    let mut links = Vec::new();
    match fs::read_link("/lib64") {
        // What is there is behind a link that sandboxes have too.
        Ok(_) => {
            let Ok(own) = fs::canonicalize("/lib64") else { return Vec::new() };
            let Ok(entries) = fs::read_dir(&own) else { return Vec::new() };
            let names = entries.flatten().map(|entry| entry.file_name());
            links.extend(names.take(FOUND_MAX).map(|name| (name.clone(), own.join(name))));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => return Vec::new(),
    }
    let is_there = links.iter().any(|(name, _)| name == "libc.so.6");
    let is_seen = ["/usr", "/lib"].iter().any(|tree| directory.starts_with(tree));
    if is_there || links.len() >= FOUND_MAX || !is_seen {
        return Vec::new();
    }
    let found = NAMES.iter().map(|name| (OsString::from(name), directory.join(name)));
    links.extend(found.filter(|(_, target)| target.is_file()));
    links
}

/// Makes them, in a directory of their own below the working directory, and what leads there from `lang`.
pub(crate) fn link(links: Vec<(OsString, PathBuf)>, lang: &Path) -> io::Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let place = Path::new(PLACE);
    let first_tried = place.join(FIRST_TRIED);
    for directory in [place, &first_tried] {
        mkdirat(CWD, directory, Mode::from_raw_mode(0o755))?;
    }
    for (name, target) in links {
        symlinkat(target, CWD, place.join(name))?;
    }
    for level in LEVELS {
        symlinkat("..", CWD, first_tried.join(level))?;
    }
    Ok(symlinkat(Path::new("/").join(PLACE), CWD, lang.join("lib"))?)
}
