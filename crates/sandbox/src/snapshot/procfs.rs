// SPDX-License-Identifier: Apache-2.0
//! What the kernel tells of a process under `/proc`. To be called where that is the host's.

use super::{Identity, Layout};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

pub(crate) const PAGE_BYTES: usize = 4096;
pub(crate) const PAGE: u64 = PAGE_BYTES as u64;

/// One line of `smaps`, with the flags that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Bits as `mmap` takes them: read, write, execute.
    pub(crate) protection: u32,
    pub(crate) is_shared: bool,
    pub(crate) offset: u64,
    pub(crate) inode: u64,
    /// A path, a name in brackets, or nothing.
    pub(crate) name: String,
    pub(crate) flags: Vec<String>,
}

impl Mapped {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// The kernel's own pages, which no program has made.
    pub(crate) fn is_kernels(&self) -> bool {
        self.name.starts_with("[vvar") || matches!(&*self.name, "[vdso]" | "[vsyscall]")
    }
}

pub(crate) fn mapped(pid: i32) -> io::Result<Vec<Mapped>> {
    parse(&fs::read_to_string(format!("/proc/{pid}/smaps"))?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "smaps is not as expected"))
}

fn parse(text: &str) -> Option<Vec<Mapped>> {
    let mut all: Vec<Mapped> = Vec::new();
    for line in text.lines() {
        let first = line.split(' ').next()?;
        match first.strip_suffix(':') {
            Some("VmFlags") => {
                let flags = line.split_whitespace().skip(1).map(str::to_owned);
                all.last_mut()?.flags = flags.collect();
            }
            Some(_) => {}
            None => all.push(parse_head(line)?),
        }
    }
    Some(all)
}

fn parse_head(line: &str) -> Option<Mapped> {
    let mut rest = line;
    let mut word = || {
        let trimmed = rest.trim_start();
        let end = trimmed.find(' ').unwrap_or(trimmed.len());
        let (word, after) = trimmed.split_at(end);
        rest = after;
        word
    };
    let (start, end) = word().split_once('-')?;
    let permissions = word().as_bytes();
    let offset = u64::from_str_radix(word(), 16).ok()?;
    let (_device, inode) = (word(), word().parse().ok()?);
    let bit = |index: usize, letter: u8, value: u32| {
        if permissions.get(index) == Some(&letter) { value } else { 0 }
    };
    Some(Mapped {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        protection: bit(0, b'r', 1) | bit(1, b'w', 2) | bit(2, b'x', 4),
        is_shared: permissions.get(3) == Some(&b's'),
        offset,
        inode,
        name: rest.trim_start().to_owned(),
        flags: Vec::new(),
    })
}

/// The children of all threads of a process.
pub(crate) fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut all = Vec::new();
    for thread in threads(pid)? {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"))?;
        all.extend(text.split_whitespace().filter_map(|number| number.parse::<i32>().ok()));
    }
    Ok(all)
}

/// The threads of a process, the leader first.
pub(crate) fn threads(pid: i32) -> io::Result<Vec<i32>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        all.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    all.sort_by_key(|thread| (*thread != pid, *thread));
    Ok(all)
}

/// The value after `key` in a file of a process, such as `Umask` in `status`.
pub(crate) fn value(pid: i32, file: &str, key: &str) -> io::Result<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    found.map(|value| value.trim().to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The number that a thread has in its own namespace.
pub(crate) fn own_number(pid: i32, thread: i32) -> io::Result<u64> {
    let numbers = value(pid, &format!("task/{thread}/status"), "NSpid")?;
    let own = numbers.split_whitespace().last().and_then(|number| number.parse().ok());
    own.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

pub(crate) fn identity_of(path: &str) -> io::Result<Identity> {
    let found = fs::metadata(path)?;
    Ok(Identity {
        device: found.dev(),
        inode: found.ino(),
        bytes: found.size(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}

/// Where the program lies, from `stat`, `auxv` and what the process itself said of its heap's end.
pub(crate) fn layout(pid: i32, heap_end: u64) -> io::Result<Layout> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
    // The first after the bracket is field 3.
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| {
        let text = fields.get(number - 3);
        text.and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidData)
    };
    let auxiliary = fs::read(format!("/proc/{pid}/auxv"))?;
    let addresses = [
        field(26)?,
        field(27)?,
        field(45)?,
        field(46)?,
        field(47)?,
        heap_end,
        field(28)?,
        field(48)?,
        field(49)?,
        field(50)?,
        field(51)?,
    ];
    Ok(Layout { addresses, auxiliary })
}

/// What of a process's pages is its own.
#[derive(Debug)]
pub(crate) struct Pages(File);

const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_FILE: u64 = 1 << 61;

impl Pages {
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        Ok(Self(File::open(format!("/proc/{pid}/pagemap"))?))
    }

    /// Ranges of pages between two addresses that exist in this process alone.
    pub(crate) fn own(&self, start: u64, end: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        let mut buffer = vec![0; 8 * 4096];
        let mut at = start;
        while at < end {
            let count = ((end - at) / PAGE).min(4096);
            let bytes = usize::try_from(count * 8).map_err(io::Error::other)?;
            let part = buffer.get_mut(..bytes).ok_or(io::ErrorKind::InvalidInput)?;
            self.0.read_exact_at(part, at / PAGE * 8)?;
            for entry in part.as_chunks::<8>().0 {
                let entry = u64::from_ne_bytes(*entry);
                if entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0 {
                    match ranges.last_mut() {
                        // A gap of some pages costs less than another piece.
                        Some((_, last)) if at - *last <= GAP_MAX => *last = at + PAGE,
                        _ => ranges.push((at, at + PAGE)),
                    }
                }
                at += PAGE;
            }
        }
        Ok(ranges)
    }
}

const GAP_MAX: u64 = 8 * PAGE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_smaps_is_read() {
        let text = "7f00-7f02 r-xp 00001000 fd:00 42                         /usr/lib/a b.so (deleted)\n\
                    Size:                  8 kB\nVmFlags: rd ex mr mw me sd\n\
                    8000-9000 rw-s 00000000 00:00 0\nVmFlags: rd wr sh\n";
        let all = parse(text).unwrap();
        assert_eq!((all[0].start, all[0].end, all[0].protection), (0x7f00, 0x7f02, 5));
        assert_eq!((all[0].name.as_str(), all[0].offset), ("/usr/lib/a b.so (deleted)", 0x1000));
        assert!(all[0].has("me") && !all[0].has("wr") && !all[0].is_shared);
        assert!(all[1].is_shared && all[1].name.is_empty());
    }
}
