// SPDX-License-Identifier: Apache-2.0
//! The namespace `AWS/Lambda`: what meters counted, as metrics. Pure.
//!
//! Each value counts for its account, its function, the version or alias that was called and, behind an alias, the version that
//! ran. Levels are told of each of the first three on its own: the most that ran at once of two functions are not the most of both.

use crate::put::Kept;
use crate::series::{MetricKey, Place, SeriesKey};
use api::cloudwatch::{Dimension, StandardUnit};
use meter::{Distribution, Drained, Metric, Note, Scope, Whose, Window};

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
    let called =
        Scope::Resource { function: function.as_str().into(), qualifier: window.qualifier.clone() };
    let mut all = dimensions(&called);
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
    let mut all = dimensions(&subject.scope);
    if note.metric.is_level() {
        all.drain(..all.len() - 1);
    }
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

/// From the account to what is meant.
fn dimensions(scope: &Scope) -> Vec<Vec<Dimension>> {
    if let Scope::Mapping(id) = scope {
        return vec![vec![dimension("EventSourceMappingUUID", id)]];
    }
    let mut all = vec![Vec::new()];
    if let Scope::Function(function) | Scope::Resource { function, .. } = scope {
        all.push(vec![dimension("FunctionName", function)]);
    }
    if let Scope::Resource { function, qualifier } = scope {
        let resource = match qualifier {
            Some(qualifier) => format!("{function}:{qualifier}"),
            None => function.to_string(),
        };
        all.push(vec![dimension("FunctionName", function), dimension("Resource", &resource)]);
    }
    all
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension { name: name.to_owned(), value: value.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use meter::{Meters, Subject};

    fn check(scope: Scope, metric: Metric, expected: &[&str]) {
        let meters = Meters::new();
        let (account, region) = ("000000000000".parse().unwrap(), "us-east-1".parse().unwrap());
        meters.note(&Subject { account, region, scope }, metric, 60_000, 3.0);
        let values = values(&meters.drain());
        let text = |kept: &Kept| {
            let dimensions = kept.0.metric.dimensions.iter();
            let dimensions = dimensions.map(|(name, value)| format!("{name}={value}"));
            format!("{} {}", kept.2.max(), dimensions.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(values.iter().map(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_happened_counts_for_all_and_levels_for_themselves() {
        let live = || Scope::Resource { function: "f".into(), qualifier: Some("live".into()) };
        check(
            live(),
            Metric::Throttles,
            &["3 ", "3 FunctionName=f", "3 FunctionName=f Resource=f:live"],
        );
        check(live(), Metric::ConcurrentExecutions, &["3 FunctionName=f Resource=f:live"]);
        let function = Scope::Function("f".into());
        check(function, Metric::ConcurrentExecutions, &["3 FunctionName=f"]);
        let mapping = Scope::Mapping("id".into());
        check(mapping, Metric::PolledEventCount, &["3 EventSourceMappingUUID=id"]);
        check(Scope::Account, Metric::UnreservedConcurrentExecutions, &["3 "]);
    }
}
