// SPDX-License-Identifier: Apache-2.0
//! What happens to functions beside invocations that end with a report: noted for the metrics of the namespace `AWS/Lambda`.
//!
//! Invocations themselves are counted by `worker`, where they are reported. Nothing here is on the way of one that runs.

use crate::Invoke;
use crate::function::Key;
use crate::service::Service;
use ::invoke::InvokeError;
use meter::{Metric, Subject};
use names::Qualifier;
use std::time::Duration;

impl<I: Invoke> Service<I> {
    /// Notes that something happened once to a function that was called by this qualifier.
    pub(crate) fn note(&self, key: &Key, qualifier: Option<&Qualifier>, metric: Metric) {
        self.note_value(key, qualifier, metric, 1.0);
    }

    pub(crate) fn note_age(&self, key: &Key, qualifier: Option<&Qualifier>, age: Duration) {
        self.note_value(key, qualifier, Metric::AsyncEventAge, age.as_secs_f64() * 1_000.0);
    }

    /// Notes a throttle, if it was one.
    pub(crate) fn note_throttle(
        &self,
        key: &Key,
        qualifier: Option<&Qualifier>,
        error: &InvokeError,
    ) {
        if matches!(error, InvokeError::Throttled { .. }) {
            self.note(key, qualifier, Metric::Throttles);
        }
    }

    fn note_value(&self, key: &Key, qualifier: Option<&Qualifier>, metric: Metric, value: f64) {
        let subject = Subject {
            account: key.account.clone(),
            region: key.region.clone(),
            function: key.name.as_str().into(),
            qualifier: qualifier.map(|qualifier| qualifier.to_string().into()),
        };
        let now_ms = u64::try_from((self.options.clock)().epoch_ms()).unwrap_or_default();
        self.options.meters.note(&subject, metric, now_ms, value);
    }
}
