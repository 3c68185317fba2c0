// SPDX-License-Identifier: Apache-2.0
//! Every metric there is. `cargo xtask docs` writes docs/metrics.md from it.

use crate::{Counter, Histogram, Kind, Metric};

macro_rules! catalogue {
    ($($name:ident: $kind:ident $text:literal $unit:literal [$($label:literal),*] $help:literal,)*) => {
        $(
            #[doc = $help]
            pub static $name: Metric = Metric {
                name: $text,
                kind: Kind::$kind,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// All of them, in the order in which they are told.
        pub static CATALOGUE: &[&Metric] = &[$(&$name),*];
    };
}

catalogue! {
    INVOCATIONS: Counter "tinderbox_invocations_total" "" ["result"]
        "Invocations that ended with a report: `success` or `error`.",
    INVOCATION_DURATION: Histogram "tinderbox_invocation_duration_seconds" "seconds" []
        "How long those took, as their reports say. Values are in classes that are 3 % wide.",
    INVOCATIONS_RUNNING: Gauge "tinderbox_invocations_running" "" []
        "Invocations that were let in and have not ended, those that wait for an environment included.",
    THROTTLES: Counter "tinderbox_throttles_total" "" []
        "Invocations that were turned away because too many ran or began.",
    ASYNC_EVENTS: Counter "tinderbox_async_events_total" "" ["what"]
        "Asynchronous events that were `received`, and that were `dropped` after their last attempt or because they were too old.",
    ENVIRONMENT_STARTS: Counter "tinderbox_environment_starts_total" "" ["kind"]
        "Cold starts: from a `stem`, the `ordinary` way, or by `restore` of a snapshot. Failed ones included.",
    ENVIRONMENTS: Gauge "tinderbox_environments" "" ["kind", "state"]
        "Execution environments by what they are for (`on_demand`, `provisioned`, `managed`) and what they do (`idle`, `busy`, `starting`).",
    ENVIRONMENTS_EVICTED: Counter "tinderbox_environments_evicted_total" "" []
        "Idle environments that were stopped because others needed their room.",
    STEMS: Gauge "tinderbox_stems" "" ["state"]
        "Runtimes that were started ahead: `ready` or `starting`.",
    QUEUE_EVENTS: Gauge "tinderbox_queue_events" "" ["state"]
        "What is in the asynchronous queue: events that are `waiting` and `running`, and records that are `undelivered`.",
    QUEUE_BYTES: Gauge "tinderbox_queue_bytes" "bytes" []
        "Payloads of what is in the asynchronous queue.",
    QUEUE_OLDEST_AGE: Gauge "tinderbox_queue_oldest_age_seconds" "seconds" []
        "Age of the oldest thing in the asynchronous queue; 0 when it is empty.",
    JOURNAL_SYNCS: Counter "tinderbox_journal_fsyncs_total" "" []
        "Times that a journal (asynchronous events, messages of queues) waited for the disk.",
    STORE_COMMITS: Counter "tinderbox_store_commits_total" "" []
        "Groups of changes that the store wrote, each with one fsync.",
    STORE_BYTES: Gauge "tinderbox_store_bytes" "bytes" ["part"]
        "Bytes on the disk: `records` of the store, journals of `events` and of `messages`, `logs`. At most half a minute old.",
    LOG_BYTES_DROPPED: Counter "tinderbox_log_dropped_bytes_total" "bytes" []
        "What functions printed faster than it could be written.",
    EMBEDDED_METRICS_DROPPED: Counter "tinderbox_embedded_metrics_dropped_total" "" []
        "Batches of log events with embedded metrics that came faster than they could be read. The log has them.",
    TRACE_SEGMENTS_DROPPED: Counter "tinderbox_trace_segments_dropped_total" "" ["where"]
        "Segments of traces that there was no room for: on the `disk`, because they came faster than they could be written, and in the `export`, because the collector did not take them.",
    TRACE_SEGMENTS_EXPORTED: Counter "tinderbox_trace_segments_exported_total" "" []
        "Segments of traces that the collector took.",
    HTTP_REQUESTS: Counter "tinderbox_http_requests_total" "" ["service", "operation", "status"]
        "Requests that were answered, by service, operation and HTTP status. Where there is no operation, as with function URLs, it is `-`, and the status a class such as `4xx`.",
    CALL_PANICS: Counter "tinderbox_call_panics_total" "" []
        "Calls that ended by a bug of the server's.",
    PROCESS_RESIDENT_MEMORY: Gauge "process_resident_memory_bytes" "bytes" []
        "Resident memory of the server, its launcher and its functions not included.",
    PROCESS_OPEN_FDS: Gauge "process_open_fds" "" []
        "Open file descriptors of the server.",
    PROCESS_CPU_SECONDS: Counter "process_cpu_seconds_total" "seconds" []
        "CPU time of the server, its launcher and its functions not included.",
    PROCESS_START_TIME: Gauge "process_start_time_seconds" "seconds" []
        "When the server started, since 1970.",
}

/// Of [`INVOCATION_DURATION`].
pub static DURATIONS: Histogram = Histogram::new();

macro_rules! counters {
    ($($name:ident: $metric:ident $(= $label:literal)?,)*) => {
        $(pub static $name: Counter = Counter::new(&$metric, &[$($label)?]);)*

        pub(crate) static COUNTERS: &[&Counter] = &[$(&$name),*];
    };
}

counters! {
    SUCCEEDED: INVOCATIONS = "success",
    FAILED: INVOCATIONS = "error",
    THROTTLED: THROTTLES,
    EVENTS_RECEIVED: ASYNC_EVENTS = "received",
    EVENTS_DROPPED: ASYNC_EVENTS = "dropped",
    STARTED_FROM_STEM: ENVIRONMENT_STARTS = "stem",
    STARTED_ORDINARILY: ENVIRONMENT_STARTS = "ordinary",
    STARTED_BY_RESTORE: ENVIRONMENT_STARTS = "restore",
    EVICTED: ENVIRONMENTS_EVICTED,
    STORE_COMMITTED: STORE_COMMITS,
    LOG_DROPPED: LOG_BYTES_DROPPED,
    EMBEDDED_DROPPED: EMBEDDED_METRICS_DROPPED,
    SEGMENTS_DROPPED: TRACE_SEGMENTS_DROPPED = "disk",
    EXPORTS_DROPPED: TRACE_SEGMENTS_DROPPED = "export",
    SEGMENTS_EXPORTED: TRACE_SEGMENTS_EXPORTED,
    CALLS_PANICKED: CALL_PANICS,
}
