// SPDX-License-Identifier: Apache-2.0
//! Where documents are kept, and how they are read in the order of their arrival.

use crate::export::Exporter;
use crate::{Options, clock};
use bytes::BytesMut;
use log_store::{Batch, Direction, GroupKey, LogStream, Logs, Query};
use memchr::memmem;
use names::TraceId;
use segments::{Document, Owner, Sink};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What the group and its stream are called.
const NAME: &str = "segments";
/// How far the clock of whoever began a trace may be ahead of ours.
const CLOCK_SLACK_MS: i64 = 5 * 60 * 1_000;
/// What is read at once.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_EVENTS: usize = 1_000;
/// Documents that are dropped are told of once for so many.
const DROPS_TOLD: u64 = 1_000;

/// All traces of a data directory. Clones share them.
#[derive(Debug, Clone)]
pub struct Traces(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    options: Options,
    /// Begun with the first document, or the first question. `None`: it could not be.
    logs: OnceLock<Option<Logs>>,
    streams: Mutex<HashMap<Owner, LogStream>>,
    /// The same of what goes to a collector, if there is one.
    exporter: OnceLock<Option<Exporter>>,
}

/// A document that is read.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// In milliseconds since 1970.
    pub arrived_ms: i64,
    pub text: &'a str,
}

impl Traces {
    /// Traces under `root`. Nothing is made there before there is something to keep.
    pub fn new(root: &Path, options: Options) -> Self {
        Self(Arc::new(Shared {
            root: root.to_owned(),
            options,
            logs: OnceLock::new(),
            streams: Mutex::default(),
            exporter: OnceLock::new(),
        }))
    }

    fn logs(&self) -> Option<&Logs> {
        let Shared { root, options, logs, .. } = &*self.0;
        let start = || {
            let limits = log_store::Options {
                group_bytes_max: options.bytes_max,
                bytes_max: options.bytes_max,
                queue_bytes_max: options.queue_bytes_max,
                retention_days: Some(options.days_max),
                ..log_store::Options::default()
            };
            Logs::start(root, limits)
                .inspect_err(|error| tracing::error!(%error, "traces are not kept"))
                .ok()
        };
        logs.get_or_init(start).as_ref()
    }

    fn exporter(&self) -> Option<&Exporter> {
        let Shared { options, exporter, .. } = &*self.0;
        let endpoint = options.otlp_endpoint.as_ref()?;
        let start = || {
            Exporter::start(endpoint, options.otlp_ca_file.clone(), options.otlp_queue_bytes_max)
                .inspect_err(|error| tracing::error!(%error, "segments are not exported"))
                .ok()
        };
        exporter.get_or_init(start).as_ref()
    }

    fn stream(&self, owner: &Owner) -> Option<LogStream> {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = streams.get(owner) {
            return Some(stream.clone());
        }
        let stream = self.logs()?.stream(key(owner), NAME.to_owned());
        streams.insert(owner.clone(), stream.clone());
        Some(stream)
    }

    /// Shows `see` every document that arrived from `from_ms` on and before `until_ms`, those that have come just now
    /// included, in the order of their arrival. If there are `traces`, only documents that may be of one of them. Blocks.
    pub fn read(
        &self,
        owner: &Owner,
        from_ms: i64,
        until_ms: i64,
        traces: &[TraceId],
        see: &mut dyn FnMut(Seen<'_>),
    ) -> io::Result<()> {
        let Some(logs) = self.logs() else { return Err(io::ErrorKind::Other.into()) };
        logs.flush();
        let Some(group) = logs.group(&key(owner)) else { return Ok(()) };
        let finders: Vec<_> =
            traces.iter().map(|trace| memmem::Finder::new(trace.as_str())).collect();
        let is_wanted = |text: &[u8]| {
            finders.is_empty() || finders.iter().any(|finder| finder.find(text).is_some())
        };
        let mut query = Query {
            from: from_ms,
            until: until_ms,
            after: None,
            direction: Direction::Forward,
            events_max: PAGE_EVENTS,
            bytes_max: PAGE_BYTES,
        };
        loop {
            let page = group.read(&query, &|_| true, &is_wanted)?;
            for event in &page.events {
                see(Seen { arrived_ms: event.position.time, text: &event.text });
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Shows `see` every document of these traces that is still kept. Blocks.
    pub fn find(
        &self,
        owner: &Owner,
        traces: &[TraceId],
        see: &mut dyn FnMut(Seen<'_>),
    ) -> io::Result<()> {
        let now = clock::epoch_ms();
        let begun = traces.iter().map(|trace| begun_ms(trace, now)).min();
        self.read(owner, begun.unwrap_or(now), i64::MAX, traces, see)
    }

    /// Writes what waits, and sends it to the collector. Blocks.
    pub fn stop(&self) {
        if let Some(Some(logs)) = self.0.logs.get() {
            logs.flush();
        }
        if let Some(Some(exporter)) = self.0.exporter.get() {
            exporter.stop();
        }
    }
}

impl Sink for Traces {
    fn keep(&self, owner: &Owner, document: Document) -> bool {
        let text = document.text();
        let mut events = BytesMut::with_capacity(text.len() + 16);
        log_store::put_event(&mut events, clock::epoch_ms(), text.as_bytes(), b"");
        let batch = Batch { events: events.freeze(), cause: None };
        let is_kept = self.stream(owner).is_some_and(|stream| stream.append(batch));
        if !is_kept {
            let before = metrics::SEGMENTS_DROPPED.get();
            metrics::SEGMENTS_DROPPED.add(1);
            if before.is_multiple_of(DROPS_TOLD) {
                tracing::warn!(account = %owner.account, dropped = before + 1, "segments of traces dropped: too many at once");
            }
        }
        if let Some(exporter) = self.exporter() {
            exporter.add(owner, document);
        }
        is_kept
    }
}

/// The earliest that a document of a trace can have arrived. Ids that were not made by AWS's rule say nothing of that.
fn begun_ms(trace: &TraceId, now_ms: i64) -> i64 {
    let said_ms = i64::from(trace.epoch_seconds()) * 1_000 - CLOCK_SLACK_MS;
    if said_ms <= now_ms { said_ms } else { 0 }
}

fn key(owner: &Owner) -> GroupKey {
    let Owner { account, region } = owner.clone();
    GroupKey { account, region, name: NAME.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(account: &str) -> Owner {
        Owner { account: account.parse().unwrap(), region: "us-east-1".parse().unwrap() }
    }

    fn document(trace: &str, name: &str) -> Document {
        let text = format!(
            r#"{{"id":"53995c3f42cd8ad8","trace_id":"{trace}","name":"{name}","start_time":1,"end_time":2}}"#
        );
        Document::parse(&text).unwrap()
    }

    fn found(traces: &Traces, owner: &Owner, ids: &[&str]) -> Vec<String> {
        let ids: Vec<TraceId> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let mut names = Vec::new();
        traces
            .find(owner, &ids, &mut |seen| {
                let value: serde_json::Value = serde_json::from_str(seen.text).unwrap();
                names.push(value["name"].as_str().unwrap().to_owned());
            })
            .unwrap();
        names
    }

    #[test]
    fn a_trace_is_found_by_its_id_by_who_owns_it_and_outlives_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("traces");
        let (own, other) = (owner("000000000000"), owner("111111111111"));
        // Two as AWS makes them, and one whose time is a random number.
        let [a, b, odd] = [
            "1-5759e988-aaaaaaaaaaaaaaaaaaaaaaaa",
            "1-5759e989-bbbbbbbbbbbbbbbbbbbbbbbb",
            "1-ffffffff-cccccccccccccccccccccccc",
        ];
        let traces = Traces::new(&root, Options::default());
        assert!(!root.exists(), "nothing is made before there is something to keep");
        for (trace, name) in [(a, "1"), (b, "2"), (a, "3"), (odd, "4")] {
            assert!(traces.keep(&own, document(trace, name)));
        }
        assert_eq!(found(&traces, &own, &[a]), ["1", "3"]);
        assert_eq!(found(&traces, &own, &[odd, b]), ["2", "4"]);
        assert!(found(&traces, &other, &[a]).is_empty());
        drop(traces);
        let traces = Traces::new(&root, Options::default());
        assert_eq!(found(&traces, &own, &[a, odd]), ["1", "3", "4"]);
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { queue_bytes_max: 10, ..Options::default() };
        let traces = Traces::new(folder.path(), options);
        let trace = "1-5759e988-aaaaaaaaaaaaaaaaaaaaaaaa";
        assert!(!traces.keep(&owner("000000000000"), document(trace, "1")));
        assert!(found(&traces, &owner("000000000000"), &[trace]).is_empty());
    }
}
