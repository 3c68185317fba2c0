// SPDX-License-Identifier: Apache-2.0
//! Meters, and who drains them.

use crate::{Distribution, Metric, Note, Subject};
use names::{AccountId, Region};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
/// Different things that are noted until somebody drains them. More are not noted.
const NOTES_MAX: usize = 100_000;

/// Where meters say that they counted something. Clones share it. The default one hears nothing: nobody drains it.
#[derive(Debug, Clone, Default)]
pub struct Meters(Option<Arc<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// Those that counted something since they were drained.
    active: Mutex<Vec<Arc<Meter>>>,
    notes: Mutex<HashMap<(Subject, Metric, u64), Distribution>>,
}

/// What one deployment of a function version uses.
#[derive(Debug)]
pub struct Meter {
    whose: Whose,
    heard: Option<Arc<Heard>>,
    /// Most often one.
    windows: Mutex<Vec<Window>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Whose {
    pub account: AccountId,
    pub region: Region,
    pub function: String,
    /// `$LATEST` or a number.
    pub version: String,
}

/// One invocation that was reported.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// What the caller named: a version or an alias.
    pub qualifier: Option<&'a str>,
    pub started_ms: u64,
    pub reported_ms: u64,
    pub billed_ms: u64,
    pub memory_mb: u32,
    pub tmp_mb: u32,
    pub duration_us: u64,
    /// How long extensions went on after the runtime, if there are any.
    pub post_runtime_us: Option<u64>,
    pub is_error: bool,
    /// Whether its environment was provisioned.
    pub is_provisioned: bool,
}

/// The invocations that came by one qualifier, began in one minute and were reported on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub qualifier: Option<Box<str>>,
    /// Since 1970.
    pub minute: u64,
    /// Since 1970, UTC.
    pub day: u64,
    pub counted: Counted,
    /// Milliseconds.
    pub duration: Distribution,
    pub post_runtime: Distribution,
}

/// What is billed. Sums of whole numbers, so that none is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub requests: u64,
    pub errors: u64,
    pub billed_ms: u64,
    /// Megabytes of memory, each for so many billed milliseconds.
    pub memory_mb_ms: u64,
    /// The same of `/tmp` above the 512 MB that are free.
    pub tmp_mb_ms: u64,
    /// Of the requests, those on provisioned environments.
    pub provisioned_requests: u64,
    /// And of `memory_mb_ms` their part.
    pub provisioned_memory_mb_ms: u64,
}

/// What was counted and noted since the last time.
#[derive(Debug, Default)]
pub struct Drained {
    pub meters: Vec<(Arc<Meter>, Vec<Window>)>,
    pub notes: Vec<Note>,
}

/// `/tmp` that is free.
const TMP_FREE_MB: u32 = 512;

impl Meters {
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    pub fn meter(&self, whose: Whose) -> Arc<Meter> {
        Arc::new(Meter { whose, heard: self.0.clone(), windows: Mutex::default() })
    }

    /// Notes something of a function. Not for the warm path: all share one lock.
    pub fn note(&self, subject: &Subject, metric: Metric, now_ms: u64, value: f64) {
        let Some(heard) = &self.0 else { return };
        let mut notes = lock(&heard.notes);
        let key = (subject.clone(), metric, now_ms / MINUTE_MS);
        if notes.len() < NOTES_MAX || notes.contains_key(&key) {
            notes.entry(key).or_default().add(value, 1.0);
        }
    }

    /// Takes all that was counted and noted.
    pub fn drain(&self) -> Drained {
        let Some(heard) = &self.0 else { return Drained::default() };
        let active = std::mem::take(&mut *lock(&heard.active));
        let take = |meter: Arc<Meter>| {
            let windows = std::mem::take(&mut *lock(&meter.windows));
            (meter, windows)
        };
        let notes = std::mem::take(&mut *lock(&heard.notes)).into_iter();
        Drained {
            meters: active.into_iter().map(take).collect(),
            notes: notes
                .map(|((subject, metric, minute), values)| Note { subject, metric, minute, values })
                .collect(),
        }
    }
}

impl Meter {
    pub fn whose(&self) -> &Whose {
        &self.whose
    }

    pub fn count(self: &Arc<Self>, used: &Use<'_>) {
        let Some(heard) = &self.heard else { return };
        let is_first = {
            let mut windows = lock(&self.windows);
            let is_first = windows.is_empty();
            match windows.iter_mut().find(|window| window.is_of(used)) {
                Some(window) => window.add(used),
                None => windows.push(Window::new(used)),
            }
            is_first
        };
        // Who drains between the two finds it the next time.
        if is_first {
            lock(&heard.active).push(Arc::clone(self));
        }
    }
}

impl Window {
    fn new(used: &Use<'_>) -> Self {
        let mut window = Self {
            qualifier: used.qualifier.map(Box::from),
            minute: used.started_ms / MINUTE_MS,
            day: used.reported_ms / DAY_MS,
            counted: Counted::default(),
            duration: Distribution::default(),
            post_runtime: Distribution::default(),
        };
        window.add(used);
        window
    }

    fn is_of(&self, used: &Use<'_>) -> bool {
        self.minute == used.started_ms / MINUTE_MS
            && self.day == used.reported_ms / DAY_MS
            && self.qualifier.as_deref() == used.qualifier
    }

    fn add(&mut self, used: &Use<'_>) {
        let counted = &mut self.counted;
        let memory_mb_ms = u64::from(used.memory_mb).saturating_mul(used.billed_ms);
        let tmp_mb = used.tmp_mb.saturating_sub(TMP_FREE_MB);
        counted.requests += 1;
        counted.errors += u64::from(used.is_error);
        counted.billed_ms += used.billed_ms;
        counted.memory_mb_ms += memory_mb_ms;
        counted.tmp_mb_ms += u64::from(tmp_mb).saturating_mul(used.billed_ms);
        if used.is_provisioned {
            counted.provisioned_requests += 1;
            counted.provisioned_memory_mb_ms += memory_mb_ms;
        }
        self.duration.add(milliseconds(used.duration_us), 1.0);
        if let Some(post_runtime_us) = used.post_runtime_us {
            self.post_runtime.add(milliseconds(post_runtime_us), 1.0);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn whose() -> Whose {
        Whose {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            function: "f".into(),
            version: "$LATEST".into(),
        }
    }

    const USE: Use<'static> = Use {
        qualifier: None,
        started_ms: DAY_MS - 5,
        reported_ms: DAY_MS - 1,
        billed_ms: 4,
        memory_mb: 128,
        tmp_mb: 1024,
        duration_us: 3_500,
        post_runtime_us: None,
        is_error: false,
        is_provisioned: false,
    };

    #[test]
    fn what_is_counted_is_drained_once() {
        let meters = Meters::new();
        let meter = meters.meter(whose());
        meter.count(&USE);
        meter.count(&Use { is_error: true, is_provisioned: true, ..USE });
        let drained = meters.drain();
        let (_, windows) = &drained.meters[0];
        let expected = Counted {
            requests: 2,
            errors: 1,
            billed_ms: 8,
            memory_mb_ms: 2 * 4 * 128,
            tmp_mb_ms: 2 * 4 * 512,
            provisioned_requests: 1,
            provisioned_memory_mb_ms: 4 * 128,
        };
        assert_eq!((windows.len(), windows[0].counted), (1, expected));
        assert_eq!(windows[0].duration.sum(), 7.0);
        assert!(meters.drain().meters.is_empty());
        meter.count(&USE);
        assert_eq!(meters.drain().meters[0].1[0].counted.requests, 1);
    }

    #[test]
    fn minutes_days_and_qualifiers_are_apart() {
        let meters = Meters::new();
        let meter = meters.meter(whose());
        meter.count(&USE);
        meter.count(&Use { reported_ms: DAY_MS, ..USE });
        meter.count(&Use { started_ms: DAY_MS, reported_ms: DAY_MS, ..USE });
        meter.count(&Use { qualifier: Some("live"), ..USE });
        let drained = meters.drain();
        let times: Vec<_> =
            drained.meters[0].1.iter().map(|window| (window.minute, window.day)).collect();
        assert_eq!(times, [(1439, 0), (1439, 1), (1440, 1), (1439, 0)]);
    }

    #[test]
    fn notes_of_a_minute_are_one() {
        let meters = Meters::new();
        let Whose { account, region, .. } = whose();
        let subject = Subject { account, region, scope: Scope::Function("f".into()) };
        for now_ms in [0, 59_999, 60_000] {
            meters.note(&subject, Metric::Throttles, now_ms, 1.0);
        }
        let mut notes = meters.drain().notes;
        notes.sort_by_key(|note| note.minute);
        let counts: Vec<_> = notes.iter().map(|note| (note.minute, note.values.sum())).collect();
        assert_eq!(counts, [(0, 2.0), (1, 1.0)]);
    }

    #[test]
    fn whom_nobody_drains_counts_nothing() {
        let meter = Meters::default().meter(whose());
        meter.count(&USE);
        assert!(meter.windows.lock().unwrap().is_empty());
    }
}
