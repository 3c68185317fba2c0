// SPDX-License-Identifier: Apache-2.0
//! `/_tinderbox/metrics`: what the server tells Prometheus of itself.
//!
//! What was counted is there already; states are asked for when somebody scrapes. Nothing here is about one function.
//!
//! Invariant: whoever does not show the token of the data directory is told nothing, wherever he comes from: functions reach this
//! port, too.

use crate::opening::Later;
use edge::{Answer, Page as EdgePage};
use events::Queue;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use invoke::{Census, Invoker, States};
use log_store::Logs;
use meter::{Drained, Metric};
use metrics::Page;
use secrets::Token;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use wire::{BoxFuture, Fault, Request, Response};

/// The path below `/_tinderbox/`, and the file in the data directory.
pub(crate) const PAGE: &str = "metrics";
pub(crate) const TOKEN_FILE: &str = "metrics.token";
/// How old the sizes of directories may be: to look at all of them takes longer than all else.
const SIZES_MAX_AGE: Duration = Duration::from_secs(30);
/// Of `/proc/self/stat`, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Who may ask, and what is asked once it is there.
pub(crate) struct MetricsPage {
    pub(crate) token: Token,
    pub(crate) sources: Later<Arc<Sources>>,
}

pub(crate) struct Sources {
    invoker: Invoker,
    queue: Arc<Queue>,
    logs: Logs,
    data_dir: PathBuf,
    started_s: f64,
    sizes: Mutex<Option<(Instant, [u64; 4])>>,
}

impl EdgePage for MetricsPage {
    fn answer<'a>(
        &'a self,
        rest: &'a str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            if !rest.is_empty() {
                return Err(Fault::unknown_operation());
            }
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                return Err(Fault::new("MethodNotAllowedException", 405, ""));
            }
            if !self.is_shown(&request) {
                return Ok(refusal());
            }
            let sources = Arc::clone(self.sources.wait().await);
            // It looks at files.
            let text = tokio::task::spawn_blocking(move || sources.page().finish()).await;
            let text = text.map_err(|_| Fault::internal())?;
            Ok(answer(StatusCode::OK, text, CONTENT_TYPE, Page::CONTENT_TYPE))
        })
    }
}

impl MetricsPage {
    fn is_shown(&self, request: &Request) -> bool {
        let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let shown = header.and_then(|header| header.split_once(' '));
        shown.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.token.is(token.trim())
        })
    }
}

fn refusal() -> Answer {
    let text = format!(
        "show the token in the file `{TOKEN_FILE}` of the data directory: Authorization: Bearer TOKEN\n"
    );
    answer(StatusCode::UNAUTHORIZED, text, WWW_AUTHENTICATE, "Bearer")
}

fn answer(status: StatusCode, text: String, name: HeaderName, value: &'static str) -> Answer {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    Answer::Response(response)
}

impl Sources {
    pub(crate) fn new(
        invoker: &Invoker,
        queue: &Arc<Queue>,
        logs: &Logs,
        data_dir: &Path,
    ) -> Arc<Self> {
        #[expect(clippy::disallowed_methods, reason = "the time of day, for who scrapes")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Arc::new(Self {
            invoker: invoker.clone(),
            queue: Arc::clone(queue),
            logs: logs.clone(),
            data_dir: data_dir.to_owned(),
            started_s: since.as_secs_f64(),
            sizes: Mutex::default(),
        })
    }

    fn page(&self) -> Page {
        let mut page = Page::default();
        self.put_census(&mut page);
        self.put_queue(&mut page);
        let [records, events, messages, logs] = self.sizes();
        for (part, bytes) in
            [("records", records), ("events", events), ("messages", messages), ("logs", logs)]
        {
            page.put_count(&metrics::STORE_BYTES, &[part], bytes);
        }
        page.put_count(&metrics::JOURNAL_SYNCS, &[], journal::syncs());
        self.put_process(&mut page);
        page
    }

    fn put_census(&self, page: &mut Page) {
        let Census { running, on_demand, provisioned, managed, stems } = self.invoker.census();
        page.put_count(&metrics::INVOCATIONS_RUNNING, &[], number(running));
        for (kind, of_kind) in
            [("on_demand", on_demand), ("provisioned", provisioned), ("managed", managed)]
        {
            let States { idle, busy, starting } = of_kind;
            for (state, count) in [("idle", idle), ("busy", busy), ("starting", starting)] {
                page.put_count(&metrics::ENVIRONMENTS, &[kind, state], number(count));
            }
        }
        for (state, count) in [("ready", stems.0), ("starting", stems.1)] {
            page.put_count(&metrics::STEMS, &[state], number(count));
        }
    }

    fn put_queue(&self, page: &mut Page) {
        let (mut waiting, mut running, mut undelivered) = (0, 0, 0);
        let (mut bytes, mut oldest) = (0, Duration::ZERO);
        for (line, age) in self.queue.lines().into_values() {
            waiting += line.events.saturating_sub(line.running);
            running += line.running;
            undelivered += line.undelivered;
            bytes += line.bytes;
            oldest = oldest.max(age);
        }
        for (state, count) in
            [("waiting", waiting), ("running", running), ("undelivered", undelivered)]
        {
            page.put_count(&metrics::QUEUE_EVENTS, &[state], number(count));
        }
        page.put_count(&metrics::QUEUE_BYTES, &[], bytes);
        page.put(&metrics::QUEUE_OLDEST_AGE, &[], oldest.as_secs_f64());
    }

    fn put_process(&self, page: &mut Page) {
        page.put(&metrics::PROCESS_START_TIME, &[], self.started_s);
        let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}"));
        if let Some(bytes) = read("status").ok().as_deref().and_then(resident_bytes) {
            page.put_count(&metrics::PROCESS_RESIDENT_MEMORY, &[], bytes);
        }
        if let Some(seconds) = read("stat").ok().as_deref().and_then(cpu_seconds) {
            page.put(&metrics::PROCESS_CPU_SECONDS, &[], seconds);
        }
        if let Ok(fds) = std::fs::read_dir("/proc/self/fd") {
            // One of them is the directory's own.
            page.put_count(&metrics::PROCESS_OPEN_FDS, &[], number(fds.count().saturating_sub(1)));
        }
    }

    /// Of records, events, messages and logs.
    fn sizes(&self) -> [u64; 4] {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = sizes.as_ref().filter(|(at, _)| at.elapsed() < SIZES_MAX_AGE) {
            return *known;
        }
        let file = |name: &str| {
            std::fs::metadata(self.data_dir.join(name)).map_or(0, |metadata| metadata.len())
        };
        let found = [
            file("store.db") + file("store.db-wal"),
            directory_bytes(&self.data_dir.join("events")),
            directory_bytes(&self.data_dir.join("messages")),
            self.logs.disk_bytes(),
        ];
        *sizes = Some((Instant::now(), found));
        found
    }
}

/// Counts what meters counted.
pub(crate) fn count(drained: &Drained) {
    for window in drained.meters.iter().flat_map(|(_, windows)| windows) {
        let counted = &window.counted;
        metrics::FAILED.add(counted.errors);
        metrics::SUCCEEDED.add(counted.requests.saturating_sub(counted.errors));
        let durations = &window.duration;
        metrics::DURATIONS
            .add(durations.count(), durations.sum(), |bound_ms| durations.below(bound_ms));
    }
    for note in &drained.notes {
        let counter = match note.metric {
            Metric::Throttles => &metrics::THROTTLED,
            Metric::AsyncEventsReceived => &metrics::EVENTS_RECEIVED,
            Metric::AsyncEventsDropped => &metrics::EVENTS_DROPPED,
            _ => continue,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of things that happened"
        )]
        counter.add(note.values.count() as u64);
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn directory_bytes(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name before may be anything. Of what follows, time in user mode and in the kernel are the 12th and the 13th.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_a_process_uses() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234 * 1024));
        assert_eq!(resident_bytes(""), None);
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
    }
}
