// SPDX-License-Identifier: Apache-2.0
//! `tinderbox logs FUNCTION`: what a function logged, from the log groups of the data directory. Works without a server.

use crate::config::Config;
use crate::terminal;
use anyhow::{Context, bail};
use log_store::{Direction, Event, Group, Position, Query};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// How often `--follow` looks for new events.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// How much later than another stream's a stream's events may come to the disk.
const LATE_MS: i64 = 10_000;
/// Events that are read at once.
const EVENTS: usize = 10_000;
const BYTES: usize = 16 << 20;

pub(crate) fn run(config: &Config, function: &str, follow: bool) -> anyhow::Result<()> {
    let name: names::FunctionName =
        function.parse().with_context(|| format!("`{function}` is not a function's name"))?;
    let mut shown = Shown::default();
    loop {
        let places = places(config, name.as_str())?;
        if places.is_empty() {
            bail!(
                "no logs of `{function}` in {}\nhint: has it been invoked, and is this the server's --data-dir, account and region?",
                config.server.data_dir.display()
            );
        }
        shown.show(&places)?;
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

/// A group, and what stands in the names of those streams in it that are the function's.
type Place = (Group, String);

/// The function's own group, and streams in groups that functions share.
fn places(config: &Config, function: &str) -> anyhow::Result<Vec<Place>> {
    let server = &config.server;
    let root = server.data_dir.join("logs");
    let mut places = Vec::new();
    for (key, group) in log_store::read_only(&root).unwrap_or_default() {
        let is_here =
            key.account.as_str() == server.account && key.region.as_str() == server.region;
        match key.name.strip_prefix("/aws/lambda/") {
            _ if !is_here => {}
            Some(owner) if owner == function => places.push((group, String::new())),
            _ => {
                let part = format!("/{function}[");
                let streams = group.streams()?;
                if streams.iter().any(|stream| stream.name.contains(&part)) {
                    places.push((group, part));
                }
            }
        }
    }
    Ok(places)
}

/// What was shown. Streams do not reach the disk in the order of their times, so the last of it is looked at again.
#[derive(Default)]
struct Shown {
    last_time: Option<i64>,
    /// Groups and places of the last events.
    last: BTreeSet<(i64, String, u64)>,
}

impl Shown {
    fn show(&mut self, places: &[Place]) -> anyhow::Result<()> {
        let from = self.last_time.map_or(i64::MIN, |time| time - LATE_MS);
        self.last = self.last.split_off(&(from, String::new(), 0));
        let mut pages: Vec<_> = places.iter().map(|place| Pages::new(place, from)).collect();
        loop {
            for pages in &mut pages {
                pages.fill()?;
            }
            let first = pages.iter_mut().filter(|pages| !pages.events.is_empty());
            let first = first.min_by_key(|pages| pages.events.front().map(|event| event.position));
            let Some(first) = first else { return Ok(()) };
            let Some(event) = first.events.pop_front() else { return Ok(()) };
            let Position { time, place } = event.position;
            if self.last.insert((time, first.group.settings().name.clone(), place)) {
                print(&event)?;
            }
            self.last_time = self.last_time.max(Some(time));
            if self.last.len() > 2 * EVENTS {
                self.last = self.last.split_off(&(time - LATE_MS, String::new(), 0));
            }
        }
    }
}

/// The events of a group, page by page.
struct Pages<'p> {
    group: &'p Group,
    part: &'p str,
    query: Query,
    events: VecDeque<Event>,
    is_at_end: bool,
}

impl<'p> Pages<'p> {
    fn new((group, part): &'p Place, from: i64) -> Self {
        let query = Query {
            from,
            until: i64::MAX,
            after: None,
            direction: Direction::Forward,
            events_max: EVENTS,
            bytes_max: BYTES,
        };
        Self { group, part, query, events: VecDeque::new(), is_at_end: false }
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        while self.events.is_empty() && !self.is_at_end {
            let page = self
                .group
                .read(&self.query, &|name| name.contains(self.part), &|_| true)
                .with_context(|| {
                    format!("cannot read the log group {}", self.group.settings().name)
                })?;
            self.is_at_end = page.next.is_none();
            self.query.after = page.next;
            self.events.extend(page.events);
        }
        Ok(())
    }
}

fn print(event: &Event) -> anyhow::Result<()> {
    let text = event.text.trim_end_matches(['\r', '\n']).replace('\r', "\n");
    Ok(terminal::line(format!("{} {text}", timestamp(event.position.time)))?)
}

pub(super) fn timestamp(epoch_ms: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(epoch_ms) * 1_000_000);
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    moment.ok().and_then(|moment| moment.format(format).ok()).unwrap_or_default()
}
