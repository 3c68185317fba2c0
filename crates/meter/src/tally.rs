// SPDX-License-Identifier: Apache-2.0
//! What happens to queues, topics, rules and schedules, counted where it happens.
//!
//! There is one list for the whole server of those that counted something: a service needs to know nobody who reads it. Whoever
//! drains it says when that was, so that nobody who counts looks at a clock.
//!
//! Invariants:
//! - what never counted anything takes the room of a pointer;
//! - what nobody drains stays as small as what is counted has different names and orders of magnitude.

use crate::Distribution;
use names::{AccountId, Region};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What counted something since the list was drained.
static ACTIVE: Mutex<Vec<Arc<Counts>>> = Mutex::new(Vec::new());

/// A metric, by AWS's name and CloudWatch's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    pub name: &'static str,
    pub unit: &'static str,
}

impl Measure {
    pub const fn count(name: &'static str) -> Self {
        Self { name, unit: "Count" }
    }

    pub const fn bytes(name: &'static str) -> Self {
        Self { name, unit: "Bytes" }
    }

    pub const fn seconds(name: &'static str) -> Self {
        Self { name, unit: "Seconds" }
    }

    pub const fn milliseconds(name: &'static str) -> Self {
        Self { name, unit: "Milliseconds" }
    }
}

/// What metrics are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub account: AccountId,
    pub region: Region,
    /// As `AWS/SQS`.
    pub namespace: &'static str,
    /// A value counts once for each set of dimensions.
    pub dimensions: Vec<Vec<(&'static str, String)>>,
}

/// Counts for one resource. Clones that were made after the first value share it; what two of them count of the same resource is
/// added up all the same.
#[derive(Debug, Clone, Default)]
pub struct Tally(OnceLock<Arc<Counts>>);

#[derive(Debug)]
struct Counts {
    resource: Resource,
    values: Mutex<Vec<(Measure, Distribution)>>,
}

/// What was counted of a resource since the last time.
#[derive(Debug)]
pub struct Tallied {
    counts: Arc<Counts>,
    pub values: Vec<(Measure, Distribution)>,
}

impl Tally {
    /// Counts these, each once. Of what it is, is asked the first time.
    pub fn add(&self, resource: impl FnOnce() -> Resource, added: &[(Measure, f64)]) {
        let make = || Arc::new(Counts { resource: resource(), values: Mutex::default() });
        let counts = self.0.get_or_init(make);
        let is_first = {
            let mut values = lock(&counts.values);
            let is_first = values.is_empty();
            for (measure, value) in added {
                match values.iter_mut().find(|(known, _)| known == measure) {
                    Some((_, of_measure)) => of_measure.add(*value, 1.0),
                    None => values.push((*measure, Distribution::of(*value))),
                }
            }
            is_first && !added.is_empty()
        };
        // Who drains between the two finds it the next time.
        if is_first {
            lock(&ACTIVE).push(Arc::clone(counts));
        }
    }
}

impl Tallied {
    pub fn resource(&self) -> &Resource {
        &self.counts.resource
    }
}

/// Takes what all tallies counted.
pub fn drain_tallies() -> Vec<Tallied> {
    let active = std::mem::take(&mut *lock(&ACTIVE));
    let take = |counts: Arc<Counts>| {
        let values = std::mem::take(&mut *lock(&counts.values));
        Tallied { counts, values }
    };
    active.into_iter().map(take).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Measure = Measure::count("Sent");
    const SIZE: Measure = Measure::bytes("Size");

    fn resource() -> Resource {
        Resource {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            namespace: "AWS/Test",
            dimensions: vec![vec![("Name", "a".to_owned())]],
        }
    }

    // One test: the list is one for the whole process.
    #[test]
    fn what_is_counted_is_drained_once() {
        let tally = Tally::default();
        tally.add(resource, &[]);
        tally.add(|| unreachable!("it is known"), &[(SENT, 1.0), (SIZE, 100.0)]);
        tally.add(|| unreachable!("it is known"), &[(SENT, 1.0), (SIZE, 50.0)]);
        // One that was made again counts for the same.
        Tally::default().add(resource, &[(SENT, 1.0)]);
        let drained = drain_tallies();
        let sums: Vec<Vec<_>> = drained
            .iter()
            .map(|one| one.values.iter().map(|(measure, of)| (measure.name, of.sum())).collect())
            .collect();
        assert_eq!(sums, [vec![("Sent", 2.0), ("Size", 150.0)], vec![("Sent", 1.0)]]);
        assert!(drained.iter().all(|one| *one.resource() == resource()));
        assert!(drain_tallies().is_empty());
        tally.add(resource, &[(SENT, 1.0)]);
        assert_eq!(drain_tallies().len(), 1);
    }
}
