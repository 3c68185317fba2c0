// SPDX-License-Identifier: Apache-2.0
//! Makes a process that has just executed its program into the one of a snapshot.

use super::procfs::{self, Mapped, PAGE_BYTES};
use super::program::{self, Expected, Program};
use super::take::{
    NO_RESERVE, PROGRAM_BYTES_MAX, SIGKILL, SIGNALS, SIGSTOP, free_address, inside, kernel_areas,
    map_program, open_memory, syscall_of,
};
use super::{Area, During as _, Image, SNAPSHOT, Thread, Trouble, descriptors};
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use sys::trace::{Stop, Tracee, call};

const SHARED: u64 = 0x1;
const PRIVATE: u64 = 0x2;
const FIXED: u64 = 0x10;
const ANONYMOUS: u64 = 0x20;
const GROWS_DOWN: u64 = 0x100;
const NOT_REPLACING: u64 = 0x10_0000;
const DROPPABLE: u64 = 0x8;
const MADV_WIPE_ON_FORK: u64 = 18;
/// To a given place, at the same size.
const MOVE: u64 = 3;
const PR_SET_MM: u64 = 35;
const PR_SET_MM_MAP: u64 = 14;
const PR_SET_NAME: u64 = 15;
/// A thread as the C library makes it: zero is written to where its number stands when it ends.
const THREAD: u64 = 0x0005_0f00 | 0x0020_0000;
/// Nobody is told of it, and who makes it waits until it has ended.
const UNTRACED_UNTIL_ITS_END: u64 = 0x0080_0000 | 0x4000;

/// A process that waits before it executes its program, and is traced from there on.
#[derive(Debug)]
pub(crate) struct Held {
    process: i32,
    leader: Tracee,
}

impl Held {
    /// Takes hold of the one process that the first process of a sandbox has made.
    pub(crate) fn seize(init: i32) -> Result<Self, Trouble> {
        let all = procfs::children(init).during("find the new process")?;
        let found = all.first().copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let process = found.during("find the new process")?;
        Ok(Self { process, leader: Tracee::seize(process).during("trace the new process")? })
    }

    /// Waits until it has executed its program, of which it then has not run an instruction.
    pub(crate) fn wait_for_program(&self) -> Result<(), Trouble> {
        while self.leader.wait().during("start the runtime")? != Stop::Executed {
            self.leader.resume().during("start the runtime")?;
        }
        // Out of the system call, whose result would be written over.
        self.leader.step().during("start the runtime")?;
        self.leader.wait().map(drop).during("start the runtime")
    }

    /// Makes it over, and lets it go on.
    pub(crate) fn become_image(
        self,
        image: &Image,
        file: &File,
        api: SocketAddr,
    ) -> Result<(), Trouble> {
        let Self { process, leader } = self;
        check_files(process, image)?;

        let memory = open_memory(process).during("open the new process's memory")?;
        let mapped = procfs::mapped(process).during("read the new process's address space")?;
        let own = kernel_areas(&mapped);
        let instruction = syscall_of(&memory, &own).during("find a system call")?;
        let here = mapped.iter().map(|mapped| (mapped.start, mapped.end));
        let there = image.areas.iter().map(|area| (area.start, area.end));
        let kernel_s = image.kernel_areas.iter().map(|(_, start, end)| (*start, *end));
        let base = free_address(here.chain(there).chain(kernel_s)).during("find room")?;
        map_program(&leader, instruction, base).during("make room")?;

        let program = whole(image, &mapped, &own, base, api)?;
        if program.bytes() > PROGRAM_BYTES_MAX {
            return Err(Trouble::Obstacle("the runtime is made of too many pieces".to_owned()));
        }
        let made = program.run(&leader, &memory).during("make over the process")?;
        fill(image, file, &memory).during("fill the stack")?;
        let threads: Vec<Tracee> = std::iter::once(leader).chain(made).collect();
        go_on(image, &threads, &memory, base)
    }
}

/// Whether the files that the snapshot was taken with are still the same.
fn check_files(process: i32, image: &Image) -> Result<(), Trouble> {
    let boot = super::boot().during("read the kernel's boot")?;
    if boot != image.boot {
        return Err(Trouble::Stale("the machine has been started since".to_owned()));
    }
    let mut last = None;
    let lasting = image.areas.iter().filter(|area| area.shared.is_none());
    for source in lasting.filter_map(|area| area.file.as_ref()) {
        // Pieces of one file follow each other.
        if last == Some((&source.path, source.identity)) {
            continue;
        }
        if procfs::identity_of(&inside(process, &source.path)).ok() != Some(source.identity) {
            return Err(Trouble::Stale(format!("{} has changed", source.path)));
        }
        last = Some((&source.path, source.identity));
    }
    Ok(())
}

/// All that the process itself can do.
fn whole(
    image: &Image,
    mapped: &[Mapped],
    own: &[(String, u64, u64)],
    base: u64,
    api: SocketAddr,
) -> Result<Program, Trouble> {
    let mut program = Program::new(base);
    for area in mapped.iter().filter(|area| !area.is_kernels()) {
        let arguments = [area.start, area.end - area.start];
        program.call("munmap", call::MUNMAP, &arguments, Expected::Success);
    }
    move_kernel_areas(&mut program, image, own)?;
    let mut opened = None;
    for area in &image.areas {
        map(&mut program, area, &mut opened);
    }
    if opened.is_some() {
        program.call("close", call::CLOSE, &[FILE], Expected::Success);
    }
    set_layout(&mut program, image);
    let directory = program.put_text(&image.directory);
    program.call("chdir", call::CHDIR, &[directory], Expected::Success);
    program.call("umask", call::UMASK, &[image.umask.into()], Expected::Success);
    descriptors::put_back(&mut program, &image.descriptors, &image.links, api);
    let snapshot = u64::from(SNAPSHOT.unsigned_abs());
    program.call("close", call::CLOSE, &[snapshot], Expected::Success);
    for (signal, action) in SIGNALS.zip(&image.signal_actions) {
        if signal != SIGKILL && signal != SIGSTOP {
            let action: Vec<u8> = action.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let action = program.put(&action);
            let arguments = [signal, action, 0, 8];
            program.call("rt_sigaction", call::RT_SIGACTION, &arguments, Expected::Success);
        }
    }
    make_threads(&mut program, &image.threads);
    Ok(program)
}

/// Each thread gets the number that it had. Those between, whose threads had ended, are used up.
fn make_threads(program: &mut Program, threads: &[Thread]) {
    for pair in threads.windows(2) {
        let [before, thread] = pair else { continue };
        for number in before.number + 1..thread.number {
            use_up(program, number);
        }
        let arguments = [THREAD, 0, 0, thread.number_address, 0];
        program.call("clone", call::CLONE, &arguments, Expected::Exactly(thread.number));
    }
}

/// Makes a thread that ends at once. It goes on in the same list of calls, whose next is that it ends; the kernel then writes
/// zero where it was told to, which makes another call of that one: a read of nothing, for the thread that has waited.
fn use_up(program: &mut Program, number: u64) {
    let arguments = [THREAD | UNTRACED_UNTIL_ITS_END];
    program.call("clone", call::CLONE, &arguments, Expected::Exactly(number));
    program.point_to_next(3);
    program.call("exit", call::EXIT, &[u64::MAX], Expected::Whatever);
}

/// The number that a file has while pieces of it are mapped: nothing has taken it yet.
const FILE: u64 = 3;

fn move_kernel_areas(
    program: &mut Program,
    image: &Image,
    own: &[(String, u64, u64)],
) -> Result<(), Trouble> {
    let sizes = |areas: &[(String, u64, u64)]| -> Vec<(String, u64)> {
        areas.iter().map(|(name, start, end)| (name.clone(), end - start)).collect()
    };
    if sizes(own) != sizes(&image.kernel_areas) {
        return Err(Trouble::Stale("the kernel's own pages are others".to_owned()));
    }
    let overlaps = |start: u64, end: u64| {
        own.iter().any(|(_, own_start, own_end)| start < *own_end && *own_start < end)
    };
    for ((_, start, end), (_, there, there_end)) in own.iter().zip(&image.kernel_areas) {
        if start == there {
            continue;
        }
        if overlaps(*there, *there_end) {
            let error = io::Error::other("the kernel's own pages lie over each other");
            return Err(Trouble::Failed("move the kernel's pages".to_owned(), error));
        }
        let arguments = [*start, end - start, end - start, MOVE, *there];
        program.call("mremap", call::MREMAP, &arguments, Expected::Exactly(*there));
    }
    Ok(())
}

fn map<'a>(program: &mut Program, area: &'a Area, opened: &mut Option<(&'a str, Option<u32>)>) {
    let (start, bytes, protection) = (area.start, area.end - area.start, area.protection.into());
    match &area.file {
        Some(source) => {
            let place = (source.path.as_str(), area.shared);
            if *opened != Some(place) {
                if opened.is_some() {
                    program.call("close", call::CLOSE, &[FILE], Expected::Success);
                }
                let path = program.put_text(&source.path);
                let flags = area.shared.unwrap_or(0);
                let arguments = [descriptors::AT_FDCWD, path, flags.into(), 0];
                program.call("openat", call::OPENAT, &arguments, Expected::Exactly(FILE));
                *opened = Some(place);
            }
            let flags = NOT_REPLACING | if area.shared.is_some() { SHARED } else { PRIVATE };
            let arguments = [start, bytes, protection, flags, FILE, source.offset];
            program.call("mmap", call::MMAP, &arguments, Expected::Exactly(start));
        }
        None => {
            let mut flags = ANONYMOUS | NOT_REPLACING | NO_RESERVE;
            flags |= if area.is_droppable { DROPPABLE } else { PRIVATE };
            if area.grows_down {
                flags |= GROWS_DOWN;
            }
            let arguments = [start, bytes, protection, flags, u64::MAX, 0];
            program.call("mmap", call::MMAP, &arguments, Expected::Exactly(start));
        }
    }
    if area.is_wiped && !area.is_droppable {
        let arguments = [start, bytes, MADV_WIPE_ON_FORK];
        program.call("madvise", call::MADVISE, &arguments, Expected::Success);
    }
    // A piece that grows would not, with something else at its end.
    if !area.grows_down {
        for run in &area.runs {
            let flags = PRIVATE | FIXED;
            let snapshot = u64::from(SNAPSHOT.unsigned_abs());
            let arguments = [run.start, run.bytes, protection, flags, snapshot, run.offset];
            program.call("mmap", call::MMAP, &arguments, Expected::Exactly(run.start));
        }
    }
}

fn set_layout(program: &mut Program, image: &Image) {
    let auxiliary = program.put(&image.layout.auxiliary);
    let mut map: Vec<u8> =
        image.layout.addresses.iter().flat_map(|address| address.to_ne_bytes()).collect();
    map.extend(auxiliary.to_ne_bytes());
    let size = u32::try_from(image.layout.auxiliary.len()).unwrap_or(0);
    map.extend(size.to_ne_bytes());
    // The program's file stays what it is.
    map.extend(u32::MAX.to_ne_bytes());
    let length = map.len() as u64;
    let map = program.put(&map);
    let arguments = [PR_SET_MM, PR_SET_MM_MAP, map, length, 0];
    program.call("prctl", call::PRCTL, &arguments, Expected::Success);
}

/// What is written to memory rather than mapped.
fn fill(image: &Image, file: &File, memory: &File) -> io::Result<()> {
    let mut page = [0; PAGE_BYTES];
    for run in image.areas.iter().filter(|area| area.grows_down).flat_map(|area| &area.runs) {
        for at in (0..run.bytes).step_by(page.len()) {
            file.read_exact_at(&mut page, run.offset + at)?;
            memory.write_all_at(&page, run.start + at)?;
        }
    }
    Ok(())
}

/// Gives each thread what is its own, takes away what was only for the way, and lets all go.
fn go_on(image: &Image, tracees: &[Tracee], memory: &File, base: u64) -> Result<(), Trouble> {
    if tracees.len() != image.threads.len() {
        let error = io::Error::other("threads are missing");
        return Err(Trouble::Failed("make the threads".to_owned(), error));
    }
    for (tracee, thread) in tracees.iter().zip(&image.threads) {
        own_calls(thread, base).run(tracee, memory).during("make over a thread")?;
    }
    let Some(leader) = tracees.first() else { return Ok(()) };
    let instruction = syscall_of(memory, &image.kernel_areas).during("find a system call")?;
    let arguments = [base, PROGRAM_BYTES_MAX];
    program::call_once(leader, instruction, "munmap", call::MUNMAP, &arguments)
        .during("take the program away")?;
    for (tracee, thread) in tracees.iter().zip(&image.threads) {
        tracee.set_extended_registers(&thread.extended).during("set a thread's registers")?;
        tracee.set_registers(&thread.registers).during("set a thread's registers")?;
        tracee.set_signal_mask(thread.signal_mask).during("set a thread's signals")?;
    }
    tracees.iter().try_for_each(Tracee::let_go).during("let the runtime go")
}

fn own_calls(thread: &Thread, base: u64) -> Program {
    let mut program = Program::new(base);
    let name = program.put_text(&thread.name);
    program.call("prctl", call::PRCTL, &[PR_SET_NAME, name], Expected::Success);
    if thread.number_address != 0 {
        let arguments = [thread.number_address];
        program.call("set_tid_address", call::SET_TID_ADDRESS, &arguments, Expected::Success);
    }
    let (head, length) = thread.robust_list;
    if head != 0 {
        let arguments = [head, length];
        program.call("set_robust_list", call::SET_ROBUST_LIST, &arguments, Expected::Success);
    }
    let (pointer, size, signature) = thread.sequence;
    if pointer != 0 {
        let arguments = [pointer, size.into(), 0, signature.into()];
        program.call("rseq", call::RSEQ, &arguments, Expected::Success);
    }
    let stack: Vec<u8> = thread.signal_stack.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let stack = program.put(&stack);
    // One that is in use, or none at all, is told by its flags.
    program.call("sigaltstack", call::SIGALTSTACK, &[stack, 0], Expected::Whatever);
    program
}
