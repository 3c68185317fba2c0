// SPDX-License-Identifier: Apache-2.0
//! Takes a snapshot of the one process of a sandbox. It must have come to rest, and it does not go on afterwards.

use super::procfs::{self, Mapped, PAGE, PAGE_BYTES, Pages};
use super::program::{self, Expected, Program, get, set};
use super::{Area, During as _, Image, Run, Source, Thread, Trouble, descriptors, temporary};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use sys::trace::{Stop, Tracee, call, register};

/// What is read from memory at a time.
const COPY_BYTES: u64 = 1 << 20;
/// Room for what a process is made to do.
pub(super) const PROGRAM_BYTES_MAX: u64 = 16 << 20;
/// The most threads that a snapshot may have.
const THREADS_MAX: usize = 512;
/// The number of what a sandbox runs: its own first process is 1.
const LEADER: u64 = 2;
/// The highest number that one of them may have.
const NUMBER_MAX: u64 = 20_000;
/// Signals whose actions can be set; there is no such number as 0.
pub(super) const SIGNALS: std::ops::RangeInclusive<u64> = 1..=64;
pub(super) const SIGKILL: u64 = 9;
pub(super) const SIGSTOP: u64 = 19;

/// Takes a snapshot of what runs under the first process `init`, and writes it to `file`. `port` is that of the connection on
/// which the runtime waits to be brought back, `pipes` are what it prints to and where its log records go. To be called where `/proc` is the host's.
pub(crate) fn take(init: i32, pipes: [u64; 2], file: &File, port: u16) -> Result<(), Trouble> {
    let process = only_process(init)?;
    let tracees = stop_all(process)?;
    let memory = open_memory(process).during("open the runtime's memory")?;
    let mapped = procfs::mapped(process).during("read the runtime's address space")?;
    let pidfd = sys::process::open(process).during("open the runtime")?;
    let (open, links) = descriptors::take(process, &pidfd, pipes, port)?;

    let pages = Pages::open(process).during("open the runtime's pages")?;
    let mut writer = Writer { process, file, memory: &memory, pages: &pages, offset: 0 };
    let mut areas = Vec::new();
    for mapped in mapped.iter().filter(|mapped| !mapped.is_kernels()) {
        areas.push(writer.area(mapped)?);
    }
    check_copies(&mapped, &areas)?;
    let root = PathBuf::from(inside(process, "/tmp"));
    let (temporary, offset) = temporary::take(&root, file, writer.offset)?;

    let kernel_areas = kernel_areas(&mapped);
    let instruction = syscall_of(&memory, &kernel_areas).during("find a system call")?;
    let asked = Asked::ask(&tracees, &memory, instruction, &mapped).during("ask the runtime")?;
    let threads =
        tracees.iter().zip(asked.threads).map(|(tracee, asked)| asked.thread(process, tracee));
    let threads = threads.collect::<io::Result<Vec<_>>>().during("read a thread")?;
    check_numbers(&threads)?;
    let image = Image {
        boot: super::boot().during("read the kernel's boot")?,
        threads,
        areas,
        kernel_areas,
        layout: procfs::layout(process, asked.heap_end).during("read the program's layout")?,
        signal_actions: asked.signal_actions,
        descriptors: open,
        links,
        directory: directory(process).during("read the working directory")?,
        umask: umask(process).during("read the umask")?,
        temporary,
    };
    super::write_description(file, &image, offset.next_multiple_of(8)).during("write the snapshot")
}

fn gone() -> io::Error {
    io::Error::other("the runtime has ended")
}

/// The one process beside the first of a sandbox.
fn only_process(init: i32) -> Result<i32, Trouble> {
    let all = procfs::children(init).during("list the processes")?;
    let [process] = all.as_slice() else {
        let what = if all.is_empty() { "no process runs" } else { "other processes run" };
        return Err(Trouble::Obstacle(format!("{what} beside the runtime")));
    };
    if !procfs::children(*process).during("list the processes")?.is_empty() {
        return Err(Trouble::Obstacle("the runtime has started other processes".to_owned()));
    }
    Ok(*process)
}

/// Numbers are given one after the other: to get to a high one, all before it must be had.
fn check_numbers(threads: &[Thread]) -> Result<(), Trouble> {
    if threads.first().is_none_or(|leader| leader.number != LEADER) {
        let what = "the runtime is not the first process of its sandbox";
        return Err(Trouble::Obstacle(what.to_owned()));
    }
    let highest = threads.last().map_or(0, |thread| thread.number);
    if highest > NUMBER_MAX || !threads.is_sorted_by_key(|thread| thread.number) {
        let what = "the runtime has started too many threads or processes so far";
        return Err(Trouble::Obstacle(what.to_owned()));
    }
    Ok(())
}

/// Memory that is shared between two places of one process would be two pieces of memory.
fn check_copies(mapped: &[Mapped], areas: &[Area]) -> Result<(), Trouble> {
    let is_copied =
        |at: &Mapped| areas.iter().any(|area| area.start == at.start && area.file.is_none());
    let own = mapped.iter().filter(|mapped| mapped.is_shared && mapped.inode != 0);
    let own: Vec<&Mapped> = own.filter(|mapped| is_copied(mapped)).collect();
    for (index, one) in own.iter().enumerate() {
        let end = |mapped: &Mapped| mapped.offset + (mapped.end - mapped.start);
        let is_same = |other: &&&Mapped| {
            other.inode == one.inode && other.offset < end(one) && one.offset < end(other)
        };
        if own.iter().skip(index + 1).any(|other| is_same(&other)) {
            return Err(Trouble::Obstacle("memory that is mapped twice".to_owned()));
        }
    }
    Ok(())
}

/// Stops all threads, also those that are made meanwhile. The leader comes first.
fn stop_all(process: i32) -> Result<Vec<Tracee>, Trouble> {
    let mut tracees: Vec<Tracee> = Vec::new();
    loop {
        let known = |number: &i32| tracees.iter().any(|tracee| tracee.number() == *number);
        let threads = procfs::threads(process).during("list the threads")?;
        let new: Vec<i32> = threads.into_iter().filter(|thread| !known(thread)).collect();
        if new.is_empty() {
            return Ok(tracees);
        }
        if tracees.len() + new.len() > THREADS_MAX {
            return Err(Trouble::Obstacle("the runtime has too many threads".to_owned()));
        }
        for thread in new {
            let tracee = Tracee::seize(thread).during("trace the runtime")?;
            tracee.interrupt().during("stop the runtime")?;
            while tracee.wait().during("wait for the runtime to stop")? != Stop::Asked {
                tracee.resume().during("stop the runtime")?;
            }
            tracees.push(tracee);
        }
    }
}

pub(super) fn open_memory(process: i32) -> io::Result<File> {
    File::options().read(true).write(true).open(format!("/proc/{process}/mem"))
}

pub(super) fn kernel_areas(mapped: &[Mapped]) -> Vec<(String, u64, u64)> {
    let own = mapped.iter().filter(|mapped| mapped.is_kernels() && mapped.name != "[vsyscall]");
    own.map(|mapped| (mapped.name.clone(), mapped.start, mapped.end)).collect()
}

pub(super) fn syscall_of(memory: &File, kernel_areas: &[(String, u64, u64)]) -> io::Result<u64> {
    let found = kernel_areas.iter().find(|(name, ..)| name == "[vdso]");
    let (_, start, end) = found.ok_or_else(|| io::Error::other("there are no kernel's pages"))?;
    program::find_syscall(memory, *start, *end)
}

/// An address from which on nothing is mapped for as long as a program may be.
pub(super) fn free_address(taken: impl Iterator<Item = (u64, u64)>) -> io::Result<u64> {
    let mut taken: Vec<(u64, u64)> = taken.collect();
    taken.sort_unstable();
    let mut at = 0x1000_0000;
    for (start, end) in taken {
        if start >= at + PROGRAM_BYTES_MAX {
            break;
        }
        at = at.max(end);
    }
    // Below the end of what a process can have.
    if at + PROGRAM_BYTES_MAX < 0x7fff_0000_0000 {
        Ok(at)
    } else {
        Err(io::Error::other("the address space has no room"))
    }
}

fn directory(process: i32) -> io::Result<String> {
    let path = std::fs::read_link(format!("/proc/{process}/cwd"))?;
    path.into_os_string().into_string().map_err(|_| io::ErrorKind::InvalidData.into())
}

fn umask(process: i32) -> io::Result<u32> {
    let text = procfs::value(process, "status", "Umask")?;
    u32::from_str_radix(&text, 8).map_err(io::Error::other)
}

/// Writes pages to the snapshot's file.
struct Writer<'a> {
    process: i32,
    file: &'a File,
    memory: &'a File,
    pages: &'a Pages,
    offset: u64,
}

impl Writer<'_> {
    fn area(&mut self, mapped: &Mapped) -> Result<Area, Trouble> {
        if mapped.has("io") || mapped.has("pf") {
            return Err(Trouble::Obstacle(format!("memory of a device: {}", mapped.name)));
        }
        let file = self.source(mapped);
        // Nobody else has what is shared: there is no other process.
        let is_whole = file.is_none() && (mapped.is_shared || mapped.inode != 0);
        let shared = (file.is_some() && mapped.is_shared && is_temporary(&mapped.name))
            .then(|| if mapped.has("mw") { O_RDWR } else { 0 });
        let is_wiped = mapped.has("wf") || mapped.has("dp");
        let own = if is_wiped || shared.is_some() {
            Vec::new()
        } else if is_whole {
            vec![(mapped.start, mapped.end)]
        } else {
            self.pages.own(mapped.start, mapped.end).during("read the runtime's pages")?
        };
        let mut runs = Vec::new();
        for (start, end) in own {
            let run = self.run(start, end, is_whole && mapped.inode != 0);
            runs.push(run.during("copy the runtime's memory")?);
        }
        Ok(Area {
            start: mapped.start,
            end: mapped.end,
            protection: mapped.protection,
            grows_down: mapped.has("gd"),
            is_wiped,
            is_droppable: mapped.has("dp"),
            shared,
            file,
            runs,
        })
    }

    /// The file that a piece of memory shows, if that can be mapped again. Files of `/tmp` are other files then: what is mapped
    /// of them is one's own, or goes into the file that is there.
    fn source(&self, mapped: &Mapped) -> Option<Source> {
        let is_there = match is_temporary(&mapped.name) {
            true => mapped.is_shared,
            false => !mapped.is_shared || mapped.protection & 2 == 0,
        };
        if mapped.inode == 0 || !is_there {
            return None;
        }
        let identity = procfs::identity_of(&inside(self.process, &mapped.name)).ok()?;
        let is_it = identity.inode == mapped.inode;
        let path = mapped.name.clone();
        is_it.then_some(Source { path, offset: mapped.offset, identity })
    }

    /// Page by page, as far as there are any.
    fn read_to_end(&self, part: &mut [u8], at: u64) {
        part.fill(0);
        for (page, at) in part.chunks_mut(PAGE_BYTES).zip((at..).step_by(PAGE_BYTES)) {
            if self.memory.read_exact_at(page, at).is_err() {
                return;
            }
        }
    }

    /// Copies memory. That of a file may be longer than the file is.
    fn run(&mut self, start: u64, end: u64, is_of_file: bool) -> io::Result<Run> {
        let run = Run { start, bytes: end - start, offset: self.offset };
        let mut buffer = vec![0; usize::try_from(COPY_BYTES.min(run.bytes)).unwrap_or_default()];
        let mut at = start;
        while at < end {
            let length = usize::try_from(COPY_BYTES.min(end - at)).unwrap_or_default();
            let part = buffer.get_mut(..length).ok_or(io::ErrorKind::InvalidInput)?;
            match self.memory.read_exact_at(part, at) {
                Err(_) if is_of_file => self.read_to_end(part, at),
                read => read?,
            }
            self.file.write_all_at(part, self.offset)?;
            self.offset += part.len() as u64;
            at += part.len() as u64;
        }
        self.offset = self.offset.next_multiple_of(PAGE);
        Ok(run)
    }
}

fn is_temporary(path: &str) -> bool {
    path.starts_with("/tmp/")
}

const O_RDWR: u32 = 2;

/// A path of a process as seen from here.
pub(super) fn inside(process: i32, path: &str) -> String {
    format!("/proc/{process}/root{path}")
}

/// What only the process itself can say.
struct Asked {
    threads: Vec<AskedThread>,
    signal_actions: Vec<[u64; 4]>,
    heap_end: u64,
}

struct AskedThread {
    registers: sys::trace::Registers,
    number_address: u64,
    signal_stack: [u64; 3],
}

impl Asked {
    fn ask(
        tracees: &[Tracee],
        memory: &File,
        instruction: u64,
        mapped: &[Mapped],
    ) -> io::Result<Self> {
        let leader = tracees.first().ok_or_else(gone)?;
        let before: Vec<_> = tracees.iter().map(Tracee::registers).collect::<io::Result<_>>()?;
        let base = free_address(mapped.iter().map(|mapped| (mapped.start, mapped.end)))?;
        map_program(leader, instruction, base)?;
        let heap_end = program::call_once(leader, instruction, "brk", call::BRK, &[0])?;
        let mut threads = Vec::new();
        for (tracee, registers) in tracees.iter().zip(before) {
            let mut program = Program::new(base);
            let number = program.put(&[0; 8]);
            let stack = program.put(&[0; 24]);
            let arguments = [PR_GET_TID_ADDRESS, number];
            program.call("prctl", call::PRCTL, &arguments, Expected::Success);
            program.call("sigaltstack", call::SIGALTSTACK, &[0, stack], Expected::Success);
            program.run(tracee, memory)?;
            let (mut address, mut signal_stack) = ([0; 8], [0; 24]);
            Program::read(memory, number, &mut address)?;
            Program::read(memory, stack, &mut signal_stack)?;
            threads.push(AskedThread {
                registers: at_rest(registers),
                number_address: u64::from_ne_bytes(address),
                signal_stack: words(&signal_stack),
            });
        }
        Ok(Self { threads, signal_actions: signal_actions(leader, memory, base)?, heap_end })
    }
}

pub(super) fn map_program(tracee: &Tracee, instruction: u64, base: u64) -> io::Result<()> {
    // Read, write and execute; private, anonymous, and nothing else is there.
    let arguments = [base, PROGRAM_BYTES_MAX, 7, 0x10_0022 | NO_RESERVE, u64::MAX, 0];
    let made = program::call_once(tracee, instruction, "mmap", call::MMAP, &arguments)?;
    if made == base { Ok(()) } else { Err(io::Error::other("no room for a program")) }
}

pub(super) const NO_RESERVE: u64 = 0x4000;
const PR_GET_TID_ADDRESS: u64 = 40;

fn signal_actions(leader: &Tracee, memory: &File, base: u64) -> io::Result<Vec<[u64; 4]>> {
    let mut program = Program::new(base);
    let mut places = Vec::new();
    for signal in SIGNALS {
        let place = program.put(&[0; 32]);
        places.push(place);
        let arguments = [signal, 0, place, 8];
        program.call("rt_sigaction", call::RT_SIGACTION, &arguments, Expected::Success);
    }
    program.run(leader, memory)?;
    let read = |place: u64| {
        let mut action = [0; 32];
        Program::read(memory, place, &mut action).map(|()| words(&action))
    };
    places.into_iter().map(read).collect()
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    words
}

impl AskedThread {
    fn thread(self, process: i32, tracee: &Tracee) -> io::Result<Thread> {
        let path = format!("/proc/{process}/task/{}/comm", tracee.number());
        let sequence = tracee.sequence()?;
        Ok(Thread {
            number: procfs::own_number(process, tracee.number())?,
            name: std::fs::read_to_string(path)?.trim_end().to_owned(),
            registers: self.registers,
            extended: tracee.extended_registers()?,
            signal_mask: tracee.signal_mask()?,
            number_address: self.number_address,
            robust_list: tracee.robust_list()?,
            sequence: (sequence.pointer, sequence.size, sequence.signature),
            signal_stack: self.signal_stack,
        })
    }
}

/// Registers of a thread that goes on where it was: a system call that was cut short is made again, or was interrupted.
fn at_rest(mut registers: sys::trace::Registers) -> sys::trace::Registers {
    const AGAIN: std::ops::RangeInclusive<i64> = -514..=-512;
    const WITH_WHAT_IS_LEFT: i64 = -516;
    const INTERRUPTED: i64 = -4;
    let asked = get(&registers, register::ORIG_RAX);
    if asked != u64::MAX {
        let result = get(&registers, register::RAX).cast_signed();
        if AGAIN.contains(&result) {
            set(&mut registers, register::RAX, asked);
            let after = get(&registers, register::RIP);
            set(&mut registers, register::RIP, after.wrapping_sub(2));
        } else if result == WITH_WHAT_IS_LEFT {
            set(&mut registers, register::RAX, INTERRUPTED.cast_unsigned());
        }
    }
    set(&mut registers, register::ORIG_RAX, u64::MAX);
    registers
}
