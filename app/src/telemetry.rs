// SPDX-License-Identifier: Apache-2.0
//! The server's own log: constant phrases with fields, on standard error.
//!
//! A request must not wait for whoever reads that: lines gather in memory and a thread writes them out. Warnings and
//! errors are written at once. When lines come faster than they are read, further ones are dropped and counted.

use crate::config::{LogFormat, Server};
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather.
const GATHER: Duration = Duration::from_millis(20);
const GATHERED_BYTES_MAX: usize = 4 << 20;

#[derive(Clone, Default)]
struct Gathered(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    dropped: usize,
}

struct LineWriter<'a> {
    gathered: &'a Gathered,
    is_urgent: bool,
}

/// Writes what has gathered when the server ends.
pub(crate) struct Flush(Gathered);

/// Starts the log.
pub(crate) fn start(options: &Server) -> anyhow::Result<Flush> {
    let gathered = Gathered::default();
    let thread = gathered.clone();
    std::thread::Builder::new().name("server log".into()).spawn(move || thread.write_out())?;
    let level = options.log_level.parse::<Level>()?;
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(gathered.clone());
    match options.log_format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(Flush(gathered))
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of the thread.
    fn write_out(&self) {
        loop {
            let mut lines = self.lock();
            while lines.bytes.is_empty() {
                lines = self.0.arrived.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            drop(lines);
            #[expect(clippy::disallowed_methods, reason = "the log's own thread")]
            std::thread::sleep(GATHER);
            self.flush();
        }
    }

    fn flush(&self) {
        let lines = std::mem::take(&mut *self.lock());
        let mut stderr = io::stderr().lock();
        // Nobody is left to tell when standard error is gone.
        drop(stderr.write_all(&lines.bytes));
        if lines.dropped > 0 {
            drop(writeln!(stderr, "{} log lines dropped", lines.dropped));
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl<'a> MakeWriter<'a> for Gathered {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { gathered: self, is_urgent: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter { gathered: self, is_urgent: *metadata.level() <= Level::WARN }
    }
}

impl Write for LineWriter<'_> {
    /// One call is one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.gathered.lock();
        if lines.bytes.len() + line.len() > GATHERED_BYTES_MAX {
            lines.dropped += 1;
            return Ok(line.len());
        }
        let was_empty = lines.bytes.is_empty();
        lines.bytes.extend_from_slice(line);
        drop(lines);
        if self.is_urgent {
            self.gathered.flush();
        } else if was_empty {
            self.gathered.0.arrived.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
