// SPDX-License-Identifier: Apache-2.0
//! System calls that a traced process is made to make: one at a time, or hundreds in one go.
//!
//! To stop a process before and after each call costs more than the calls. So a program is written into it: a loop of forty
//! bytes that takes calls from a table, and the table. Each call says what it must come to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use sys::trace::{Registers, Stop, Tracee, register};

/// Takes calls from the table at `rbx` until `r12`: number, six arguments, and the place for the result.
const LOOP: [u8; 43] = [
    0x48, 0x8b, 0x03, // mov rax, [rbx]
    0x48, 0x8b, 0x7b, 0x08, // mov rdi, [rbx + 8]
    0x48, 0x8b, 0x73, 0x10, // mov rsi, [rbx + 16]
    0x48, 0x8b, 0x53, 0x18, // mov rdx, [rbx + 24]
    0x4c, 0x8b, 0x53, 0x20, // mov r10, [rbx + 32]
    0x4c, 0x8b, 0x43, 0x28, // mov r8, [rbx + 40]
    0x4c, 0x8b, 0x4b, 0x30, // mov r9, [rbx + 48]
    0x0f, 0x05, // syscall
    0x48, 0x89, 0x43, 0x38, // mov [rbx + 56], rax
    0x48, 0x83, 0xc3, 0x40, // add rbx, 64
    0x4c, 0x39, 0xe3, // cmp rbx, r12
    0x75, 0xd6, // jne -42
    0xcc, // int3
];

/// `syscall`, by which a system call is made.
pub(crate) const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Where what calls point to begins, behind the loop.
const CONTENTS: u64 = 64;

/// What a call must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Success,
    Exactly(u64),
    Whatever,
}

#[derive(Debug, Clone)]
struct Call {
    what: &'static str,
    numbers: [u64; 7],
    /// Which of them is to be the address of the call that follows.
    next_at: Option<usize>,
    expected: Expected,
}

/// A list of calls, and what they point to.
#[derive(Debug)]
pub(crate) struct Program {
    base: u64,
    contents: Vec<u8>,
    calls: Vec<Call>,
}

impl Program {
    /// One that will lie at `base`.
    pub(crate) fn new(base: u64) -> Self {
        Self { base, contents: Vec::new(), calls: Vec::new() }
    }

    /// Puts something where calls can point to it: its address.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u64 {
        let address = self.base + CONTENTS + self.contents.len() as u64;
        self.contents.extend_from_slice(bytes);
        // Whatever comes next is aligned.
        self.contents.resize(self.contents.len().next_multiple_of(16), 0);
        address
    }

    pub(crate) fn put_text(&mut self, text: &str) -> u64 {
        self.put(&[text.as_bytes(), b"\0"].concat())
    }

    pub(crate) fn call(
        &mut self,
        what: &'static str,
        number: i64,
        arguments: &[u64],
        expected: Expected,
    ) {
        let mut numbers = [0; 7];
        let all = std::iter::once(number.cast_unsigned()).chain(arguments.iter().copied());
        for (place, value) in numbers.iter_mut().zip(all) {
            *place = value;
        }
        self.calls.push(Call { what, numbers, next_at: None, expected });
    }

    /// Has the call that was added last point to the one that is added next.
    pub(crate) fn point_to_next(&mut self, argument: usize) {
        if let Some(call) = self.calls.last_mut() {
            call.next_at = Some(argument + 1);
        }
    }

    /// How much room it takes.
    pub(crate) fn bytes(&self) -> u64 {
        CONTENTS + self.contents.len() as u64 + 64 * self.calls.len() as u64
    }

    /// Has `tracee`, which stands still, make all calls. Threads that it made on the way come back, each of them stopped.
    pub(crate) fn run(&self, tracee: &Tracee, memory: &File) -> io::Result<Vec<Tracee>> {
        if self.calls.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.base + CONTENTS + self.contents.len() as u64;
        let mut image = LOOP.to_vec();
        image.resize(64, 0);
        image.extend_from_slice(&self.contents);
        for (call, next) in self.calls.iter().zip((table + 64..).step_by(64)) {
            for (place, number) in call.numbers.iter().enumerate() {
                let number = if call.next_at == Some(place) { next } else { *number };
                image.extend(number.to_ne_bytes());
            }
            image.extend([0; 8]);
        }
        memory.write_all_at(&image, self.base)?;
        let end = table + 64 * self.calls.len() as u64;
        let mut registers = tracee.registers()?;
        set(&mut registers, register::RIP, self.base);
        set(&mut registers, register::RBX, table);
        set(&mut registers, register::R12, end);
        // It is in no system call that would have to be made again.
        set(&mut registers, register::ORIG_RAX, u64::MAX);
        tracee.set_registers(&registers)?;
        let made = run_to_trap(tracee)?;
        self.check(memory, table)?;
        Ok(made)
    }

    /// What was put at `address`, as the calls have left it.
    pub(crate) fn read(memory: &File, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        memory.read_exact_at(buffer, address)
    }

    fn check(&self, memory: &File, table: u64) -> io::Result<()> {
        let mut entry = [0; 64];
        for (call, at) in self.calls.iter().zip((table..).step_by(64)) {
            memory.read_exact_at(&mut entry, at)?;
            let result = entry.last_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
            let is_good = match call.expected {
                Expected::Success => !is_error(result),
                Expected::Exactly(value) => result == value,
                Expected::Whatever => true,
            };
            if !is_good {
                return Err(refused(call.what, result));
            }
        }
        Ok(())
    }
}

/// The last page of results is the kernel's errors.
fn is_error(result: u64) -> bool {
    result > u64::MAX - 4095
}

fn refused(what: &str, result: u64) -> io::Error {
    let errno = if is_error(result) { result.wrapping_neg() } else { 0 };
    let error = io::Error::from_raw_os_error(i32::try_from(errno).unwrap_or(0));
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn run_to_trap(tracee: &Tracee) -> io::Result<Vec<Tracee>> {
    let mut made = Vec::new();
    loop {
        tracee.resume()?;
        match tracee.wait()? {
            Stop::Signal(libc_signal::TRAP) => return Ok(made),
            Stop::Signal(libc_signal::SEGV | libc_signal::BUS | libc_signal::ILL) => {
                return Err(io::Error::other("the process faulted on the way"));
            }
            Stop::Cloned => {
                let thread = tracee.cloned()?;
                thread.wait()?;
                made.push(thread);
            }
            // A signal that came from elsewhere is for a process that will not be.
            Stop::Signal(_) | Stop::Asked | Stop::Executed | Stop::Other => {}
        }
    }
}

/// Signals that end a run.
mod libc_signal {
    pub(super) const ILL: i32 = 4;
    pub(super) const TRAP: i32 = 5;
    pub(super) const BUS: i32 = 7;
    pub(super) const SEGV: i32 = 11;
}

/// Has `tracee` make one call, by the instruction at `instruction`.
pub(crate) fn call_once(
    tracee: &Tracee,
    instruction: u64,
    what: &str,
    number: i64,
    arguments: &[u64],
) -> io::Result<u64> {
    const PLACES: [usize; 6] =
        [register::RDI, register::RSI, register::RDX, register::R10, register::R8, register::R9];
    let mut registers = tracee.registers()?;
    set(&mut registers, register::RAX, number.cast_unsigned());
    set(&mut registers, register::RIP, instruction);
    set(&mut registers, register::ORIG_RAX, u64::MAX);
    for (place, value) in PLACES.into_iter().zip(arguments) {
        set(&mut registers, place, *value);
    }
    tracee.set_registers(&registers)?;
    loop {
        tracee.step()?;
        match tracee.wait()? {
            Stop::Signal(libc_signal::TRAP) | Stop::Asked => {}
            stop => return Err(io::Error::other(format!("{what}: stopped by {stop:?}"))),
        }
        let registers = tracee.registers()?;
        if get(&registers, register::RIP) != instruction {
            let result = get(&registers, register::RAX);
            return if is_error(result) { Err(refused(what, result)) } else { Ok(result) };
        }
    }
}

pub(crate) fn set(registers: &mut Registers, place: usize, value: u64) {
    if let Some(register) = registers.get_mut(place) {
        *register = value;
    }
}

pub(crate) fn get(registers: &Registers, place: usize) -> u64 {
    registers.get(place).copied().unwrap_or(0)
}

/// The address of a `syscall` in the kernel's own pages of a process.
pub(crate) fn find_syscall(memory: &File, start: u64, end: u64) -> io::Result<u64> {
    let mut code = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
    memory.read_exact_at(&mut code, start)?;
    let at = code.windows(2).position(|pair| pair == SYSCALL);
    let at = at.ok_or_else(|| io::Error::other("the kernel's pages make no system call"))?;
    Ok(start + at as u64)
}
