// SPDX-License-Identifier: Apache-2.0
//! What the server tells Prometheus of itself: each metric is declared in `catalogue.rs`, and nowhere else.
//!
//! What only happens is counted in a static beside its declaration, by whoever does it. What is a state is asked for when somebody
//! scrapes, and put on a [`Page`] by `app`, which knows whom to ask.
//!
//! Written here and not by a crate: there are a few dozen metrics, and the text format is a page of rules.
//!
//! Invariants:
//! - the values of a label are a closed list, or bounded by what is declared elsewhere: operations, never functions;
//! - to count is to add to one number.
//!
//! Not here: metrics of customers, which are CloudWatch's (`services/cloudwatch`).

mod catalogue;
mod histogram;
mod page;
mod requests;

pub use catalogue::*;
pub use histogram::{BOUNDS_MS, Histogram};
pub use page::Page;
pub use requests::count_request;

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric as it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

/// What is counted of a metric under one set of labels.
#[derive(Debug)]
pub struct Counter {
    metric: &'static Metric,
    labels: &'static [&'static str],
    count: AtomicU64,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Counter {
    const fn new(metric: &'static Metric, labels: &'static [&'static str]) -> Self {
        Self { metric, labels, count: AtomicU64::new(0) }
    }

    pub fn add(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
