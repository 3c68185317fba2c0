// SPDX-License-Identifier: Apache-2.0
//! What functions print, and what the platform says about their invocations.
//!
//! An environment has one log stream, named as AWS names it. Its events go in batches to the thread that writes log groups
//! (`log_store`); the last 4 KiB of the running invocation are kept for `LogType=Tail`. Customer lines and platform lines
//! share the stream, as on AWS; the server's own log is elsewhere.
//!
//! An event ends with a line end, as on AWS.

mod frames;
mod level;
mod lines;

pub use level::{Level, LogFormat};

use crate::clock;
use crate::function::Function;
use crate::telemetry::{Category, Init, LogsDropped, PlatformEvent, Status, Telemetry};
use bytes::{Bytes, BytesMut};
use frames::{Frames, Piece};
use log_store::{Batch, GroupKey, Logs};
use names::TraceHeader;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What `X-Amz-Log-Result` can hold.
const TAIL_BYTES_MAX: usize = 4096;
/// A record longer than this is cut into several, as CloudWatch Logs does at 256 KiB.
const RECORD_BYTES_MAX: usize = 256 * 1024;
/// Room for the platform's lines of one invocation, and some of the function's.
const USUAL_BYTES: usize = 512;
/// A batch this long goes to the writer before its invocation ends.
const BATCH_BYTES: usize = 32 * 1024;

/// Who printed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Function,
    /// An extension with a process of its own.
    Extension,
}

/// The log stream of one environment.
#[derive(Debug)]
pub struct LogStream {
    format: LogFormat,
    stored: log_store::LogStream,
    open: Mutex<Open>,
    /// The init phase, while it goes on.
    init: Mutex<Option<Init>>,
    telemetry: Telemetry,
}

#[derive(Debug, Default)]
struct Open {
    /// What the function printed since the last line end.
    partial: BytesMut,
    /// What its extensions did.
    partial_of_extensions: BytesMut,
    frames: Frames,
    /// Whole lines for the writer, and how many.
    batch: BytesMut,
    batch_lines: u64,
    /// What the writer did not take.
    dropped_lines: u64,
    dropped_bytes: u64,
    /// The running invocation's log, its oldest part cut off.
    tail: BytesMut,
    /// The trace header of the last invocation that began, if its chain is to be known by what comes of these lines.
    cause: Option<Arc<str>>,
}

impl LogStream {
    /// A new stream of `function`. Its name carries the date, the version and 32 hex digits; in a group that functions may
    /// share, the function's name too.
    pub fn create(logs: &Logs, function: &Function) -> Self {
        let date = clock::date();
        let id = uuid::Uuid::new_v4().simple();
        let Function { version, account, region, log_group, .. } = function;
        let owner = if function.has_own_log_group() { "" } else { &function.name };
        let (account, region, name) = (account.clone(), region.clone(), log_group.clone());
        let group = GroupKey { account, region, name };
        Self {
            format: function.log_format,
            stored: logs.stream(group, format!("{date}/{owner}[{version}]{id}")),
            open: Mutex::default(),
            init: Mutex::default(),
            telemetry: Telemetry::default(),
        }
    }

    /// `2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef`
    pub fn name(&self) -> &str {
        self.stored.name()
    }

    pub fn group(&self) -> &str {
        self.stored.group()
    }

    /// What was printed. Lines may come in pieces.
    pub(crate) fn print(&self, source: Source, bytes: &[u8]) {
        let mut open = self.open();
        self.print_to(&mut open, source, bytes);
        self.pass_on(&mut open, BATCH_BYTES);
    }

    /// What the runtime wrote to its log pipe. Frames may come in pieces.
    pub(crate) fn print_framed(&self, bytes: &[u8]) {
        let mut open = self.open();
        open.frames.push(bytes);
        while let Some(piece) = open.frames.next() {
            self.take_piece(&mut open, piece);
        }
        self.pass_on(&mut open, BATCH_BYTES);
    }

    /// What the platform says: a line of text, or a record, by the format and the level of this log. It ends a line that the
    /// function left unfinished. Extensions go on between invocations: theirs end where they say, or with the log.
    pub(crate) fn tell(&self, event: &PlatformEvent<'_>) {
        let line = match self.format {
            LogFormat::Text => lines::line(event),
            LogFormat::Json { system, .. } if event.level() >= system => json_line(event),
            LogFormat::Json { .. } => None,
        };
        if let Some(line) = line {
            let mut open = self.open();
            self.end_line(&mut open, Source::Function);
            open.line(line.as_bytes());
        }
        if self.telemetry.is_on() {
            self.telemetry.tell(event);
        }
    }

    /// Who is told beside this log.
    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Whether anybody is told when the runtime is done: most logs are not.
    pub(crate) fn tells_runtime_done(&self, status: Status) -> bool {
        let is_in_log = match self.format {
            LogFormat::Text => false,
            LogFormat::Json { system, .. } => system == Level::Debug || status != Status::Success,
        };
        is_in_log || self.telemetry.is_on()
    }

    /// Forgets the tail of the invocation before. `trace` is the header that this one passes on.
    pub fn begin(&self, trace: &str) {
        let is_chained = self.stored.wants_causes() && TraceHeader::is_chained(trace);
        let mut open = self.open();
        open.cause = is_chained.then(|| trace.into());
        open.tail.clear();
        open.batch.reserve(USUAL_BYTES);
    }

    /// The last lines of this invocation, at most 4 KiB. What was printed is on its way to disk.
    pub fn end(&self) -> Bytes {
        let mut open = self.open();
        self.end_line(&mut open, Source::Function);
        self.pass_on(&mut open, 1);
        open.cut_tail();
        Bytes::copy_from_slice(&open.tail)
    }

    /// Sends whole lines on their way to disk: nobody knows when there will be more.
    pub(crate) fn flush(&self) {
        self.pass_on(&mut self.open(), 1);
    }

    fn print_to(&self, open: &mut Open, source: Source, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            if open.partial(source).is_empty() {
                self.line(open, source, None, line);
            } else {
                open.partial(source).extend_from_slice(line);
                self.end_line(open, source);
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        open.partial(source).extend_from_slice(bytes);
        if open.partial(source).len() > RECORD_BYTES_MAX {
            self.end_line(open, source);
        }
    }

    fn take_piece(&self, open: &mut Open, piece: Piece) {
        match piece {
            Piece::Printed(bytes) => self.print_to(open, Source::Function, &bytes),
            Piece::Record { level, bytes } => {
                let record = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                self.line(open, Source::Function, level, record);
            }
        }
    }

    fn end_line(&self, open: &mut Open, source: Source) {
        let partial = open.partial(source);
        if !partial.is_empty() {
            let line = partial.split();
            self.line(open, source, None, &line);
        }
    }

    /// One record, without its line end. `level` is what its frame said.
    fn line(&self, open: &mut Open, source: Source, level: Option<Level>, line: &[u8]) {
        if self.telemetry.is_on() {
            let category = match source {
                Source::Function => Category::Function,
                Source::Extension => Category::Extension,
            };
            self.telemetry.print(category, line, self.format != LogFormat::Text);
        }
        let is_kept = source == Source::Extension
            || self.format.keeps(|| level.unwrap_or_else(|| Level::of_line(line)));
        if is_kept {
            open.line(line);
        }
    }

    fn pass_on(&self, open: &mut Open, bytes_min: usize) {
        if open.batch.len() < bytes_min {
            return;
        }
        // A copy has just its length; a part of the buffer would hold all of it, and count for less than it takes.
        let events = Bytes::copy_from_slice(&open.batch);
        open.batch.clear();
        let (lines, bytes) = (std::mem::take(&mut open.batch_lines), events.len());
        if self.stored.append(Batch { events, cause: open.cause.clone() }) {
            let dropped_records = std::mem::take(&mut open.dropped_lines);
            if dropped_records > 0 {
                let dropped_bytes = std::mem::take(&mut open.dropped_bytes);
                let reason = "Logs came faster than they could be written.";
                self.tell_dropped(open, &LogsDropped { reason, dropped_records, dropped_bytes });
            }
        } else {
            open.dropped_lines += lines;
            open.dropped_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        }
    }

    /// Says in the log itself what is missing from it, after what came through again.
    fn tell_dropped(&self, open: &mut Open, dropped: &LogsDropped<'_>) {
        let event = PlatformEvent::LogsDropped(*dropped);
        let line = match self.format {
            LogFormat::Text => lines::line(&event),
            LogFormat::Json { .. } => json_line(&event),
        };
        if let Some(line) = line {
            open.line(line.as_bytes());
        }
    }

    pub(crate) fn init(&self) -> MutexGuard<'_, Option<Init>> {
        self.init.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LogStream {
    fn drop(&mut self) {
        {
            let mut open = self.open();
            if let Some(rest) = open.frames.take_rest() {
                self.take_piece(&mut open, rest);
            }
            self.end_line(&mut open, Source::Extension);
        }
        self.end();
    }
}

fn json_line(event: &PlatformEvent<'_>) -> Option<String> {
    let (time, kind) = (clock::timestamp(), event.kind());
    let line = |record| format!(r#"{{"time":"{time}","type":"{kind}","record":{record}}}"#);
    event.record().map(line)
}

impl Open {
    fn partial(&mut self, source: Source) -> &mut BytesMut {
        match source {
            Source::Function => &mut self.partial,
            Source::Extension => &mut self.partial_of_extensions,
        }
    }

    /// An event of the log. Our runtimes join lines with carriage returns where they have no frames, as AWS's do; in the tail these
    /// are line ends.
    fn line(&mut self, line: &[u8]) {
        let time = i64::try_from(clock::epoch_ms()).unwrap_or(i64::MAX);
        log_store::put_event(&mut self.batch, time, line, b"\n");
        self.batch_lines += 1;
        put_replaced(&mut self.tail, line, b'\r', b'\n');
        self.tail.extend_from_slice(b"\n");
        if self.tail.len() > 2 * TAIL_BYTES_MAX {
            self.cut_tail();
        }
    }

    fn cut_tail(&mut self) {
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        // A split shares the buffer from then on, which the next invocation would pay for.
        if surplus > 0 {
            drop(self.tail.split_to(surplus));
        }
    }
}

/// Appends `text` with every `from` as `to`.
fn put_replaced(target: &mut BytesMut, text: &[u8], from: u8, to: u8) {
    let mut parts = text.split(|byte| *byte == from);
    target.extend_from_slice(parts.next().unwrap_or_default());
    for part in parts {
        target.extend_from_slice(&[to]);
        target.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::tests::function;
    use log_store::{Direction, Options, Query};

    struct Printed {
        stream: LogStream,
        logs: Logs,
        _folder: tempfile::TempDir,
    }

    impl Printed {
        fn new(format: LogFormat, options: Options) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let logs = Logs::start(folder.path(), options).unwrap();
            let function = Function { log_format: format, ..function() };
            Self { stream: LogStream::create(&logs, &function), logs, _folder: folder }
        }

        /// The events of the group, and the tail.
        fn read(&self) -> (Vec<String>, String) {
            let tail = self.stream.end();
            self.logs.flush();
            let (_, group) = self.logs.all().pop().unwrap();
            let query = Query {
                from: i64::MIN,
                until: i64::MAX,
                after: None,
                direction: Direction::Forward,
                events_max: 1000,
                bytes_max: usize::MAX,
            };
            let page = group.read(&query, &|name| name == self.stream.name(), &|_| true).unwrap();
            let text = |event: log_store::Event| event.text.strip_suffix('\n').unwrap().to_owned();
            let events = page.events.into_iter().map(text).collect();
            (events, String::from_utf8(tail.to_vec()).unwrap())
        }
    }

    fn printed(pieces: &[&str]) -> (Vec<String>, String) {
        let printed = Printed::new(LogFormat::Text, Options::default());
        for piece in pieces {
            printed.stream.print(Source::Function, piece.as_bytes());
        }
        printed.read()
    }

    fn frame(kind: u32, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap();
        [&kind.to_be_bytes()[..], &length.to_be_bytes(), &[0; 8], text.as_bytes()].concat()
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(printed(&["a", "b\nc\n", "", "d", "\n\n", "e"]).0, ["ab", "c", "d", "", "e"]);
    }

    #[test]
    fn the_tail_is_the_last_four_kilobytes() {
        let long = "x".repeat(5000);
        let (_, tail) = printed(&[&long, "\nlast\n"]);
        assert_eq!(tail.len(), TAIL_BYTES_MAX);
        assert!(tail.ends_with("x\nlast\n"));
    }

    #[test]
    fn an_event_of_several_lines_stays_one() {
        let (lines, tail) = printed(&["a\rb\n"]);
        assert_eq!((lines, tail.as_str()), (vec!["a\rb".to_owned()], "a\nb\n"));

        let framed = Printed::new(LogFormat::Text, Options::default());
        framed.stream.print_framed(&frame(0xa55a_0003, "a\nb\n"));
        framed.stream.print_framed(b"no frame\n");
        let (lines, tail) = framed.read();
        assert_eq!(lines, ["a\nb", "no frame"]);
        assert_eq!(tail, "a\nb\nno frame\n");
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let piece = "x".repeat(RECORD_BYTES_MAX + 1);
        assert_eq!(printed(&[&piece, "y"]).0.len(), 2);
    }

    #[test]
    fn functions_and_extensions_do_not_mix_their_lines() {
        let printed = Printed::new(LogFormat::Text, Options::default());
        printed.stream.print(Source::Function, b"of the ");
        printed.stream.print(Source::Extension, b"of an extension\n");
        printed.stream.print(Source::Function, b"function\n");
        assert_eq!(printed.read().0, ["of an extension", "of the function"]);
    }

    #[test]
    fn an_invocation_does_not_end_the_line_of_an_extension() {
        let printed = Printed::new(LogFormat::Text, Options::default());
        printed.stream.print(Source::Function, b"of the function");
        printed.stream.print(Source::Extension, b"of an ");
        printed.stream.end();
        printed.stream.print(Source::Extension, b"extension\n");
        assert_eq!(printed.read().0, ["of the function", "of an extension"]);
    }

    #[test]
    fn levels_hold_in_json() {
        let format = LogFormat::Json { application: Level::Warn, system: Level::Info };
        let printed = Printed::new(format, Options::default());
        let stream = &printed.stream;
        stream.print_framed(&frame(0xa55a_000e, "informs"));
        stream.print_framed(&frame(0xa55a_0012, "warns"));
        stream.print(Source::Function, b"plain\n");
        let line = br#"{"level":"error","timestamp":"2026-11-23T07:00:00Z"}"#;
        stream.print(Source::Function, &[line.as_slice(), b"\n"].concat());
        stream.print(Source::Extension, b"of an extension\n");
        assert_eq!(
            printed.read().0,
            ["warns", std::str::from_utf8(line).unwrap(), "of an extension"]
        );
    }

    #[test]
    fn what_is_dropped_is_said() {
        let options = Options { queue_bytes_max: 1000, ..Options::default() };
        let printed = Printed::new(LogFormat::Text, options);
        printed.stream.print(Source::Function, &[b"x".repeat(2000), b"\n".to_vec()].concat());
        printed.stream.flush();
        printed.stream.print(Source::Function, b"short\n");
        printed.stream.flush();
        let lines = printed.read().0;
        assert_eq!(lines.first().unwrap(), "short");
        assert!(lines[1].starts_with("LOGS_DROPPED Records: 1\tBytes: 20"), "{lines:?}");
    }
}
