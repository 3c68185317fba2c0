// SPDX-License-Identifier: Apache-2.0
//! The program that this process executes, as it lies in memory.

use std::io;

/// Takes this program's code and constants out of this process's memory. What is used again comes back page by page, out of the
/// kernel's cache of the file: so what was needed once only, as most of a start is, stays away.
///
/// What the program has written, be it by its relocations, is left alone.
pub fn let_go() -> io::Result<()> {
    let mut outcome = Ok(());
    // SAFETY: `let_go_of` takes what `dl_iterate_phdr` passes, and the live result that is given here.
    unsafe { libc::dl_iterate_phdr(Some(let_go_of), (&raw mut outcome).cast()) };
    outcome
}

/// Is told of the program first, and wants to hear of no library.
unsafe extern "C" fn let_go_of(
    object: *mut libc::dl_phdr_info,
    _: libc::size_t,
    outcome: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: the linker passes a live description, for as long as this runs.
    let object = unsafe { &*object };
    // SAFETY: `let_go` passes its result, which nobody else touches meanwhile.
    let outcome = unsafe { &mut *outcome.cast::<io::Result<()>>() };
    // SAFETY: the description has the address and the count of headers that the linker keeps for as long as the program runs.
    let headers = unsafe { std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
    let never_written =
        headers.iter().filter(|one| one.p_type == libc::PT_LOAD && one.p_flags & libc::PF_W == 0);
    for header in never_written {
        if let Err(error) = unmap(object.dlpi_addr + header.p_vaddr, header.p_memsz) {
            *outcome = Err(error);
        }
    }
    1
}

/// Whole pages only: the rest of a page may be a neighbour's.
fn unmap(address: u64, length: u64) -> io::Result<()> {
    let page = rustix::param::page_size() as u64;
    let (first, end) = (address.next_multiple_of(page), (address + length) / page * page);
    if first >= end {
        return Ok(());
    }
    let (first, length) = (first as *mut libc::c_void, end - first);
    let length = usize::try_from(length).map_err(io::Error::other)?;
    // SAFETY: these pages are of a private mapping of the program's file to which nobody could ever write: the linker makes no
    // relocations in what its header says is read only. So each page comes back as it was.
    match unsafe { libc::madvise(first, length, libc::MADV_DONTNEED) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    /// Of the mappings that may be executed, in kilobytes.
    fn resident() -> u64 {
        let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let own = std::env::current_exe().unwrap();
        let mut is_own_code = false;
        let mut sum = 0;
        for line in text.lines() {
            // What begins a mapping's lines ends with its file, if it has one.
            if line.contains(" r-xp ") {
                is_own_code = line.ends_with(own.to_str().unwrap());
            } else if let Some(rest) = line.strip_prefix("Rss:") {
                let kilobytes: u64 = rest.trim().trim_end_matches(" kB").parse().unwrap();
                sum += if std::mem::take(&mut is_own_code) { kilobytes } else { 0 };
            }
        }
        sum
    }

    #[test]
    fn a_program_that_let_go_of_itself_is_smaller_and_goes_on() {
        // Tests that run beside it bring back what they need.
        let is_smaller = || {
            let before = resident();
            super::let_go().unwrap();
            resident() < before
        };
        assert!((0..1000).any(|_| is_smaller()));
    }
}
