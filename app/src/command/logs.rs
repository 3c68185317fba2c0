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
    let places = places(config, function)?;
    let mut reader = Reader::default();
    loop {
        for (time, text) in reader.read(&places)? {
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

/// A folder, and what the names of the files there have in them that are the function's.
type Place = (PathBuf, String);

/// The function's own folder, and those of log groups that functions share.
fn places(config: &Config, function: &str) -> anyhow::Result<Vec<Place>> {
    let name: names::FunctionName =
        function.parse().with_context(|| format!("`{function}` is not a function's name"))?;
    let server = &config.server;
    let all = server.data_dir.join("logs").join(&server.account).join(&server.region);
    let mut places = vec![(all.join(name.as_str()), String::new())];
    let mut parents = vec![all];
    while let Some(parent) = parents.pop() {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with('+') {
                parents.push(entry.path());
                places.push((entry.path(), format!(".{name}[")));
            }
        }
    }
    places.retain(|place| files(place).next().is_some());
    if places.is_empty() {
        bail!(
            "no logs of `{function}` in {}\nhint: has it been invoked, and is this the server's --data-dir, account and region?",
            server.data_dir.display()
        );
    }
    Ok(places)
}

fn files((folder, part): &Place) -> impl Iterator<Item = PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_wanted = move |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.extension().is_some_and(|extension| extension == "log") && name.contains(part)
    };
    paths.filter(is_wanted)
}

impl Reader {
    /// What was appended since the last time, in the order of time. A line without an end waits for it.
    fn read(&mut self, places: &[Place]) -> anyhow::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for path in places.iter().flat_map(files) {
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
