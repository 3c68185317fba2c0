// SPDX-License-Identifier: Apache-2.0
//! `tinderbox logs FUNCTION`: what a function printed, from the files of the data directory. Works without a server.

use crate::config::Config;
use crate::terminal;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often `--follow` looks for new lines.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// How far each file was read.
#[derive(Default)]
struct Reader {
    positions: BTreeMap<PathBuf, u64>,
}

/// A line and when it was printed, in milliseconds since 1970.
type Line = (u64, String);

pub(crate) fn run(config: &Config, function: &str, follow: bool) -> anyhow::Result<()> {
    let folder = folder(config, function)?;
    let mut reader = Reader::default();
    loop {
        for (time, text) in reader.read(&folder)? {
            terminal::line(format!("{} {text}", timestamp(time)))?;
        }
        if !follow {
            return Ok(());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this command has one thread and nothing else to do"
        )]
        std::thread::sleep(FOLLOW_INTERVAL);
    }
}

fn folder(config: &Config, function: &str) -> anyhow::Result<PathBuf> {
    let name: names::FunctionName =
        function.parse().with_context(|| format!("`{function}` is not a function's name"))?;
    let server = &config.server;
    let folder =
        server.data_dir.join("logs").join(&server.account).join(&server.region).join(name.as_str());
    if !folder.is_dir() {
        bail!(
            "no logs of `{function}` in {}\nhint: has it been invoked, and is this the server's --data-dir, account and region?",
            server.data_dir.display()
        );
    }
    Ok(folder)
}

impl Reader {
    /// What was appended since the last time, in the order of time. A line without an end waits for it.
    fn read(&mut self, folder: &Path) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let position = self.positions.entry(path.clone()).or_default();
            match read_from(&path, position, &mut lines) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other.with_context(|| format!("cannot read {}", path.display()))?,
            }
        }
        // Stable: lines of one file and one millisecond stay in their order.
        lines.sort_by_key(|(time, _)| *time);
        Ok(lines)
    }
}

fn read_from(path: &Path, position: &mut u64, lines: &mut Vec<Line>) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    // A file that was rolled begins anew.
    if file.metadata()?.len() < *position {
        *position = 0;
    }
    file.seek(SeekFrom::Start(*position))?;
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes)?;
        if bytes.pop() != Some(b'\n') {
            return Ok(());
        }
        *position += u64::try_from(length).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let (time, text) = text.split_once(' ').unwrap_or(("", &text));
        lines.push((
            time.parse().unwrap_or_default(),
            text.trim_end_matches('\r').replace('\r', "\n"),
        ));
    }
}

fn timestamp(epoch_ms: u64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(epoch_ms) * 1_000_000);
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    moment.ok().and_then(|moment| moment.format(format).ok()).unwrap_or_default()
}
