// SPDX-License-Identifier: Apache-2.0
//! What functions print, and what the platform says about their invocations.
//!
//! An environment has one log stream, named as AWS names it. Lines go to the writer thread in batches and from there to
//! `logs/ACCOUNT/REGION/FUNCTION/STREAM.log`; the last 4 KiB of the running invocation are kept for `LogType=Tail`.
//! Customer lines and platform lines share the stream, as on AWS; the server's own log is elsewhere.
//!
//! A line on disk is `EPOCH_MILLISECONDS TEXT`; a carriage return inside is a line end of the event.

mod files;
pub mod lines;

pub use files::{LogFiles, Options};

use crate::clock;
use crate::function::Function;
use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What `X-Amz-Log-Result` can hold.
const TAIL_BYTES_MAX: usize = 4096;
/// A line longer than this is cut into several, as CloudWatch Logs does at 256 KiB.
const LINE_BYTES_MAX: usize = 256 * 1024;
/// A batch this long goes to the writer before its invocation ends.
const BATCH_BYTES: usize = 32 * 1024;

/// The log stream of one environment.
#[derive(Debug)]
pub struct LogStream {
    name: String,
    group: String,
    path: Arc<Path>,
    files: LogFiles,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// What was printed since the last line end.
    partial: BytesMut,
    /// Whole lines for the writer.
    batch: BytesMut,
    /// The running invocation's log, its oldest part cut off.
    tail: BytesMut,
}

impl LogStream {
    /// A new stream of `function`. Its name carries the date, the version and 32 hex digits.
    pub fn create(files: &LogFiles, function: &Function) -> Self {
        let date = clock::date();
        let id = uuid::Uuid::new_v4().simple();
        let version = &function.version;
        Self {
            name: format!("{date}/[{version}]{id}"),
            group: function.log_group.clone(),
            path: files.path(function, &format!("{}.[{version}]{id}.log", date.replace('/', "-"))),
            files: files.clone(),
            open: Mutex::default(),
        }
    }

    /// `2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef`
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn group(&self) -> &str {
        &self.group
    }

    /// What the function printed. Lines may come in pieces.
    pub fn print(&self, bytes: &[u8]) {
        let mut open = self.open();
        open.print(bytes);
        self.pass_on(&mut open, BATCH_BYTES);
    }

    /// A line of the platform: `START ...`. It ends whatever the function left unfinished.
    pub fn platform(&self, line: &str) {
        let mut open = self.open();
        open.end_line();
        open.line(line.as_bytes());
    }

    /// Forgets the tail of the invocation before.
    pub fn begin(&self) {
        self.open().tail.clear();
    }

    /// The last lines of this invocation, at most 4 KiB. What was printed is on its way to disk.
    pub fn end(&self) -> Bytes {
        let mut open = self.open();
        open.end_line();
        self.pass_on(&mut open, 1);
        open.cut_tail();
        Bytes::copy_from_slice(&open.tail)
    }

    /// Sends whole lines on their way to disk: nobody knows when there will be more.
    pub(crate) fn flush(&self) {
        self.pass_on(&mut self.open(), 1);
    }

    fn pass_on(&self, open: &mut Open, bytes_min: usize) {
        if open.batch.len() >= bytes_min {
            self.files.append(&self.path, open.batch.split().freeze());
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LogStream {
    fn drop(&mut self) {
        self.end();
    }
}

impl Open {
    fn print(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            if self.partial.is_empty() {
                self.line(line);
            } else {
                self.partial.extend_from_slice(line);
                self.end_line();
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > LINE_BYTES_MAX {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        if !self.partial.is_empty() {
            let line = self.partial.split();
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        write!(self.batch, "{} ", clock::epoch_ms()).expect("a BytesMut grows");
        self.batch.extend_from_slice(line);
        self.batch.extend_from_slice(b"\n");
        // Our runtimes join the lines of one event with carriage returns, as AWS's do.
        self.tail.extend(line.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }));
        self.tail.extend_from_slice(b"\n");
        if self.tail.len() > 2 * TAIL_BYTES_MAX {
            self.cut_tail();
        }
    }

    fn cut_tail(&mut self) {
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        drop(self.tail.split_to(surplus));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(pieces: &[&str]) -> (String, String) {
        let mut open = Open::default();
        for piece in pieces {
            open.print(piece.as_bytes());
        }
        open.end_line();
        let batch = String::from_utf8(open.batch.to_vec()).unwrap();
        let lines =
            batch.lines().map(|line| line.split_once(' ').unwrap().1).collect::<Vec<_>>().join("|");
        open.cut_tail();
        (lines, String::from_utf8(open.tail.to_vec()).unwrap())
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(printed(&["a", "b\nc\n", "", "d", "\n\n", "e"]).0, "ab|c|d||e");
    }

    #[test]
    fn the_tail_is_the_last_four_kilobytes() {
        let long = "x".repeat(5000);
        let (_, tail) = printed(&[&long, "\nlast\n"]);
        assert_eq!(tail.len(), TAIL_BYTES_MAX);
        assert!(tail.ends_with("x\nlast\n"));
    }

    #[test]
    fn an_event_of_several_lines_stays_one_on_disk() {
        let (lines, tail) = printed(&["a\rb\n"]);
        assert_eq!((lines.as_str(), tail.as_str()), ("a\rb", "a\nb\n"));
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let piece = "x".repeat(LINE_BYTES_MAX + 1);
        assert_eq!(printed(&[&piece, "y"]).0.split('|').count(), 2);
    }
}
