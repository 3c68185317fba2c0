// SPDX-License-Identifier: Apache-2.0
//! The namespace `AWS/Lambda`: what meters counted, as metrics. Pure.
//!
//! Each value counts for its account, its function, the version or alias that was called and, behind an alias, the version that
//! ran.

use crate::put::Kept;
use crate::series::{MetricKey, Place, SeriesKey};
use api::cloudwatch::{Dimension, StandardUnit};
use meter::{Distribution, Drained, Metric, Note, Whose, Window};

const NAMESPACE: &str = "AWS/Lambda";

/// All that was drained, as values of metrics.
pub(crate) fn values(drained: &Drained) -> Vec<Kept> {
    let mut values = Vec::new();
    for (meter, windows) in &drained.meters {
        for window in windows {
            of_window(meter.whose(), window, &mut values);
        }
    }
    for note in &drained.notes {
        of_note(note, &mut values);
    }
    values
}

fn of_window(whose: &Whose, window: &Window, values: &mut Vec<Kept>) {
    let Whose { account, region, function, version } = whose;
    let place = Place { account: account.clone(), region: region.clone() };
    let qualifier = window.qualifier.as_deref();
    let mut all = dimensions(function, qualifier);
    let is_alias =
        |name: &str| name != "$LATEST" && !name.bytes().all(|byte| byte.is_ascii_digit());
    if let (Some(most), true) = (all.last().cloned(), qualifier.is_some_and(is_alias)) {
        all.push([most, vec![dimension("ExecutedVersion", version)]].concat());
    }
    let counted = &window.counted;
    let times = |value: f64, count: u64| {
        let mut values = Distribution::default();
        if count > 0 {
            values.add(value, float(count));
        }
        values
    };
    // Each invocation is a value of these, most often 0: their average is a share. Throttles themselves are noted.
    let mut errors = times(1.0, counted.errors);
    errors.merge(&times(0.0, counted.requests - counted.errors.min(counted.requests)));
    for (metric, of_metric) in [
        (Metric::Invocations, times(1.0, counted.requests)),
        (Metric::Errors, errors),
        (Metric::Throttles, times(0.0, counted.requests)),
        (Metric::Duration, window.duration.clone()),
        (Metric::PostRuntimeExtensionsDuration, window.post_runtime.clone()),
        (Metric::ProvisionedConcurrencyInvocations, times(1.0, counted.provisioned_requests)),
    ] {
        if !of_metric.is_empty() {
            push(values, &place, &all, metric, window.minute, &of_metric);
        }
    }
}

fn of_note(note: &Note, values: &mut Vec<Kept>) {
    let subject = &note.subject;
    let place = Place { account: subject.account.clone(), region: subject.region.clone() };
    let all = dimensions(&subject.function, subject.qualifier.as_deref());
    push(values, &place, &all, note.metric, note.minute, &note.values);
}

fn push(
    values: &mut Vec<Kept>,
    place: &Place,
    all: &[Vec<Dimension>],
    metric: Metric,
    minute: u64,
    of_metric: &Distribution,
) {
    let unit = StandardUnit::parse(metric.unit()).unwrap_or(StandardUnit::None);
    for dimensions in all {
        let metric = MetricKey::new(place.clone(), NAMESPACE, metric.name(), dimensions);
        values.push((SeriesKey { metric, unit }, minute * 60, of_metric.clone(), false));
    }
}

/// From the account to what was called.
fn dimensions(function: &str, qualifier: Option<&str>) -> Vec<Vec<Dimension>> {
    let resource = match qualifier {
        Some(qualifier) => format!("{function}:{qualifier}"),
        None => function.to_owned(),
    };
    let function = dimension("FunctionName", function);
    vec![Vec::new(), vec![function.clone()], vec![function, dimension("Resource", &resource)]]
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension { name: name.to_owned(), value: value.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn float(count: u64) -> f64 {
    count as f64
}
