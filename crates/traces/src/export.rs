// SPDX-License-Identifier: Apache-2.0
//! Brings segments to a collector of OpenTelemetry, over OTLP and HTTP.
//!
//! A thread of its own sends what has gathered. What a collector that is not there was to get is tried again, later each time;
//! meanwhile segments wait, as many as there is room for. Nobody waits for the collector but a server that stops, and that not
//! for long.

use crate::otlp;
use segments::{Document, Owner};
use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use ureq::Agent;
use ureq::http::header::RETRY_AFTER;

/// How long the thread lets segments gather after the first one.
const GATHER: Duration = Duration::from_millis(500);
/// Documents of one request.
const BATCH_BYTES: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// What a server that stops waits at most.
const STOP_MAX: Duration = Duration::from_secs(3);
/// Segments that are dropped are told of once for so many.
const DROPS_TOLD: u64 = 1_000;
/// Of what a collector answers.
const ANSWER_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub(crate) struct Exporter(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    bytes_max: usize,
    waiting: Mutex<Waiting>,
    /// Something arrived, the server stops, or the thread has ended.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    documents: VecDeque<(Owner, Document)>,
    bytes: usize,
    is_stopping: bool,
    is_over: bool,
}

/// What became of a request.
enum Sent {
    Done,
    /// The collector does not want it.
    Refused(u16),
    /// It may want it later, or says how much later.
    NotNow(String, Option<Duration>),
}

impl Exporter {
    /// Sends to `endpoint`, and trusts the authorities in `ca_file` if there is one.
    pub(crate) fn start(
        endpoint: &str,
        ca_file: Option<PathBuf>,
        bytes_max: usize,
    ) -> io::Result<Self> {
        let waiting = Mutex::default();
        let queue = Arc::new(Queue { bytes_max, waiting, changed: Condvar::new() });
        let of_thread = Arc::clone(&queue);
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        thread::Builder::new().name("otlp".into()).spawn(move || {
            match agent(&url, ca_file) {
                Ok(agent) => of_thread.run(&agent, &url),
                Err(error) => tracing::error!(%error, "segments are not exported"),
            }
            of_thread.end();
        })?;
        Ok(Self(queue))
    }

    pub(crate) fn add(&self, owner: &Owner, document: Document) {
        let mut waiting = self.0.lock();
        let bytes = document.text().len();
        if waiting.is_over || waiting.bytes + bytes > self.0.bytes_max {
            drop(waiting);
            drop_segments(1);
            return;
        }
        waiting.bytes += bytes;
        waiting.documents.push_back((owner.clone(), document));
        if waiting.documents.len() == 1 {
            self.0.changed.notify_all();
        }
    }

    /// Sends what waits, if the collector takes it at once. Blocks.
    pub(crate) fn stop(&self) {
        let mut waiting = self.0.lock();
        waiting.is_stopping = true;
        self.0.changed.notify_all();
        let is_running = |waiting: &mut Waiting| !waiting.is_over;
        drop(self.0.changed.wait_timeout_while(waiting, STOP_MAX, is_running));
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.0.lock().is_stopping = true;
        self.0.changed.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, agent: &Agent, url: &str) {
        while let Some(batch) = self.next() {
            let count = batch.len();
            let body = otlp::request(&batch);
            drop(batch);
            if !self.deliver(agent, url, &body, number(count)) {
                return;
            }
        }
    }

    /// Sends one request, until the collector has answered or the server stops: `false`.
    fn deliver(&self, agent: &Agent, url: &str, body: &str, count: u64) -> bool {
        let mut pause = RETRY_MIN;
        loop {
            match send(agent, url, body) {
                Sent::Done => {
                    metrics::SEGMENTS_EXPORTED.add(count);
                    return true;
                }
                Sent::Refused(status) => {
                    tracing::warn!(status, segments = count, "segments refused by the collector");
                    drop_segments(count);
                    return true;
                }
                Sent::NotNow(reason, asked) => {
                    if pause == RETRY_MIN {
                        tracing::warn!(reason, "segments not exported; they wait in memory");
                    }
                    if self.wait(asked.unwrap_or(pause).min(RETRY_MAX)) {
                        drop_segments(count);
                        return false;
                    }
                    pause = (pause * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// What is to be sent next. `None` when the server stops and nothing is left.
    fn next(&self) -> Option<Vec<(Owner, Document)>> {
        let mut waiting = self.lock();
        while waiting.documents.is_empty() {
            if waiting.is_stopping {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let is_running = |waiting: &mut Waiting| !waiting.is_stopping;
        let gathered = self.changed.wait_timeout_while(waiting, GATHER, is_running);
        let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some((owner, document)) = waiting.documents.pop_front()
        {
            bytes += document.text().len();
            batch.push((owner, document));
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        Some(batch)
    }

    /// Waits, but not for longer than the server runs: whether it stops.
    fn wait(&self, pause: Duration) -> bool {
        let is_running = |waiting: &mut Waiting| !waiting.is_stopping;
        let waited = self.changed.wait_timeout_while(self.lock(), pause, is_running);
        let (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.is_stopping
    }

    /// Nothing is sent any more.
    fn end(&self) {
        let mut waiting = self.lock();
        waiting.is_over = true;
        let left = std::mem::take(&mut waiting.documents).len();
        drop(waiting);
        if left > 0 {
            drop_segments(number(left));
        }
        self.changed.notify_all();
    }
}

fn drop_segments(count: u64) {
    let before = metrics::EXPORTS_DROPPED.get();
    metrics::EXPORTS_DROPPED.add(count);
    if before == 0 || before / DROPS_TOLD != (before + count) / DROPS_TOLD {
        tracing::warn!(dropped = before + count, "segments not exported, and dropped");
    }
}

fn agent(url: &str, ca_file: Option<PathBuf>) -> Result<Agent, tls::Unreadable> {
    // An answer's status says more than an error would.
    let mut config = Agent::config_builder()
        .user_agent("tinderbox")
        .proxy(None)
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0);
    if url.starts_with("https:") {
        config = config.tls_config(tls::client(ca_file.as_deref())?);
    }
    Ok(Agent::new_with_config(config.build()))
}

/// As OTLP has it, these are worth another try: 429, 502, 503, 504, and no answer at all.
fn send(agent: &Agent, url: &str, body: &str) -> Sent {
    let mut answer = match agent.post(url).header("Content-Type", "application/json").send(body) {
        Ok(answer) => answer,
        Err(error) => return Sent::NotNow(chain(&error), None),
    };
    let status = answer.status().as_u16();
    match status {
        200..=299 => {
            // Read to its end, the connection serves again.
            let text = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string();
            if let Some(reason) = text.ok().and_then(|text| otlp::refused(&text)) {
                tracing::warn!(reason, "spans refused by the collector");
            }
            Sent::Done
        }
        429 | 502 | 503 | 504 => {
            let asked = answer.headers().get(RETRY_AFTER);
            let seconds = asked.and_then(|asked| asked.to_str().ok()?.parse().ok());
            Sent::NotNow(format!("status {status}"), seconds.map(Duration::from_secs))
        }
        _ => Sent::Refused(status),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
