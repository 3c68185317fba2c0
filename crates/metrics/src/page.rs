// SPDX-License-Identifier: Apache-2.0
//! What somebody who scrapes gets: Prometheus' text format, version 0.0.4.

use crate::catalogue::{CATALOGUE, COUNTERS};
use crate::requests::requests;
use crate::{BOUNDS_MS, DURATIONS, HTTP_REQUESTS, Histogram, INVOCATION_DURATION, Metric};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Values of this moment, by metric. What is counted is on it from the beginning.
#[derive(Debug)]
pub struct Page(BTreeMap<&'static str, String>);

impl Default for Page {
    fn default() -> Self {
        let mut page = Self(BTreeMap::new());
        for counter in COUNTERS {
            page.put(counter.metric, counter.labels, float(counter.get()));
        }
        page.put_histogram(&INVOCATION_DURATION, &DURATIONS);
        for (labels, count) in requests() {
            page.put(&HTTP_REQUESTS, &labels.each_ref().map(AsRef::as_ref), float(count));
        }
        page
    }
}

impl Page {
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// `labels` are values, in the order in which the metric names its labels.
    pub fn put(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.line(metric, "", &pairs(metric, labels), value);
    }

    /// A number of things.
    pub fn put_count(&mut self, metric: &'static Metric, labels: &[&str], count: u64) {
        self.put(metric, labels, float(count));
    }

    /// Durations, which Prometheus has in seconds.
    fn put_histogram(&mut self, metric: &'static Metric, histogram: &Histogram) {
        let sums = histogram.sums();
        for (bound, below) in BOUNDS_MS.iter().zip(sums.below) {
            self.line(metric, "_bucket", &format!("le=\"{}\"", bound / 1_000.0), below);
        }
        self.line(metric, "_bucket", "le=\"+Inf\"", sums.count);
        self.line(metric, "_sum", "", sums.sum_ms / 1_000.0);
        self.line(metric, "_count", "", sums.count);
    }

    /// All metrics in the order of the catalogue, those without a value too.
    pub fn finish(self) -> String {
        let mut text = String::new();
        for Metric { name, kind, help, .. } in CATALOGUE {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {}", escaped(help, false));
            let _ = writeln!(text, "# TYPE {name} {}", kind.name());
            text.push_str(self.0.get(name).map_or("", String::as_str));
        }
        text
    }

    fn line(&mut self, metric: &'static Metric, suffix: &str, labels: &str, value: f64) {
        let text = self.0.entry(metric.name).or_default();
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        let _ = writeln!(text, "{}{suffix}{open}{labels}{close} {value}", metric.name);
    }
}

fn pairs(metric: &Metric, values: &[&str]) -> String {
    debug_assert_eq!(metric.labels.len(), values.len(), "labels of {}", metric.name);
    let pair = |(name, value): (&&str, &&str)| format!("{name}=\"{}\"", escaped(value, true));
    metric.labels.iter().zip(values).map(pair).collect::<Vec<_>>().join(",")
}

fn escaped(text: &str, is_quoted: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if is_quoted { text.replace('"', "\\\"") } else { text }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has nothing but floating point numbers")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, QUEUE_BYTES, SUCCEEDED, count_request};
    use std::collections::BTreeSet;

    #[test]
    fn a_page_is_prometheus_text() {
        SUCCEEDED.add(2);
        for status in [404, 418, 200] {
            count_request(Some("url"), None, status, 1);
        }
        count_request(Some("s"), Some("Get"), 404, 8);
        count_request(Some("s"), Some("Get"), 404, 1);
        DURATIONS.add(3.0, 6.5, |bound| if bound < 2.0 { 1.0 } else { 3.0 });
        let mut page = Page::default();
        page.put(&QUEUE_BYTES, &[], 7.0);
        page.put(&HTTP_REQUESTS, &["a", "\"\\\n", "200"], 1.0);
        let text = page.finish();
        for line in [
            "# TYPE tinderbox_invocations_total counter",
            "tinderbox_invocations_total{result=\"success\"} 2",
            "tinderbox_invocations_total{result=\"error\"} 0",
            "tinderbox_queue_bytes 7",
            r#"tinderbox_http_requests_total{service="url",operation="-",status="4xx"} 2"#,
            r#"tinderbox_http_requests_total{service="s",operation="Get",status="404"} 2"#,
            r#"tinderbox_http_requests_total{service="a",operation="\"\\\n",status="200"} 1"#,
            "tinderbox_invocation_duration_seconds_bucket{le=\"0.001\"} 1",
            "tinderbox_invocation_duration_seconds_bucket{le=\"0.002\"} 3",
            "tinderbox_invocation_duration_seconds_bucket{le=\"+Inf\"} 3",
            "tinderbox_invocation_duration_seconds_sum 0.0065",
            "tinderbox_invocation_duration_seconds_count 3",
            "# TYPE tinderbox_stems gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_are_as_prometheus_wants_them() {
        let names: BTreeSet<_> = CATALOGUE.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), CATALOGUE.len(), "each is declared once");
        for metric in CATALOGUE {
            let is_good = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(is_good(metric.name) && metric.labels.iter().all(|name| is_good(name)));
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter);
            let base = metric.name.trim_end_matches("_total");
            assert!(base.ends_with(metric.unit), "{} says its unit", metric.name);
            assert!(metric.help.ends_with('.'));
        }
        assert!(COUNTERS.iter().all(|one| one.labels.len() == one.metric.labels.len()));
    }
}
